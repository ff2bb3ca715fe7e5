//! What the workers of a case did, as a list, and somebody to do it again.

use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use lockfuzz::cache::{Identity, SharedFile};
use lockfuzz::history::{Event, What};
use lockfuzz::lock::{Double, Lock, Site, TryLock};
use lockfuzz::schedule::Wid;
use lockfuzz::sys::robust::Robust;
use lockfuzz::sys::semaphore::Semaphore;

use super::contest::Row;
use super::ours::{CASES, Driver};

/// Everything that a case asks of the lock and of the file system.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Act {
    /// Try the lock, and get it.
    Take,
    /// Try the lock in vain.
    Fail,
    /// Write the shared file.
    Write,
    /// Read it.
    Read,
    /// Give the lock back.
    Give,
    /// Close the lock.
    Leave,
}

impl Act {
    /// All of them; the place of each is its code.
    pub const ALL: [Act; 6] = [Act::Take, Act::Fail, Act::Write, Act::Read, Act::Give, Act::Leave];

    fn of(event: &Event) -> Option<Act> {
        Some(match event.what {
            What::Locked => Act::Take,
            What::Blocked => Act::Fail,
            What::Wrote => Act::Write,
            What::Read(_) => Act::Read,
            What::Unlocked => Act::Give,
            What::Exited => Act::Leave,
            _ => return None,
        })
    }
}

/// Who does what, the first first.
pub type Script = Vec<(Wid, Act)>;

/// What the engine's workers did in the cases of this row.
pub fn scripts(row: &Row) -> Vec<Script> {
    let mut driver = Driver::new(row);
    let mut script =
        || driver.case().events.iter().filter_map(|event| Some((event.worker, Act::of(event)?))).collect();
    (0..CASES).map(|_| script()).collect()
}

/// What a worker finds where it works.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    pub double: &'static Double,
    pub folder: &'a Path,
    pub mutex: &'static Mutex<()>,
    pub semaphore: &'a Semaphore,
}

static ROBUST: Robust = Robust::new();

/// One worker in one case.
pub struct Hand<'a> {
    me: Identity,
    double: &'static Double,
    file: SharedFile,
    site: Site<'a>,
    lock: Option<Box<dyn Lock + 'a>>,
}

impl<'a> Hand<'a> {
    pub fn new(place: Place<'a>, me: Identity, serial: u64) -> Self {
        let Place { double, folder, mutex, semaphore } = place;
        let [file, path] = files(folder, serial);
        Hand {
            me,
            double,
            file: SharedFile::at(file),
            site: Site {
                path,
                mutex,
                semaphore,
                // None of these locks uses it.
                robust: &ROBUST,
                worker: me.wid,
                workers: lockfuzz::schedule::MAX_WORKERS,
            },
            lock: None,
        }
    }

    pub fn act(&mut self, act: Act) {
        match act {
            Act::Take | Act::Fail => {
                let got = matches!(self.lock().try_lock(), TryLock::Acquired);
                assert_eq!(got, act == Act::Take, "the lock answers as it did before");
            }
            Act::Write => self.file.write(self.me).expect("the file can be written"),
            Act::Read => drop(black_box(self.file.read().expect("the file can be read"))),
            Act::Give => self.lock().unlock().expect("the lock is held"),
            Act::Leave => self.lock = None,
        }
    }

    fn lock(&mut self) -> &mut (dyn Lock + 'a) {
        let open = || (self.double.open)(&self.site).expect("the lock can be opened");
        self.lock.get_or_insert_with(open).as_mut()
    }
}

/// The calling thread as a worker.
pub fn identity(wid: Wid) -> Identity {
    let tid = rustix::thread::gettid().as_raw_nonzero().get() as u32;
    Identity { pid: std::process::id(), tid, wid }
}

/// Takes the files of a case away, as the engine does.
pub fn clear(folder: &Path, serial: u64) {
    for path in files(folder, serial) {
        // Not every lock leaves a file.
        let _ = fs::remove_file(path);
    }
}

fn files(folder: &Path, serial: u64) -> [PathBuf; 2] {
    ["json", "lock"].map(|ending| folder.join(format!("case-{serial}.{ending}")))
}
