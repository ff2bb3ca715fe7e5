//! The clock of an interleaved run.

mod support;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lockfuzz::engine::Stepped;
use lockfuzz::history::What;
use lockfuzz::interleave::{Exhaustive, Reduction, Scheduler};
use lockfuzz::program::{Execution, Outcome, Program};
use lockfuzz::schedule::Wid;
use lockfuzz::sync::Atomic;
use lockfuzz::{fs, time};

/// Worker 1 sleeps for a while, writes a file, and looks what worker 2 has counted.
struct Sleeper {
    sleeps: Duration,
    path: PathBuf,
    saw: Mutex<BTreeSet<u32>>,
}

impl Program for Sleeper {
    type Shared = Atomic<u32>;

    fn name(&self) -> &str {
        "sleeper"
    }

    fn workers(&self) -> u32 {
        2
    }

    fn begin(&self) -> Atomic<u32> {
        Atomic::new("count", 0)
    }

    fn work(&self, count: &Atomic<u32>, worker: Wid) {
        if worker == 1 {
            count.load();
            time::sleep(self.sleeps);
            fs::write(&self.path, "").unwrap();
            self.saw.lock().unwrap().insert(count.load());
        } else {
            count.store(1);
            count.store(2);
        }
    }

    fn verdict(&self, _: &Atomic<u32>) -> Result<(), String> {
        let written = std::fs::metadata(&self.path).and_then(|at| at.modified()).unwrap();
        let least = time::at(self.sleeps);
        if written == least { Ok(()) } else { Err(format!("{written:?} is not {least:?}")) }
    }
}

/// All executions, and what worker 1 has seen.
fn all(sleeps: Duration) -> (Vec<Execution>, BTreeSet<u32>) {
    let folder = support::folder();
    let mut engine = Stepped::new(&support::staff(&folder)).unwrap();
    let path = folder.path().join("written");
    let program = Arc::new(Sleeper { sleeps, path, saw: Mutex::default() });
    let mut search = Exhaustive::new(None, Reduction::Off);
    let mut executions = Vec::new();
    while search.begin() {
        let execution = engine.explore_program(&program, &mut search).unwrap();
        assert_eq!(execution.outcome, Outcome::Pass);
        assert_eq!(engine.replay_program(&program, &execution.choices).unwrap(), execution);
        executions.push(execution);
    }
    assert!(search.complete());
    let saw = program.saw.lock().unwrap().clone();
    (executions, saw)
}

/// The load of worker 1 (L) comes before, between or after the two stores (S) of worker 2. Then worker 1
/// sleeps, and the clock moves when worker 2 is done: L S S, S L S, S S L.
#[test]
fn who_sleeps_for_long_sleeps_until_nobody_else_can_go_on() {
    let (executions, saw) = all(Duration::from_secs(3600));
    assert_eq!(executions.len(), 3);
    assert_eq!(saw, BTreeSet::from([2]), "whatever worker 2 does takes less than an hour");
    let slept = |execution: &Execution| {
        let slept = |what: &What| matches!(what, What::Slept(until) if until.as_micros() == 3_600_000_000);
        execution.history.events.iter().filter(|event| slept(&event.what)).count()
    };
    assert!(executions.iter().all(|execution| slept(execution) == 1));
}

/// The same with a pause: the first store after the load ends it.
#[test]
fn a_pause_ends_when_something_changes_that_was_looked_at() {
    let (executions, saw) = all(Duration::from_millis(10));
    assert!(executions.len() > 3, "{}", executions.len());
    assert_eq!(saw, BTreeSet::from([1, 2]), "0 would mean that it did not sleep at all");
}
