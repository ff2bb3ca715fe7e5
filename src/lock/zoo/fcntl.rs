//! `fcntl`: a POSIX record lock (fcntl(2), F_SETLK) on the whole lock file.
//!
//! The lock of mail spools and old databases. It belongs to the process: its threads all have it at
//! once, and the process loses it when any of them gives it back, or closes the file, whichever handle it
//! is. So it excludes other processes only as long as each has one thread that uses it.

use std::io;

use super::{FLOCK_UPGRADE, flocked};
use crate::case::{Faults, Placement};
use crate::fs::{File, OpenOptions};
use crate::lock::{Claim, Double, Least, Lock, TryLock, Withstands};

/// A record lock that belongs to the process.
pub const FCNTL: Double = Double {
    name: "fcntl",
    what: "POSIX record lock on a lock file, opened by each worker",
    promise: "excludes other processes that have one thread each; all threads of one process get it",
    remedy: "between threads add a mutex, or take an OFD lock (F_OFD_SETLK), which belongs to the open \
             file and not to the process",
    claim: Claim::LoneProcesses,
    placements: &Placement::ALL,
    neighbour: Some(&FLOCK_UPGRADE),
    open: &|site| {
        let file = OpenOptions::new().write(true).create(true).open(&site.path)?;
        Ok(Box::new(Fcntl(file)))
    },
    withstands: Withstands::ALL,
    faults: &[Faults::CRASH],
    least: &[
        Least::preemptions(1).only_in(&[Placement::Threads]),
        Least::preemptions(1).only_in(&[Placement::Mixed]),
    ],
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
