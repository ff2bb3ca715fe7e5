//! The engines agree: with themselves, with each other, with the model.

mod support;

use std::cell::RefCell;
use std::sync::Arc;

use lockfuzz::campaign::run_and_retry;
use lockfuzz::case::{Case, Placement};
use lockfuzz::check::{Reason, Verdict};
use lockfuzz::engine::{Engine, Realtime, Stepped};
use lockfuzz::schedule::Time;
use lockfuzz::strategy::cases;
use proptest::prelude::*;
use proptest::test_runner::Config;

/// Did this case break the law? Whatever else a verdict says must not be said here.
fn raced(verdict: &Verdict) -> Result<bool, TestCaseError> {
    match verdict {
        Verdict::Pass(_) | Verdict::Inconclusive { reason: Reason::Uncontended { .. } } => Ok(false),
        Verdict::Fail(failure) if failure.law.is_race() => Ok(true),
        Verdict::Fail(failure) => Err(TestCaseError::fail(failure.to_string())),
        Verdict::Inconclusive { reason } => Err(TestCaseError::fail(reason.to_string())),
    }
}

/// Any case at all, whatever its lock, placement, scope, order and schedule: the run is the predicted
/// one, twice the same, and the same in the other placements where the claim is.
#[test]
fn a_stepped_run_is_the_predicted_one_and_repeats_byte_for_byte() {
    let folder = support::folder();
    let engine = RefCell::new(Stepped::new(&support::staff(&folder)).unwrap());
    let property = |case: Case| {
        let mut engine = engine.borrow_mut();
        let double = support::double(&case.lock);
        let once = engine.run(&case).unwrap();
        raced(&engine.judge(&case, double.promised(), &once))?;
        let again = engine.run(&case).unwrap();
        prop_assert_eq!(&once, &again);
        let pairs: Vec<_> = (1..=case.workers).flat_map(|one| (1..one).map(move |two| (one, two))).collect();
        let claim = |at| pairs.iter().map(move |&(one, two)| double.claim.excludes(at, one, two));
        for placement in Placement::ALL.into_iter().filter(|&place| claim(place).eq(claim(case.placement))) {
            let elsewhere = engine.run(&Case { placement, ..case.clone() }).unwrap();
            prop_assert_eq!(&once, &elsewhere, "{:?}", placement);
            let bytes = |h: &lockfuzz::history::History| serde_json::to_vec(&h.events).unwrap();
            prop_assert_eq!(bytes(&once), bytes(&elsewhere));
        }
        Ok(())
    };
    support::runner(support::config()).run(&cases(), property).unwrap_or_else(|why| panic!("{why}"));
}

/// A real clock and no clock: the same verdict on the same case.
#[test]
fn both_engines_give_the_same_verdict_on_the_same_case() {
    let folder = support::folder();
    let staff = support::staff(&folder);
    let stepped = RefCell::new(Stepped::new(&staff).unwrap());
    let realtime = RefCell::new(Realtime::new(&staff, Arc::default()).unwrap());
    let strategy = cases().workers(1..=4).period(Time::from_micros(10_000));
    let property = |case: Case| {
        let double = support::double(&case.lock);
        let (_, without_clock) = run_and_retry(&mut *stepped.borrow_mut(), &case, double).unwrap();
        // A machine that is too slow for it says nothing of the case: slower, until it is not.
        let mut slower = case.clone();
        let with_clock = loop {
            let (_, verdict) = run_and_retry(&mut *realtime.borrow_mut(), &slower, double).unwrap();
            match verdict {
                Verdict::Inconclusive { reason: Reason::Late(_) } => {
                    slower.schedule = slower.schedule.stretched(4);
                }
                verdict => break verdict,
            }
        };
        prop_assert_eq!(raced(&without_clock)?, raced(&with_clock)?, "{:?} {:?}", without_clock, with_clock);
        Ok(())
    };
    // Each case takes real time; a long campaign brings more of them all the same.
    let config = support::config();
    let config = Config { cases: (config.cases / 16).max(1), max_shrink_iters: 64, ..config };
    support::runner(config).run(&strategy, property).unwrap_or_else(|why| panic!("{why}"));
}
