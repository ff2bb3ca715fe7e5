//! `flock`: an exclusive flock(2) on a lock file, through fs2.

use std::fs::{File, OpenOptions};
use std::io;

use fs2::FileExt;

use super::zoo::FLOCK_UPGRADE;
use super::{Claim, Double, Lock, LockError, Site, TryLock, Withstands};
use crate::case::Faults;
use crate::clock::Clock;

/// The lock of a program that leaves it to the kernel.
pub const FLOCK: Double = Double {
    name: "flock",
    what: "fs2 exclusive lock on a lock file, opened by each worker",
    promise: "excludes everyone; the kernel gives it back when its holder dies",
    claim: Claim::Everyone,
    neighbour: Some(&FLOCK_UPGRADE),
    atomic: true,
    open: &|site: &Site| {
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&site.path)?;
        Ok(Box::new(Flock(file)))
    },
    withstands: Withstands::ALL,
    faults: &[Faults::CRASH],
    ..Double::PLAIN
};

struct Flock(File);

impl Lock for Flock {
    fn try_lock(&mut self) -> TryLock {
        match FileExt::try_lock_exclusive(&self.0) {
            Ok(()) => TryLock::Acquired,
            Err(why) if why.kind() == io::ErrorKind::WouldBlock => TryLock::WouldBlock,
            Err(why) => TryLock::Failed(why),
        }
    }

    fn lock(&mut self, _: &dyn Clock) -> Result<(), LockError> {
        Ok(FileExt::lock_exclusive(&self.0)?)
    }

    fn unlock(&mut self) -> io::Result<()> {
        FileExt::unlock(&self.0)
    }
}
