//! `ofd`: an open file description lock (fcntl(2), F_OFD_SETLK) on the whole lock file.
//!
//! The record lock that threads can use, and that nobody loses by closing another handle; SQLite and
//! QEMU have moved to it.

use std::io;

use super::{FLOCK_UPGRADE, flocked};
use crate::case::Faults;
use crate::fs::{File, OpenOptions};
use crate::lock::{Claim, Double, Lock, TryLock, Withstands};

/// A record lock that belongs to an open file.
pub const OFD: Double = Double {
    name: "ofd",
    what: "OFD lock on a lock file, opened by each worker",
    promise: "excludes everyone; the kernel gives it back when its holder dies",
    claim: Claim::Everyone,
    neighbour: Some(&FLOCK_UPGRADE),
    open: &|site| {
        let file = OpenOptions::new().write(true).create(true).open(&site.path)?;
        Ok(Box::new(Ofd(file)))
    },
    withstands: Withstands::ALL,
    faults: &[Faults::CRASH],
    ..Double::PLAIN
};

struct Ofd(File);

impl Lock for Ofd {
    fn try_lock(&mut self) -> TryLock {
        flocked(self.0.try_lock_ofd()).unwrap_or_else(TryLock::Failed)
    }

    fn unlock(&mut self) -> io::Result<()> {
        self.0.unlock_ofd()
    }
}
