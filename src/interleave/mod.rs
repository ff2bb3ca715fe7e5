//! Who goes on: trait [`Scheduler`], and the schedulers, each with its paper.
//!
//! | scheduler | in a word |
//! |---|---|
//! | [`Random`] | a coin at every step |
//! | [`Pct`] | strict priorities with a few changes |
//! | [`Pos`] | a random priority for each step, drawn anew after a race |
//! | [`Surw`] | the order of steps on one object, uniformly |
//! | [`Race`] | workers held back until they race |
//! | [`Unmet`] | workers held back where no two have met yet |
//! | [`Mixed`] | these in turn: the default |
//! | [`Exhaustive`] | all of them, with a certificate |
//! | [`Replay`] | the one that was recorded |
//!
//! More is added by wrapping: [`Bounded`], [`Recorder`], [`Counted`], [`EarlyStop`], [`Faulty`],
//! [`Learning`]. [`Search`] builds one by its name.

mod bounded;
mod counted;
mod dice;
mod early_stop;
mod exhaustive;
mod faulty;
mod follow;
mod kind;
mod mixed;
mod pct;
mod pos;
mod profile;
mod race;
mod random;
mod recorder;
mod replay;
#[cfg(test)]
mod simulator;
mod surw;
#[cfg(test)]
mod tests;
mod unmet;

pub use bounded::Bounded;
pub use counted::{Counted, Counts};
pub use early_stop::{EarlyStop, StopHandle};
pub use exhaustive::{Exhaustive, Progress, Reduction};
pub use faulty::Faulty;
pub use follow::{Follow, Move};
pub use kind::{Kind, Search};
pub use mixed::Mixed;
pub use pct::Pct;
pub use pos::Pos;
pub use profile::{Learning, Profile};
pub use race::Race;
pub use random::Random;
pub use recorder::Recorder;
pub use replay::Replay;
pub use surw::Surw;
pub use unmet::Unmet;

use dice::Dice;

use crate::case::CallFault;
use crate::schedule::Wid;
use crate::stage::Access;

/// Numbers for the threads and children of a worker. Its first one has the worker's own number.
pub mod lane {
    use crate::schedule::{MAX_WORKERS, Wid};

    /// From one of a worker's numbers to the next.
    pub const EACH: u32 = MAX_WORKERS + 1;

    /// Whose it is.
    pub const fn owner(lane: Wid) -> Wid {
        lane % EACH
    }
}

/// What could happen next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Act {
    /// A worker takes its next step.
    Step,
    /// A worker's process is killed, where it is.
    Crash,
    /// The clock moves on to the next deadline, though somebody could go on.
    Clock,
    /// The clock is set back.
    Jump,
    /// The next call of a worker's that can fail will.
    Fail,
    /// A worker takes its next step, and this befalls its call.
    Strike(CallFault),
}

impl Act {
    /// Does a worker take its next step, well or ill?
    pub const fn is_step(self) -> bool {
        matches!(self, Act::Step | Act::Strike(_))
    }

    /// The same without a fault, if anything is left of it then.
    pub const fn calm(self) -> Option<Act> {
        if self.is_step() { Some(Act::Step) } else { None }
    }
}

/// A worker that could go on, and what it would do next; or a fault that could strike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enabled {
    /// Who; for what befalls the clock 0.
    pub worker: Wid,
    /// What. The faults come last in the list, in the order of [`Act`], each kind by worker.
    pub act: Act,
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

impl<S: Scheduler + ?Sized> Scheduler for &mut S {
    fn begin(&mut self) -> bool {
        (**self).begin()
    }

    fn choose(&mut self, enabled: &[Enabled]) -> usize {
        (**self).choose(enabled)
    }
}

impl<S: Scheduler + ?Sized> Scheduler for Box<S> {
    fn begin(&mut self) -> bool {
        (**self).begin()
    }

    fn choose(&mut self, enabled: &[Enabled]) -> usize {
        (**self).choose(enabled)
    }
}

/// Is somebody else chosen than the one who moved last, though that one could go on?
fn is_preemption(last: Option<Wid>, enabled: &[Enabled], chosen: usize) -> bool {
    let another = enabled[chosen].act.is_step() && Some(enabled[chosen].worker) != last;
    another && Some(enabled[0].worker) == last
}
