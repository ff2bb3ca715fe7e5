//! The part of [`std::thread`] that a waiting lock needs: [`sleep()`] and [`yield_now`], seen by a run.
//! Everything else is std's.

use std::time::Duration;

pub use std::thread::*;

use crate::stage;

/// As [`std::thread::sleep`]. In a run nobody sleeps for real; see [`stage::sleep`].
pub fn sleep(duration: Duration) {
    stage::sleep(duration);
}

/// As [`std::thread::yield_now`]. In a run it is a sleep: whoever yields waits for somebody else.
pub fn yield_now() {
    if stage::in_run() { stage::sleep(Duration::ZERO) } else { std::thread::yield_now() }
}
