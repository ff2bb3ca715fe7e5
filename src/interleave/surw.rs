//! The selectively uniform random walk.

use std::collections::BTreeMap;

use super::{Dice, Enabled, Profile, Scheduler};
use crate::schedule::Wid;
use crate::stage::Object;

/// Draws the order of a few interesting steps uniformly, and leaves the rest to a random walk.
///
/// Huan Zhao, Dylan Wolff, Umang Mathur, Abhik Roychoudhury, "Selectively Uniform Concurrency Testing",
/// 2025.
///
/// A plain walk favours executions in which short workers come early. Drawing the next worker in
/// proportion to the steps that it has left makes each interleaving as likely as any other. Selectively:
/// only the interesting steps are weighed. One worker is *intended* to take the next interesting step,
/// drawn in proportion to the interesting steps that each has left; the others may take all but
/// interesting steps, each enabled one as likely as the others; when the intended one has taken its
/// step, the next one is drawn.
///
/// Interesting are here the steps that touch one object, drawn for each execution among those that more
/// than one worker touched, and one of them changed. How many each worker has is what it had in the last
/// execution. With no such object all is a random walk. The estimate can be wrong: when only interesting
/// steps of workers that are not intended are left, another is drawn among these.
pub struct Surw {
    dice: Dice,
    profile: Profile,
    object: Option<Object>,
    /// The interesting steps that each worker is thought to have before it.
    left: BTreeMap<Wid, u32>,
    intended: Option<Wid>,
}

impl Surw {
    /// `profile` says who touches what, and how often.
    pub fn new(seed: u64, profile: Profile) -> Self {
        let dice = Dice::new(seed, 4);
        Surw { dice, profile, object: None, left: BTreeMap::new(), intended: None }
    }

    fn is_interesting(&self, one: &Enabled) -> bool {
        one.next.iter().any(|access| Some(access.object()) == self.object)
    }
}

impl Scheduler for Surw {
    fn begin(&mut self) -> bool {
        let mut contended = self.profile.contended();
        self.object = None;
        self.left.clear();
        self.intended = None;
        if !contended.is_empty() {
            let (object, touched) = contended.swap_remove(self.dice.below(contended.len()));
            self.object = Some(object);
            self.left = touched.steps;
        }
        true
    }

    fn choose(&mut self, enabled: &[Enabled]) -> usize {
        if self.intended.is_none() {
            let weights: Vec<_> = self.left.values().copied().collect();
            let drawn = self.dice.weighted(&weights);
            self.intended = drawn.and_then(|index| self.left.keys().nth(index).copied());
        }
        let allowed: Vec<_> = (0..enabled.len())
            .filter(|&index| {
                Some(enabled[index].worker) == self.intended || !self.is_interesting(&enabled[index])
            })
            .collect();
        let chosen = if allowed.is_empty() {
            let left = |one: &Enabled| self.left.get(&one.worker).copied().unwrap_or(0).max(1);
            let weights: Vec<_> = enabled.iter().map(left).collect();
            self.dice.weighted(&weights).unwrap_or(0)
        } else {
            allowed[self.dice.below(allowed.len())]
        };
        if self.is_interesting(&enabled[chosen]) {
            if let Some(left) = self.left.get_mut(&enabled[chosen].worker) {
                *left = left.saturating_sub(1);
            }
            self.intended = None;
        }
        chosen
    }
}
