//! Workers in processes of their own: one in each, or several as its threads.
//!
//! A worker process gets two descriptors: the board's memory as its standard input, and the reading
//! end of a pipe as its standard output. Nobody ever writes to that pipe. It ends when the driver
//! does, however it does, and then the worker ends as well.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read};
use std::ops::RangeInclusive;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::thread::Builder;

use super::board::Board;
use super::crew::Staff;
use super::{Place, live, thread};
use crate::lock::Double;
use crate::schedule::Wid;
use crate::sys::mapping::Mapping;

/// The program that becomes a worker process: it is started with these words, then the numbers of the
/// workers that live in it and the folder, and must call [`work`] with those two.
#[derive(Clone, Debug)]
pub struct Launch {
    program: PathBuf,
    words: Vec<OsString>,
    /// The check of a test that the process must come to; it is told so by its environment.
    check: Option<String>,
}

/// What the environment of a worker process that a test has started says.
pub(crate) struct Called {
    /// Which check is to be served.
    pub(crate) check: String,
    /// The numbers of the workers that live here, and the folder.
    pub(crate) workers: OsString,
    pub(crate) folder: PathBuf,
}

const CHECK: &str = "LOCKFUZZ_CHECK";
const WORKERS: &str = "LOCKFUZZ_WORKERS";
const FOLDER: &str = "LOCKFUZZ_FOLDER";

/// Is this process the worker of a test?
pub(crate) fn called() -> Option<Called> {
    let check = std::env::var(CHECK).ok()?;
    Some(Called { check, workers: std::env::var_os(WORKERS)?, folder: std::env::var_os(FOLDER)?.into() })
}

impl Launch {
    /// A program, and the words that come first.
    pub fn new(program: impl Into<PathBuf>, words: &[&str]) -> Self {
        Launch { program: program.into(), words: words.iter().map(OsString::from).collect(), check: None }
    }

    /// The running test binary, sent to one test of its own. When it comes to the check of this name
    /// it must find out by [`called`], and call [`work`].
    pub(crate) fn test(test: &str, check: &str) -> Self {
        // nextest and cargo test both say it like this. A test that is ignored was asked for by name.
        let words = [test, "--exact", "--nocapture", "--include-ignored", "--test-threads=1"];
        Launch { check: Some(check.to_owned()), ..Launch::itself(&words) }
    }

    /// The running program itself, even if its file has been replaced since.
    pub fn itself(words: &[&str]) -> Self {
        Launch::new("/proc/self/exe", words)
    }

    /// The command without its last words.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        // Of a group of its own, so that Ctrl-C reaches the driver alone.
        command.args(&self.words).process_group(0);
        command
    }
}

pub(super) fn start(
    staff: &Staff,
    board: &Mapping<Board>,
    lifeline: &OwnedFd,
    workers: RangeInclusive<Wid>,
) -> io::Result<Child> {
    let memory = board.memory().try_clone_to_owned()?;
    let mut command = staff.launch.command();
    let numbers: Vec<String> = workers.map(|wid| wid.to_string()).collect();
    let numbers = numbers.join(",");
    match &staff.launch.check {
        None => command.arg(numbers).arg(&staff.folder),
        Some(check) => command.env(CHECK, check).env(WORKERS, numbers).env(FOLDER, &staff.folder),
    };
    command.stdin(Stdio::from(memory)).stdout(Stdio::from(lifeline.try_clone()?));
    spawn(&mut command)
}

/// Starts a process while no worker of this one is at work.
pub(crate) fn spawn(command: &mut Command) -> io::Result<Child> {
    let _alone = alone();
    command.spawn()
}

/// For as long as it is held, no worker of this process is at work.
pub(crate) fn alone() -> RwLockWriteGuard<'static, ()> {
    BIRTHS.write().unwrap_or_else(PoisonError::into_inner)
}

/// From its birth until it runs its own program, a new process has every file open that its parent has, and
/// so holds on to the locks on them. While workers of this process are at work, none may be born.
static BIRTHS: RwLock<()> = RwLock::new(());

/// Keeps this process from having children for as long as it is held.
pub(crate) fn no_births() -> RwLockReadGuard<'static, ()> {
    BIRTHS.read().unwrap_or_else(PoisonError::into_inner)
}

/// A whole life as a worker process. Comes back when the driver sends its workers away.
///
/// # Errors
/// When the process was not started by a driver.
pub fn work(workers: &OsStr, folder: &Path, doubles: &[&Double]) -> io::Result<()> {
    static MUTEX: Mutex<()> = Mutex::new(());
    let numbers = workers.to_str().map(|text| text.split(',').map(str::parse).collect());
    let Some(Ok(workers)): Option<Result<Vec<Wid>, _>> = numbers else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not the numbers of workers"));
    };
    let (&last, others) = workers.split_last().expect("a split text has a part");
    let memory = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let board = Arc::new(Mapping::<Board>::open(memory)?);
    end_with(File::from(io::stdout().as_fd().try_clone_to_owned()?));
    let place = Place { board: &board, folder, doubles, mutex: &MUTEX, local: None };
    std::thread::scope(|scope| {
        for &wid in others {
            Builder::new().name(thread::name(wid)).spawn_scoped(scope, move || live(place, wid))?;
        }
        live(place, last);
        Ok(())
    })
}

/// Ends this process, whatever it is doing, when the other end of `lifeline` is closed.
fn end_with(lifeline: File) {
    static ONCE: OnceLock<()> = OnceLock::new();
    ONCE.get_or_init(|| {
        std::thread::spawn(move || {
            await_end(lifeline);
            let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        });
    });
}

/// Sleeps until whoever holds the other end of `lifeline` has closed it or is gone.
pub(crate) fn await_end(mut lifeline: File) {
    let mut byte = [0];
    while lifeline.read(&mut byte).is_err_and(|why| why.kind() == io::ErrorKind::Interrupted) {}
}
