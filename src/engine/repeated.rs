//! Everything twice: does the same case do the same?

use super::Engine;
use crate::case::Case;
use crate::check::{Cause, Divergence, Reason, Verdict};
use crate::error::Error;
use crate::history::{Absence, History};
use crate::interleave::{Act, Enabled, Replay, Scheduler};
use crate::lock::Promise;
use crate::schedule::Wid;
use crate::stage::Access;

/// Runs each case again and compares. What does not happen again is nothing to go by: such a case is
/// judged as inconclusive, and the first difference is named.
///
/// An exploration is repeated in two ways: by its choices alone, as a saved case is replayed, and step
/// for step, so that a point which was passed once and not again is noticed even if nothing came of it.
pub struct Repeated<'a> {
    inner: &'a mut dyn Engine,
    parted: Option<Divergence>,
}

impl<'a> Repeated<'a> {
    /// Around this engine.
    pub fn new(inner: &'a mut dyn Engine) -> Self {
        Repeated { inner, parted: None }
    }

    /// Where the last case and its repetition parted.
    pub fn parted(&self) -> Option<Divergence> {
        self.parted
    }
}

impl Engine for Repeated<'_> {
    fn run(&mut self, case: &Case) -> Result<History, Error> {
        self.parted = None;
        let first = self.inner.run(case)?;
        if is_whole(&first) {
            self.parted = Divergence::between(&first, &self.inner.run(case)?);
        }
        Ok(first)
    }

    fn explore(&mut self, case: &Case, scheduler: &mut dyn Scheduler) -> Result<(History, Vec<u32>), Error> {
        self.parted = None;
        let mut first = Traced::new(scheduler);
        let (history, choices) = self.inner.explore(case, &mut first)?;
        if is_whole(&history) {
            let again = Case { choices: Some(choices.clone()), ..case.clone() };
            self.parted = Divergence::between(&history, &self.inner.run(&again)?);
            if self.parted.is_none() {
                let mut second = Traced::new(Replay::new(choices.clone()));
                second.begin();
                let (replayed, _) = self.inner.explore(&again, &mut second)?;
                self.parted = Divergence::between(&history, &replayed).or_else(|| first.parts_from(&second));
            }
        }
        Ok((history, choices))
    }

    fn judge(&self, case: &Case, promise: Promise, history: &History) -> Verdict {
        match self.parted {
            Some(divergence) => Verdict::unclear(Reason::Unrepeatable { divergence: Some(divergence) }),
            None => self.inner.judge(case, promise, history),
        }
    }
}

/// Whoever died or fell silent did so at its own time; that makes a case inconclusive already.
fn is_whole(history: &History) -> bool {
    history.missing.iter().all(|missing| missing.why == Absence::Stuck)
}

/// Writes down each step that the scheduler inside lets be taken.
struct Traced<S> {
    inner: S,
    steps: Vec<(Wid, Act, Vec<Access>)>,
}

impl<S> Traced<S> {
    fn new(inner: S) -> Self {
        Traced { inner, steps: Vec::new() }
    }

    fn parts_from<T>(&self, second: &Traced<T>) -> Option<Divergence> {
        let same = self.steps.iter().zip(&second.steps).take_while(|(one, two)| one == two).count();
        let other = self.steps.get(same).or(second.steps.get(same));
        other.map(|&(worker, ..)| Divergence { event: same, worker, cause: Cause::Point })
    }
}

impl<S: Scheduler> Scheduler for Traced<S> {
    fn begin(&mut self) -> bool {
        self.inner.begin()
    }

    fn choose(&mut self, enabled: &[Enabled]) -> usize {
        let choice = self.inner.choose(enabled);
        if let Some(one) = enabled.get(choice) {
            self.steps.push((one.worker, one.act, one.next.clone()));
        }
        choice
    }
}
