//! What happened in one run: [`Event`], [`Seen`], [`History`].

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::case::{CallFault, Faults};
use crate::schedule::{Command, Time, Wid};

/// What a read found in the shared file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Seen {
    /// The whole identity of this worker of the run.
    Worker(Wid),
    /// A whole identity, of nobody in this run.
    Stranger {
        /// Process id.
        pid: u32,
        /// Thread id.
        tid: u32,
        /// Worker number.
        wid: u32,
    },
    /// So many bytes that are not an identity: half a write, or somebody else's file.
    Torn {
        /// How many.
        bytes: u64,
    },
    /// No file.
    Missing,
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Seen::Worker(wid) => write!(f, "worker {wid}"),
            Seen::Stranger { pid, wid, .. } => write!(f, "a stranger (worker {wid} of process {pid})"),
            Seen::Torn { bytes: 1 } => f.write_str("1 byte, not JSON"),
            Seen::Torn { bytes } => write!(f, "{bytes} bytes, not JSON"),
            Seen::Missing => f.write_str("no file"),
        }
    }
}

/// One thing that a worker did or met.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// Took the command out of its mailbox (realtime only: elsewhere nothing lies between).
    Began,
    /// Got the lock.
    Locked,
    /// Could not get the lock and waits for it.
    Blocked,
    /// Waited for as long as this lock waits, and leaves without it.
    GaveUp,
    /// Wrote its identity into the shared file.
    Wrote,
    /// Read the shared file.
    Read(Seen),
    /// Gave the lock back.
    Unlocked,
    /// Left.
    Exited,
    /// Took a step inside a command: what, and what came of it.
    Note(String),
    /// Sleeps until the run's clock has come so far.
    Slept(Time),
    /// Could have gone on, but the clock moved first: `at` says how far.
    Stalled,
    /// The clock was set back before its next step.
    Jumped,
    /// A file call of its failed, though nothing was wrong: the one that is noted next, or, where none is
    /// before the worker goes on, a wait that was interrupted.
    CallFailed,
    /// This befell a call of its program, though nothing was wrong: the one that is noted next.
    Struck(CallFault),
    /// Its process was killed, before its next step.
    Crashed,
    /// Its lock had passed to somebody else meanwhile, so what it wanted to do was refused.
    Refused,
    /// The world failed it (errno): the lock could not be tried, or the file not be used.
    Failed(i32),
    /// Says that it is inside (of a program that is traced).
    Entered,
    /// Says that it is no longer inside.
    Left,
    /// Its program ended with this code, which is not 0.
    Quit(i32),
    /// Its program was ended by this signal.
    Died(i32),
    /// Read something else than it had written itself, from a file that is its own meanwhile.
    Found(Seen),
    /// The check at the end was not content: its exit code. Said of the worker that ended last.
    CheckFailed(i32),
}

impl What {
    /// Does a worker not go on by itself after this?
    pub const fn ends_a_stretch(&self) -> bool {
        use What::{Blocked, Crashed, Died, Exited, Failed, GaveUp, Quit, Slept, Stalled};
        matches!(
            self,
            Blocked | Crashed | Died(_) | Exited | Failed(_) | GaveUp | Quit(_) | Slept(_) | Stalled
        )
    }

    /// Is the worker inside from here on?
    pub const fn lets_in(&self) -> bool {
        matches!(self, What::Locked | What::Entered)
    }

    /// Is it inside no longer, as far as is known?
    pub const fn lets_out(&self) -> bool {
        // Who is struck may leave by an error, and say nothing.
        let let_down = matches!(self, What::Crashed | What::Struck(_));
        let_down || matches!(self, What::Unlocked | What::Left | What::Died(_) | What::Quit(_))
    }

    /// Is it a fault that struck?
    pub const fn is_fault(&self) -> bool {
        matches!(self, What::Crashed | What::Stalled | What::Jumped | What::CallFailed | What::Struck(_))
    }
}

/// One line of a [`History`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// In which tick the command was due, counted from 0.
    pub tick: usize,
    /// When it happened: the virtual clock in a stepped run, time since the start in a real one.
    pub at: Time,
    /// Who.
    pub worker: Wid,
    /// Under which command.
    pub command: Command,
    /// What.
    pub what: What,
}

/// A worker that did not finish its commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Missing {
    /// Who.
    pub worker: Wid,
    /// The command that it was given and did not answer.
    pub command: Command,
    /// Why.
    pub why: Absence,
}

/// Why a worker is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Absence {
    /// Its process is gone.
    Died,
    /// It did not answer in time.
    Silent,
    /// It waits for a lock that nobody can give back any more.
    Stuck,
    /// It went on and on: the run was stopped.
    Endless,
}

/// A command that started, or took, too long for a real clock to mean anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Late {
    /// Who.
    pub worker: Wid,
    /// Which command.
    pub command: Command,
    /// By how much.
    pub by: Time,
}

/// Everything that happened in one run, in order.
///
/// In a stepped run the same case gives the same events, byte for byte.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// What was done, the first first.
    pub events: Vec<Event>,
    /// Who did not finish.
    pub missing: Vec<Missing>,
    /// The latest command, where one was late.
    pub late: Option<Late>,
}

impl History {
    /// How often a worker was made to stop that could have gone on.
    pub fn preemptions(&self) -> usize {
        let cut_short = |pair: &&[Event]| pair[0].worker != pair[1].worker && !pair[0].what.ends_a_stretch();
        self.events.windows(2).filter(cut_short).count()
    }

    /// How many faults struck.
    pub fn faults(&self) -> Faults {
        let count = |wanted: &What| self.events.iter().filter(|event| event.what == *wanted).count() as u32;
        let mut faults = Faults {
            crashes: count(&What::Crashed),
            stalls: count(&What::Stalled),
            jumps: count(&What::Jumped),
            failures: count(&What::CallFailed),
            ..Faults::NONE
        };
        for fault in CallFault::ALL {
            *faults.count_mut(fault) = count(&What::Struck(fault));
        }
        faults
    }

    /// Whether two workers wanted the lock at once: somebody met it taken, or two held it.
    pub fn contended(&self) -> bool {
        let mut holding = 0;
        self.events.iter().any(|event| {
            match event.what {
                What::Locked => holding += 1,
                What::Unlocked => holding -= 1,
                What::Blocked | What::Slept(_) => return true,
                _ => {}
            }
            holding > 1
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(what: &[(Wid, What)]) -> History {
        let event = |(worker, what): &(Wid, What)| {
            let (worker, what) = (*worker, what.clone());
            Event { tick: 0, at: Time::ZERO, worker, command: Command::Write, what }
        };
        History { events: what.iter().map(event).collect(), ..History::default() }
    }

    #[test]
    fn contended_means_wanted_by_two_at_once() {
        assert!(!history(&[(1, What::Locked), (1, What::Unlocked), (2, What::Locked)]).contended());
        assert!(history(&[(1, What::Locked), (2, What::Locked)]).contended());
        assert!(history(&[(1, What::Locked), (2, What::Blocked)]).contended());
    }

    #[test]
    fn whoever_stops_by_itself_is_not_preempted() {
        let count = |what: &[(Wid, What)]| history(what).preemptions();
        assert_eq!(count(&[]), 0);
        assert_eq!(count(&[(1, What::Locked), (1, What::Wrote), (1, What::Exited)]), 0);
        let one = What::Note("x".to_owned());
        assert_eq!(count(&[(1, one.clone()), (2, one.clone()), (1, one.clone()), (2, one.clone())]), 3);
        for end in [What::Blocked, What::GaveUp, What::Exited, What::Failed(1)] {
            assert_eq!(count(&[(1, end), (2, one.clone())]), 0);
        }
    }

    #[test]
    fn the_faults_that_struck_are_counted() {
        use What::{CallFailed, Crashed, Jumped, Locked, Stalled};
        let all = [Crashed, Stalled, Locked, Stalled, Jumped, CallFailed].map(|what| (2, what));
        let struck = Faults { crashes: 1, stalls: 2, jumps: 1, failures: 1, ..Faults::NONE };
        assert_eq!(history(&all).faults(), struck);
        for fault in CallFault::ALL {
            let one = What::Struck(fault);
            assert!(one.is_fault());
            assert_eq!(history(&[(1, one)]).faults(), Faults::of_call(fault));
        }
        let faults = all.map(|(_, what)| what.is_fault());
        assert_eq!(faults, [true, true, false, true, true, true]);
    }

    #[test]
    fn what_was_seen_is_said_in_words() {
        assert_eq!(Seen::Torn { bytes: 17 }.to_string(), "17 bytes, not JSON");
        assert_eq!(Seen::Torn { bytes: 1 }.to_string(), "1 byte, not JSON");
        assert_eq!(Seen::Worker(2).to_string(), "worker 2");
        assert_eq!(Seen::Missing.to_string(), "no file");
        let stranger = Seen::Stranger { pid: 7, tid: 8, wid: 9 };
        assert_eq!(stranger.to_string(), "a stranger (worker 9 of process 7)");
    }
}
