//! `hardlink`: link a private file to the lock's name, and believe st_nlink, not the result of link(2).
//!
//! open(2) recommends it for NFS, where the answer to a link that succeeded may get lost; the mail
//! programs' lockfile(1) does it.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use super::{RENAME_LOCK, created};
use crate::case::Faults;
use crate::fs;
use crate::lock::{Claim, Double, Least, Lock, TryLock};

/// A second name as a lock.
pub const HARDLINK: Double = Double {
    name: "hardlink",
    what: "links a private file to the lock's name, holds if it has two names then",
    promise: "excludes everyone, as long as no holder dies",
    claim: Claim::Everyone,
    neighbour: Some(&RENAME_LOCK),
    open: &|site| {
        let [path, private] = [site.path.clone(), site.beside(site.worker)];
        Ok(Box::new(Hardlink { path, private, worker: site.worker, written: false }))
    },
    faults: &[Faults::CRASH, Faults::FAILURE],
    least: &[Least::killed()],
    ..Double::PLAIN
};

struct Hardlink {
    path: PathBuf,
    private: PathBuf,
    worker: u32,
    /// Is the private file there? It stays until this handle is dropped.
    written: bool,
}

impl Hardlink {
    fn attempt(&mut self) -> io::Result<TryLock> {
        if !self.written {
            fs::write(&self.private, self.worker.to_string())?;
            self.written = true;
        }
        let linked = fs::hard_link(&self.private, &self.path);
        // Whatever it says; but somebody else has the lock only if the name is taken.
        if fs::metadata(&self.private)?.nlink() == 2 {
            return Ok(TryLock::Acquired);
        }
        created(linked)?;
        Ok(TryLock::WouldBlock)
    }
}

impl Lock for Hardlink {
    fn try_lock(&mut self) -> TryLock {
        self.attempt().unwrap_or_else(TryLock::Failed)
    }

    fn unlock(&mut self) -> io::Result<()> {
        fs::remove_file(&self.path)
    }
}

impl Drop for Hardlink {
    fn drop(&mut self) {
        if self.written {
            let _ = fs::remove_file(&self.private);
        }
    }
}
