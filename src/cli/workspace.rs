//! The private folder of a run, and the guard that clears it away if we are killed.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use rustix::pipe::{PipeFlags, pipe_with};
use tempfile::TempDir;

use super::Trouble;
use crate::error::unnamed;
use crate::worker::process::await_end;
use crate::worker::{Launch, Staff};

/// How the names of these folders begin.
const PREFIX: &str = "lockfuzz-";

/// A fresh folder. It goes when this is dropped, and a small process of its own removes it should the
/// driver die without dropping anything.
pub(super) struct Workspace {
    folder: Option<TempDir>,
    guard: Child,
    lifeline: Option<OwnedFd>,
}

impl Workspace {
    /// A folder inside `dir`; without one, on /dev/shm where that is, else among the temporary files.
    pub(super) fn new(dir: Option<&Path>) -> Result<Self, Trouble> {
        let (parent, flag) = match dir {
            Some(dir) => (dir.to_owned(), format!("--dir {}", dir.display())),
            None => (default_dir(), "the folder for the shared file".to_owned()),
        };
        let refuse = |why: io::Error| {
            let hint = "name a folder with some room that you may write to";
            Trouble::usage(format_args!("{flag}: cannot make files there: {}; {hint}", unnamed(why)))
        };
        let parent = fs::canonicalize(&parent).map_err(refuse)?;
        let (theirs, lifeline) = pipe_with(PipeFlags::CLOEXEC).map_err(|why| refuse(why.into()))?;
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(&parent).map_err(refuse)?;
        let mut command = Launch::itself(&["guard"]).command();
        let guard = command.arg(folder.path()).stdin(Stdio::from(theirs)).stdout(Stdio::null()).spawn();
        let workspace =
            Workspace { folder: Some(folder), guard: guard.map_err(refuse)?, lifeline: Some(lifeline) };
        // Takes a while on a slow disk, so the guard is there already.
        has_room(workspace.path()).map_err(refuse)?;
        Ok(workspace)
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.as_ref().expect("there until dropped").path()
    }

    /// What crews are made from, here.
    pub(super) fn staff(&self) -> Staff {
        Staff::new(self.path(), Launch::itself(&["worker"]))
    }

    /// Where it is, and on what: `/dev/shm (tmpfs)`.
    pub(super) fn describe(&self) -> String {
        let parent = self.path().parent().unwrap_or(self.path());
        match rustix::fs::statfs(parent).ok().and_then(|stat| file_system(stat.f_type as u64)) {
            Some(name) => format!("{} ({name})", parent.display()),
            None => parent.display().to_string(),
        }
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        self.folder = None;
        self.lifeline = None;
        let _ = self.guard.wait();
    }
}

/// The whole life of a guard: waits for the driver's end, then removes what it left.
///
/// # Errors
/// When the process was not started by a driver: it removes nobody else's folder.
pub(super) fn guard(folder: &Path) -> io::Result<()> {
    let lifeline = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let ours = folder.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(PREFIX.as_bytes()));
    if !ours || !lifeline.metadata()?.file_type().is_fifo() {
        return Err(io::Error::other("no driver at the other end"));
    }
    await_end(lifeline);
    // Workers that are just dying may still be putting files there.
    for _ in 0..50 {
        match fs::remove_dir_all(folder) {
            Err(why) if why.kind() != io::ErrorKind::NotFound => {
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
            _ => break,
        }
    }
    Ok(())
}

fn default_dir() -> PathBuf {
    let shared = Path::new("/dev/shm");
    let usable = tempfile::tempfile_in(shared).is_ok();
    if usable { shared.to_owned() } else { std::env::temp_dir() }
}

/// Room for a few files: a lock file and a shared file for each job.
fn has_room(folder: &Path) -> io::Result<()> {
    let mut file = tempfile::tempfile_in(folder)?;
    file.write_all(&[0; 16 * 1024])?;
    file.sync_data()
}

/// The names of the file systems that one meets (statfs(2)).
fn file_system(magic: u64) -> Option<&'static str> {
    Some(match magic {
        0x0102_1994 => "tmpfs",
        0xef53 => "ext4",
        0x5846_5342 => "xfs",
        0x9123_683e => "btrfs",
        0x794c_7630 => "overlay",
        0x6969 => "nfs",
        0x2fc1_2fc1 => "zfs",
        0x0102_1997 => "9p",
        0x6573_5546 => "fuse",
        _ => return None,
    })
}
