//! The stepped engine with a [`Program`] instead of a case.

use std::any::Any;
use std::mem::take;
use std::ptr;
use std::sync::{Arc, Weak};

use super::asked::Asked;
use super::stepped::await_turn;
use super::{Crews, Stepped};
use crate::case::{Faults, MAX_CHOICES, Placement, Plan, Scope};
use crate::error::Error;
use crate::history::{Absence, Missing};
use crate::interleave::Scheduler;
use crate::program::{Doubt, Execution, Flaw, Outcome, Program};
use crate::schedule::{Illegal, MAX_WORKERS};
use crate::stage::Access;
use crate::worker::board::pace;
use crate::worker::{Crew, panics};

impl Stepped {
    /// One execution, with real threads, of which one moves at a time; at each point `scheduler` says who
    /// goes on. It is the caller who lets the scheduler [`begin`](Scheduler::begin), and hears there whether
    /// anything is left to try.
    ///
    /// # Errors
    /// When lockfuzz itself fails. Whatever the program does is in the outcome.
    pub fn explore_program<P: Program>(
        &mut self,
        program: &Arc<P>,
        scheduler: &mut dyn Scheduler,
    ) -> Result<Execution, Error> {
        let mut asked = Asked::new(scheduler);
        let went = self
            .crews
            .run(program, pace::ASKED, &[], |crew, workers| asked.during(crew, |crew| begin(crew, workers)));
        let choices = asked.choices(|| self.crews.discard(Placement::Threads));
        let went = went?;
        Ok(Execution { choices: choices?, ..went })
    }

    /// The execution that these choices lead to.
    ///
    /// # Errors
    /// As [`explore_program`](Stepped::explore_program).
    pub fn replay_program<P: Program>(
        &mut self,
        program: &Arc<P>,
        choices: &[u32],
    ) -> Result<Execution, Error> {
        if choices.len() > MAX_CHOICES {
            return Err(Illegal::TooManyChoices.into());
        }
        let went = self.crews.run(program, pace::SCRIPTED, choices, begin);
        Ok(Execution { choices: choices.to_vec(), ..went? })
    }
}

impl Crews {
    /// Everything but the choices.
    fn run<P: Program>(
        &mut self,
        program: &Arc<P>,
        how: u32,
        choices: &[u32],
        act: impl FnOnce(&mut Crew, u32) -> Result<Vec<Missing>, Error>,
    ) -> Result<Execution, Error> {
        let workers = program.workers();
        if !(1..=MAX_WORKERS).contains(&workers) {
            return Err(Illegal::Workers { workers }.into());
        }
        self.serial += 1;
        let serial = self.serial;
        let starts = self.starts.take(program, workers);
        let crew = self.muster(Placement::Threads, workers)?;
        crew.lay_out(serial, 0, Scope::Session, workers, None, &Plan::parts(workers));
        crew.set_pace(how, choices, Faults::NONE);
        crew.set_bound(program.steps());
        for (worker, start) in (1..).zip(starts.iter().flatten()) {
            if let Some(start) = start {
                crew.foresee(worker, start);
            }
        }
        let shared = Arc::new(program.begin());
        let local = Arc::clone(crew.local());
        local.set_part(Some({
            let (program, shared) = (Arc::clone(program), Arc::clone(&shared));
            Arc::new(move |worker| program.work(&shared, worker))
        }));
        let _undisturbed = Crews::undisturbed(Placement::Threads);
        let missing = act(crew, workers)?;
        let panicked = local.take_panics().into_iter().next();
        local.set_part(None);
        let cut_short = crew.is_out_of_steps();
        let starts = starts.unwrap_or_else(|| (1..=workers).map(|worker| crew.start(worker)).collect());
        self.starts.put(program, starts);
        let history = self.take_history(Placement::Threads, missing)?;
        let outcome = if let Some((worker, message)) = panicked {
            Outcome::Fail(Flaw::Panicked { worker, message })
        } else if let Some(&silent) =
            history.missing.iter().find(|m| !matches!(m.why, Absence::Stuck | Absence::Endless))
        {
            Outcome::Inconclusive(Doubt::Missing(silent))
        } else if cut_short && !history.missing.is_empty() {
            Outcome::Inconclusive(Doubt::TooManySteps(program.steps()))
        } else if !history.missing.is_empty() {
            let waiting = history.missing.iter().map(|missing| missing.worker).collect();
            Outcome::Fail(Flaw::Deadlock { waiting })
        } else {
            match panics::caught(|| program.verdict(&shared)).flatten() {
                Ok(()) => Outcome::Pass,
                Err(why) => Outcome::Fail(Flaw::Verdict(why)),
            }
        };
        Ok(Execution { history, choices: Vec::new(), outcome })
    }
}

/// Lets the first one go, and sleeps until nobody can go on any more.
fn begin(crew: &mut Crew, workers: u32) -> Result<Vec<Missing>, Error> {
    crew.pass_to(crew.begin());
    await_turn(crew, workers)
}

/// What each worker of a program does first: after the first execution nobody has to be woken to say so.
///
/// Nothing that another worker does can come before it, so it is the same in every execution; where it is not,
/// the worker takes the step that it was chosen for all the same, as if its list had been made anew.
#[derive(Default)]
pub(super) struct Starts {
    /// Held, so that no other program gets its address.
    program: Option<Weak<dyn Any + Send + Sync>>,
    starts: Vec<Option<Vec<Access>>>,
}

impl Starts {
    /// What is known of this program.
    fn take<P: Program>(&mut self, program: &Arc<P>, workers: u32) -> Option<Vec<Option<Vec<Access>>>> {
        let Starts { program: known, starts } = take(self);
        let same = known.is_some_and(|known| ptr::addr_eq(known.as_ptr(), Arc::as_ptr(program)));
        (same && starts.len() == workers as usize).then_some(starts)
    }

    fn put<P: Program>(&mut self, program: &Arc<P>, starts: Vec<Option<Vec<Access>>>) {
        let program: Weak<P> = Arc::downgrade(program);
        *self = Starts { program: Some(program), starts };
    }
}
