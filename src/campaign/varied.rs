//! The cases of a lock of which nobody knows what it takes to break it.

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use rand::RngExt;

use super::row::strategy;
use super::{Campaign, Row};
use crate::case::{Case, Scope};
use crate::interleave::Scheduler;
use crate::schedule::{Order, Schedule, Time, at_once};
use crate::strategy::{CaseTree, Cases};

/// A few small programs, and generated ones between them.
///
/// Most locks break with two or three workers that take the lock once or twice; these programs come
/// again and again, each with a scheduler of its own, which learns how long it is. Every fifth case is
/// generated, so that nothing is left out for good.
pub(super) struct Varied {
    plain: Vec<(Case, Box<dyn Scheduler>)>,
    strategy: Cases,
    runner: Box<TestRunner>,
    chance: Box<dyn Scheduler>,
    turn: usize,
}

/// One generated case in so many.
const GENERATED: usize = 5;

impl Varied {
    pub(super) fn new(campaign: &Campaign, row: Row, mut runner: TestRunner) -> Self {
        let [fewest, most] = [*campaign.workers.start(), *campaign.workers.end()];
        let mut programs = vec![program(row, fewest, 1)];
        if most > fewest {
            programs.push(program(row, most, 1));
        }
        programs.push(program(row, fewest, 2));
        if most > fewest {
            programs.push(program(row, most, 2));
        }
        let plain = programs.into_iter().map(|case| {
            let scheduler = campaign.search.scheduler(runner.rng().random());
            (case, scheduler)
        });
        let plain = plain.collect();
        let chance = campaign.search.scheduler(runner.rng().random());
        let strategy = strategy(campaign, row).scopes(&[Scope::Transaction, Scope::Session]);
        Varied { plain, strategy, runner: Box::new(runner), chance, turn: 0 }
    }

    /// The next case, and who chooses in it.
    pub(super) fn next(&mut self) -> (Case, &mut dyn Scheduler) {
        let turn = self.turn;
        self.turn += 1;
        if turn % GENERATED == GENERATED - 1 {
            let tree = self.strategy.new_tree(&mut self.runner).expect("this strategy rejects nothing");
            return (Case { choices: Some(Vec::new()), ..tree.current() }, &mut self.chance);
        }
        let nth = (turn - turn / GENERATED) % self.plain.len();
        let (case, scheduler) = &mut self.plain[nth];
        (case.clone(), scheduler)
    }

    /// The programs with fewer workers or fewer commands than this case has, the smallest first.
    pub(super) fn smaller(&self, case: &Case) -> Vec<Case> {
        let size = |case: &Case| (case.workers, case.schedule.commands().count());
        let smaller = self.plain.iter().map(|(program, _)| program.clone());
        let mut smaller: Vec<Case> = smaller.filter(|program| size(program) < size(case)).collect();
        smaller.sort_by_key(size);
        smaller
    }

    /// How such a case gets simpler: fewer workers and commands, then plainer choices.
    pub(super) fn tree(&self, case: Case) -> CaseTree {
        let strategy = self.strategy.clone();
        CaseTree::new(case, move |case| strategy.simpler(case))
    }
}

/// All workers at once, and each of them so many times.
fn program(row: Row, workers: u32, rounds: usize) -> Case {
    let gap = Time::from_micros(1000);
    let once = at_once(workers, gap);
    let mut ticks = Vec::new();
    for round in 0..rounds {
        for tick in &once.ticks {
            let mut tick = tick.clone();
            tick.at = tick.at + gap * (round * once.ticks.len()) as u64;
            ticks.push(tick);
        }
    }
    let scope = if rounds == 1 { Scope::Session } else { Scope::Transaction };
    Case {
        lock: row.lock.name.to_owned(),
        placement: row.placement,
        scope,
        order: Order::AsGenerated,
        workers,
        schedule: Schedule { ticks },
        choices: Some(Vec::new()),
        faults: row.faults,
    }
}
