//! The original experiment: commands go out at their times on a real clock, and what the workers do
//! with each other is the machine's affair.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::{Crews, Engine, Watch, unfinished};
use crate::case::{Case, Plan};
use crate::check::{self, Checker, Verdict};
use crate::error::Error;
use crate::history::{Absence, Event, History, Late, Missing, What};
use crate::lock::Promise;
use crate::schedule::{Time, Wid};
use crate::worker::board::{DRIVER, bell};
use crate::worker::crew::LOOK;
use crate::worker::{Crew, Staff, monotonic};

/// Real threads and processes on a real clock, really blocked where their lock blocks them.
pub struct Realtime {
    crews: Crews,
    interrupt: Arc<AtomicBool>,
}

impl Realtime {
    /// An engine that hires from `staff` what its cases need, and stops in the middle of a case when
    /// `interrupt` is set.
    ///
    /// # Errors
    /// [`Error::Folder`] when its files cannot be put into the staff's folder.
    pub fn new(staff: &Staff, interrupt: Arc<AtomicBool>) -> Result<Self, Error> {
        Ok(Realtime { crews: Crews::new(staff)?, interrupt })
    }
}

impl Engine for Realtime {
    fn run(&mut self, case: &Case) -> Result<History, Error> {
        let plan = case.plan();
        let crew = self.crews.prepare(case)?;
        let _undisturbed = Crews::undisturbed(case.placement);
        let driven = Drive { crew, case, plan: &plan, interrupt: &self.interrupt }.run();
        let missing = driven.inspect_err(|_| self.crews.discard(case.placement))?;
        let mut history = self.crews.finish(case, missing)?;
        history.events.sort_by_key(|event| event.at);
        history.late = latest(&plan, case, &history.events);
        Ok(history)
    }

    fn judge(&self, case: &Case, promise: Promise, history: &History) -> Verdict {
        check::Realtime(promise).check(case, history)
    }
}

struct Drive<'a> {
    crew: &'a mut Crew,
    case: &'a Case,
    plan: &'a Plan,
    interrupt: &'a AtomicBool,
}

impl Drive<'_> {
    fn run(mut self) -> Result<Vec<Missing>, Error> {
        let half = Duration::from(self.case.schedule.period()) / 2;
        // Time for everybody to wake up before the first command is due.
        let origin = monotonic() + 1_000_000;
        self.crew.start_clock(origin);
        for worker in 1..=self.case.workers {
            self.crew.ring(worker as usize, bell::CASE);
        }
        let mut sent = vec![0; self.case.workers as usize + 1];
        let mut tick = usize::MAX;
        for step in &self.plan.steps {
            if step.tick != tick {
                tick = step.tick;
                self.sleep_until(origin + self.plan.times[tick].as_micros() * 1000)?;
            }
            let worker = step.worker;
            sent[worker as usize] += 1;
            self.crew.send(worker);
            // Inside a tick the order counts: the next one is asked when this one is done or waits.
            // Nobody waits for one who waits, and nobody for longer than would be late anyway.
            let asked = monotonic();
            while self.crew.answered(worker) < sent[worker as usize]
                && !self.crew.is_waiting(worker)
                && monotonic() - asked < half.as_nanos() as u64
            {
                self.crew.hear_within(DRIVER, Some(half.min(LOOK)));
            }
        }
        self.await_answers(&sent)
    }

    fn sleep_until(&self, due: u64) -> Result<(), Error> {
        loop {
            let left = Duration::from_nanos(due.saturating_sub(monotonic()));
            if self.interrupt.load(Ordering::Relaxed) {
                return Err(Error::Interrupted);
            }
            if left.is_zero() {
                return Ok(());
            }
            std::thread::sleep(left.min(LOOK));
        }
    }

    fn await_answers(&mut self, sent: &[u32]) -> Result<Vec<Missing>, Error> {
        let double = self.crew.staff().doubles.iter().find(|double| double.name == self.case.lock);
        let patience = double.and_then(|double| double.patience).unwrap_or_default();
        let mut watch = Watch::new();
        loop {
            let open = |w: &Wid| self.crew.answered(*w) < sent[*w as usize];
            let open: Vec<Wid> = (1..=self.case.workers).filter(open).collect();
            if open.is_empty() {
                return Ok(Vec::new());
            }
            if self.interrupt.load(Ordering::Relaxed) {
                return Err(Error::Interrupted);
            }
            self.crew.hear_within(DRIVER, Some(LOOK));
            if open.iter().any(|&worker| self.crew.is_gone(worker))
                || watch.silent_for(self.crew) > self.crew.staff().silence + patience
            {
                return Ok(unfinished(self.crew, self.case.workers, Absence::Silent));
            }
        }
    }
}

/// The command that was latest, if it was more than half a period late in starting or in getting
/// done. Time spent waiting for the lock is not lateness, nor what it holds up.
fn latest(plan: &Plan, case: &Case, events: &[Event]) -> Option<Late> {
    let mut free_from = vec![Time::ZERO; case.workers as usize + 1];
    let mut working_since = free_from.clone();
    let mut waited = vec![false; case.workers as usize + 1];
    let mut latest: Option<Late> = None;
    for Event { tick, at, worker, command, what } in events {
        let (tick, at, worker, command) = (*tick, *at, *worker, *command);
        let w = worker as usize;
        let by = match what {
            What::Began => {
                let due = plan.times[tick].max(free_from[w]);
                (working_since[w], waited[w]) = (due, due > plan.times[tick]);
                at - due
            }
            What::Blocked => {
                waited[w] = true;
                continue;
            }
            What::Locked => {
                if waited[w] {
                    working_since[w] = at;
                }
                continue;
            }
            What::Wrote | What::Read(_) | What::Exited => {
                if waited[w] {
                    free_from[w] = at;
                }
                at - working_since[w]
            }
            What::Note(_) => continue,
            What::Slept(_) | What::Stalled | What::Jumped | What::CallFailed => continue,
            What::Crashed | What::Refused => continue,
            // Of programs that are traced.
            What::Entered | What::Left | What::Quit(_) | What::Died(_) | What::Struck(_) => continue,
            What::Found(_) | What::CheckFailed(_) => continue,
            What::GaveUp | What::Unlocked | What::Failed(_) => {
                free_from[w] = at;
                continue;
            }
        };
        if latest.is_none_or(|late| late.by < by) {
            latest = Some(Late { worker, command, by });
        }
    }
    latest.filter(|late| late.by * 2 > case.schedule.period())
}
