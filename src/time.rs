//! The clock, as locks with an age or an end look at it.
//!
//! Outside a run it is the machine's. In a run it is the run's: it begins in 2001 and moves only when nobody
//! can go on, or when a stall is among the faults; where a jump is among them, it is set back by [`JUMP`]. The
//! times of the files that [`crate::fs`] makes and writes are on the same clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::stage;

/// Where the clock of a run begins: a round number of seconds.
const BEGINNING: Duration = Duration::from_secs(1_000_000_000);

/// So far is the clock of a run set back when it jumps: an hour, as where somebody takes the end of summer time
/// for an hour less. Who sleeps does not sleep longer for it.
pub const JUMP: Duration = Duration::from_secs(3600);

/// As [`SystemTime::now`].
pub fn now() -> SystemTime {
    stage::now().unwrap_or_else(SystemTime::now)
}

/// When a run's clock began, and so much later.
pub fn at(since_the_beginning: Duration) -> SystemTime {
    UNIX_EPOCH + BEGINNING + since_the_beginning
}

/// As [`std::thread::sleep`]; see [`stage::sleep`].
pub fn sleep(duration: Duration) {
    stage::sleep(duration);
}

/// What was found since the attempt to take the lock began may be another from this time on, though nobody
/// changes anything: who is blocked tries again then. Outside a run it means nothing.
pub fn due(time: SystemTime) {
    stage::due(time);
}
