//! `mtime-stale`: a folder is the lock, and one that is old is taken over with rmdir and mkdir.
//!
//! npm's lockfile package and many scripts: a lock that is older than any holder would need is left over
//! from a crash. It breaks because looking at the age and removing are two steps. Two workers see the same
//! old folder; one removes it and makes its own; the other removes that one.

use std::fs::{File, FileTimes};
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::{created, found, gone};
use crate::fs;
use crate::lock::{Claim, Double, Least, Lock, TryLock};
use crate::time;

/// Take over what is old.
pub const MTIME_STALE: Double = Double {
    name: "mtime-stale",
    what: "mkdir; an old folder is taken over with rmdir and mkdir",
    promise: "excludes nobody: what is removed may be younger than what was looked at",
    claim: Claim::Nobody,
    open: &|site| {
        if site.worker == 1 {
            // What a crash has left, long before.
            std::fs::create_dir(&site.path)?;
            let old = time::at(Duration::ZERO) - 2 * STALE;
            File::open(&site.path)?.set_times(FileTimes::new().set_modified(old))?;
        }
        Ok(Box::new(MtimeStale(site.path.clone())))
    },
    least: &[Least::preemptions(2)],
    ..Double::PLAIN
};

/// So old a lock is nobody's.
const STALE: Duration = Duration::from_secs(10);

/// How often one try begins anew because somebody else was faster.
const ROUNDS: u32 = 3;

struct MtimeStale(PathBuf);

impl MtimeStale {
    fn attempt(&self) -> io::Result<TryLock> {
        for _ in 0..ROUNDS {
            if created(fs::create_dir(&self.0))?.is_some() {
                return Ok(TryLock::Acquired);
            }
            let Some(folder) = found(fs::metadata(&self.0))? else { continue };
            let of_age = folder.modified()? + STALE;
            if time::now() < of_age {
                time::due(of_age);
                return Ok(TryLock::WouldBlock);
            }
            gone(fs::remove_dir(&self.0))?;
        }
        Ok(TryLock::WouldBlock)
    }
}

impl Lock for MtimeStale {
    fn try_lock(&mut self) -> TryLock {
        self.attempt().unwrap_or_else(TryLock::Failed)
    }

    fn unlock(&mut self) -> io::Result<()> {
        gone(fs::remove_dir(&self.0))
    }
}
