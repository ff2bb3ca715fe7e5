//! The checker of interleaved runs: who holds at once, the law, and whether everybody gets there.

use crate::case::{Case, MAX_STEPS};
use crate::history::{Absence, Event, History, What};
use crate::lock::Promise;

use super::form::ill_formed;
use super::readback::{failure, first_wrong};
use super::{Checker, Evidence, Failure, Law, Reason, Verdict};

/// With points inside the commands no model says who comes first. What is checked is what must hold in
/// every order: nobody holds the lock together with somebody whom it excludes, everybody reads back
/// what it wrote, and nobody waits for ever, not even for the lock of one who was killed.
#[derive(Clone, Copy, Debug)]
pub struct Interleaved(pub Promise);

impl Checker for Interleaved {
    fn check(&self, case: &Case, history: &History) -> Verdict {
        if let Some(&missing) = history.missing.iter().find(|m| m.why != Absence::Stuck) {
            return Verdict::unclear(match missing.why {
                Absence::Endless => Reason::Endless { steps: MAX_STEPS },
                _ => Reason::Missing(missing),
            });
        }
        if let Some(reason) = ill_formed(case, history) {
            return Verdict::unclear(reason);
        }
        let found = self.two_inside(case, history).or_else(|| first_wrong(case, history));
        if let Some(failure) = found.or_else(|| stuck(history)) {
            return Verdict::Fail(failure);
        }
        Evidence::of(case, history).verdict()
    }
}

impl Interleaved {
    fn two_inside(&self, case: &Case, history: &History) -> Option<Failure> {
        if self.0.fenced {
            return None;
        }
        let claim = self.0.under(history.faults()).claim;
        let mut holders = Vec::new();
        for (nth, event) in history.events.iter().enumerate() {
            match event.what {
                What::Locked => {
                    let excluded = |&h: &u32| claim.excludes(case.placement, h, event.worker);
                    if let Some(holder) = holders.iter().copied().find(excluded) {
                        return Some(failure(Law::ExcludesLess { holder }, nth, event));
                    }
                    holders.push(event.worker);
                }
                // Whoever was killed does nothing inside any more.
                What::Unlocked | What::Crashed => holders.retain(|&h| h != event.worker),
                _ => {}
            }
        }
        None
    }
}

/// Shown by the last thing that this worker did before it began to wait, or by the last of all.
fn stuck(history: &History) -> Option<Failure> {
    let missing = history.missing.first()?;
    let waits = |e: &Event| e.worker == missing.worker && matches!(e.what, What::Blocked | What::Slept(_));
    let events = &history.events;
    let nth = events.iter().rposition(waits);
    let nth = nth.or_else(|| events.iter().rposition(|e| e.worker == missing.worker));
    let nth = nth.or(events.len().checked_sub(1))?;
    Some(failure(Law::Stuck, nth, &events[nth]))
}
