//! The kernel's interfaces that no safe crate offers: one file each, a safe type around it.

pub mod mapping;
pub mod ofd;
pub mod policy;
pub mod robust;
pub mod semaphore;
