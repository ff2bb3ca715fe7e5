//! The stepped engine, with each of its schedulers.

use std::sync::Arc;

use lockfuzz::case::{Case, Faults, Placement, Scope};
use lockfuzz::check::Verdict;
use lockfuzz::engine::{Engine, Stepped};
use lockfuzz::interleave::{Faulty, Random, Scheduler};
use lockfuzz::lock::Double;
use lockfuzz::program::Outcome;
use lockfuzz::schedule::{Order, Time, at_once};
use lockfuzz::worker::{Launch, Staff};
use tempfile::TempDir;

use crate::kernels::Kernel;
use crate::speed::cpu_time;

/// Where workers live who meet these faults: a thread cannot be killed without its process.
pub fn placement(faults: Faults) -> Placement {
    if faults.crashes > 0 { Placement::Processes } else { Placement::Threads }
}

/// An engine in a folder of its own.
pub struct Driver {
    engine: Stepped,
    _folder: TempDir,
}

impl Driver {
    pub fn new() -> Self {
        let memory = std::path::Path::new("/dev/shm");
        let root = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let folder = tempfile::Builder::new().prefix("lockfuzz-bench-").tempdir_in(root).expect("a folder");
        let launch = Launch::new(env!("CARGO_BIN_EXE_lockfuzz"), &["worker"]);
        let engine = Stepped::new(&Staff::new(folder.path(), launch)).expect("the folder can be written");
        Driver { engine, _folder: folder }
    }

    /// Executions up to and including the first that fails, `most` at most.
    pub fn first_failure(
        &mut self,
        kernel: &Arc<Kernel>,
        mut by: Box<dyn Scheduler>,
        most: u32,
    ) -> Option<u32> {
        (1..=most).find(|_| {
            by.begin();
            match self.engine.explore_program(kernel, &mut by).expect("the engine works").outcome {
                Outcome::Pass => false,
                Outcome::Fail(_) => true,
                Outcome::Inconclusive(doubt) => panic!("{}: {doubt}", kernel.name),
            }
        })
    }

    /// The same for a lock, with these faults allowed.
    pub fn first_broken(
        &mut self,
        double: &'static Double,
        faults: Faults,
        by: Box<dyn Scheduler>,
        seed: u64,
        most: u32,
    ) -> Option<u32> {
        let case = Case {
            lock: double.name.to_owned(),
            placement: placement(faults),
            scope: Scope::Session,
            order: Order::AsGenerated,
            workers: double.workers,
            schedule: at_once(double.workers, Time::from_micros(1000)),
            choices: Some(Vec::new()),
            faults,
        };
        let mut by = Faulty::new(by, seed);
        (1..=most).find(|_| {
            by.begin();
            let (history, choices) = self.engine.explore(&case, &mut by).expect("the engine works");
            let case = Case { choices: Some(choices), ..case.clone() };
            matches!(self.engine.judge(&case, double.promised(), &history), Verdict::Fail(_))
        })
    }

    /// Executions in a second of processor time.
    pub fn rate(&mut self, kernel: &Arc<Kernel>, executions: u32) -> f64 {
        let mut by = Random::new(1);
        let start = cpu_time();
        for _ in 0..executions {
            let execution = self.engine.explore_program(kernel, &mut by).expect("the engine works");
            assert_eq!(execution.outcome, Outcome::Pass, "{}", kernel.name);
        }
        f64::from(executions) / (cpu_time() - start).as_secs_f64()
    }
}
