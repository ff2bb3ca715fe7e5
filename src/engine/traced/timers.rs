//! Timers that tell a process by a signal that a time has come: they go by the clock of the run.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use crate::history::What;
use crate::sys::tracee::{self, Registers, Stopped};

use super::clock;
use super::family::{Family, answer_with, gone};
use super::signals::{self, Signals};
use super::table::TimerForm;

/// The number of the one that setitimer and alarm set; of those of timer_create the kernel's are lower than the first.
const INTERVAL: i32 = -1;
const FIRST: i32 = 1 << 14;

/// Those of one process.
#[derive(Default)]
pub(super) struct Timers {
    all: BTreeMap<i32, Timer>,
    made: i32,
    /// It has such that run on the machine's clock: they count processor time, or the whole run goes by it.
    pub(super) are_real: bool,
}

#[derive(Clone, Copy)]
struct Timer {
    /// None comes where it is only looked at.
    signal: Option<i32>,
    /// One of the threads, or none in particular.
    whom: Option<i32>,
    monotonic: bool,
    /// What the signal brings along.
    value: u64,
    until: Option<Duration>,
    every: Duration,
}

impl Timers {
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty() && !self.are_real
    }

    /// It has become another program, which keeps the one of setitimer.
    pub(super) fn exec(&mut self) {
        self.all.retain(|&timer, _| timer == INTERVAL);
    }

    fn next(&self) -> Option<Duration> {
        self.all.values().filter_map(|timer| timer.until).min()
    }
}

impl Timer {
    fn new(signal: Option<i32>, monotonic: bool) -> Self {
        Timer { signal, whom: None, monotonic, value: 0, until: None, every: Duration::ZERO }
    }

    /// The time until it rings, and how often after that, as it is told; nothing where it is not set.
    fn told(&self, now: Duration) -> [Duration; 2] {
        let rest = self.until.map(|until| until.saturating_sub(now).max(Duration::from_nanos(1)));
        [self.every, rest.unwrap_or_default()]
    }
}

/// Two times, of seconds and nanoseconds, or of seconds and microseconds.
fn read_times(stopped: &Stopped, at: u64, micros: bool) -> Option<[Duration; 2]> {
    let mut bytes = [0; 32];
    stopped.read(at, &mut bytes).ok()?;
    let time = |half: &[u8]| {
        let mut half: [u8; 16] = half.try_into().expect("sixteen bytes");
        if micros {
            let part = i64::from_ne_bytes(half[8..].try_into().expect("eight bytes"));
            half[8..].copy_from_slice(&part.checked_mul(1000)?.to_ne_bytes());
        }
        clock::spec(half)
    };
    Some([time(&bytes[..16])?, time(&bytes[16..])?])
}

fn write_times(stopped: &Stopped, at: u64, micros: bool, times: [Duration; 2]) -> io::Result<()> {
    let mut bytes = times.map(clock::to_spec);
    if micros {
        for (half, time) in bytes.iter_mut().zip(times) {
            // What is not over yet is not nothing.
            let part = u64::from(time.subsec_nanos().div_ceil(1000).min(999_999));
            half[8..].copy_from_slice(&part.to_ne_bytes());
        }
    }
    if at == 0 { Ok(()) } else { stopped.write(at, &bytes.concat()) }
}

impl Family<'_> {
    /// A process has to do with its timers.
    pub(super) fn on_timer(
        &mut self,
        stopped: Stopped,
        process: i32,
        form: TimerForm,
        registers: Registers,
    ) -> io::Result<()> {
        let (words, now) = (registers.words(), self.clock.now());
        let Some(of) = self.processes.get_mut(&process) else { return stopped.go(None) };
        let timers = &mut of.timers;
        if self.real_clock {
            timers.are_real = true;
            return stopped.go(None);
        }
        let which = match form {
            TimerForm::Alarm => INTERVAL,
            TimerForm::Interval | TimerForm::LookAtInterval if words[0] as i32 == libc::ITIMER_REAL => {
                INTERVAL
            }
            TimerForm::Interval => {
                timers.are_real = true;
                return stopped.go(None);
            }
            TimerForm::Make => {
                let number = FIRST + timers.made;
                let Some(timer) = made(&stopped, words, number) else {
                    timers.are_real = true;
                    return stopped.go(None);
                };
                if stopped.write(words[2], &number.to_ne_bytes()).is_err() {
                    return answer_with(stopped, registers, -i64::from(libc::EFAULT));
                }
                timers.made += 1;
                timers.all.insert(number, timer);
                return answer_with(stopped, registers, 0);
            }
            _ => words[0] as i32,
        };
        let timer = match which {
            INTERVAL => timers.all.entry(INTERVAL).or_insert(Timer::new(Some(libc::SIGALRM), true)),
            which => match timers.all.get_mut(&which) {
                Some(timer) => timer,
                // The kernel's own, or none.
                None => return stopped.go(None),
            },
        };
        let before = timer.told(now);
        let set = |timer: &mut Timer, [every, first]: [Duration; 2]| {
            timer.until = (!first.is_zero()).then(|| now + first);
            timer.every = every;
        };
        let result = match form {
            TimerForm::Alarm => {
                set(timer, [Duration::ZERO, Duration::from_secs(words[0] & 0xffff_ffff)]);
                // To the nearest second, and not nothing.
                let rest = before[1];
                let seconds = (rest + Duration::from_millis(500)).as_secs();
                if rest.is_zero() { 0 } else { seconds.max(1) as i64 }
            }
            TimerForm::Interval | TimerForm::Set => {
                let micros = form == TimerForm::Interval;
                let [new, old] = if micros { [words[1], words[2]] } else { [words[2], words[3]] };
                // Without a time setitimer stops it.
                let stops = micros && new == 0;
                let times = if stops { Some([Duration::ZERO; 2]) } else { read_times(&stopped, new, micros) };
                // The kernel says what is wrong with it.
                let Some([every, mut first]) = times else { return stopped.go(None) };
                let absolute = !micros && words[1] as i32 & libc::TIMER_ABSTIME != 0;
                if absolute && !first.is_zero() {
                    // What is over rings at once.
                    first = self.clock.until(timer.monotonic, first).max(Duration::from_nanos(1));
                }
                set(timer, [every, first]);
                write_times(&stopped, old, micros, before).map_or(-i64::from(libc::EFAULT), |()| 0)
            }
            TimerForm::LookAtInterval | TimerForm::Look => {
                let micros = form == TimerForm::LookAtInterval;
                write_times(&stopped, words[1], micros, before).map_or(-i64::from(libc::EFAULT), |()| 0)
            }
            TimerForm::Overrun => 0,
            TimerForm::Remove => {
                timers.all.remove(&which);
                0
            }
            TimerForm::Make => unreachable!("it is made by now"),
        };
        answer_with(stopped, registers, result)
    }

    /// The next time at which one of them rings.
    pub(super) fn next_ring(&self) -> Option<Duration> {
        self.processes.values().filter_map(|of| of.timers.next()).min()
    }

    /// Those whose time has come ring.
    pub(super) fn ring(&mut self) -> io::Result<bool> {
        let now = self.clock.now();
        let mut rung = Vec::new();
        for (&process, of) in &mut self.processes {
            for (&number, timer) in &mut of.timers.all {
                if timer.until.is_some_and(|until| until <= now) {
                    timer.until = (!timer.every.is_zero()).then(|| now + timer.every);
                    rung.push((of.worker, process, number, *timer));
                }
            }
        }
        rung.sort_by_key(|&(worker, process, number, _)| (worker, process, number));
        for &(worker, process, number, timer) in &rung {
            let Some(signal) = timer.signal else { continue };
            let whom = timer.whom.or_else(|| self.hears(process, signal));
            gone(tracee::ring(process, whom, signal, number, timer.value))?;
            self.log(worker, What::Note(format!("its timer rings: {}", signals::name(signal))));
            self.signalled = true;
        }
        Ok(!rung.is_empty())
    }

    /// The thread of a process to which the kernel gives a signal: the first one if it does not block that. None, if all do.
    fn hears(&self, process: i32, signal: i32) -> Option<i32> {
        let threads = self.tasks.iter().filter(|(_, task)| task.process == process).map(|(&tid, _)| tid);
        let mut threads: Vec<_> = threads.collect();
        threads.sort_by_key(|&tid| (tid != process, tid));
        threads.into_iter().find(|&tid| Signals::of(tid).is_some_and(|of| !of.blocked.has(signal)))
    }
}

/// One that goes by a clock of the run; none where it is another.
fn made(stopped: &Stopped, words: [u64; 6], number: i32) -> Option<Timer> {
    let monotonic = match words[0] as i32 {
        libc::CLOCK_REALTIME | libc::CLOCK_REALTIME_ALARM | libc::CLOCK_TAI => false,
        libc::CLOCK_MONOTONIC | libc::CLOCK_BOOTTIME | libc::CLOCK_BOOTTIME_ALARM => true,
        _ => return None,
    };
    if words[1] == 0 {
        return Some(Timer { value: number as u64, ..Timer::new(Some(libc::SIGALRM), monotonic) });
    }
    // struct sigevent: the value, the signal, how it is told, to whom.
    let mut bytes = [0; 20];
    stopped.read(words[1], &mut bytes).ok()?;
    let word = |at: usize| i32::from_ne_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
    let value = u64::from_ne_bytes(bytes[..8].try_into().expect("eight bytes"));
    let signal = (1..=64).contains(&word(8)).then(|| word(8));
    let (signal, whom) = match word(12) {
        libc::SIGEV_NONE => (None, None),
        libc::SIGEV_SIGNAL => (Some(signal?), None),
        libc::SIGEV_THREAD_ID => (Some(signal?), Some(word(16))),
        _ => return None,
    };
    Some(Timer { whom, value, ..Timer::new(signal, monotonic) })
}
