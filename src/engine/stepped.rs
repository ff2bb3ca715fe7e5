//! The engine without a clock: ticks are barriers, one worker moves at a time, nothing is left to
//! chance.
//!
//! Whoever stops picks the next one and rings its bell: one hand-over for each change of hands, none
//! where the same worker goes on, and the driver sleeps meanwhile.

use super::asked::Asked;
use super::{Crews, Engine, Watch, unfinished};
use crate::case::Case;
use crate::check::{self, Checker, Verdict};
use crate::error::Error;
use crate::history::{Absence, History, Missing};
use crate::interleave::Scheduler;
use crate::lock::Promise;
use crate::worker::board::{DRIVER, pace};
use crate::worker::crew::LOOK;
use crate::worker::{Crew, Staff};

/// Same case, same history, byte for byte, for threads and for processes.
pub struct Stepped {
    pub(super) crews: Crews,
}

impl Stepped {
    /// An engine that hires from `staff` what its cases need. For speed, [`pin`](crate::worker::pin)
    /// the calling thread to one core first: the workers then stay there too.
    ///
    /// # Errors
    /// [`Error::Folder`] when its files cannot be put into the staff's folder.
    pub fn new(staff: &Staff) -> Result<Self, Error> {
        Ok(Stepped { crews: Crews::new(staff)? })
    }
}

impl Engine for Stepped {
    fn run(&mut self, case: &Case) -> Result<History, Error> {
        let crew = self.crews.prepare(case)?;
        let first = if crew.is_interleaved() { 1 } else { crew.next() };
        let mut missing = Vec::new();
        if first != DRIVER {
            crew.pass_to(first);
            missing = await_turn(crew, case.workers);
        }
        self.crews.finish(case, missing)
    }

    fn explore(&mut self, case: &Case, scheduler: &mut dyn Scheduler) -> Result<(History, Vec<u32>), Error> {
        let crew = self.crews.prepare(case)?;
        crew.set_pace(pace::ASKED, &[]);
        let mut asked = Asked::new(scheduler);
        let missing = asked.during(crew, |crew| {
            crew.pass_to(1);
            await_turn(crew, case.workers)
        });
        let choices = asked.choices(|| self.crews.discard(case.placement));
        Ok((self.crews.finish(case, missing)?, choices))
    }

    fn judge(&self, case: &Case, promise: Promise, history: &History) -> Verdict {
        match case.choices {
            None => check::Stepped(promise).check(case, history),
            Some(_) => check::Interleaved(promise).check(case, history),
        }
    }
}

/// Sleeps until the turn comes back, or can no longer.
pub(super) fn await_turn(crew: &mut Crew, workers: u32) -> Vec<Missing> {
    let mut watch = Watch::new();
    loop {
        if crew.hear_within(DRIVER, Some(LOOK)).is_some() && crew.mover() == DRIVER {
            let next = crew.local().choose(crew);
            if next != DRIVER {
                crew.pass_to(next);
                continue;
            }
            // Whoever still has a command waits for a lock that nobody can give back.
            return unfinished(crew, workers, Absence::Stuck);
        }
        // Only the one who has the turn can be to blame.
        let mover = crew.mover() as u32;
        let gone = mover as usize != DRIVER && crew.is_gone(mover);
        if gone || watch.silent_for(crew) > crew.staff().silence {
            let missing = unfinished(crew, workers, Absence::Silent);
            return missing.into_iter().filter(|m| m.worker == mover).collect();
        }
    }
}
