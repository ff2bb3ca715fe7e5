//! `fcntl`: a POSIX record lock (fcntl(2), F_SETLK) on the whole lock file.
//!
//! The lock of mail spools and old databases. It belongs to the process: its threads all have it at
//! once, and the process loses it when any of them closes the file, whichever handle it is.

use std::io;

use super::flocked;
use crate::case::Faults;
use crate::fs::{File, OpenOptions};
use crate::lock::{Claim, Double, Lock, TryLock, Withstands};

/// A record lock that belongs to the process.
pub const FCNTL: Double = Double {
    name: "fcntl",
    what: "POSIX record lock on a lock file, opened by each worker",
    promise: "excludes other processes; the threads of one process all get it",
    claim: Claim::OtherProcesses,
    open: &|site| {
        let file = OpenOptions::new().write(true).create(true).open(&site.path)?;
        Ok(Box::new(Fcntl(file)))
    },
    withstands: Withstands { crash: true, stall: true },
    faults: &[Faults::CRASH],
    ..Double::PLAIN
};

struct Fcntl(File);

impl Lock for Fcntl {
    fn try_lock(&mut self) -> TryLock {
        flocked(self.0.try_lock_record()).unwrap_or_else(TryLock::Failed)
    }

    fn unlock(&mut self) -> io::Result<()> {
        self.0.unlock_record()
    }
}
