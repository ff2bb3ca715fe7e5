//! One search on its way.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::points::Points;
use super::{Question, Why};
use crate::case::Case;
use crate::check::{Evidence, Failure, Reason, Verdict};
use crate::engine::Engine;
use crate::error::Error;
use crate::history::{Absence, Event, History, What};
use crate::interleave::{Act, Enabled, Exhaustive, Progress, Reduction, Scheduler};
use crate::schedule::Time;
use crate::stage::Access;

/// What a search has seen.
#[derive(Debug)]
pub struct Search {
    /// How many executions, and what was left out.
    pub progress: Progress,
    /// The reduction that was in force.
    pub reduction: Reduction,
    /// How many different histories there were.
    pub histories: u64,
    /// How many there were in the eyes of the workers: histories in which each of them does and meets the
    /// same, in the same order, count as one.
    pub outcomes: BTreeSet<u64>,
    /// What stops the workers, and what depends on what.
    pub points: Points,
    /// Over all executions.
    pub evidence: Evidence,
    /// What broke the lock, and ended the search.
    pub found: Option<Found>,
}

/// An execution that breaks the lock.
#[derive(Clone, Debug)]
pub struct Found {
    /// With its choices.
    pub case: Case,
    /// What happened.
    pub history: History,
    /// What broke.
    pub failure: Failure,
}

pub(super) enum Step {
    On,
    /// The run's clock has moved, and something may be left out.
    Timed,
    Done(Box<Search>),
    Short(Why),
}

pub(super) struct Searching {
    question: Question,
    case: Case,
    exhaustive: Exhaustive,
    histories: BTreeSet<u64>,
    outcomes: BTreeSet<u64>,
    points: Points,
    evidence: Evidence,
}

impl Searching {
    pub(super) fn new(question: Question, exhaustive: Exhaustive) -> Self {
        Searching {
            question,
            case: question.case(),
            exhaustive,
            histories: BTreeSet::new(),
            outcomes: BTreeSet::new(),
            points: Points::new(question.workers),
            evidence: Evidence::default(),
        }
    }

    pub(super) fn executions(&self) -> u64 {
        self.exhaustive.progress().executions
    }

    /// Runs one execution, if there is one left.
    pub(super) fn one(&mut self, engine: &mut dyn Engine) -> Result<Step, Error> {
        if !self.exhaustive.begin() {
            return Ok(match self.exhaustive.complete() {
                true => Step::Done(Box::new(self.done(None))),
                false => Step::Short(Why::Unrepeatable),
            });
        }
        let mut watched = Watched::new(&mut self.exhaustive, self.question.workers);
        let (history, choices) = engine.explore(&self.case, &mut watched)?;
        let steps = watched.steps;
        let timed = |event: &Event| event.at > Time::ZERO || matches!(event.what, What::Slept(_));
        if self.exhaustive.reduction() != Reduction::Off && history.events.iter().any(timed) {
            return Ok(Step::Timed);
        }
        if history.missing.iter().any(|missing| missing.why != Absence::Stuck) {
            // It ended before its workers did, so what else they could have done is not known.
            self.exhaustive.spoil();
        }
        self.histories.insert(hash(&history.events));
        self.outcomes.insert(seen_by_each(&history, self.question.workers));
        self.points.meet(self.question.lock, &history, &steps);
        let case = Case { choices: Some(choices), ..self.case.clone() };
        self.evidence += Evidence::of(&case, &history);
        match engine.judge(&case, self.question.lock.promised(), &history) {
            Verdict::Fail(failure) => {
                Ok(Step::Done(Box::new(self.done(Some(Found { case, history, failure })))))
            }
            Verdict::Pass(_) | Verdict::Inconclusive { reason: Reason::Uncontended { .. } } => Ok(Step::On),
            Verdict::Inconclusive { reason } => Ok(Step::Short(Why::Unclear(reason))),
        }
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

/// The same for the same value, in every run.
pub(crate) fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// What each worker did and met, whatever the others did meanwhile.
pub(crate) fn seen_by_each(history: &History, workers: u32) -> u64 {
    let of = |worker| {
        let events = history.events.iter().filter(move |event| event.worker == worker);
        events.map(|event| (event.command, event.what.clone())).collect::<Vec<_>>()
    };
    hash(&((1..=workers).map(of).collect::<Vec<_>>(), &history.missing))
}

/// Writes down what each step of each worker touches.
struct Watched<'a> {
    inner: &'a mut Exhaustive,
    /// By worker, then by step.
    steps: Vec<Vec<Vec<Access>>>,
}

impl<'a> Watched<'a> {
    fn new(inner: &'a mut Exhaustive, workers: u32) -> Self {
        Watched { inner, steps: vec![Vec::new(); workers as usize] }
    }
}

impl Scheduler for Watched<'_> {
    fn begin(&mut self) -> bool {
        self.inner.begin()
    }

    fn choose(&mut self, enabled: &[Enabled]) -> usize {
        let choice = self.inner.choose(enabled);
        if let Enabled { worker, act: Act::Step, step, next } = &enabled[choice] {
            let steps = &mut self.steps[*worker as usize - 1];
            // One that tries again may stop at another point than it was blocked at: that was no step.
            steps.truncate(*step as usize);
            steps.push(next.clone());
        }
        choice
    }
}
