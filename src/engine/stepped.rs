//! The engine without a clock: ticks are barriers, one worker moves at a time, nothing is left to
//! chance.
//!
//! Whoever stops picks the next one and rings its bell: one hand-over for each change of hands, none
//! where the same worker goes on, and the driver sleeps meanwhile.

use super::{Crews, Engine, Watch, unfinished};
use crate::case::Case;
use crate::check::{self, Checker, Verdict};
use crate::error::Error;
use crate::history::{Absence, History, Missing};
use crate::lock::Promise;
use crate::worker::board::DRIVER;
use crate::worker::crew::LOOK;
use crate::worker::{Crew, Staff};

/// Same case, same history, byte for byte, for threads and for processes.
pub struct Stepped {
    crews: Crews,
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
        let first = crew.next();
        let mut missing = Vec::new();
        if first != DRIVER {
            crew.pass_to(first);
            missing = await_turn(crew, case);
        }
        self.crews.finish(case, missing)
    }

    fn judge(&self, case: &Case, promise: Promise, history: &History) -> Verdict {
        check::Stepped(promise).check(case, history)
    }
}

/// Sleeps until the turn comes back, or can no longer.
fn await_turn(crew: &mut Crew, case: &Case) -> Vec<Missing> {
    let mut watch = Watch::new();
    loop {
        if crew.hear_within(DRIVER, Some(LOOK)).is_some() && crew.mover() == DRIVER {
            // Whoever still has a command waits for a lock that nobody can give back.
            return unfinished(crew, case.workers, Absence::Stuck);
        }
        // Only the one who has the turn can be to blame.
        let mover = crew.mover() as u32;
        let gone = mover as usize != DRIVER && crew.is_gone(mover);
        if gone || watch.silent_for(crew) > crew.staff().silence {
            let missing = unfinished(crew, case.workers, Absence::Silent);
            return missing.into_iter().filter(|m| m.worker == mover).collect();
        }
    }
}
