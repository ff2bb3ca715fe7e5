//! The twelve tests of the original experiment, on the engine of the original: real threads and
//! processes on a real clock, five workers, the original's schedule.
//!
//! One at a time, since they are about time. A machine that is too slow for a schedule makes a run
//! inconclusive, and it is tried again with its ticks further apart.

mod support;

use std::sync::{Arc, Mutex, PoisonError};

use lockfuzz::campaign::run_and_retry;
use lockfuzz::case::{Case, Faults, Placement, Scope};
use lockfuzz::check::Verdict;
use lockfuzz::engine::Realtime;
use lockfuzz::schedule::{Order, Time, original};

static ALONE: Mutex<()> = Mutex::new(());

fn row(lock: &str, placement: Placement, order: Order) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = support::folder();
    let mut engine = Realtime::new(&support::staff(&folder), Arc::default()).unwrap();
    let schedule = original(5, Time::from_micros(20_000));
    let case = Case {
        lock: lock.to_owned(),
        placement,
        scope: Scope::Session,
        order,
        workers: 5,
        schedule,
        choices: None,
        faults: Faults::NONE,
    };
    let double = support::double(lock);
    let (_, verdict) = run_and_retry(&mut engine, &case, double).unwrap();
    match (double.claim.expects_race(placement, Scope::Session, 5), verdict) {
        (true, Verdict::Fail(failure)) => assert!(failure.law.is_race(), "{failure}"),
        (false, Verdict::Pass(_)) => {}
        (expected, other) => panic!("a race expected: {expected}; found: {other:?}"),
    }
}

macro_rules! rows {
    ($($name:ident: $lock:literal, $placement:ident, $order:ident;)*) => {
        $(#[test] fn $name() { row($lock, Placement::$placement, Order::$order); })*
    };
}

rows! {
    spin_flag_threads_force_write: "flag", Threads, ForceWrite;
    spin_flag_threads_force_read: "flag", Threads, ForceRead;
    spin_flag_processes_force_write: "flag", Processes, ForceWrite;
    spin_flag_processes_force_read: "flag", Processes, ForceRead;
    threading_lock_threads_force_write: "mutex", Threads, ForceWrite;
    threading_lock_threads_force_read: "mutex", Threads, ForceRead;
    threading_lock_processes_force_write: "mutex", Processes, ForceWrite;
    threading_lock_processes_force_read: "mutex", Processes, ForceRead;
    multiprocessing_lock_threads_force_write: "semaphore", Threads, ForceWrite;
    multiprocessing_lock_threads_force_read: "semaphore", Threads, ForceRead;
    multiprocessing_lock_processes_force_write: "semaphore", Processes, ForceWrite;
    multiprocessing_lock_processes_force_read: "semaphore", Processes, ForceRead;
    file_lock_threads_force_write: "flock", Threads, ForceWrite;
    file_lock_threads_force_read: "flock", Threads, ForceRead;
    file_lock_processes_force_write: "flock", Processes, ForceWrite;
    file_lock_processes_force_read: "flock", Processes, ForceRead;
}
