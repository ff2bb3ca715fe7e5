//! Many cases under one budget: generate, run, check, shrink, save.

mod cause;
mod counterexample;
pub(crate) mod preemptions;
mod row;
mod single;
mod varied;

use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::case::{Faults, Placement, Scope};
use crate::check::{Evidence, Reason, Verdict};
use crate::engine::Kind;
use crate::error::Error;
use crate::interleave::Search;
use crate::lock::Double;
use crate::schedule::{Order, Time};
use crate::worker::{Staff, cores, pin};

pub(crate) use cause::cause_until;
pub use cause::{Cause, cause};
pub use counterexample::{Counterexample, run_and_retry};
use row::RowRun;
pub(crate) use single::Hunted;

/// What one line of the result is about.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The lock.
    pub lock: &'static Double,
    /// Where its workers live.
    pub placement: Placement,
    /// How their ticks are sorted.
    pub order: Order,
    /// What may go wrong.
    pub faults: Faults,
}

impl Row {
    /// Are its cases interleaved, or run in order? A lock without points still has one before each of its
    /// steps, where a fault can strike.
    pub fn is_interleaved(&self) -> bool {
        !self.lock.atomic || !self.faults.is_none()
    }

    /// The name of the file for its counterexample, without the ending.
    fn stem(&self) -> String {
        let faults = if self.faults.is_none() { "" } else { &format!("-{}", self.faults.name()) };
        format!("{}-{}{faults}", self.lock.name, self.placement.name())
    }
}

impl Row {
    /// How many workers an interleaved row has: as many as it takes to break the lock, and to have every
    /// kind of neighbour.
    pub fn workers(&self) -> u32 {
        self.lock.workers.max(self.placement.fewest())
    }
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
    /// How the interleaved rows are searched.
    pub search: Search,
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
    /// In some case nobody got the lock any more.
    Stuck,
    /// It cannot be told.
    Inconclusive,
}

impl Found {
    /// In words, as tables and JSON have it.
    pub const fn name(self) -> &'static str {
        match self {
            Found::Race => "race",
            Found::NoRace => "no race",
            Found::Stuck => "stuck",
            Found::Inconclusive => "inconclusive",
        }
    }
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
    /// How many rows there were to look at.
    pub planned: usize,
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
        let left = (self.planned - self.rows.len()) as u64;
        match unclear {
            _ if evidence.cases == 0 => evidence.verdict(),
            Some(unclear) => unclear,
            None if left > 0 => Verdict::unclear(Reason::NotBegun { rows: left }),
            None => evidence.verdict(),
        }
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

/// How often it is looked whether a campaign is over.
const LOOK: Duration = Duration::from_millis(20);

impl Campaign {
    /// Runs it. Whatever happens, what was found so far is in the report.
    pub fn run(&self, interrupt: &Arc<AtomicBool>, observer: &dyn Observer) -> Report {
        let start = Instant::now();
        let deadline = self.budget.time.map(|time| start + time);
        let stop = Arc::default();
        let runs = (0..).zip(&self.rows).map(|(nth, row)| RowRun::new(self, nth, *row)).collect();
        let shared = Shared { queue: Mutex::new(runs), report: Mutex::default(), stop, observer };
        let cores = cores().unwrap_or_default();
        thread::scope(|scope| {
            let mut jobs = Vec::new();
            let watcher = thread::current();
            for job in 0..self.jobs.clamp(1, self.rows.len().max(1)) {
                let core = cores.get(job % cores.len().max(1)).copied();
                let (shared, watcher) = (&shared, watcher.clone());
                jobs.push(scope.spawn(move || {
                    // On a real clock the workers must overlap, so they may not share a core.
                    if let (Kind::Stepped, Some(core)) = (self.engine, core) {
                        // Unpinned it is slower, and nothing else.
                        let _ = pin(core);
                    }
                    if let Err(why) = self.work(shared) {
                        shared.give_up(why);
                    }
                    watcher.unpark();
                }));
            }
            while jobs.iter().any(|job| !job.is_finished()) {
                let over = deadline.is_some_and(|end| Instant::now() >= end);
                if over || interrupt.load(Ordering::Relaxed) {
                    shared.stop.store(true, Ordering::Relaxed);
                }
                thread::park_timeout(LOOK);
            }
        });
        let mut report = shared.report.into_inner().unwrap_or_else(PoisonError::into_inner);
        let left = shared.queue.into_inner().unwrap_or_else(PoisonError::into_inner);
        report.rows.extend(left.into_iter().filter(|run| run.evidence.cases > 0).map(|run| run.report(self)));
        report.rows.sort_by_key(|row| row.nth);
        report.planned = self.rows.len();
        report.interrupted = interrupt.load(Ordering::Relaxed);
        report.took = start.elapsed();
        report
    }

    /// One job: takes row after row until none is left.
    fn work(&self, shared: &Shared) -> Result<(), Error> {
        let mut engine = self.engine.engine(&self.staff, &shared.stop)?;
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
}

/// What the jobs of a campaign share.
struct Shared<'a> {
    queue: Mutex<VecDeque<RowRun>>,
    report: Mutex<Report>,
    /// No more cases: the budget is used up, or somebody wants it to end.
    stop: Arc<AtomicBool>,
    observer: &'a dyn Observer,
}

impl Shared<'_> {
    fn over(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn give_up(&self, why: Error) {
        lock(&self.report).error.get_or_insert(why);
        lock(&self.queue).clear();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
