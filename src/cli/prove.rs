//! `lockfuzz prove`: every interleaving of a small case.

use std::io::{self, IsTerminal};
use std::path::Path;
use std::time::Instant;

use super::args::ProveArgs;
use super::fuzz::{Output, check_save, failed, listen, overwrite};
use super::workspace::Workspace;
use super::{Exit, Trouble, say};
use crate::case::{Faults, Placement};
use crate::interleave::Reduction;
use crate::lock::{ALL, Double};
use crate::prove::{Answer, Prover, Question, Why, claimed};
use crate::report::certificate;
use crate::report::terminal::Manner;
use crate::worker::{cores, pin};

pub(super) fn run(args: ProveArgs) -> Result<Exit, Trouble> {
    let questions = questions(&args);
    for question in &questions {
        question.case().check().map_err(Trouble::usage)?;
        let Question { placement, workers, .. } = *question;
        let fewest = placement.fewest();
        // It would be a certificate for a kind of neighbour that was not there.
        if workers < fewest {
            let place = placement.name();
            return Err(Trouble::usage(format_args!(
                "--placement {place}: {workers} workers are no mixture, it takes {fewest}; add --workers {fewest}"
            )));
        }
    }
    check_save(&args.save)?;
    let interrupt = listen()?;
    let workspace = Workspace::new(args.dir.as_deref())?;
    let to_stdout = args.json.as_deref() == Some(Path::new("-"));
    let file = args.json.as_deref().filter(|_| !to_stdout);
    let file = file.map(|path| Output::open("--json", path)).transpose()?;
    if let Some(&core) = cores().unwrap_or_default().first() {
        // Unpinned it is slower, and nothing else.
        let _ = pin(core);
    }
    let deadline = args.time.map(|time| Instant::now() + time);
    let mut prover = Prover::new(&workspace.staff(), Some(args.save), deadline, interrupt)?;
    let tell = |text: &str| if to_stdout { Ok(()) } else { say(text) };
    let colour = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    let manner = Manner { colour, ..Manner::default() };
    let several = questions.len() > 1;
    if several {
        tell(&certificate::table_head())?;
    }
    let mut answers = Vec::new();
    let mut went = Ok(());
    for question in questions {
        match prover.answer(question) {
            Ok(answer) => {
                let show = if several { certificate::table_row } else { certificate::answer };
                tell(&show(&answer, manner))?;
                let stopped = matches!(&answer, Answer::Short(short) if short.why == Why::Interrupted);
                answers.push(answer);
                if stopped {
                    break;
                }
            }
            Err(why) => {
                went = Err(why.into());
                break;
            }
        }
    }
    // What is known is written, whatever stopped us.
    let document =
        || certificate::document(&answers).map_err(|why| failed(Path::new("the JSON"), why.into()));
    match &file {
        Some(Output { path, file }) => overwrite(path, file, &document()?)?,
        None if to_stdout => say(&document()?)?,
        None => {}
    }
    went.map(|()| exit(&answers))
}

/// What was asked for; without a lock, all that the locks claim.
fn questions(args: &ProveArgs) -> Vec<Question> {
    let reduction = if args.no_reduction { Reduction::Off } else { Reduction::SleepSets };
    let places = &args.placement[..];
    let asked: Vec<Question> = match &args.lock[..] {
        // A thread cannot be killed without its process.
        [] => {
            let fits = |q: &Question| args.crashes == 0 || q.placement != Placement::Threads;
            claimed(&ALL, if places.is_empty() { &Placement::UNIFORM } else { places })
                .into_iter()
                .filter(fits)
                .collect()
        }
        [lock] if places.is_empty() => vec![Question::new(lock, at_home(lock, args))],
        locks => {
            let places = |lock: &Double| if places.is_empty() { lock.placements } else { places }.to_vec();
            let each = |&lock: &&'static Double| {
                places(lock).into_iter().map(move |place| Question::new(lock, place))
            };
            locks.iter().flat_map(each).collect()
        }
    };
    let whole = |question| Question {
        workers: args.workers,
        acquires: args.acquires,
        preemptions: args.preemptions,
        reduction,
        faults: Faults { crashes: args.crashes, ..Faults::NONE },
        ..question
    };
    asked.into_iter().map(whole).collect()
}

/// The first placement in which it claims to exclude everybody.
fn at_home(lock: &'static Double, args: &ProveArgs) -> Placement {
    // A thread cannot be killed without its process.
    let fits = |placement: &Placement| args.crashes == 0 || *placement != Placement::Threads;
    let covers = |placement: &Placement| lock.claim.excludes_everybody(*placement, args.workers);
    let mut fitting = Placement::UNIFORM.into_iter().filter(fits);
    fitting.clone().find(covers).or_else(|| fitting.next()).unwrap_or(Placement::Threads)
}

/// A broken lock is news, whatever else is not known.
fn exit(answers: &[Answer]) -> Exit {
    let any = |wanted: fn(&Answer) -> bool| answers.iter().any(wanted);
    if any(|answer| matches!(answer, Answer::Broken(_))) {
        Exit::Failed
    } else if any(|answer| matches!(answer, Answer::Short(short) if short.why == Why::Interrupted)) {
        Exit::Interrupted
    } else if any(|answer| matches!(answer, Answer::Short(_))) {
        Exit::Inconclusive
    } else if answers.is_empty() {
        Exit::Nothing
    } else {
        Exit::Expected
    }
}
