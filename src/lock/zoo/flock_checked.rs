//! `flock-checked`: flock(2), then look whether the path still stands for the file that was locked.
//!
//! The remedy for [`flock-unlink`](super::FLOCK_UNLINK): a holder may unlink the file, because whoever
//! gets the lock of a file without a name notices, and opens anew.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use super::{FLOCK_UNLINK, flocked, found};
use crate::case::Faults;
use crate::fs::{self, File, OpenOptions};
use crate::lock::{Claim, Double, Lock, TryLock, Withstands};

/// flock, and a second look.
pub const FLOCK_CHECKED: Double = Double {
    name: "flock-checked",
    what: "flock, then compares the inode with the path's, else opens anew",
    promise: "excludes everyone; the kernel gives it back when its holder dies",
    claim: Claim::Everyone,
    neighbour: Some(&FLOCK_UNLINK),
    open: &|site| Ok(Box::new(FlockChecked { path: site.path.clone(), file: None })),
    withstands: Withstands::ALL,
    faults: &[Faults::CRASH],
    ..Double::PLAIN
};

/// How often one try opens anew.
const ROUNDS: u32 = 3;

struct FlockChecked {
    path: PathBuf,
    /// Open while it waits, and while it holds.
    file: Option<File>,
}

impl FlockChecked {
    fn attempt(&mut self) -> io::Result<TryLock> {
        for _ in 0..ROUNDS {
            let file = match self.file.take() {
                Some(file) => file,
                None => OpenOptions::new().write(true).create(true).open(&self.path)?,
            };
            let outcome = flocked(file.try_lock())?;
            if matches!(outcome, TryLock::WouldBlock) || self.names(&file)? {
                self.file = Some(file);
                return Ok(outcome);
            }
        }
        Ok(TryLock::WouldBlock)
    }

    /// Is this the file that the path stands for?
    fn names(&self, file: &File) -> io::Result<bool> {
        let mine = file.metadata()?;
        let there = found(fs::metadata(&self.path))?;
        Ok(there.is_some_and(|there| (there.dev(), there.ino()) == (mine.dev(), mine.ino())))
    }
}

impl Lock for FlockChecked {
    fn try_lock(&mut self) -> TryLock {
        self.attempt().unwrap_or_else(TryLock::Failed)
    }

    fn unlock(&mut self) -> io::Result<()> {
        // While it is still locked: afterwards it would be the next one's.
        fs::remove_file(&self.path)?;
        self.file = None;
        Ok(())
    }
}
