//! Many runs of one program under one budget: search, judge, make smaller, run again, save.

use std::collections::{BTreeSet, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::campaign::preemptions::Shrink;
use crate::campaign::{Counterexample, cause_until};
use crate::case::{Case, Faults};
use crate::check::{Divergence, Evidence, Failure, Reason, Verdict};
use crate::engine::traced::{Facts, Traced};
use crate::engine::{Engine, Kind};
use crate::error::Error;
use crate::history::{History, What};
use crate::interleave::{Enabled, Faulty, Replay, Scheduler, Search};
use crate::job::Job;
use crate::lock::{Double, Promise};
use crate::regression::{Note, Saved};

/// How often a counterexample is run again before it is reported.
const REPLAYS: u32 = 10;
/// After so many schedules without a verdict it is given up.
const UNCLEAR: u64 = 5;
/// For how long a smaller number of workers is tried, all interleavings with fewer preemptions are, and pairs of steps
/// are turned round: each takes whole runs of the program, and an answer in seconds is worth more than the last bit.
const SMALLER: Duration = Duration::from_secs(3);
const FEWER: Duration = Duration::from_secs(2);
const CAUSE: Duration = Duration::from_secs(4);

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
    /// It fails when its workers run one after another.
    Alone(Box<Failure>, Vec<String>),
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

    /// Schedules in a second.
    pub fn rate(&self) -> f64 {
        self.schedules as f64 / self.searched.as_secs_f64().max(1e-6)
    }
}

/// What stands in the place of a lock: of a program nothing is promised but what the checker asks of all of them.
pub static PROGRAM: Double = Double { name: "a program", ..Double::PLAIN };

fn nothing_promised() -> Promise {
    PROGRAM.promised()
}

/// Whoever was first goes on to the end, or whoever was last.
struct InOrder {
    reversed: bool,
}

impl Scheduler for InOrder {
    fn begin(&mut self) -> bool {
        true
    }

    fn choose(&mut self, enabled: &[Enabled]) -> usize {
        // The one that moved last comes first, and goes on; when it is at its end, the next one does.
        if self.reversed && enabled.windows(2).all(|pair| pair[0].worker < pair[1].worker) {
            enabled.len() - 1
        } else {
            0
        }
    }
}

/// Runs the workers one after another, in order and reversed: what fails then has nothing to do with any
/// interleaving.
///
/// # Errors
/// [`Refused`] says why there is nothing to be searched.
pub fn alone(engine: &mut Traced, plan: &Plan) -> Result<(u64, Facts), Refused> {
    let case = Traced::case(engine.job(), plan.workers, Faults::NONE);
    let mut first = None;
    for reversed in [false, true] {
        let (history, _) = engine.explore(&case, &mut InOrder { reversed })?;
        let lines = |engine: &Traced, worker| engine.last_lines(worker, 5);
        match engine.judge(&case, nothing_promised(), &history) {
            Verdict::Fail(failure) => {
                let said = lines(engine, failure.worker);
                return Err(Refused::Alone(Box::new(failure), said));
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
        first.get_or_insert((history, engine.facts.clone()));
    }
    let (history, facts) = first.expect("two runs");
    Ok(((1..=plan.workers).map(|worker| points(&history, worker)).sum(), facts))
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

/// Searches until something is found, or the budget is used up. `progress` is told how many schedules ran.
///
/// # Errors
/// When lockfuzz itself fails.
pub fn search(
    engine: &mut Traced,
    plan: &Plan,
    begin: &[u32],
    interrupt: &Arc<AtomicBool>,
    progress: &dyn Fn(u64),
) -> Result<Report, Error> {
    let start = Instant::now();
    let case = Traced::case(engine.job(), plan.workers, plan.faults);
    let mut scheduler = Faulty::new(plan.search.scheduler(plan.seed), plan.seed);
    let mut report = Report::default();
    let mut seen = HashSet::new();
    let stopped = || interrupt.load(Ordering::Relaxed);
    while report.schedules < plan.schedules && start.elapsed() < plan.time && !stopped() {
        // What was saved is followed as far as it goes, once.
        let ran = if report.schedules == 0 && !begin.is_empty() {
            engine.explore(&case, &mut Replay::new(begin.to_vec()))
        } else {
            scheduler.begin();
            engine.explore(&case, &mut scheduler)
        };
        let (history, choices) = match ran {
            Err(Error::Interrupted) => break,
            other => other?,
        };
        report.schedules += 1;
        progress(report.schedules);
        report.contended += u64::from(engine.facts.contended);
        let mut hasher = DefaultHasher::new();
        history.events.hash(&mut hasher);
        report.different += u64::from(seen.insert(hasher.finish()));
        let case = Case { choices: Some(choices), ..case.clone() };
        match engine.judge(&case, nothing_promised(), &history) {
            Verdict::Fail(failure) => {
                let first = Counterexample {
                    case,
                    history,
                    failure,
                    found_in_case: report.schedules,
                    shrink_tries: 0,
                    replays: (0, 0),
                    cause: None,
                    path: None,
                };
                report.searched = start.elapsed();
                report.facts = engine.facts.clone();
                match bring_home(engine, plan, first, interrupt)? {
                    Ok(found) => {
                        report.last_lines = engine.last_lines(found.failure.worker, 5);
                        report.counterexample = Some(found);
                        break;
                    }
                    Err(divergence) => {
                        report.inconclusive += 1;
                        report.unclear.get_or_insert(Reason::Unrepeatable { divergence });
                    }
                }
            }
            Verdict::Inconclusive { reason }
                if !matches!(reason, Reason::Uncontended { .. } | Reason::Idle { .. }) =>
            {
                report.inconclusive += 1;
                report.unclear.get_or_insert(reason);
            }
            _ => {}
        }
        if report.inconclusive >= UNCLEAR {
            break;
        }
    }
    report.interrupted = stopped();
    report.took = start.elapsed();
    if report.counterexample.is_none() {
        report.searched = report.took;
        report.facts = engine.facts.clone();
    }
    Ok(report)
}

/// Makes it smaller and runs it again; where it does not happen again, the place where the runs part.
fn bring_home(
    engine: &mut Traced,
    plan: &Plan,
    first: Counterexample,
    interrupt: &Arc<AtomicBool>,
) -> Result<Result<Counterexample, Option<Divergence>>, Error> {
    // Before any time is spent on it: does it happen again?
    let again = engine.run(&first.case)?;
    if again != first.history {
        return Ok(Err(Divergence::between(&first.history, &again)));
    }
    let start = Instant::now();
    let over = || start.elapsed() > plan.shrink || interrupt.load(Ordering::Relaxed);
    let promise = nothing_promised();
    let mut found = first;
    if plan.workers > 2 && engine.job().commands.len() < 2 {
        let fewer =
            (2..plan.workers).map(|workers| Traced::case(engine.job(), workers, plan.faults)).collect();
        let begun = Instant::now();
        let enough = || over() || begun.elapsed() > SMALLER.min(plan.shrink / 2);
        let scheduler =
            || -> Box<dyn Scheduler> { Box::new(Faulty::new(plan.search.scheduler(plan.seed), plan.seed)) };
        let mut shrink = Shrink { engine: &mut *engine, promise, over: &enough };
        found = shrink.in_smaller(fewer, scheduler, found)?;
    }
    let mut shrink = Shrink { engine: &mut *engine, promise, over: &over };
    found = shrink.fewest_faults(found)?;
    let begun = Instant::now();
    let enough = || over() || begun.elapsed() > FEWER;
    found = Shrink { engine: &mut *engine, promise, over: &enough }.fewest_preemptions(found)?;
    let mut parted = None;
    for _ in 0..REPLAYS {
        let history = engine.run(&found.case)?;
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
    let enough = || begun.elapsed() > CAUSE || interrupt.load(Ordering::Relaxed);
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
