//! Work with real files.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use lockfuzz::fs;

use super::{Kernel, Run, World};

/// Whoever creates the lock file writes, reads back, and removes it; whoever does not goes away. No bug.
struct LockFile<W> {
    folder: PathBuf,
    bytes: usize,
    _world: std::marker::PhantomData<W>,
}

impl<W: World> Run for LockFile<W> {
    fn work(&self, worker: u32) {
        let (lock, data) = (self.folder.join("lock"), self.folder.join("data"));
        W::before_file_call();
        let Ok(file) = fs::File::create_new(&lock) else { return };
        W::before_file_call();
        drop(file);
        let content = vec![b'0' + worker as u8; self.bytes];
        W::before_file_call();
        fs::write(&data, &content).expect("it can be written");
        W::before_file_call();
        assert_eq!(fs::read(&data).expect("it was written"), content);
        W::before_file_call();
        fs::remove_file(&lock).expect("it is mine");
    }
}

impl<W> Drop for LockFile<W> {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// So many workers, and so many KiB to write.
pub fn lock_file<W: World>(workers: u32, kib: usize) -> Kernel {
    static SERIAL: AtomicU64 = AtomicU64::new(0);
    let root =
        if std::path::Path::new("/dev/shm").is_dir() { "/dev/shm".into() } else { std::env::temp_dir() };
    Kernel::new(format!("lock_file_{workers}, {kib} KiB"), workers, move || {
        let serial = SERIAL.fetch_add(1, Relaxed);
        let folder = root.join(format!("lockfuzz-kernel-{}-{serial}", std::process::id()));
        std::fs::create_dir(&folder).expect("a folder");
        LockFile::<W> { folder, bytes: kib * 1024, _world: std::marker::PhantomData }
    })
}
