//! The random walk.

use super::{Dice, Enabled, Scheduler};

/// Each of the enabled is as likely as the others, at every step.
///
/// The simplest of all, and the measure of the others: Paul Thomson, Alastair Donaldson, Adam Betts,
/// "Concurrency Testing Using Schedule Bounding: an Empirical Study", 2014, found it to be hard to beat.
/// Where a bug needs a worker to stay put for long, its odds halve with each step.
pub struct Random {
    dice: Dice,
}

impl Random {
    /// The walk of this seed.
    pub fn new(seed: u64) -> Self {
        Random { dice: Dice::new(seed, 1) }
    }
}

impl Scheduler for Random {
    fn begin(&mut self) -> bool {
        true
    }

    fn choose(&mut self, enabled: &[Enabled]) -> usize {
        self.dice.below(enabled.len())
    }
}
