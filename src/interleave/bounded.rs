//! A bound on preemptions.

use super::{Act, Enabled, Scheduler};
use crate::schedule::Wid;

/// At most so many preemptions an execution: then whoever moved last goes on for as long as it can.
///
/// Madanlal Musuvathi, Shaz Qadeer, "Iterative Context Bounding for Systematic Testing of Multithreaded
/// Programs", 2007: most bugs need very few preemptions, and with a bound on them the number of
/// executions grows with a small power of their length, and no longer exponentially.
///
/// The scheduler inside is asked even where the bound leaves nothing to choose, with what is left, so
/// that it sees what is done and not what it would have done. A fault is no preemption, and the bound
/// leaves the faults to be chosen.
pub struct Bounded<S> {
    inner: S,
    most: u32,
    spent: u32,
    last: Option<Wid>,
}

impl<S> Bounded<S> {
    /// `most` in each execution.
    pub fn new(most: u32, inner: S) -> Self {
        Bounded { inner, most, spent: 0, last: None }
    }

    /// The scheduler inside.
    pub fn inner(&self) -> &S {
        &self.inner
    }

    /// Would another worker's step be a preemption?
    fn could_go_on(&self, enabled: &[Enabled]) -> bool {
        enabled[0].act == Act::Step && Some(enabled[0].worker) == self.last
    }
}

impl<S: Scheduler> Scheduler for Bounded<S> {
    fn begin(&mut self) -> bool {
        self.spent = 0;
        self.last = None;
        self.inner.begin()
    }

    fn choose(&mut self, enabled: &[Enabled]) -> usize {
        let could_go_on = self.could_go_on(enabled);
        let chosen = if could_go_on && self.spent >= self.most {
            let left = |nth: &usize| !enabled[*nth].act.is_step() || Some(enabled[*nth].worker) == self.last;
            let left: Vec<usize> = (0..enabled.len()).filter(left).collect();
            let offered: Vec<Enabled> = left.iter().map(|&nth| enabled[nth].clone()).collect();
            // Out of range stays out of range: whoever asked finds it.
            left.get(self.inner.choose(&offered)).copied().unwrap_or(enabled.len())
        } else {
            self.inner.choose(enabled)
        };
        if let Some(one) = enabled.get(chosen).filter(|one| one.act.is_step()) {
            self.spent += u32::from(could_go_on && Some(one.worker) != self.last);
            self.last = Some(one.worker);
        }
        chosen
    }
}
