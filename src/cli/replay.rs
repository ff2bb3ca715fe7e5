//! `lockfuzz replay`: is a saved counterexample seen again?

use std::path::Path;
use std::sync::Arc;

use super::args::ReplayArgs;
use super::fuzz::listen;
use super::run::search_on;
use super::workspace::Workspace;
use super::{Exit, Trouble, find_double, say};
use crate::calibrate::calibrate;
use crate::campaign::{cause, run_and_retry};
use crate::case::Case;
use crate::check::{Divergence, Law, Reason, Verdict};
use crate::engine::traced::Traced;
use crate::engine::{Engine, Kind};
use crate::history::{History, What};
use crate::lock::Double;
use crate::regression::Saved;
use crate::report::block::{Block, as_expected, size};
use crate::report::timeline::timeline;
use crate::report::{count, wrapped};
use crate::run::PROGRAM;
use crate::worker::{cores, pin};

pub(super) fn run(args: ReplayArgs) -> Result<Exit, Trouble> {
    let saved = read(&args.file)?;
    if let Some(test) = saved.job.as_ref().and_then(|job| job.cargo_test()) {
        return Err(Trouble::usage(format_args!(
            "{}: it is of a lock in a cargo test, whose binary alone can run it; it runs first in: {test}",
            args.file.display()
        )));
    }
    let double = match &saved.job {
        Some(_) => &PROGRAM,
        None => find_double(&saved.case.lock)
            .map_err(|why| Trouble::usage(format_args!("{}: {why}", args.file.display())))?,
    };
    let workspace = Workspace::new(args.dir.as_deref())?;
    if saved.engine != Kind::Realtime
        && let Some(&core) = cores().unwrap_or_default().first()
    {
        let _ = pin(core);
    }
    let mut case = saved.case.clone();
    if saved.engine == Kind::Realtime {
        let measured = calibrate(workspace.path(), case.schedule.period())?;
        let factor = measured.period.as_micros().div_ceil(case.schedule.period().as_micros().max(1));
        case.schedule = case.schedule.stretched(factor);
    }
    // Only programs are told to stop; a case of a lock is over at once.
    let interrupt = if saved.job.is_some() { listen()? } else { Arc::default() };
    let mut engine: Box<dyn Engine> = match &saved.job {
        Some(job) => Box::new(Traced::new(job.clone(), workspace.path(), Arc::clone(&interrupt))?),
        None => saved.engine.engine(&workspace.staff(), &Arc::default())?,
    };
    let mut tally = Tally::default();
    let mut last = None;
    let was = History { events: saved.history.clone(), ..History::default() };
    for _ in 0..args.times {
        let (history, verdict) = run_and_retry(engine.as_mut(), &case, double)?;
        tally.times += 1;
        match (&saved.verdict, &verdict) {
            (Verdict::Fail(then), Verdict::Fail(now)) if then.law.name() == now.law.name() => {
                tally.seen += 1;
                tally.same += u64::from(history.events == saved.history);
            }
            // Nothing was at stake, and so nothing is seen.
            (_, Verdict::Inconclusive { reason: Reason::Uncontended { .. } }) if saved.job.is_some() => {}
            (_, Verdict::Inconclusive { reason }) => tally.unclear = Some(*reason),
            _ => tally.other += u64::from(matches!(verdict, Verdict::Fail(_))),
        }
        if saved.job.is_some() && tally.seen == 0 {
            tally.parted = Divergence::between(&was, &history);
        }
        last = Some((history, verdict));
    }
    let Some((history, verdict)) = last else { return Ok(Exit::Nothing) };
    if let (Some(job), Some(parted)) = (&saved.job, tally.parted) {
        if job.has_changed() {
            say(&changed(&was, &history, parted))?;
            drop(engine);
            let mut engine = Traced::new(job.clone(), workspace.path(), Arc::clone(&interrupt))?;
            return search_on(&mut engine, &saved, &interrupt);
        }
        let divergence = Some(parted);
        tally.unclear.get_or_insert(Reason::Unrepeatable { divergence });
    }
    let name = format!("{}, {}", case.lock, case.placement.name());
    let mut block = match &verdict {
        Verdict::Fail(failure) => {
            let why = cause(engine.as_mut(), &case, double.promised(), &history, failure)?;
            Block::of(&name, &case, &history, failure, why)
        }
        _ => Block { what: name.clone(), picture: timeline(&case, &history, None), ..Block::default() },
    };
    block.expected = true;
    if let (Some(job), Verdict::Fail(failure)) = (&saved.job, &verdict) {
        block.what = format!("{}: {}", job.name(), failure.law.name());
    }
    if let Verdict::Fail(failure) = &verdict {
        let expected = expected(double, &case, failure.law);
        block.expected = expected.is_some();
        if let Some(race) = expected {
            block.what = as_expected(&name, race, &case, &history, failure);
        }
    }
    block.story = vec![format!("{} engine, {}", saved.engine.name(), size(&case, &history))];
    block.replay = Some(tally.words(saved.engine));
    let text = block.to_string();
    say(&text)?;
    Ok(tally.exit())
}

/// "the program has changed: step 10 is now rename, was rmdir".
fn changed(was: &History, now: &History, parted: Divergence) -> String {
    let call = |history: &History| match history.events.get(parted.event).map(|event| &event.what) {
        Some(What::Note(text)) => text.clone(),
        Some(What::Exited) => "its end".to_owned(),
        Some(other) => format!("{other:?}").to_lowercase(),
        None => "nothing".to_owned(),
    };
    let step = parted.event + 1;
    wrapped("", 0, &format!("the program has changed: step {step} is now {}, was {}", call(now), call(was)))
}

/// What this case must show by what the lock says of itself, if it is this failure.
pub(super) fn expected(double: &Double, case: &Case, law: Law) -> Option<&'static str> {
    let claim = double.promised().under(case.faults).claim;
    let race = law.is_race() && claim.expects_race(case.placement, case.scope, case.workers);
    let stuck = law == Law::Stuck && case.faults.crashes > 0 && !double.withstands.crash;
    if race { Some("race") } else { stuck.then_some("stuck") }
}

#[derive(Default)]
struct Tally {
    times: u64,
    seen: u64,
    same: u64,
    other: u64,
    unclear: Option<Reason>,
    /// Where what happens is not what was saved.
    parted: Option<Divergence>,
}

impl Tally {
    fn exit(&self) -> Exit {
        match self.unclear {
            _ if self.seen + self.other > 0 => Exit::Failed,
            Some(_) => Exit::Inconclusive,
            None => Exit::Expected,
        }
    }

    fn words(&self, engine: Kind) -> String {
        let of = match self.times {
            1 => String::new(),
            times => format!(", {} times of {}", count(self.seen), count(times)),
        };
        match (self.seen, self.unclear) {
            (0, Some(reason)) => format!("inconclusive: {reason}"),
            (0, None) if self.other > 0 => {
                "a law is broken, but not the one that was when it was saved".to_owned()
            }
            (0, None) => format!("no longer seen{of}"),
            _ if engine == Kind::Realtime => format!("seen again{of}"),
            (seen, _) if self.same == seen => format!("seen again{of}, the same step for step"),
            (_, _) => format!("seen again{of}, but the steps are not those that were saved"),
        }
    }
}

pub(super) fn read(path: &Path) -> Result<Saved, Trouble> {
    Saved::read(path).map_err(|why| Trouble::usage(format_args!("{}: {why}", path.display())))
}
