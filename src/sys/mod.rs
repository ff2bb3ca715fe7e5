//! What no safe crate offers: the kernel's interfaces, and lending between threads. One file each, a
//! safe type around it.

pub mod futex;
pub mod lend;
pub mod mapping;
pub mod ofd;
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
pub mod original;
pub mod policy;
pub mod robust;
pub mod semaphore;
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
pub mod tracee;
