//! When each worker is started, and where it is held: the order of a history as times.

use std::collections::BTreeMap;
use std::time::Duration;

use super::log::is_call;
use crate::check::Failure;
use crate::history::{Event, What};
use crate::schedule::Wid;

/// Of one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Timetable {
    /// Who is started, and how long after the first.
    pub(super) starts: Vec<(Wid, Duration)>,
    /// Who is held, in the order of the history.
    pub(super) holds: Vec<Hold>,
    /// When all of it is over, but for what the workers do after the failure.
    pub(super) end: Duration,
}

/// One worker is held, or killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hold {
    pub(super) worker: Wid,
    /// The place in the history of what comes behind it.
    pub(super) event: usize,
    pub(super) kind: Kind,
}

/// What is done to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It makes its call so much later.
    Delay(Duration),
    /// The same, before it is killed.
    DelayBeforeKill(Duration),
    /// It is killed before its next call.
    Kill,
}

/// How far a worker has come.
struct Way {
    /// When it would go on by itself.
    free: Duration,
    /// It waits for another, and goes on when that one lets it.
    blocked: bool,
    over: bool,
}

impl Timetable {
    /// Each stretch of one worker begins `step` after the one before. A worker is held from the end of its stretch to the
    /// next one; a worker that sleeps is free when it wakes up. Whoever has not come to its end when the law breaks is held
    /// until that is over.
    pub(super) fn of(history: &[Event], failure: &Failure, workers: Wid, step: Duration) -> Timetable {
        let mut ways: BTreeMap<Wid, Way> = BTreeMap::new();
        let mut table = Timetable { starts: Vec::new(), holds: Vec::new(), end: Duration::ZERO };
        let mut now = Duration::ZERO;
        let mut last = None;
        for (nth, event) in history.iter().enumerate().take(failure.event + 1) {
            let worker = event.worker;
            if last != Some(worker) {
                let next = if last.is_some() { now + step } else { now };
                let free = ways.get(&worker).map_or(next, |way| way.free);
                now = next.max(free);
                table.arrive(history, nth, &mut ways, now, failure.event);
            }
            last = Some(worker);
            let way = ways.get_mut(&worker).expect("it has arrived");
            match event.what {
                What::Slept(until) => {
                    way.free += Duration::from_micros(until.as_micros().saturating_sub(event.at.as_micros()));
                }
                What::Crashed => table.holds.push(Hold { worker, event: nth, kind: Kind::Kill }),
                _ if way.free > now => now = way.free,
                _ => {}
            }
            way.blocked = event.what == What::Blocked;
            way.over |= ends(&event.what);
        }
        table.end = now + step;
        for worker in 1..=workers {
            let after = history.iter().enumerate().skip(failure.event + 1).find(|(_, e)| e.worker == worker);
            match (ways.get(&worker), after) {
                (None, _) => table.starts.push((worker, table.end)),
                (Some(way), Some((nth, _))) if !way.over && worker != failure.worker => {
                    table.arrive(history, nth, &mut ways, table.end, history.len() - 1);
                }
                _ => {}
            }
        }
        table.starts.sort_by_key(|&(_, time)| time);
        table
    }

    /// The worker of an event goes on at this time: it is started then, or held until then before its next call.
    fn arrive(
        &mut self,
        history: &[Event],
        nth: usize,
        ways: &mut BTreeMap<Wid, Way>,
        time: Duration,
        until: usize,
    ) {
        let worker = history[nth].worker;
        let Some(way) = ways.get_mut(&worker) else {
            self.starts.push((worker, time));
            ways.insert(worker, Way { free: time, blocked: false, over: false });
            return;
        };
        let delay = time.saturating_sub(way.free);
        way.free = time;
        if way.blocked || way.over || delay.is_zero() {
            return;
        }
        if history[nth].what == What::Crashed {
            self.holds.push(Hold { worker, event: nth, kind: Kind::DelayBeforeKill(delay) });
            return;
        }
        // What is no call, such as the end of a process, comes by itself after one that is.
        let stretch = (nth..=until).take_while(|&other| history[other].worker == worker);
        if let Some(event) = stretch.into_iter().find(|&other| is_call(&history[other].what)) {
            self.holds.push(Hold { worker, event, kind: Kind::Delay(delay) });
        }
    }
}

fn ends(what: &What) -> bool {
    matches!(what, What::Exited | What::Quit(_) | What::Died(_) | What::Crashed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Law;
    use crate::schedule::{Command, Time};

    const STEP: Duration = Duration::from_secs(1);

    fn history(what: &[(Wid, What)]) -> Vec<Event> {
        let event = |(worker, what): &(Wid, What)| Event {
            tick: 0,
            at: Time::ZERO,
            worker: *worker,
            command: Command::Write,
            what: what.clone(),
        };
        what.iter().map(event).collect()
    }

    fn note(text: &str) -> What {
        What::Note(format!("{text}(\"lock\") = 0"))
    }

    fn table(history: &[Event], at: usize, workers: Wid) -> Timetable {
        let Event { worker, tick, command, .. } = history[at];
        let failure = Failure { law: Law::TwoInside { holder: 1 }, worker, tick, command, event: at };
        Timetable::of(history, &failure, workers, STEP)
    }

    #[test]
    fn each_return_to_a_worker_is_one_hold() {
        let history = history(&[
            (1, note("stat")),
            (2, note("stat")),
            (2, note("open")),
            (2, What::Entered),
            (1, note("open")),
            (1, What::Entered),
            (2, What::Left),
            (2, What::Exited),
        ]);
        let table = table(&history, 5, 3);
        assert_eq!(
            table.starts,
            [(1, Duration::ZERO), (2, STEP), (3, STEP * 3)],
            "worker 3 is kept out of the way"
        );
        let expected = [
            Hold { worker: 1, event: 4, kind: Kind::Delay(STEP * 2) },
            // Until the law is broken it must not leave.
            Hold { worker: 2, event: 6, kind: Kind::Delay(STEP * 2) },
        ];
        assert_eq!(table.holds, expected);
    }

    #[test]
    fn who_waits_or_sleeps_or_has_ended_is_not_held() {
        let slept = What::Slept(Time::from_micros(3_000_000));
        let history = history(&[
            (1, note("open")),
            (2, What::Blocked),
            (3, note("stat")),
            (3, slept),
            (1, note("flock")),
            (1, What::Exited),
            (2, note("flock")),
            (3, note("stat")),
            (3, What::Entered),
        ]);
        let table = table(&history, 8, 3);
        let worker_1 = Hold { worker: 1, event: 4, kind: Kind::Delay(STEP * 3) };
        let worker_3 = table.holds.iter().find(|hold| hold.worker == 3);
        assert_eq!(table.holds[0], worker_1);
        assert_eq!(worker_3, None, "it slept from 2 s to 5 s, which is when it is to go on");
        assert_eq!(table.end, STEP * 6);
    }

    #[test]
    fn who_is_killed_is_held_before_and_killed_at_its_next_call() {
        let history = history(&[
            (1, note("mkdir")),
            (2, note("mkdir")),
            (1, What::Crashed),
            (2, note("rmdir")),
            (2, What::Entered),
        ]);
        let table = table(&history, 4, 2);
        let expected = [
            Hold { worker: 1, event: 2, kind: Kind::DelayBeforeKill(STEP * 2) },
            Hold { worker: 1, event: 2, kind: Kind::Kill },
            Hold { worker: 2, event: 3, kind: Kind::Delay(STEP * 2) },
        ];
        assert_eq!(table.holds, expected);
    }
}
