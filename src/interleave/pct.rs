//! Probabilistic concurrency testing.

use std::collections::{BTreeMap, BTreeSet};

use super::{Dice, Enabled, Profile, Scheduler};
use crate::schedule::Wid;

/// Strict priorities, which change at a few random steps.
///
/// Sebastian Burckhardt, Pravesh Kothari, Madanlal Musuvathi, Santosh Nagarakatte, "A Randomized
/// Scheduler with Probabilistic Guarantees of Finding Bugs", 2010.
///
/// Each worker gets a random priority; the enabled one with the highest goes on. Of the k steps, d - 1
/// different ones are drawn; whoever took the i-th of them falls to priority d - i, below all that were
/// drawn and below those who fell before. A bug whose trigger is d orderings is found with odds of
/// 1 in n·k^(d-1) or better, for n workers.
///
/// Here k is the most steps of an execution so far, so that the first one runs without changes.
/// A worker that spins until another one moves can spin for ever: bound the steps.
pub struct Pct {
    dice: Dice,
    depth: u32,
    profile: Profile,
    step: u32,
    /// The steps after which a priority falls.
    changes: BTreeSet<u32>,
    priorities: BTreeMap<Wid, u64>,
}

impl Pct {
    /// For bugs of this depth, 1 or more; `profile` says how long executions are.
    pub fn new(seed: u64, depth: u32, profile: Profile) -> Self {
        Pct {
            dice: Dice::new(seed, 2),
            depth: depth.max(1),
            profile,
            step: 0,
            changes: BTreeSet::new(),
            priorities: BTreeMap::new(),
        }
    }
}

impl Scheduler for Pct {
    fn begin(&mut self) -> bool {
        let steps = self.profile.longest();
        let wanted = (self.depth - 1).min(steps) as usize;
        self.changes.clear();
        while self.changes.len() < wanted {
            self.changes.insert(1 + self.dice.below(steps as usize) as u32);
        }
        self.step = 0;
        self.priorities.clear();
        true
    }

    fn choose(&mut self, enabled: &[Enabled]) -> usize {
        for one in enabled {
            let lowest = u64::from(self.depth);
            self.priorities.entry(one.worker).or_insert_with(|| self.dice.number().max(lowest));
        }
        let chosen = highest(enabled.iter().map(|one| self.priorities[&one.worker]));
        self.step += 1;
        if self.changes.contains(&self.step) {
            let number = self.changes.range(..=self.step).count() as u32;
            self.priorities.insert(enabled[chosen].worker, u64::from(self.depth - number));
        }
        chosen
    }
}

/// The index of the highest; of the first, where there are several.
pub(super) fn highest(priorities: impl Iterator<Item = u64>) -> usize {
    let best = priorities.enumerate().max_by_key(|&(index, priority)| (priority, std::cmp::Reverse(index)));
    best.map_or(0, |(index, _)| index)
}
