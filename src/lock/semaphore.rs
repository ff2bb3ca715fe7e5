//! `semaphore`: a POSIX semaphore in memory that all processes share.

use std::io;

use super::{Claim, Double, FLAG, Least, Lock, LockError, TryLock};
use crate::case::Faults;
use crate::clock::Clock;
use crate::sys::semaphore::Semaphore;

/// The lock of a program that has processes in mind.
pub const SEMAPHORE: Double = Double {
    name: "semaphore",
    what: "POSIX semaphore shared between processes",
    promise: "excludes everyone, as long as no holder dies",
    claim: Claim::Everyone,
    neighbour: Some(&FLAG),
    atomic: true,
    open: &|site| Ok(Box::new(Shared(site.semaphore))),
    faults: &[Faults::CRASH],
    least: &[Least::killed()],
    ..Double::PLAIN
};

struct Shared<'a>(&'a Semaphore);

impl Lock for Shared<'_> {
    fn try_lock(&mut self) -> TryLock {
        match self.0.try_wait() {
            Ok(true) => TryLock::Acquired,
            Ok(false) => TryLock::WouldBlock,
            Err(why) => TryLock::Failed(why),
        }
    }

    fn lock(&mut self, _: &dyn Clock) -> Result<(), LockError> {
        Ok(self.0.wait()?)
    }

    fn unlock(&mut self) -> io::Result<()> {
        self.0.post()
    }
}
