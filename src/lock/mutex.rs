//! `mutex`: std's Mutex, one for each process.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

use super::{Claim, Double, FLAG, Lock, LockError, Site, TryLock};
use crate::clock::Clock;

/// The lock of a program that has threads in mind.
pub const MUTEX: Double = Double {
    name: "mutex",
    what: "std Mutex, one for each process",
    promise: "excludes the threads of one process; each process has a mutex of its own",
    claim: Claim::SameProcess,
    neighbour: Some(&FLAG),
    atomic: true,
    open: &|site: &Site| Ok(Box::new(StdMutex::at(site))),
    ..Double::PLAIN
};

/// One worker's handle on the mutex of its process.
pub(super) struct StdMutex {
    mutex: &'static Mutex<()>,
    guard: Option<MutexGuard<'static, ()>>,
}

impl StdMutex {
    pub(super) fn at(site: &Site<'_>) -> Self {
        StdMutex { mutex: site.mutex, guard: None }
    }
}

impl Lock for StdMutex {
    fn try_lock(&mut self) -> TryLock {
        // The mutex guards no data, so a poisoned one is as good as any.
        self.guard = match self.mutex.try_lock() {
            Ok(guard) => Some(guard),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => return TryLock::WouldBlock,
        };
        TryLock::Acquired
    }

    fn lock(&mut self, _: &dyn Clock) -> Result<(), LockError> {
        self.guard = Some(self.mutex.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(())
    }

    fn unlock(&mut self) -> io::Result<()> {
        self.guard = None;
        Ok(())
    }
}
