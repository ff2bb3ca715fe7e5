//! One run: who goes on, until all workers are at their ends.

use crate::case::MAX_STEPS;
use crate::error::Error;
use crate::history::{Absence, Missing};
use crate::interleave::{Act, Enabled, Scheduler};

use super::family::Family;

/// Nobody has changed anything for so many moves of the clock: a run that is this long is a livelock.
const ROUNDS_OF_LIVELOCK: u32 = 500;

/// For so many steps a scheduler may let anybody starve. After that each step of so many is for whoever has taken the
/// fewest: those who try again and again do not hold up the one they wait for.
const UNFAIR: u32 = 1000;
const FAIR: u32 = 4;

/// Whoever was first goes on to the end, or whoever was last; then the next one does.
pub struct InOrder {
    /// The last one first.
    pub reversed: bool,
}

impl Scheduler for InOrder {
    fn begin(&mut self) -> bool {
        true
    }

    fn choose(&mut self, enabled: &[Enabled]) -> usize {
        // The one that moved last comes first. Where all are in order it is at its end, or was the first.
        let sorted = enabled.windows(2).all(|pair| pair[0].worker < pair[1].worker);
        if self.reversed && sorted { enabled.len() - 1 } else { 0 }
    }
}

/// A run on its way.
#[derive(Default)]
pub(super) struct Run {
    pub(super) choices: Vec<u32>,
    pub(super) marks: Vec<usize>,
    steps: u32,
    pub(super) missing: Vec<Missing>,
}

impl Run {
    /// Was it so long that the scheduler was not always obeyed?
    pub(super) fn is_overruled(&self) -> bool {
        self.steps > UNFAIR
    }

    /// Until all workers are at their ends, or nobody can go on.
    pub(super) fn play(
        &mut self,
        family: &mut Family<'_>,
        scheduler: &mut dyn Scheduler,
    ) -> Result<(), Error> {
        let failed = Error::Trace;
        loop {
            while family.rouse().map_err(failed)? {
                family.settle().map_err(failed)?;
            }
            if family.is_over() || family.refusal.is_some() {
                return Ok(());
            }
            let mut options = family.options();
            if options.iter().all(|(_, one)| one.act != Act::Step) {
                if family.is_livelocked(ROUNDS_OF_LIVELOCK) {
                    self.missing = family.missing(Absence::Stuck);
                    return Ok(());
                }
                if family.move_clock() {
                    continue;
                }
                let outside = family.waits_for_outside();
                let why = if outside { Absence::Silent } else { Absence::Stuck };
                self.missing = family.missing(why);
                return Ok(());
            }
            if self.steps >= MAX_STEPS {
                let livelocked = family.is_livelocked(ROUNDS_OF_LIVELOCK);
                self.missing = family.missing(if livelocked { Absence::Stuck } else { Absence::Endless });
                return Ok(());
            }
            let enabled: Vec<_> = options.iter().map(|(_, one)| one.clone()).collect();
            let mut chosen = scheduler.choose(&enabled);
            if chosen >= enabled.len() {
                return Err(Error::Scheduler { chosen, enabled: enabled.len() });
            }
            if self.steps >= UNFAIR && self.steps.is_multiple_of(FAIR) {
                let steps = (0..).zip(&enabled).filter(|(_, one)| one.act == Act::Step);
                chosen = steps.min_by_key(|(_, one)| one.step).map_or(chosen, |(nth, _)| nth);
            }
            if enabled.len() > 1 {
                self.choices.push(chosen as u32);
                self.marks.push(family.events.len());
            }
            self.steps += 1;
            let (tid, one) = options.swap_remove(chosen);
            match one.act {
                Act::Step => family.step(tid, one.worker),
                Act::Crash => family.crash(one.worker),
                Act::Clock => family.stall(one.worker),
                Act::Strike(fault) => family.strike(tid, one.worker, fault),
                Act::Jump | Act::Fail => unreachable!("it is not among the options"),
            }
            .map_err(failed)?;
        }
    }
}
