//! `symlink`: a symbolic link to nowhere as a lock; its target names the holder.
//!
//! emacs's `.#file`, Firefox's profile lock, Mercurial's repository lock: link and content come into
//! being in one step, so nobody ever sees a lock without its holder's name.

use std::io;
use std::path::PathBuf;

use super::{EXISTS_CREATE, created};
use crate::case::Faults;
use crate::fs;
use crate::lock::{Claim, Double, Least, Lock, TryLock};

/// A link to nowhere as a lock.
pub const SYMLINK: Double = Double {
    name: "symlink",
    what: "creates a symbolic link whose target names the holder, unlinks it",
    promise: "excludes everyone, as long as no holder dies",
    claim: Claim::Everyone,
    neighbour: Some(&EXISTS_CREATE),
    open: &|site| Ok(Box::new(Symlink { path: site.path.clone(), worker: site.worker })),
    faults: &[Faults::CRASH],
    least: &[Least::killed()],
    ..Double::PLAIN
};

struct Symlink {
    path: PathBuf,
    worker: u32,
}

impl Lock for Symlink {
    fn try_lock(&mut self) -> TryLock {
        match created(fs::symlink(self.worker.to_string(), &self.path)) {
            Ok(Some(_)) => TryLock::Acquired,
            Ok(None) => TryLock::WouldBlock,
            Err(why) => TryLock::Failed(why),
        }
    }

    fn unlock(&mut self) -> io::Result<()> {
        fs::remove_file(&self.path)
    }
}
