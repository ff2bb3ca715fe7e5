//! `flock-upgrade`: read under a shared flock, upgrade it to an exclusive one, write.
//!
//! Databases and package indices: "free" is a word in a file, many read it at once, who wants to change
//! it upgrades. flock(2) has no upgrade: it gives the shared lock up and then asks for the exclusive
//! one. Whoever read before that writes what was true then. The remedy is to read again.

use std::io;
use std::path::PathBuf;

use super::flocked;
use crate::fs::{self, File, OpenOptions};
use crate::lock::{Claim, Double, Least, Lock, TryLock};

/// Read, upgrade, write.
pub const FLOCK_UPGRADE: Double = Double {
    name: "flock-upgrade",
    what: "reads under a shared flock, upgrades to exclusive, writes, no re-read",
    promise: "excludes nobody: another may have written before the upgrade was granted",
    remedy: "read again once the exclusive lock is granted, or ask for the exclusive lock from the \
             start",
    claim: Claim::Nobody,
    open: &|site| {
        let options = OpenOptions::new().write(true).create(true).clone();
        let (path, worker) = (site.path.clone(), site.worker);
        Ok(Box::new(FlockUpgrade { file: options.open(&path)?, path, worker, state: State::Idle }))
    },
    least: &[Least::preemptions(2)],
    ..Double::PLAIN
};

struct FlockUpgrade {
    path: PathBuf,
    file: File,
    worker: u32,
    state: State,
}

/// How far it is. Whoever waits keeps what it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It has nothing.
    Idle,
    /// It has the shared lock, and reads until nobody holds.
    Reading,
    /// It has read that nobody holds, and waits for the exclusive lock.
    Upgrading,
}

impl FlockUpgrade {
    fn attempt(&mut self) -> io::Result<TryLock> {
        if self.state == State::Idle {
            if let TryLock::WouldBlock = flocked(self.file.try_lock_shared())? {
                return Ok(TryLock::WouldBlock);
            }
            self.state = State::Reading;
        }
        if self.state == State::Reading {
            if !fs::read_to_string(&self.path)?.is_empty() {
                return Ok(TryLock::WouldBlock);
            }
            self.state = State::Upgrading;
        }
        if let TryLock::WouldBlock = flocked(self.file.try_lock())? {
            return Ok(TryLock::WouldBlock);
        }
        fs::write(&self.path, self.worker.to_string())?;
        self.file.unlock()?;
        self.state = State::Idle;
        Ok(TryLock::Acquired)
    }
}

impl Lock for FlockUpgrade {
    fn try_lock(&mut self) -> TryLock {
        self.attempt().unwrap_or_else(TryLock::Failed)
    }

    fn unlock(&mut self) -> io::Result<()> {
        fs::write(&self.path, "")
    }
}
