//! `bakery-no-choosing`: Lamport's bakery over files, without the `choosing` flags.
//!
//! What is left when somebody finds that the flags "do nothing". It breaks between reading the others'
//! numbers and writing one's own: two get the same number, the one with the larger name writes, looks,
//! sees nobody and enters, and the one with the smaller name then writes and goes first.

use super::bakery::{Bakery, Door};
use crate::lock::{Claim, Double, Least};

/// The bakery without its door.
pub const BAKERY_NO_CHOOSING: Double = Double {
    name: "bakery-no-choosing",
    what: "Lamport's bakery over files, without the choosing flags",
    promise: "excludes nobody: a number that comes late may be the smallest",
    remedy: "keep the choosing flags: each worker says that it is about to choose, and the others wait \
             until it has (Lamport, 1974)",
    claim: Claim::Nobody,
    open: &|site| Ok(Box::new(Bakery::at(site, Door::Open))),
    least: &[Least::preemptions(2)],
    ..Double::PLAIN
};
