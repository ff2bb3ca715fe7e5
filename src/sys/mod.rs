//! What no safe crate offers: the kernel's interfaces, and lending between threads. One file each, a
//! safe type around it.

pub mod futex;
pub mod lend;
pub mod mapping;
pub mod ofd;
pub mod policy;
pub mod robust;
pub mod semaphore;
