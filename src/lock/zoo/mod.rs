//! The zoo: the lock files that real programs use, the sound ones and the broken ones.
//!
//! Each is written over [`crate::fs`], so that another worker may go on between any two of its steps.
//! What a lock makes besides its site's path has that path as the beginning of its name, and is gone
//! once everybody has released and dropped it; but the numbers of leases are used once, and stay.

mod bakery;
mod bakery_no_choosing;
mod excl;
mod exists_create;
mod fcntl;
mod fcntl_close;
mod flag_shared;
mod flock_checked;
mod flock_unlink;
mod flock_upgrade;
mod hardlink;
mod lease;
mod lease_fenced;
mod lease_future;
mod mkdir;
mod mtime_stale;
mod ofd;
mod pid_late;
mod pid_stale;
mod pid_unchecked;
mod rename_lock;
mod robust;
mod symlink;
mod timeout_release;

use std::fs::TryLockError;
use std::io;

use super::{Double, TryLock};

pub use bakery::BAKERY;
pub use bakery_no_choosing::BAKERY_NO_CHOOSING;
pub use excl::EXCL;
pub use exists_create::EXISTS_CREATE;
pub use fcntl::FCNTL;
pub use fcntl_close::FCNTL_CLOSE;
pub use flag_shared::FLAG_SHARED;
pub use flock_checked::FLOCK_CHECKED;
pub use flock_unlink::FLOCK_UNLINK;
pub use flock_upgrade::FLOCK_UPGRADE;
pub use hardlink::HARDLINK;
pub use lease::LEASE;
pub use lease_fenced::LEASE_FENCED;
pub use lease_future::LEASE_FUTURE;
pub use mkdir::MKDIR;
pub use mtime_stale::MTIME_STALE;
pub use ofd::OFD;
pub use pid_late::PID_LATE;
pub use pid_stale::PID_STALE;
pub use pid_unchecked::PID_UNCHECKED;
pub use rename_lock::RENAME_LOCK;
pub use robust::ROBUST;
pub use symlink::SYMLINK;
pub use timeout_release::TIMEOUT_RELEASE;

/// The broken ones, then the sound ones.
pub static ZOO: [&Double; 24] = [
    &FLAG_SHARED,
    &EXISTS_CREATE,
    &RENAME_LOCK,
    &PID_STALE,
    &PID_LATE,
    &MTIME_STALE,
    &FLOCK_UNLINK,
    &FCNTL_CLOSE,
    &FLOCK_UPGRADE,
    &TIMEOUT_RELEASE,
    &LEASE,
    &LEASE_FUTURE,
    &PID_UNCHECKED,
    &BAKERY_NO_CHOOSING,
    &EXCL,
    &MKDIR,
    &SYMLINK,
    &HARDLINK,
    &BAKERY,
    &OFD,
    &FLOCK_CHECKED,
    &FCNTL,
    &ROBUST,
    &LEASE_FENCED,
];

/// Somebody else may have unlinked it already.
fn gone(result: io::Result<()>) -> io::Result<()> {
    found(result).map(drop)
}

/// `None` where there is one already.
fn created<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(new) => Ok(Some(new)),
        Err(why) if why.kind() == io::ErrorKind::AlreadyExists => Ok(None),
        Err(why) => Err(why),
    }
}

/// `None` where there is none.
fn found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(there) => Ok(Some(there)),
        Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(why) => Err(why),
    }
}

/// What came of asking the kernel for a lock.
fn flocked(result: Result<(), TryLockError>) -> io::Result<TryLock> {
    match result {
        Ok(()) => Ok(TryLock::Acquired),
        Err(TryLockError::WouldBlock) => Ok(TryLock::WouldBlock),
        Err(TryLockError::Error(why)) => Err(why),
    }
}

#[cfg(test)]
mod tests;
