//! `robust`: a robust mutex in memory that all processes share.
//!
//! The semaphore's answer to death: the kernel marks the mutex of a holder that dies, and the next one who
//! asks gets it (pthread_mutexattr_setrobust(3)).

use std::io;

use crate::case::Faults;
use crate::lock::{Claim, Double, FLAG, Lock, TryLock, Withstands};
use crate::stage::{self, Access, Object};
use crate::sys::robust::Robust;

/// The kernel gives it back when its holder dies.
pub const ROBUST: Double = Double {
    name: "robust",
    what: "robust mutex shared between processes",
    promise: "excludes everyone; the kernel gives it back when its holder dies",
    claim: Claim::Everyone,
    neighbour: Some(&FLAG),
    withstands: Withstands::ALL,
    faults: &[Faults::CRASH],
    open: &|site| Ok(Box::new(Shared(site.robust))),
    ..Double::PLAIN
};

struct Shared<'a>(&'a Robust);

fn point() {
    stage::point(&[Access::Change(Object::memory("robust mutex"))]);
}

impl Lock for Shared<'_> {
    fn try_lock(&mut self) -> TryLock {
        point();
        match self.0.try_lock() {
            Ok(true) => {
                stage::note(format_args!("lock mutex: ok"));
                TryLock::Acquired
            }
            Ok(false) => {
                stage::note(format_args!("lock mutex: busy"));
                TryLock::WouldBlock
            }
            Err(why) => TryLock::Failed(why),
        }
    }

    fn unlock(&mut self) -> io::Result<()> {
        point();
        let went = self.0.unlock();
        stage::note(format_args!("unlock mutex"));
        stage::changed();
        went
    }
}
