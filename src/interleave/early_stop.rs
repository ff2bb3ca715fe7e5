//! An end before the end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Enabled, Scheduler};

/// At most so many executions, and none after the [`StopHandle`] was pulled.
///
/// The scheduler inside is not asked again, so that an [`Exhaustive`](super::Exhaustive) search which
/// was stopped never says that it is complete.
pub struct EarlyStop<S> {
    inner: S,
    left: u64,
    stopped: StopHandle,
}

/// Stops an [`EarlyStop`] from elsewhere.
#[derive(Clone, Debug, Default)]
pub struct StopHandle(Arc<AtomicBool>);

impl StopHandle {
    /// The execution under way is the last one.
    pub fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl<S> EarlyStop<S> {
    /// After `executions` of them.
    pub fn after(executions: u64, inner: S) -> Self {
        EarlyStop { inner, left: executions, stopped: StopHandle::default() }
    }

    /// To stop it sooner.
    pub fn handle(&self) -> StopHandle {
        self.stopped.clone()
    }

    /// The scheduler inside.
    pub fn inner(&self) -> &S {
        &self.inner
    }
}

impl<S: Scheduler> Scheduler for EarlyStop<S> {
    fn begin(&mut self) -> bool {
        let going = self.left > 0 && !self.stopped.0.load(Ordering::Relaxed);
        self.left = self.left.saturating_sub(1);
        going && self.inner.begin()
    }

    fn choose(&mut self, enabled: &[Enabled]) -> usize {
        self.inner.choose(enabled)
    }
}
