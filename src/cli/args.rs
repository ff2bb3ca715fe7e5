//! The words of the command line.

use std::ffi::OsString;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args as Group, Parser, Subcommand, ValueEnum};

use super::find_double;
use crate::case::{Faults, MAX_CHOICES, Placement, Scope};
use crate::engine::Kind;
use crate::interleave;
use crate::job::Words;
use crate::lock::Double;
use crate::schedule::{MAX_COMMANDS, MAX_WORKERS, Order, Time};

/// Finds the interleaving that breaks a lock.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100, after_help = EXIT_CODES)]
pub(super) struct Args {
    #[command(subcommand)]
    pub(super) verb: Verb,
}

const EXIT_CODES: &str = "Exit codes: 0 all as expected, 1 lockfuzz itself failed, 2 bad usage or input, \
4 nothing ran, 5 inconclusive, 100 a claim was broken (replay: seen again), 130 interrupted";

const RUN_EXIT_CODES: &str = "Exit codes: 0 nothing found (with --expect race: found), 1 lockfuzz itself \
failed, 2 bad usage, or the program fails by itself, 4 no worker touches a watched file, 5 inconclusive (with \
--expect race: not found), 100 the program breaks, 130 interrupted";

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Run generated schedules against every lock, and show the smallest one that breaks it
    #[command(after_help = EXIT_CODES)]
    Fuzz(Box<FuzzArgs>),
    /// Run copies of any program, held at each call on a shared file, and find the order that breaks it
    #[command(after_help = RUN_EXIT_CODES)]
    Run(Box<RunArgs>),
    /// Try every interleaving of a few workers: a certificate, or a counterexample
    #[command(after_help = EXIT_CODES)]
    Prove(Box<ProveArgs>),
    /// Run a saved counterexample again: 100 if it is seen again, 0 if not
    Replay(ReplayArgs),
    /// Tell a saved counterexample in sentences, with its cause and its remedy
    Explain(ExplainArgs),
    /// Write the issue to file for a saved counterexample, in Markdown, with a script that shows it by strace alone
    Report(ReportArgs),
    /// Draw a saved counterexample, or a schedule, as SVG
    Plot(PlotArgs),
    /// Print the schedule of the original experiment
    Schedule(ScheduleArgs),
    /// List the locks and what each promises
    Locks,
    #[command(hide = true)]
    Worker { workers: OsString, folder: PathBuf },
    #[command(hide = true)]
    Guard { folder: PathBuf },
}

#[derive(Debug, Group)]
pub(super) struct FuzzArgs {
    /// Cases for each row [default: PROPTEST_CASES, or 256; on the realtime engine 3; with --for no limit]
    #[arg(long, value_name = "N", value_parser = positive)]
    pub(super) cases: Option<u64>,
    /// Go on for so long, such as 30s, 10m or 8h
    #[arg(long = "for", value_name = "TIME", value_parser = duration)]
    pub(super) time: Option<Duration>,
    /// Where all chance comes from [default: random, and printed]
    #[arg(long, value_name = "N")]
    pub(super) seed: Option<u64>,
    /// Only these locks
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = find_double)]
    pub(super) lock: Vec<&'static Double>,
    /// Only this placement: threads, processes, mixed (two threads in each process)
    #[arg(long, value_name = "WHERE", value_delimiter = ',', value_parser = placement)]
    pub(super) placement: Vec<Placement>,
    /// Only this order: as-generated, force-write, force-read
    #[arg(long, value_name = "ORDER", value_delimiter = ',', value_parser = order)]
    pub(super) order: Vec<Order>,
    /// Only with these faults: none, crash (a process is killed), stall (the clock moves on although
    /// somebody could), jump (the clock is set back by an hour), calls (a file call fails: the disk is full, say) [default: none, and those for which a lock has a row]
    #[arg(long, value_name = "FAULT", value_delimiter = ',', value_parser = faults)]
    pub(super) faults: Vec<Faults>,
    /// stepped (no clock, nothing left to chance) or realtime (the original experiment)
    #[arg(long, value_name = "ENGINE", default_value = "stepped", value_parser = engine)]
    pub(super) engine: Kind,
    /// Seconds between ticks [default: any; on the realtime engine 0.02]
    #[arg(long, value_name = "SECONDS", value_parser = period, allow_negative_numbers = true)]
    pub(super) period: Option<Time>,
    /// How many workers: a number, or a range such as 2..=8
    #[arg(long, value_name = "N", default_value = "2..=8", value_parser = workers, allow_negative_numbers = true)]
    pub(super) workers: RangeInclusive<u32>,
    /// How long the lock is held: session, transaction, operation
    #[arg(long, value_name = "SCOPE", default_value = "session", value_parser = scope)]
    pub(super) scope: Scope,
    /// Who picks the next step where a lock can be interrupted: random, pct, pos, surw, race, unmet,
    /// or mixed, which is all of these in turn [default: mixed]
    #[arg(long, value_name = "NAME", value_parser = scheduler)]
    pub(super) scheduler: Option<interleave::Kind>,
    /// How many orderings deep the bugs are that pct looks for, alone or among mixed [default: 3]
    #[arg(long, value_name = "N", value_parser = depth, allow_negative_numbers = true)]
    pub(super) depth: Option<u32>,
    /// The most preemptions that an interleaving may have [default: no limit]
    #[arg(long, value_name = "N", value_parser = preemptions, allow_negative_numbers = true)]
    pub(super) preemptions: Option<u32>,
    /// Where the shared file lies [default: /dev/shm where there is one]
    #[arg(long, value_name = "DIR")]
    pub(super) dir: Option<PathBuf>,
    /// Where counterexamples are saved
    #[arg(long, value_name = "DIR", default_value = "lockfuzz-found")]
    pub(super) save: PathBuf,
    /// How many rows are looked at side by side [default: one for each core; realtime: 1]
    #[arg(long, value_name = "N", value_parser = jobs)]
    pub(super) jobs: Option<usize>,
    /// Write the result as JSON; - is standard output, and nothing else goes there
    #[arg(long, value_name = "FILE")]
    pub(super) json: Option<PathBuf>,
    /// Write the result as JUnit XML
    #[arg(long, value_name = "FILE")]
    pub(super) junit: Option<PathBuf>,
    /// Show the counterexample of every row
    #[arg(long, value_name = "WHAT", value_enum)]
    pub(super) show: Option<Show>,
    /// No progress, and of the report only what is not as expected
    #[arg(long, short, action = ArgAction::SetTrue)]
    pub(super) quiet: bool,
    /// When to use colour
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = Colour::Auto)]
    pub(super) color: Colour,
}

#[derive(Debug, Group)]
pub(super) struct ProveArgs {
    /// These locks [default: all, in each placement that their claim covers]
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = find_double)]
    pub(super) lock: Vec<&'static Double>,
    /// Where the workers live: threads, processes [default: of one lock, the first that its claim covers]
    #[arg(long, value_name = "WHERE", value_delimiter = ',', value_parser = placement)]
    pub(super) placement: Vec<Placement>,
    /// How many workers
    #[arg(long, value_name = "N", default_value = "2", value_parser = several, allow_negative_numbers = true)]
    pub(super) workers: u32,
    /// How often each takes the lock, writes, reads back, and gives the lock back
    #[arg(long, value_name = "N", default_value = "1", value_parser = acquires, allow_negative_numbers = true)]
    pub(super) acquires: u32,
    /// Only interleavings of at most so many preemptions, all of them [default: any number]
    #[arg(long, value_name = "N", value_parser = preemptions, allow_negative_numbers = true)]
    pub(super) preemptions: Option<u32>,
    /// Up to so many processes are killed, each at any point (with --placement processes)
    #[arg(long, value_name = "N", default_value = "0", value_parser = crashes, allow_negative_numbers = true)]
    pub(super) crashes: u32,
    /// Also run interleavings that differ from others in the order of independent steps only
    #[arg(long, action = ArgAction::SetTrue)]
    pub(super) no_reduction: bool,
    /// Stop after so long, such as 30s, 10m or 8h; then there is no certificate
    #[arg(long = "for", value_name = "TIME", value_parser = duration)]
    pub(super) time: Option<Duration>,
    /// Where the shared file lies [default: /dev/shm where there is one]
    #[arg(long, value_name = "DIR")]
    pub(super) dir: Option<PathBuf>,
    /// Where counterexamples are saved
    #[arg(long, value_name = "DIR", default_value = "lockfuzz-found")]
    pub(super) save: PathBuf,
    /// Write the result as JSON; - is standard output, and nothing else goes there
    #[arg(long, value_name = "FILE")]
    pub(super) json: Option<PathBuf>,
}

#[derive(Debug, Group)]
pub(super) struct RunArgs {
    /// How many copies run at once
    #[arg(long, value_name = "N", value_parser = run_workers, allow_negative_numbers = true)]
    pub(super) workers: Option<u32>,
    /// The command of one worker, once for each; split into words as a shell does, without anything else
    /// that a shell does
    #[arg(long = "worker", value_name = "CMD", value_parser = words, conflicts_with_all = ["workers", "command"])]
    pub(super) worker: Vec<Words>,
    /// A line for sh, run in each fresh folder before the workers start; it is not held
    #[arg(long, value_name = "LINE")]
    pub(super) prepare: Option<String>,
    /// A folder that is copied into each fresh one
    #[arg(long, value_name = "DIR", value_parser = folder)]
    pub(super) from: Option<PathBuf>,
    /// A line for sh, run after the last exit; the schedule fails unless it succeeds
    #[arg(long, value_name = "LINE")]
    pub(super) check: Option<String>,
    /// Files whose readers must find what they wrote themselves, such as '*.json'
    #[arg(long, value_name = "GLOB")]
    pub(super) check_readback: Option<String>,
    /// Hold the workers at files in this folder too; it is not made anew, so --prepare must clean it
    #[arg(long, value_name = "DIR", value_parser = folder)]
    pub(super) watch: Vec<PathBuf>,
    /// The workers' clock begins so long after --prepare, such as 1h
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(super) age: Option<Duration>,
    /// A worker that makes no call for so long is killed, and the schedule is inconclusive [default: 10s]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(super) silence: Option<Duration>,
    /// Exit codes that are as good as 0
    #[arg(long, value_name = "CODES", value_delimiter = ',', value_parser = exit_code, allow_negative_numbers = true)]
    pub(super) ok_exit: Vec<i32>,
    /// Try all interleavings (of two workers, unless --workers says otherwise): a counterexample, or a certificate
    #[arg(long, action = ArgAction::SetTrue, conflicts_with_all = ["schedules", "faults", "scheduler", "depth", "seed", "trace_only", "expect", "junit", "jobs"])]
    pub(super) prove: bool,
    /// With --prove: also run interleavings that differ from others in the order of independent steps only
    #[arg(long, action = ArgAction::SetTrue, requires = "prove")]
    pub(super) no_reduction: bool,
    /// How many schedules at most [default: 1000]
    #[arg(long, value_name = "N", value_parser = positive)]
    pub(super) schedules: Option<u64>,
    /// For how long at most, such as 30s, 10m or 8h [default: 60s; with --schedules no limit; with --prove 10m]
    #[arg(long = "for", value_name = "TIME", value_parser = duration)]
    pub(super) time: Option<Duration>,
    /// For how long at most what was found is made smaller [default: 10s]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(super) shrink: Option<Duration>,
    /// What may go wrong: crash (a worker is killed), stall (the clock moves on although somebody could), or one call:
    /// eintr (a signal ends its wait for a lock), short-write, short-read (it writes, reads half), enospc (the disk is
    /// full), eio (fsync fails), estale (as on a network file system)
    #[arg(long, value_name = "FAULTS", value_delimiter = ',', value_parser = fault)]
    pub(super) faults: Vec<Faults>,
    /// Who picks the next step: random, pct, pos, surw, race, unmet, or mixed, which is all of these in
    /// turn [default: mixed]
    #[arg(long, value_name = "NAME", value_parser = scheduler)]
    pub(super) scheduler: Option<interleave::Kind>,
    /// How many orderings deep the bugs are that pct looks for, alone or among mixed [default: 3]
    #[arg(long, value_name = "N", value_parser = depth, allow_negative_numbers = true)]
    pub(super) depth: Option<u32>,
    /// The most preemptions that a schedule may have [default: no limit]
    #[arg(long, value_name = "N", value_parser = preemptions, allow_negative_numbers = true)]
    pub(super) preemptions: Option<u32>,
    /// Where all chance comes from [default: random, and printed]
    #[arg(long, value_name = "N")]
    pub(super) seed: Option<u64>,
    /// How many schedules run side by side, each on a core of its own
    #[arg(long, value_name = "N", default_value = "1", value_parser = jobs)]
    pub(super) jobs: usize,
    /// virtual (sleeping costs nothing, and the workers see that clock) or real
    #[arg(long, value_name = "CLOCK", value_enum, default_value_t = Clock::Virtual)]
    pub(super) clock: Clock,
    /// Run once, in order, and print the points with their counts
    #[arg(long, action = ArgAction::SetTrue)]
    pub(super) trace_only: bool,
    /// Start every worker anew for each schedule, instead of copying it at its first point where that can be
    #[arg(long, action = ArgAction::SetTrue)]
    pub(super) plain_starts: bool,
    /// A known bug must be found
    #[arg(long, value_name = "WHAT", value_enum)]
    pub(super) expect: Option<Expect>,
    /// Where the fresh folders lie [default: /dev/shm where there is one]
    #[arg(long, value_name = "DIR")]
    pub(super) dir: Option<PathBuf>,
    /// Where the counterexample is saved
    #[arg(long, value_name = "DIR", default_value = "lockfuzz-found")]
    pub(super) save: PathBuf,
    /// Write the result as JSON; - is standard output, and nothing else goes there
    #[arg(long, value_name = "FILE")]
    pub(super) json: Option<PathBuf>,
    /// Write the result as JUnit XML
    #[arg(long, value_name = "FILE")]
    pub(super) junit: Option<PathBuf>,
    /// No progress, and nothing of a pass but its one line
    #[arg(long, short, action = ArgAction::SetTrue)]
    pub(super) quiet: bool,
    /// When to use colour
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = Colour::Auto)]
    pub(super) color: Colour,
    /// The program and its words; one that names a file becomes its whole path
    #[arg(last = true, value_name = "CMD", required_unless_present = "worker")]
    pub(super) command: Vec<OsString>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Clock {
    Virtual,
    Real,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Expect {
    Race,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Show {
    All,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Colour {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Group)]
pub(super) struct ReplayArgs {
    /// A saved counterexample
    pub(super) file: PathBuf,
    /// How often to run it
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = positive)]
    pub(super) times: u64,
    /// Where the shared file lies [default: /dev/shm where there is one]
    #[arg(long, value_name = "DIR")]
    pub(super) dir: Option<PathBuf>,
}

#[derive(Debug, Group)]
pub(super) struct ExplainArgs {
    /// A saved counterexample
    pub(super) file: PathBuf,
    /// Of one that `lockfuzz run` found: print a shell script in which strace alone delays the calls that matter; it is
    /// run ten times first, and printed if all of these fail
    #[arg(long, action = ArgAction::SetTrue)]
    pub(super) script: bool,
    /// Where the script is run [default: /dev/shm where there is one]
    #[arg(long, value_name = "DIR", requires = "script")]
    pub(super) dir: Option<PathBuf>,
}

#[derive(Debug, Group)]
pub(super) struct ReportArgs {
    /// A saved counterexample
    pub(super) file: PathBuf,
    /// The Markdown file; - is standard output
    #[arg(long, short, value_name = "FILE", default_value = "-")]
    pub(super) output: PathBuf,
    /// Run nothing, and leave out the script
    #[arg(long, action = ArgAction::SetTrue)]
    pub(super) no_script: bool,
    /// Where the script is run [default: /dev/shm where there is one]
    #[arg(long, value_name = "DIR", conflicts_with = "no_script")]
    pub(super) dir: Option<PathBuf>,
}

#[derive(Debug, Group)]
pub(super) struct PlotArgs {
    /// A saved counterexample, or a schedule as `lockfuzz schedule --json` prints it; - is standard input
    pub(super) file: PathBuf,
    /// The SVG file; - is standard output
    #[arg(long, short, value_name = "FILE", default_value = "-")]
    pub(super) output: PathBuf,
    /// For a schedule: the lock that it is run under
    #[arg(long, value_name = "NAME", default_value = "flag", value_parser = find_double)]
    pub(super) lock: &'static Double,
}

#[derive(Debug, Group)]
pub(super) struct ScheduleArgs {
    /// How many workers
    #[arg(long, value_name = "N", default_value = "5", value_parser = worker_count, allow_negative_numbers = true)]
    pub(super) workers: u32,
    /// Seconds between ticks
    #[arg(long, value_name = "SECONDS", default_value = "2.0", value_parser = period, allow_negative_numbers = true)]
    pub(super) period: Time,
    /// How each tick is sorted: as-generated, force-write, force-read
    #[arg(long, value_name = "ORDER", default_value = "as-generated", value_parser = order)]
    pub(super) order: Order,
    /// Print the form that is saved
    #[arg(long, action = ArgAction::SetTrue)]
    pub(super) json: bool,
}

/// The variables of proptest that are meant for us. One that is not a number is an error here, where
/// proptest itself would go on with its default. What is left is the number of cases.
pub(super) fn environment() -> Result<Option<u64>, String> {
    let number = |name: &str, least: u64, most: u64| {
        let Some(value) = std::env::var_os(name) else { return Ok(None) };
        let number = value.to_str().and_then(|text| text.parse().ok());
        let number = number.filter(|number| (least..=most).contains(number));
        number.map(Some).ok_or_else(|| {
            format!(
                "{name}={}: a whole number from {least} is needed; correct it or unset it",
                value.display()
            )
        })
    };
    number("PROPTEST_MAX_SHRINK_ITERS", 0, u32::MAX.into())?;
    number("PROPTEST_RNG_SEED", 0, u64::MAX)?;
    number("PROPTEST_CASES", 1, u64::MAX)
}

fn run_workers(text: &str) -> Result<u32, String> {
    let count = text.trim().parse().ok().filter(|n| (2..=16).contains(n));
    count.ok_or_else(|| "it takes 2 to 16 workers".to_owned())
}

fn words(text: &str) -> Result<Words, String> {
    let words = shlex::split(text).ok_or("a quote is not closed, or a backslash stands at the end")?;
    if words.is_empty() { Err("there is no command".to_owned()) } else { Ok(words) }
}

fn folder(text: &str) -> Result<PathBuf, String> {
    let path = std::fs::canonicalize(text).map_err(|why| why.to_string())?;
    if path.is_dir() { Ok(path) } else { Err("this is not a folder".to_owned()) }
}

fn exit_code(text: &str) -> Result<i32, String> {
    let code = text.trim().parse().ok().filter(|code| (0..=255).contains(code));
    code.ok_or_else(|| "an exit code is a whole number from 0 to 255".to_owned())
}

fn fault(text: &str) -> Result<Faults, String> {
    word(text, &Faults::OF_PROGRAMS, Faults::name)
}

fn positive(text: &str) -> Result<u64, String> {
    text.parse().ok().filter(|&n| n > 0).ok_or_else(|| "a whole number from 1 is needed".to_owned())
}

/// The deepest bug that [`interleave::Pct`] can be sent after. The odds fall with each ordering by the
/// length of an execution, so that nobody finds one half as deep.
const DEEPEST: u32 = 64;

fn depth(text: &str) -> Result<u32, String> {
    let depth = text.parse().ok().filter(|n| (1..=DEEPEST).contains(n));
    depth.ok_or_else(|| format!("a depth is a whole number from 1 to {DEEPEST}"))
}

fn preemptions(text: &str) -> Result<u32, String> {
    let most = text.parse().ok().filter(|&n| n as usize <= MAX_CHOICES);
    most.ok_or_else(|| format!("a whole number from 0 to {MAX_CHOICES} is needed"))
}

/// Who is dead cannot be killed.
fn crashes(text: &str) -> Result<u32, String> {
    let most = text.parse().ok().filter(|n| (0..=MAX_WORKERS).contains(n));
    most.ok_or_else(|| format!("a whole number from 0 to {MAX_WORKERS} is needed"))
}

fn jobs(text: &str) -> Result<usize, String> {
    let jobs = text.parse().ok().filter(|n| (1..=256).contains(n));
    jobs.ok_or_else(|| "a whole number from 1 to 256 is needed".to_owned())
}

fn worker_count(text: &str) -> Result<u32, String> {
    let count = text.trim().parse().ok().filter(|n| (1..=MAX_WORKERS).contains(n));
    count.ok_or_else(|| format!("a case has 1 to {MAX_WORKERS} workers"))
}

fn several(text: &str) -> Result<u32, String> {
    let count = text.trim().parse().ok().filter(|n| (2..=MAX_WORKERS).contains(n));
    count.ok_or_else(|| format!("a proof is about 2 to {MAX_WORKERS} workers"))
}

fn acquires(text: &str) -> Result<u32, String> {
    let count = text.trim().parse().ok().filter(|n| (1..=MAX_COMMANDS as u32).contains(n));
    count.ok_or_else(|| format!("a whole number from 1 to {MAX_COMMANDS} is needed"))
}

fn workers(text: &str) -> Result<RangeInclusive<u32>, String> {
    let (low, high) = match text.split_once("..") {
        None => (text, text),
        Some((low, high)) => (low, high.strip_prefix('=').unwrap_or(high)),
    };
    let (low, high) = (worker_count(low)?, worker_count(high)?);
    if low > high {
        return Err(format!("the range is empty; did you mean {high}..={low}?"));
    }
    Ok(low..=high)
}

fn period(text: &str) -> Result<Time, String> {
    let day = Time::from_micros(86_400_000_000);
    let period = text.parse().ok().filter(|t| (Time::from_micros(1)..=day).contains(t));
    period.ok_or_else(|| "a period is a number of seconds from 0.000001 to 86400".to_owned())
}

fn duration(text: &str) -> Result<Duration, String> {
    let units = [("ms", 0.001), ("s", 1.0), ("m", 60.0), ("h", 3600.0), ("d", 86400.0)];
    let length = units.iter().find_map(|(unit, secs)| {
        let number: f64 = text.strip_suffix(unit)?.trim().parse().ok()?;
        Some(number * secs).filter(|secs| *secs > 0.0 && *secs <= 31_536_000.0)
    });
    length.map(Duration::from_secs_f64).ok_or_else(|| "a time is written like 30s, 10m or 8h".to_owned())
}

/// One of a few words.
fn word<T: Copy>(text: &str, all: &[T], name: fn(T) -> &'static str) -> Result<T, String> {
    all.iter().copied().find(|&value| name(value) == text).ok_or_else(|| {
        let words: Vec<&str> = all.iter().map(|&value| name(value)).collect();
        format!("one of these is needed: {}", words.join(", "))
    })
}

fn placement(text: &str) -> Result<Placement, String> {
    word(text, &Placement::ALL, Placement::name)
}

fn order(text: &str) -> Result<Order, String> {
    word(text, &Order::ALL, Order::name)
}

fn faults(text: &str) -> Result<Faults, String> {
    word(text, &Faults::ALL, Faults::name)
}

fn scope(text: &str) -> Result<Scope, String> {
    word(text, &Scope::ALL, Scope::name)
}

fn scheduler(text: &str) -> Result<interleave::Kind, String> {
    word(text, &interleave::Kind::ALL, interleave::Kind::name)
}

fn engine(text: &str) -> Result<Kind, String> {
    word(text, &Kind::ALL, Kind::name)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn words_become_values() {
        assert_eq!(workers("5"), Ok(5..=5));
        assert_eq!(workers("2..=8"), Ok(2..=8));
        assert_eq!(workers("8..2"), Err("the range is empty; did you mean 2..=8?".to_owned()));
        assert_eq!(duration("10m"), Ok(Duration::from_secs(600)));
        assert_eq!(duration("1.5s"), Ok(Duration::from_millis(1500)));
        for bad in ["", "5", "-1s", "0s", "NaNs", "1e300h", "s"] {
            assert!(duration(bad).is_err(), "{bad:?}");
        }
        for bad in ["0", "-1", "NaN", "1e300", "inf", "", "1e-9"] {
            assert!(period(bad).is_err(), "{bad:?}");
        }
        for bad in ["0", "10000", "-3", "2..=10000", "..", "x"] {
            assert!(workers(bad).is_err(), "{bad:?}");
        }
    }
}
