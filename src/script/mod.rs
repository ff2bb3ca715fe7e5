//! Proof without lockfuzz: a shell script in which strace alone delays the calls that matter.
//!
//! A counterexample of a program says who goes on after whom. `timetable` makes times of that: when each worker is
//! started, and before which of its calls it is held, for how long. strace delays the n-th call of a name, so `log`
//! looks into what strace has written of a run which call that is. `shell` writes the script, `trial` runs it. Only
//! a script that has failed ten times out of ten is a [`proof`].

mod log;
mod shell;
mod timetable;
mod trial;

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::Duration;

use self::log::{Place, Trace};
use self::shell::Sheet;
use self::timetable::{Hold, Kind, Timetable};
use self::trial::{Ended, Trial};
use crate::check::{Failure, Law, Verdict};
use crate::error::Error;
use crate::history::{Event, What};
use crate::job::Job;
use crate::regression::Saved;
use crate::schedule::Wid;

/// So often a script must fail before anybody sees it.
pub const TIMES: u32 = 10;
/// So many of these run at once.
const AT_ONCE: usize = 4;
/// How long one stretch of one worker takes at most: the second where the first is too short for this machine.
const STEPS: [Duration; 2] = [Duration::from_millis(300), Duration::from_secs(1)];
/// A script that has to wait longer for files to grow old, or for workers that sleep, is run by nobody.
const LONGEST_WAIT: Duration = Duration::from_secs(15);

/// Why there is no script.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum Unreached {
    #[error("it is not a program's")]
    NoProgram,
    #[error("it does not say what broke, and where")]
    NoFailure,
    #[error("that somebody waits for ever is not to be seen from outside")]
    Endless,
    #[error("what a worker reads back is compared by lockfuzz alone")]
    ReadBack,
    #[error("in it the clock moves by an hour although a worker could go on")]
    Stalled,
    #[error("in it a call meets an error, or is cut short, though nothing is wrong")]
    Struck,
    #[error("its files have to be {} s old, and its workers sleep for {} s, which is too long to be waited for", .age.as_secs(), .slept.as_secs())]
    TooLong { age: Duration, slept: Duration },
    #[error("under strace alone worker {worker} does not come to {call} by the calls that were saved")]
    OtherCalls { worker: Wid, call: String },
    #[error(
        "worker {worker} would have to be held at several calls of {call}, and strace delays one call of a name"
    )]
    SameCall { worker: Wid, call: String },
    #[error("of {} runs {} did not fail", .of, .passed)]
    Passes { passed: u32, of: u32 },
    #[error("a run of the script has not ended after {} s", .0.as_secs())]
    Hangs(Duration),
}

/// What kept a script from being made.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum Refused {
    #[error("delays alone do not reach this one: {0}")]
    Unreached(#[from] Unreached),
    #[error("strace is missing, or may not trace ({0}); a script needs it: install strace")]
    NoStrace(String),
    #[error("the script cannot be run here: {0}")]
    CannotRun(String),
    #[error(transparent)]
    Harness(#[from] Error),
}

/// The script for a saved counterexample, `from` its file. It has failed [`TIMES`] times out of as many, in `folder`.
///
/// # Errors
/// [`Refused`] says why there is none.
pub fn proof(saved: &Saved, from: &Path, folder: &Path, interrupt: &AtomicBool) -> Result<String, Refused> {
    let job = saved.job.as_ref().filter(|job| job.own.is_none()).ok_or(Unreached::NoProgram)?;
    let failure = failure(saved)?;
    check(job, &saved.history, failure)?;
    let strace = trial::strace(folder)?;
    let trial = Trial { folder, interrupt };
    let mut why = None;
    for step in STEPS {
        let timetable = Timetable::of(&saved.history, failure, saved.case.workers, step);
        let sheet = Sheet { job, saved, failure, from, strace: &strace, timetable: &timetable };
        // Counted on the files of the history alone, what a program loads before does not matter. But strace knows a file
        // only by the name that the program gives, and the end of a process has none.
        for by_name in [true, false] {
            match attempt(&trial, &sheet, by_name) {
                Err(Refused::Unreached(other)) => why = Some(other),
                other => return other,
            }
        }
    }
    Err(why.unwrap_or(Unreached::NoFailure).into())
}

/// Finds out where strace has to act, and whether that is enough.
fn attempt(trial: &Trial<'_>, sheet: &Sheet<'_>, by_name: bool) -> Result<String, Refused> {
    let placed = placed(trial, sheet, by_name)?;
    same_calls(trial, sheet, &placed)?;
    let text = sheet.text(&placed, None);
    // They sleep for most of their time. Where they share a folder they would see each other's files.
    let at_once = if sheet.job.watch.is_empty() { AT_ONCE } else { 1 };
    let mut runs = 0;
    while runs < TIMES {
        let ended: Vec<_> = thread::scope(|scope| {
            let run = || trial.run(&text, sheet.patience());
            let begun: Vec<_> = (runs..TIMES).take(at_once).map(|_| scope.spawn(run)).collect();
            begun.into_iter().map(|run| run.join().expect("a run does not panic")).collect()
        });
        for ended in ended {
            runs += 1;
            match ended? {
                Ended::Failed => {}
                Ended::Passed => return Err(Unreached::Passes { passed: 1, of: runs }.into()),
                Ended::Late(time) => return Err(Unreached::Hangs(time).into()),
            }
        }
    }
    Ok(text)
}

/// Do all workers make the calls of the history, with the same results, up to the failure? Else it is another bug that
/// is seen, or none: a lock that has grown old while its holder was held.
fn same_calls(trial: &Trial<'_>, sheet: &Sheet<'_>, placed: &Placed) -> Result<(), Refused> {
    let kept = trial.fresh()?;
    if let Ended::Late(time) = trial.run(&sheet.text(placed, Some(kept.path())), sheet.patience())? {
        return Err(Unreached::Hangs(time).into());
    }
    let history = &sheet.saved.history[..=sheet.failure.event];
    for &(worker, _) in &sheet.timetable.starts {
        let calls = || {
            let mine = history.iter().filter(|event| event.worker == worker);
            mine.map(|event| &event.what).filter(|what| log::is_seen(what, placed.by_name))
        };
        let trace = Trace::read(kept.path(), &sheet.job.watch, worker);
        let came = (0..=calls().count()).rev().find(|&so_many| trace.follow(calls().take(so_many)).is_some());
        if let Some(call) = calls().nth(came.unwrap_or(0)) {
            return Err(Unreached::OtherCalls { worker, call: log::shown(call) }.into());
        }
    }
    Ok(())
}

/// What broke, if that is to be seen in its history.
fn failure(saved: &Saved) -> Result<&Failure, Unreached> {
    match &saved.verdict {
        Verdict::Fail(failure) if failure.event < saved.history.len() => Ok(failure),
        _ => Err(Unreached::NoFailure),
    }
}

/// Is it anything that delays could reach?
fn check(job: &Job, history: &[Event], failure: &Failure) -> Result<(), Unreached> {
    match failure.law {
        Law::TwoInside { .. } | Law::BadExit { .. } | Law::Died { .. } | Law::CheckFailed { .. } => {}
        Law::NotOwn { .. } => return Err(Unreached::ReadBack),
        Law::Stuck => return Err(Unreached::Endless),
        _ => return Err(Unreached::NoFailure),
    }
    let before = &history[..=failure.event];
    match before.iter().map(|event| &event.what).find(|what| what.is_fault() && **what != What::Crashed) {
        Some(What::Struck(_)) => return Err(Unreached::Struck),
        Some(_) => return Err(Unreached::Stalled),
        None => {}
    }
    let age = Duration::from_millis(job.age);
    let slept = Duration::from_micros(before.last().map_or(0, |event| event.at.as_micros()));
    if age + slept > LONGEST_WAIT {
        return Err(Unreached::TooLong { age, slept });
    }
    Ok(())
}

/// What strace is told for one hold.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Injection {
    worker: Wid,
    hold: usize,
    call: String,
    nth: u32,
    act: Act,
}

/// What it does to that call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    /// Lets it begin later.
    Before(Duration),
    /// Lets its caller go on later.
    After(Duration),
    /// Kills the caller before it is made.
    Kill,
}

/// Where strace has to act, and what it looks at.
struct Placed {
    injections: Vec<Injection>,
    /// Only at calls on files that are named, and only those are counted.
    by_name: bool,
}

/// Runs the script with the holds whose calls are known, looks which calls the others are at, and so on until all
/// are known.
fn placed(trial: &Trial<'_>, sheet: &Sheet<'_>, by_name: bool) -> Result<Placed, Refused> {
    let holds = &sheet.timetable.holds;
    let mut placed = Placed { injections: Vec::new(), by_name };
    loop {
        let open: Vec<usize> = (0..holds.len())
            .filter(|&hold| placed.injections.iter().all(|other| other.hold != hold))
            .collect();
        if open.is_empty() {
            return Ok(placed);
        }
        let kept = trial.fresh()?;
        let text = sheet.text(&placed, Some(kept.path()));
        if let Ended::Late(time) = trial.run(&text, sheet.patience())? {
            return Err(Unreached::Hangs(time).into());
        }
        let mut why = None;
        let known = placed.injections.len();
        for hold in open {
            let trace = Trace::read(kept.path(), &sheet.job.watch, holds[hold].worker);
            match placement(sheet, &trace, hold, &placed) {
                Ok(injection) => placed.injections.push(injection),
                Err(other) => why = why.or(Some(other)),
            }
        }
        if placed.injections.len() == known {
            return Err(why.unwrap_or(Unreached::NoFailure).into());
        }
    }
}

/// At which call strace has to act for a hold, by what it wrote of the run before.
fn placement(sheet: &Sheet<'_>, trace: &Trace, hold: usize, placed: &Placed) -> Result<Injection, Unreached> {
    let Hold { worker, event, kind } = sheet.timetable.holds[hold];
    let history = &sheet.saved.history;
    let of_worker =
        |nth: &usize| history[*nth].worker == worker && log::is_seen(&history[*nth].what, placed.by_name);
    let before: Vec<usize> = (0..event).filter(of_worker).collect();
    let known_calls = before.iter().map(|&nth| &history[nth].what);
    let missing = || {
        let call = log::shown(&history[event].what);
        Unreached::OtherCalls { worker, call }
    };
    let at = trace.follow(known_calls).ok_or_else(missing)?;
    let last = at.map(|at| trace.place(at));
    let mut choices: Vec<(Place, Act)> = Vec::new();
    match kind {
        // Before whatever it does next.
        Kind::Kill => choices.extend(trace.next(at).map(|at| (trace.place(at), Act::Kill))),
        Kind::Delay(time) => {
            let next = trace.find(at, &history[event].what, false).ok_or_else(missing)?;
            choices.push((trace.place(next), Act::Before(time)));
            choices.extend(last.map(|place| (place, Act::After(time))));
        }
        Kind::DelayBeforeKill(time) => choices.extend(last.map(|place| (place, Act::After(time)))),
    }
    let first = choices.first().map(|(place, _)| place.call.clone()).ok_or_else(missing)?;
    // Only the last thing that strace is told of a call by its name holds, but for the same thing twice.
    let free = |(place, act): &(Place, Act)| {
        let others: Vec<_> = placed
            .injections
            .iter()
            .filter(|other| other.worker == worker && other.call == place.call)
            .collect();
        others.is_empty() || others.len() == 1 && others[0].act == *act && others[0].nth != place.nth
    };
    choices.retain(free);
    // One that no other process of the worker makes as often is better.
    choices.sort_by_key(|(place, _)| !place.alone);
    match choices.into_iter().next() {
        Some((Place { call, nth, .. }, act)) => Ok(Injection { worker, hold, call, nth, act }),
        None => Err(Unreached::SameCall { worker, call: first }),
    }
}
