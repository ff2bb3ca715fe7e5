//! Who is woken by what, and when: those who are blocked, who sleep, and who look again and again.

use std::io;
use std::time::Duration;

use crate::history::What;
use crate::interleave::{Act, Enabled};
use crate::schedule::{Time, Wid};
use crate::stage::{Access, Object};
use crate::sys::tracee::{self, Stopped};

use super::super::call::Call;
use super::{Family, Pending, State, Wait, answer, gone};

/// A sleep of this length is still a pause between two looks.
const PAUSE: Duration = Duration::from_millis(100);
/// The same in a proof, where whoever pauses may also go on though nothing has changed.
const EXACT_PAUSE: Duration = Duration::from_secs(1);
/// So often the same is looked at in vain before it counts as that.
const VAIN: u32 = 3;
/// So often somebody is woken before its time until the clock moves. Two who wait and try would else wake each other
/// for ever, and whoever they wait for would never go on.
const HURRIES: u32 = 8;
/// So often the clock moves without anything having changed before it moves faster, and so often it then moves
/// twice as far.
const ROUNDS: u32 = 64;
const DOUBLINGS: u32 = 40;
/// How long somebody pauses who looks at the same things again and again without sleeping.
const SPIN: Duration = Duration::from_millis(1);

impl Family<'_> {
    /// Something was done: whoever waits for that may try again.
    pub(in crate::engine::traced) fn changed(&mut self, by: i32, accesses: &[Access]) {
        let touched = |list: &[Access]| {
            accesses.is_empty()
                || list.is_empty()
                || list.iter().any(|one| accesses.iter().any(|two| one.depends_on(*two)))
        };
        let actor = self.tids.get(&by).copied();
        for (_, task) in self.tasks.iter_mut().filter(|(tid, _)| **tid != by) {
            let mind = self.minds.entry(task.worker).or_default();
            let concerned =
                actor != Some(task.worker) && !mind.interest.is_empty() && touched(&mind.interest);
            let awaits = concerned && mind.hurries < HURRIES;
            mind.stirred |= concerned;
            let pauses = matches!(task.state, State::Asleep { pause: true, .. } | State::Spinning { .. });
            self.hurried |= pauses && concerned && !awaits;
            match std::mem::replace(&mut task.state, State::Running) {
                State::AtPoint(stopped, mut pending) => {
                    pending.stale |= touched(&pending.next);
                    task.state = State::AtPoint(stopped, pending);
                }
                State::Blocked(stopped, mut pending)
                    if touched(&pending.next)
                        && !(self.exact && self.locks.keep_out(task.worker, task.process, &pending.call)) =>
                {
                    pending.stale = true;
                    task.state = State::AtPoint(stopped, pending);
                }
                State::Spinning { stopped, mut pending, .. } if awaits => {
                    mind.hurries += 1;
                    pending.stale = true;
                    mind.vain.clear();
                    task.state = State::AtPoint(stopped, pending);
                }
                State::Asleep { stopped, pause: true, .. } if awaits => {
                    // Woken before its time, which the clock need not show: what others do takes time as well.
                    mind.hurries += 1;
                    task.state = State::Asleep { stopped, until: Duration::ZERO, pause: true };
                }
                other => task.state = other,
            }
        }
    }

    /// A step was taken that may have changed something.
    pub(in crate::engine::traced) fn progress(&mut self) {
        self.rounds = 0;
        for mind in self.minds.values_mut() {
            mind.vain.clear();
        }
    }

    /// A step was taken; did it change nothing, again?
    pub(in crate::engine::traced) fn stepped(
        &mut self,
        tid: i32,
        accesses: &[Access],
        text: &str,
        effect: bool,
    ) {
        let Some(task) = self.tasks.get_mut(&tid) else { return };
        task.steps += 1;
        *self.taken.entry(task.worker).or_default() += 1;
        if let Some(course) = self.courses.get_mut(&task.worker) {
            course.steps(text, self.clock.now());
        }
        let mind = self.minds.entry(task.worker).or_default();
        for access in accesses {
            if !mind.interest.contains(access) {
                mind.interest.push(*access);
            }
        }
        if self.exact {
            mind.round.push(text.to_owned());
            self.trail.push((task.worker, text.to_owned(), accesses.to_vec()));
        }
        if effect {
            self.progress();
        } else {
            *mind.vain.entry(text.to_owned()).or_default() += 1;
        }
    }

    /// Goes to sleep until this time of the clock.
    pub(in crate::engine::traced) fn sleep(&mut self, stopped: Stopped, duration: Duration) {
        let tid = stopped.tid();
        let until = self.clock.now() + self.longer(duration);
        let Some(task) = self.tasks.get_mut(&tid) else { return };
        let worker = task.worker;
        let mind = self.minds.entry(worker).or_default();
        mind.vain.clear();
        let round = std::mem::take(&mut mind.round);
        mind.idle = if round.is_empty() { mind.idle + 1 } else { 0 };
        mind.fresh = match mind.idle {
            0 => std::mem::take(&mut mind.stirred) || mind.before.as_ref() != Some(&round),
            idle => idle <= HURRIES,
        };
        self.hurried |= mind.idle > HURRIES;
        mind.before = Some(round);
        let pause = duration <= if self.exact { EXACT_PAUSE } else { PAUSE };
        task.state = State::Asleep { stopped, until, pause };
        self.log(worker, What::Slept(Time::from_micros(until.as_micros() as u64)));
    }

    /// Who sleeps again and again and finds nothing changed sleeps longer and longer: a sleep may take longer than
    /// was asked for, so whatever is awaited comes, or never comes.
    fn longer(&self, duration: Duration) -> Duration {
        let doublings = self.rounds.saturating_sub(ROUNDS).min(DOUBLINGS);
        duration.checked_mul(1 << doublings.min(31)).unwrap_or(Duration::MAX / 4).min(Duration::MAX / 4)
    }

    /// Has anything changed since the clock moved for so long that nothing ever will?
    pub(in crate::engine::traced) fn is_livelocked(&self, rounds: u32) -> bool {
        self.rounds > rounds
    }

    /// Those woken before their time get up.
    pub(in crate::engine::traced) fn rouse(&mut self) -> io::Result<bool> {
        let rung = self.ring()?;
        let heeded = self.heed()?;
        let now = self.clock.now();
        let mut tids = Vec::new();
        for (&tid, task) in &self.tasks {
            match &task.state {
                State::Asleep { until, .. } if *until <= now => tids.push(tid),
                State::Spinning { until, .. } | State::Stalled { until, .. } if *until <= now => {
                    tids.push(tid);
                }
                State::Waiting(Wait { until: Some((until, _)), .. }) if *until <= now => tids.push(tid),
                _ => {}
            }
        }
        for &tid in &tids {
            let Some(task) = self.tasks.get_mut(&tid) else { continue };
            match std::mem::replace(&mut task.state, State::Running) {
                State::Asleep { stopped, .. } => {
                    let worker = task.worker;
                    self.awakes(worker);
                    gone(answer(stopped, 0))?;
                }
                State::Spinning { stopped, mut pending, .. }
                | State::Stalled { stopped, mut pending, .. } => {
                    pending.stale = true;
                    self.minds.entry(task.worker).or_default().vain.clear();
                    task.state = State::AtPoint(stopped, pending);
                }
                State::Waiting(wait) => {
                    task.state = State::Waiting(wait);
                    gone(tracee::interrupt(tid))?;
                    // It stops, and then goes on.
                    while let Some(State::Waiting(_)) = self.tasks.get(&tid).map(|task| &task.state) {
                        match tracee::next_event(true)? {
                            Some(event) => self.on_event(event)?,
                            None => break,
                        }
                    }
                }
                other => task.state = other,
            }
        }
        Ok(rung || heeded || !tids.is_empty())
    }

    /// It has slept, and looks anew.
    pub(in crate::engine::traced) fn awakes(&mut self, worker: Wid) {
        let mind = self.minds.entry(worker).or_default();
        mind.interest.clear();
        mind.stirred = false;
    }

    /// The next time for which somebody waits.
    fn deadline(&self) -> Option<Duration> {
        let times = self.tasks.values().filter_map(|task| match &task.state {
            State::Asleep { until, .. } | State::Spinning { until, .. } | State::Stalled { until, .. } => {
                Some(*until)
            }
            State::Waiting(wait) => wait.until.map(|(until, _)| until),
            _ => None,
        });
        times.chain(self.next_ring()).min()
    }

    /// Nobody can go on: the clock does, if somebody waits for it.
    pub(in crate::engine::traced) fn move_clock(&mut self) -> bool {
        let Some(time) = self.deadline() else { return false };
        self.rounds += 1;
        self.clock.move_to(time);
        for mind in self.minds.values_mut() {
            mind.hurries = 0;
        }
        true
    }

    /// Whoever sleeps may go on at any time; but where nothing has changed it would do again what it did before.
    pub(super) fn may_wake(&self, options: &mut Vec<(i32, Enabled)>) {
        for (&tid, task) in &self.tasks {
            let fresh = self.minds.get(&task.worker).is_some_and(|mind| mind.fresh);
            if let State::Asleep { pause: true, .. } = task.state
                && fresh
            {
                let (worker, step) = (task.lane, task.steps);
                let next = vec![Access::Look(Object::memory(&format!("the sleep of {worker}")))];
                options.push((tid, Enabled { worker, act: Act::Step, step, next }));
            }
        }
    }

    /// This call is to be made, as soon as it is chosen.
    pub(in crate::engine::traced) fn arrive(&mut self, stopped: Stopped, call: Call) {
        let tid = stopped.tid();
        let pending = Pending { call, next: Vec::new(), stale: true, before: Vec::new(), count: None };
        let until = self.clock.now() + SPIN;
        let Some(task) = self.tasks.get_mut(&tid) else { return };
        let mind = self.minds.entry(task.worker).or_default();
        task.state = match mind.vain.values().any(|&times| times >= VAIN) {
            true => State::Spinning { stopped, pending, until },
            false => State::AtPoint(stopped, pending),
        };
    }
}
