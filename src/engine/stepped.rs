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
        let _undisturbed = Crews::undisturbed(case.placement);
        let first = if crew.is_interleaved() { 1 } else { crew.next() };
        let mut missing = Vec::new();
        if first != DRIVER {
            crew.pass_to(first);
            missing = await_turn(crew, case.workers)?;
        }
        let missing = restless(crew, missing);
        self.crews.finish(case, missing)
    }

    fn explore(&mut self, case: &Case, scheduler: &mut dyn Scheduler) -> Result<(History, Vec<u32>), Error> {
        let crew = self.crews.prepare(case)?;
        let _undisturbed = Crews::undisturbed(case.placement);
        crew.set_pace(pace::ASKED, &[], case.faults);
        let mut asked = Asked::new(scheduler);
        let missing = asked.during(crew, |crew| {
            crew.pass_to(1);
            await_turn(crew, case.workers).map(|missing| restless(crew, missing))
        });
        let choices = asked.choices(|| self.crews.discard(case.placement));
        // The run is brought to its end first, so that the crew is fit for the next one.
        let history = self.crews.finish(case, missing?)?;
        Ok((history, choices?))
    }

    fn judge(&self, case: &Case, promise: Promise, history: &History) -> Verdict {
        match case.choices {
            None => check::Stepped(promise).check(case, history),
            Some(_) => check::Interleaved(promise).check(case, history),
        }
    }
}

/// Did the run end because somebody goes on without end? Whoever took the most steps.
fn restless(crew: &Crew, missing: Vec<Missing>) -> Vec<Missing> {
    if !crew.is_interleaved() || !crew.is_out_of_steps() {
        return missing;
    }
    let restless = missing.into_iter().max_by_key(|missing| crew.steps_taken(missing.worker));
    restless.map(|missing| Missing { why: Absence::Restless, ..missing }).into_iter().collect()
}

/// Sleeps until the turn comes back for good, or can no longer; does what the board asks meanwhile.
pub(super) fn await_turn(crew: &mut Crew, workers: u32) -> Result<Vec<Missing>, Error> {
    let mut watch = Watch::new();
    loop {
        if crew.hear_within(DRIVER, Some(LOOK)).is_some() && crew.mover() == DRIVER {
            match answer(crew)? {
                // Whoever still has a command waits for a lock that nobody can give back.
                DRIVER => return Ok(unfinished(crew, workers, Absence::Stuck)),
                next => crew.pass_to(next),
            }
            continue;
        }
        // Only the one who has the turn can be to blame.
        let mover = crew.mover() as u32;
        let gone = mover as usize != DRIVER && crew.is_gone(mover);
        if gone || watch.silent_for(crew) > crew.staff().silence {
            let missing = unfinished(crew, workers, Absence::Silent);
            return Ok(missing.into_iter().filter(|m| m.worker == mover).collect());
        }
    }
}

/// Does what the board asks of the driver until somebody can go on: who that is. The driver, when nobody can.
fn answer(crew: &mut Crew) -> Result<usize, Error> {
    loop {
        let next = crew.local().choose(crew);
        if next != DRIVER {
            return Ok(next);
        }
        let Some(doomed) = crew.take_doomed() else { return Ok(DRIVER) };
        crew.kill(doomed)?;
        let next = crew.decide(crew.asked_by());
        if next != DRIVER {
            return Ok(next);
        }
    }
}
