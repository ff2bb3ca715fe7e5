//! sem_init(3) and its family: a semaphore in shared memory.

use std::cell::UnsafeCell;
use std::fmt;
use std::io;

/// A POSIX semaphore that may lie in memory shared between processes.
///
/// All zeros is a semaphore of value 0, which is how it comes out of a fresh mapping; [`reset`]
/// gives it a value before its first use.
///
/// [`reset`]: Semaphore::reset
#[repr(transparent)]
pub struct Semaphore(UnsafeCell<libc::sem_t>);

// SAFETY: sem_wait, sem_trywait and sem_post may be called from any thread on one semaphore at once;
// that is what it is for.
unsafe impl Sync for Semaphore {}
// SAFETY: a sem_t keeps no address of itself and belongs to no thread.
unsafe impl Send for Semaphore {}

impl Default for Semaphore {
    fn default() -> Self {
        Semaphore::new()
    }
}

impl Semaphore {
    /// All zeros, as in a fresh mapping: of no use before its first [`reset`](Semaphore::reset).
    pub const fn new() -> Self {
        // SAFETY: a sem_t is plain numbers, for which zeros are a value.
        Semaphore(UnsafeCell::new(unsafe { std::mem::zeroed() }))
    }

    /// Makes it a fresh semaphore of value 1, shared between processes. Nobody may be waiting on it:
    /// whoever is sleeps on.
    ///
    /// # Errors
    /// Where the system has no such semaphores.
    pub fn reset(&self) -> io::Result<()> {
        // SAFETY: the pointer is to a sem_t that lives as long as `self`. A reset while others use it
        // gives them a wrong count, never a wrong access: glibc's operations on it are atomic.
        result(unsafe { libc::sem_init(self.0.get(), 1, 1) })
    }

    /// Takes one if there is one: `Ok(false)` where taking would block.
    ///
    /// # Errors
    /// What the system says.
    pub fn try_wait(&self) -> io::Result<bool> {
        // SAFETY: the pointer is to a sem_t that lives as long as `self`.
        match result(unsafe { libc::sem_trywait(self.0.get()) }) {
            Ok(()) => Ok(true),
            Err(why) if why.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(why) => Err(why),
        }
    }

    /// Takes one, waiting until there is one.
    ///
    /// # Errors
    /// What the system says.
    pub fn wait(&self) -> io::Result<()> {
        loop {
            // SAFETY: the pointer is to a sem_t that lives as long as `self`.
            match result(unsafe { libc::sem_wait(self.0.get()) }) {
                Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }

    /// Gives one back.
    ///
    /// # Errors
    /// What the system says.
    pub fn post(&self) -> io::Result<()> {
        // SAFETY: the pointer is to a sem_t that lives as long as `self`.
        result(unsafe { libc::sem_post(self.0.get()) })
    }
}

impl fmt::Debug for Semaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Semaphore")
    }
}

fn result(code: libc::c_int) -> io::Result<()> {
    if code == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
