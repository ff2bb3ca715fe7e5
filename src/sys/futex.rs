//! A word that one can sleep on: futex(2), between the threads of one process and between processes.
//!
//! In the tests that loom runs (`--cfg loom`) the kernel's part is played by a mutex and a condition
//! variable of loom's, which promise no more than futex(2) does: whoever sleeps has seen the value under
//! the lock that every waker takes.

use std::sync::atomic::Ordering;
use std::time::Duration;

#[cfg(not(all(test, loom)))]
use rustix::thread::futex;

#[cfg(not(all(test, loom)))]
type Value = std::sync::atomic::AtomicU32;
#[cfg(all(test, loom))]
type Value = loom::sync::atomic::AtomicU32;

/// Who may sleep on a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Threads of one process only: waking them is cheaper.
    Process,
    /// Whoever has mapped it.
    Machine,
}

/// A word to sleep on. All zeros is a word of value 0.
#[cfg_attr(not(all(test, loom)), repr(transparent))]
#[derive(Debug, Default)]
pub struct Word {
    value: Value,
    #[cfg(all(test, loom))]
    queue: (loom::sync::Mutex<()>, loom::sync::Condvar),
}

impl Word {
    /// What it is.
    pub fn load(&self, order: Ordering) -> u32 {
        self.value.load(order)
    }

    /// Adds to it.
    pub fn add(&self, more: u32, order: Ordering) {
        self.value.fetch_add(more, order);
    }

    /// Sets it. Who sleeps is not woken by that.
    pub fn store(&self, value: u32, order: Ordering) {
        #[cfg(not(all(test, loom)))]
        self.value.store(value, order);
        // loom lets a plain store come between the two halves of another thread's swap, as if that were
        // not one step. Among swaps it does not.
        #[cfg(all(test, loom))]
        self.value.swap(value, order);
    }

    /// Sets it, and says what it was.
    pub fn swap(&self, value: u32, order: Ordering) -> u32 {
        self.value.swap(value, order)
    }
}

#[cfg(not(all(test, loom)))]
impl Word {
    /// Wakes one who sleeps on it.
    pub fn wake(&self, reach: Reach) {
        let _ = futex::wake(&self.value, flags(reach), 1);
    }

    /// Sleeps while it has this value, until it is woken or the time is over; or comes back for no reason.
    pub fn wait(&self, value: u32, limit: Option<Duration>, reach: Reach) {
        let limit = limit.map(|limit| futex::Timespec {
            tv_sec: limit.as_secs() as _,
            tv_nsec: limit.subsec_nanos().into(),
        });
        // Woken, timed out, interrupted, or the value was another already: the caller looks again.
        let _ = futex::wait(&self.value, flags(reach), value, limit.as_ref());
    }
}

#[cfg(not(all(test, loom)))]
fn flags(reach: Reach) -> futex::Flags {
    match reach {
        Reach::Process => futex::Flags::PRIVATE,
        Reach::Machine => futex::Flags::empty(),
    }
}

#[cfg(all(test, loom))]
impl Word {
    pub fn wake(&self, _: Reach) {
        let _queue = self.queue.0.lock().unwrap();
        self.queue.1.notify_one();
    }

    pub fn wait(&self, value: u32, limit: Option<Duration>, _: Reach) {
        let queue = self.queue.0.lock().unwrap();
        // A sleep that ends by itself is one that need not be begun. The kernel looks at the value while
        // it holds the queue, and promises no order of anything else by that look.
        if limit.is_none() && self.value.load(Ordering::Relaxed) == value {
            drop(self.queue.1.wait(queue).unwrap());
        }
    }
}
