//! proptest strategies: what cases there are, and how a case gets simpler.
//!
//! [`cases`] is one strategy with a tree of its own, not a tower of combinators: it generates in a
//! few microseconds, and its shrinking moves from legal case to legal case.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::{NewTree, ValueTree};
use proptest::test_runner::{TestRng, TestRunner};
use rand::RngExt;

use crate::case::{Case, Faults, Placement, Scope};
use crate::lock::{Double, EXPERIMENT};
use crate::schedule::{Command, Order, Schedule, Tick, Time, Wid, shifted};
use crate::{choices, simplify};

/// How many workers: 1 to 16.
pub const WORKERS: RangeInclusive<u32> = 1..=16;
/// How many periods lie between a write and its read.
pub const OVERLAPS: RangeInclusive<u32> = 1..=4;
/// The shortest and the longest period.
pub const PERIODS: RangeInclusive<Time> = Time::from_micros(500)..=Time::from_micros(2_000_000);

/// Periods from 0.5 ms to 2 s, log-uniform: as many below 30 ms as above.
pub fn periods() -> impl Strategy<Value = Time> {
    let [low, high] = [*PERIODS.start(), *PERIODS.end()].map(|t| (t.as_micros() as f64).ln());
    (low..=high).prop_map(|log| grid(log.exp()))
}

/// To a tenth of a millisecond, which prints in four decimals.
fn grid(micros: f64) -> Time {
    Time::from_micros((micros / 100.0).round() as u64 * 100)
}

/// The three orders, the plainest first.
pub fn orders() -> impl Strategy<Value = Order> {
    select(&Order::ALL[..])
}

/// The placements, the plainest first.
pub fn placements() -> impl Strategy<Value = Placement> {
    select(&Placement::ALL[..])
}

/// The scopes, the plainest first.
pub fn scopes() -> impl Strategy<Value = Scope> {
    select(&Scope::ALL[..])
}

/// The locks of the experiment.
pub fn locks() -> impl Strategy<Value = &'static Double> {
    select(&EXPERIMENT[..])
}

/// Any legal schedule for so many workers.
pub fn schedules(workers: RangeInclusive<u32>) -> impl Strategy<Value = Schedule> {
    cases().workers(workers).prop_map(|case| case.schedule)
}

/// All cases of the locks of the experiment. Narrow it down with the methods of [`Cases`].
pub fn cases() -> Cases {
    Cases {
        locks: EXPERIMENT.iter().map(|double| double.name.to_owned()).collect(),
        placements: Placement::ALL.to_vec(),
        scopes: Scope::ALL.to_vec(),
        orders: Order::ALL.to_vec(),
        workers: WORKERS,
        period: None,
        overlapping: false,
        interleaved: false,
        fewest: *WORKERS.start(),
    }
}

/// A strategy for [`Case`]s; see [`cases`].
#[derive(Clone, Debug)]
pub struct Cases {
    locks: Vec<String>,
    placements: Vec<Placement>,
    scopes: Vec<Scope>,
    orders: Vec<Order>,
    workers: RangeInclusive<u32>,
    period: Option<Time>,
    overlapping: bool,
    interleaved: bool,
    /// Shrunk cases may have as few workers as this.
    fewest: u32,
}

impl Cases {
    /// Only this lock.
    pub fn lock(mut self, name: &str) -> Self {
        self.locks = vec![name.to_owned()];
        self
    }

    /// Only this placement.
    pub fn placement(mut self, placement: Placement) -> Self {
        self.placements = vec![placement];
        self
    }

    /// Only these placements, the plainest first.
    ///
    /// # Panics
    /// When there is none.
    pub fn placements(mut self, placements: &[Placement]) -> Self {
        assert!(!placements.is_empty(), "a case has a placement");
        self.placements = placements.to_vec();
        self
    }

    /// With a choice at each point, for a lock that passes points.
    pub fn interleaved(mut self) -> Self {
        self.interleaved = true;
        self
    }

    /// Only this scope.
    pub fn scope(mut self, scope: Scope) -> Self {
        self.scopes = vec![scope];
        self
    }

    /// Only these scopes, the plainest first.
    ///
    /// # Panics
    /// When there is none.
    pub fn scopes(mut self, scopes: &[Scope]) -> Self {
        assert!(!scopes.is_empty(), "a case has a scope");
        self.scopes = scopes.to_vec();
        self
    }

    /// Only this order.
    pub fn order(mut self, order: Order) -> Self {
        self.orders = vec![order];
        self
    }

    /// Only so many workers.
    ///
    /// # Panics
    /// When the range is empty, or begins at 0.
    pub fn workers(mut self, workers: RangeInclusive<u32>) -> Self {
        assert!(*workers.start() > 0 && !workers.is_empty(), "a case has at least one worker");
        self.fewest = *workers.start();
        self.workers = workers;
        self
    }

    /// Cases may shrink to fewer workers than are generated.
    pub fn shrinking_to(mut self, workers: u32) -> Self {
        self.fewest = self.fewest.min(workers.max(1));
        self
    }

    /// Only this period; ticks lie whole periods apart.
    pub fn period(mut self, period: Time) -> Self {
        self.period = Some(period);
        self
    }

    /// Only schedules in which, after sorting, some worker writes between another's write and read:
    /// where nobody is excluded, each of them must show a race. (With one worker there are none, and
    /// this asks for nothing.)
    pub fn overlapping(mut self) -> Self {
        self.overlapping = true;
        self
    }

    /// Is this one of them?
    fn admits(&self, case: &Case) -> bool {
        let alone = *self.workers.end() == 1;
        (self.fewest..=*self.workers.end()).contains(&case.workers)
            && case.check().is_ok()
            && (!self.overlapping || alone || case.order.sorted(&case.schedule).overlaps())
    }

    fn generate(&self, rng: &mut TestRng) -> Case {
        for _ in 0..32 {
            let workers = rng.random_range(self.workers.clone());
            let case = self.case(rng, workers, |rng, period| match rng.random_range(0..2) {
                0 => shifted(workers, period, rng.random_range(OVERLAPS)),
                _ => any_order(rng, workers, period),
            });
            if self.admits(&case) {
                return case;
            }
        }
        // The original overlaps in every order, from two workers on.
        let workers = *self.workers.end();
        self.case(rng, workers, |_, period| shifted(workers, period, 2))
    }

    fn case(
        &self,
        rng: &mut TestRng,
        workers: u32,
        schedule: impl FnOnce(&mut TestRng, Time) -> Schedule,
    ) -> Case {
        let [low, high] = [*PERIODS.start(), *PERIODS.end()].map(|t| (t.as_micros() as f64).ln());
        let period = self.period.unwrap_or_else(|| grid(rng.random_range(low..=high).exp()));
        let choices = self.interleaved.then(|| drawn_choices(rng, workers));
        Case {
            lock: pick(rng, &self.locks).clone(),
            placement: *pick(rng, &self.placements),
            scope: *pick(rng, &self.scopes),
            order: *pick(rng, &self.orders),
            workers,
            schedule: schedule(rng, period),
            choices,
            faults: Faults::NONE,
        }
    }

    /// The plainer words that a shrunk case may use.
    fn plainer(&self, case: &Case) -> Vec<Case> {
        let mut plainer = Vec::new();
        let mut offer = |change: &dyn Fn(&mut Case)| {
            let mut other = case.clone();
            change(&mut other);
            plainer.push(other);
        };
        offer(&|c| c.scope = self.scopes[0]);
        offer(&|c| {
            // The same commands in the same order, by a plainer name.
            c.schedule = c.order.sorted(&c.schedule);
            c.order = self.orders[0];
        });
        offer(&|c| c.placement = self.placements[0]);
        offer(&|c| c.lock.clone_from(&self.locks[0]));
        offer(&|c| {
            c.schedule = simplify::evenly(&c.schedule, self.period.unwrap_or(Time::from_micros(1000)))
        });
        plainer
    }

    /// Every simpler neighbour of a case, the much simpler ones first; all of them admitted.
    pub(crate) fn simpler(&self, case: &Case) -> Vec<Case> {
        let mut simpler = simplify::simpler(case);
        simpler.extend(self.plainer(case));
        if case.choices.as_ref().is_some_and(|choices| !choices.is_empty()) {
            simpler.extend(choices::simpler(case));
        }
        simpler.retain(|other| other != case && self.admits(other));
        simpler
    }
}

/// Who goes on at each point: mostly whoever moved last.
fn drawn_choices(rng: &mut TestRng, workers: u32) -> Vec<u32> {
    let often = rng.random_range(0.05..0.6);
    let mut choose = || if rng.random_bool(often) { rng.random_range(0..workers) } else { 0 };
    (0..CHOICES).map(|_| choose()).collect()
}

/// So many choices does a generated case have; past them whoever moves goes on.
const CHOICES: usize = 64;

fn pick<'a, T>(rng: &mut TestRng, from: &'a [T]) -> &'a T {
    if from.len() == 1 { &from[0] } else { &from[rng.random_range(0..from.len())] }
}

/// Writes and reads in any legal order: each worker has one to three rounds of one or two writes and a
/// read, the workers' lists are shuffled together, and neighbours may share a tick.
fn any_order(rng: &mut TestRng, workers: u32, period: Time) -> Schedule {
    let mut left: Vec<(Wid, Vec<Command>)> = (1..=workers).map(|worker| (worker, commands(rng))).collect();
    let together = rng.random_range(0.0..0.8);
    let mut ticks: Vec<Tick> = Vec::new();
    let mut at = Time::ZERO;
    while !left.is_empty() {
        let nth = rng.random_range(0..left.len());
        let (worker, list) = &mut left[nth];
        let (worker, command) = (*worker, list.pop().expect("empty lists are taken out"));
        if list.is_empty() {
            left.swap_remove(nth);
        }
        match ticks.last_mut() {
            Some(tick) if tick.commands.iter().all(|&(w, _)| w != worker) && rng.random_bool(together) => {
                tick.commands.push((worker, command));
            }
            _ => {
                ticks.push(Tick { at, commands: vec![(worker, command)] });
                at = at + period * rng.random_range(1..=2);
            }
        }
    }
    Schedule { ticks }
}

/// One worker's commands, the last first.
fn commands(rng: &mut TestRng) -> Vec<Command> {
    let mut list = Vec::with_capacity(8);
    if rng.random_bool(0.3) {
        list.push(Command::Exit);
    }
    // Mostly one round: many workers with few commands overlap more than few with many.
    let rounds = [1, 1, 1, 2, 3][rng.random_range(0..5)];
    for _ in 0..rounds {
        list.push(Command::Read);
        list.push(Command::Write);
        if rng.random_bool(0.15) {
            list.push(Command::Write);
        }
    }
    list
}

impl Strategy for Cases {
    type Tree = CaseTree;
    type Value = Case;

    fn new_tree(&self, runner: &mut TestRunner) -> NewTree<Self> {
        let case = self.generate(runner.rng());
        let strategy = self.clone();
        Ok(CaseTree::new(case, move |case| strategy.simpler(case)))
    }
}

/// The simpler neighbours of a case.
type Simpler = dyn Fn(&Case) -> Vec<Case> + Send + Sync;

/// A case on its way to a simpler one.
#[derive(Clone)]
pub struct CaseTree {
    /// What to try instead of a case that fails, the much simpler ones first.
    simpler: Arc<Simpler>,
    /// The simplest case known to fail.
    known: Case,
    /// The case to be tried now.
    current: Case,
    /// Simpler neighbours of `known`, the next one last.
    untried: Option<Vec<Case>>,
}

impl fmt::Debug for CaseTree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CaseTree").field("known", &self.known).field("current", &self.current).finish()
    }
}

impl CaseTree {
    /// A case, and what is simpler than a case.
    pub(crate) fn new(case: Case, simpler: impl Fn(&Case) -> Vec<Case> + Send + Sync + 'static) -> Self {
        CaseTree { simpler: Arc::new(simpler), known: case.clone(), current: case, untried: None }
    }

    /// Another case that gets simpler in the same ways.
    pub(crate) fn again(&self, case: Case) -> Self {
        CaseTree { simpler: Arc::clone(&self.simpler), known: case.clone(), current: case, untried: None }
    }

    fn advance(&mut self) -> bool {
        let untried = self.untried.get_or_insert_with(|| {
            let mut simpler = (self.simpler)(&self.known);
            simpler.reverse();
            simpler
        });
        let next = untried.pop();
        let more = next.is_some();
        self.current = next.unwrap_or_else(|| self.known.clone());
        more
    }
}

impl ValueTree for CaseTree {
    type Value = Case;

    fn current(&self) -> Case {
        self.current.clone()
    }

    /// The current case fails: on to its neighbours.
    fn simplify(&mut self) -> bool {
        if self.known != self.current {
            self.known = self.current.clone();
            self.untried = None;
        }
        self.advance()
    }

    /// The current case does not fail: back to the one that does, and on to its next neighbour.
    fn complicate(&mut self) -> bool {
        self.advance()
    }
}

#[cfg(test)]
mod tests {
    use proptest::test_runner::{Config, RngSeed};

    use super::*;

    fn runner(seed: u64) -> TestRunner {
        TestRunner::new(Config {
            rng_seed: RngSeed::Fixed(seed),
            failure_persistence: None,
            ..Config::default()
        })
    }

    #[test]
    fn every_case_is_legal_and_so_is_every_simpler_one() {
        let mut runner = runner(1);
        for _ in 0..500 {
            let case = cases().new_tree(&mut runner).unwrap().current();
            case.check().unwrap();
            for simpler in cases().simpler(&case) {
                simpler.check().unwrap();
            }
        }
    }

    #[test]
    fn an_overlapping_case_overlaps_in_its_order_and_stays_so() {
        let mut runner = runner(2);
        let strategy = cases().workers(2..=6).overlapping();
        for _ in 0..300 {
            let case = strategy.new_tree(&mut runner).unwrap().current();
            for case in strategy.simpler(&case).into_iter().chain([case]) {
                assert!(case.order.sorted(&case.schedule).overlaps(), "{}", case.schedule);
            }
        }
    }

    #[test]
    fn every_overlapping_case_shrinks_to_the_same_smallest_one() {
        let smallest = "0.0000\t[(1, 'write'), (2, 'write')]\n0.0010\t[(1, 'read'), (2, 'read')]\n";
        let mut runner = runner(3);
        for _ in 0..300 {
            let mut tree = cases().workers(2..=16).overlapping().new_tree(&mut runner).unwrap();
            while tree.simplify() {}
            let case = tree.current();
            assert_eq!((case.workers, case.schedule.to_string().as_str()), (2, smallest));
            assert_eq!(
                (case.lock.as_str(), case.scope, case.order),
                ("flag", Scope::Session, Order::AsGenerated)
            );
        }
    }

    #[test]
    fn shrinking_ends_and_keeps_what_fails() {
        // "Fails" when some worker writes twice in a row: extra writes must survive, all else go.
        let fails = |case: &Case| {
            let mut last = [None; 17];
            case.schedule.commands().any(|(_, w, c)| last[w as usize].replace(c) == Some(c))
        };
        let mut runner = runner(4);
        let mut met = 0;
        for _ in 0..200 {
            let mut tree = cases().new_tree(&mut runner).unwrap();
            if !fails(&tree.current()) {
                continue;
            }
            met += 1;
            let mut more = tree.simplify();
            while more {
                more = if fails(&tree.current()) { tree.simplify() } else { tree.complicate() };
            }
            let case = tree.current();
            assert!(fails(&case));
            assert_eq!((case.workers, case.schedule.commands().count()), (1, 3), "{}", case.schedule);
        }
        assert!(met > 50, "only {met} cases wrote twice in a row");
    }

    #[test]
    fn periods_are_log_uniform() {
        let mut runner = runner(5);
        let strategy = periods();
        let drawn: Vec<Time> = (0..400).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect();
        assert!(drawn.iter().all(|period| PERIODS.contains(period)));
        let short = drawn.iter().filter(|period| period.as_micros() < 31_600).count();
        assert!((150..250).contains(&short), "{short} of 400 are shorter than the geometric middle");
    }
}
