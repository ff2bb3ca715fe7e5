//! The checker of stepped runs: the history against the model, both ways, then the law.

use crate::case::Case;
use crate::history::{Absence, Event, History, What};
use crate::lock::Promise;
use crate::schedule::Wid;

use super::form::ill_formed;
use super::model::{Move, Outcome, predict};
use super::readback::{failure, first_wrong};
use super::{Checker, Evidence, Failure, Law, Reason, Verdict};

/// Nothing is left to chance in a stepped run, so each move is compared with the one predicted.
/// Excluding less than claimed and excluding more than claimed are both failures.
#[derive(Clone, Copy, Debug)]
pub struct Stepped(pub Promise);

impl Checker for Stepped {
    fn check(&self, case: &Case, history: &History) -> Verdict {
        if let Some(&missing) = history.missing.iter().find(|m| m.why != Absence::Stuck) {
            return Verdict::unclear(Reason::Missing(missing));
        }
        if let Some(reason) = ill_formed(case, history) {
            return Verdict::unclear(reason);
        }
        if let Some(failure) = self.difference(case, history) {
            return Verdict::Fail(failure);
        }
        if let Some(&missing) = history.missing.first() {
            return Verdict::unclear(Reason::Missing(missing));
        }
        match first_wrong(case, history) {
            Some(failure) => Verdict::Fail(failure),
            None => Evidence::of(case, history).verdict(),
        }
    }
}

impl Stepped {
    /// The first move that is not the predicted one.
    fn difference(&self, case: &Case, history: &History) -> Option<Failure> {
        if !history.events.iter().any(|event| event.what == What::Wrote) {
            let first = history.events.first()?;
            return Some(failure(Law::NobodyWrote, 0, first));
        }
        let mut moves = moves(history);
        for due in predict(case, self.0) {
            let done = moves.next();
            if done.is_some_and(|(_, done)| done == due) {
                continue;
            }
            // Another worker moved, or none did: the one whose turn it was is to blame.
            let end = history.events.len() - 1;
            let (event, law) = match done {
                Some((nth, done)) if (done.worker, done.command) == (due.worker, due.command) => {
                    (nth, self.law(case, &history.events[..nth], due, done.outcome))
                }
                other => (other.map_or(end, |(nth, _)| nth), Law::Disobeyed),
            };
            let Move { tick, worker, command, .. } = due;
            return Some(Failure { law, worker, tick, command, event });
        }
        moves.next().map(|(nth, _)| failure(Law::Disobeyed, nth, &history.events[nth]))
    }

    /// Which law is broken by a worker that did what it was told, with another outcome than was due.
    fn law(&self, case: &Case, before: &[Event], due: Move, outcome: Outcome) -> Law {
        match (due.outcome, outcome) {
            (Outcome::Blocked, Outcome::Wrote | Outcome::Read(_)) => {
                let holder = self.excluded_holder(case, before, due.worker);
                holder.map_or(Law::Disobeyed, |holder| Law::ExcludesLess { holder })
            }
            (_, Outcome::Blocked | Outcome::GaveUp) => Law::ExcludesMore,
            (Outcome::Read(due), Outcome::Read(saw)) => Law::LostWrite { saw, due },
            _ => Law::Disobeyed,
        }
    }

    fn excluded_holder(&self, case: &Case, before: &[Event], worker: Wid) -> Option<Wid> {
        let mut holds = vec![false; case.workers as usize + 1];
        for event in before {
            match event.what {
                What::Locked => holds[event.worker as usize] = true,
                What::Unlocked => holds[event.worker as usize] = false,
                _ => {}
            }
        }
        let excluded = |&h: &Wid| h != worker && self.0.claim.excludes(case.placement, h, worker);
        (1..=case.workers).filter(|&h| holds[h as usize]).find(excluded)
    }
}

/// The moves of a history, each with the place of the event that decides it.
fn moves(history: &History) -> impl Iterator<Item = (usize, Move)> {
    history.events.iter().enumerate().filter_map(|(nth, event)| {
        let outcome = match event.what {
            What::Blocked => Outcome::Blocked,
            What::GaveUp => Outcome::GaveUp,
            What::Wrote => Outcome::Wrote,
            What::Read(seen) => Outcome::Read(seen),
            What::Exited => Outcome::Exited,
            // What follows from these, or cannot happen in a run in order.
            What::Began | What::Note(_) | What::Locked | What::Unlocked | What::Failed(_) => return None,
            What::Slept(_) | What::Stalled | What::Jumped | What::CallFailed => return None,
            What::Crashed | What::Refused => return None,
            What::Entered | What::Left | What::Quit(_) | What::Died(_) => return None,
            What::Found(_) | What::CheckFailed(_) | What::Struck(_) => return None,
        };
        Some((nth, Move { tick: event.tick, worker: event.worker, command: event.command, outcome }))
    })
}
