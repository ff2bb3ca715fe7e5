//! `rename-lock`: write a private file, look whether the lock is there, rename it onto the lock.
//!
//! "rename(2) is atomic" has made many a program do this. It is, and it overwrites: of two that looked
//! before either renamed, the second replaces the first, and both hold.

use std::io;
use std::path::PathBuf;

use super::gone;
use crate::fs;
use crate::lock::{Claim, Double, Least, Lock, TryLock};

/// Look, then rename onto it.
pub const RENAME_LOCK: Double = Double {
    name: "rename-lock",
    what: "writes a private file, looks, renames it onto the lock file",
    promise: "excludes nobody: a rename onto a lock that came since replaces it",
    remedy: "take a call that fails where the name is taken: link(2) of the private file, or renameat2 \
             with RENAME_NOREPLACE",
    claim: Claim::Nobody,
    open: &|site| {
        let [path, private] = [site.path.clone(), site.beside(site.worker)];
        Ok(Box::new(RenameLock { path, private, worker: site.worker, written: false }))
    },
    least: &[Least::preemptions(2)],
    ..Double::PLAIN
};

struct RenameLock {
    path: PathBuf,
    private: PathBuf,
    worker: u32,
    /// Is the private file there? It stays while this handle waits.
    written: bool,
}

impl RenameLock {
    fn attempt(&mut self) -> io::Result<TryLock> {
        if !self.written {
            fs::write(&self.private, self.worker.to_string())?;
            self.written = true;
        }
        if fs::exists(&self.path)? {
            return Ok(TryLock::WouldBlock);
        }
        fs::rename(&self.private, &self.path)?;
        self.written = false;
        Ok(TryLock::Acquired)
    }
}

impl Lock for RenameLock {
    fn try_lock(&mut self) -> TryLock {
        self.attempt().unwrap_or_else(TryLock::Failed)
    }

    fn unlock(&mut self) -> io::Result<()> {
        gone(fs::remove_file(&self.path))
    }
}

impl Drop for RenameLock {
    fn drop(&mut self) {
        if self.written {
            let _ = fs::remove_file(&self.private);
        }
    }
}
