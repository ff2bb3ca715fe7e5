//! The lock of this cache.

#[cfg(not(feature = "lockfuzz"))]
use std::fs;

#[cfg(feature = "lockfuzz")]
use lockfuzz::fs;

use std::io;
use std::path::Path;

/// Held until it is dropped.
pub struct Lock(fs::File);

/// Opens `folder/lock`, and waits until the kernel gives it to nobody else. The file stays.
pub fn lock(folder: &Path) -> io::Result<Lock> {
    let file = fs::OpenOptions::new().create(true).write(true).open(folder.join("lock"))?;
    file.lock()?;
    Ok(Lock(file))
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing it would do as well, unless a child has inherited it.
        let _ = self.0.unlock();
    }
}
