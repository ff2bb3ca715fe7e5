//! Who goes on: trait [`Scheduler`], and the schedulers, each with its paper.

use crate::schedule::Wid;
use crate::stage::Access;

/// A worker that could go on, and what it would do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enabled {
    /// Who.
    pub worker: Wid,
    /// How many steps it has taken in this execution.
    pub step: u32,
    /// What its next step does; empty stands for "anything".
    pub next: Vec<Access>,
}

impl Enabled {
    /// Could somebody tell in which order these two steps happened?
    pub fn depends_on(&self, other: &Enabled) -> bool {
        self.next.is_empty()
            || other.next.is_empty()
            || self.next.iter().any(|one| other.next.iter().any(|two| one.depends_on(*two)))
    }
}

/// Picks the next worker among the enabled, and does nothing else.
///
/// The first of the enabled is the one who moved last, if it can go on (choosing another is a
/// preemption); the others follow in the order of their numbers. It is asked before every
/// step, also where there is only one to choose, so that it sees all that is done.
pub trait Scheduler: Send {
    /// A new execution begins. `false` when there is nothing left to try.
    fn begin(&mut self) -> bool;

    /// Who goes on: an index into `enabled`, which has one entry or more.
    fn choose(&mut self, enabled: &[Enabled]) -> usize;
}
