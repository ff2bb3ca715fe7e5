//! Which processor core a driver and its workers share.
//!
//! Only one of them moves at a time, and waking a sleeper on the same core costs a tenth of waking
//! one on another, idle core.

use std::io;

use crate::sys::policy;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The cores that this process may use.
///
/// # Errors
/// What the system says.
pub fn cores() -> io::Result<Vec<usize>> {
    let allowed = sched_getaffinity(None)?;
    Ok((0..CpuSet::MAX_CPU).filter(|&core| allowed.is_set(core)).collect())
}

/// Keeps the calling thread, and all that it starts from now on, on one core, and lets whoever wakes
/// another finish first.
///
/// # Errors
/// What the system says.
pub fn pin(core: usize) -> io::Result<()> {
    stay(core)?;
    policy::batch()
}

/// Keeps the calling thread, and all that it starts from now on, on one core.
///
/// # Errors
/// What the system says.
pub fn stay(core: usize) -> io::Result<()> {
    let mut only = CpuSet::new();
    only.set(core);
    Ok(sched_setaffinity(None, &only)?)
}
