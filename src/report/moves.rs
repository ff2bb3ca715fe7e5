//! A history as a reader follows it: in [`Move`]s, without those that tell nothing.

use crate::case::{Case, Scope};
use crate::check::{Failure, Law};
use crate::history::{Event, History, Seen, What};
use crate::schedule::{Command, Wid};

/// What can be said of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    Nothing,
    Ok,
    Wrong,
}

/// A run of neighbouring events of one worker under one command.
#[derive(Clone, Debug)]
pub(super) struct Move {
    /// The tick in which it happened. A command that had to wait was due in an earlier one.
    pub tick: usize,
    pub worker: Wid,
    pub command: Command,
    pub events: Vec<(What, Word)>,
    /// It was waiting for the lock when this began.
    pub waited: bool,
    /// It gave the lock back, and somebody wants the lock later.
    pub frees: bool,
    /// It shows what the failure is about.
    pub fails: bool,
    /// Who wrote last into the file, once this is done.
    pub file: Option<Wid>,
}

impl Move {
    pub fn did(&self, what: What) -> bool {
        self.events.iter().any(|(done, _)| *done == what)
    }

    /// What it saw, if it read.
    pub fn saw(&self) -> Option<Seen> {
        self.events.iter().find_map(|(what, _)| if let What::Read(seen) = what { Some(*seen) } else { None })
    }

    pub fn is_wrong(&self) -> bool {
        self.events.iter().any(|&(_, word)| word == Word::Wrong)
    }

    /// Left out: trying again in vain, and giving back what nobody wants any more.
    pub fn tells_something(&self) -> bool {
        self.fails
            || self.events.iter().any(|(what, _)| match what {
                What::Began | What::Exited => false,
                What::Blocked => !self.waited,
                What::Unlocked => self.frees,
                _ => true,
            })
    }
}

/// The moves that tell something, in order.
pub(super) fn telling(case: &Case, history: &History, failure: Option<&Failure>) -> Vec<Move> {
    all(case, history, failure).into_iter().filter(Move::tells_something).collect()
}

/// All moves, in order.
pub(super) fn all(case: &Case, history: &History, failure: Option<&Failure>) -> Vec<Move> {
    let shown = failure.and_then(|failure| shown(failure, history));
    let events = in_order(history);
    let wanted = |e: &(usize, Event)| matches!(e.1.what, What::Locked | What::Blocked | What::GaveUp);
    let last_wanted = events.iter().rposition(wanted).unwrap_or(0);
    let mut waiting = vec![false; case.workers as usize + 1];
    let (mut tick, mut file) = (0, None);
    let mut moves: Vec<Move> = Vec::new();
    for (place, (nth, event)) in events.iter().enumerate() {
        let nth = *nth;
        let Event { worker, command, ref what, .. } = *event;
        tick = tick.max(event.tick);
        let same = |m: &&mut Move| (m.worker, m.command) == (worker, command) && !m.did(What::Blocked);
        let waited = waiting[worker as usize];
        match what {
            What::Blocked => waiting[worker as usize] = true,
            What::Locked | What::GaveUp => waiting[worker as usize] = false,
            What::Wrote => file = Some(worker),
            _ => {}
        }
        let word = if shown == Some(nth) { Word::Wrong } else { word(case.scope, event, file) };
        let frees = *what == What::Unlocked && place < last_wanted;
        let fails = shown == Some(nth);
        match moves.last_mut().filter(same) {
            Some(m) => {
                m.events.push((what.clone(), word));
                (m.frees, m.fails, m.file) = (m.frees || frees, m.fails || fails, file);
            }
            None => {
                let events = vec![(what.clone(), word)];
                moves.push(Move { tick, worker, command, events, waited, frees, fails, file });
            }
        }
    }
    moves
}

/// The event that shows the failure, if there is one: what a worker did not do has none. Getting a
/// lock that excludes too little is the fault, not the write or read that follows.
pub(super) fn shown(failure: &Failure, history: &History) -> Option<usize> {
    let by = |event: &Event| (event.worker, event.command) == (failure.worker, failure.command);
    history.events.get(failure.event).filter(|event| by(event))?;
    match failure.law {
        Law::NobodyWrote => None,
        Law::ExcludesLess { .. } => {
            let before = &history.events[..=failure.event];
            let locked = before.iter().rposition(|e| by(e) && e.what == What::Locked);
            Some(locked.unwrap_or(failure.event))
        }
        _ => Some(failure.event),
    }
}

pub(super) fn word(scope: Scope, event: &Event, file: Option<Wid>) -> Word {
    let What::Read(saw) = event.what else { return Word::Nothing };
    match scope {
        Scope::Session | Scope::Transaction if saw == Seen::Worker(event.worker) => Word::Ok,
        Scope::Session | Scope::Transaction => Word::Wrong,
        // On a real clock another write may be as good; only the checker can tell.
        Scope::Operation if file.map(Seen::Worker) == Some(saw) => Word::Ok,
        Scope::Operation => Word::Nothing,
    }
}

/// The events with their places in the history.
fn in_order(history: &History) -> Vec<(usize, Event)> {
    let events = history.events.iter().cloned().enumerate();
    events.filter(|(_, event)| event.what != What::Began).collect()
}

/// Which move wrote what this one read.
pub(super) fn write_seen(moves: &[Move], read: usize) -> Option<usize> {
    let Some(Seen::Worker(writer)) = moves[read].saw() else { return None };
    let wrote = |m: &Move| m.worker == writer && m.did(What::Wrote);
    // On a real clock the writer may say so after the reader.
    moves[..read].iter().rposition(wrote).or_else(|| moves.iter().position(wrote))
}

/// Histories in short, for the tests of this module and its neighbours.
#[cfg(test)]
pub(super) mod short {
    use super::*;
    use crate::case::{Faults, Placement};
    use crate::schedule::{Order, Time, original};

    /// A case of the original schedule, one second a tick.
    pub fn case(lock: &str, workers: u32, scope: Scope) -> Case {
        let schedule = original(workers, Time::from_micros(1_000_000));
        let (placement, order) = (Placement::Threads, Order::AsGenerated);
        Case {
            lock: lock.into(),
            placement,
            scope,
            order,
            workers,
            schedule,
            choices: None,
            faults: Faults::NONE,
        }
    }

    /// Moves such as `0 1w LW`: the tick, the worker, w, r or x for its command, and its events:
    /// `.` began, `L`ocked, `B`locked, `G`ave up, `W`rote, `?` (torn) or a digit (10 is `a`) for what
    /// it saw,
    /// `U`nlocked, e`X`ited.
    pub fn history(text: &str) -> History {
        let mut history = History::default();
        for part in text.split(',') {
            let [tick, who, what] = part.split_whitespace().collect::<Vec<_>>()[..] else { panic!("{part}") };
            let (worker, command) = who.split_at(who.len() - 1);
            let command = match command {
                "w" => Command::Write,
                "r" => Command::Read,
                _ => Command::Exit,
            };
            let (tick, worker) = (tick.parse().unwrap(), worker.parse().unwrap());
            let at = Time::from_micros(1_000_000) * tick as u64;
            history.events.extend(what.chars().map(|letter| {
                let what = match letter {
                    '.' => What::Began,
                    'L' => What::Locked,
                    'B' => What::Blocked,
                    'G' => What::GaveUp,
                    'W' => What::Wrote,
                    'U' => What::Unlocked,
                    'X' => What::Exited,
                    '?' => What::Read(Seen::Torn { bytes: 17 }),
                    digit => What::Read(Seen::Worker(digit.to_digit(36).unwrap())),
                };
                Event { tick, at, worker, command, what }
            }));
        }
        history
    }

    /// Steps such as `1 open "lock": ok`, one a line: `L`ocked, `B`locked, `W`rote, a digit for what it
    /// saw, `U`nlocked, e`X`ited, `F`ailed, `K`illed, `S`talled, `Z` for asleep, or a note.
    pub fn steps(text: &str) -> History {
        let event = |line: &str| {
            let (worker, what) = line.trim().split_once(' ').unwrap();
            let (mut command, what) = (Command::Write, what.trim());
            let what = match what {
                "L" => What::Locked,
                "B" => What::Blocked,
                "W" => What::Wrote,
                "U" => What::Unlocked,
                "X" => What::Exited,
                "F" => What::Failed(5),
                "K" => What::Crashed,
                "S" => What::Stalled,
                "Z" => What::Slept(Time::from_micros(10_000_000)),
                _ => match what.parse() {
                    Ok(saw) => {
                        command = Command::Read;
                        What::Read(Seen::Worker(saw))
                    }
                    Err(_) => What::Note(what.to_owned()),
                },
            };
            Event { tick: 0, at: Time::ZERO, worker: worker.parse().unwrap(), command, what }
        };
        let events = text.lines().filter(|line| !line.trim().is_empty()).map(event).collect();
        History { events, ..History::default() }
    }

    /// A case with choices.
    pub fn choosing(lock: &str, workers: u32) -> Case {
        Case { choices: Some(Vec::new()), ..case(lock, workers, Scope::Session) }
    }

    /// Two workers that look before either creates, and the failure.
    pub fn interleaved() -> (Case, History, Failure) {
        let history = steps(
            r#"1 exists "lock": no
            2 exists "lock": no
            2 write "lock" "2": ok
            2 L
            2 W
            1 write "lock" "1": ok
            1 L
            1 W
            2 1"#,
        );
        let law = Law::ReadBack { saw: Seen::Worker(1), wrote: 0 };
        let failure = failure(law, &history, 8);
        (choosing("exists-create", 2), history, failure)
    }

    /// A failure at this event.
    pub fn failure(law: Law, history: &History, event: usize) -> Failure {
        let Event { tick, worker, command, .. } = history.events[event];
        Failure { law, worker, tick, command, event }
    }

    /// Two workers and no exclusion, and the failure.
    pub fn crossed() -> (Case, History, Failure) {
        let history = history("0 1w LW, 1 2w LW, 2 1r 2, 3 2r 2, 4 1x UX, 4 2x UX");
        let law = Law::ReadBack { saw: Seen::Worker(2), wrote: 0 };
        let failure = failure(law, &history, 4);
        (case("flag", 2, Scope::Session), history, failure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workers(text: &str) -> Vec<Wid> {
        let history = short::history(text);
        telling(&short::case("any", 3, Scope::Session), &history, None).iter().map(|m| m.worker).collect()
    }

    #[test]
    fn vain_retries_and_idle_exits_are_left_out() {
        assert_eq!(workers("0 1w LW, 1 2w B, 1 3w B, 2 1r 1, 3 1x UX, 1 2w B, 1 3w LW"), [1, 2, 3, 1, 1, 3]);
        assert_eq!(workers("0 1w LW, 2 1r 1, 3 1x UX"), [1, 1]);
    }

    #[test]
    fn who_is_kept_out_in_the_middle_of_an_exit_still_comes_before_its_end() {
        assert_eq!(workers("0 1w .LW, 2 1r .1, 3 1x ., 3 2w .B, 3 1x UX, 3 2w LW"), [1, 1, 2, 1, 2]);
    }
}
