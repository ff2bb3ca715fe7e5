//! Many runs of one program under one budget: search, judge, make smaller, run again, save.

pub mod proof;

use std::collections::{BTreeSet, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::campaign::preemptions::Shrink;
use crate::campaign::{Counterexample, cause_until};
use crate::case::{Case, Faults};
use crate::check::{Divergence, Evidence, Reason, Verdict};
use crate::engine::traced::{Facts, InOrder, Traced};
use crate::engine::{Engine, Kind};
use crate::error::Error;
use crate::history::{History, What};
use crate::interleave::{Faulty, Replay, Scheduler, Search};
use crate::job::Job;
use crate::lock::{Double, Promise};
use crate::regression::{Note, Saved};
use crate::worker::{cores, stay};

/// How often a counterexample is run again before it is reported.
const REPLAYS: u32 = 10;
/// After so many schedules without a verdict it is given up.
const UNCLEAR: u64 = 5;
/// For how many tenths of the time for making it smaller a smaller number of workers is tried, all interleavings with
/// fewer preemptions are, and pairs of steps are turned round: each takes whole runs of the program, and an answer in
/// seconds is worth more than the last bit.
const SMALLER: u32 = 3;
const FEWER: u32 = 3;
const CAUSE: u32 = 4;

/// What to look for, and for how long.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How many workers.
    pub workers: u32,
    /// What may go wrong.
    pub faults: Faults,
    /// Who picks the next one.
    pub search: Search,
    /// Where all chance comes from.
    pub seed: u64,
    /// At most so many schedules.
    pub schedules: u64,
    /// For at most so long.
    pub time: Duration,
    /// For at most so long a counterexample is made smaller.
    pub shrink: Duration,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Report {
    /// How many schedules ran.
    pub schedules: u64,
    /// How many of them differ.
    pub different: u64,
    /// In how many two workers wanted the same file at once.
    pub contended: u64,
    /// How many cannot be judged, and why the first of them cannot.
    pub inconclusive: u64,
    /// See there.
    pub unclear: Option<Reason>,
    /// The points of the run in which the workers ran one after another.
    pub points: u64,
    /// The smallest failing case.
    pub counterexample: Option<Counterexample>,
    /// The last lines of the worker that failed in it.
    pub last_lines: Vec<String>,
    /// What else is known.
    pub facts: Facts,
    /// Searching, and all of it.
    pub searched: Duration,
    /// See there.
    pub took: Duration,
    /// It was told to stop.
    pub interrupted: bool,
}

/// Why a program is not searched at all.
#[derive(Debug)]
pub enum Refused {
    /// lockfuzz itself, or what it was told.
    Error(Error),
    /// It fails when its workers run one after another; the last lines of the worker that does.
    Alone(Box<Counterexample>, Vec<String>),
    /// Some worker passes no point: who, and what it wrote outside.
    NoPoints(Vec<u32>, BTreeSet<PathBuf>),
    /// Run one after another it cannot be judged.
    Unclear(Reason, Vec<String>),
}

impl From<Error> for Refused {
    fn from(why: Error) -> Self {
        Refused::Error(why)
    }
}

impl Report {
    /// Fail with a counterexample, inconclusive where something cannot be told, else a pass that has its evidence.
    pub fn verdict(&self) -> Verdict {
        match (&self.counterexample, self.unclear) {
            (Some(found), _) => Verdict::Fail(found.failure),
            (None, Some(reason)) => Verdict::unclear(reason),
            (None, None) => {
                let (cases, contended) = (self.schedules, self.contended);
                Evidence { cases, complete: cases, contended }.verdict()
            }
        }
    }

    /// Which of so many workers were started anew for each schedule, and why.
    pub fn plain_starts(&self, workers: u32) -> Option<String> {
        let plain: Vec<_> = self.facts.plain.iter().filter(|(worker, _)| **worker <= workers).collect();
        let (_, why) = plain.first()?;
        let who = match plain.len() as u32 == workers && plain.iter().all(|(_, other)| other == why) {
            true => "each worker is".to_owned(),
            false => format!("worker {} is", plain[0].0),
        };
        Some(format!("{who} started anew for each schedule: {why}"))
    }

    /// Schedules in a second.
    pub fn rate(&self) -> f64 {
        self.schedules as f64 / self.searched.as_secs_f64().max(1e-6)
    }
}

/// What stands in the place of a lock: of a program nothing is promised but what the checker asks of all of them.
pub static PROGRAM: Double = Double { name: "a program", ..Double::PLAIN };

pub(crate) fn nothing_promised() -> Promise {
    PROGRAM.promised()
}

/// The workers one after another.
#[derive(Debug)]
pub struct Alone {
    /// The points that they passed, but for their ends.
    pub points: u64,
    /// What happened, in order.
    pub history: History,
}

/// Runs the workers one after another, in order and reversed: what fails then has nothing to do with any
/// interleaving.
///
/// # Errors
/// [`Refused`] says why there is nothing to be searched.
pub fn alone(engine: &mut Traced, plan: &Plan) -> Result<Alone, Refused> {
    let case = Traced::case(engine.job(), plan.workers, Faults::NONE);
    let mut first = None;
    for reversed in [false, true] {
        let (history, choices) = engine.explore(&case, &mut InOrder { reversed })?;
        let lines = |engine: &Traced, worker| engine.last_lines(worker, 5);
        match engine.judge(&case, nothing_promised(), &history) {
            Verdict::Fail(failure) => {
                let said = lines(engine, failure.worker);
                let case = Case { choices: Some(choices), ..case };
                return Err(Refused::Alone(Box::new(Counterexample::new(case, history, failure, 0)), said));
            }
            Verdict::Inconclusive { reason: reason @ (Reason::Missing(_) | Reason::Endless { .. }) } => {
                let worker = match reason {
                    Reason::Missing(missing) => missing.worker,
                    _ => 1,
                };
                return Err(Refused::Unclear(reason, lines(engine, worker)));
            }
            _ => {}
        }
        engine.take_leftovers();
        let idle: Vec<u32> = (1..=plan.workers).filter(|&worker| points(&history, worker) == 0).collect();
        if !idle.is_empty() {
            let shared = engine.facts.outside.iter().filter(|(_, workers)| workers.len() > 1);
            return Err(Refused::NoPoints(idle, shared.map(|(path, _)| path.clone()).collect()));
        }
        first.get_or_insert(history);
    }
    let history = first.expect("two runs");
    let points = (1..=plan.workers).map(|worker| points(&history, worker)).sum();
    Ok(Alone { points, history })
}

/// The points that a worker passed, but for its end.
fn points(history: &History, worker: u32) -> u64 {
    let counts = |what: &What| match what {
        What::Note(text) => !text.starts_with("exit_group("),
        What::Left => true,
        _ => false,
    };
    history.events.iter().filter(|event| event.worker == worker && counts(&event.what)).count() as u64
}

/// What the jobs of a search share.
struct Shared<'a> {
    plan: &'a Plan,
    interrupt: &'a AtomicBool,
    start: Instant,
    /// How many schedules were begun.
    begun: AtomicU64,
    /// Something was found, or cannot be told, or has failed.
    over: AtomicBool,
    seen: Mutex<HashSet<u64>>,
    progress: &'a (dyn Fn(u64) + Sync),
}

impl Shared<'_> {
    /// The number of the next schedule, counted from 1, if there is to be one.
    fn next(&self) -> Option<u64> {
        let over = self.over.load(Ordering::Relaxed) || self.interrupt.load(Ordering::Relaxed);
        if over || self.start.elapsed() >= self.plan.time {
            return None;
        }
        let number = self.begun.fetch_add(1, Ordering::Relaxed) + 1;
        (number <= self.plan.schedules).then_some(number)
    }
}

/// Searches until something is found, or the budget is used up, with one job for each engine. What was saved
/// (`begin`) is followed first, as far as it goes. `progress` is told how many schedules ran.
///
/// # Errors
/// When lockfuzz itself fails.
pub fn search(
    engines: &mut [Traced],
    plan: &Plan,
    begin: &[u32],
    interrupt: &Arc<AtomicBool>,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Report, Error> {
    let shared = Shared {
        plan,
        interrupt,
        start: Instant::now(),
        begun: AtomicU64::new(0),
        over: AtomicBool::new(false),
        seen: Mutex::default(),
        progress,
    };
    let cores = cores().unwrap_or_default();
    let (first, others) = engines.split_first_mut().expect("one job at least");
    let went = thread::scope(|scope| {
        let jobs: Vec<_> = (1..)
            .zip(others.iter_mut())
            .map(|(job, engine)| {
                let shared = &shared;
                let core = cores.iter().cycle().nth(job).copied();
                scope.spawn(move || {
                    if let Some(core) = core {
                        let _ = stay(core);
                    }
                    one_job(engine, shared, job as u64, &[])
                })
            })
            .collect();
        let mine = one_job(first, &shared, 0, begin);
        let rest = jobs.into_iter().map(|job| job.join().expect("a job does not panic"));
        [mine].into_iter().chain(rest).collect::<Result<Vec<_>, _>>()
    });
    let mut report = Report::default();
    let mut found: Option<Counterexample> = None;
    for (of_job, candidate) in went? {
        report.schedules += of_job.schedules;
        report.contended += of_job.contended;
        report.inconclusive += of_job.inconclusive;
        report.unclear = report.unclear.or(of_job.unclear);
        report.facts.mapped.extend(of_job.facts.mapped);
        report.facts.plain.extend(of_job.facts.plain);
        report.facts.possible.extend(of_job.facts.possible);
        report.facts.daemons |= of_job.facts.daemons;
        let earlier = |other: &Counterexample| {
            found.as_ref().is_none_or(|found| other.found_in_case < found.found_in_case)
        };
        if let Some(candidate) = candidate.filter(earlier) {
            found = Some(candidate);
        }
    }
    report.different = shared.seen.lock().unwrap_or_else(PoisonError::into_inner).len() as u64;
    report.searched = shared.start.elapsed();
    if let Some(found) = found {
        match bring_home(first, plan, found, interrupt)? {
            Ok(found) => {
                report.last_lines = first.last_lines(found.failure.worker, 2);
                report.counterexample = Some(found);
            }
            Err(divergence) => {
                report.inconclusive += 1;
                report.unclear.get_or_insert(Reason::Unrepeatable { divergence });
            }
        }
    }
    report.interrupted = interrupt.load(Ordering::Relaxed);
    report.took = shared.start.elapsed();
    Ok(report)
}

/// Runs schedules for as long as there is to be another one: what is known of them, and the first that fails and does
/// so again.
fn one_job(
    engine: &mut Traced,
    shared: &Shared<'_>,
    job: u64,
    begin: &[u32],
) -> Result<(Report, Option<Counterexample>), Error> {
    let plan = shared.plan;
    let case = Traced::case(engine.job(), plan.workers, plan.faults);
    let seed = plan.seed.wrapping_add(job.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mut scheduler = Faulty::new(plan.search.scheduler(seed), seed);
    let mut report = Report::default();
    while let Some(number) = shared.next() {
        let ran = if number == 1 && !begin.is_empty() {
            engine.explore(&case, &mut Replay::new(begin.to_vec()))
        } else {
            scheduler.begin();
            engine.explore(&case, &mut scheduler)
        };
        let (history, choices) = match ran {
            Err(Error::Interrupted) => break,
            Err(why) => {
                shared.over.store(true, Ordering::Relaxed);
                return Err(why);
            }
            Ok(ran) => ran,
        };
        report.schedules += 1;
        (shared.progress)(number);
        report.contended += u64::from(engine.facts.contended);
        report.facts.daemons |= engine.facts.daemons;
        report.facts.mapped.append(&mut engine.facts.mapped);
        report.facts.plain.append(&mut engine.facts.plain);
        report.facts.possible.append(&mut engine.facts.possible);
        let mut hasher = DefaultHasher::new();
        history.events.hash(&mut hasher);
        shared.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(hasher.finish());
        let case = Case { choices: Some(choices), ..case.clone() };
        let believed = match believe(engine, &case, history) {
            Err(Error::Interrupted) => break,
            other => other?,
        };
        let (verdict, history, again) = believed;
        match verdict {
            Verdict::Fail(failure) => {
                if again == history {
                    shared.over.store(true, Ordering::Relaxed);
                    return Ok((report, Some(Counterexample::new(case, history, failure, number))));
                }
                report.inconclusive += 1;
                let divergence = Divergence::between(&history, &again);
                report.unclear.get_or_insert(Reason::Unrepeatable { divergence });
            }
            Verdict::Inconclusive { reason } if counts(reason) => {
                report.inconclusive += 1;
                report.unclear.get_or_insert(reason);
            }
            _ => {}
        }
        if report.inconclusive >= UNCLEAR {
            shared.over.store(true, Ordering::Relaxed);
        }
    }
    Ok((report, None))
}

/// Does a run that has this reason count as one that cannot be judged?
fn counts(reason: Reason) -> bool {
    !matches!(reason, Reason::Uncontended { .. } | Reason::Idle { .. })
}

/// What is to be believed of a run: its verdict, and its history; of a failure also the history of the next run of the
/// same case.
///
/// Before any time is spent on a failure: does it happen again, with workers that are all started? And what is no pass with
/// copies of them counts only as far as starts come to it as well.
fn believe(engine: &mut Traced, case: &Case, history: History) -> Result<(Verdict, History, History), Error> {
    let verdict = engine.judge(case, nothing_promised(), &history);
    let copied = engine.has_copied();
    let doubtful = match verdict {
        Verdict::Fail(_) => true,
        Verdict::Inconclusive { reason } => copied && counts(reason),
        Verdict::Pass(_) => false,
    };
    if !doubtful {
        return Ok((verdict, history, History::default()));
    }
    let again = engine.confirm(case, &history)?;
    if again == history || !copied {
        return Ok((verdict, history, again));
    }
    let verdict = engine.judge(case, nothing_promised(), &again);
    let last = engine.run(case)?;
    Ok((verdict, again, last))
}

/// Makes it smaller and runs it again; where it does not happen again, the place where the runs part.
fn bring_home(
    engine: &mut Traced,
    plan: &Plan,
    first: Counterexample,
    interrupt: &Arc<AtomicBool>,
) -> Result<Result<Counterexample, Option<Divergence>>, Error> {
    let start = Instant::now();
    let over = || start.elapsed() > plan.shrink || interrupt.load(Ordering::Relaxed);
    let promise = nothing_promised();
    let tenths = |tenths: u32| plan.shrink / 10 * tenths;
    let mut found = first;
    if plan.workers > 2 && engine.job().commands.len() < 2 {
        let fewer =
            (2..plan.workers).map(|workers| Traced::case(engine.job(), workers, plan.faults)).collect();
        let begun = Instant::now();
        let enough = || over() || begun.elapsed() > tenths(SMALLER);
        let scheduler =
            || -> Box<dyn Scheduler> { Box::new(Faulty::new(plan.search.scheduler(plan.seed), plan.seed)) };
        let mut shrink = Shrink { engine: &mut *engine, promise, over: &enough };
        found = shrink.in_smaller(fewer, scheduler, found)?;
    }
    let mut shrink = Shrink { engine: &mut *engine, promise, over: &over };
    found = shrink.fewest_faults(found)?;
    found = shrink.shortest(found)?;
    let begun = Instant::now();
    let enough = || over() || begun.elapsed() > tenths(FEWER);
    found = Shrink { engine: &mut *engine, promise, over: &enough }.fewest_preemptions(found)?;
    let mut parted = None;
    for nth in 0..REPLAYS {
        let history = match nth {
            0 => engine.confirm(&found.case, &found.history)?,
            _ => engine.run(&found.case)?,
        };
        let verdict = engine.judge(&found.case, promise, &history);
        let same = history == found.history && found.is_broken_by(&verdict);
        if !same {
            parted = parted.or_else(|| Divergence::between(&found.history, &history));
        }
        found.replays.0 += 1;
        found.replays.1 += u32::from(same);
    }
    if !found.repeats() {
        return Ok(Err(parted));
    }
    let begun = Instant::now();
    let enough = || begun.elapsed() > tenths(CAUSE) || interrupt.load(Ordering::Relaxed);
    found.cause = cause_until(engine, &found.case, promise, &found.history, &found.failure, &enough)?;
    // For what it said.
    engine.run(&found.case)?;
    Ok(Ok(found))
}

/// What is saved of it.
pub fn saved(job: &Job, plan: &Plan, found: &Counterexample) -> Saved {
    let job = Job { files: job.hashes(), ..job.clone() };
    Saved {
        format: Saved::format_of(&found.case, Some(&job)).to_owned(),
        engine: Kind::Traced,
        case: found.case.clone(),
        job: Some(job),
        history: found.history.events.clone(),
        verdict: Verdict::Fail(found.failure),
        note: Some(Note {
            seed: plan.seed,
            found_in_case: found.found_in_case,
            shrink_tries: found.shrink_tries,
            cause: found.cause,
        }),
    }
}
