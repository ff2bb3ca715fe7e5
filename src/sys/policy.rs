//! sched_setscheduler(2): how the kernel treats a thread that wakes another.

use std::io;

/// Makes the calling thread, and all that it starts from now on, a batch thread (SCHED_BATCH): whoever
/// wakes another goes on until it sleeps itself, where otherwise the one who is woken may cut in, only
/// to find that it must wait.
///
/// # Errors
/// What the system says.
pub fn batch() -> io::Result<()> {
    let priority = libc::sched_param { sched_priority: 0 };
    // SAFETY: the pointer is to a sched_param that lives through the call; 0 is the calling thread.
    let code = unsafe { libc::sched_setscheduler(0, libc::SCHED_BATCH, &raw const priority) };
    if code == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
