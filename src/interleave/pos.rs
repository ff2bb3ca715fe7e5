//! Partial order sampling.

use std::collections::BTreeMap;

use super::pct::highest;
use super::{Dice, Enabled, Scheduler};
use crate::schedule::Wid;

/// A random priority for each pending step.
///
/// Xinhao Yuan, Junfeng Yang, Ronghui Gu, "Partial Order Aware Concurrency Sampling", 2018.
///
/// The pending step with the highest priority is taken. The next step of the same worker gets a new
/// priority, and so does each pending step that races with the one just taken (depends on it), so that
/// the order among the racing ones left over is drawn anew and not biased by having lost.
///
/// A worker that is blocked keeps the priority of its pending step. Nothing is learnt.
pub struct Pos {
    dice: Dice,
    /// The number of the pending step, and its priority.
    pending: BTreeMap<Wid, (u32, u64)>,
}

impl Pos {
    /// The samples of this seed.
    pub fn new(seed: u64) -> Self {
        Pos { dice: Dice::new(seed, 3), pending: BTreeMap::new() }
    }
}

impl Scheduler for Pos {
    fn begin(&mut self) -> bool {
        self.pending.clear();
        true
    }

    fn choose(&mut self, enabled: &[Enabled]) -> usize {
        for one in enabled {
            let known = self.pending.get(&one.worker).is_some_and(|&(step, _)| step == one.step);
            if !known {
                self.pending.insert(one.worker, (one.step, self.dice.number()));
            }
        }
        let chosen = highest(enabled.iter().map(|one| self.pending[&one.worker].1));
        for one in enabled {
            // The mover too: its next step is another one.
            if one.worker == enabled[chosen].worker || one.depends_on(&enabled[chosen]) {
                self.pending.remove(&one.worker);
            }
        }
        chosen
    }
}
