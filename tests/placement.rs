//! Where workers live, and what is noticed when one of them is gone.

mod support;

use std::collections::BTreeSet;
use std::env;
use std::ffi::OsString;
use std::io;
use std::path::Path;

use lockfuzz::case::{Case, Faults, Placement, Scope};
use lockfuzz::engine::{Engine, Stepped};
use lockfuzz::history::Absence;
use lockfuzz::lock::{Double, FLOCK, Lock, TryLock};
use lockfuzz::schedule::{Command, Order, Time, original};
use lockfuzz::worker::process::work;
use lockfuzz::worker::{Crew, Launch, Staff};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// Lets everybody in and panics at the first release.
struct Panics;

impl Lock for Panics {
    fn try_lock(&mut self) -> TryLock {
        TryLock::Acquired
    }

    fn unlock(&mut self) -> io::Result<()> {
        panic!("planted")
    }
}

static PANICS: Double = Double { name: "panics", open: &|_| Ok(Box::new(Panics)), ..FLOCK };
static DOUBLES: [&Double; 2] = [&PANICS, &FLOCK];

/// What the worker processes of these tests are started with.
const WORKER: [&str; 4] = ["serves_as_a_worker_process", "--exact", "--nocapture", "--test-threads=1"];

/// Staff whose worker processes are this test binary, so that they know its locks.
fn staff(folder: &TempDir) -> Staff {
    let launch = Launch::itself(&WORKER);
    Staff { doubles: &DOUBLES, launch, ..support::staff(folder) }
}

/// Nothing by itself; a life when a driver has started this binary.
#[test]
fn serves_as_a_worker_process() {
    let words: Vec<OsString> = env::args_os().skip(1).collect();
    if let [words @ .., workers, folder] = &words[..]
        && words == WORKER
    {
        work(workers, Path::new(folder), &DOUBLES).unwrap();
    }
}

fn case(lock: &str, placement: Placement, workers: u32) -> Case {
    Case {
        lock: lock.to_owned(),
        placement,
        scope: Scope::Session,
        order: Order::AsGenerated,
        workers,
        schedule: original(workers, Time::from_micros(1000)),
        choices: None,
        faults: Faults::NONE,
    }
}

#[test]
fn workers_live_where_their_placement_says() {
    let folder = support::folder();
    for placement in Placement::ALL {
        let mut crew = Crew::new(support::staff(&folder), placement).unwrap();
        // A worker more than there were: those who are there already stay.
        for workers in [2, 3, 6] {
            crew.muster(workers).unwrap();
            let at = |wid| crew.identity(wid).unwrap();
            let pairs = (1..=workers).flat_map(|one| (1..one).map(move |other| (other, one)));
            for (one, other) in pairs {
                let together = at(one).pid == at(other).pid;
                assert_eq!(together, placement.together(one, other), "{placement:?}: {one}, {other}");
                assert_ne!(at(one).tid, at(other).tid, "{placement:?}: {one}, {other}");
            }
            let own = std::process::id();
            let elsewhere: BTreeSet<u32> = (1..=workers).map(|wid| at(wid).pid).collect();
            assert_eq!(elsewhere.contains(&own), placement == Placement::Threads);
            let started: BTreeSet<u32> = crew.pids().into_iter().collect();
            assert_eq!(&elsewhere - &BTreeSet::from([own]), started);
        }
    }
}

#[test]
fn a_dead_process_takes_all_its_workers_along_and_nobody_else() {
    let folder = support::folder();
    for placement in [Placement::Processes, Placement::Mixed] {
        let mut crew = Crew::new(support::staff(&folder), placement).unwrap();
        crew.muster(4).unwrap();
        let victim = crew.identity(2).unwrap().pid;
        kill_process(Pid::from_raw(victim as i32).unwrap(), Signal::KILL).unwrap();
        while !crew.is_gone(2) {
            std::thread::yield_now();
        }
        let gone = [1, 2, 3, 4].map(|wid| crew.is_gone(wid));
        assert_eq!(gone, [1, 2, 3, 4].map(|wid| wid == 2 || placement.together(wid, 2)), "{placement:?}");
    }
}

/// Whether it is the thread that its process began with or another, and whoever lives there besides.
#[test]
fn a_worker_that_panics_is_missing_wherever_it_lives() {
    let folder = support::folder();
    let mut engine = Stepped::new(&staff(&folder)).unwrap();
    for placement in Placement::ALL {
        for first in [1, 2, 3] {
            let mut case = case("panics", placement, 4);
            // The first exit is the first release.
            let last = case.schedule.ticks.last_mut().unwrap();
            last.commands.push((first, Command::Exit));
            let history = engine.run(&case).unwrap();
            let [missing] = history.missing[..] else { panic!("{placement:?}: {:?}", history.missing) };
            assert_eq!((missing.worker, missing.command), (first, Command::Exit), "{placement:?}");
            assert_eq!(missing.why, Absence::Died, "{placement:?}");
        }
        let healthy = engine.run(&case("flock", placement, 4)).unwrap();
        assert!(healthy.missing.is_empty(), "{placement:?}: the next case has a new crew");
    }
}
