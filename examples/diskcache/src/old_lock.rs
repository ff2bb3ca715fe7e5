//! The first lock of this cache. It is broken.

#[cfg(not(feature = "lockfuzz"))]
use std::{fs, thread};

#[cfg(feature = "lockfuzz")]
use lockfuzz::{fs, thread};

use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Held until it is dropped.
pub struct OldLock(PathBuf);

/// Creates `folder/lock`, writes into it, and waits while there is one. An empty lock file is what a crash
/// has left behind, so it is cleared away.
pub fn old_lock(folder: &Path) -> io::Result<OldLock> {
    let path = folder.join("lock");
    loop {
        match fs::File::create_new(&path) {
            Ok(mut file) => {
                file.write_all(b"taken")?;
                return Ok(OldLock(path));
            }
            Err(why) if why.kind() == ErrorKind::AlreadyExists => {}
            Err(why) => return Err(why),
        }
        if fs::read(&path).is_ok_and(|text| text.is_empty()) {
            let _ = fs::remove_file(&path);
            continue;
        }
        thread::sleep(Duration::from_millis(10));
    }
}

impl Drop for OldLock {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
