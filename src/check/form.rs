//! Does a history add up? One that does not says nothing about the lock.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Reason;
use crate::case::Case;
use crate::history::{History, What};

/// What no worker can have done, whatever its lock is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wrong {
    /// It gets the lock that it has.
    GetsTwice,
    /// It gives back what it does not have.
    GivesNothing,
    /// It writes or reads without having the lock.
    Outside,
    /// It leaves and never gave the lock back.
    Keeps,
    /// It does something after it has left, or was killed.
    AfterItsEnd,
    /// There is no such worker in the case.
    Stranger,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Wrong::GetsTwice => "gets the lock that it has",
            Wrong::GivesNothing => "gives back a lock that it does not have",
            Wrong::Outside => "writes or reads without having the lock",
            Wrong::Keeps => "leaves and never gave the lock back",
            Wrong::AfterItsEnd => "does something after it has left",
            Wrong::Stranger => "is nobody in this case",
        })
    }
}

/// The first event that cannot be. A worker takes the lock before it writes or reads, gives it back
/// before it takes it again or leaves, and does nothing after that: so is the worker made. Where the
/// history says otherwise, an event is lost, doubled, or in the wrong place.
///
/// It is asked before the laws: to a checker of laws a release that was lost looks like a lock which lets
/// two in at once.
pub(super) fn ill_formed(case: &Case, history: &History) -> Option<Reason> {
    let mut holds = vec![false; case.workers as usize + 1];
    let mut left = vec![false; case.workers as usize + 1];
    for (nth, event) in history.events.iter().enumerate() {
        let w = event.worker as usize;
        let wrong = |wrong| Some(Reason::IllFormed { worker: event.worker, event: nth, wrong });
        if w == 0 || w >= holds.len() {
            return wrong(Wrong::Stranger);
        }
        if left[w] {
            return wrong(Wrong::AfterItsEnd);
        }
        match event.what {
            What::Locked if holds[w] => return wrong(Wrong::GetsTwice),
            What::Locked => holds[w] = true,
            What::Unlocked if !holds[w] => return wrong(Wrong::GivesNothing),
            What::Unlocked => holds[w] = false,
            What::Wrote | What::Read(_) if !holds[w] => return wrong(Wrong::Outside),
            What::Exited if holds[w] => return wrong(Wrong::Keeps),
            What::Exited | What::Crashed => left[w] = true,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::{Faults, Placement, Scope};
    use crate::history::{Event, Seen};
    use crate::schedule::{Command, Order, Time, Wid, original};

    fn wrong_with(events: &[(Wid, What)]) -> Option<(Wrong, usize)> {
        let case = Case {
            lock: "any".to_owned(),
            placement: Placement::Threads,
            scope: Scope::Session,
            order: Order::AsGenerated,
            workers: 2,
            schedule: original(2, Time::from_micros(1)),
            choices: None,
            faults: Faults::NONE,
        };
        let event = |(worker, what): &(Wid, What)| Event {
            tick: 0,
            at: Time::ZERO,
            worker: *worker,
            command: Command::Write,
            what: what.clone(),
        };
        let history = History { events: events.iter().map(event).collect(), ..History::default() };
        ill_formed(&case, &history).map(|reason| match reason {
            Reason::IllFormed { worker, event, wrong } => {
                assert_eq!(worker, events[event].0);
                (wrong, event)
            }
            other => panic!("{other}"),
        })
    }

    #[test]
    fn what_workers_do_adds_up() {
        use What::{Blocked, Exited, GaveUp, Locked, Read, Unlocked, Wrote};
        let mine = |worker| Read(Seen::Worker(worker));
        assert_eq!(wrong_with(&[]), None);
        // One after the other; two that a broken lock lets in; one that gave up; one cut short.
        let whole = [Locked, Wrote, mine(1), Unlocked, Exited];
        let both: Vec<_> = whole.iter().flat_map(|what| [(1, what.clone()), (2, what.clone())]).collect();
        assert_eq!(wrong_with(&both), None);
        assert_eq!(wrong_with(&both[..7]), None);
        assert_eq!(wrong_with(&[(1, Locked), (2, Blocked), (2, GaveUp), (2, Exited)]), None);
        // Scope operation: the lock is taken for each command.
        let again = [Locked, Wrote, Unlocked, Locked, mine(1), Unlocked, Exited];
        assert_eq!(wrong_with(&again.map(|what| (1, what))), None);
    }

    #[test]
    fn each_event_that_cannot_be_is_named() {
        use What::{Exited, Locked, Read, Unlocked, Wrote};
        let cases: [(&[(Wid, What)], Wrong); 8] = [
            (&[(1, Locked), (1, Locked)], Wrong::GetsTwice),
            (&[(1, Locked), (2, Unlocked)], Wrong::GivesNothing),
            (&[(1, Locked), (1, Unlocked), (1, Unlocked)], Wrong::GivesNothing),
            (&[(1, Locked), (2, Wrote)], Wrong::Outside),
            (&[(1, Locked), (2, Read(Seen::Missing))], Wrong::Outside),
            (&[(2, Locked), (2, Wrote), (2, Exited)], Wrong::Keeps),
            (&[(1, Locked), (3, Locked)], Wrong::Stranger),
            (&[(1, Locked), (0, Locked)], Wrong::Stranger),
        ];
        for (events, wrong) in cases {
            assert_eq!(wrong_with(events), Some((wrong, events.len() - 1)), "{events:?}");
        }
        for end in [Exited, What::Crashed] {
            let late = [(1, end), (2, Exited), (1, What::Note("x".to_owned()))];
            assert_eq!(wrong_with(&late), Some((Wrong::AfterItsEnd, 2)));
        }
        assert_eq!(wrong_with(&[(1, Locked), (1, What::Crashed)]), None, "killed as it holds");
    }
}
