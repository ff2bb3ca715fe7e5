//! `flag`: a boolean that every instance keeps for itself.

use std::io;
use std::time::Duration;

use super::{Claim, Double, Lock, LockError, Site, TryLock, poll};
use crate::clock::Clock;

const PAUSE: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(60);

/// The lock of the cache that the experiment began with.
pub const FLAG: Double = Double {
    name: "flag",
    what: "a boolean in each instance; looks every 0.1 s, gives up after 60 s",
    promise: "excludes nobody: no two workers look at the same boolean",
    remedy: "share one lock: a mutex that all threads get from one place, and a lock of the kernel \
             (flock, a semaphore) between processes",
    claim: Claim::Nobody,
    patience: Some(PATIENCE),
    atomic: true,
    open: &|_: &Site| Ok(Box::new(Flag::default())),
    ..Double::PLAIN
};

#[derive(Default)]
struct Flag {
    locked: bool,
}

impl Lock for Flag {
    fn try_lock(&mut self) -> TryLock {
        if std::mem::replace(&mut self.locked, true) { TryLock::WouldBlock } else { TryLock::Acquired }
    }

    fn lock(&mut self, clock: &dyn Clock) -> Result<(), LockError> {
        poll(clock, PAUSE, PATIENCE, || self.try_lock())
    }

    fn unlock(&mut self) -> io::Result<()> {
        self.locked = false;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Virtual;

    #[test]
    fn a_flag_that_stays_up_is_given_up_after_a_minute_of_its_clock() {
        let clock = Virtual::default();
        let mut flag = Flag { locked: true };
        assert!(matches!(flag.lock(&clock), Err(LockError::GaveUp(PATIENCE))));
        assert_eq!(clock.now(), PATIENCE);
        assert_eq!(clock.sleeps(), 600);
    }

    #[test]
    fn a_flag_keeps_out_its_own_instance_only() {
        let (mut one, mut other) = (Flag::default(), Flag::default());
        assert!(matches!(one.try_lock(), TryLock::Acquired));
        assert!(matches!(one.try_lock(), TryLock::WouldBlock));
        assert!(matches!(other.try_lock(), TryLock::Acquired));
        one.unlock().unwrap();
        assert!(matches!(one.try_lock(), TryLock::Acquired));
    }
}
