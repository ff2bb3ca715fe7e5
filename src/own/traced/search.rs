//! The search of `lockfuzz run`, with the test binary as its program.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::slice::from_mut;
use std::sync::Arc;
use std::time::Duration;

use super::turn::{self, FOLDER};
use crate::campaign::Counterexample;
use crate::case::{Case, Faults, Placement};
use crate::check::{Evidence, Failure, Law, Reason, Verdict};
use crate::engine::traced::Traced;
use crate::engine::{Engine, Kind};
use crate::error::Error;
use crate::history::{Absence, Event, Missing, What};
use crate::interleave::Search;
use crate::job::{Job, SILENCE};
use crate::own::place::Place;
use crate::own::saved::{Folders, Kept};
use crate::own::settings::Settings;
use crate::own::words::Trouble;
use crate::own::{Here, Outcome, Own};
use crate::regression::Saved;
use crate::run::{Alone, Plan, Refused, alone, nothing_promised, search as search_program};
use crate::worker::{cores, stay};

/// How often a saved counterexample that still fails is run again.
const REPLAYS: u32 = 10;
/// When the workers' clock begins, in seconds since 1970: the same in each run, so that a lock which writes the time down
/// writes the same each time.
const BEGAN: u64 = 1_750_000_000;

/// The whole check.
pub(super) fn search(own: &Own, here: &Here, settings: Settings) -> Result<Outcome, Trouble> {
    let place = Place::new().map_err(|why| Trouble(why.to_string()))?;
    let check = Check { own, here, settings, folders: Folders::of(here, own.save.as_ref()) };
    // A thread of its own: whoever traces waits for all children of its thread, and this one may have others. And it stays
    // on one core, which the test's thread must not.
    std::thread::scope(|scope| {
        let job = scope.spawn(|| {
            if let Some(&core) = cores().unwrap_or_default().first() {
                // Elsewhere it is slower, and nothing else.
                let _ = stay(core);
            }
            check.run(&place.path())
        });
        job.join().unwrap_or_else(|why| std::panic::resume_unwind(why))
    })
}

struct Check<'a> {
    own: &'a Own,
    here: &'a Here,
    settings: Settings,
    folders: Folders,
}

impl Check<'_> {
    /// This test binary, sent to this test.
    fn job(&self) -> Job {
        let words = ["/proc/self/exe", &self.here.test];
        let words =
            words.into_iter().chain(["--exact", "--nocapture", "--include-ignored", "--test-threads=1"]);
        Job {
            commands: vec![words.map(str::to_owned).collect()],
            prepare: Some(format!("mkdir {FOLDER}")),
            own: Some(self.own.name.clone()),
            began: BEGAN,
            start_dir: "/".into(),
            ..Job::default()
        }
    }

    fn run(&self, place: &Path) -> Result<Outcome, Trouble> {
        let name = &self.own.name;
        let saved = self.folders.of_lock(name, Kind::Traced)?;
        let mut outcome = Outcome::nothing(name, self.settings, Kind::Traced, self.here);
        match self.find(place, saved, &mut outcome) {
            Ok(()) => {}
            Err(Refused::Error(Error::Forbidden { hint, source })) => {
                let reason = Reason::NotTraced;
                outcome.why = Some(format!("{reason} ({source}); {hint}"));
                outcome.verdict = Verdict::unclear(reason);
            }
            Err(Refused::Error(why)) => return Err(Trouble(format!("{name}: {why}"))),
            Err(Refused::NoPoints(..)) => {
                let why = "it takes no turn at the lock";
                return Err(Trouble::astray(name, 1, why, &self.here.test));
            }
            Err(Refused::Unclear(reason, _)) => unclear(&mut outcome, reason, None),
            Err(Refused::Alone(found, lines)) => self.fails_alone(*found, &lines, &mut outcome)?,
        }
        Ok(outcome)
    }

    fn find(&self, place: &Path, saved: Vec<(PathBuf, Saved)>, outcome: &mut Outcome) -> Result<(), Refused> {
        let mut engine = Traced::new(self.job(), place, Arc::default())?;
        let plan = Plan {
            workers: *self.own.workers.end(),
            faults: Faults::NONE,
            search: Search::default(),
            seed: self.settings.seed,
            schedules: self.settings.cases,
            time: Duration::MAX,
            shrink: self.own.shrink,
        };
        let went = alone(&mut engine, &plan);
        let outside = engine.facts.outside.keys().next().cloned();
        let Alone { history, .. } = match went {
            Err(Refused::Unclear(reason, _)) => {
                unclear(outcome, reason, outside);
                return Ok(());
            }
            went => went?,
        };
        let absent = |worker: &u32| {
            let enters = |event: &Event| event.worker == *worker && event.what == What::Entered;
            !history.events.iter().any(enters)
        };
        let absent: Vec<_> = (1..=plan.workers).filter(absent).collect();
        if !absent.is_empty() {
            return Err(Refused::NoPoints(absent, BTreeSet::new()));
        }
        if !history.events.iter().any(is_of_lock) {
            unclear(outcome, Reason::NoPoints, outside);
            return Ok(());
        }
        for (path, saved) in saved {
            if let Some(found) = again(&mut engine, saved.case)? {
                outcome.said = said(&found, &engine.last_lines(found.failure.worker, 1));
                outcome.fail_again(Counterexample { path: Some(path.clone()), ..found }, &self.folders, path);
                return Ok(());
            }
        }
        let report = search_program(from_mut(&mut engine), &plan, &[], &Arc::default(), &|_| ())?;
        let evidence = Evidence {
            cases: report.schedules,
            complete: report.schedules - report.inconclusive,
            contended: report.contended,
        };
        outcome.tried.push((Placement::Processes, evidence));
        outcome.plain = report.plain_starts(plan.workers);
        outcome.verdict = report.verdict();
        if let Verdict::Inconclusive { reason } = outcome.verdict {
            unclear(outcome, reason, outside);
        }
        if let Some(mut found) = report.counterexample {
            outcome.said = said(&found, &report.last_lines);
            let kept = self.folders.save(self.here, &found, self.settings.seed, Some(engine.job()));
            if let Kept::Main(path) | Kept::Spare(path, _) = &kept {
                found.path = Some(path.clone());
            }
            outcome.fail(found, &self.folders, kept);
        }
        Ok(())
    }

    /// What fails with nobody else at work is no interleaving's affair: the lock is not given back, or the test is wrong.
    fn fails_alone(
        &self,
        found: Counterexample,
        lines: &[String],
        outcome: &mut Outcome,
    ) -> Result<(), Trouble> {
        let Failure { law, worker, .. } = found.failure;
        let name = &self.own.name;
        let last = lines.last().map_or("not said why", |line| line.trim());
        match law {
            Law::BadExit { code: turn::FAILED } => {
                Err(Trouble(format!("{name}: worker {worker} met an error: {last}")))
            }
            Law::BadExit { .. } | Law::Died { .. } => {
                let failure = found.failure;
                Err(Trouble(format!(
                    "{name}: with its workers one after another, {failure}; it said: {last}"
                )))
            }
            _ => {
                outcome.verdict = Verdict::Fail(found.failure);
                outcome.counterexample = Some(found);
                Ok(())
            }
        }
    }
}

/// Is it a call of the lock's, in the folder or beside it?
fn is_of_lock(event: &Event) -> bool {
    matches!(&event.what, What::Note(text) if text.contains(&format!("\"{FOLDER}")))
}

/// Runs what was saved; whether it still fails.
fn again(engine: &mut Traced, case: Case) -> Result<Option<Counterexample>, Error> {
    let history = engine.run(&case)?;
    let Verdict::Fail(failure) = engine.judge(&case, nothing_promised(), &history) else { return Ok(None) };
    let mut same = 0;
    for _ in 0..REPLAYS {
        same += u32::from(engine.run(&case)? == history);
    }
    let first = Counterexample::new(case, history, failure, 0);
    Ok(Some(Counterexample { replays: (REPLAYS, same), ..first }))
}

/// A worker that ends badly says why.
fn said(found: &Counterexample, lines: &[String]) -> Option<String> {
    let ends_badly = matches!(found.failure.law, Law::BadExit { .. } | Law::Died { .. });
    let last = lines.last().filter(|_| ends_badly)?;
    Some(format!("worker {} said: {}", found.failure.worker, last.trim()))
}

/// Nothing can be said; `outside` is a file elsewhere that it writes.
fn unclear(outcome: &mut Outcome, reason: Reason, outside: Option<PathBuf>) {
    let must = "its files must lie in the folder that it is given, or beside it";
    let why = match reason {
        Reason::NoPoints => {
            format!("{reason}: {must}; what only memory knows, system calls do not tell")
        }
        Reason::Missing(Missing { worker, why: Absence::Silent, .. }) => {
            format!(
                "worker {worker} makes no call for {SILENCE:?}, or waits for somebody who is not a worker"
            )
        }
        Reason::Endless { .. } => format!("{reason}; let it sleep while it waits"),
        _ => return outcome.verdict = Verdict::unclear(reason),
    };
    let outside = outside.filter(|_| !matches!(reason, Reason::Endless { .. }));
    let elsewhere = match (outside, reason) {
        (Some(path), Reason::NoPoints) => format!(" (it writes {})", path.display()),
        (Some(path), _) => format!(" (it writes {}, and {must})", path.display()),
        (None, _) => String::new(),
    };
    outcome.why = Some(why + &elsewhere);
    outcome.verdict = Verdict::unclear(reason);
}
