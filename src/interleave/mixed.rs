//! A bit of everything: the default.

use super::{Enabled, Pct, Pos, Profile, Race, Random, Scheduler, Surw, Unmet};

/// Several schedulers, one execution each in turn, some of them not in every round.
///
/// No one of them is best at everything, and nobody knows beforehand which bug there is. Taking turns
/// costs at most their number times what the best of them needs. They learn from each other: the
/// [`Profile`] is of all executions, whoever chose.
pub struct Mixed {
    schedulers: Vec<Seat>,
    profile: Profile,
    turn: usize,
}

struct Seat {
    scheduler: Box<dyn Scheduler>,
    /// It has a turn in every so manieth round, and so many rounds to wait.
    every: u32,
    waits: u32,
}

impl Mixed {
    /// The default: [`Unmet`] in every round; the [random walk](Random) in every second one, which is the best where a program
    /// has few steps; [`Surw`] and [`Race`] in every fourth; in every eighth [`Pos`] and [`Pct`] of this depth, which
    /// seldom are the best.
    pub fn new(seed: u64, depth: u32) -> Self {
        let mut mixed = Mixed::of(|profile| {
            vec![
                // First, because it has nothing to learn.
                Box::new(Random::new(seed)),
                Box::new(Surw::new(seed, profile.clone())),
                Box::new(Race::new(seed, profile.clone())),
                Box::new(Pos::new(seed)),
                Box::new(Unmet::new(seed, profile.clone())),
                Box::new(Pct::new(seed, depth, profile.clone())),
            ]
        });
        for (seat, (every, waits)) in
            mixed.schedulers.iter_mut().zip([(2, 0), (4, 1), (4, 3), (8, 5), (1, 0), (8, 0)])
        {
            (seat.every, seat.waits) = (every, waits);
        }
        mixed
    }

    /// These, in this order; they may read the profile.
    pub fn of(list: impl FnOnce(&Profile) -> Vec<Box<dyn Scheduler>>) -> Self {
        let profile = Profile::default();
        let seat = |scheduler| Seat { scheduler, every: 1, waits: 0 };
        Mixed { schedulers: list(&profile).into_iter().map(seat).collect(), profile, turn: 0 }
    }
}

impl Scheduler for Mixed {
    fn begin(&mut self) -> bool {
        self.profile.begin();
        while !self.schedulers.is_empty() {
            // The one whose turn it was stands last.
            self.schedulers.rotate_left(self.turn.min(1));
            self.turn = 1;
            let seat = &mut self.schedulers[0];
            if seat.waits > 0 {
                seat.waits -= 1;
                continue;
            }
            seat.waits = seat.every - 1;
            if seat.scheduler.begin() {
                return true;
            }
            self.schedulers.remove(0);
            self.turn = 0;
        }
        false
    }

    fn choose(&mut self, enabled: &[Enabled]) -> usize {
        let index = self.schedulers[0].scheduler.choose(enabled);
        self.profile.step(&enabled[index]);
        index
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_eight_rounds_each_has_its_turns() {
        let mut mixed = Mixed::new(1, 3);
        let turn = || {
            assert!(mixed.begin());
            mixed.schedulers[0].every
        };
        let turns: Vec<u32> = std::iter::repeat_with(turn).take(2 * 18).collect();
        for eight_rounds in turns.chunks(18) {
            let of = |every: u32| eight_rounds.iter().filter(|&&turn| turn == every).count();
            // Unmet; the random walk; surw and race; pos and pct.
            assert_eq!([1, 2, 4, 8].map(of), [8, 4, 4, 2], "{eight_rounds:?}");
            let unmet = eight_rounds.split(|&turn| turn == 1).map(<[u32]>::len).max();
            assert!(unmet <= Some(3), "it is never far away: {eight_rounds:?}");
        }
    }
}
