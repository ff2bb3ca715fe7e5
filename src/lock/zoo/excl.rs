//! `excl`: create the lock file with O_EXCL, unlink it on release.
//!
//! git's index.lock, and most lock files that are right. What it cannot do is end with its holder: after
//! a crash the file stays.

use std::io;
use std::path::PathBuf;

use super::{EXISTS_CREATE, created};
use crate::case::Faults;
use crate::fs::{self, File};
use crate::lock::{Claim, Double, Least, Lock, TryLock};

/// Create or fail.
pub const EXCL: Double = Double {
    name: "excl",
    what: "creates the lock file with O_EXCL, unlinks it",
    promise: "excludes everyone, as long as no holder dies",
    claim: Claim::Everyone,
    neighbour: Some(&EXISTS_CREATE),
    open: &|site| Ok(Box::new(Excl(site.path.clone()))),
    faults: &[Faults::CRASH, Faults::FAILURE],
    least: &[Least::killed()],
    ..Double::PLAIN
};

struct Excl(PathBuf);

impl Lock for Excl {
    fn try_lock(&mut self) -> TryLock {
        match created(File::create_new(&self.0)) {
            Ok(Some(_)) => TryLock::Acquired,
            Ok(None) => TryLock::WouldBlock,
            Err(why) => TryLock::Failed(why),
        }
    }

    fn unlock(&mut self) -> io::Result<()> {
        fs::remove_file(&self.0)
    }
}
