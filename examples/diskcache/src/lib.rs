//! A cache on disk that several programs share, as far as its lock goes.

mod lock;
mod old_lock;

pub use lock::{Lock, lock};
pub use old_lock::{OldLock, old_lock};
