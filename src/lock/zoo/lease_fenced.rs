//! `lease-fenced`: a lease whose number goes along with each write, so that what is late is refused.
//!
//! The fencing token of Google's Chubby (Burrows, 2006, there a sequencer). What the lock protects remembers the
//! largest number that it has seen, and does nothing for a smaller one. A holder that stalls for longer than
//! its lease still believes that it has the lock, and can do no harm.

use std::fs;
use std::io;
use std::path::PathBuf;

use super::lease::{Distant, Lease};
use super::{EXISTS_CREATE, found};
use crate::case::Faults;
use crate::lock::{Claim, Double, Lock, TryLock, Withstands};

/// A lease with a fencing token.
pub const LEASE_FENCED: Double = Double {
    name: "lease-fenced",
    what: "a numbered lease; what comes with an older number is refused",
    promise: "excludes everyone in what is stored, even if a holder stalls or dies",
    claim: Claim::Everyone,
    neighbour: Some(&EXISTS_CREATE),
    withstands: Withstands::ALL,
    faults: &[Faults::CRASH, Faults::STALL],
    fenced: true,
    open: &|site| {
        Ok(Box::new(Fenced { lease: Lease::at(site, Distant::Trusted), seen: site.beside("seen") }))
    },
    ..Double::PLAIN
};

struct Fenced {
    lease: Lease,
    /// The largest number that came with a write or a read: kept by what is protected, in the same step.
    seen: PathBuf,
}

impl Lock for Fenced {
    fn try_lock(&mut self) -> TryLock {
        self.lease.attempt().unwrap_or_else(TryLock::Failed)
    }

    fn admits(&mut self) -> io::Result<bool> {
        let seen = found(fs::read_to_string(&self.seen))?;
        let seen: u64 = seen.map_or(Ok(0), |text| text.parse().map_err(io::Error::other))?;
        if seen < self.lease.number {
            fs::write(&self.seen, self.lease.number.to_string())?;
        }
        Ok(seen <= self.lease.number)
    }

    fn unlock(&mut self) -> io::Result<()> {
        self.lease.end()
    }
}
