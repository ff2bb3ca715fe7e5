//! `lease-future`: a lease that ends too late for a lease is taken for nonsense.
//!
//! "No lease lasts longer than ten seconds, and this one ends in an hour, so whoever wrote it had a wrong clock":
//! a look at whether a time makes sense, as many a program has it once it has met a clock that was set. But then
//! that clock is set back, the lease is as good as before, and the nonsense is the time of whoever looks.

use super::EXISTS_CREATE;
use super::lease::{Distant, Lease};
use crate::case::Faults;
use crate::lock::{Claim, Double, Least, Withstands};

/// It ends too late to be true.
pub const LEASE_FUTURE: Double = Double {
    name: "lease-future",
    what: "a lease; one that ends later than a new one would is nonsense",
    promise: "excludes everyone, as long as no holder stalls and the clock is not set back",
    remedy: "believe no time of day: measure how long the same lease has been seen by a clock that nobody sets \
             (CLOCK_MONOTONIC), and take it over after its full term",
    claim: Claim::Everyone,
    neighbour: Some(&EXISTS_CREATE),
    withstands: Withstands { stall: false, jump: false, ..Withstands::ALL },
    faults: &[Faults::JUMP],
    least: &[Least::preemptions(1).with(Faults::JUMP)],
    open: &|site| Ok(Box::new(Lease::at(site, Distant::Nonsense))),
    ..Double::PLAIN
};
