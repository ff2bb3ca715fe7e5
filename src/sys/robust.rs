//! pthread_mutexattr_setrobust(3): a mutex in shared memory that outlives its holders.

use std::cell::UnsafeCell;
use std::fmt;
use std::io;
use std::mem::MaybeUninit;

/// A robust mutex that may lie in memory shared between processes. When its holder dies the next one
/// who asks gets it.
///
/// All zeros is a plain mutex that nobody holds, which is how it comes out of a fresh mapping;
/// [`reset`](Robust::reset) makes it a robust one before its first use.
#[repr(transparent)]
pub struct Robust(UnsafeCell<libc::pthread_mutex_t>);

// SAFETY: any thread may lock a pthread mutex that lies where all of them see it.
unsafe impl Sync for Robust {}
// SAFETY: it may be in other memory than its first only while nobody holds it, and it is never moved: it
// is used where it was mapped.
unsafe impl Send for Robust {}

impl Default for Robust {
    fn default() -> Self {
        Robust::new()
    }
}

impl Robust {
    /// A plain one.
    pub const fn new() -> Self {
        Robust(UnsafeCell::new(libc::PTHREAD_MUTEX_INITIALIZER))
    }

    /// Makes it a fresh mutex, shared between processes and robust. Nobody may hold it.
    ///
    /// # Errors
    /// Where the system has no such mutexes.
    pub fn reset(&self) -> io::Result<()> {
        let mut attributes = MaybeUninit::<libc::pthread_mutexattr_t>::uninit();
        let of = attributes.as_mut_ptr();
        // SAFETY: the attributes are initialised by the first call before the others see them, and
        // destroyed when the mutex is made. The mutex lives as long as `self`. No holder has it on its list
        // of robust mutexes: whoever had it has given it back or is dead.
        unsafe {
            result(libc::pthread_mutexattr_init(of))?;
            let made = result(libc::pthread_mutexattr_setpshared(of, libc::PTHREAD_PROCESS_SHARED))
                .and_then(|()| result(libc::pthread_mutexattr_setrobust(of, libc::PTHREAD_MUTEX_ROBUST)))
                .and_then(|()| result(libc::pthread_mutex_init(self.0.get(), of)));
            libc::pthread_mutexattr_destroy(of);
            made
        }
    }

    /// Takes it if nobody has it, or who had it is dead: `Ok(false)` where taking would block.
    ///
    /// # Errors
    /// What the system says.
    pub fn try_lock(&self) -> io::Result<bool> {
        // SAFETY: the pointer is to a mutex that lives as long as `self`.
        match unsafe { libc::pthread_mutex_trylock(self.0.get()) } {
            0 => Ok(true),
            libc::EBUSY => Ok(false),
            libc::EOWNERDEAD => {
                // SAFETY: as above, and this thread holds it now.
                result(unsafe { libc::pthread_mutex_consistent(self.0.get()) })?;
                Ok(true)
            }
            code => Err(io::Error::from_raw_os_error(code)),
        }
    }

    /// Gives it back. Only its holder can.
    ///
    /// # Errors
    /// What the system says.
    pub fn unlock(&self) -> io::Result<()> {
        // SAFETY: the pointer is to a mutex that lives as long as `self`; a robust mutex checks that the
        // caller holds it.
        result(unsafe { libc::pthread_mutex_unlock(self.0.get()) })
    }
}

impl fmt::Debug for Robust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Robust")
    }
}

fn result(code: libc::c_int) -> io::Result<()> {
    if code == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(code)) }
}
