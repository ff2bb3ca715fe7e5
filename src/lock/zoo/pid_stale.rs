//! `pid-stale`: O_EXCL with the holder's pid inside; whoever finds a dead pid unlinks and creates.
//!
//! The pid files of daemons, of apt's and emacs's kind. It breaks between reading the pid and unlinking:
//! the reader looks for a process that has given the lock back and gone, while a third takes the lock,
//! and it is the third's file that the reader unlinks.
//!
//! Workers may be threads of one process, and processes serve many cases, so the system's table of
//! processes is played by a file for each worker, there from when it opens the lock until it exits.

use std::io::{self, Write};
use std::path::PathBuf;

use super::{created, found, gone};
use crate::fs::{self, File};
use crate::lock::{Claim, Double, Least, Lock, TryLock};

/// Unlink what a dead process left.
pub const PID_STALE: Double = Double {
    name: "pid-stale",
    what: "O_EXCL with a pid inside; who finds a dead pid unlinks and creates",
    promise: "excludes nobody: between the look at the pid and the unlink the file may be another's",
    remedy: "never remove what another may have made anew: hold flock on the file while its pid is \
             looked at and replaced, or use flock alone, which ends with its holder",
    claim: Claim::Nobody,
    workers: 3,
    open: &|site| {
        // A process is in the table before its first step, so nobody can tell when it came.
        std::fs::write(site.beside(site.worker), "")?;
        let processes = (1..=site.workers).map(|worker| site.beside(worker)).collect();
        Ok(Box::new(PidStale { path: site.path.clone(), processes, worker: site.worker }))
    },
    least: &[Least::preemptions(3)],
    ..Double::PLAIN
};

/// How often one try begins anew because somebody else was faster.
const ROUNDS: u32 = 3;

struct PidStale {
    path: PathBuf,
    processes: Vec<PathBuf>,
    worker: u32,
}

impl PidStale {
    fn attempt(&self) -> io::Result<TryLock> {
        for _ in 0..ROUNDS {
            if let Some(mut file) = created(File::create_new(&self.path))? {
                let written = file.write_all(self.worker.to_string().as_bytes());
                written.inspect_err(|_| drop(fs::remove_file(&self.path)))?;
                return Ok(TryLock::Acquired);
            }
            let Some(holder) = found(fs::read_to_string(&self.path))? else { continue };
            if self.lives(&holder)? {
                return Ok(TryLock::WouldBlock);
            }
            gone(fs::remove_file(&self.path))?;
        }
        Ok(TryLock::WouldBlock)
    }

    /// As kill(pid, 0). A pid that is not written yet is taken for a living one.
    fn lives(&self, holder: &str) -> io::Result<bool> {
        holder.parse().map_or(Ok(true), |worker: usize| fs::exists(&self.processes[worker - 1]))
    }
}

impl Lock for PidStale {
    fn try_lock(&mut self) -> TryLock {
        self.attempt().unwrap_or_else(TryLock::Failed)
    }

    fn unlock(&mut self) -> io::Result<()> {
        gone(fs::remove_file(&self.path))
    }
}

impl Drop for PidStale {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.processes[self.worker as usize - 1]);
    }
}
