//! Which processor core a driver and its workers share.
//!
//! Only one of them moves at a time, and waking a sleeper on the same core costs a tenth of waking
//! one on another, idle core.

use std::io;
use std::sync::OnceLock;

use crate::sys::policy;
use rustix::thread::{CpuSet, sched_getaffinity, sched_getcpu, sched_setaffinity};

/// The cores that this process may use. The first is the one where the calling thread is: of several processes that
/// begin at once, the kernel has put each where there was room.
///
/// # Errors
/// What the system says.
pub fn cores() -> io::Result<Vec<usize>> {
    // As it was before any thread was kept on one core, for those that it starts are kept there as well.
    static ALLOWED: OnceLock<Vec<usize>> = OnceLock::new();
    let mut cores = match ALLOWED.get() {
        Some(cores) => cores.clone(),
        None => {
            let allowed = sched_getaffinity(None)?;
            let cores = (0..CpuSet::MAX_CPU).filter(|&core| allowed.is_set(core)).collect();
            ALLOWED.get_or_init(|| cores).clone()
        }
    };
    let here = sched_getcpu();
    let first = cores.iter().position(|&core| core == here).unwrap_or_default();
    cores.rotate_left(first);
    Ok(cores)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_kept_on_a_core_knows_the_others() {
        let all = cores().unwrap();
        let kept = std::thread::spawn(move || {
            stay(*all.last().unwrap()).unwrap();
            (cores().unwrap(), all)
        });
        let (mut then, mut all) = kept.join().unwrap();
        assert_eq!(then.first(), all.last(), "the one where it is comes first");
        then.sort_unstable();
        all.sort_unstable();
        assert_eq!(then, all);
    }
}
