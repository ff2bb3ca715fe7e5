use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Mutex;

use super::*;
use crate::lock::{Claim, Least, Lock, Site};
use crate::stage::recorder::steps;
use crate::sys::semaphore::Semaphore;

/// A folder with a site for each of so many workers.
fn with_sites<const N: usize>(act: impl FnOnce(&Path, [Site<'_>; N])) {
    let folder = tempfile::tempdir().unwrap();
    let memory = crate::sys::mapping::Mapping::<crate::worker::board::Board>::new("test").unwrap();
    let mutex = Box::leak(Box::<Mutex<()>>::default());
    let semaphore: &Semaphore = &memory.semaphore;
    memory.robust.reset().unwrap();
    let sites = std::array::from_fn(|at| Site {
        path: folder.path().join("lock"),
        mutex,
        semaphore,
        robust: &memory.robust,
        worker: at as u32 + 1,
        workers: N as u32,
    });
    act(folder.path(), sites);
}

/// A lease's number is used once, so its file stays.
fn keeps_numbers(double: &Double) -> bool {
    [LEASE.name, LEASE_FENCED.name, LEASE_FUTURE.name].contains(&double.name)
}

fn takes(lock: &mut dyn Lock) -> bool {
    match lock.try_lock() {
        TryLock::Acquired => true,
        TryLock::WouldBlock => false,
        TryLock::Failed(why) => panic!("{why}"),
    }
}

/// What is in the folder besides the lock file itself.
fn leftovers(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name != "lock").collect()
}

#[test]
fn the_lists_say_what_can_be() {
    let doubles = super::super::ALL.iter();
    let names: BTreeSet<_> = doubles.clone().map(|double| double.name).collect();
    assert_eq!(names.len(), 4 + ZOO.len());
    for double in doubles {
        assert!((2..=3).contains(&double.workers), "{}", double.name);
        let broken = [Claim::Nobody, Claim::Unmixed].contains(&double.claim);
        assert!(broken || double.workers == 2, "{}", double.name);
        assert!(double.placements.is_sorted() && !double.placements.is_empty(), "{}", double.name);
        for least in double.least {
            let Least { placements, faults, .. } = least;
            assert!(placements.iter().all(|place| double.placements.contains(place)), "{}", double.name);
            assert!(faults.is_none() || double.faults.contains(faults), "{}", double.name);
        }
    }
}

#[test]
fn undisturbed_each_lock_is_taken_kept_and_given_back() {
    for double in ZOO {
        with_sites(|folder, [one, other]| {
            let [mut one, mut other] = [one, other].map(|site| (double.open)(&site).unwrap());
            assert!(takes(&mut *one), "{}", double.name);
            let together = double.claim == Claim::LoneProcesses;
            assert_eq!(takes(&mut *other), together, "{}", double.name);
            one.unlock().unwrap();
            assert!(together || takes(&mut *other), "{}", double.name);
            // The file that `other` waited for and got has no name any more.
            let lost = double.name == FLOCK_UNLINK.name;
            assert_eq!(takes(&mut *one), together || lost, "{}", double.name);
            other.unlock().unwrap();
            if lost {
                one.unlock().unwrap();
            }
            assert!(takes(&mut *one), "{}", double.name);
            one.unlock().unwrap();
            drop((one, other));
            assert!(keeps_numbers(double) || leftovers(folder).is_empty(), "{}", double.name);
        });
    }
}

#[test]
fn whoever_gives_up_leaves_nothing() {
    for double in ZOO {
        with_sites(|folder, [one, other]| {
            let [mut one, mut other] = [one, other].map(|site| (double.open)(&site).unwrap());
            assert!(takes(&mut *one));
            let _ = takes(&mut *other);
            drop(other);
            one.unlock().unwrap();
            drop(one);
            assert!(keeps_numbers(double) || leftovers(folder).is_empty(), "{}", double.name);
        });
    }
}

#[test]
fn every_step_has_a_point_and_a_note() {
    for double in ZOO {
        with_sites(|_, [site]| {
            let ((), steps) = steps(|| {
                let mut lock = (double.open)(&site).unwrap();
                assert!(takes(&mut *lock));
                lock.unlock().unwrap();
            });
            assert!(steps.len() >= 2, "{}: {steps:?}", double.name);
            assert!(steps.iter().all(|step| !step.note.is_empty()), "{}: {steps:?}", double.name);
            assert!(steps.iter().any(|step| step.changed), "{}: {steps:?}", double.name);
        });
    }
}

/// Two waiters would wake each other for ever.
#[test]
fn waiting_changes_nothing() {
    for double in ZOO.into_iter().filter(|double| double.claim != Claim::LoneProcesses) {
        with_sites(|_, [one, other]| {
            let [mut one, mut other] = [one, other].map(|site| (double.open)(&site).unwrap());
            // All by the same clock.
            assert!(steps(|| takes(&mut *one)).0, "{}", double.name);
            assert!(!steps(|| takes(&mut *other)).0, "{}", double.name);
            if double.name == TIMEOUT_RELEASE.name {
                assert!(takes(&mut *other), "it took what it gave up");
                return;
            }
            let (took, steps) = steps(|| takes(&mut *other));
            assert!(!took && steps.iter().all(|step| !step.changed), "{}: {steps:?}", double.name);
        });
    }
}
