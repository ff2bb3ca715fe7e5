//! The traced engine and the stepped one agree: each lock of the zoo as a program that knows nothing of any run, at
//! its system calls, comes to the same verdict, with as few workers and preemptions, as its double at its points.

#![cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]

mod support;

use std::path::Path;

use lockfuzz::case::{Faults, Placement};
use lockfuzz::lock::{ALL, Double};
use lockfuzz::regression::Saved;
use support::program::{Home, json, run};

/// No program is these: what they need is in the memory of one process, or shared with it, or (mtime-stale) an old lock
/// that the double makes when it is opened.
const NO_PROGRAM: [&str; 7] =
    ["flag", "mutex", "semaphore", "flag-shared", "robust", "fcntl-close", "mtime-stale"];

/// Shrinking ends before it has seen that one preemption fewer is enough, as three workers take so many steps.
const NOT_TO_THE_LEAST: [&str; 1] = ["pid-stale"];

/// What `lockfuzz run` finds of this lock: workers and preemptions of the counterexample, if there is one.
fn as_a_program(lock: &Double) -> Option<(u32, u32)> {
    let home = Home::new();
    // Examples are built beside the program, before any test.
    let program = Path::new(env!("CARGO_BIN_EXE_lockfuzz")).with_file_name("examples").join("zoo");
    let mut command =
        home.lockfuzz(["run", "--quiet", "--json", "-", "--seed", "1", "--shrink", "10m", "--dir"]);
    let broken = lock.fewest_preemptions(Placement::Processes, Faults::NONE).is_some();
    command.arg(home.dir()).args(["--schedules", if broken { "1000" } else { "60" }]);
    command.args(["--workers", &lock.workers.to_string(), "--"]).arg(program).arg(lock.name);
    let ran = run(command);
    ran.assert_code(if broken { 100 } else { 0 });
    let found = json(&ran.out)["counterexample"].as_str().map(|path| home.path(path))?;
    let Saved { case, history, .. } = Saved::read(&found).unwrap();
    let history = lockfuzz::history::History { events: history, ..Default::default() };
    Some((case.workers, history.preemptions() as u32))
}

/// Some of each kind; all of them take half a minute.
#[test]
fn a_lock_as_a_program_is_the_lock_as_a_double() {
    agree(|lock| {
        ["exists-create", "pid-late", "bakery-no-choosing", "bakery", "flock-checked"].contains(&lock.name)
    });
}

#[test]
#[ignore = "long"]
fn every_lock_as_a_program_is_the_lock_as_a_double() {
    agree(|lock| !NO_PROGRAM.contains(&lock.name));
}

fn agree(which: impl Fn(&Double) -> bool) {
    let mut differ = Vec::new();
    for lock in ALL.iter().filter(|lock| which(lock)) {
        let double = lock.fewest_preemptions(Placement::Processes, Faults::NONE);
        let double = double.map(|least| (lock.workers, least));
        let program = as_a_program(lock);
        eprintln!("{:20} as a double {double:?}, as a program {program:?}", lock.name);
        let one_more = double.map(|(workers, least)| (workers, least + 1));
        let near = NOT_TO_THE_LEAST.contains(&lock.name) && program == one_more;
        if program != double && !near {
            differ.push((lock.name, program, double));
        }
    }
    assert!(differ.is_empty(), "{differ:?}");
}
