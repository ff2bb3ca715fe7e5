//! Planted bugs of lockfuzz itself, and of locks that do not do the same twice: each is detected, named,
//! and told from a lock that is wrong.

mod support;

use std::fs;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use lockfuzz::campaign::{Budget, Campaign, Found, Row, RowReport};
use lockfuzz::case::{Case, Faults, Placement, Scope};
use lockfuzz::check::{Cause, Divergence, Reason, Verdict, Wrong};
use lockfuzz::clock::Clock;
use lockfuzz::engine::{Engine, Kind, Repeated, Stepped};
use lockfuzz::error::Error;
use lockfuzz::history::{History, What};
use lockfuzz::interleave::{self, Enabled, Scheduler, Search};
use lockfuzz::lock::{Double, FLOCK, Lock, LockError, Promise, Site, TryLock, ZOO};
use lockfuzz::schedule::{Order, Time, at_once};
use lockfuzz::stage::{Access, Object, changed, note, point};

/// A sound lock file, created and removed, that tells of each step; and what is planted in it.
struct Planted {
    path: std::path::PathBuf,
    bug: Bug,
}

#[derive(Clone, Copy, PartialEq)]
enum Bug {
    None,
    /// Whether it says yes depends on how often anybody has asked, in this run and in all before.
    Counts,
    /// What it meets is told with the time of day.
    TellsTheTime,
    /// It has one point more each second time.
    SkipsAPoint,
    /// It fails the law each third time that it is taken: found, and not found again.
    LetsInNowAndThen,
}

/// The code under test has a memory that outlives the run: how often each of these was asked.
static ASKED: [AtomicU32; 5] = [const { AtomicU32::new(0) }; 5];

impl Lock for Planted {
    fn try_lock(&mut self) -> TryLock {
        let asked = ASKED[self.bug as usize].fetch_add(1, Ordering::Relaxed);
        if self.bug == Bug::SkipsAPoint && asked.is_multiple_of(2) {
            point(&[Access::Look(Object::memory("asked"))]);
        }
        point(&[Access::Change(Object::name(&self.path))]);
        if self.bug == Bug::TellsTheTime {
            note(format_args!("at {:?}", std::time::Instant::now()));
        }
        if self.bug == Bug::Counts && asked % 7 == 3 {
            return TryLock::WouldBlock;
        }
        let lets_in = self.bug == Bug::LetsInNowAndThen && asked % 5 == 4;
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(false).create_new(!lets_in);
        match options.open(&self.path) {
            Ok(_) => {
                changed();
                TryLock::Acquired
            }
            Err(why) if why.kind() == io::ErrorKind::AlreadyExists => TryLock::WouldBlock,
            Err(why) => TryLock::Failed(why),
        }
    }

    fn lock(&mut self, _: &dyn Clock) -> Result<(), LockError> {
        unreachable!("only stepped runs")
    }

    fn unlock(&mut self) -> io::Result<()> {
        point(&[Access::Change(Object::name(&self.path))]);
        // Where two were let in, the other has removed it.
        let _ = fs::remove_file(&self.path);
        changed();
        Ok(())
    }
}

const PLAIN: Double = Double { atomic: false, workers: 2, ..FLOCK };

macro_rules! planted {
    ($name:literal, $bug:expr) => {
        Double {
            name: $name,
            open: &|site: &Site| Ok(Box::new(Planted { path: site.path.clone(), bug: $bug })),
            ..PLAIN
        }
    };
}

static SOUND: Double = planted!("sound", Bug::None);
static COUNTS: Double = planted!("counts", Bug::Counts);
static TELLS_THE_TIME: Double = planted!("tells-the-time", Bug::TellsTheTime);
static SKIPS: Double = planted!("skips", Bug::SkipsAPoint);
static NOW_AND_THEN: Double = planted!("now-and-then", Bug::LetsInNowAndThen);
static ALL_PLANTED: [&Double; 5] = [&SOUND, &COUNTS, &TELLS_THE_TIME, &SKIPS, &NOW_AND_THEN];

fn case(lock: &str) -> Case {
    Case {
        lock: lock.to_owned(),
        placement: Placement::Threads,
        scope: Scope::Session,
        order: Order::AsGenerated,
        workers: 2,
        schedule: at_once(2, Time::from_micros(1000)),
        choices: Some(Vec::new()),
        faults: Faults::NONE,
    }
}

fn campaign(lock: &'static Double, seed: u64) -> RowReport {
    let folder = support::folder();
    let campaign = Campaign {
        rows: vec![Row {
            lock,
            placement: Placement::Threads,
            order: Order::AsGenerated,
            faults: Faults::NONE,
        }],
        engine: Kind::Stepped,
        scope: Scope::Session,
        workers: 2..=2,
        period: None,
        search: Search::default(),
        budget: Budget { cases: Some(64), time: None },
        seed,
        shrink_tries: 256,
        jobs: 1,
        save: None,
        staff: support::staff_with(&folder, &ALL_PLANTED),
    };
    let report = campaign.run(&Arc::default(), &());
    assert!(report.error.is_none(), "{:?}", report.error);
    report.rows.into_iter().next().unwrap()
}

#[track_caller]
fn unrepeatable(verdict: &Verdict) -> Divergence {
    match verdict {
        Verdict::Inconclusive { reason: Reason::Unrepeatable { divergence: Some(divergence) } } => {
            *divergence
        }
        other => panic!("{other:?}"),
    }
}

/// An engine, or what stands between it and those who ask it, with a bug.
struct Bent<F> {
    inner: Stepped,
    explored: F,
    ran: fn(&mut History),
}

impl<F: Fn(&mut History, &mut Vec<u32>)> Engine for Bent<F> {
    fn run(&mut self, case: &Case) -> Result<History, Error> {
        let mut history = self.inner.run(case)?;
        (self.ran)(&mut history);
        Ok(history)
    }

    fn explore(&mut self, case: &Case, scheduler: &mut dyn Scheduler) -> Result<(History, Vec<u32>), Error> {
        let (mut history, mut choices) = self.inner.explore(case, scheduler)?;
        (self.explored)(&mut history, &mut choices);
        Ok((history, choices))
    }

    fn judge(&self, case: &Case, promise: Promise, history: &History) -> Verdict {
        self.inner.judge(case, promise, history)
    }
}

/// What an engine that has this bug makes of executions of the sound lock.
fn judged(explored: impl Fn(&mut History, &mut Vec<u32>), ran: fn(&mut History)) -> Vec<Verdict> {
    let folder = support::folder();
    let inner = Stepped::new(&support::staff_with(&folder, &ALL_PLANTED)).unwrap();
    let mut bent = Bent { inner, explored, ran };
    let mut engine = Repeated::new(&mut bent);
    let mut scheduler = interleave::Random::new(1);
    let one = |_| {
        let (history, choices) = engine.explore(&case("sound"), &mut scheduler).unwrap();
        let case = Case { choices: Some(choices), ..case("sound") };
        engine.judge(&case, SOUND.promised(), &history)
    };
    (0..64).map(one).collect()
}

#[test]
fn a_healthy_engine_passes_what_is_repeated() {
    for verdict in judged(|_, _| (), |_| ()) {
        let fine = matches!(
            verdict,
            Verdict::Pass(_) | Verdict::Inconclusive { reason: Reason::Uncontended { .. } }
        );
        assert!(fine, "{verdict:?}");
    }
}

#[test]
fn a_choice_that_is_dropped() {
    // The first one that says anything.
    let drop = |_: &mut History, choices: &mut Vec<u32>| {
        if let Some(first) = choices.iter().position(|&choice| choice != 0) {
            choices.remove(first);
        }
    };
    let verdicts = judged(drop, |_| ());
    let mut detected = 0;
    for verdict in verdicts {
        assert!(!matches!(verdict, Verdict::Fail(_)), "nobody calls the lock wrong: {verdict:?}");
        if let Verdict::Inconclusive { reason: reason @ Reason::Unrepeatable { .. } } = verdict {
            detected += 1;
            assert!(unrepeatable(&Verdict::unclear(reason)).cause != Cause::Outcome, "{reason}");
        }
    }
    // Where two choices say the same, as two zeros do, none is missed.
    assert!(detected > 48, "{detected} of 64");
}

#[test]
fn a_choice_that_is_another_one() {
    let swap = |_: &mut History, choices: &mut Vec<u32>| match choices.first_mut() {
        Some(first) => *first = 1 - *first,
        None => choices.push(1),
    };
    for verdict in judged(swap, |_| ()) {
        // The first choice: nobody has done anything yet but come to its first point.
        let Divergence { cause, .. } = unrepeatable(&verdict);
        assert!(cause == Cause::Mover, "{verdict:?}");
    }
}

#[test]
fn a_release_that_is_missing() {
    for forgetful in [1, 2] {
        let forget = move |history: &mut History, _: &mut Vec<u32>| {
            history.events.retain(|e| e.worker != forgetful || e.what != What::Unlocked);
        };
        let folder = support::folder();
        let inner = Stepped::new(&support::staff_with(&folder, &ALL_PLANTED)).unwrap();
        let mut engine = Bent { inner, explored: forget, ran: |_| () };
        let (history, choices) = engine.explore(&case("sound"), &mut interleave::Random::new(1)).unwrap();
        let case = Case { choices: Some(choices), ..case("sound") };
        let verdict = engine.judge(&case, SOUND.promised(), &history);
        let Verdict::Inconclusive { reason: reason @ Reason::IllFormed { worker, event, wrong } } = verdict
        else {
            panic!("{verdict:?}")
        };
        assert_eq!((worker, wrong), (forgetful, Wrong::Keeps));
        assert_eq!((history.events[event].worker, &history.events[event].what), (forgetful, &What::Exited));
        assert!(reason.to_string().contains("leaves and never gave the lock back"), "{reason}");
    }
}

#[test]
fn an_event_that_is_lost_on_replay() {
    let forget = |history: &mut History| history.events.retain(|event| event.what != What::Wrote);
    for verdict in judged(|_, _| (), forget) {
        let divergence = unrepeatable(&verdict);
        assert!(divergence.event > 0, "{divergence}");
    }
}

/// Chooses what is not there.
struct OutOfRange;

impl Scheduler for OutOfRange {
    fn begin(&mut self) -> bool {
        true
    }

    fn choose(&mut self, enabled: &[Enabled]) -> usize {
        enabled.len()
    }
}

#[test]
fn a_scheduler_that_chooses_what_is_not_there() {
    let folder = support::folder();
    let mut engine = Stepped::new(&support::staff_with(&folder, &ALL_PLANTED)).unwrap();
    for _ in 0..2 {
        let why = engine.explore(&case("sound"), &mut OutOfRange).unwrap_err();
        assert!(matches!(why, Error::Scheduler { chosen: 2, enabled: 2 }), "{why}");
        let (history, _) = engine.explore(&case("sound"), &mut interleave::Random::new(1)).unwrap();
        assert!(history.missing.is_empty(), "the crew is as fit as before");
    }
    let why = Repeated::new(&mut engine).explore(&case("sound"), &mut OutOfRange).unwrap_err();
    assert!(matches!(why, Error::Scheduler { .. }), "{why}");
}

#[test]
fn a_lock_that_counts_what_it_is_asked() {
    for seed in 0..5 {
        let row = campaign(&COUNTS, seed);
        assert_eq!(row.found, Found::Inconclusive);
        let divergence = unrepeatable(&row.verdict);
        assert!(matches!(divergence.cause, Cause::Outcome | Cause::Mover | Cause::End), "{divergence}");
    }
}

#[test]
fn a_lock_that_goes_by_the_time() {
    for seed in 0..5 {
        let row = campaign(&TELLS_THE_TIME, seed);
        assert_eq!((row.found, row.evidence.cases), (Found::Inconclusive, 1), "seen in the first case");
        let divergence = unrepeatable(&row.verdict);
        assert_eq!((divergence.event, divergence.cause), (0, Cause::Outcome), "{divergence}");
        assert!(divergence.to_string().starts_with("event 1, of worker "), "{divergence}");
    }
}

/// Nothing comes of the point that is skipped; with the one worker after the other, the two histories
/// are the same.
#[test]
fn a_point_that_is_skipped_on_replay() {
    let folder = support::folder();
    let mut stepped = Stepped::new(&support::staff_with(&folder, &ALL_PLANTED)).unwrap();
    let mut engine = Repeated::new(&mut stepped);
    let mut causes = Vec::new();
    let mut scheduler = interleave::Random::new(1);
    for _ in 0..64 {
        let (history, choices) = engine.explore(&case("skips"), &mut scheduler).unwrap();
        let case = Case { choices: Some(choices), ..case("skips") };
        let verdict = engine.judge(&case, SKIPS.promised(), &history);
        assert!(!matches!(verdict, Verdict::Fail(_)), "{verdict:?}");
        causes.extend(engine.parted().map(|divergence| divergence.cause));
    }
    assert!(causes.contains(&Cause::Point) || causes.contains(&Cause::Mover), "{causes:?}");
    assert!(causes.len() > 16, "{causes:?}");
}

/// It is not called wrong: what cannot be shown again is no counterexample.
#[test]
fn a_lock_that_fails_now_and_then() {
    for seed in 0..5 {
        let row = campaign(&NOW_AND_THEN, seed);
        assert_eq!(row.found, Found::Inconclusive, "{:?}", row.verdict);
        unrepeatable(&row.verdict);
    }
}

/// The sample that is run again costs no find and no pass.
#[test]
fn the_locks_of_the_zoo_do_the_same_twice() {
    let folder = support::folder();
    let mut stepped = Stepped::new(&support::staff(&folder)).unwrap();
    let mut engine = Repeated::new(&mut stepped);
    for lock in ZOO.iter() {
        let mut scheduler = Search::default().scheduler(7);
        let workers = lock.workers;
        for placement in Placement::ALL {
            let schedule = at_once(workers, Time::from_micros(1000));
            let case = Case { placement, workers, schedule, ..case(lock.name) };
            for _ in 0..20 {
                scheduler.begin();
                engine.explore(&case, &mut scheduler).unwrap();
                assert_eq!(engine.parted(), None, "{} {}", lock.name, placement.name());
            }
        }
    }
}
