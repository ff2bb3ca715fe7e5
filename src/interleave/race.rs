//! Race directed random testing.

use std::collections::BTreeSet;

use super::{Dice, Enabled, Profile, Scheduler};
use crate::schedule::Wid;
use crate::stage::{Access, Object};

/// Holds workers back at one object until two of them are about to race for it, then tosses a coin.
///
/// Koushik Sen, "Race Directed Random Testing of Concurrent Programs", 2008.
///
/// A random walk, but for one pair of kinds of steps: the lookers and the changers of one object, or its
/// changers among themselves. Whoever is about to take such a step is held, unless that makes a race with
/// some who are held already. Then a coin is tossed: either this one goes and they stay, or this one is
/// held and they go, all of them. When everybody who could go on is held, one of them goes.
///
/// The odds do not depend on how many workers do the same, which is where the samplers of single steps
/// grow thin. The paper takes the pairs of statements from a race detector; here the pair is drawn for
/// each execution among those that the last one showed.
pub struct Race {
    dice: Dice,
    profile: Profile,
    pair: Option<Pair>,
    held: BTreeSet<Wid>,
    /// Those who lost no toss and are let go, one after the other.
    due: BTreeSet<Wid>,
}

#[derive(Clone, Copy)]
struct Pair {
    object: Object,
    among: Among,
}

#[derive(Clone, Copy, PartialEq)]
enum Among {
    LookersAndChangers,
    Changers,
}

impl Race {
    /// `profile` says who touches what.
    pub fn new(seed: u64, profile: Profile) -> Self {
        Race { dice: Dice::new(seed, 5), profile, pair: None, held: BTreeSet::new(), due: BTreeSet::new() }
    }

    fn draw(&mut self) -> Option<Pair> {
        let mut pairs = Vec::new();
        for (object, touched) in self.profile.contended() {
            let (lookers, changers) = (&touched.lookers, &touched.changers);
            if lookers.iter().any(|looker| changers.iter().any(|changer| looker != changer)) {
                pairs.push(Pair { object, among: Among::LookersAndChangers });
            }
            if changers.len() > 1 {
                pairs.push(Pair { object, among: Among::Changers });
            }
        }
        if pairs.is_empty() { None } else { Some(pairs[self.dice.below(pairs.len())]) }
    }
}

impl Pair {
    fn touched_by(self, one: &Enabled) -> bool {
        let watched = match self.among {
            Among::LookersAndChangers => [Access::Look(self.object), Access::Change(self.object)],
            Among::Changers => [Access::Change(self.object); 2],
        };
        one.next.iter().any(|access| watched.contains(access))
    }

    /// One of each kind.
    fn races(self, one: &Enabled, two: &Enabled) -> bool {
        let changes = |one: &Enabled| one.next.contains(&Access::Change(self.object));
        match self.among {
            Among::LookersAndChangers => changes(one) != changes(two),
            Among::Changers => changes(one) && changes(two),
        }
    }
}

impl Scheduler for Race {
    fn begin(&mut self) -> bool {
        self.held.clear();
        self.due.clear();
        self.pair = self.draw();
        true
    }

    fn choose(&mut self, enabled: &[Enabled]) -> usize {
        let Some(pair) = self.pair else { return self.dice.below(enabled.len()) };
        loop {
            if let Some(index) = enabled.iter().position(|one| self.due.contains(&one.worker)) {
                self.due.remove(&enabled[index].worker);
                return index;
            }
            let free: Vec<_> =
                (0..enabled.len()).filter(|&index| !self.held.contains(&enabled[index].worker)).collect();
            if free.is_empty() {
                let index = self.dice.below(enabled.len());
                self.held.remove(&enabled[index].worker);
                return index;
            }
            let index = free[self.dice.below(free.len())];
            let one = &enabled[index];
            if !pair.touched_by(one) {
                return index;
            }
            let is_rival = |two: &&Enabled| self.held.contains(&two.worker) && pair.races(one, two);
            let rivals: BTreeSet<_> = enabled.iter().filter(is_rival).map(|two| two.worker).collect();
            if !rivals.is_empty() && self.dice.below(2) == 0 {
                return index;
            }
            self.held.retain(|held| !rivals.contains(held));
            self.held.insert(one.worker);
            self.due = rivals;
        }
    }
}
