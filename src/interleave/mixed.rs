//! A bit of everything: the default.

use super::{Enabled, Pct, Pos, Profile, Race, Random, Scheduler, Surw};

/// Several schedulers, one execution each in turn.
///
/// No one of them is best at everything, and nobody knows beforehand which bug there is. Taking turns
/// costs at most their number times what the best of them needs. They learn from each other: the
/// [`Profile`] is of all executions, whoever chose.
pub struct Mixed {
    schedulers: Vec<Box<dyn Scheduler>>,
    profile: Profile,
    turn: usize,
}

impl Mixed {
    /// The default: the [random walk](Random), [`Race`], [`Surw`], [`Pos`], and [`Pct`] of this depth.
    pub fn new(seed: u64, depth: u32) -> Self {
        Mixed::of(|profile| {
            vec![
                // First, because it has nothing to learn.
                Box::new(Random::new(seed)),
                Box::new(Race::new(seed, profile.clone())),
                Box::new(Surw::new(seed, profile.clone())),
                Box::new(Pos::new(seed)),
                Box::new(Pct::new(seed, depth, profile.clone())),
            ]
        })
    }

    /// These, in this order; they may read the profile.
    pub fn of(list: impl FnOnce(&Profile) -> Vec<Box<dyn Scheduler>>) -> Self {
        let profile = Profile::default();
        Mixed { schedulers: list(&profile), profile, turn: 0 }
    }
}

impl Scheduler for Mixed {
    fn begin(&mut self) -> bool {
        self.profile.begin();
        while !self.schedulers.is_empty() {
            // The one whose turn it was stands last.
            self.schedulers.rotate_left(self.turn.min(1));
            self.turn = 1;
            if self.schedulers[0].begin() {
                return true;
            }
            self.schedulers.remove(0);
            self.turn = 0;
        }
        false
    }

    fn choose(&mut self, enabled: &[Enabled]) -> usize {
        let index = self.schedulers[0].choose(enabled);
        self.profile.step(&enabled[index]);
        index
    }
}
