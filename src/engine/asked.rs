//! A scheduler, asked at every point of one run.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use crate::error::Error;
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
    /// What it was asked last: kept, so that the next question finds room.
    enabled: Vec<Enabled>,
    choices: Vec<u32>,
    /// It chose what is not there.
    broken: Option<Error>,
    panic: Option<Box<dyn Any + Send>>,
}

impl<'a> Asked<'a> {
    pub(super) fn new(scheduler: &'a mut dyn Scheduler) -> Self {
        Asked { scheduler, enabled: Vec::new(), choices: Vec::new(), broken: None, panic: None }
    }

    /// Lets the crew ask while `act` runs.
    pub(super) fn during<R>(&mut self, crew: &mut Crew, act: impl FnOnce(&mut Crew) -> R) -> R {
        let local = Arc::clone(crew.local());
        local.chooser.lend(&mut |board| self.next(board), || act(crew))
    }

    /// What was chosen, where there was something to choose; zeros at the end mean nothing and are left
    /// out. If the scheduler has panicked, so does this, after `first`.
    ///
    /// # Errors
    /// [`Error::Scheduler`] if it chose what is not there.
    pub(super) fn choices(self, first: impl FnOnce()) -> Result<Vec<u32>, Error> {
        if let Some(panic) = self.panic {
            first();
            resume_unwind(panic);
        }
        if let Some(why) = self.broken {
            return Err(why);
        }
        let length = self.choices.iter().rposition(|&choice| choice != 0).map_or(0, |last| last + 1);
        let mut choices = self.choices;
        choices.truncate(length);
        Ok(choices)
    }

    /// Who goes on, if that is what the board asks; the driver, if it has to do something first.
    fn next(&mut self, board: &Board) -> usize {
        while let Some(last) = board.take_question() {
            // Where it panics it may be in the thread of a worker, who cannot be blamed for it.
            let (first, chosen) = match catch_unwind(AssertUnwindSafe(|| self.choose(board, last))) {
                Ok(chosen) => chosen,
                Err(panic) => {
                    self.panic = Some(panic);
                    break;
                }
            };
            if let Some(next) = board.befall(first, chosen) {
                return next;
            }
            let next = board.decide(last);
            if next != DRIVER {
                return next;
            }
        }
        DRIVER
    }

    /// Who could go on first, and what was chosen.
    fn choose(&mut self, board: &Board, last: Wid) -> (Wid, (Wid, Act)) {
        let mut length = 0;
        for (worker, act) in board.options(last) {
            if length == self.enabled.len() {
                self.enabled.push(Enabled { worker, act, step: 0, next: Vec::new() });
            }
            let one = &mut self.enabled[length];
            // The clock is nobody's, and a fault touches everything.
            one.step = if worker == 0 { 0 } else { board.steps_taken(worker) };
            (one.worker, one.act) = (worker, act);
            one.next.clear();
            if act == Act::Step {
                one.next.extend(board.announced(worker));
            }
            length += 1;
        }
        let enabled = &self.enabled[..length];
        let chosen = self.scheduler.choose(enabled);
        if chosen >= length {
            self.broken.get_or_insert(Error::Scheduler { chosen, enabled: length });
        }
        let choice = chosen % length;
        if length > 1 {
            self.choices.push(choice as u32);
        }
        (enabled[0].worker, (enabled[choice].worker, enabled[choice].act))
    }
}
