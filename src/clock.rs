//! The clock that a waiting lock goes by: the machine's in a realtime run, a virtual one in tests.
//! (A stepped run never waits: its board knows when a worker's patience ends.)

use std::cell::Cell;
use std::time::{Duration, Instant};

/// Tells the time and lets it pass.
pub trait Clock {
    /// Time since the clock was made.
    fn now(&self) -> Duration;
    /// Comes back when so much time has passed.
    fn sleep(&self, duration: Duration);
}

/// The machine's monotonic clock.
#[derive(Clone, Copy, Debug)]
pub struct Real(Instant);

impl Default for Real {
    fn default() -> Self {
        Real(Instant::now())
    }
}

impl Clock for Real {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }

    fn sleep(&self, duration: Duration) {
        std::thread::sleep(duration);
    }
}

/// A clock that moves when somebody sleeps, and at no other time.
#[derive(Debug, Default)]
pub struct Virtual {
    now: Cell<Duration>,
    sleeps: Cell<u64>,
}

impl Virtual {
    /// How often somebody slept.
    pub fn sleeps(&self) -> u64 {
        self.sleeps.get()
    }
}

impl Clock for Virtual {
    fn now(&self) -> Duration {
        self.now.get()
    }

    fn sleep(&self, duration: Duration) {
        self.now.set(self.now.get() + duration);
        self.sleeps.set(self.sleeps.get() + 1);
    }
}
