//! The least that it takes to break a lock.

use super::Double;
use crate::case::{Faults, Placement};

/// What the smallest counterexample of a lock has, where its workers live so and so much may go wrong. Each
/// worker takes the lock once, and how many they are a [`Double`] says itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Least {
    /// Where the workers live.
    pub placements: &'static [Placement],
    /// What goes wrong.
    pub faults: Faults,
    /// How often a worker stops that could have gone on.
    pub preemptions: u32,
}

impl Least {
    /// How often each worker takes the lock.
    pub const ACQUIRES: u32 = 1;

    /// So many preemptions in threads as in processes, and nothing else.
    pub const fn preemptions(preemptions: u32) -> Least {
        Least { placements: &Placement::UNIFORM, faults: Faults::NONE, preemptions }
    }

    /// A process is killed, and nobody has to be preempted.
    pub const fn killed() -> Least {
        Least { placements: &[Placement::Processes], faults: Faults::CRASH, preemptions: 0 }
    }

    /// The same, but in these placements.
    pub const fn only_in(self, placements: &'static [Placement]) -> Least {
        Least { placements, ..self }
    }

    /// The same, but with these faults.
    pub const fn with(self, faults: Faults) -> Least {
        Least { faults, ..self }
    }
}

impl Double {
    /// How few preemptions break it there, if it is known to break.
    pub fn fewest_preemptions(&self, placement: Placement, faults: Faults) -> Option<u32> {
        let here = |least: &&Least| least.placements.contains(&placement) && least.faults == faults;
        self.least.iter().find(here).map(|least| least.preemptions)
    }
}
