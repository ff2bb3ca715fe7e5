//! The command line: one file for each verb, and the exit codes.

mod args;
mod explain;
mod fuzz;
mod locks;
mod plot;
mod prove;
mod replay;
mod report;
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod run;
mod schedule;
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod script;
mod workspace;

use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

use crate::check::{Reason, Verdict};
use crate::error::Error;
use crate::lock::{ALL, Double};

/// Why the program ends, as its exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All as expected.
    Expected = 0,
    /// lockfuzz itself failed.
    Broken = 1,
    /// Bad usage or input.
    Usage = 2,
    /// Nothing ran.
    Nothing = 4,
    /// It cannot be told.
    Inconclusive = 5,
    /// A claim was broken.
    Failed = 100,
    /// Stopped by the user before anything was found.
    Interrupted = 130,
}

impl From<&Verdict> for Exit {
    fn from(verdict: &Verdict) -> Exit {
        match verdict {
            Verdict::Pass(_) => Exit::Expected,
            Verdict::Fail(_) => Exit::Failed,
            Verdict::Inconclusive { reason: Reason::NothingRan } => Exit::Nothing,
            Verdict::Inconclusive { .. } => Exit::Inconclusive,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// A sentence for the user, and the exit code that goes with it.
#[derive(Debug)]
struct Trouble {
    exit: Exit,
    sentence: String,
}

impl Trouble {
    fn usage(sentence: impl fmt::Display) -> Self {
        Trouble { exit: Exit::Usage, sentence: sentence.to_string() }
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        let exit = match error {
            Error::UnknownLock { .. } | Error::Illegal(_) => Exit::Usage,
            Error::Program { .. } | Error::Prepare { .. } | Error::NoProgram => Exit::Usage,
            Error::Interrupted => Exit::Interrupted,
            Error::Unclean { .. } => Exit::Inconclusive,
            _ => Exit::Broken,
        };
        let hint = match &error {
            Error::Failed { source, .. } | Error::Folder { source, .. } | Error::Save { source, .. }
                if source.kind() == io::ErrorKind::StorageFull =>
            {
                "; make room there, or name another folder"
            }
            _ => "",
        };
        Trouble { exit, sentence: format!("{error}{hint}") }
    }
}

/// Runs the program that the words of the command line ask for.
pub fn run() -> ExitCode {
    let went = match args::Args::parse().verb {
        args::Verb::Fuzz(args) => fuzz::run(*args),
        #[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
        args::Verb::Run(args) => run::run(*args),
        #[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
        args::Verb::Run(_) => Err(Trouble::usage("programs are held on Linux alone, on x86-64 and aarch64")),
        args::Verb::Prove(args) => prove::run(*args),
        args::Verb::Replay(args) => replay::run(args),
        args::Verb::Explain(args) => explain::run(args),
        args::Verb::Report(args) => report::run(&args),
        args::Verb::Plot(args) => plot::run(args),
        args::Verb::Schedule(args) => schedule::run(args),
        args::Verb::Locks => locks::run(),
        args::Verb::Worker { workers, folder } => {
            crate::worker::process::work(&workers, &folder, &ALL).map(|()| Exit::Expected).map_err(|why| {
                Trouble::usage(format_args!("a worker is started by lockfuzz itself, not by hand ({why})"))
            })
        }
        args::Verb::Guard { folder } => workspace::guard(&folder).map(|()| Exit::Expected).map_err(|why| {
            Trouble::usage(format_args!("a guard is started by lockfuzz itself, not by hand ({why})"))
        }),
    };
    went.unwrap_or_else(|trouble| {
        let _ = writeln!(io::stderr(), "lockfuzz: {}", trouble.sentence);
        trouble.exit
    })
    .into()
}

/// Writes to standard output. Whoever reads it may have gone; that is no failure of ours. A full disk
/// is one.
fn say(text: &str) -> Result<(), Trouble> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(why) if why.kind() != io::ErrorKind::BrokenPipe => {
            let sentence = format!("cannot write to standard output: {why}");
            Err(Trouble { exit: Exit::Broken, sentence })
        }
        _ => Ok(()),
    }
}

fn find_double(name: &str) -> Result<&'static Double, String> {
    if let Some(double) = ALL.iter().find(|double| double.name == name) {
        return Ok(double);
    }
    let near = |double: &&&Double| strsim::jaro_winkler(double.name, name);
    let nearest = ALL.iter().max_by(|a, b| near(a).total_cmp(&near(b))).expect("the list is not empty");
    Err(format!("no lock is called {name:?}; did you mean {:?}? (`lockfuzz locks` lists them)", nearest.name))
}
