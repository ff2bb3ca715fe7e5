//! What is asked of the workers, and when: [`Command`], [`Tick`], [`Schedule`], [`Order`].

mod original;
mod text;
mod time;

use serde::{Deserialize, Serialize};

pub(crate) use original::shifted;
pub use original::{at_once, original, rounds};
pub use text::BadText;
pub use time::{BadTime, Time};

/// A worker's number. Workers are counted from 1.
pub type Wid = u32;

/// The most workers that a case may have.
pub const MAX_WORKERS: u32 = 64;
/// The most commands that a schedule may hold.
pub const MAX_COMMANDS: usize = 4096;

/// What the driver tells a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Command {
    /// Put your identity into the shared file.
    Write,
    /// Read the shared file. What is seen is in the history; the checker compares.
    Read,
    /// Give back what you hold and leave.
    Exit,
}

impl Command {
    /// The word for it, as schedules print it.
    pub const fn name(self) -> &'static str {
        match self {
            Command::Write => "write",
            Command::Read => "read",
            Command::Exit => "exit",
        }
    }
}

/// Commands that go out at one time, in this order.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tick {
    /// When, counted from the beginning of the run.
    pub at: Time,
    /// Who is asked for what, the first first.
    pub commands: Vec<(Wid, Command)>,
}

/// A list of ticks. A tick is a barrier: what an earlier tick asked for has finished, or is
/// blocked, before the next tick starts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Schedule {
    /// The ticks, the earliest first.
    pub ticks: Vec<Tick>,
}

impl Schedule {
    /// Every command with its tick (counted from 0), in order.
    pub fn commands(&self) -> impl Iterator<Item = (usize, Wid, Command)> {
        self.ticks
            .iter()
            .enumerate()
            .flat_map(|(tick, t)| t.commands.iter().map(move |&(worker, command)| (tick, worker, command)))
    }

    /// The shortest time between two neighbouring ticks; zero where there are not two.
    pub fn period(&self) -> Time {
        self.ticks.windows(2).map(|pair| pair[1].at - pair[0].at).min().unwrap_or_default()
    }

    /// The same commands with the ticks `factor` times as far apart.
    pub fn stretched(&self, factor: u64) -> Schedule {
        let ticks = self.ticks.iter().map(|t| Tick { at: t.at * factor, commands: t.commands.clone() });
        Schedule { ticks: ticks.collect() }
    }

    /// Whether some worker writes between another's write and the read that follows it. Without
    /// exclusion such a schedule, run in this order, must show a wrong read-back.
    pub fn overlaps(&self) -> bool {
        let mut last_writer = None;
        self.commands().any(|(_, worker, command)| match command {
            Command::Write => {
                last_writer = Some(worker);
                false
            }
            Command::Read => last_writer != Some(worker),
            Command::Exit => false,
        })
    }

    /// Is this a schedule for so many workers?
    ///
    /// Times rise from tick to tick, and a tick asks a worker for one thing at most. Each worker
    /// writes (more than once if it likes), reads once, perhaps again from the start, and exits
    /// last; the exit may be left out, it is then sent after the last tick.
    ///
    /// # Errors
    /// [`Illegal`] says which rule is broken, where and by whom.
    pub fn check(&self, workers: u32) -> Result<(), Illegal> {
        if !(1..=MAX_WORKERS).contains(&workers) {
            return Err(Illegal::Workers { workers });
        }
        if self.commands().count() > MAX_COMMANDS {
            return Err(Illegal::TooLong);
        }
        if let Some(tick) = self.ticks.iter().position(|t| t.at > Time::MAX) {
            return Err(Illegal::Time { tick });
        }
        if let Some(tick) = self.ticks.windows(2).position(|pair| pair[0].at >= pair[1].at) {
            return Err(Illegal::Unsorted { tick: tick + 1 });
        }
        let mut last: Vec<Option<(usize, Command)>> = vec![None; workers as usize];
        for (tick, worker, command) in self.commands() {
            let Some(seen) = (worker as usize).checked_sub(1).and_then(|w| last.get_mut(w)) else {
                return Err(Illegal::Stranger { tick, worker, workers });
            };
            match (*seen, command) {
                (Some((earlier, _)), _) if earlier == tick => return Err(Illegal::Twice { tick, worker }),
                (Some((_, Command::Exit)), _) => return Err(Illegal::AfterExit { tick, worker }),
                (None | Some((_, Command::Read)), Command::Read) => {
                    return Err(Illegal::ReadBeforeWrite { tick, worker });
                }
                (None | Some((_, Command::Write)), Command::Exit) => return Err(Illegal::NoRead { worker }),
                _ => *seen = Some((tick, command)),
            }
        }
        for (worker, seen) in (1..).zip(&last) {
            match seen {
                None => return Err(Illegal::Idle { worker }),
                Some((_, Command::Write)) => return Err(Illegal::NoRead { worker }),
                Some(_) => {}
            }
        }
        Ok(())
    }
}

/// Why a schedule is not one. Ticks are counted from 0 here, as everywhere.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum Illegal {
    #[error("{workers} workers: a case has 1 to {MAX_WORKERS}")]
    Workers { workers: u32 },
    #[error("a schedule holds at most {MAX_COMMANDS} commands")]
    TooLong,
    #[error("a case holds at most {} choices", crate::case::MAX_CHOICES)]
    TooManyChoices,
    #[error("faults strike between choices, and it has none")]
    FaultsInOrder,
    #[error("a crash is that of a process, and its workers are threads of one")]
    CrashOfThread,
    #[error("tick {tick} is more than a year away")]
    Time { tick: usize },
    #[error("times must rise, and tick {tick} is not after the one before it")]
    Unsorted { tick: usize },
    #[error("tick {tick} asks worker {worker} of {workers}")]
    Stranger { tick: usize, worker: Wid, workers: u32 },
    #[error("tick {tick} asks worker {worker} for two things")]
    Twice { tick: usize, worker: Wid },
    #[error("tick {tick} asks worker {worker} for something after its exit")]
    AfterExit { tick: usize, worker: Wid },
    #[error("tick {tick} lets worker {worker} read before it wrote (each read needs a write of its own)")]
    ReadBeforeWrite { tick: usize, worker: Wid },
    #[error("worker {worker} never reads back what it wrote last")]
    NoRead { worker: Wid },
    #[error("worker {worker} has nothing to do")]
    Idle { worker: Wid },
}

/// How the commands inside a tick are sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// As the generator wrote them.
    #[default]
    AsGenerated,
    /// Writes before everything else, otherwise as generated.
    ForceWrite,
    /// Reads before everything else, otherwise as generated.
    ForceRead,
}

impl Order {
    /// All of them, the plainest first.
    pub const ALL: [Order; 3] = [Order::AsGenerated, Order::ForceWrite, Order::ForceRead];

    /// The word for it, as the command line and saved cases spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Order::AsGenerated => "as-generated",
            Order::ForceWrite => "force-write",
            Order::ForceRead => "force-read",
        }
    }

    /// Sorts each tick (a stable sort).
    pub fn sort(self, schedule: &mut Schedule) {
        let first = match self {
            Order::AsGenerated => return,
            Order::ForceWrite => Command::Write,
            Order::ForceRead => Command::Read,
        };
        for tick in &mut schedule.ticks {
            tick.commands.sort_by_key(|&(_, command)| command != first);
        }
    }

    /// A sorted copy.
    pub fn sorted(self, schedule: &Schedule) -> Schedule {
        let mut sorted = schedule.clone();
        self.sort(&mut sorted);
        sorted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(text: &str) -> Schedule {
        text.parse().unwrap()
    }

    #[test]
    fn the_sorts_are_stable() {
        let mixed = schedule("0.0\t[(4, 'read'), (1, 'write'), (3, 'read'), (2, 'write'), (5, 'exit')]");
        let row = |order: Order| order.sorted(&mixed).to_string();
        assert_eq!(row(Order::AsGenerated), mixed.to_string());
        assert_eq!(
            row(Order::ForceWrite),
            "0.0000\t[(1, 'write'), (2, 'write'), (4, 'read'), (3, 'read'), (5, 'exit')]\n"
        );
        assert_eq!(
            row(Order::ForceRead),
            "0.0000\t[(4, 'read'), (3, 'read'), (1, 'write'), (2, 'write'), (5, 'exit')]\n"
        );
    }

    #[test]
    fn each_rule_is_named() {
        let w1 = "0.0 [(1, 'write')]\n";
        let illegal = |rest: &str, workers| schedule(&format!("{w1}{rest}")).check(workers).unwrap_err();
        assert_eq!(illegal("", 0), Illegal::Workers { workers: 0 });
        assert_eq!(illegal("", 65), Illegal::Workers { workers: 65 });
        assert_eq!(illegal("0.0 [(1, 'read')]", 1), Illegal::Unsorted { tick: 1 });
        assert_eq!(illegal("1.0 [(7, 'write')]", 5), Illegal::Stranger { tick: 1, worker: 7, workers: 5 });
        assert_eq!(illegal("1.0 [(0, 'write')]", 5), Illegal::Stranger { tick: 1, worker: 0, workers: 5 });
        assert_eq!(illegal("1.0 [(1, 'write'), (1, 'read')]", 1), Illegal::Twice { tick: 1, worker: 1 });
        assert_eq!(
            illegal("1.0 [(1, 'read')]\n2.0 [(1, 'read')]", 1),
            Illegal::ReadBeforeWrite { tick: 2, worker: 1 }
        );
        assert_eq!(illegal("1.0 [(2, 'read')]", 2), Illegal::ReadBeforeWrite { tick: 1, worker: 2 });
        assert_eq!(
            illegal("1.0 [(1, 'read')]\n2.0 [(1, 'exit')]\n3.0 [(1, 'write')]", 1),
            Illegal::AfterExit { tick: 3, worker: 1 }
        );
        assert_eq!(illegal("", 1), Illegal::NoRead { worker: 1 });
        assert_eq!(illegal("1.0 [(1, 'exit')]", 1), Illegal::NoRead { worker: 1 });
        assert_eq!(illegal("1.0 [(1, 'read')]", 2), Illegal::Idle { worker: 2 });
        assert_eq!(schedule(&format!("{w1}1.0 [(1, 'read')]")).check(1), Ok(()));
        assert_eq!(schedule(&format!("{w1}1.0 [(1, 'write')]\n2.0 [(1, 'read')]")).check(1), Ok(()));
    }

    #[test]
    fn a_schedule_overlaps_when_a_read_follows_another_workers_write() {
        assert!(original(2, Time::from_micros(1)).overlaps());
        let turns = "0 [(1,'write')]\n1 [(1,'read')]\n2 [(2,'write')]\n3 [(2,'read')]";
        assert!(!schedule(turns).overlaps());
    }
}
