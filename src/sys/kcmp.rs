//! kcmp(2): do two descriptors stand for one open file?

use std::io;

/// Whether descriptor `fd` of process `pid` and descriptor `other_fd` of process `other` share their open file, with its
/// offset and its locks.
///
/// # Errors
/// ENOSYS where the kernel cannot tell, ESRCH or EBADF when one of them is gone, EPERM.
pub fn share_file(pid: i32, fd: i32, other: i32, other_fd: i32) -> io::Result<bool> {
    const KCMP_FILE: libc::c_int = 0;
    // SAFETY: the call takes numbers alone.
    match unsafe { libc::syscall(libc::SYS_kcmp, pid, other, KCMP_FILE, fd, other_fd) } {
        -1 => Err(io::Error::last_os_error()),
        order => Ok(order == 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::os::fd::AsRawFd;

    #[test]
    fn a_duplicate_shares_and_another_opening_does_not() {
        let file = File::open("/proc/self/maps").unwrap();
        let (same, other) = (file.try_clone().unwrap(), File::open("/proc/self/maps").unwrap());
        let me = std::process::id() as i32;
        let share = |one: &File| share_file(me, file.as_raw_fd(), me, one.as_raw_fd());
        match share(&same) {
            Err(why) => assert_eq!(why.raw_os_error(), Some(libc::ENOSYS)),
            Ok(shared) => assert!(shared && !share(&other).unwrap()),
        }
    }
}
