//! `fcntl-close`: a POSIX record lock between processes, a mutex between the threads of each.
//!
//! The usual remedy for [`fcntl`](super::FCNTL), which excludes no threads, and what databases over files
//! have to do. Each half is right. But a record lock is gone once its process closes the file, whichever
//! handle it is; here every worker looks at the lock file (who has it? since when?) before it asks for
//! the mutex. So a thread that only wants to wait for its neighbour takes the neighbour's lock away, and
//! another process gets it. It takes two threads of one process and one of another.

use std::io::{self, Read};
use std::path::PathBuf;

use super::FLOCK_UPGRADE;
use super::{flocked, found};
use crate::case::Placement;
use crate::fs::{File, OpenOptions};
use crate::lock::mutex::StdMutex;
use crate::lock::{Claim, Double, Least, Lock, Site, TryLock};
use crate::stage::{self, Access, Object};

/// A look costs the neighbour its lock.
pub const FCNTL_CLOSE: Double = Double {
    name: "fcntl-close",
    what: "a mutex, then a record lock; looks at the lock file beforehand",
    promise: "excludes the threads of one process; other processes only where none has two threads",
    claim: Claim::Unmixed,
    neighbour: Some(&FLOCK_UPGRADE),
    workers: 3,
    placements: &Placement::ALL,
    open: &|site| Ok(Box::new(FcntlClose::at(site))),
    least: &[Least::preemptions(1).only_in(&[Placement::Mixed])],
    ..Double::PLAIN
};

struct FcntlClose {
    path: PathBuf,
    mutex: StdMutex,
    /// It has looked since it last held the lock.
    looked: bool,
    /// Open while it waits for other processes, and while it holds.
    file: Option<File>,
}

impl FcntlClose {
    fn at(site: &Site<'_>) -> Self {
        FcntlClose { path: site.path.clone(), mutex: StdMutex::at(site), looked: false, file: None }
    }

    fn look(&self) -> io::Result<()> {
        if let Some(mut file) = found(File::open(&self.path))? {
            file.read_to_string(&mut String::new())?;
        }
        Ok(())
    }

    fn take_mutex(&mut self) -> TryLock {
        stage::point(&[Access::Change(mutex())]);
        let tried = self.mutex.try_lock();
        let word = if matches!(tried, TryLock::Acquired) { "ok" } else { "would block" };
        stage::note(format_args!("mutex: {word}"));
        tried
    }

    fn attempt(&mut self) -> io::Result<TryLock> {
        if !self.looked {
            self.look()?;
            self.looked = true;
        }
        let file = match self.file.take() {
            Some(file) => file,
            None => match self.take_mutex() {
                TryLock::Acquired => match OpenOptions::new().write(true).create(true).open(&self.path) {
                    Ok(file) => file,
                    Err(why) => return self.leave().and(Err(why)),
                },
                other => return Ok(other),
            },
        };
        let outcome = flocked(file.try_lock_record())?;
        self.file = Some(file);
        Ok(outcome)
    }

    /// Closing the file gives the record lock back, if it is still there.
    fn leave(&mut self) -> io::Result<()> {
        self.looked = false;
        self.file = None;
        stage::point(&[Access::Change(mutex())]);
        let went = self.mutex.unlock();
        stage::note(format_args!("mutex unlock: ok"));
        stage::changed();
        went
    }
}

/// The mutex of this worker's process.
fn mutex() -> Object {
    Object::memory_here("mutex")
}

impl Lock for FcntlClose {
    fn try_lock(&mut self) -> TryLock {
        self.attempt().unwrap_or_else(TryLock::Failed)
    }

    fn unlock(&mut self) -> io::Result<()> {
        self.leave()
    }
}
