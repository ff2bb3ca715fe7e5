//! Two locks over plain `std::fs`. Nothing here knows of lockfuzz, which sees their system calls.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

/// Held until it is dropped.
pub struct PlainLock(PathBuf);

/// Creates `folder/lock`, and waits while there is one.
pub fn plain_lock(folder: &Path) -> io::Result<PlainLock> {
    let path = folder.join("lock");
    loop {
        match File::create_new(&path) {
            Ok(_) => return Ok(PlainLock(path)),
            Err(why) if why.kind() == ErrorKind::AlreadyExists => thread::sleep(Duration::from_millis(10)),
            Err(why) => return Err(why),
        }
    }
}

/// Waits while there is a `folder/lock`, then creates it. It is broken.
pub fn looking_lock(folder: &Path) -> io::Result<PlainLock> {
    let path = folder.join("lock");
    while path.exists() {
        thread::sleep(Duration::from_millis(10));
    }
    File::create(&path)?;
    Ok(PlainLock(path))
}

impl Drop for PlainLock {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
