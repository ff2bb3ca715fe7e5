//! The whole life of a worker at its system calls: it takes the lock, writes, reads back what it wrote, and gives the lock
//! back.
//!
//! It knows nothing of who holds it: all that it does is plain calls, and whoever traces it sees them.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use crate::job::OWN;
use crate::lock::{Site, TryLock};
use crate::own::Own;
use crate::sys::robust::Robust;
use crate::sys::semaphore::Semaphore;

/// Where the lock is, in the worker's working directory, and what is written beside it.
pub(in crate::own) const FOLDER: &str = "folder";
const SHARED: &str = "shared";

/// The exit codes of a worker that reads back something else than it wrote, and of one whose lock fails.
pub(in crate::own) const NOT_OWN: i32 = 65;
pub(in crate::own) const FAILED: i32 = 70;

/// How soon a lock is tried again that somebody else has. On the run's own clock, which costs nothing.
const AGAIN: Duration = Duration::from_millis(10);

/// Of which lock this process is a worker.
pub(in crate::own) fn called() -> Option<String> {
    std::env::var(OWN).ok()
}

/// Takes its turn, and is over.
pub(in crate::own) fn take(own: &Own) -> ! {
    let code = match turn(own) {
        Ok(None) => 0,
        Ok(Some(found)) => {
            eprintln!("it reads back {found:?}, and not what it wrote itself");
            NOT_OWN
        }
        Err(why) => {
            eprintln!("{why}");
            FAILED
        }
    };
    std::process::exit(code)
}

/// What it reads back instead of what it wrote.
fn turn(own: &Own) -> io::Result<Option<String>> {
    static MUTEX: Mutex<()> = Mutex::new(());
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let not_told = || io::Error::other("it was not told which worker it is");
    let worker: u32 = number("LOCKFUZZ_WORKER").ok_or_else(not_told)?;
    let workers = number("LOCKFUZZ_WORKERS").ok_or_else(not_told)?;
    let here = std::env::current_dir()?;
    // Those of a worker process of the stepped engine are shared; whoever traces sees no memory.
    let (semaphore, robust) = (Semaphore::new(), Robust::new());
    semaphore.reset().and_then(|()| robust.reset())?;
    let site = Site {
        path: here.join(FOLDER),
        mutex: &MUTEX,
        semaphore: &semaphore,
        robust: &robust,
        worker,
        workers,
    };
    let mut lock = (own.open)(&site)?;
    loop {
        match lock.try_lock() {
            TryLock::Acquired => break,
            TryLock::WouldBlock => std::thread::sleep(AGAIN),
            TryLock::Failed(why) => return Err(why),
        }
    }
    say(&here, "lockfuzz:enter");
    let found = write_and_read(&here.join(SHARED), worker)?;
    say(&here, "lockfuzz:leave");
    lock.unlock()?;
    Ok(found)
}

/// It is inside, or no longer: whoever traces sees that this is looked for.
fn say(here: &Path, what: &str) {
    let _ = fs::symlink_metadata(here.join(what));
}

/// Each is one call, so that there are few points at which the lock does nothing.
fn write_and_read(shared: &Path, worker: u32) -> io::Result<Option<String>> {
    let mine = format!("worker {worker:2}");
    let file = File::options().read(true).write(true).create(true).truncate(false).open(shared)?;
    file.write_all_at(mine.as_bytes(), 0)?;
    let mut found = vec![0; mine.len()];
    file.read_exact_at(&mut found, 0)?;
    let found = String::from_utf8_lossy(&found).into_owned();
    Ok((found != mine).then_some(found))
}
