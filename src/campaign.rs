//! Many cases under one budget: generate, run, check, shrink, save.

use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::case::{Case, Placement, Scope};
use crate::check::{Evidence, Failure, Reason, Verdict};
use crate::engine::{Engine, Kind, Stepped};
use crate::error::Error;
use crate::history::History;
use crate::lock::Double;
use crate::regression::{FORMAT, Note, Saved};
use crate::schedule::{Order, Time};
use crate::strategy::{CaseTree, Cases, cases};
use crate::worker::{Staff, cores, pin};

/// What one line of the result is about.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The lock.
    pub lock: &'static Double,
    /// Where its workers live.
    pub placement: Placement,
    /// How their ticks are sorted.
    pub order: Order,
}

/// When a campaign ends. Without any limit it goes on until it is interrupted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Budget {
    /// So many cases for each row.
    pub cases: Option<u64>,
    /// So long for all of it.
    pub time: Option<Duration>,
}

/// Everything that a campaign needs.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// What to look at.
    pub rows: Vec<Row>,
    /// Which engine.
    pub engine: Kind,
    /// How long the lock is held.
    pub scope: Scope,
    /// How many workers.
    pub workers: RangeInclusive<u32>,
    /// The period, if it matters.
    pub period: Option<Time>,
    /// When to stop.
    pub budget: Budget,
    /// Where all chance comes from.
    pub seed: u64,
    /// The most cases that are tried to make a counterexample smaller.
    pub shrink_tries: u32,
    /// How many rows are looked at side by side.
    pub jobs: usize,
    /// Where counterexamples are saved.
    pub save: Option<PathBuf>,
    /// What the crews are made from.
    pub staff: Staff,
}

/// Did a row show a race?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Some case broke the read-back.
    Race,
    /// All cases kept it, and some of them contended.
    NoRace,
    /// It cannot be told.
    Inconclusive,
}

impl Found {
    /// In words, as tables and JSON have it.
    pub const fn name(self) -> &'static str {
        match self {
            Found::Race => "race",
            Found::NoRace => "no race",
            Found::Inconclusive => "inconclusive",
        }
    }
}

/// The smallest failing case of a row.
#[derive(Clone, Debug)]
pub struct Counterexample {
    /// The case.
    pub case: Case,
    /// What happens in it.
    pub history: History,
    /// What breaks in it.
    pub failure: Failure,
    /// Which case of its row showed it first, counted from 1.
    pub found_in_case: u64,
    /// How many cases were tried to make it smaller.
    pub shrink_tries: u32,
    /// How often it was run again, and how many of these runs failed in the same way.
    pub replays: (u32, u32),
    /// Where it was saved.
    pub path: Option<PathBuf>,
}

/// What is known of a row.
#[derive(Clone, Debug)]
pub struct RowReport {
    /// Which row.
    pub row: Row,
    /// Its place in [`Campaign::rows`].
    pub nth: usize,
    /// What the lock's claim and the placement say: is it a race?
    pub expected: Found,
    /// What was found.
    pub found: Found,
    /// Pass when that is the same.
    pub verdict: Verdict,
    /// Over all cases.
    pub evidence: Evidence,
    /// Time spent on it.
    pub spent: Duration,
    /// The smallest failing case, if any failed.
    pub counterexample: Option<Counterexample>,
}

/// What a campaign brought back.
#[derive(Debug, Default)]
pub struct Report {
    /// The rows, in the order of [`Campaign::rows`]; those that were never begun are not here.
    pub rows: Vec<RowReport>,
    /// It was told to stop before its budget was used up.
    pub interrupted: bool,
    /// What stopped it early.
    pub error: Option<Error>,
    /// How long it took.
    pub took: Duration,
}

impl Report {
    /// Fail when some claim is broken, else inconclusive when something cannot be told, else pass.
    pub fn verdict(&self) -> Verdict {
        let mut evidence = Evidence::default();
        let mut unclear = None;
        for row in &self.rows {
            match &row.verdict {
                Verdict::Fail(_) => return row.verdict.clone(),
                Verdict::Inconclusive { .. } => unclear = unclear.or(Some(row.verdict.clone())),
                Verdict::Pass(_) => {}
            }
            evidence += row.evidence;
        }
        if evidence.cases == 0 { evidence.verdict() } else { unclear.unwrap_or_else(|| evidence.verdict()) }
    }

    /// How many cases ran.
    pub fn cases(&self) -> u64 {
        self.rows.iter().map(|row| row.evidence.cases).sum()
    }
}

/// Is told what happens while a campaign runs.
pub trait Observer: Sync {
    /// A case has run.
    fn case_done(&self) {}
    /// A row is finished.
    fn row_done(&self, _row: &RowReport) {}
}

/// Nobody watches.
impl Observer for () {}

/// How many cases of a row are run before another row has its turn.
const TURN: u64 = 256;
/// How often a counterexample is run again before it is reported.
const REPLAYS: u32 = 10;
/// How often a case on a real clock is run again, each time slower, when the machine was too slow.
const RETRIES: u32 = 5;
/// The most cases tried on a real clock to make a counterexample smaller: each takes a while.
const SLOW_TRIES: u32 = 48;
/// After so many cases without a verdict a row is given up.
const UNCLEAR: u32 = 3;

impl Campaign {
    /// Runs it. Whatever happens, what was found so far is in the report.
    pub fn run(&self, interrupt: &Arc<AtomicBool>, observer: &dyn Observer) -> Report {
        let start = Instant::now();
        let deadline = self.budget.time.map(|time| start + time);
        let runs = (0..).zip(&self.rows).map(|(nth, row)| RowRun::new(self, nth, *row)).collect();
        let shared =
            Shared { queue: Mutex::new(runs), report: Mutex::default(), interrupt, observer, deadline };
        let cores = cores().unwrap_or_default();
        thread::scope(|scope| {
            for job in 0..self.jobs.clamp(1, self.rows.len().max(1)) {
                let core = cores.get(job % cores.len().max(1)).copied();
                let shared = &shared;
                scope.spawn(move || {
                    // On a real clock the workers must overlap, so they may not share a core.
                    if let (Kind::Stepped, Some(core)) = (self.engine, core) {
                        // Unpinned it is slower, and nothing else.
                        let _ = pin(core);
                    }
                    if let Err(why) = self.work(shared) {
                        shared.stop(why);
                    }
                });
            }
        });
        let mut report = shared.report.into_inner().unwrap_or_else(PoisonError::into_inner);
        let left = shared.queue.into_inner().unwrap_or_else(PoisonError::into_inner);
        report.rows.extend(left.into_iter().filter(|run| run.evidence.cases > 0).map(|run| run.report(self)));
        report.rows.sort_by_key(|row| row.nth);
        report.interrupted = interrupt.load(Ordering::Relaxed);
        report.took = start.elapsed();
        report
    }

    /// One job: takes row after row until none is left.
    fn work(&self, shared: &Shared) -> Result<(), Error> {
        let mut engine = self.engine.engine(&self.staff, shared.interrupt)?;
        loop {
            let next = lock(&shared.queue).pop_front();
            let Some(mut run) = next else { return Ok(()) };
            let went = run.advance(self, engine.as_mut(), shared);
            if went.is_ok() && !run.finished && !shared.over() {
                lock(&shared.queue).push_back(run);
                continue;
            }
            if run.evidence.cases > 0 || run.unclear.is_some() {
                let report = run.report(self);
                shared.observer.row_done(&report);
                lock(&shared.report).rows.push(report);
            }
            match went {
                Err(Error::Interrupted) => return Ok(()),
                other => other?,
            }
        }
    }

    fn strategy(&self, row: Row) -> Cases {
        let all = cases().lock(row.lock.name).placement(row.placement).order(row.order);
        let all = all.scope(self.scope).workers(self.workers.clone()).overlapping();
        match self.period {
            Some(period) => all.period(period),
            None => all,
        }
    }

    /// The row's own source of chance: the same whichever other rows there are.
    fn runner(&self, row: Row) -> TestRunner {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&self.seed.to_le_bytes());
        seed[8] = row.placement as u8;
        seed[9] = row.order as u8;
        for (nth, byte) in row.lock.name.bytes().enumerate() {
            seed[10 + nth % 22] ^= byte;
        }
        let config = Config { failure_persistence: None, ..Config::default() };
        TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed))
    }
}

/// What the jobs of a campaign share.
struct Shared<'a> {
    queue: Mutex<VecDeque<RowRun>>,
    report: Mutex<Report>,
    interrupt: &'a Arc<AtomicBool>,
    observer: &'a dyn Observer,
    deadline: Option<Instant>,
}

impl Shared<'_> {
    fn over(&self) -> bool {
        self.interrupt.load(Ordering::Relaxed) || self.deadline.is_some_and(|end| Instant::now() >= end)
    }

    fn stop(&self, why: Error) {
        lock(&self.report).error.get_or_insert(why);
        lock(&self.queue).clear();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A row on its way.
struct RowRun {
    row: Row,
    nth: usize,
    strategy: Cases,
    runner: TestRunner,
    evidence: Evidence,
    unclear: Option<Reason>,
    times_unclear: u32,
    counterexample: Option<Counterexample>,
    spent: Duration,
    finished: bool,
}

impl RowRun {
    fn new(campaign: &Campaign, nth: usize, row: Row) -> Self {
        RowRun {
            row,
            nth,
            strategy: campaign.strategy(row),
            runner: campaign.runner(row),
            evidence: Evidence::default(),
            unclear: None,
            times_unclear: 0,
            counterexample: None,
            spent: Duration::ZERO,
            finished: false,
        }
    }

    /// Runs a few cases more.
    fn advance(
        &mut self,
        campaign: &Campaign,
        engine: &mut dyn Engine,
        shared: &Shared,
    ) -> Result<(), Error> {
        let start = Instant::now();
        let limit = campaign.budget.cases.unwrap_or(u64::MAX);
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

    fn one(&mut self, campaign: &Campaign, engine: &mut dyn Engine, shared: &Shared) -> Result<(), Error> {
        let tree = self.strategy.new_tree(&mut self.runner).expect("this strategy rejects nothing");
        let case = tree.current();
        let (history, verdict) = run_and_retry(engine, &case, self.row.lock)?;
        shared.observer.case_done();
        self.evidence += Evidence::of(&case, &history);
        match verdict {
            Verdict::Pass(_) | Verdict::Inconclusive { reason: Reason::Uncontended { .. } } => {}
            Verdict::Inconclusive { reason } => {
                self.unclear.get_or_insert(reason);
                self.times_unclear += 1;
                self.finished = self.times_unclear == UNCLEAR;
            }
            Verdict::Fail(failure) => {
                self.finished = true;
                let first = Counterexample {
                    case,
                    history,
                    failure,
                    found_in_case: self.evidence.cases,
                    shrink_tries: 0,
                    replays: (0, 0),
                    path: None,
                };
                // Whatever keeps it from being made smaller, repeated or saved: it was found.
                let mut found = first.clone();
                let went = self.smallest(campaign, engine, tree, first).and_then(|smallest| {
                    found = smallest;
                    self.repeat(campaign, engine, &mut found)
                });
                let saved = self.save(campaign, &mut found);
                self.counterexample = Some(found);
                went.and(saved)?;
            }
        }
        Ok(())
    }

    /// Shrinks on this engine; what was found on a real clock, and fails on the stepped engine as well,
    /// is made smaller there, a thousand times as fast, and confirmed on the real clock at the end.
    fn smallest(
        &self,
        campaign: &Campaign,
        engine: &mut dyn Engine,
        tree: CaseTree,
        first: Counterexample,
    ) -> Result<Counterexample, Error> {
        if campaign.engine == Kind::Stepped {
            return self.shrink(campaign.shrink_tries, engine, tree, first);
        }
        let mut quick = Stepped::new(&campaign.staff)?;
        let history = quick.run(&first.case)?;
        let law = first.failure.law.name();
        let breaks = |verdict: &Verdict| matches!(verdict, Verdict::Fail(f) if f.law.name() == law);
        if breaks(&quick.judge(&first.case, self.row.lock.promised(), &history)) {
            let small = self.shrink(campaign.shrink_tries, &mut quick, tree.clone(), first.clone())?;
            let (history, verdict) = run_and_retry(engine, &small.case, self.row.lock)?;
            if let Verdict::Fail(failure) = verdict
                && breaks(&verdict)
            {
                return Ok(Counterexample { history, failure, ..small });
            }
        }
        self.shrink(campaign.shrink_tries.min(SLOW_TRIES), engine, tree, first)
    }

    /// Makes the counterexample smaller, for as long as it breaks the same law.
    fn shrink(
        &self,
        tries: u32,
        engine: &mut dyn Engine,
        mut tree: CaseTree,
        mut best: Counterexample,
    ) -> Result<Counterexample, Error> {
        let mut more = tree.simplify();
        while more && best.shrink_tries < tries {
            best.shrink_tries += 1;
            let case = tree.current();
            let (history, verdict) = run_and_retry(engine, &case, self.row.lock)?;
            more = match verdict {
                Verdict::Fail(failure) if failure.law.name() == best.failure.law.name() => {
                    best = Counterexample { case, history, failure, ..best };
                    tree.simplify()
                }
                _ => tree.complicate(),
            };
        }
        if best.case.order.sorted(&best.case.schedule) == best.case.schedule {
            // Sorting changes nothing, so this is the same case by its plainest name.
            best.case.order = Order::AsGenerated;
        }
        Ok(best)
    }

    /// Runs the counterexample again and again: does it hold?
    fn repeat(
        &mut self,
        campaign: &Campaign,
        engine: &mut dyn Engine,
        found: &mut Counterexample,
    ) -> Result<(), Error> {
        let runs = if campaign.engine == Kind::Realtime { REPLAYS.min(3) } else { REPLAYS };
        let mut again = 0;
        for _ in 0..runs {
            let (history, verdict) = run_and_retry(engine, &found.case, self.row.lock)?;
            let exact = campaign.engine == Kind::Realtime || history == found.history;
            again += u32::from(
                exact && matches!(verdict, Verdict::Fail(f) if f.law.name() == found.failure.law.name()),
            );
        }
        found.replays = (runs, again);
        if again < runs {
            self.unclear = Some(Reason::Unrepeatable);
        }
        Ok(())
    }

    fn save(&self, campaign: &Campaign, found: &mut Counterexample) -> Result<(), Error> {
        if let Some(folder) = &campaign.save {
            let saved = Saved {
                format: FORMAT.to_owned(),
                engine: campaign.engine,
                case: found.case.clone(),
                history: found.history.events.clone(),
                verdict: Verdict::Fail(found.failure),
                note: Some(Note {
                    seed: campaign.seed,
                    found_in_case: found.found_in_case,
                    shrink_tries: found.shrink_tries,
                }),
            };
            let stem = format!("{}-{}", self.row.lock.name, self.row.placement.name());
            found.path = Some(saved.save(folder, &stem)?);
        }
        Ok(())
    }

    fn report(self, campaign: &Campaign) -> RowReport {
        let (claim, workers) = (self.row.lock.claim, *campaign.workers.end());
        let race = claim.expects_race(self.row.placement, campaign.scope, workers);
        let expected = if race { Found::Race } else { Found::NoRace };
        let cases = self.evidence.cases;
        let (found, verdict) = match (&self.counterexample, self.unclear) {
            (_, Some(reason)) => (Found::Inconclusive, Verdict::unclear(reason)),
            (Some(found), None) if found.failure.law.is_race() && race => {
                (Found::Race, self.evidence.verdict())
            }
            (Some(found), None) => (found.failure.shows(), Verdict::Fail(found.failure)),
            (None, None) if race => (Found::Inconclusive, Verdict::unclear(Reason::NotFound { cases })),
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

impl Failure {
    /// What a table says of a row in which this was found.
    fn shows(&self) -> Found {
        use crate::check::Law;
        match self.law {
            Law::ReadBack { .. } | Law::LastWrite { .. } | Law::ExcludesLess { .. } => Found::Race,
            Law::ExcludesMore => Found::NoRace,
            Law::LostWrite { .. } | Law::NobodyWrote | Law::Disobeyed => Found::Inconclusive,
        }
    }
}

/// Runs a case and judges it. Where the machine was too slow for it, the case is run again a few
/// times, the later ones with ticks further and further apart.
///
/// # Errors
/// What [`Engine::run`] fails with.
pub fn run_and_retry(
    engine: &mut dyn Engine,
    case: &Case,
    double: &Double,
) -> Result<(History, Verdict), Error> {
    let mut attempt = 0;
    loop {
        let schedule = case.schedule.stretched(1 << u32::saturating_sub(attempt, 1));
        let slower = Case { schedule, ..case.clone() };
        let history = engine.run(if attempt == 0 { case } else { &slower })?;
        let verdict = engine.judge(case, double.promised(), &history);
        match verdict {
            Verdict::Inconclusive { reason: Reason::Late(_) } if attempt < RETRIES => attempt += 1,
            _ => return Ok((history, verdict)),
        }
    }
}
