//! The programs that finding is measured on: each bug is found, and what has none stays quiet.

#[path = "../benches/kernels/mod.rs"]
mod kernels;
mod support;

use std::sync::Arc;

use kernels::ours::Ours;
use lockfuzz::engine::Stepped;
use lockfuzz::interleave::{Mixed, Scheduler};
use lockfuzz::program::{Outcome, Program};

#[test]
fn every_bug_is_found_and_found_again() {
    let folder = support::folder();
    let mut engine = Stepped::new(&support::staff(&folder)).unwrap();
    for kernel in kernels::broken::<Ours>().into_iter().filter(|kernel| kernel.workers <= 10).map(Arc::new) {
        let mut scheduler = Mixed::new(1, 3);
        // The hardest of them needs 26, as a mean.
        let found = (0..1_000).find_map(|_| {
            scheduler.begin();
            let execution = engine.explore_program(&kernel, &mut scheduler).unwrap();
            (execution.outcome != Outcome::Pass).then_some(execution)
        });
        let found = found.unwrap_or_else(|| panic!("{} was not found", kernel.name()));
        assert!(matches!(found.outcome, Outcome::Fail(_)), "{}: {}", kernel.name(), found.outcome);
        assert_eq!(engine.replay_program(&kernel, &found.choices).unwrap(), found, "{}", kernel.name());
    }
}

#[test]
fn what_has_no_bug_stays_quiet() {
    let folder = support::folder();
    let mut engine = Stepped::new(&support::staff(&folder)).unwrap();
    for kernel in kernels::sound::<Ours>().into_iter().filter(|kernel| kernel.workers <= 10).map(Arc::new) {
        let mut scheduler = Mixed::new(1, 3);
        for _ in 0..100 {
            scheduler.begin();
            let outcome = engine.explore_program(&kernel, &mut scheduler).unwrap().outcome;
            assert_eq!(outcome, Outcome::Pass, "{}", kernel.name());
        }
    }
}
