//! A private folder for a check, and somebody who clears it away should we be killed.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::pipe::{PipeFlags, pipe_with};
use tempfile::TempDir;

use crate::error::{Error, unnamed};
use crate::worker::process::spawn;

/// A fresh folder. It goes when this is dropped; if the process dies without dropping anything, a
/// shell that waits for its end removes it.
#[derive(Debug)]
pub(super) struct Place {
    folder: Option<TempDir>,
    guard: Child,
    lifeline: Option<OwnedFd>,
}

/// Waits for the end of its input, then removes the folder. Workers that are just dying may still be
/// putting files there.
const GUARD: &str = "read -r _; for _ in 1 2 3 4 5 6 7 8 9; do \
    rm -rf -- \"$0\" 2>/dev/null; [ -e \"$0\" ] || exit 0; sleep 0.1; done";

impl Place {
    /// In memory where that can be had.
    pub(super) fn new() -> Result<Self, Error> {
        let memory = Path::new("/dev/shm");
        let parent = if tempfile::tempfile_in(memory).is_ok() { memory.into() } else { std::env::temp_dir() };
        let refuse = |source: io::Error| Error::Folder { path: parent.clone(), source: unnamed(source) };
        let folder = tempfile::Builder::new()
            .prefix(&format!("lockfuzz-check-{}-", std::process::id()))
            .tempdir_in(&parent)
            .map_err(refuse)?;
        let (theirs, lifeline) = pipe_with(PipeFlags::CLOEXEC).map_err(|why| refuse(why.into()))?;
        let mut guard = Command::new("sh");
        // Of a group of its own, so that what ends the test does not end the guard.
        guard.args(["-c", GUARD]).arg(folder.path()).process_group(0);
        guard.stdin(Stdio::from(theirs)).stdout(Stdio::null()).stderr(Stdio::null());
        let guard = spawn(&mut guard).map_err(refuse)?;
        Ok(Place { folder: Some(folder), guard, lifeline: Some(lifeline) })
    }

    pub(super) fn path(&self) -> PathBuf {
        self.folder.as_ref().expect("there until dropped").path().to_owned()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.folder = None;
        self.lifeline = None;
        let _ = self.guard.wait();
    }
}
