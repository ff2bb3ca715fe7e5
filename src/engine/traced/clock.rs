//! The clock that the workers see, and the times of the files they make.

use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

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
    /// The same as it was when the files from before were made.
    began: SystemTime,
    /// How much later the workers were started than the files from before were made.
    age: Duration,
    now: Duration,
    /// What was set in the run; the others are from before.
    files: HashMap<Inode, [Option<Stamp>; 4]>,
}

impl Clock {
    /// A run that begins at `start`, and `age` after what is there already.
    pub(super) fn new(start: u64, age: Duration) -> Self {
        Clock { start, began: SystemTime::now(), age, now: Duration::ZERO, files: HashMap::new() }
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
        self.touch(inode, &[Of::Access, Of::Modify, Of::Change, Of::Birth]);
    }

    /// A folder that is older than the run and is to look as if it were made for it.
    pub(super) fn found(&mut self, inode: Inode) {
        self.set(inode, Of::Birth, (self.start as i64, 0));
    }

    pub(super) fn set(&mut self, inode: Inode, time: Of, stamp: Stamp) {
        self.files.entry(inode).or_default()[time as usize] = Some(stamp);
    }

    pub(super) fn stamp(&self) -> Stamp {
        (self.wall().as_secs() as i64, self.wall().subsec_nanos())
    }

    /// What the workers see of a time that the kernel says a file has.
    fn seen(&self, inode: Inode, time: Of, real: Stamp) -> Stamp {
        if let Some(set) = self.files.get(&inode).and_then(|times| times[time as usize]) {
            return set;
        }
        // As old as it was when the run began, to the second: what is finer differs from run to run.
        let began = self.began.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos() as i128;
        let age = began - (i128::from(real.0) * NANOS + i128::from(real.1));
        let age = (age + NANOS / 2).div_euclid(NANOS);
        ((i128::from(self.start) - age) as i64, 0)
    }

    /// How old it is by its time of modification, as the kernel says that; in whole seconds.
    pub(super) fn age(&self, inode: Inode, modified: Stamp) -> i64 {
        self.wall().as_secs() as i64 - self.seen(inode, Of::Modify, modified).0
    }

    /// Puts the times that the workers see into what stat has filled in; says how old the file is.
    pub(super) fn amend(&self, inode: Inode, form: Form, bytes: &mut [u8]) -> i64 {
        let mut modified = (0, 0);
        let places: &[(Of, usize)] = match form {
            Form::Stat(_) => &[(Of::Access, 72), (Of::Modify, 88), (Of::Change, 104)],
            Form::Statx(_) => &[(Of::Access, 64), (Of::Birth, 80), (Of::Change, 96), (Of::Modify, 112)],
        };
        for &(time, at) in places {
            let seconds = i64::from_ne_bytes(bytes[at..at + 8].try_into().expect("eight bytes"));
            let nanos = u32::from_ne_bytes(bytes[at + 8..at + 12].try_into().expect("four bytes"));
            if time == Of::Modify {
                modified = (seconds, nanos);
            }
            let (seconds, nanos) = self.seen(inode, time, (seconds, nanos));
            bytes[at..at + 8].copy_from_slice(&seconds.to_ne_bytes());
            bytes[at + 8..at + 12].copy_from_slice(&nanos.to_ne_bytes());
        }
        self.age(inode, modified)
    }
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

    fn stat(clock: &Clock, inode: Inode, modified: Stamp) -> (i64, i64) {
        let mut bytes = [0; 144];
        bytes[88..96].copy_from_slice(&modified.0.to_ne_bytes());
        let age = clock.amend(inode, Form::Stat(1), &mut bytes);
        (i64::from_ne_bytes(bytes[88..96].try_into().unwrap()), age)
    }

    #[test]
    fn what_is_from_before_keeps_its_age_and_what_is_new_has_none() {
        let mut clock = Clock::new(1_000_000, Duration::from_secs(3600));
        let hour_ago = clock.began.duration_since(UNIX_EPOCH).unwrap().as_secs() as i64 - 3600;
        let (shown, age) = stat(&clock, (1, 1), (hour_ago, 0));
        assert!((996_399..=996_401).contains(&shown), "{shown}");
        assert!((7199..=7201).contains(&age), "an hour, and another that it was left: {age}");
        clock.move_to(Duration::from_secs(10));
        clock.create((1, 2));
        assert_eq!(stat(&clock, (1, 2), (hour_ago, 0)), (1_003_610, 0));
        clock.move_to(Duration::from_secs(5));
        assert_eq!(clock.now(), Duration::from_secs(10), "it never moves back");
        clock.move_to(Duration::from_secs(70));
        assert_eq!(stat(&clock, (1, 2), (hour_ago, 0)).1, 60);
        clock.touch((1, 2), &[Of::Modify]);
        assert_eq!(stat(&clock, (1, 2), (hour_ago, 0)).1, 0);
    }

    #[test]
    fn times_in_memory() {
        let time = Duration::new(3, 500);
        assert_eq!(spec(to_spec(time)), Some(time));
        assert_eq!(spec([0xff; 16]), None);
    }
}
