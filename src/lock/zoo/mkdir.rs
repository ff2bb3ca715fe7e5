//! `mkdir`: a folder as a lock; mkdir(2) fails where there is one.
//!
//! The lock of shell scripts, npm's and Mercurial's neighbours, and everything that distrusted O_EXCL
//! on NFS.

use std::io;
use std::path::PathBuf;

use super::{EXISTS_CREATE, created};
use crate::case::Faults;
use crate::fs;
use crate::lock::{Claim, Double, Least, Lock, TryLock};

/// A folder as a lock.
pub const MKDIR: Double = Double {
    name: "mkdir",
    what: "creates a folder, removes it",
    promise: "excludes everyone, as long as no holder dies",
    claim: Claim::Everyone,
    neighbour: Some(&EXISTS_CREATE),
    open: &|site| Ok(Box::new(Mkdir(site.path.clone()))),
    faults: &[Faults::CRASH],
    least: &[Least::killed()],
    ..Double::PLAIN
};

struct Mkdir(PathBuf);

impl Lock for Mkdir {
    fn try_lock(&mut self) -> TryLock {
        match created(fs::create_dir(&self.0)) {
            Ok(Some(_)) => TryLock::Acquired,
            Ok(None) => TryLock::WouldBlock,
            Err(why) => TryLock::Failed(why),
        }
    }

    fn unlock(&mut self) -> io::Result<()> {
        fs::remove_dir(&self.0)
    }
}
