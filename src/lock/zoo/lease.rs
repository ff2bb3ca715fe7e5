//! `lease`: a lock that ends by itself. Whoever finds the last one over takes the next.
//!
//! Leases are how locks survive the death of their holder (Gray and Cheriton, 1989). The price: a holder that
//! stalls for longer than its lease goes on as if it had the lock, and somebody else has it.
//!
//! Each lease is a file with its number in its name, made with link(2) from a file that says already when it
//! ends. So there is one file for each number, and it is never seen half written.

use std::io;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::EXISTS_CREATE;
use super::{created, found, gone};
use crate::case::Faults;
use crate::fs;
use crate::lock::{Claim, Double, Least, Lock, Site, TryLock, Withstands};
use crate::time;

/// It ends, whatever its holder is doing.
pub const LEASE: Double = Double {
    name: "lease",
    what: "a numbered lease file that says when it ends",
    promise: "excludes everyone, as long as no holder stalls for longer than its lease",
    claim: Claim::Everyone,
    neighbour: Some(&EXISTS_CREATE),
    withstands: Withstands { stall: false, ..Withstands::ALL },
    faults: &[Faults::CRASH, Faults::STALL, Faults::JUMP],
    open: &|site| Ok(Box::new(Lease::at(site, Distant::Trusted))),
    least: &[Least::preemptions(1).with(Faults::STALL)],
    ..Double::PLAIN
};

/// How long one lasts.
const TERM: Duration = Duration::from_secs(10);

/// How often one try begins anew because somebody else was faster.
const ROUNDS: u32 = 3;

/// What is a lease that ends later than any that begins now?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Distant {
    /// A lease.
    Trusted,
    /// Nonsense, as if there were none.
    Nonsense,
}

/// One worker's handle.
pub(super) struct Lease {
    leases: PathBuf,
    draft: PathBuf,
    distant: Distant,
    /// The number of the last lease that it knows of; its own, if it has one.
    pub(super) number: u64,
}

impl Lease {
    pub(super) fn at(site: &Site<'_>, distant: Distant) -> Self {
        let draft = site.beside(format_args!("draft.{}", site.worker));
        Lease { leases: site.path.clone(), draft, distant, number: 0 }
    }

    fn path(&self, number: u64) -> PathBuf {
        let mut path = self.leases.clone().into_os_string();
        path.push(format!(".{number}"));
        path.into()
    }

    /// When the last lease ends; `None` where there has been none.
    fn last_ends(&mut self) -> io::Result<Option<SystemTime>> {
        let mut ends = None;
        while let Some(text) = found(fs::read_to_string(self.path(self.number + 1)))? {
            self.number += 1;
            ends = Some(text);
        }
        if ends.is_none() && self.number > 0 {
            ends = found(fs::read_to_string(self.path(self.number)))?;
        }
        // Whoever ended it had come no further than emptying it: then the disk was full.
        let seconds = |text: String| match text.as_str() {
            "" => Ok(Duration::ZERO),
            text => text.parse().map(Duration::from_secs).map_err(io::Error::other),
        };
        ends.map(|text| Ok(UNIX_EPOCH + seconds(text)?)).transpose()
    }

    pub(super) fn attempt(&mut self) -> io::Result<TryLock> {
        for _ in 0..ROUNDS {
            let ends = self.last_ends()?;
            let now = time::now();
            let nonsense = |ends| self.distant == Distant::Nonsense && ends > now + TERM;
            if let Some(ends) = ends.filter(|&ends| now < ends && !nonsense(ends)) {
                time::due(ends);
                return Ok(TryLock::WouldBlock);
            }
            let ends = (now + TERM).duration_since(UNIX_EPOCH).map_err(io::Error::other)?;
            fs::write(&self.draft, ends.as_secs().to_string())?;
            let taken = created(fs::hard_link(&self.draft, self.path(self.number + 1)))?;
            gone(fs::remove_file(&self.draft))?;
            if taken.is_some() {
                self.number += 1;
                return Ok(TryLock::Acquired);
            }
        }
        Ok(TryLock::WouldBlock)
    }

    /// Ends it now. One that has ended already ends again.
    pub(super) fn end(&mut self) -> io::Result<()> {
        fs::write(self.path(self.number), "0")
    }
}

impl Lock for Lease {
    fn try_lock(&mut self) -> TryLock {
        self.attempt().unwrap_or_else(TryLock::Failed)
    }

    fn unlock(&mut self) -> io::Result<()> {
        self.end()
    }
}
