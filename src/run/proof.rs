//! Every interleaving of a program: a counterexample, or a certificate.
//!
//! The search is that of [`prove`](crate::prove). What it leaves out stands on what the calls say they touch
//! (`engine/traced/call.rs`), which is tried against the kernel call by call.
//!
//! Two things are said of moments of different workers, and are no part of what a file tells: who is inside, and who
//! reads while another has a file open that it writes. The engine makes steps that depend on each other of them
//! ([`Job::exact`]), so that each order of those is tried as well.
//!
//! Nothing is proved of a program that is not the same twice. All executions that begin with the same choices must
//! have made the same calls with the same results up to there, and now and then a whole one is run again.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::{Plan, Report, bring_home, nothing_promised};
use crate::campaign::Counterexample;
use crate::case::{Case, Faults};
use crate::check::{Divergence, Evidence, Reason, Verdict};
use crate::engine::Engine;
use crate::engine::traced::Traced;
use crate::error::Error;
use crate::history::History;
use crate::interleave::{Exhaustive, Reduction, Scheduler};
use crate::job::Job;
use crate::prove::search::{hash, seen_by_each};
use crate::prove::{Found, Points, Search};

/// How long the control is searched at least, though the time is up.
const CONTROL: Duration = Duration::from_secs(60);

/// How far to search.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The most preemptions; any number, without one.
    pub preemptions: Option<u32>,
    /// What may be left out because it comes out the same.
    pub reduction: Reduction,
    /// When to stop.
    pub deadline: Instant,
}

/// What came of it.
#[derive(Debug)]
pub enum Proof {
    /// No interleaving breaks the program.
    Proved(Box<Certificate>),
    /// This one does.
    Broken(Box<Report>),
    /// It is not known.
    Short(Shortfall),
}

/// All interleavings within the bound were tried, and none breaks the program.
#[derive(Debug)]
pub struct Certificate {
    /// What was done for it.
    pub search: Search,
    /// The bound within which all were tried; none, where there was none.
    pub bound: Option<u32>,
    /// The time was up before those with more preemptions.
    pub cut_short: bool,
    /// Somebody who tries again and again was not woken as often as something changed.
    pub hurried: bool,
    /// What the same search has found broken, and in which execution.
    pub control: Control,
    /// See there.
    pub execution: u64,
    /// How long all of it took.
    pub took: Duration,
}

/// What is broken, and was found to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// The same program, whose calls that take a lock were told that they had taken it.
    Deaf,
    /// A script that looks whether there is a lock, and then makes it.
    Planted,
}

/// A search that proves nothing.
#[derive(Debug)]
pub struct Shortfall {
    /// Which assumption does not hold.
    pub why: Why,
    /// How many executions there were until then.
    pub executions: u64,
}

/// Why nothing is proved.
#[derive(Debug)]
pub enum Why {
    /// The time was up.
    Time,
    /// Somebody stopped it.
    Interrupted,
    /// The same choices led to other calls.
    Unrepeatable(Option<Divergence>),
    /// A run of which nothing can be said.
    Unclear(Reason),
    /// Somebody tries again and again, without end.
    Endless,
    /// These calls touched watched files, and are not understood.
    Strange(BTreeSet<String>),
    /// These watched files were mapped.
    Mapped(BTreeSet<String>),
    /// Something was left running when the workers had ended.
    Daemons,
    /// The same program with a broken lock was not found to be broken.
    Blind,
}

/// A program with a lock that breaks: it looks for the lock before it makes it.
fn planted(job: &Job) -> Job {
    const SCRIPT: &str =
        "[ -e lock ] && exit 75; : > lock; [ -e lockfuzz:enter ]; [ -e lockfuzz:leave ]; rm -f lock";
    Job {
        commands: vec![["sh", "-c", SCRIPT].map(str::to_owned).to_vec()],
        ok_exit: vec![75],
        exact: true,
        began: job.began,
        start_dir: job.start_dir.clone(),
        ..Job::default()
    }
}

/// Tries all there is, or until something breaks. The engine's job is an [exact](Job::exact) one, and its workers have
/// [run alone](super::alone). Engines for the control are made in this folder. `progress` is told how many executions ran.
///
/// # Errors
/// When lockfuzz itself fails.
pub fn prove(
    engine: &mut Traced,
    plan: &Plan,
    limits: Limits,
    folder: &Path,
    interrupt: &Arc<AtomicBool>,
    progress: &dyn Fn(u64),
) -> Result<Proof, Error> {
    let start = Instant::now();
    let mut searching = Searching::new(plan, limits, interrupt);
    let mut search = match searching.all(engine, progress)? {
        Ok(search) => search,
        Err(why) => return Ok(searching.short(why)),
    };
    let executions = search.progress.executions;
    if let Some(found) = search.found.take() {
        return bring(engine, plan, found, &search, interrupt, start);
    }
    if let Verdict::Inconclusive { reason } = search.evidence.verdict() {
        return Ok(searching.short(Why::Unclear(reason)));
    }
    let (cut_short, hurried) = (searching.cut_short, searching.hurried);
    let bound = if cut_short.is_some() { cut_short } else { limits.preemptions };
    let limits =
        Limits { preemptions: bound, deadline: limits.deadline.max(Instant::now() + CONTROL), ..limits };
    let (control, execution) = match control(engine, plan, limits, folder, interrupt)? {
        Ok(control) => control,
        Err(why) => return Ok(Proof::Short(Shortfall { why, executions })),
    };
    let (cut_short, took) = (cut_short.is_some(), start.elapsed());
    Ok(Proof::Proved(Box::new(Certificate { search, bound, cut_short, hurried, control, execution, took })))
}

/// What the same search finds broken: the program itself with a broken lock, or, where it takes none that could be
/// broken, a script.
fn control(
    engine: &Traced,
    plan: &Plan,
    limits: Limits,
    folder: &Path,
    interrupt: &Arc<AtomicBool>,
) -> Result<Result<(Control, u64), Why>, Error> {
    let mut deaf = Traced::new(engine.job().clone(), folder, Arc::clone(interrupt))?;
    deaf.know(engine);
    deaf.deaf = true;
    let mut searching = Searching::new(plan, limits, interrupt);
    let went = searching.all(&mut deaf, &|_| ())?;
    let executions = searching.executions();
    match went {
        // In the first one the workers run one after another: what is broken then is no matter of order.
        Ok(search) if search.found.is_some() && executions > 1 => return Ok(Ok((Control::Deaf, executions))),
        Ok(search) if search.found.is_none() && searching.deafened => return Ok(Err(Why::Blind)),
        Err(Why::Interrupted) => return Ok(Err(Why::Interrupted)),
        // It has no lock that could be broken in this way, or has come to no end without it.
        _ => {}
    }
    let mut planted = Traced::new(planted(engine.job()), folder, Arc::clone(interrupt))?;
    let plan = Plan { workers: 2, ..plan.clone() };
    let limits = Limits { deadline: limits.deadline.max(Instant::now() + CONTROL), ..limits };
    let case = Traced::case(planted.job(), plan.workers, Faults::NONE);
    planted.run(&case)?;
    let mut searching = Searching::new(&plan, limits, interrupt);
    Ok(match searching.all(&mut planted, &|_| ())? {
        Ok(search) if search.found.is_some() => Ok((Control::Planted, searching.executions())),
        Ok(_) => Err(Why::Blind),
        Err(why) => Err(why),
    })
}

/// Makes what was found smaller, and runs it again.
fn bring(
    engine: &mut Traced,
    plan: &Plan,
    found: Found,
    search: &Search,
    interrupt: &Arc<AtomicBool>,
    start: Instant,
) -> Result<Proof, Error> {
    let Found { case, history, failure } = found;
    let executions = search.progress.executions;
    let first = Counterexample::new(case, history, failure, executions);
    let searched = start.elapsed();
    let found = match bring_home(engine, plan, first, interrupt)? {
        Ok(found) => found,
        Err(divergence) => {
            return Ok(Proof::Short(Shortfall { why: Why::Unrepeatable(divergence), executions }));
        }
    };
    Ok(Proof::Broken(Box::new(Report {
        schedules: executions,
        different: search.histories,
        contended: search.evidence.contended,
        last_lines: engine.last_lines(found.failure.worker, 2),
        counterexample: Some(found),
        searched,
        took: start.elapsed(),
        interrupted: interrupt.load(Ordering::Relaxed),
        ..Report::default()
    })))
}

/// One search on its way.
struct Searching<'a> {
    workers: u32,
    limits: Limits,
    interrupt: &'a AtomicBool,
    exhaustive: Exhaustive,
    histories: BTreeSet<u64>,
    outcomes: BTreeSet<u64>,
    points: Points,
    evidence: Evidence,
    /// What has happened after each beginning, as hashes.
    known: HashMap<u64, u64>,
    hurried: bool,
    deafened: bool,
    /// The bound within which all were tried when the time was up.
    cut_short: Option<u32>,
}

impl<'a> Searching<'a> {
    fn new(plan: &Plan, limits: Limits, interrupt: &'a AtomicBool) -> Self {
        Searching {
            workers: plan.workers,
            limits,
            interrupt,
            exhaustive: Exhaustive::new(limits.preemptions, limits.reduction),
            histories: BTreeSet::new(),
            outcomes: BTreeSet::new(),
            points: Points::new(plan.workers),
            evidence: Evidence::default(),
            known: HashMap::new(),
            hurried: false,
            deafened: false,
            cut_short: None,
        }
    }

    fn executions(&self) -> u64 {
        self.exhaustive.progress().executions
    }

    fn short(&self, why: Why) -> Proof {
        Proof::Short(Shortfall { why, executions: self.executions() })
    }

    fn all(&mut self, engine: &mut Traced, progress: &dyn Fn(u64)) -> Result<Result<Search, Why>, Error> {
        let case = Traced::case(engine.job(), self.workers, Faults::NONE);
        loop {
            if self.interrupt.load(Ordering::Relaxed) {
                return Ok(Err(Why::Interrupted));
            }
            if Instant::now() >= self.limits.deadline {
                self.cut_short = self.exhaustive.finished();
                return Ok(if self.cut_short.is_some() { Ok(self.done(None)) } else { Err(Why::Time) });
            }
            if !self.exhaustive.begin() {
                return Ok(match self.exhaustive.complete() {
                    true => Ok(self.done(None)),
                    false => Err(Why::Unrepeatable(None)),
                });
            }
            let went = self.one(engine, &case);
            match went {
                Err(Error::Interrupted) => return Ok(Err(Why::Interrupted)),
                Err(why) => return Err(why),
                Ok(Err(why)) => return Ok(Err(why)),
                Ok(Ok(Some(found))) => return Ok(Ok(self.done(Some(found)))),
                Ok(Ok(None)) => progress(self.executions()),
            }
        }
    }

    /// Runs one execution: what it has found, or why there is no sense in going on.
    fn one(&mut self, engine: &mut Traced, case: &Case) -> Result<Result<Option<Found>, Why>, Error> {
        let (history, choices) = engine.explore(case, &mut self.exhaustive)?;
        let case = Case { choices: Some(choices), ..case.clone() };
        let verdict = engine.judge(&case, nothing_promised(), &history);
        let facts = std::mem::take(&mut engine.facts);
        let same = self.agrees(&case, &facts.marks, &history);
        let fails = matches!(verdict, Verdict::Fail(_));
        if !same || fails || self.executions().is_power_of_two() {
            let again = engine.run(&case)?;
            if again != history || !same {
                return Ok(Err(Why::Unrepeatable(Divergence::between(&history, &again))));
            }
        }
        self.deafened |= facts.deafened > 0;
        self.hurried |= facts.hurried;
        if let Verdict::Fail(failure) = verdict {
            return Ok(Ok(Some(Found { case, history, failure })));
        }
        if !facts.strange.is_empty() {
            return Ok(Err(Why::Strange(facts.strange)));
        }
        if !facts.mapped.is_empty() {
            return Ok(Err(Why::Mapped(facts.mapped)));
        }
        if facts.daemons {
            return Ok(Err(Why::Daemons));
        }
        match verdict {
            Verdict::Inconclusive { reason: Reason::Endless { .. } } => return Ok(Err(Why::Endless)),
            Verdict::Inconclusive { reason: Reason::Uncontended { .. } | Reason::Idle { .. } } => {}
            Verdict::Inconclusive { reason } => return Ok(Err(Why::Unclear(reason))),
            _ if facts.overruled => return Ok(Err(Why::Endless)),
            _ => {}
        }
        self.histories.insert(hash(&history.events));
        self.outcomes.insert(seen_by_each(&history, self.workers));
        let words = facts.trail.iter().map(|(worker, text, accesses)| {
            let (step, ended) = text.rsplit_once(" = ").unwrap_or((text, ""));
            (*worker, step.to_owned(), ended.to_owned(), accesses.as_slice())
        });
        // Whoever is started after the others is none of those that are asked about.
        self.points.take(words.filter(|(worker, ..)| *worker <= self.workers).collect());
        self.evidence += Evidence { cases: 1, complete: 1, contended: facts.contended.into() };
        Ok(Ok(None))
    }

    /// Has whatever began with the same choices done the same until the next one?
    fn agrees(&mut self, case: &Case, marks: &[usize], history: &History) -> bool {
        let choices = case.choices.iter().flatten().copied().chain(std::iter::repeat(0));
        let (mut begun, mut happened, mut from) = (0, 0, 0);
        for (&mark, choice) in marks.iter().zip(choices) {
            happened = hash(&(happened, &history.events[from..mark]));
            from = mark;
            if *self.known.entry(begun).or_insert(happened) != happened {
                return false;
            }
            begun = hash(&(begun, choice));
        }
        true
    }

    fn done(&mut self, found: Option<Found>) -> Search {
        Search {
            progress: self.exhaustive.progress(),
            reduction: self.exhaustive.reduction(),
            histories: self.histories.len() as u64,
            outcomes: std::mem::take(&mut self.outcomes),
            points: std::mem::take(&mut self.points),
            evidence: self.evidence,
            found,
        }
    }
}
