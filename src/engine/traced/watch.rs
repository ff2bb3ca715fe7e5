//! Sees to it that a program which makes no call any more does not hold everything up.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::sys::tracee;

/// How often it looks.
const LOOK: Duration = Duration::from_millis(50);
/// How much patience it has after the first time.
const AGAIN: Duration = Duration::from_secs(2);

/// A thread that kills the workers when nothing was heard of them for too long, or somebody wants it to end.
pub(super) struct Watch {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    /// Counts what happens.
    beats: AtomicU64,
    /// Whom to kill; empty while nobody runs.
    pids: Mutex<Vec<i32>>,
    fired: AtomicBool,
    over: AtomicBool,
    interrupt: Arc<AtomicBool>,
}

impl Watch {
    /// With so much patience.
    pub(super) fn new(silence: Duration, interrupt: Arc<AtomicBool>) -> Self {
        let shared = Arc::new(Shared {
            beats: AtomicU64::new(0),
            pids: Mutex::default(),
            fired: AtomicBool::new(false),
            over: AtomicBool::new(false),
            interrupt,
        });
        let mine = Arc::clone(&shared);
        let thread = std::thread::spawn(move || mine.run(silence));
        Watch { shared, thread: Some(thread) }
    }

    /// Something has happened.
    pub(super) fn alive(&self) {
        self.shared.beats.fetch_add(1, Ordering::Relaxed);
    }

    /// One more to look after.
    pub(super) fn add(&self, pid: i32) {
        self.shared.pids().push(pid);
    }

    /// They are gone. Did it have to kill them?
    pub(super) fn rest(&self) -> bool {
        self.shared.pids().clear();
        self.shared.fired.swap(false, Ordering::Relaxed)
    }
}

impl Shared {
    fn pids(&self) -> std::sync::MutexGuard<'_, Vec<i32>> {
        self.pids.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, silence: Duration) {
        let mut seen = (0, Instant::now());
        // Who was silent once will be again, and costs less time then.
        let mut silence = silence;
        while !self.over.load(Ordering::Relaxed) {
            std::thread::park_timeout(LOOK);
            let beats = self.beats.load(Ordering::Relaxed);
            let mut pids = self.pids();
            if beats != seen.0 || pids.is_empty() {
                seen = (beats, Instant::now());
            }
            if seen.1.elapsed() > silence || self.interrupt.load(Ordering::Relaxed) {
                if !pids.is_empty() {
                    silence = silence.min(AGAIN);
                }
                for pid in pids.drain(..) {
                    tracee::kill(pid);
                    self.fired.store(true, Ordering::Relaxed);
                }
            }
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}
