//! `lockfuzz run`: any program, unmodified.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::args::{Clock, Colour, RunArgs};
use super::fuzz::{Outputs, check_save, listen, search_of};
use super::workspace::Workspace;
use super::{Exit, Trouble, say};
use crate::case::Faults;
use crate::check::{Reason, Verdict};
use crate::engine::Engine;
use crate::engine::traced::Traced;
use crate::error::Error;
use crate::history::What;
use crate::interleave::{Reduction, Search};
use crate::job::{Job, Words};
use crate::regression::Saved;
use crate::report::block::quoted;
use crate::report::certificate::of_program;
use crate::report::count;
use crate::report::program;
use crate::report::progress::Schedules;
use crate::run::proof::{self, Limits, Proof, Shortfall, Why};
use crate::run::{Plan, Refused, Report, alone, saved, search};
use crate::worker::{cores, stay};

/// How many schedules are tried, unless somebody says otherwise.
const SCHEDULES: u64 = 1000;
/// For how long a program is searched, unless somebody says otherwise.
const TIME: Duration = Duration::from_secs(60);
/// The same where all interleavings are tried.
const PROOF: Duration = Duration::from_secs(600);
/// For how long a counterexample is made smaller, unless somebody says otherwise.
const SHRINK: Duration = Duration::from_secs(10);
/// How many workers a proof is about, unless somebody says otherwise.
const PROVED: u32 = 2;
/// How many workers there are, unless somebody says otherwise: some bugs need a third, and shrinking takes it away.
const WORKERS: u32 = 3;

pub(super) fn run(args: RunArgs) -> Result<Exit, Trouble> {
    check_save(&args.save)?;
    let job = job(&args)?;
    let plan = plan(&args, &job)?;
    let interrupt = listen()?;
    let workspace = Workspace::new(args.dir.as_deref())?;
    let outputs = Outputs::open(args.json.as_deref(), args.junit.as_deref())?;
    if let Some(&core) = cores().unwrap_or_default().first() {
        // Unpinned it is slower, and nothing else.
        let _ = stay(core);
    }
    let mut engine = Traced::new(job.clone(), workspace.path(), Arc::clone(&interrupt))?;
    if args.plain_starts {
        engine.start_plainly();
    }
    let tell = |text: &str| if outputs.json_to_stdout || args.quiet { Ok(()) } else { say(text) };
    if args.trace_only {
        return trace(&mut engine, &plan);
    }
    let points = match alone(&mut engine, &plan) {
        Ok(alone) => alone.points,
        Err(Refused::Error(Error::Interrupted)) => return Ok(Exit::Interrupted),
        Err(refused) => return Err(refusal(refused, &args)),
    };
    if args.prove {
        return prove(&mut engine, &plan, (&args, &outputs), &workspace, &interrupt);
    }
    tell(&program::header(&job, &plan, points, &workspace.describe()))?;
    let mut engines = vec![engine];
    for _ in 1..args.jobs {
        let mut another = Traced::new(job.clone(), workspace.path(), Arc::clone(&interrupt))?;
        another.know(&engines[0]);
        if args.plain_starts {
            another.start_plainly();
        }
        engines.push(another);
    }
    let progress = Schedules::new(plan.schedules, args.quiet);
    let mut report = search(&mut engines, &plan, &[], &interrupt, &|done| progress.done(done))?;
    progress.finish();
    report.points = points;
    let went = keep(&mut report, &args.save, &job, &plan);
    let colour = colour(args.color);
    if !outputs.json_to_stdout {
        say(&program::report(&job, &plan, &report, colour))?;
    }
    outputs.put(|| program::document(&job, &plan, &report), || program::junit(&job, &report))?;
    went?;
    Ok(exit(&report, args.expect.is_some()))
}

fn colour(when: Colour) -> bool {
    match when {
        Colour::Always => true,
        Colour::Never => false,
        Colour::Auto => {
            std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
        }
    }
}

/// Every interleaving.
fn prove(
    engine: &mut Traced,
    plan: &Plan,
    (args, outputs): (&RunArgs, &Outputs),
    workspace: &Workspace,
    interrupt: &Arc<AtomicBool>,
) -> Result<Exit, Trouble> {
    let limits = Limits {
        preemptions: args.preemptions,
        reduction: if args.no_reduction { Reduction::Off } else { Reduction::SleepSets },
        deadline: Instant::now() + args.time.unwrap_or(PROOF),
    };
    let progress = Schedules::new(0, args.quiet);
    let mut proof =
        proof::prove(engine, plan, limits, workspace.path(), interrupt, &|done| progress.done(done))?;
    progress.finish();
    let job = engine.job();
    let went = match &mut proof {
        Proof::Broken(report) => keep(report, &args.save, job, plan),
        _ => Ok(()),
    };
    if !outputs.json_to_stdout {
        say(&of_program::answer(job, plan, &proof, colour(args.color)))?;
    }
    outputs.put(
        || of_program::document(job, plan, &proof, args.preemptions),
        || unreachable!("a proof has no JUnit form"),
    )?;
    went?;
    Ok(match proof {
        Proof::Proved(_) => Exit::Expected,
        Proof::Broken(_) => Exit::Failed,
        Proof::Short(Shortfall { why: Why::Interrupted, .. }) => Exit::Interrupted,
        Proof::Short(_) => Exit::Inconclusive,
    })
}

fn exit(report: &Report, race_expected: bool) -> Exit {
    let found = report.counterexample.is_some();
    match report.verdict() {
        Verdict::Fail(_) if race_expected => Exit::Expected,
        Verdict::Fail(_) => Exit::Failed,
        _ if report.interrupted && !found => Exit::Interrupted,
        _ if race_expected => Exit::Inconclusive,
        verdict => Exit::from(&verdict),
    }
}

/// Saves what was found.
fn keep(report: &mut Report, folder: &Path, job: &Job, plan: &Plan) -> Result<(), Trouble> {
    let Some(found) = &mut report.counterexample else { return Ok(()) };
    found.path = Some(saved(job, plan, found).save_as(folder, |number| format!("{}-{number}", job.name()))?);
    Ok(())
}

fn job(args: &RunArgs) -> Result<Job, Trouble> {
    let start_dir = std::env::current_dir()
        .map_err(|why| Trouble::usage(format_args!("the folder that this was started in: {why}")))?;
    let commands = match args.worker.is_empty() {
        false => args.worker.clone(),
        true => {
            let text = |word: &std::ffi::OsString| {
                word.to_str().map(str::to_owned).ok_or_else(|| {
                    Trouble::usage(format_args!("{}: a word must be UTF-8, to be saved", word.display()))
                })
            };
            vec![args.command.iter().map(text).collect::<Result<Words, _>>()?]
        }
    };
    let commands = commands.into_iter().map(|words| whole(words, &start_dir)).collect();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(Job {
        commands,
        prepare: args.prepare.clone(),
        from: args.from.clone(),
        check: args.check.clone(),
        watch: args.watch.clone(),
        ok_exit: args.ok_exit.clone(),
        readback: args.check_readback.clone(),
        age: args.age.unwrap_or_default().as_millis() as u64,
        real_clock: args.clock == Clock::Real,
        silence: args.silence.map(|time| time.as_millis() as u64),
        exact: args.prove,
        own: None,
        began: now.as_secs(),
        start_dir,
        files: BTreeMap::new(),
    })
}

/// The workers are in another folder, so a word that names a file here becomes its whole path.
fn whole(words: Words, start_dir: &Path) -> Words {
    let is_program = |nth: usize, word: &str| nth == 0 && !word.contains('/');
    let path = |(nth, word): (usize, String)| {
        let path = start_dir.join(&word);
        let named = !word.is_empty() && !word.starts_with('-') && !is_program(nth, &word) && path.exists();
        let whole: PathBuf = path.components().collect();
        if named { whole.to_string_lossy().into_owned() } else { word }
    };
    words.into_iter().enumerate().map(path).collect()
}

fn workers(args: &RunArgs) -> u32 {
    args.workers.unwrap_or(if args.prove { PROVED } else { WORKERS })
}

fn plan(args: &RunArgs, job: &Job) -> Result<Plan, Trouble> {
    let several = job.commands.len() as u32;
    if args.jobs > 1 && !args.watch.is_empty() {
        return Err(Trouble::usage(
            "--jobs: a folder that is watched is shared by all schedules, so there is one job",
        ));
    }
    if several == 1 && !args.worker.is_empty() {
        return Err(Trouble::usage("--worker: name one for each worker, two at least"));
    }
    if args.prove && args.clock == Clock::Real {
        return Err(Trouble::usage(
            "--prove: it takes --clock virtual, as nobody can try all times of a real one",
        ));
    }
    let faults = args.faults.iter().copied().fold(Faults::NONE, Faults::or);
    let most = args.preemptions.filter(|_| !args.prove);
    let search = search_of(args.scheduler, args.depth, most).map_err(Trouble::usage)?;
    Ok(Plan {
        workers: if several > 1 { several } else { workers(args) },
        faults,
        search,
        seed: args.seed.unwrap_or_else(|| rand::random_range(0..100_000_000)),
        schedules: args.schedules.unwrap_or(SCHEDULES),
        time: args.time.unwrap_or(if args.schedules.is_some() { Duration::MAX } else { TIME }),
        shrink: args.shrink.unwrap_or(SHRINK),
    })
}

fn refusal(refused: Refused, args: &RunArgs) -> Trouble {
    let said = |lines: &[String]| match lines {
        [] => String::new(),
        lines => format!("; it said: {}", lines.join(" / ")),
    };
    match refused {
        Refused::Error(why) => why.into(),
        Refused::Alone(found, lines) => Trouble::usage(format_args!(
            "the program fails without any interleaving: {}{}",
            found.failure,
            said(&lines)
        )),
        Refused::Unclear(reason, lines) => Trouble::usage(format_args!(
            "run one after another the workers come to no end: {reason}{}",
            said(&lines)
        )),
        Refused::NoPoints(idle, outside) => {
            let who = match idle.len() as u32 == workers(args).max(args.worker.len() as u32) {
                true => "no worker".to_owned(),
                false => format!("worker {} never", idle[0]),
            };
            let mut sentence = format!("{who} touches a file in its folder, so there is nothing to order");
            let folders: BTreeSet<_> = outside.iter().filter_map(|path| path.parent()).collect();
            if let Some(folder) = folders.first() {
                let files: Vec<_> = outside.iter().take(3).map(|path| path.display().to_string()).collect();
                let _ = write!(
                    sentence,
                    "; two workers write {}: add --watch {}",
                    files.join(", "),
                    quoted(folder)
                );
            } else {
                sentence +=
                    "; its shared files must lie in the working directory, or in one named with --watch";
            }
            Trouble { exit: Exit::Nothing, sentence }
        }
    }
}

/// Runs once, in order, and prints the points.
fn trace(engine: &mut Traced, plan: &Plan) -> Result<Exit, Trouble> {
    let case = Traced::case(engine.job(), plan.workers, Faults::NONE);
    let history = engine.run(&case)?;
    let mut counts: BTreeMap<(u32, String), u64> = BTreeMap::new();
    for event in &history.events {
        if let What::Note(text) = &event.what {
            let (call, _) = text.rsplit_once(" = ").unwrap_or((text, ""));
            *counts.entry((event.worker, call.to_owned())).or_default() += 1;
        }
    }
    let mut text = String::from("worker  times  point\n");
    for ((worker, call), times) in &counts {
        let _ = writeln!(text, "{worker:>6}  {times:>5}  {call}");
    }
    let _ = writeln!(text, "{} points, {} stops", count(counts.values().sum()), count(engine.facts.stops));
    say(&text)?;
    let ends = counts.keys().all(|(_, call)| call.starts_with("exit_group("));
    Ok(if ends { Exit::Nothing } else { Exit::Expected })
}

/// What was saved does not happen any more, and the program is another one: what was saved is where a search begins.
pub(super) fn search_on(
    engine: &mut Traced,
    saved: &Saved,
    interrupt: &Arc<AtomicBool>,
) -> Result<Exit, Trouble> {
    let plan = Plan {
        workers: saved.case.workers,
        faults: saved.case.faults,
        search: Search::default(),
        seed: saved.note.as_ref().map_or(1, |note| note.seed),
        schedules: SCHEDULES,
        time: TIME,
        shrink: SHRINK,
    };
    let begin = saved.case.choices.clone().unwrap_or_default();
    let job = engine.job().clone();
    let report = search(std::slice::from_mut(engine), &plan, &begin, interrupt, &|_| ())?;
    say(&program::report(&job, &plan, &report, false))?;
    Ok(match report.verdict() {
        Verdict::Inconclusive { reason: Reason::Uncontended { .. } } => Exit::Expected,
        _ => exit(&report, false),
    })
}
