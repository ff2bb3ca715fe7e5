//! One row of a campaign on its way: its cases, and what they have shown so far.

use std::time::{Duration, Instant};

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use rand::RngExt;

use super::counterexample::{Counterexample, Hunt, run_and_retry};
use super::varied::Varied;
use super::{Campaign, Found, Row, RowReport, Shared};
use crate::case::Case;
use crate::check::{Evidence, Law, Reason, Verdict};
use crate::choices::simpler;
use crate::engine::{Engine, Kind, Repeated};
use crate::error::Error;
use crate::history::History;
use crate::interleave::{Faulty, Scheduler};
use crate::lock::Double;
use crate::schedule::{Time, at_once};
use crate::strategy::{CaseTree, Cases, cases};

/// How many cases of a row are run before another row has its turn.
const TURN: u64 = 256;
/// After so many cases without a verdict a row is given up.
const UNCLEAR: u32 = 3;

/// Every so many interleaved cases, the first among them, one is run again and must be the same.
const SAMPLE: u64 = 1024;

/// An interleaved case is over sooner than it is generated, and there are more of them to miss.
const INTERLEAVED: u64 = 4;
/// The fewest interleavings that are tried before an expected race counts as not found.
const LEAST: u64 = 8192;

/// Where the cases of a row come from.
enum Source {
    /// Commands are never interrupted: generated schedules.
    Schedules { strategy: Cases, runner: Box<TestRunner> },
    /// The lock says where it can be interrupted: one schedule, all workers at once, and a scheduler.
    Interleavings { case: Case, scheduler: Box<dyn Scheduler> },
    /// The same for a lock of which nobody knows what it takes to break it.
    Varied(Box<Varied>),
}

impl Source {
    fn new(campaign: &Campaign, row: Row) -> Self {
        let mut runner = runner(campaign, row);
        if !row.is_interleaved() {
            return Source::Schedules { strategy: strategy(campaign, row), runner: Box::new(runner) };
        }
        if row.lock.varied {
            return Source::Varied(Box::new(Varied::new(campaign, row, runner)));
        }
        let case = Case {
            lock: row.lock.name.to_owned(),
            placement: row.placement,
            scope: campaign.scope,
            order: row.order,
            workers: row.workers(),
            schedule: at_once(row.workers(), Time::from_micros(1000)),
            choices: Some(Vec::new()),
            faults: row.faults,
        };
        let seed = runner.rng().random();
        let scheduler = Box::new(Faulty::new(campaign.search.scheduler(seed), seed));
        Source::Interleavings { case, scheduler }
    }
}

/// Where and for what a row is run.
struct Stage<'a> {
    campaign: &'a Campaign,
    engine: &'a mut dyn Engine,
    shared: &'a Shared<'a>,
}

/// A row on its way.
pub(super) struct RowRun {
    row: Row,
    nth: usize,
    source: Source,
    pub(super) evidence: Evidence,
    pub(super) unclear: Option<Reason>,
    times_unclear: u32,
    counterexample: Option<Counterexample>,
    spent: Duration,
    pub(super) finished: bool,
}

impl RowRun {
    pub(super) fn new(campaign: &Campaign, nth: usize, row: Row) -> Self {
        RowRun {
            row,
            nth,
            source: Source::new(campaign, row),
            evidence: Evidence::default(),
            unclear: None,
            times_unclear: 0,
            counterexample: None,
            spent: Duration::ZERO,
            finished: false,
        }
    }

    /// Runs a few cases more.
    pub(super) fn advance(
        &mut self,
        campaign: &Campaign,
        engine: &mut dyn Engine,
        shared: &Shared,
    ) -> Result<(), Error> {
        let start = Instant::now();
        let limit = self.limit(campaign);
        let turn = if campaign.engine == Kind::Realtime { 1 } else { TURN };
        let until = self.evidence.cases.saturating_add(turn).min(limit);
        let mut went = Ok(());
        while !self.finished && self.evidence.cases < until && !shared.over() && went.is_ok() {
            went = self.one(campaign, engine, shared);
        }
        self.finished |= self.evidence.cases >= limit;
        self.spent += start.elapsed();
        went
    }

    /// How many cases at most. A race that is expected ends its row when it is found, so there is no
    /// harm in looking for it a while.
    fn limit(&self, campaign: &Campaign) -> u64 {
        let Some(cases) = campaign.budget.cases else { return u64::MAX };
        if !self.row.is_interleaved() || self.row.lock.varied {
            return cases;
        }
        if self.expected(campaign) != Found::NoRace {
            return cases.saturating_mul(INTERLEAVED).max(LEAST);
        }
        // After each crash a process has to be started.
        if self.row.faults.crashes > 0 { cases } else { cases.saturating_mul(INTERLEAVED) }
    }

    /// What follows from the lock's claim, the placement, and the faults.
    fn expected(&self, campaign: &Campaign) -> Found {
        let Row { lock, placement, faults, .. } = self.row;
        let plain = self.row.is_interleaved() && !lock.varied;
        let workers = if plain { self.row.workers() } else { *campaign.workers.end() };
        if lock.promised().under(faults).claim.expects_race(placement, campaign.scope, workers) {
            Found::Race
        } else if faults.crashes > 0 && !lock.withstands.crash {
            Found::Stuck
        } else {
            Found::NoRace
        }
    }

    fn one(&mut self, campaign: &Campaign, engine: &mut dyn Engine, shared: &Shared) -> Result<(), Error> {
        let repeated = self.evidence.cases.is_multiple_of(SAMPLE);
        match &mut self.source {
            Source::Schedules { strategy, runner } => {
                let tree = strategy.new_tree(runner).expect("this strategy rejects nothing");
                let case = tree.current();
                let (history, verdict) = run_and_retry(engine, &case, self.row.lock)?;
                self.consider((case, history, verdict), tree, Stage { campaign, engine, shared })
            }
            Source::Interleavings { case, scheduler } => {
                let went = explored(engine, case, scheduler, self.row.lock, repeated)?;
                let tree = CaseTree::new(went.0.clone(), simpler);
                self.consider(went, tree, Stage { campaign, engine, shared })
            }
            Source::Varied(varied) => {
                let (case, scheduler) = varied.next();
                let went = explored(engine, &case, scheduler, self.row.lock, repeated)?;
                let tree = varied.tree(went.0.clone());
                self.consider(went, tree, Stage { campaign, engine, shared })
            }
        }
    }

    /// What does this run say of the row?
    fn consider(
        &mut self,
        (case, history, verdict): (Case, History, Verdict),
        tree: CaseTree,
        Stage { campaign, engine, shared }: Stage,
    ) -> Result<(), Error> {
        shared.observer.case_done();
        self.evidence += Evidence::of(&case, &history);
        match verdict {
            Verdict::Pass(_) | Verdict::Inconclusive { reason: Reason::Uncontended { .. } } => {}
            Verdict::Inconclusive { reason } => {
                self.unclear.get_or_insert(reason);
                self.times_unclear += 1;
                let unrepeatable = matches!(reason, Reason::Unrepeatable { .. });
                self.finished = unrepeatable || self.times_unclear == UNCLEAR;
            }
            Verdict::Fail(failure) => {
                self.finished = true;
                let first = Counterexample::new(case, history, failure, self.evidence.cases);
                let mut hunt = Hunt { campaign, lock: self.row.lock, engine, shared };
                let smaller = match &self.source {
                    Source::Varied(varied) => varied.smaller(&first.case),
                    _ => Vec::new(),
                };
                let (mut found, went) = hunt.bring_home(tree, smaller, first);
                let stem = self.row.stem();
                let saved = hunt.save(&mut found, &stem);
                self.counterexample = Some(found);
                if let Ok(Some(divergence)) = went {
                    self.unclear = Some(Reason::Unrepeatable { divergence: Some(divergence) });
                }
                match went.map(drop) {
                    // The budget is used up, or somebody wants it to end: it was found all the same.
                    Err(Error::Interrupted) => saved?,
                    went => went.and(saved)?,
                }
            }
        }
        Ok(())
    }

    pub(super) fn report(self, campaign: &Campaign) -> RowReport {
        let expected = self.expected(campaign);
        let cases = self.evidence.cases;
        let (found, verdict) = match (&self.counterexample, self.unclear) {
            (_, Some(reason @ Reason::Unrepeatable { .. })) => {
                (Found::Inconclusive, Verdict::unclear(reason))
            }
            (Some(found), _) if !found.repeats() => {
                (Found::Inconclusive, Verdict::unclear(Reason::Unrepeatable { divergence: None }))
            }
            (Some(found), _) if breaks_as_said(found.failure.law, expected) => {
                (expected, self.evidence.verdict())
            }
            (Some(found), _) => (shown(found.failure.law), Verdict::Fail(found.failure)),
            (None, Some(reason)) => (Found::Inconclusive, Verdict::unclear(reason)),
            (None, None) if expected != Found::NoRace => {
                (Found::Inconclusive, Verdict::unclear(Reason::NotFound { cases }))
            }
            (None, None) => match self.evidence.verdict() {
                pass @ Verdict::Pass(_) => (Found::NoRace, pass),
                other => (Found::Inconclusive, other),
            },
        };
        RowReport {
            row: self.row,
            nth: self.nth,
            expected,
            found,
            verdict,
            evidence: self.evidence,
            spent: self.spent,
            counterexample: self.counterexample,
        }
    }
}

/// Lets the scheduler choose, and judges what came of it.
fn explored(
    engine: &mut dyn Engine,
    case: &Case,
    scheduler: &mut dyn Scheduler,
    lock: &Double,
    repeated: bool,
) -> Result<(Case, History, Verdict), Error> {
    scheduler.begin();
    let mut twice;
    let engine: &mut dyn Engine = if repeated {
        twice = Repeated::new(engine);
        &mut twice
    } else {
        engine
    };
    let (history, choices) = engine.explore(case, scheduler)?;
    let case = Case { choices: Some(choices), ..case.clone() };
    let verdict = engine.judge(&case, lock.promised(), &history);
    Ok((case, history, verdict))
}

pub(super) fn strategy(campaign: &Campaign, row: Row) -> Cases {
    let all = cases().lock(row.lock.name).placement(row.placement).order(row.order);
    let all = all.scope(campaign.scope).workers(campaign.workers.clone()).shrinking_to(2).overlapping();
    match campaign.period {
        Some(period) => all.period(period),
        None => all,
    }
}

/// The row's own source of chance: the same whichever other rows there are.
fn runner(campaign: &Campaign, row: Row) -> TestRunner {
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&campaign.seed.to_le_bytes());
    seed[8] = row.placement as u8;
    seed[9] = row.order as u8;
    for (nth, byte) in row.lock.name.bytes().enumerate() {
        seed[10 + nth % 22] ^= byte;
    }
    let config = Config { failure_persistence: None, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed))
}

/// Is this what a row must show that expects so much?
fn breaks_as_said(law: Law, expected: Found) -> bool {
    match expected {
        Found::Race => law.is_race(),
        Found::Stuck => law == Law::Stuck,
        Found::NoRace | Found::Inconclusive => false,
    }
}

/// What a table says of a row in which this law was broken.
pub(super) fn shown(law: Law) -> Found {
    match law {
        Law::ReadBack { .. } | Law::LastWrite { .. } | Law::ExcludesLess { .. } | Law::TwoInside { .. } => {
            Found::Race
        }
        Law::ExcludesMore => Found::NoRace,
        Law::Stuck => Found::Stuck,
        // Of a program that knows nothing of lockfuzz, and no row is about one.
        Law::BadExit { .. } | Law::Died { .. } | Law::NotOwn { .. } | Law::CheckFailed { .. } => Found::Race,
        Law::LostWrite { .. } | Law::NobodyWrote | Law::Disobeyed => Found::Inconclusive,
    }
}
