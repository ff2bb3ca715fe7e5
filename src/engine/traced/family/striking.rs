//! What may befall the workers, and how it does.

use std::io;
use std::time::Duration;

use crate::case::CallFault;
use crate::history::What;
use crate::interleave::{Act, Enabled, lane};
use crate::schedule::Wid;
use crate::stage::{Access, clock as clock_object};
use crate::sys::tracee::{self, Stopped};

use super::super::call::View;
use super::super::fault::{self, Found, Way};
use super::super::signals;
use super::{Family, Pending, State, gone};

/// How far a stall moves the clock: further than any lease.
const STALL: Duration = Duration::from_secs(3600);

impl Family<'_> {
    /// What may befall the next calls.
    pub(super) fn may_strike(&mut self, options: &mut Vec<(i32, Enabled)>) {
        let tids: Vec<i32> = self.tasks.keys().copied().collect();
        let allowed = self.faults;
        for fault in CallFault::ALL.into_iter().filter(|&fault| allowed.count(fault) > 0) {
            let mut struck = Vec::new();
            for &tid in &tids {
                if self.way(tid, fault).is_none() {
                    continue;
                }
                let task = &self.tasks[&tid];
                if let State::AtPoint(_, pending) | State::Blocked(_, pending) = &task.state {
                    let (act, next) = (Act::Strike(fault), pending.next.clone());
                    struck.push((tid, Enabled { worker: task.lane, act, step: task.steps, next }));
                }
            }
            struck.sort_by_key(|(_, one)| (lane::owner(one.worker), one.worker));
            if !struck.is_empty() {
                self.possible.insert(fault);
            }
            options.append(&mut struck);
        }
    }

    /// How this fault could befall the next call of a thread.
    fn way(&mut self, tid: i32, fault: CallFault) -> Option<Way> {
        let task = self.tasks.get(&tid)?;
        let process = task.process;
        match &task.state {
            State::AtPoint(stopped, pending) => {
                let (places, numbers, tids) = (&mut self.places, &mut self.numbers, &self.tids);
                let found = Found::of(stopped, &pending.call, &mut View { places, numbers, tids, process });
                fault::way(fault, &pending.call, &found)
            }
            State::Blocked(_, pending) if fault == CallFault::Eintr => {
                let handlers = self.processes.get(&process)?.handlers.iter().copied();
                let interrupts = signals::interrupting(tid, handlers);
                fault::way(fault, &pending.call, &Found { interrupts, ..Found::default() })
            }
            _ => None,
        }
    }

    /// This thread takes its step, and this befalls its call.
    pub(in crate::engine::traced) fn strike(
        &mut self,
        tid: i32,
        lane: Wid,
        fault: CallFault,
    ) -> io::Result<()> {
        self.last = lane;
        let Some(way) = self.way(tid, fault) else { return Ok(()) };
        *self.faults.count_mut(fault) -= 1;
        let Some(task) = self.tasks.get(&tid) else { return Ok(()) };
        let (worker, process) = (task.worker, task.process);
        self.log(worker, What::Struck(fault));
        gone(match way {
            Way::Signal(signal) => tracee::signal(process, tid, signal).and_then(|()| self.cut_short(tid)),
            Way::Errno(errno) => self
                .taken(tid)
                .map_or(Ok(()), |(stopped, pending)| self.pretend(stopped, pending, -i64::from(errno))),
            Way::Count(nth, count) => self.taken(tid).map_or(Ok(()), |(stopped, pending)| {
                self.perform(stopped, Pending { count: Some((nth, count)), ..pending })
            }),
        })?;
        self.settle()
    }

    /// It stands before a call, and from now on it runs.
    fn taken(&mut self, tid: i32) -> Option<(Stopped, Pending)> {
        let task = self.tasks.get_mut(&tid)?;
        match std::mem::replace(&mut task.state, State::Running) {
            State::AtPoint(stopped, pending) | State::Blocked(stopped, pending) => Some((stopped, pending)),
            other => {
                task.state = other;
                None
            }
        }
    }

    /// This worker is killed, with all that belongs to it.
    pub(in crate::engine::traced) fn crash(&mut self, worker: Wid) -> io::Result<()> {
        self.faults.crashes -= 1;
        self.end(|of| of == worker)
    }

    /// The clock moves on although this worker could go on; and for as long again it does not, whatever the others
    /// do meanwhile: they may have to sleep before they take what it holds.
    pub(in crate::engine::traced) fn stall(&mut self, worker: Wid) -> io::Result<()> {
        self.faults.stalls -= 1;
        self.clock.move_to(self.clock.now() + STALL);
        let until = self.clock.now() + STALL;
        for task in self.tasks.values_mut().filter(|task| task.worker == worker) {
            task.state = match std::mem::replace(&mut task.state, State::Running) {
                State::AtPoint(stopped, pending) => State::Stalled { stopped, pending, until },
                other => other,
            };
        }
        self.log(worker, What::Stalled);
        self.changed(0, &[Access::Change(clock_object())]);
        Ok(())
    }
}
