//! `bakery`: Lamport's bakery (CACM, 1974) over files: take a number, wait for those before you.
//!
//! It needs nothing of the file system but reading and writing, which is why it is proposed where
//! O_EXCL and flock are not to be had. Worker i's `choosing` flag is a file that is there or not, its
//! number the content of another; no file is a 0.

use std::io;
use std::path::PathBuf;

use super::{BAKERY_NO_CHOOSING, found};
use crate::case::Faults;
use crate::fs;
use crate::lock::{Claim, Double, Least, Lock, Site, TryLock};

/// Take a number, wait for those before you.
pub const BAKERY: Double = Double {
    name: "bakery",
    what: "Lamport's bakery, with a file for each flag and each number",
    promise: "excludes everyone, as long as no holder dies",
    claim: Claim::Everyone,
    neighbour: Some(&BAKERY_NO_CHOOSING),
    open: &|site| Ok(Box::new(Bakery::at(site, Door::Closed))),
    faults: &[Faults::CRASH],
    least: &[Least::killed()],
    ..Double::PLAIN
};

/// Does a worker say that it is choosing a number, so that others wait until it has?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Door {
    /// Yes.
    Closed,
    /// No: a number may appear late, and be too small.
    Open,
}

/// One worker in the bakery.
pub(super) struct Bakery {
    door: Door,
    me: usize,
    choosing: Vec<PathBuf>,
    numbers: Vec<PathBuf>,
    /// Its number, once it has one.
    number: u64,
    /// Whom it looks at next.
    next: usize,
}

impl Bakery {
    pub(super) fn at(site: &Site<'_>, door: Door) -> Self {
        let files = |what| (1..=site.workers).map(|i| site.beside(format_args!("{what}.{i}"))).collect();
        let [choosing, numbers] = [files("choosing"), files("number")];
        Bakery { door, me: site.worker as usize - 1, choosing, numbers, number: 0, next: 0 }
    }

    fn others(&self) -> impl Iterator<Item = usize> + use<> {
        let me = self.me;
        (0..self.numbers.len()).filter(move |&other| other != me)
    }

    fn take_number(&mut self) -> io::Result<()> {
        if self.door == Door::Closed {
            fs::write(&self.choosing[self.me], "")?;
        }
        let mut largest = 0;
        for other in self.others() {
            largest = largest.max(self.number_of(other)?);
        }
        fs::write(&self.numbers[self.me], (largest + 1).to_string())?;
        self.number = largest + 1;
        self.next = 0;
        if self.door == Door::Closed {
            fs::remove_file(&self.choosing[self.me])?;
        }
        Ok(())
    }

    /// After an error: nobody shall wait for the number that it has not got.
    fn withdraw(&self) {
        for left in [&self.numbers[self.me], &self.choosing[self.me]] {
            let _ = fs::remove_file(left);
        }
    }

    /// Of a number that is just being written anything may be read, and nothing at all is taken for none: the
    /// bakery stays sound (Lamport, "A new solution of Dijkstra's concurrent programming problem", 1974).
    fn number_of(&self, other: usize) -> io::Result<u64> {
        let number = found(fs::read_to_string(&self.numbers[other]))?;
        Ok(number.and_then(|number| number.parse().ok()).unwrap_or(0))
    }

    fn attempt(&mut self) -> io::Result<TryLock> {
        if self.number == 0 {
            self.take_number().inspect_err(|_| self.withdraw())?;
        }
        let next = self.next;
        for other in self.others().filter(|&other| other >= next) {
            self.next = other;
            if self.door == Door::Closed && fs::exists(&self.choosing[other])? {
                return Ok(TryLock::WouldBlock);
            }
            let number = self.number_of(other)?;
            if number != 0 && (number, other) < (self.number, self.me) {
                return Ok(TryLock::WouldBlock);
            }
        }
        Ok(TryLock::Acquired)
    }
}

impl Lock for Bakery {
    fn try_lock(&mut self) -> TryLock {
        self.attempt().unwrap_or_else(TryLock::Failed)
    }

    fn unlock(&mut self) -> io::Result<()> {
        self.number = 0;
        fs::remove_file(&self.numbers[self.me])
    }
}

impl Drop for Bakery {
    fn drop(&mut self) {
        if self.number != 0 {
            let _ = fs::remove_file(&self.numbers[self.me]);
        }
    }
}
