//! The clock that the workers see, and the times of the files they make.

use std::collections::HashMap;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use super::table::Form;

/// A file, by its device and number.
pub(super) type Inode = (u64, u64);

/// Seconds and nanoseconds since 1970.
pub(super) type Stamp = (i64, u32);

const NANOS: i128 = 1_000_000_000;

/// Which times of a file, in the order in which struct stat has them; the last is its birth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of {
    Access = 0,
    Modify = 1,
    Change = 2,
    Birth = 3,
}

/// Time as a run has it: it moves when nobody can go on, and by a stall.
pub(super) struct Clock {
    /// Seconds since 1970 when the run began, as its workers see it.
    start: u64,
    /// Whatever is made since then is made for one run.
    began: Stamp,
    /// How much later the workers were started than the files from before were made.
    age: Duration,
    now: Duration,
    /// What was set in the run; the others are from before.
    files: HashMap<Inode, [Option<Stamp>; 4]>,
    /// When what is from before was changed last, as the kernel said then; a call of the run may change it again.
    changed: HashMap<Inode, Stamp>,
}

impl Clock {
    /// A run that begins at `start`, and `age` after what is there already. What the kernel says to be of `began` or
    /// later was made for this run, however long that took, and is as old as the run.
    pub(super) fn new(start: u64, began: Stamp, age: Duration) -> Self {
        Clock { start, began, age, now: Duration::ZERO, files: HashMap::new(), changed: HashMap::new() }
    }

    /// What there is before the run, and when it was changed last.
    pub(super) fn found(&mut self, inode: Inode, changed: Stamp) {
        self.changed.insert(inode, changed);
    }

    /// Since the run began.
    pub(super) fn now(&self) -> Duration {
        self.now
    }

    /// It never moves back.
    pub(super) fn move_to(&mut self, time: Duration) {
        self.now = self.now.max(time);
    }

    /// Since 1970, as the workers see it.
    pub(super) fn wall(&self) -> Duration {
        Duration::from_secs(self.start) + self.age + self.now
    }

    /// Since the machine was started, as the workers see it: the machine came up an hour before the run.
    pub(super) fn monotonic(&self) -> Duration {
        Duration::from_secs(3600) + self.now
    }

    /// How long from now until a time of one of the two clocks.
    pub(super) fn until(&self, monotonic: bool, time: Duration) -> Duration {
        time.saturating_sub(if monotonic { self.monotonic() } else { self.wall() })
    }

    /// These times of a file are now.
    pub(super) fn touch(&mut self, inode: Inode, times: &[Of]) {
        let now = self.stamp();
        for &time in times {
            self.set(inode, time, now);
        }
    }

    /// A file is made.
    pub(super) fn create(&mut self, inode: Inode) {
        self.files.remove(&inode);
        self.changed.remove(&inode);
        self.touch(inode, &[Of::Access, Of::Modify, Of::Change, Of::Birth]);
    }

    pub(super) fn set(&mut self, inode: Inode, time: Of, stamp: Stamp) {
        self.files.entry(inode).or_default()[time as usize] = Some(stamp);
    }

    pub(super) fn stamp(&self) -> Stamp {
        (self.wall().as_secs() as i64, self.wall().subsec_nanos())
    }

    /// What the workers see of a time that the kernel says a file has, and of a file that was changed last then.
    fn seen(&self, inode: Inode, time: Of, real: Stamp, changed: Stamp) -> Stamp {
        if let Some(set) = self.files.get(&inode).and_then(|times| times[time as usize]) {
            return set;
        }
        let changed = self.changed.get(&inode).copied().unwrap_or(changed);
        let start = (self.start as i64, 0);
        if self.began <= real && real <= changed {
            return start;
        }
        // Whoever gave it an age did so when it was changed. To the second: what is finer differs from run to run.
        let shift = (nanos(changed) - nanos(start)).max(0);
        ((nanos(real) - shift + NANOS / 2).div_euclid(NANOS) as i64, 0)
    }

    /// Puts the times that the workers see into what stat has filled in; says how old the file is.
    pub(super) fn amend(&self, inode: Inode, form: Form, bytes: &mut [u8]) -> i64 {
        // The time of change comes last, for the others go by what the kernel says of it.
        let places: &[(Of, usize)] = match form {
            Form::Stat(_) => &[(Of::Access, 72), (Of::Modify, 88), (Of::Change, 104)],
            Form::Statx(_) => &[(Of::Access, 64), (Of::Birth, 80), (Of::Modify, 112), (Of::Change, 96)],
        };
        let read = |bytes: &[u8], at: usize| -> Stamp {
            let seconds = i64::from_ne_bytes(bytes[at..at + 8].try_into().expect("eight bytes"));
            (seconds, u32::from_ne_bytes(bytes[at + 8..at + 12].try_into().expect("four bytes")))
        };
        let (mut age, changed) = (0, read(bytes, places[places.len() - 1].1));
        for &(time, at) in places {
            let (seconds, nanos) = self.seen(inode, time, read(bytes, at), changed);
            bytes[at..at + 8].copy_from_slice(&seconds.to_ne_bytes());
            bytes[at + 8..at + 12].copy_from_slice(&nanos.to_ne_bytes());
            if time == Of::Modify {
                age = self.wall().as_secs() as i64 - seconds;
            }
        }
        age
    }
}

/// The time of the clock that the kernel takes the times of files from.
pub(super) fn of_files() -> Stamp {
    let now = clock_gettime(ClockId::RealtimeCoarse);
    (now.tv_sec, now.tv_nsec as u32)
}

fn nanos((seconds, nanos): Stamp) -> i128 {
    i128::from(seconds) * NANOS + i128::from(nanos)
}

/// How many bytes a result of this form has.
pub(super) const fn length(form: Form) -> usize {
    match form {
        Form::Stat(_) => 144,
        Form::Statx(_) => 256,
    }
}

/// A time in memory: seconds, and nanoseconds.
pub(super) fn spec(bytes: [u8; 16]) -> Option<Duration> {
    let [seconds, nanos] = [0, 8].map(|at| i64::from_ne_bytes(bytes[at..at + 8].try_into().expect("eight")));
    let nanos = u32::try_from(nanos).ok().filter(|&nanos| nanos < 1_000_000_000)?;
    Some(Duration::new(u64::try_from(seconds).ok()?, nanos))
}

/// The same, back.
pub(super) fn to_spec(time: Duration) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&time.as_secs().to_ne_bytes());
    bytes[8..].copy_from_slice(&u64::from(time.subsec_nanos()).to_ne_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGAN: i64 = 5_000_000;

    /// What is shown of a time of modification, and the age, of a file that was changed last then.
    fn stat(clock: &Clock, inode: Inode, modified: Stamp, changed: Stamp) -> (i64, i64) {
        let mut bytes = [0; 144];
        for (at, time) in [(88, modified), (104, changed)] {
            bytes[at..at + 8].copy_from_slice(&time.0.to_ne_bytes());
            bytes[at + 8..at + 12].copy_from_slice(&time.1.to_ne_bytes());
        }
        let age = clock.amend(inode, Form::Stat(1), &mut bytes);
        (i64::from_ne_bytes(bytes[88..96].try_into().unwrap()), age)
    }

    #[test]
    fn what_is_made_in_a_run_is_as_old_as_the_runs_clock_says() {
        let mut clock = Clock::new(1_000_000, (BEGAN, 0), Duration::from_secs(3600));
        let real = (BEGAN + 7, 3);
        clock.move_to(Duration::from_secs(10));
        clock.create((1, 2));
        assert_eq!(stat(&clock, (1, 2), real, real), (1_003_610, 0));
        clock.move_to(Duration::from_secs(5));
        assert_eq!(clock.now(), Duration::from_secs(10), "it never moves back");
        clock.move_to(Duration::from_secs(70));
        assert_eq!(stat(&clock, (1, 2), real, real).1, 60);
        clock.touch((1, 2), &[Of::Modify]);
        assert_eq!(stat(&clock, (1, 2), real, real).1, 0);
    }

    #[test]
    fn how_long_it_takes_to_make_a_folder_ready_makes_nothing_older() {
        let clock = Clock::new(BEGAN as u64, (BEGAN, 900_000_000), Duration::ZERO);
        for made in [(BEGAN, 900_000_000), (BEGAN + 1, 0), (BEGAN + 600, 0)] {
            assert_eq!(stat(&clock, (1, 1), made, made), (BEGAN, 0));
            assert_eq!(stat(&clock, (1, 1), made, (made.0 + 9, 0)), (BEGAN, 0), "changed a little later");
            let hour_ago = (made.0 - 3600, made.1);
            assert_eq!(stat(&clock, (1, 1), hour_ago, made), (BEGAN - 3600, 3600), "touch -d '1 hour ago'");
            let to_come = (made.0 + 10, made.1);
            assert_eq!(stat(&clock, (1, 1), to_come, made), (BEGAN + 10, -10), "touch -d '10 seconds'");
            let mut later = Clock::new(BEGAN as u64, (BEGAN, 900_000_000), Duration::ZERO);
            later.found((1, 1), made);
            let renamed = (made.0 + 90, 0);
            assert_eq!(stat(&later, (1, 1), hour_ago, renamed), (BEGAN - 3600, 3600), "renamed in the run");
        }
    }

    #[test]
    fn what_was_there_before_keeps_its_times() {
        // As in a replay, some days after it was saved.
        let clock = Clock::new(1_000_000, (BEGAN, 0), Duration::from_secs(3600));
        let hour_ago = (1_000_000 - 3600, 0);
        assert_eq!(
            stat(&clock, (1, 1), hour_ago, hour_ago),
            (996_400, 7200),
            "an hour, and another that it was left"
        );
        let since = (1_000_000 + 60, 0);
        assert_eq!(stat(&clock, (1, 1), since, since), (1_000_000, 3600), "nothing is of a time to come");
    }

    #[test]
    fn times_in_memory() {
        let time = Duration::new(3, 500);
        assert_eq!(spec(to_spec(time)), Some(time));
        assert_eq!(spec([0xff; 16]), None);
    }
}
