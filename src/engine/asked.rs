//! A scheduler, asked at every point of one run.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use crate::interleave::{Act, Enabled, Scheduler};
use crate::schedule::Wid;
use crate::worker::Crew;
use crate::worker::board::{Board, DRIVER};

/// Asks a scheduler, and writes down what it chose.
///
/// It is asked by whoever stops, in that one's own thread, if the worker is one of this process; otherwise
/// by the driver. Only one party moves at a time, so it is asked the same in the same order either way.
pub(super) struct Asked<'a> {
    scheduler: &'a mut dyn Scheduler,
    choices: Vec<u32>,
    panic: Option<Box<dyn Any + Send>>,
}

impl<'a> Asked<'a> {
    pub(super) fn new(scheduler: &'a mut dyn Scheduler) -> Self {
        Asked { scheduler, choices: Vec::new(), panic: None }
    }

    /// Lets the crew ask while `act` runs.
    pub(super) fn during<R>(&mut self, crew: &mut Crew, act: impl FnOnce(&mut Crew) -> R) -> R {
        let local = Arc::clone(crew.local());
        local.chooser.lend(&mut |board| self.next(board), || act(crew))
    }

    /// What was chosen, where there was something to choose; zeros at the end mean nothing and are left
    /// out. If the scheduler has panicked, so does this, after `first`.
    pub(super) fn choices(self, first: impl FnOnce()) -> Vec<u32> {
        if let Some(panic) = self.panic {
            first();
            resume_unwind(panic);
        }
        let length = self.choices.iter().rposition(|&choice| choice != 0).map_or(0, |last| last + 1);
        let mut choices = self.choices;
        choices.truncate(length);
        choices
    }

    /// Who goes on, if that is what the board asks.
    fn next(&mut self, board: &Board) -> usize {
        let Some(last) = board.take_question() else { return DRIVER };
        // Where it panics it may be in the thread of a worker, who cannot be blamed for it.
        match catch_unwind(AssertUnwindSafe(|| self.choose(board, last))) {
            Ok(next) => next as usize,
            Err(panic) => {
                self.panic = Some(panic);
                DRIVER
            }
        }
    }

    fn choose(&mut self, board: &Board, last: Wid) -> Wid {
        let known = |worker| Enabled {
            worker,
            act: Act::Step,
            step: board.steps_taken(worker),
            next: board.announced(worker),
        };
        let enabled: Vec<_> = board.enabled(last).into_iter().map(known).collect();
        let choice = self.scheduler.choose(&enabled) % enabled.len();
        if enabled.len() > 1 {
            self.choices.push(choice as u32);
        }
        enabled[choice].worker
    }
}
