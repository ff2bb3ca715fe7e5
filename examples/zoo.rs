//! A lock of the zoo as a program of its own, that knows nothing of any run: takes the lock once, says that it is
//! inside, and gives the lock back.
//!
//! `lockfuzz run -- target/debug/examples/zoo exists-create` searches it at its system calls, as `lockfuzz fuzz
//! --lock exists-create` does at its points.

use std::error::Error;
use std::path::Path;
use std::sync::Mutex;
use std::thread::sleep;
use std::time::Duration;

use lockfuzz::lock::{ALL, Site, TryLock};
use lockfuzz::sys::robust::Robust;
use lockfuzz::sys::semaphore::Semaphore;

// These are this process's own: a lock that needs them shared is none for a program.
static MUTEX: Mutex<()> = Mutex::new(());
static SEMAPHORE: Semaphore = Semaphore::new();
static ROBUST: Robust = Robust::new();

fn main() -> Result<(), Box<dyn Error>> {
    let name = std::env::args().nth(1).ok_or("name a lock, such as exists-create")?;
    let number = |name: &str| std::env::var(name).ok().and_then(|number| number.parse().ok()).unwrap_or(1);
    let double = ALL.iter().find(|double| double.name == name).ok_or("there is no such lock")?;
    let site = Site {
        path: "lock".into(),
        mutex: &MUTEX,
        semaphore: &SEMAPHORE,
        robust: &ROBUST,
        worker: number("LOCKFUZZ_WORKER"),
        workers: number("LOCKFUZZ_WORKERS"),
    };
    let mut lock = (double.open)(&site)?;
    loop {
        match lock.try_lock() {
            TryLock::Acquired => break,
            TryLock::WouldBlock => sleep(Duration::from_millis(10)),
            TryLock::Failed(why) => return Err(why.into()),
        }
    }
    let _ = Path::new("lockfuzz:enter").exists();
    let _ = Path::new("lockfuzz:leave").exists();
    Ok(lock.unlock()?)
}
