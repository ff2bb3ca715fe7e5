//! `lockfuzz fuzz`: the whole experiment.

use std::fs::{self, File, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::args::{Colour, FuzzArgs, Show, environment};
use super::workspace::Workspace;
use super::{Exit, Trouble, say};
use crate::calibrate::calibrate;
use crate::campaign::{Budget, Campaign, Observer, Report, Row, RowReport};
use crate::case::{Faults, Placement};
use crate::check::Verdict;
use crate::engine::Kind;
use crate::error::{Error, unnamed};
use crate::interleave::{self, Search};
use crate::lock::{ALL, Double};
use crate::report::progress::{Counted, Progress};
use crate::report::{json, junit, terminal};
use crate::schedule::{Order, Time};

const STEPPED_CASES: u64 = 256;
const REALTIME_CASES: u64 = 3;
const REALTIME_PERIOD: Time = Time::from_micros(20_000);
/// The most cases tried to make a counterexample smaller.
const SHRINK_TRIES: u32 = 4096;

pub(super) fn run(mut args: FuzzArgs) -> Result<Exit, Trouble> {
    let cases = environment().map_err(Trouble::usage)?;
    args.cases = args.cases.or(cases);
    let search = search(&args).map_err(Trouble::usage)?;
    check_faults(&args).map_err(Trouble::usage)?;
    check_save(&args.save)?;
    let interrupt = listen()?;
    let workspace = Workspace::new(args.dir.as_deref())?;
    let outputs = Outputs::open(args.json.as_deref(), args.junit.as_deref())?;
    let progress = Progress::new(rows(&args).len(), args.quiet);
    let mut campaign = campaign(&args, search, &workspace);
    let to_stdout = outputs.json_to_stdout;
    let tell = |text: &str| if to_stdout || args.quiet { Ok(()) } else { say(text) };
    if campaign.engine == Kind::Realtime {
        let wanted = args.period.unwrap_or(REALTIME_PERIOD);
        let measured = calibrate(workspace.path(), wanted)?;
        campaign.period = Some(measured.period);
        tell(&terminal::header(&campaign, &workspace.describe()))?;
        if measured.period != wanted {
            tell(&format!(
                "period raised from {wanted} s: the slowest of 1,000 writes and reads took {} s\n",
                measured.worst
            ))?;
        }
    } else {
        tell(&terminal::header(&campaign, &workspace.describe()))?;
    }
    tell("\n")?;
    let observer = Recorder {
        counted: Counted::new(&progress),
        outputs: &outputs,
        campaign: &campaign,
        rows: Mutex::default(),
    };
    let mut report = campaign.run(&interrupt, &observer);
    progress.done();
    let exit = exit(&report);
    let written = outputs.write(&campaign, &report, document_verdict(exit));
    if !to_stdout {
        let colour = match args.color {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => {
                io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
            }
        };
        let manner = terminal::Manner { colour, all: args.show == Some(Show::All), quiet: args.quiet };
        say(&terminal::report(&campaign, &report, manner))?;
    }
    // What was found is said and saved; that the rest could not be done is said as well.
    match report.error.take() {
        Some(why) => Err(Trouble { exit, ..why.into() }),
        None => written.map(|()| exit),
    }
}

/// A claim that is broken already is news, whatever stopped the run; nothing else that is known is.
fn exit(report: &Report) -> Exit {
    match report.verdict() {
        Verdict::Fail(_) => Exit::Failed,
        _ if report.error.is_some() => Exit::Broken,
        _ if report.interrupted => Exit::Interrupted,
        verdict => Exit::from(&verdict),
    }
}

/// The word that says in the JSON what the exit code says.
fn document_verdict(exit: Exit) -> &'static str {
    match exit {
        Exit::Expected => "pass",
        Exit::Failed => "fail",
        _ => "inconclusive",
    }
}

fn campaign(args: &FuzzArgs, search: Search, workspace: &Workspace) -> Campaign {
    let stepped = args.engine == Kind::Stepped;
    let cases = match (args.cases, args.time) {
        (None, None) => Some(if stepped { STEPPED_CASES } else { REALTIME_CASES }),
        (cases, _) => cases,
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Campaign {
        rows: rows(args),
        engine: args.engine,
        scope: args.scope,
        workers: args.workers.clone(),
        period: args.period,
        search,
        budget: Budget { cases, time: args.time },
        seed: args.seed.unwrap_or_else(|| rand::random_range(0..100_000_000)),
        shrink_tries: SHRINK_TRIES,
        jobs: args.jobs.unwrap_or(if stepped { cores } else { 1 }),
        save: Some(args.save.clone()),
        staff: workspace.staff(),
    }
}

/// How interleaved rows are searched. What would be without effect is refused, and not passed over.
fn search(args: &FuzzArgs) -> Result<Search, String> {
    let FuzzArgs { scheduler, depth, preemptions, .. } = args;
    let flags = [
        scheduler.map(|kind| format!("--scheduler {}", kind.name())),
        depth.map(|depth| format!("--depth {depth}")),
        preemptions.map(|most| format!("--preemptions {most}")),
    ];
    if let Some(flag) = flags.into_iter().flatten().next() {
        if args.engine == Kind::Realtime {
            return Err(format!("{flag}: nobody chooses on a real clock; leave out --engine realtime"));
        }
        if !rows(args).iter().any(Row::is_interleaved) {
            return Err(format!(
                "{flag}: no row has a lock that can be interrupted; name one of the zoo with --lock, \
                 such as exists-create"
            ));
        }
    }
    search_of(*scheduler, *depth, *preemptions)
}

/// The search that these words ask for.
pub(super) fn search_of(
    scheduler: Option<interleave::Kind>,
    depth: Option<u32>,
    preemptions: Option<u32>,
) -> Result<Search, String> {
    let kind = scheduler.unwrap_or_default();
    if let Some(depth) = depth.filter(|_| !kind.has_depth()) {
        let name = kind.name();
        return Err(format!("--depth {depth}: {name} looks for no depth; it is for pct and mixed"));
    }
    Ok(Search { kind, depth: depth.unwrap_or(Search::DEPTH), preemptions })
}

/// Faults that can strike in no row are refused, and not passed over.
fn check_faults(args: &FuzzArgs) -> Result<(), String> {
    let rows = rows(args);
    let misses = |faults: &&Faults| !faults.is_none() && rows.iter().all(|row| row.faults != **faults);
    let Some(faults) = args.faults.iter().find(misses) else { return Ok(()) };
    let why = match args.engine {
        Kind::Realtime => "nothing strikes on a real clock; leave out --engine realtime",
        _ if faults.crashes > 0 => "a crash is that of a process; add --placement processes",
        _ => "no row is left in which it can strike; leave out --order",
    };
    Err(format!("--faults {}: {why}", faults.name()))
}

/// Every lock in every placement and order, and under the faults, that were asked for, in the order of
/// the lists.
fn rows(args: &FuzzArgs) -> Vec<Row> {
    let chosen = |name: &str| args.lock.is_empty() || args.lock.iter().any(|double| double.name == name);
    let mut rows = Vec::new();
    for &lock in ALL.iter().filter(|double| chosen(double.name)) {
        let asked = |placement: &Placement| match &args.placement[..] {
            [] => lock.placements.contains(placement),
            asked => asked.contains(placement),
        };
        let placements = Placement::ALL.into_iter().filter(asked);
        let all = placements.flat_map(|placement| faults(args, lock).map(move |f| (placement, f)));
        for (placement, faults) in all {
            let row = |order| Row { lock, placement, order, faults };
            // What is interleaved has no ticks to sort.
            let orders = if row(Order::AsGenerated).is_interleaved() { 1 } else { Order::ALL.len() };
            rows.extend(Order::ALL[..orders].iter().map(|&order| row(order)));
        }
    }
    // A real clock cannot choose, and a thread cannot be killed without the others of its process.
    rows.retain(|row| args.engine == Kind::Stepped || !row.is_interleaved());
    rows.retain(|row| row.faults.crashes == 0 || row.placement.to_a_process() == Some(1));
    // A lock without points makes no calls that could fail.
    rows.retain(|row| row.faults.failures == 0 || !row.lock.atomic);
    rows.retain(|row| args.order.is_empty() || args.order.contains(&row.order));
    // What runs in order comes first, as its table does.
    rows.sort_by_key(Row::is_interleaved);
    rows
}

/// Those that were asked for; otherwise none, and those under which this lock is worth a try.
fn faults(args: &FuzzArgs, lock: &Double) -> impl Iterator<Item = Faults> {
    let asked = match args.faults.is_empty() {
        true => [&[Faults::NONE], lock.faults].concat(),
        false => args.faults.clone(),
    };
    asked.into_iter()
}

/// Set by the first Ctrl-C. A later one ends the program at once; "later" leaves out the second signal
/// of those who send each one to the process and to its group.
pub(super) fn listen() -> Result<Arc<AtomicBool>, Trouble> {
    let interrupt = Arc::new(AtomicBool::new(false));
    let insist = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM, signal_hook::consts::SIGHUP] {
        let code = Exit::Interrupted as i32;
        signal_hook::flag::register_conditional_shutdown(signal, code, Arc::clone(&insist))
            .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&interrupt)))
            .map_err(|why| Trouble::from(Error::Signals(why)))?;
    }
    let seen = Arc::clone(&interrupt);
    std::thread::spawn(move || {
        while !insist.swap(seen.load(Ordering::Relaxed), Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(200));
        }
    });
    Ok(interrupt)
}

/// Could counterexamples be saved there? Said before the work begins, and nothing is made yet.
pub(super) fn check_save(folder: &Path) -> Result<(), Trouble> {
    let existing =
        folder.ancestors().map(|path| if path.as_os_str().is_empty() { Path::new(".") } else { path });
    let existing = existing.into_iter().find(|path| path.exists()).unwrap_or(Path::new("."));
    tempfile::tempfile_in(existing).map(drop).map_err(|why| {
        Trouble::usage(format_args!(
            "--save {}: counterexamples cannot be saved there: {}; name a folder that you may write to",
            folder.display(),
            unnamed(why)
        ))
    })
}

/// The files that the result goes to.
pub(super) struct Outputs {
    json: Option<Output>,
    junit: Option<Output>,
    pub(super) json_to_stdout: bool,
}

/// A file that is open for the result.
pub(super) struct Output {
    pub(super) path: PathBuf,
    pub(super) file: File,
}

impl Outputs {
    /// Opens them, so that a path which cannot be written is known before the work begins.
    pub(super) fn open(json: Option<&Path>, junit: Option<&Path>) -> Result<Self, Trouble> {
        let json_to_stdout = json == Some(Path::new("-"));
        let to_file = json.filter(|_| !json_to_stdout);
        let made = to_file.filter(|path| !path.exists());
        let json = to_file.map(|path| Output::open("--json", path)).transpose()?;
        let junit = junit.map(|path| Output::open("--junit", path)).transpose();
        let junit = junit.inspect_err(|_| {
            // Nothing is left behind by a run that never began.
            let _ = made.map(fs::remove_file);
        })?;
        Ok(Outputs { json, junit, json_to_stdout })
    }

    fn write(&self, campaign: &Campaign, report: &Report, verdict: &'static str) -> Result<(), Trouble> {
        if self.json_to_stdout {
            say(&json_text(campaign, report, verdict)?)?;
        }
        self.write_files(campaign, report, verdict)
    }

    /// Writes these documents to wherever they are wanted.
    pub(super) fn put(
        &self,
        json: impl Fn() -> serde_json::Result<String>,
        junit: impl Fn() -> Result<String, quick_junit::SerializeError>,
    ) -> Result<(), Trouble> {
        let text = || json().map_err(|why| failed(Path::new("the JSON"), why.into()));
        if self.json_to_stdout {
            say(&text()?)?;
        }
        if let Some(Output { path, file }) = &self.json {
            overwrite(path, file, &text()?)?;
        }
        if let Some(Output { path, file }) = &self.junit {
            let xml = junit().map_err(|why| failed(path, io::Error::other(why)))?;
            overwrite(path, file, &xml)?;
        }
        Ok(())
    }

    fn write_files(
        &self,
        campaign: &Campaign,
        report: &Report,
        verdict: &'static str,
    ) -> Result<(), Trouble> {
        if let Some(Output { path, file }) = &self.json {
            overwrite(path, file, &json_text(campaign, report, verdict)?)?;
        }
        if let Some(Output { path, file }) = &self.junit {
            let xml = junit::document(campaign, report).map_err(|why| failed(path, io::Error::other(why)))?;
            overwrite(path, file, &xml)?;
        }
        Ok(())
    }
}

impl Output {
    pub(super) fn open(flag: &str, path: &Path) -> Result<Self, Trouble> {
        match OpenOptions::new().write(true).create(true).truncate(false).open(path) {
            Ok(file) => Ok(Output { path: path.to_owned(), file }),
            Err(why) => Err(Trouble::usage(format_args!(
                "{flag} {}: cannot be written: {why}; name a file that you may write to",
                path.display()
            ))),
        }
    }
}

fn json_text(campaign: &Campaign, report: &Report, verdict: &'static str) -> Result<String, Trouble> {
    json::document(campaign, report, verdict).map_err(|why| failed(Path::new("the JSON"), why.into()))
}

pub(super) fn overwrite(path: &Path, mut file: &File, text: &str) -> Result<(), Trouble> {
    use std::io::Seek;
    let went = file.rewind().and_then(|()| file.write_all(text.as_bytes()));
    // A pipe or a terminal cannot be cut, and need not be.
    let _ = file.set_len(text.len() as u64);
    went.map_err(|why| failed(path, why))
}

pub(super) fn failed(path: &Path, source: io::Error) -> Trouble {
    Error::Save { path: path.to_owned(), source }.into()
}

/// Writes the files anew after each row, so that what is known is never lost.
struct Recorder<'a> {
    counted: Counted<'a>,
    outputs: &'a Outputs,
    campaign: &'a Campaign,
    rows: Mutex<Report>,
}

impl Observer for Recorder<'_> {
    fn case_done(&self) {
        self.counted.case_done();
    }

    fn row_done(&self, row: &RowReport) {
        let mut report = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        report.rows.push(row.clone());
        report.rows.sort_by_key(|row| row.nth);
        // The last writing, after the campaign, reports its failure; until then it may still go well.
        let _ = self.outputs.write_files(self.campaign, &report, "inconclusive");
        // What is told is on disk.
        self.counted.row_done(row);
    }
}
