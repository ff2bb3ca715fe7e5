//! The clock, as locks with an age or an end look at it.
//!
//! Outside a run it is the machine's. In a run it is the run's: it begins in 2001 and moves only when nobody
//! can go on, or when a stall is among the faults. The times of the files that [`crate::fs`] makes and writes
//! are on the same clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::stage;

/// Where the clock of a run begins: a round number of seconds.
const BEGINNING: Duration = Duration::from_secs(1_000_000_000);

/// As [`SystemTime::now`].
pub fn now() -> SystemTime {
    stage::now().map_or_else(SystemTime::now, at)
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
    if let Ok(since) = time.duration_since(at(Duration::ZERO)) {
        stage::due(since);
    }
}
