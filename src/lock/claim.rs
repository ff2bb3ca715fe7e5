//! Whom a lock says it excludes.

use crate::case::{Faults, Placement, Scope};
use crate::schedule::{Time, Wid};

/// Which pairs of workers a lock says it excludes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Claim {
    /// None.
    Nobody,
    /// Those that live in one process.
    SameProcess,
    /// Those that live in different processes.
    OtherProcesses,
    /// Those that live in different processes, where each of these has one worker only.
    LoneProcesses,
    /// All where neighbours are of one kind; where they are of two, those that live in one process.
    Unmixed,
    /// All.
    Everyone,
}

impl Claim {
    /// Does the claim cover these two workers, placed like this?
    pub const fn excludes(self, placement: Placement, one: Wid, other: Wid) -> bool {
        match self {
            Claim::Nobody => false,
            Claim::SameProcess => placement.together(one, other),
            Claim::OtherProcesses => !placement.together(one, other),
            Claim::LoneProcesses => matches!(placement, Placement::Processes),
            Claim::Unmixed => match placement {
                Placement::Threads | Placement::Processes => true,
                Placement::Mixed => placement.together(one, other),
            },
            Claim::Everyone => true,
        }
    }

    /// Does the claim cover every pair of so many workers?
    pub fn excludes_everybody(self, placement: Placement, workers: u32) -> bool {
        pairs(workers).all(|(one, other)| self.excludes(placement, one, other))
    }

    /// Does the claim cover any pair of so many workers?
    pub fn excludes_somebody(self, placement: Placement, workers: u32) -> bool {
        pairs(workers).any(|(one, other)| self.excludes(placement, one, other))
    }

    /// Must a row of cases with this claim show a race? Yes when some pair is not excluded. In scope
    /// `operation` nothing is promised that commands which are never interrupted could break.
    pub fn expects_race(self, placement: Placement, scope: Scope, workers: u32) -> bool {
        scope != Scope::Operation && !self.excludes_everybody(placement, workers)
    }
}

fn pairs(workers: u32) -> impl Iterator<Item = (Wid, Wid)> {
    (1..=workers).flat_map(|one| (1..one).map(move |other| (other, one)))
}

/// All of a lock that can be checked: its claim, and how long it makes a worker wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Promise {
    /// Whom it excludes.
    pub claim: Claim,
    /// For how long it waits before it gives up; `None` is for ever.
    pub patience: Option<Time>,
    /// What of it holds although a fault strikes.
    pub withstands: Withstands,
    /// Two may hold it at once, but what one of them does too late is refused.
    pub fenced: bool,
}

impl Promise {
    /// What is left of it when these faults may strike.
    pub const fn under(self, faults: Faults) -> Promise {
        let Withstands { crash: _, stall, jump, failure } = self.withstands;
        let lost =
            faults.stalls > 0 && !stall || faults.jumps > 0 && !jump || faults.failures > 0 && !failure;
        Promise { claim: if lost { Claim::Nobody } else { self.claim }, ..self }
    }
}

/// Which faults change nothing in what a lock promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Withstands {
    /// After a holder was killed the others get the lock.
    pub crash: bool,
    /// A holder that stalls for any time still has the lock.
    pub stall: bool,
    /// So has one that meets a clock which was set back.
    pub jump: bool,
    /// A file call that fails costs one worker the lock, the one who made it; all else is as it was.
    pub failure: bool,
}

impl Withstands {
    /// Nothing of what it promises is lost.
    pub const ALL: Withstands = Withstands { crash: true, stall: true, jump: true, failure: true };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_a_relation_on_pairs() {
        let covers = |claim: Claim| {
            Placement::ALL.map(|place| [(1, 2), (2, 3)].map(|(one, other)| claim.excludes(place, one, other)))
        };
        assert_eq!(covers(Claim::Nobody), [[false; 2], [false; 2], [false; 2]]);
        assert_eq!(covers(Claim::SameProcess), [[true; 2], [false; 2], [true, false]]);
        assert_eq!(covers(Claim::OtherProcesses), [[false; 2], [true; 2], [false, true]]);
        assert_eq!(covers(Claim::LoneProcesses), [[false; 2], [true; 2], [false; 2]]);
        assert_eq!(covers(Claim::Unmixed), [[true; 2], [true; 2], [true, false]]);
        assert_eq!(covers(Claim::Everyone), [[true; 2], [true; 2], [true; 2]]);
    }

    #[test]
    fn a_promise_is_lost_under_what_it_does_not_withstand() {
        let withstands = [
            (Faults::STALL, Withstands { stall: false, ..Withstands::ALL }),
            (Faults::JUMP, Withstands { jump: false, ..Withstands::ALL }),
            (Faults::FAILURE, Withstands { failure: false, ..Withstands::ALL }),
            // After a crash two are still not inside.
            (Faults::NONE, Withstands { crash: false, ..Withstands::ALL }),
        ];
        for (fault, withstands) in withstands {
            let promise = Promise { claim: Claim::Everyone, patience: None, withstands, fenced: false };
            for faults in Faults::ALL {
                let lost = faults == fault && !fault.is_none();
                let left = if lost { Claim::Nobody } else { Claim::Everyone };
                assert_eq!(promise.under(faults).claim, left, "{withstands:?}, {faults:?}");
            }
        }
    }

    #[test]
    fn one_worker_is_no_pair() {
        assert!(Claim::Nobody.excludes_everybody(Placement::Threads, 1));
        assert!(!Claim::Everyone.excludes_somebody(Placement::Threads, 1));
        assert!(Claim::Nobody.expects_race(Placement::Threads, Scope::Session, 2));
        assert!(!Claim::Nobody.expects_race(Placement::Threads, Scope::Operation, 2));
    }
}
