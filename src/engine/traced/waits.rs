//! What a program is told of the time, and of chance; and how it waits.

use std::io;
use std::time::Duration;

use crate::schedule::Wid;
use crate::sys::tracee::{Registers, Stopped};

use super::clock;
use super::family::{Family, State, Wait, answer, answer_with};
use super::table::{ClockForm, Patience};

impl Family<'_> {
    pub(super) fn tell_time(
        &mut self,
        stopped: Stopped,
        worker: Wid,
        form: ClockForm,
        registers: Registers,
    ) -> io::Result<()> {
        let words = registers.words();
        let looks = self.looks.entry(worker).or_default();
        *looks += 1;
        // A little later each time, so that whoever waits by looking alone comes to an end.
        let drift = Duration::from_micros(u64::from(*looks));
        let wall = self.clock.wall() + drift;
        let (time, at) = match form {
            ClockForm::Spec => match words[0] as i32 {
                libc::CLOCK_REALTIME | libc::CLOCK_REALTIME_COARSE | libc::CLOCK_TAI => (wall, words[1]),
                libc::CLOCK_MONOTONIC
                | libc::CLOCK_MONOTONIC_RAW
                | libc::CLOCK_MONOTONIC_COARSE
                | libc::CLOCK_BOOTTIME => (self.clock.monotonic() + drift, words[1]),
                _ => {
                    self.lose(worker);
                    return stopped.go(None);
                }
            },
            ClockForm::Val | ClockForm::Seconds => (wall, words[0]),
        };
        let mut bytes = clock::to_spec(time);
        if form == ClockForm::Val {
            bytes[8..].copy_from_slice(&u64::from(time.subsec_micros()).to_ne_bytes());
        }
        if let Some(course) = self.courses.get_mut(&worker) {
            course.hears(&bytes);
        }
        let (length, result) = match form {
            ClockForm::Seconds => (8, time.as_secs() as i64),
            _ => (16, 0),
        };
        if at != 0 && stopped.write(at, &bytes[..length]).is_err() {
            return answer_with(stopped, registers, -i64::from(libc::EFAULT));
        }
        answer_with(stopped, registers, result)
    }

    pub(super) fn on_sleep(
        &mut self,
        stopped: Stopped,
        [clock, flags]: [Option<usize>; 2],
        time: usize,
        words: [u64; 6],
    ) -> io::Result<()> {
        let mut bytes = [0; 16];
        if stopped.read(words[time], &mut bytes).is_err() {
            return stopped.go(None);
        }
        let Some(time) = clock::spec(bytes) else { return stopped.go(None) };
        let absolute = flags.is_some_and(|nth| words[nth] as i32 & libc::TIMER_ABSTIME != 0);
        let monotonic = clock.is_none_or(|nth| words[nth] as i32 != libc::CLOCK_REALTIME);
        let duration = if absolute { self.clock.until(monotonic, time) } else { time };
        if duration.is_zero() {
            return answer(stopped, 0);
        }
        self.sleep(stopped, duration);
        Ok(())
    }

    pub(super) fn on_wait(
        &mut self,
        stopped: Stopped,
        patience: Patience,
        mut registers: Registers,
    ) -> io::Result<()> {
        let (words, original) = (registers.words(), registers);
        let behind = |at: u64, micros: bool| -> Option<Duration> {
            let mut bytes = [0; 16];
            stopped.read(at, &mut bytes).ok()?;
            if micros {
                let part = u64::from_ne_bytes(bytes[8..].try_into().expect("eight bytes"));
                bytes[8..].copy_from_slice(&part.checked_mul(1000)?.to_ne_bytes());
            }
            clock::spec(bytes)
        };
        let limit = match patience {
            Patience::Forever => None,
            Patience::Child(nth) => {
                return match words[nth] as i32 & libc::WNOHANG {
                    0 => self.wait(stopped, original, None, false),
                    _ => stopped.go(None),
                };
            }
            Patience::Millis(nth) => {
                let millis = words[nth] as i32;
                registers.set_word(nth, u64::MAX);
                u64::try_from(millis).ok().map(Duration::from_millis)
            }
            Patience::Spec(nth) | Patience::Val(nth) => {
                let micros = matches!(patience, Patience::Val(_));
                registers.set_word(nth, 0);
                (words[nth] != 0).then(|| behind(words[nth], micros)).flatten()
            }
        };
        match limit {
            // It only looks.
            Some(Duration::ZERO) => stopped.go(None),
            Some(limit) => {
                stopped.set_registers(&registers)?;
                let until = self.clock.now() + limit;
                self.wait(stopped, original, Some((until, 0)), true)
            }
            None => self.wait(stopped, original, None, true),
        }
    }

    pub(super) fn on_futex(&mut self, stopped: Stopped, original: Registers) -> io::Result<()> {
        const CLOCK_REALTIME: u64 = 256;
        let words = original.words();
        let absolute = match words[1] & 0x7f {
            0 => false,
            6 | 9 | 11 | 13 => true,
            _ => return stopped.go(None),
        };
        let mut bytes = [0; 16];
        let limit = match words[3] {
            0 => None,
            at => stopped.read(at, &mut bytes).ok().and_then(|()| clock::spec(bytes)),
        };
        let Some(time) = limit else { return self.wait(stopped, original, None, false) };
        let limit = match absolute {
            true => self.clock.until(words[1] & CLOCK_REALTIME == 0, time),
            false => time,
        };
        let mut registers = original;
        registers.set_word(3, 0);
        stopped.set_registers(&registers)?;
        let until = self.clock.now() + limit;
        self.wait(stopped, original, Some((until, -i64::from(libc::ETIMEDOUT))), false)
    }

    /// Lets it into a call that others end.
    pub(super) fn wait(
        &mut self,
        stopped: Stopped,
        registers: Registers,
        until: Option<(Duration, i64)>,
        outside: bool,
    ) -> io::Result<()> {
        let tid = stopped.tid();
        if let Some(task) = self.tasks.get_mut(&tid) {
            task.state = State::Waiting(Wait { registers, until, deep: false, outside });
            let worker = task.worker;
            self.lose(worker);
        }
        stopped.finish_call()
    }

    /// The same bytes for the same worker in each run (splitmix64, Steele, Lea and Flood, 2014).
    pub(super) fn on_chance(
        &mut self,
        stopped: Stopped,
        worker: Wid,
        at: u64,
        length: u64,
    ) -> io::Result<()> {
        let state = self.chances.entry(worker).or_insert(u64::from(worker) << 32);
        let mut bytes = vec![0; length.min(1 << 20) as usize];
        for chunk in bytes.chunks_mut(8) {
            *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut word = *state;
            word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            word ^= word >> 31;
            chunk.copy_from_slice(&word.to_le_bytes()[..chunk.len()]);
        }
        match stopped.write(at, &bytes) {
            Ok(()) => answer(stopped, bytes.len() as i64),
            Err(_) => stopped.go(None),
        }
    }
}
