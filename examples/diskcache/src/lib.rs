//! A cache on disk that several programs share, as far as its lock goes.

mod lock;
mod old_lock;
mod plain;

pub use lock::{Lock, lock};
pub use old_lock::{OldLock, old_lock};
pub use plain::{PlainLock, looking_lock, plain_lock};
