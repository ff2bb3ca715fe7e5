//! `timeout-release`: a waiter that gives up releases all the same.
//!
//! `try: lock.acquire(timeout=1)` with the release in `finally`, and every guard that is made before
//! the lock is taken. The unlink of one that never had the lock takes it from who has; its next try
//! succeeds.

use std::io;
use std::path::PathBuf;

use super::{created, gone};
use crate::fs::{self, File};
use crate::lock::{Claim, Double, Least, Lock, TryLock};

/// Gives back what it never had.
pub const TIMEOUT_RELEASE: Double = Double {
    name: "timeout-release",
    what: "O_EXCL; gives up on its second look, and then unlinks all the same",
    promise: "excludes nobody: who gives up gives back another's lock",
    remedy: "give back only what was taken: make the guard that releases after the lock is granted, not \
             before",
    claim: Claim::Nobody,
    workers: 3,
    open: &|site| Ok(Box::new(TimeoutRelease { path: site.path.clone(), waited: 0 })),
    least: &[Least::preemptions(2)],
    ..Double::PLAIN
};

/// After so many looks it gives up.
const PATIENCE: u32 = 2;

struct TimeoutRelease {
    path: PathBuf,
    waited: u32,
}

impl TimeoutRelease {
    fn attempt(&mut self) -> io::Result<TryLock> {
        loop {
            if created(File::create_new(&self.path))?.is_some() {
                self.waited = 0;
                return Ok(TryLock::Acquired);
            }
            self.waited += 1;
            if self.waited < PATIENCE {
                return Ok(TryLock::WouldBlock);
            }
            // Its caller cleans up, and comes back at once.
            self.waited = 0;
            gone(fs::remove_file(&self.path))?;
        }
    }
}

impl Lock for TimeoutRelease {
    fn try_lock(&mut self) -> TryLock {
        self.attempt().unwrap_or_else(TryLock::Failed)
    }

    fn unlock(&mut self) -> io::Result<()> {
        gone(fs::remove_file(&self.path))
    }
}
