//! `flock-unlink`: flock(2) on a file that its holder unlinks on release, without a second look.
//!
//! flock(1) in a script with `rm` at the end; several build tools had it. A waiter has the file open
//! when the holder unlinks it, and gets the lock of a file that nobody can find any more; the next one
//! to come creates a new file and locks that.

use std::io;
use std::path::PathBuf;

use super::{flocked, gone};
use crate::fs::{self, File, OpenOptions};
use crate::lock::{Claim, Double, Least, Lock, TryLock};

/// Unlinked on release, no second look.
pub const FLOCK_UNLINK: Double = Double {
    name: "flock-unlink",
    what: "flock on a file that its holder unlinks on release",
    promise: "excludes nobody: a waiter gets the lock of a file that has no name",
    remedy: "do not remove the file; or, once the lock is granted, compare the inode of the open file \
             with that of the path, and open anew if they differ (as flock-checked does)",
    claim: Claim::Nobody,
    workers: 3,
    open: &|site| Ok(Box::new(FlockUnlink { path: site.path.clone(), file: None })),
    least: &[Least::preemptions(2)],
    ..Double::PLAIN
};

struct FlockUnlink {
    path: PathBuf,
    /// Open while it waits, and while it holds.
    file: Option<File>,
}

impl FlockUnlink {
    fn attempt(&mut self) -> io::Result<TryLock> {
        let file = match self.file.take() {
            Some(file) => file,
            None => OpenOptions::new().write(true).create(true).open(&self.path)?,
        };
        let outcome = flocked(file.try_lock())?;
        self.file = Some(file);
        Ok(outcome)
    }
}

impl Lock for FlockUnlink {
    fn try_lock(&mut self) -> TryLock {
        self.attempt().unwrap_or_else(TryLock::Failed)
    }

    fn unlock(&mut self) -> io::Result<()> {
        gone(fs::remove_file(&self.path))?;
        self.file = None;
        Ok(())
    }
}
