//! `flag-shared`: one boolean for all threads of a process, tested, then set.
//!
//! The first fix that comes to mind for [`flag`](crate::lock::FLAG), and the `static bool busy` of many a
//! C program. It breaks between the test and the set. Another process has a boolean of its own.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::case::Placement;
use crate::lock::{Claim, Double, Least, Lock, TryLock};
use crate::stage::{self, Access, Object};

/// Test, then set.
pub const FLAG_SHARED: Double = Double {
    name: "flag-shared",
    what: "a boolean for each process, tested, then set",
    promise: "excludes nobody: two test before either sets",
    remedy: "test and set in one step (compare_exchange, or a Mutex); between processes take a lock \
             that they share, such as flock",
    claim: Claim::Nobody,
    open: &|site| {
        let object = Object::memory("flag-shared");
        Ok(Box::new(FlagShared { flag: flag(&site.path), object, path: site.path.clone() }))
    },
    least: &[
        Least::preemptions(2).only_in(&[Placement::Threads]),
        Least::preemptions(1).only_in(&[Placement::Processes]),
    ],
    ..Double::PLAIN
};

/// The booleans that are in use, by the path of their site: as good as a static one for each case.
static FLAGS: Mutex<BTreeMap<PathBuf, Weak<AtomicBool>>> = Mutex::new(BTreeMap::new());

fn flags() -> MutexGuard<'static, BTreeMap<PathBuf, Weak<AtomicBool>>> {
    FLAGS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn flag(path: &PathBuf) -> Arc<AtomicBool> {
    let mut flags = flags();
    flags.get(path).and_then(Weak::upgrade).unwrap_or_else(|| {
        let flag = Arc::default();
        flags.insert(path.clone(), Arc::downgrade(&flag));
        flag
    })
}

struct FlagShared {
    flag: Arc<AtomicBool>,
    object: Object,
    path: PathBuf,
}

impl FlagShared {
    fn store(&self, up: bool) {
        stage::point(&[Access::Change(self.object)]);
        self.flag.store(up, Ordering::SeqCst);
        stage::note(format_args!("store flag: {up}"));
        stage::changed();
    }
}

impl Lock for FlagShared {
    fn try_lock(&mut self) -> TryLock {
        stage::point(&[Access::Look(self.object)]);
        let up = self.flag.load(Ordering::SeqCst);
        stage::note(format_args!("load flag: {up}"));
        if up {
            return TryLock::WouldBlock;
        }
        self.store(true);
        TryLock::Acquired
    }

    fn unlock(&mut self) -> io::Result<()> {
        self.store(false);
        Ok(())
    }
}

impl Drop for FlagShared {
    fn drop(&mut self) {
        let mut flags = flags();
        if Arc::strong_count(&self.flag) == 1 {
            flags.remove(&self.path);
        }
    }
}
