//! `pid-unchecked`: a private file with the pid inside, linked to the lock's name; an empty lock counts as stale.
//!
//! The remedy for [`pid-late`](super::PID_LATE), by somebody who does not look whether the pid was written. On a
//! full disk it was not: the lock is taken with an empty file, and the next one clears that away.

use std::io;
use std::path::PathBuf;

use super::{PID_LATE, created, found, gone};
use crate::case::Faults;
use crate::fs;
use crate::lock::{Claim, Double, Least, Lock, TryLock, Withstands};

/// Whatever came of the write.
pub const PID_UNCHECKED: Double = Double {
    name: "pid-unchecked",
    what: "links a file with its pid, written or not; an empty lock counts as stale",
    promise: "excludes everyone, as long as no holder dies and every write succeeds",
    remedy: "take the lock only when the write has succeeded (and flush and close before the link, where errors \
             come late)",
    claim: Claim::Everyone,
    neighbour: Some(&PID_LATE),
    withstands: Withstands { crash: false, failure: false, ..Withstands::ALL },
    faults: &[Faults::FAILURE],
    least: &[Least::preemptions(1).with(Faults::FAILURE)],
    open: &|site| {
        let [path, private] = [site.path.clone(), site.beside(site.worker)];
        Ok(Box::new(PidUnchecked { path, private, worker: site.worker, written: false }))
    },
    ..Double::PLAIN
};

/// How often one try begins anew because somebody else was faster.
const ROUNDS: u32 = 3;

struct PidUnchecked {
    path: PathBuf,
    private: PathBuf,
    worker: u32,
    /// Is the private file there? It stays until this handle is dropped.
    written: bool,
}

impl PidUnchecked {
    fn attempt(&mut self) -> io::Result<TryLock> {
        if !self.written {
            // Here it is.
            let _ = fs::write(&self.private, self.worker.to_string());
            self.written = true;
        }
        for _ in 0..ROUNDS {
            if created(fs::hard_link(&self.private, &self.path))?.is_some() {
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

impl Lock for PidUnchecked {
    fn try_lock(&mut self) -> TryLock {
        self.attempt().unwrap_or_else(TryLock::Failed)
    }

    fn unlock(&mut self) -> io::Result<()> {
        gone(fs::remove_file(&self.path))
    }
}

impl Drop for PidUnchecked {
    fn drop(&mut self) {
        if self.written {
            let _ = fs::remove_file(&self.private);
        }
    }
}
