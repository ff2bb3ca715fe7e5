//! memfd_create(2) and mmap(2): a value in memory that several processes share.

use std::fs::File;
use std::io;
use std::marker::PhantomData;
use std::ops::Deref;
use std::os::fd::{AsFd, BorrowedFd};
use std::ptr::NonNull;

use rustix::fs::MemfdFlags;
use rustix::mm::{MapFlags, ProtFlags};

/// A type whose values may lie in shared memory.
///
/// # Safety
/// All zeros must be a valid value; every part must be `Sync` and bear changes that another process
/// makes at any time (atomics do); it must hold no address; nothing may need dropping.
pub unsafe trait Shareable: Sync {}

/// A `T` in memory that other processes can map as well. Anonymous: it is gone with the last process
/// that holds it, however that ends.
#[derive(Debug)]
pub struct Mapping<T: Shareable> {
    at: NonNull<T>,
    memory: File,
    _value: PhantomData<T>,
}

// SAFETY: a mapping is an address that belongs to the process, not to a thread; `T` is Sync.
unsafe impl<T: Shareable> Send for Mapping<T> {}
// SAFETY: as above; only `&T` is handed out.
unsafe impl<T: Shareable> Sync for Mapping<T> {}

impl<T: Shareable> Mapping<T> {
    /// A new value, all zeros.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub fn new(name: &str) -> io::Result<Self> {
        let memory = File::from(rustix::fs::memfd_create(name, MemfdFlags::CLOEXEC)?);
        memory.set_len(size_of::<T>() as u64)?;
        Mapping::open(memory)
    }

    /// The value that another process made; `memory` is a descriptor of its [`Mapping::new`].
    ///
    /// # Errors
    /// When `memory` has not the size of a `T`, or cannot be mapped.
    pub fn open(memory: File) -> io::Result<Self> {
        if memory.metadata()?.len() != size_of::<T>() as u64 {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "shared memory of another size"));
        }
        let access = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: the kernel chooses a free range, so nothing that exists is overlaid; it is as long
        // as a `T`, page-aligned, and zero or a valid `T` by the contract of `Shareable`.
        let at = unsafe {
            rustix::mm::mmap(std::ptr::null_mut(), size_of::<T>(), access, MapFlags::SHARED, &memory, 0)?
        };
        let at = NonNull::new(at.cast()).expect("the kernel never maps address 0 unasked");
        Ok(Mapping { at, memory, _value: PhantomData })
    }

    /// The memory's descriptor, to be given to another process.
    pub fn memory(&self) -> BorrowedFd<'_> {
        self.memory.as_fd()
    }
}

impl<T: Shareable> Deref for Mapping<T> {
    type Target = T;
    fn deref(&self) -> &T {
        // SAFETY: the range holds a valid `T` for as long as `self` lives.
        unsafe { self.at.as_ref() }
    }
}

impl<T: Shareable> Drop for Mapping<T> {
    fn drop(&mut self) {
        // SAFETY: the range was mapped in `open`, with this length, and no reference into it outlives
        // `self`. Were it not unmapped, it would only be wasted.
        let _ = unsafe { rustix::mm::munmap(self.at.as_ptr().cast(), size_of::<T>()) };
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    struct Number(AtomicU32);
    // SAFETY: an atomic, for which all zeros is a value.
    unsafe impl Shareable for Number {}

    #[test]
    fn two_mappings_of_one_memory_are_one_value() {
        let one = Mapping::<Number>::new("test").unwrap();
        let other = Mapping::<Number>::open(one.memory().try_clone_to_owned().unwrap().into()).unwrap();
        one.0.store(7, Ordering::Relaxed);
        assert_eq!(other.0.load(Ordering::Relaxed), 7);
    }

    #[test]
    fn a_memory_of_another_size_is_refused() {
        let file = tempfile::tempfile().unwrap();
        assert!(Mapping::<Number>::open(file).is_err());
    }
}
