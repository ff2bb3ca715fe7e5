//! Signals that reach somebody who stands before a call that would have to wait, or sleeps: that call is then cut short.
//!
//! Of all else the kernel takes care: what runs is stopped by it, and a call that waits there ends there.

use std::io;

use crate::check::ASKING;
use crate::sys::tracee::Stopped;

use super::clock;
use super::family::{Family, State, answer, gone};
use super::table::Kind;

/// Some of the signals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Set(u64);

impl Set {
    pub(super) fn has(self, signal: i32) -> bool {
        self.0 >> (signal - 1) & 1 == 1
    }
}

/// How a thread stands to them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Signals {
    /// On their way to it, or to its process.
    pending: Set,
    pub(super) blocked: Set,
    ignored: Set,
    caught: Set,
}

/// Whoever does not say what is to be done with these does not hear of them, or is halted.
const PASSED_OVER: [i32; 8] = [
    libc::SIGCHLD,
    libc::SIGURG,
    libc::SIGWINCH,
    libc::SIGCONT,
    libc::SIGSTOP,
    libc::SIGTSTP,
    libc::SIGTTIN,
    libc::SIGTTOU,
];

impl Signals {
    /// None where it is gone.
    pub(super) fn of(tid: i32) -> Option<Signals> {
        let said = std::fs::read_to_string(format!("/proc/{tid}/status")).ok()?;
        let set = |name: &str| {
            let line = said.lines().find_map(|line| line.strip_prefix(name))?;
            u64::from_str_radix(line.trim(), 16).ok()
        };
        let pending = Set(set("SigPnd:")? | set("ShdPnd:")?);
        Some(Signals {
            pending,
            blocked: Set(set("SigBlk:")?),
            ignored: Set(set("SigIgn:")?),
            caught: Set(set("SigCgt:")?),
        })
    }

    /// Does one that is on its way end a call which waits?
    fn end_a_call(&self) -> bool {
        let comes = |signal: i32| self.pending.has(signal) && !self.blocked.has(signal);
        let heard = |signal: i32| {
            self.caught.has(signal) || !self.ignored.has(signal) && !PASSED_OVER.contains(&signal)
        };
        (1..=64).any(|signal| comes(signal) && heard(signal))
    }
}

/// Of these signals, which have handlers that do not have calls begun again, one that is free to reach this thread: rather
/// one that asks for nothing.
pub(super) fn interrupting(tid: i32, handlers: impl IntoIterator<Item = i32>) -> Option<i32> {
    // Those are of the thread's own making.
    const OWN: [i32; 6] =
        [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGTRAP, libc::SIGSYS];
    let of = Signals::of(tid)?;
    let free = handlers.into_iter().filter(|&signal| !OWN.contains(&signal) && !of.blocked.has(signal));
    free.min_by_key(|signal| (ASKING.contains(signal), *signal))
}

/// What it is called.
pub(super) fn name(signal: i32) -> String {
    nix::sys::signal::Signal::try_from(signal)
        .map_or_else(|_| format!("signal {signal}"), |signal| signal.as_str().to_owned())
}

impl Family<'_> {
    /// After signals were sent: who waits for a lock or sleeps, and has one to heed, does.
    pub(super) fn heed(&mut self) -> io::Result<bool> {
        // When the machine's own timers ring nobody says.
        let may_ring = self.processes.values().any(|of| of.timers.are_real);
        if !std::mem::take(&mut self.signalled) && !may_ring {
            return Ok(false);
        }
        let waits = |state: &State| matches!(state, State::Blocked(..) | State::Asleep { .. });
        let heeds = |tid: &i32| Signals::of(*tid).is_some_and(|of| of.end_a_call());
        let waiting = self.tasks.iter().filter(|(_, task)| waits(&task.state)).map(|(&tid, _)| tid);
        let mut heeding: Vec<_> = waiting.filter(heeds).collect();
        heeding.sort_by_key(|tid| self.tasks[tid].lane);
        for &tid in &heeding {
            self.cut_short(tid)?;
        }
        Ok(!heeding.is_empty())
    }

    /// A signal is on its way to this one, and ends the call before which it stands. The kernel says how: it makes the call that
    /// would have to wait, which comes back at once, with an error or to be begun again as the handler has it.
    pub(super) fn cut_short(&mut self, tid: i32) -> io::Result<()> {
        let Some(task) = self.tasks.get_mut(&tid) else { return Ok(()) };
        match std::mem::replace(&mut task.state, State::Running) {
            State::Blocked(stopped, pending) => {
                task.state = State::Acting(pending);
                gone(stopped.finish_call())
            }
            State::Asleep { stopped, until, .. } => {
                let worker = task.worker;
                self.awakes(worker);
                let rest = until.saturating_sub(self.clock.now());
                gone(self.tell_rest(&stopped, clock::to_spec(rest)))?;
                gone(answer(stopped, -i64::from(libc::EINTR)))
            }
            other => {
                task.state = other;
                Ok(())
            }
        }
    }

    /// How long a sleep would have gone on, where it was said for how long and not until when.
    fn tell_rest(&self, stopped: &Stopped, rest: [u8; 16]) -> io::Result<()> {
        let registers = stopped.registers()?;
        let words = registers.words();
        let Some((_, Kind::Sleep { flags, time, .. })) = self.table.of(registers.call()) else {
            return Ok(());
        };
        let absolute = flags.is_some_and(|nth| words[nth] as i32 & libc::TIMER_ABSTIME != 0);
        let at = words[time + 1];
        if absolute || at == 0 {
            return Ok(());
        }
        // The kernel would say EFAULT; nobody has such a place.
        stopped.write(at, &rest).or(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(signals: &[i32]) -> Set {
        Set(signals.iter().map(|signal| 1 << (signal - 1)).sum())
    }

    #[test]
    fn only_what_is_heard_ends_a_call() {
        let comes = |signal: i32| Signals { pending: set(&[signal]), ..Signals::default() };
        assert!(!Signals::default().end_a_call());
        assert!(comes(libc::SIGTERM).end_a_call(), "it ends the process");
        assert!(comes(64).end_a_call());
        assert!(!comes(libc::SIGCHLD).end_a_call(), "nobody has asked for it");
        assert!(!comes(libc::SIGTSTP).end_a_call());
        let caught = set(&[libc::SIGCHLD]);
        assert!(Signals { caught, ..comes(libc::SIGCHLD) }.end_a_call());
        let blocked = set(&[libc::SIGTERM]);
        assert!(!Signals { blocked, ..comes(libc::SIGTERM) }.end_a_call());
        let ignored = set(&[libc::SIGTERM]);
        assert!(!Signals { ignored, ..comes(libc::SIGTERM) }.end_a_call());
        assert!(
            Signals { ignored, pending: set(&[libc::SIGTERM, libc::SIGHUP]), ..Signals::default() }
                .end_a_call()
        );
    }

    #[test]
    fn only_a_signal_that_comes_through_interrupts() {
        let tid = rustix::thread::gettid().as_raw_nonzero().get();
        let free = |signals: &[i32]| interrupting(tid, signals.iter().copied());
        assert_eq!(free(&[]), None);
        assert_eq!(free(&[libc::SIGUSR1]), Some(libc::SIGUSR1));
        assert_eq!(free(&[libc::SIGSEGV, libc::SIGBUS]), None, "they come of what the thread itself does");
        assert_eq!(free(&[libc::SIGINT, libc::SIGTERM, libc::SIGALRM]), Some(libc::SIGALRM));
        assert_eq!(free(&[libc::SIGINT, libc::SIGTERM]), Some(libc::SIGINT));
        let mut kept = nix::sys::signal::SigSet::empty();
        kept.add(nix::sys::signal::Signal::SIGUSR1);
        kept.thread_block().unwrap();
        assert_eq!(free(&[libc::SIGUSR1]), None);
        assert_eq!(free(&[libc::SIGUSR1, libc::SIGUSR2]), Some(libc::SIGUSR2));
        kept.thread_unblock().unwrap();
    }
}
