//! `lockfuzz plot`: a counterexample, or what a schedule does to a lock, as a picture.

use std::fs;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use super::args::PlotArgs;
use super::replay::read;
use super::workspace::Workspace;
use super::{Exit, Trouble, say};
use crate::case::{Case, Faults, Placement, Scope};
use crate::check::Verdict;
use crate::engine::Kind;
use crate::history::History;
use crate::lock::Double;
use crate::report::plot::svg;
use crate::schedule::{Order, Schedule};

pub(super) fn run(args: PlotArgs) -> Result<Exit, Trouble> {
    let ((case, history, verdict), why) = match schedule(&args.file)? {
        Some(schedule) => (run_once(schedule, args.lock, &args.file)?, None),
        None => {
            let saved = read(&args.file)?;
            let history = History { events: saved.history, ..History::default() };
            ((saved.case, history, saved.verdict), saved.note.and_then(|note| note.cause))
        }
    };
    let failure = match &verdict {
        Verdict::Fail(failure) if failure.event < history.events.len() => Some(failure),
        _ => None,
    };
    let picture = svg(&case, &history, failure, why);
    if args.output == Path::new("-") {
        say(&picture)?;
    } else {
        fs::write(&args.output, picture).map_err(|why| {
            Trouble::usage(format_args!(
                "--output {}: cannot be written: {why}; name a file that you may write to",
                args.output.display()
            ))
        })?;
    }
    Ok(Exit::Expected)
}

/// The file as a schedule, if it is one: a list of ticks.
fn schedule(path: &Path) -> Result<Option<Schedule>, Trouble> {
    let text = if path == Path::new("-") {
        let mut text = Vec::new();
        io::stdin().read_to_end(&mut text).map(|_| text)
    } else {
        fs::read(path)
    };
    let Ok(text) = text else { return Ok(None) };
    if !text.trim_ascii_start().starts_with(b"[") {
        return match path == Path::new("-") {
            true => Err(Trouble::usage("standard input is not a schedule (a counterexample needs a file)")),
            false => Ok(None),
        };
    }
    let parsed = serde_json::from_slice(&text);
    parsed.map(Some).map_err(|why| Trouble::usage(format_args!("{}: not a schedule: {why}", path.display())))
}

/// Runs a schedule once, in threads, on the stepped engine.
fn run_once(schedule: Schedule, lock: &Double, path: &Path) -> Result<(Case, History, Verdict), Trouble> {
    let workers = schedule.commands().map(|(_, worker, _)| worker).max().unwrap_or(0);
    let (placement, scope, order) = (Placement::Threads, Scope::Session, Order::AsGenerated);
    let case = Case {
        lock: lock.name.to_owned(),
        placement,
        scope,
        order,
        workers,
        schedule,
        choices: None,
        faults: Faults::NONE,
    };
    case.check().map_err(|why| {
        Trouble::usage(format_args!("{}: its schedule is not legal: {why}", path.display()))
    })?;
    let workspace = Workspace::new(None)?;
    let mut engine = Kind::Stepped.engine(&workspace.staff(), &Arc::default())?;
    let history = engine.run(&case)?;
    let verdict = engine.judge(&case, lock.promised(), &history);
    Ok((case, history, verdict))
}
