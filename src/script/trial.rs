//! Runs a script, and looks after what it starts.

use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tempfile::TempDir;

use super::Refused;
use crate::error::{Error, unnamed};

/// How often it is looked whether a run is over.
const LOOK: Duration = Duration::from_millis(5);

/// Where scripts are run.
pub(super) struct Trial<'a> {
    pub(super) folder: &'a Path,
    pub(super) interrupt: &'a AtomicBool,
}

/// How a run of a script ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    Failed,
    Passed,
    /// It was ended after so long.
    Late(Duration),
}

/// The version of strace, if it is there and may trace: `strace 6.1`.
///
/// # Errors
/// [`Refused::NoStrace`] with the reason.
pub(super) fn strace(folder: &Path) -> Result<String, Refused> {
    let said = |words: &[&str]| {
        let went = Command::new("strace").args(words).current_dir(folder).stdin(Stdio::null()).output();
        let went = went.map_err(|why| Refused::NoStrace(why.to_string()))?;
        match went.status.success() {
            true => Ok(String::from_utf8_lossy(&went.stdout).into_owned()),
            false => {
                let why = String::from_utf8_lossy(&went.stderr);
                Err(Refused::NoStrace(why.lines().next().unwrap_or("it says nothing").to_owned()))
            }
        }
    };
    said(&["-o", "/dev/null", "true"])?;
    let version = said(&["-V"])?;
    let number = version.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    Ok(format!("strace {}", number.unwrap_or("of an unknown version")))
}

impl Trial<'_> {
    /// A fresh folder for a run whose logs are looked at afterwards.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(super) fn fresh(&self) -> Result<TempDir, Error> {
        let made = tempfile::Builder::new().prefix("kept-").tempdir_in(self.folder);
        made.map_err(|why| Error::Folder { path: self.folder.to_owned(), source: unnamed(why) })
    }

    /// Runs it once.
    ///
    /// # Errors
    /// When it cannot be run to its end, or says itself that it cannot.
    pub(super) fn run(&self, text: &str, patience: Duration) -> Result<Ended, Refused> {
        let failed = |source: io::Error| Error::Folder { path: self.folder.to_owned(), source };
        let folder = self.fresh()?;
        let script = folder.path().join("script");
        fs::write(&script, text).map_err(failed)?;
        let [out, err] = ["out", "err"].map(|name| folder.path().join(name));
        let mut shell = Command::new("sh");
        shell.arg(&script).current_dir(folder.path()).env("TMPDIR", folder.path());
        shell.stdin(Stdio::null()).process_group(0);
        shell.stdout(File::create(&out).map_err(failed)?).stderr(File::create(&err).map_err(failed)?);
        let mut child = shell.spawn().map_err(failed)?;
        let group = Pid::from_child(&child);
        let start = Instant::now();
        let ended = loop {
            // It is not reaped yet, so that the number of its group is nobody else's.
            let seen = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
            let ended = waitid(WaitId::Pid(group), seen).map_err(|why| failed(why.into()))?.is_some();
            if ended || start.elapsed() > patience || self.interrupt.load(Ordering::Relaxed) {
                break ended;
            }
            thread::sleep(LOOK);
        };
        // What its workers have left running as well.
        let _ = kill_process_group(group, Signal::KILL);
        let status = child.wait().map_err(failed)?;
        if self.interrupt.load(Ordering::Relaxed) {
            return Err(Error::Interrupted.into());
        }
        let said = fs::read_to_string(&out).unwrap_or_default();
        match status.code() {
            _ if !ended => Ok(Ended::Late(patience)),
            Some(0) => Ok(Ended::Passed),
            Some(1) if said.lines().any(|line| line.starts_with("FAILED: ")) => Ok(Ended::Failed),
            _ => {
                let why = fs::read_to_string(&err).unwrap_or_default();
                let why = why.lines().last().unwrap_or("it says nothing").to_owned();
                Err(Refused::CannotRun(why))
            }
        }
    }
}
