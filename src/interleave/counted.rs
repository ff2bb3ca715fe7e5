//! Statistics of what a scheduler did.

use std::collections::BTreeSet;

use super::{Enabled, Recorder, Scheduler};
use crate::schedule::Wid;

/// Counts what the scheduler inside does.
pub struct Counted<S> {
    inner: Recorder<S>,
    counts: Counts,
    lists: BTreeSet<Box<[u32]>>,
    last: Option<Wid>,
}

/// What was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Executions that began.
    pub executions: u64,
    /// Steps of all of them.
    pub steps: u64,
    /// Times that two or more were enabled.
    pub choices: u64,
    /// Times that another worker was chosen though the one who moved last could go on.
    pub preemptions: u64,
    /// Different lists of choices.
    pub distinct: u64,
}

impl<S> Counted<S> {
    /// Counts from zero.
    pub fn new(inner: S) -> Self {
        Counted { inner: Recorder::new(inner), counts: Counts::default(), lists: BTreeSet::new(), last: None }
    }

    /// So far, with the execution that is under way.
    pub fn counts(&self) -> Counts {
        let under_way = self.counts.executions > 0 && !self.lists.contains(self.inner.choices());
        Counts { distinct: self.lists.len() as u64 + u64::from(under_way), ..self.counts }
    }

    /// The scheduler inside.
    pub fn inner(&self) -> &S {
        self.inner.inner()
    }
}

impl<S: Scheduler> Scheduler for Counted<S> {
    fn begin(&mut self) -> bool {
        if self.counts.executions > 0 {
            self.lists.insert(self.inner.choices().into());
        }
        self.last = None;
        let begun = self.inner.begin();
        self.counts.executions += u64::from(begun);
        begun
    }

    fn choose(&mut self, enabled: &[Enabled]) -> usize {
        let index = self.inner.choose(enabled);
        self.counts.steps += 1;
        self.counts.choices += u64::from(enabled.len() > 1);
        self.counts.preemptions += u64::from(super::is_preemption(self.last, enabled, index));
        self.last = Some(enabled[index].worker);
        index
    }
}
