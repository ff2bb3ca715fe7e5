//! The checker of realtime runs: the law, and what no timing excuses.

use crate::case::Case;
use crate::history::{History, What};
use crate::lock::Promise;

use super::form::ill_formed;
use super::readback::{failure, first_wrong};
use super::{Checker, Evidence, Law, Reason, Verdict};

/// On a real clock the order of moves is the machine's affair. What is left to check is the law
/// itself, and that nobody waits for a lock that excludes nobody.
#[derive(Clone, Copy, Debug)]
pub struct Realtime(pub Promise);

impl Checker for Realtime {
    fn check(&self, case: &Case, history: &History) -> Verdict {
        if let Some(&missing) = history.missing.first() {
            return Verdict::unclear(Reason::Missing(missing));
        }
        if let Some(late) = history.late {
            return Verdict::unclear(Reason::Late(late));
        }
        if let Some(reason) = ill_formed(case, history) {
            return Verdict::unclear(reason);
        }
        let first = |what: What| history.events.iter().position(|event| event.what == what);
        if let (None, Some(event)) = (first(What::Wrote), history.events.first()) {
            return Verdict::Fail(failure(Law::NobodyWrote, 0, event));
        }
        if let Some(nth) = first(What::Blocked)
            && !self.0.claim.excludes_somebody(case.placement, case.workers)
        {
            return Verdict::Fail(failure(Law::ExcludesMore, nth, &history.events[nth]));
        }
        match first_wrong(case, history) {
            Some(failure) => Verdict::Fail(failure),
            None => Evidence::of(case, history).verdict(),
        }
    }
}
