//! shuttle 0.9.9: coroutines in one thread, with each of its randomized schedulers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use lockfuzz::interleave::Search;
use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler, UrwRandomScheduler};
use shuttle::sync::atomic::{AtomicI32, Ordering::SeqCst};
use shuttle::{Config, FailurePersistence, Runner, sync};

use crate::kernels::{Cell, Kernel, Mutex, World};
use crate::speed::cpu_time;

/// shuttle's memory and mutexes.
pub struct Shuttle;

impl World for Shuttle {
    type Cell = AtomicI32;
    type Mutex<T: Send + 'static> = sync::Mutex<T>;

    fn before_file_call() {
        shuttle::thread::yield_now();
    }
}

impl Cell for AtomicI32 {
    fn new(_: String, value: i32) -> Self {
        AtomicI32::new(value)
    }
    fn load(&self) -> i32 {
        self.load(SeqCst)
    }
    fn store(&self, value: i32) {
        self.store(value, SeqCst);
    }
    fn add(&self, more: i32) -> i32 {
        self.fetch_add(more, SeqCst) + more
    }
}

impl<T: Send + 'static> Mutex<T> for sync::Mutex<T> {
    type Held<'a> = sync::MutexGuard<'a, T>;
    fn new(_: String, value: T) -> Self {
        sync::Mutex::new(value)
    }
    fn lock(&self) -> sync::MutexGuard<'_, T> {
        self.lock().expect("the first panic ends the execution")
    }
}

/// Its schedulers, by name.
pub const SCHEDULERS: [&str; 3] = ["random", "pct", "urw"];

fn scheduler(name: &str, seed: u64, executions: u32) -> Box<dyn Scheduler + Send> {
    let executions = executions as usize;
    match name {
        "random" => Box::new(RandomScheduler::new_from_seed(seed, executions)),
        "pct" => Box::new(PctScheduler::new_from_seed(seed, Search::DEPTH as usize, executions)),
        "urw" => Box::new(UrwRandomScheduler::new_from_seed(seed, executions)),
        other => unreachable!("no scheduler is called {other}"),
    }
}

/// Runs it so often, or until it fails.
fn run(kernel: &Kernel, by: Box<dyn Scheduler + Send>, ran: &Arc<AtomicU32>) {
    let mut config = Config::new();
    config.silence_warnings = true;
    config.failure_persistence = FailurePersistence::None;
    let (kernel, ran) = (kernel.clone(), Arc::clone(ran));
    Runner::new(by, config).run(move || {
        ran.fetch_add(1, Relaxed);
        let run = (kernel.make)();
        let start = |worker| {
            let run = Arc::clone(&run);
            shuttle::thread::spawn(move || run.work(worker))
        };
        let workers: Vec<_> = (1..=kernel.workers).map(start).collect();
        for worker in workers {
            worker.join().expect("a panic ends the execution");
        }
        run.check();
    });
}

/// Executions up to and including the first that fails, `most` at most.
pub fn first_failure(kernel: &Kernel, name: &str, seed: u64, most: u32) -> Option<u32> {
    let ran = Arc::default();
    // What a panic leaves behind in shuttle belongs to the thread, and would fail the next hunt.
    let ended =
        std::thread::scope(|scope| scope.spawn(|| run(kernel, scheduler(name, seed, most), &ran)).join());
    ended.is_err().then(|| ran.load(Relaxed))
}

/// Executions in a second of processor time.
pub fn rate(kernel: &Kernel, executions: u32) -> f64 {
    let start = cpu_time();
    run(kernel, scheduler("random", 1, executions), &Arc::default());
    f64::from(executions) / (cpu_time() - start).as_secs_f64()
}
