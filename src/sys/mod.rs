//! What no safe crate offers: the kernel's interfaces, and lending between threads. One file each, a
//! safe type around it.

pub mod futex;
#[cfg(target_os = "linux")]
pub mod kcmp;
pub mod lend;
pub mod mapping;
pub mod ofd;
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
pub mod original;
pub mod policy;
#[cfg(all(test, target_os = "linux", target_arch = "x86_64"))]
pub(crate) mod puppet;
pub mod robust;
pub mod semaphore;
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
pub mod tracee;
