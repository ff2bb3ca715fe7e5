//! The experiment as properties, on the stepped engine: each lock in each placement and order, over
//! generated schedules that overlap, against the sequential model in both directions.
//!
//! The twelve tests of the original experiment are here by name, beside those of `flock` and of the
//! order as generated. `PROPTEST_CASES` says how many schedules each of them tries. Cases saved in
//! `proptest-regressions/` are replayed first, so that a changed strategy cannot make one stale.

mod support;

use std::cell::RefCell;
use std::path::Path;

use lockfuzz::campaign::run_and_retry;
use lockfuzz::case::{Case, Faults, Placement, Scope};
use lockfuzz::check::{Evidence, Reason, Verdict};
use lockfuzz::engine::{Engine, Stepped};
use lockfuzz::regression::read_all;
use lockfuzz::schedule::{Order, Time, original};
use lockfuzz::strategy::cases;
use proptest::test_runner::TestCaseError;

/// What one test has seen so far.
struct Row {
    lock: &'static str,
    placement: Placement,
    races: bool,
    engine: Box<dyn Engine>,
    evidence: Evidence,
    found: u64,
}

impl Row {
    fn try_case(&mut self, case: &Case) -> Result<(), TestCaseError> {
        let (history, verdict) =
            run_and_retry(self.engine.as_mut(), case, support::double(self.lock)).expect("the engine works");
        self.evidence += Evidence::of(case, &history);
        match verdict {
            Verdict::Fail(failure) if self.races && failure.law.is_race() => self.found += 1,
            Verdict::Fail(failure) => return Err(TestCaseError::fail(failure.to_string())),
            Verdict::Pass(_) | Verdict::Inconclusive { reason: Reason::Uncontended { .. } } => {}
            Verdict::Inconclusive { reason } => return Err(TestCaseError::fail(reason.to_string())),
        }
        Ok(())
    }
}

fn row(lock: &'static str, placement: Placement, order: Order) {
    let folder = support::folder();
    let claim = support::double(lock).claim;
    let row = RefCell::new(Row {
        lock,
        placement,
        races: claim.expects_race(placement, Scope::Session, 2),
        engine: Box::new(Stepped::new(&support::staff(&folder)).unwrap()),
        evidence: Evidence::default(),
        found: 0,
    });
    let saved = Path::new(env!("CARGO_MANIFEST_DIR")).join("proptest-regressions");
    let saved = read_all(&saved).unwrap_or_else(|(path, why)| panic!("{}: {why}", path.display()));
    for (path, saved) in saved {
        if (saved.case.lock.as_str(), saved.case.placement) == (lock, row.borrow().placement) {
            let went = row.borrow_mut().try_case(&saved.case);
            went.unwrap_or_else(|why| panic!("{}: {why}", path.display()));
        }
    }
    let first = Case {
        lock: lock.to_owned(),
        placement,
        scope: Scope::Session,
        order,
        workers: 5,
        schedule: original(5, Time::from_micros(2_000_000)),
        choices: None,
        faults: Faults::NONE,
    };
    row.borrow_mut().try_case(&first).expect("the schedule of the original experiment");

    let strategy = cases().lock(lock).placement(placement).order(order).scope(Scope::Session);
    let strategy = strategy.workers(2..=16).overlapping();
    let mut runner = support::runner(support::config());
    runner.run(&strategy, |case| row.borrow_mut().try_case(&case)).unwrap_or_else(|why| panic!("{why}"));

    let row = row.into_inner();
    assert!(matches!(row.evidence.verdict(), Verdict::Pass(_)), "{:?}", row.evidence);
    if row.races {
        assert_eq!(row.found, row.evidence.cases, "every overlapping schedule must show the race");
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
    spin_flag_threads_as_generated: "flag", Threads, AsGenerated;
    spin_flag_processes_as_generated: "flag", Processes, AsGenerated;
    threading_lock_threads_as_generated: "mutex", Threads, AsGenerated;
    threading_lock_processes_as_generated: "mutex", Processes, AsGenerated;
    multiprocessing_lock_threads_as_generated: "semaphore", Threads, AsGenerated;
    multiprocessing_lock_processes_as_generated: "semaphore", Processes, AsGenerated;
    file_lock_threads_as_generated: "flock", Threads, AsGenerated;
    file_lock_processes_as_generated: "flock", Processes, AsGenerated;
}
