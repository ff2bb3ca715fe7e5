//! fcntl(2) with F_OFD_SETLK: a record lock that belongs to an open file, not to a process.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

/// Takes the lock on the whole file for this open file, if that can be done without waiting.
///
/// # Errors
/// `WouldBlock` where somebody else has it, or what the system says.
pub fn try_lock(file: BorrowedFd<'_>) -> io::Result<()> {
    set(file, libc::F_WRLCK)
}

/// Gives back what this open file has locked.
///
/// # Errors
/// What the system says.
pub fn unlock(file: BorrowedFd<'_>) -> io::Result<()> {
    set(file, libc::F_UNLCK)
}

fn set(file: BorrowedFd<'_>, kind: libc::c_int) -> io::Result<()> {
    // Length 0 is "to the end, wherever that will be"; the kernel wants l_pid to be 0.
    let range = libc::flock {
        l_type: kind as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    // SAFETY: the descriptor is open for as long as it is borrowed, and F_OFD_SETLK reads one
    // `flock`, which lives until the call is over.
    let code = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLK, &raw const range) };
    if code == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;

    #[test]
    fn the_lock_belongs_to_the_open_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let other = file.reopen().unwrap();
        try_lock(file.as_file().as_fd()).unwrap();
        assert_eq!(try_lock(other.as_fd()).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        // Closing another open file of the same process does not give it back, as fcntl(2) locks do.
        drop(other);
        let third = file.reopen().unwrap();
        assert_eq!(try_lock(third.as_fd()).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        unlock(file.as_file().as_fd()).unwrap();
        try_lock(third.as_fd()).unwrap();
    }
}
