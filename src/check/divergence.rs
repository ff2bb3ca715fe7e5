//! Where two runs of one case part.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::history::History;
use crate::schedule::Wid;

/// The first difference between two runs that should have been the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Divergence {
    /// Which event of the history is another one, counted from 0; for [`Cause::Point`] which step.
    pub event: usize,
    /// Who was at it the first time.
    pub worker: Wid,
    /// What that looks like.
    pub cause: Cause,
}

/// What a divergence looks like, which says whose fault it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// The same worker met something else: the lock goes by more than its steps.
    Outcome,
    /// Another worker went on: a choice was lost on the way, or a point is not always passed.
    Mover,
    /// One run was over where the other went on.
    End,
    /// All that happened is the same, but a worker came to another point.
    Point,
}

impl Divergence {
    /// Where these two part, if they do.
    pub fn between(first: &History, second: &History) -> Option<Divergence> {
        let same = first.events.iter().zip(&second.events).take_while(|(one, two)| one == two).count();
        let (one, two) = (first.events.get(same), second.events.get(same));
        let cause = match (one, two) {
            (Some(one), Some(two)) if one.worker == two.worker => Cause::Outcome,
            (Some(_), Some(_)) => Cause::Mover,
            (None, None) if first.missing == second.missing => return None,
            _ => Cause::End,
        };
        let missing = || first.missing.first().or(second.missing.first()).map(|missing| missing.worker);
        let worker = one.or(two).map(|event| event.worker).or_else(missing).unwrap_or_default();
        Some(Divergence { event: same, worker, cause })
    }
}

/// Where they part, and the likely cause.
impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Divergence { worker, cause, .. } = self;
        let nth = self.event + 1;
        match cause {
            Cause::Outcome => write!(
                f,
                "event {nth}, of worker {worker}, was another one the second time: it goes by more than its \
                 steps (the time, chance, what is left of an earlier run)"
            ),
            Cause::Mover => write!(
                f,
                "event {nth} was worker {worker}'s the first time and another worker's the second time: a \
                 point is not always passed, or a choice was lost"
            ),
            Cause::End => write!(
                f,
                "one run was over before event {nth}, of worker {worker}, and the other was not: whether \
                 somebody waits depends on more than the steps"
            ),
            Cause::Point => write!(
                f,
                "at step {nth} worker {worker} came to another point the second time: a point is not always \
                 passed"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{Absence, Event, Missing, What};
    use crate::schedule::{Command, Time};

    fn history(events: &[(Wid, What)]) -> History {
        let event = |(worker, what): &(Wid, What)| Event {
            tick: 0,
            at: Time::ZERO,
            worker: *worker,
            command: Command::Write,
            what: what.clone(),
        };
        History { events: events.iter().map(event).collect(), ..History::default() }
    }

    #[test]
    fn the_first_difference_is_named() {
        let whole = [(1, What::Locked), (2, What::Blocked), (1, What::Wrote)];
        let first = history(&whole);
        let parts = |second: &History| Divergence::between(&first, second);
        let at = |event, worker, cause| Some(Divergence { event, worker, cause });
        assert_eq!(parts(&first.clone()), None);
        let other = history(&[(1, What::Locked), (2, What::Locked), (2, What::Wrote)]);
        assert_eq!(parts(&other), at(1, 2, Cause::Outcome));
        let other = history(&[(1, What::Locked), (1, What::Wrote), (2, What::Blocked)]);
        assert_eq!(parts(&other), at(1, 2, Cause::Mover));
        assert_eq!(parts(&history(&whole[..2])), at(2, 1, Cause::End));
        assert_eq!(Divergence::between(&history(&whole[..1]), &first), at(1, 2, Cause::End));
        let missing = Missing { worker: 2, command: Command::Write, why: Absence::Stuck };
        let stuck = History { missing: vec![missing], ..first.clone() };
        assert_eq!(parts(&stuck), at(3, 2, Cause::End));
        assert_eq!(Divergence::between(&stuck, &first), at(3, 2, Cause::End));
        assert_eq!(Divergence::between(&stuck, &stuck.clone()), None);
    }

    #[test]
    fn it_counts_from_one_when_people_read_it() {
        for cause in [Cause::Outcome, Cause::Mover, Cause::End, Cause::Point] {
            let said = Divergence { event: 4, worker: 2, cause }.to_string();
            assert!(said.contains('5') && said.contains("worker 2"), "{said}");
        }
    }
}
