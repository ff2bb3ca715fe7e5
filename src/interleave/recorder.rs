//! Which choices an execution consisted of.

use super::{Enabled, Scheduler};

/// Writes down what the scheduler inside chooses, as [`Replay`](super::Replay) reads it.
pub struct Recorder<S> {
    inner: S,
    choices: Vec<u32>,
}

impl<S> Recorder<S> {
    /// Nothing is recorded yet.
    pub fn new(inner: S) -> Self {
        Recorder { inner, choices: Vec::new() }
    }

    /// Of the execution that began last: an index for each time that two or more were enabled.
    pub fn choices(&self) -> &[u32] {
        &self.choices
    }

    /// The scheduler inside.
    pub fn inner(&self) -> &S {
        &self.inner
    }
}

impl<S: Scheduler> Scheduler for Recorder<S> {
    fn begin(&mut self) -> bool {
        let begun = self.inner.begin();
        if begun {
            self.choices.clear();
        }
        begun
    }

    fn choose(&mut self, enabled: &[Enabled]) -> usize {
        let index = self.inner.choose(enabled);
        if enabled.len() > 1 {
            self.choices.push(index as u32);
        }
        index
    }
}
