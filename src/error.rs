//! lockfuzz itself failed. Never a verdict on a lock.

use std::io;
use std::path::PathBuf;

use crate::schedule::{Command, Illegal, Wid};

/// What was being done, to what, and why it failed.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum Error {
    #[error("no lock is called {name:?}")]
    UnknownLock { name: String },
    #[error("this case cannot be run: {0}")]
    Illegal(#[from] Illegal),
    #[error("cannot start worker {worker}: {source}")]
    Start { worker: Wid, source: io::Error },
    #[error("cannot share memory with the workers: {0}")]
    Memory(io::Error),
    #[error("worker {worker} could not {command} in {folder}: {source}", command = command.name(), folder = .folder.display())]
    Failed { worker: Wid, command: Command, folder: PathBuf, source: io::Error },
    #[error("the run has more than {0} events")]
    TooLong(usize),
    #[error("the scheduler chose number {chosen} of {enabled} that could go on, counted from 0")]
    Scheduler { chosen: usize, enabled: usize },
    #[error("cannot use {path} for the shared file: {source}", path = .path.display())]
    Folder { path: PathBuf, source: io::Error },
    #[error("cannot save {path}: {source}", path = .path.display())]
    Save { path: PathBuf, source: io::Error },
    #[error("cannot listen to signals: {0}")]
    Signals(io::Error),
    #[error("a lock is not a program that could be traced")]
    NoProgram,
    #[error("cannot run {program}: {source}")]
    Program { program: String, source: io::Error },
    #[error("the line of --prepare fails: {line}{}", if .said.is_empty() { String::new() } else { format!(" ({said})") })]
    Prepare { line: String, said: String },
    #[error("cannot trace a program: {source}; {hint}")]
    Forbidden { hint: String, source: io::Error },
    #[error("tracing has failed: {0}")]
    Trace(io::Error),
    #[error("{path} was another one when the first schedule began: --prepare must put it back", path = .path.display())]
    Unclean { path: PathBuf },
    #[error("interrupted")]
    Interrupted,
}

/// The same, without the name of the temporary file that tempfile puts behind it.
pub(crate) fn unnamed(why: io::Error) -> io::Error {
    match why.to_string().split_once(" at path \"") {
        Some((plain, _)) => io::Error::new(why.kind(), plain),
        None => why,
    }
}
