//! `pid-late`: created empty, pid written afterwards; an empty file counts as stale.
//!
//! The obvious next bug after [`exists-create`](super::EXISTS_CREATE): O_EXCL is right, but somebody once
//! found an empty lock file after a crash and taught the program to clear it away. It breaks between
//! creation and write: the holder's file is empty for a moment.

use std::io::{self, Write};
use std::path::PathBuf;

use super::{created, found, gone};
use crate::fs::{self, File};
use crate::lock::{Claim, Double, Least, Lock, TryLock};

/// An empty file counts as stale.
pub const PID_LATE: Double = Double {
    name: "pid-late",
    what: "O_EXCL, then writes its pid; an empty file counts as stale",
    promise: "excludes nobody: a fresh lock file is empty until its pid is written",
    remedy: "never take an empty file for stale; write the pid into a private file and link(2) it to \
             the lock's name, so that the lock is never seen without its pid",
    claim: Claim::Nobody,
    open: &|site| Ok(Box::new(PidLate { path: site.path.clone(), worker: site.worker })),
    least: &[Least::preemptions(2)],
    ..Double::PLAIN
};

/// How often one try begins anew because somebody else was faster.
const ROUNDS: u32 = 3;

struct PidLate {
    path: PathBuf,
    worker: u32,
}

impl PidLate {
    fn attempt(&self) -> io::Result<TryLock> {
        for _ in 0..ROUNDS {
            if let Some(mut file) = created(File::create_new(&self.path))? {
                file.write_all(self.worker.to_string().as_bytes())?;
                return Ok(TryLock::Acquired);
            }
            let Some(holder) = found(fs::read_to_string(&self.path))? else { continue };
            if !holder.is_empty() {
                return Ok(TryLock::WouldBlock);
            }
            gone(fs::remove_file(&self.path))?;
        }
        Ok(TryLock::WouldBlock)
    }
}

impl Lock for PidLate {
    fn try_lock(&mut self) -> TryLock {
        self.attempt().unwrap_or_else(TryLock::Failed)
    }

    fn unlock(&mut self) -> io::Result<()> {
        gone(fs::remove_file(&self.path))
    }
}
