//! lockfuzz: its own memory and mutexes, and a kernel as its program.

use std::sync::Arc;

use lockfuzz::program::Program;
use lockfuzz::schedule::Wid;
use lockfuzz::sync;

use super::{Cell, Kernel, Mutex, Run, World};

/// lockfuzz's own memory and mutexes.
pub struct Ours;

impl World for Ours {
    type Cell = sync::Atomic<i32>;
    type Mutex<T: Send + 'static> = sync::Mutex<T>;

    fn before_file_call() {}
}

impl Cell for sync::Atomic<i32> {
    fn new(name: String, value: i32) -> Self {
        sync::Atomic::new(name, value)
    }
    fn load(&self) -> i32 {
        self.load()
    }
    fn store(&self, value: i32) {
        self.store(value);
    }
    fn add(&self, more: i32) -> i32 {
        self.update(|value| value + more) + more
    }
}

impl<T: Send + 'static> Mutex<T> for sync::Mutex<T> {
    type Held<'a> = sync::MutexGuard<'a, T>;
    fn new(name: String, value: T) -> Self {
        sync::Mutex::new(name, value)
    }
    fn lock(&self) -> sync::MutexGuard<'_, T> {
        self.lock()
    }
}

impl Program for Kernel {
    type Shared = Arc<dyn Run>;

    fn name(&self) -> &str {
        &self.name
    }

    fn workers(&self) -> u32 {
        self.workers
    }

    fn begin(&self) -> Arc<dyn Run> {
        (self.make)()
    }

    fn work(&self, run: &Arc<dyn Run>, worker: Wid) {
        run.work(worker);
    }

    fn verdict(&self, run: &Arc<dyn Run>) -> Result<(), String> {
        run.check();
        Ok(())
    }
}
