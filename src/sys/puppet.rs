//! A thread with descriptors and a folder of its own, which makes any call: for tests of what calls do.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use super::tracee::{Registers, Stopped};

/// A call in numbers: which, and with what.
pub(crate) type Numbers = (i64, [u64; 6]);

/// To the kernel it is another process in all that concerns files and their locks.
pub(crate) struct Puppet {
    /// Its thread, by which `/proc` knows it.
    pub(crate) tid: i32,
    calls: Option<Sender<Numbers>>,
    results: Receiver<i64>,
    thread: Option<JoinHandle<()>>,
}

impl Puppet {
    /// With no descriptors but the standard ones.
    pub(crate) fn new() -> Self {
        let (calls, to_make) = channel::<Numbers>();
        let (say, results) = channel();
        let thread = std::thread::spawn(move || {
            const CLOSE_RANGE_UNSHARE: u64 = 2;
            call((libc::SYS_close_range, [3, u64::from(u32::MAX), CLOSE_RANGE_UNSHARE, 0, 0, 0]));
            call((libc::SYS_unshare, [libc::CLONE_FS as u64, 0, 0, 0, 0, 0]));
            say.send(call((libc::SYS_gettid, [0; 6]))).unwrap();
            for numbers in to_make {
                say.send(call(numbers)).unwrap();
            }
        });
        let tid = results.recv().unwrap() as i32;
        Puppet { tid, calls: Some(calls), results, thread: Some(thread) }
    }

    /// Makes this call: what it returns, an error below zero.
    ///
    /// Its addresses must be those of memory that is large enough, and that nobody else uses meanwhile.
    pub(crate) fn make(&self, numbers: Numbers) -> i64 {
        self.calls.as_ref().unwrap().send(numbers).unwrap();
        self.results.recv().unwrap()
    }

    /// As a tracer would see it before this call. It cannot be let go on.
    pub(crate) fn before(&self, (call, words): Numbers) -> (Stopped, Registers) {
        (Stopped::pretended(self.tid), Registers::pretended(call, words))
    }
}

impl Drop for Puppet {
    fn drop(&mut self) {
        self.calls = None;
        let _ = self.thread.take().unwrap().join();
    }
}

fn call((number, words): Numbers) -> i64 {
    let [a, b, c, d, e, f] = words;
    // SAFETY: see `make`; the calls of the tests touch no other memory, and end no thread.
    match unsafe { libc::syscall(number, a, b, c, d, e, f) } {
        -1 => -i64::from(std::io::Error::last_os_error().raw_os_error().unwrap()),
        result => result,
    }
}
