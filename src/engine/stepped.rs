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
use crate::interleave::{Act, Enabled, Scheduler};
use crate::lock::Promise;
use crate::schedule::Wid;
use crate::worker::board::{DRIVER, pace};
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
        let _undisturbed = Crews::undisturbed(case);
        let first = if crew.is_interleaved() { 1 } else { crew.next() };
        let mut missing = Vec::new();
        if first != DRIVER {
            crew.pass_to(first);
            missing = await_turn(crew, case, &mut |_| unreachable!("the choices are on the board"))?;
        }
        self.crews.finish(case, missing)
    }

    fn explore(&mut self, case: &Case, scheduler: &mut dyn Scheduler) -> Result<(History, Vec<u32>), Error> {
        let mut choices = Vec::new();
        let crew = self.crews.prepare(case)?;
        let _undisturbed = Crews::undisturbed(case);
        crew.set_pace(pace::ASKED, &[], case.faults);
        crew.pass_to(1);
        let mut choose = |enabled: &[Enabled]| {
            let choice = scheduler.choose(enabled) % enabled.len();
            if enabled.len() > 1 {
                choices.push(choice as u32);
            }
            choice
        };
        let missing = await_turn(crew, case, &mut choose)?;
        let history = self.crews.finish(case, missing)?;
        while choices.last() == Some(&0) {
            choices.pop();
        }
        Ok((history, choices))
    }

    fn judge(&self, case: &Case, promise: Promise, history: &History) -> Verdict {
        match case.choices {
            None => check::Stepped(promise).check(case, history),
            Some(_) => check::Interleaved(promise).check(case, history),
        }
    }
}

/// Sleeps until the turn comes back for good, or can no longer; answers what it is asked meanwhile.
fn await_turn(
    crew: &mut Crew,
    case: &Case,
    choose: &mut dyn FnMut(&[Enabled]) -> usize,
) -> Result<Vec<Missing>, Error> {
    let mut watch = Watch::new();
    loop {
        if crew.hear_within(DRIVER, Some(LOOK)).is_some() && crew.mover() == DRIVER {
            match answer(crew, choose)? {
                DRIVER => return Ok(unfinished(crew, case.workers, Absence::Stuck)),
                next => crew.pass_to(next),
            }
            continue;
        }
        // Only the one who has the turn can be to blame.
        let mover = crew.mover() as u32;
        let gone = mover as usize != DRIVER && crew.is_gone(mover);
        if gone || watch.silent_for(crew) > crew.staff().silence {
            let missing = unfinished(crew, case.workers, Absence::Silent);
            return Ok(missing.into_iter().filter(|m| m.worker == mover).collect());
        }
    }
}

/// Does what the board asks of the driver until somebody can go on: who that is. The driver, when
/// whoever still has a command waits for a lock that nobody can give back.
fn answer(crew: &mut Crew, choose: &mut dyn FnMut(&[Enabled]) -> usize) -> Result<usize, Error> {
    loop {
        if let Some(doomed) = crew.take_doomed() {
            crew.kill(doomed)?;
        } else if let Some(last) = crew.take_question() {
            let enabled = listed(crew, last);
            let chosen = &enabled[choose(&enabled)];
            match chosen.act {
                Act::Step => return Ok(chosen.worker as usize),
                Act::Clock => crew.stall(enabled[0].worker),
                Act::Crash => {
                    crew.doom(chosen.worker);
                    continue;
                }
            }
        } else {
            return Ok(DRIVER);
        }
        let next = crew.decide(crew.asked_by());
        if next != DRIVER {
            return Ok(next);
        }
    }
}

/// What could happen after `last` has moved, as schedulers see it.
fn listed(crew: &Crew, last: Wid) -> Vec<Enabled> {
    let known = |(worker, act)| match act {
        Act::Step => Enabled { worker, act, step: crew.steps_taken(worker), next: crew.announced(worker) },
        // A fault touches everything.
        Act::Crash => Enabled { worker, act, step: crew.steps_taken(worker), next: Vec::new() },
        Act::Clock => Enabled { worker, act, step: 0, next: Vec::new() },
    };
    crew.options(last).into_iter().map(known).collect()
}
