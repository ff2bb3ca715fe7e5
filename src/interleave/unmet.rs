//! Workers held back where no two of them have met yet.

use std::collections::{BTreeMap, BTreeSet};

use super::pct::highest;
use super::{Dice, Enabled, Profile, Scheduler};
use crate::schedule::Wid;
use crate::stage::{Access, Object};

/// Looks for a place where no two workers were ever seen at once, and tries to bring two of them there.
///
/// What a lock protects is such a place: several workers come there, but never two at a time. So whoever is
/// about to touch it is held back for as long as anybody else can go on, and the others are given the chance
/// to get there as well. Everywhere else workers meet within a few executions, and then it is of no interest
/// any more. Of the places that are left (of all that several workers touch, when none is left) it is the one
/// farthest on the workers' way: a lock is taken before what it protects is touched. When all who can go on
/// are there, nobody takes two steps in a row: one that reads what it wrote shall see what another wrote since.
///
/// Some locks break where one worker gives the lock back while another has half of it, and let in a third. So two
/// are held back at least, and of the others a random number is let through, before anybody else.
///
/// Jie Yu, Satish Narayanasamy, Cristiano Pereira, Gilles Pokam, "Maple: A Coverage-Driven Testing Tool for
/// Multithreaded Programs", 2012, does that for orders of two accesses: it remembers those that were seen, and
/// forces those that were not. To hold a worker back is from Sen (see [`Race`](super::Race)).
///
/// On the way there a bug needs few preemptions (Musuvathi and Qadeer, see [`Bounded`](super::Bounded)). As
/// in [`Pct`](super::Pct) each worker has a random priority, and some fall below all others once: not at any
/// step of the execution, but between two steps that such a worker takes on the shortest way to the place that
/// it was seen to take, and rather near its beginning, where a lock is taken: the place may be seen late. Those who
/// will fall go first, for otherwise nobody is left to come in between. At one step of sixteen all of this is
/// forgotten, so that anything can happen, and nobody spins for ever.
pub struct Unmet {
    dice: Dice,
    profile: Profile,
    /// Where two were seen at once.
    met: BTreeSet<Object>,
    /// The fewest steps of a worker before it touched an object.
    nearest: BTreeMap<(Object, Wid), u32>,
    /// Who has touched what in this execution.
    touched: BTreeSet<(Object, Wid)>,
    target: Option<Object>,
    /// Who is not held there.
    passers: BTreeSet<Wid>,
    /// Who moved last.
    last: Option<Wid>,
    priorities: BTreeMap<Wid, u64>,
    /// After how many steps a worker falls, and to which priority if not below all others.
    falls: BTreeMap<Wid, (u32, Option<u64>)>,
    /// The next one who falls gets a priority below this one.
    floor: u64,
}

/// One step of so many is anybody's.
const ODDS: usize = 16;

/// Who has fallen is below this, who will fall above [`FIRST`], and everybody else in between.
const FLOOR: u64 = 1 << 16;
const FIRST: u64 = 1 << 63;
/// Who is let through comes after these and before the rest.
const SECOND: u64 = 1 << 62;

impl Unmet {
    /// `profile` says who touches what.
    pub fn new(seed: u64, profile: Profile) -> Self {
        Unmet {
            dice: Dice::new(seed, 6),
            profile,
            met: BTreeSet::new(),
            nearest: BTreeMap::new(),
            touched: BTreeSet::new(),
            target: None,
            passers: BTreeSet::new(),
            last: None,
            priorities: BTreeMap::new(),
            falls: BTreeMap::new(),
            floor: FLOOR,
        }
    }

    /// Of these, those who are let through, and those who will fall: not all of the others, so that somebody is there
    /// to go past.
    fn draw(&mut self, target: Object, mut workers: Vec<Wid>) {
        for _ in 0..self.dice.below(workers.len().saturating_sub(1).max(1)) {
            let passer = workers.swap_remove(self.dice.below(workers.len()));
            self.passers.insert(passer);
            let priority = SECOND | self.dice.number() >> 2;
            self.priorities.insert(passer, priority);
            if self.dice.below(2) == 0 {
                let steps = self.nearest.get(&(target, passer)).copied().unwrap_or_default();
                self.priorities.insert(passer, u64::MAX);
                self.falls.insert(passer, (1 + self.dice.below(steps as usize + 1) as u32, Some(priority)));
            }
        }
        let most = workers.len().saturating_sub(1);
        for _ in 0..if most == 0 { 0 } else { 1 + self.dice.below(most) } {
            let worker = workers.swap_remove(self.dice.below(workers.len()));
            self.priorities.insert(worker, self.dice.number() | FIRST);
            let steps = self.nearest.get(&(target, worker)).copied().unwrap_or_default();
            // Not before its first step: that is an order which the priorities make as well.
            if steps > 1 {
                let most = 1 + self.dice.below(steps as usize - 1);
                self.falls.insert(worker, (1 + self.dice.below(most) as u32, None));
            }
        }
    }

    /// The steps to it of the worker who has the most.
    fn distance(&self, object: Object) -> u32 {
        let all = self.nearest.range((object, Wid::MIN)..=(object, Wid::MAX));
        all.map(|(_, &steps)| steps).max().unwrap_or_default()
    }

    /// Where two are at once now, they have met.
    fn look(&mut self, enabled: &[Enabled]) {
        let mut there: BTreeMap<Object, (Wid, bool)> = BTreeMap::new();
        for one in enabled {
            for access in &one.next {
                let changes = matches!(access, Access::Change(_));
                let (worker, changed) = there.entry(access.object()).or_insert((one.worker, changes));
                if *worker != one.worker && (changes || *changed) {
                    self.met.insert(access.object());
                }
                *changed |= changes;
            }
        }
    }
}

impl Scheduler for Unmet {
    fn begin(&mut self) -> bool {
        self.touched.clear();
        self.priorities.clear();
        self.falls.clear();
        self.floor = FLOOR;
        self.target = None;
        self.passers.clear();
        self.last = None;
        let contended = self.profile.contended();
        let unmet: Vec<_> = contended.iter().filter(|(object, _)| !self.met.contains(object)).collect();
        let pool = if unmet.is_empty() { contended.iter().collect() } else { unmet };
        if let Some((object, touched)) = pool.into_iter().max_by_key(|(object, _)| self.distance(*object)) {
            self.target = Some(*object);
            self.draw(*object, touched.steps.keys().copied().collect());
        }
        true
    }

    fn choose(&mut self, enabled: &[Enabled]) -> usize {
        self.look(enabled);
        for one in enabled {
            let priority = self.priorities.entry(one.worker);
            priority.or_insert_with(|| (self.dice.number() >> 2).max(FLOOR));
            if let Some(&(_, to)) = self.falls.get(&one.worker).filter(|(after, _)| one.step >= *after) {
                self.falls.remove(&one.worker);
                self.floor -= 1;
                self.priorities.insert(one.worker, to.unwrap_or(self.floor));
            }
        }
        let is_held = |one: &Enabled| {
            let there = one.next.iter().any(|access| Some(access.object()) == self.target);
            there && !self.passers.contains(&one.worker)
        };
        let free: Vec<_> = (0..enabled.len()).filter(|&index| !is_held(&enabled[index])).collect();
        let others: Vec<_> =
            (0..enabled.len()).filter(|&index| Some(enabled[index].worker) != self.last).collect();
        let chosen = if self.target.is_none() || self.dice.below(ODDS) == 0 {
            self.dice.below(enabled.len())
        } else if !free.is_empty() {
            free[highest(free.iter().map(|&index| self.priorities[&enabled[index].worker]))]
        } else if !others.is_empty() {
            others[self.dice.below(others.len())]
        } else {
            self.dice.below(enabled.len())
        };
        let mover = &enabled[chosen];
        self.last = Some(mover.worker);
        for access in &mover.next {
            let way = (access.object(), mover.worker);
            if self.touched.insert(way) {
                let nearest = self.nearest.entry(way).or_insert(mover.step);
                *nearest = mover.step.min(*nearest);
            }
        }
        chosen
    }
}
