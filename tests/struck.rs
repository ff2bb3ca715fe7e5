//! A clock that is set back, and file calls that fail.

mod support;

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use lockfuzz::campaign::{Budget, Campaign, Found, Row, RowReport};
use lockfuzz::case::{Case, Faults, Placement, Scope};
use lockfuzz::check::{Law, Verdict};
use lockfuzz::engine::{Engine, Kind, Stepped};
use lockfuzz::fs::{self, File};
use lockfuzz::history::{History, What};
use lockfuzz::interleave::{Faulty, Reduction, Scheduler, Search};
use lockfuzz::lock::{Claim, Double, Lock, TryLock, Withstands, ZOO};
use lockfuzz::prove::{Answer, Prover, Question, Why};
use lockfuzz::regression::Saved;
use lockfuzz::report::explain::sentences;
use lockfuzz::report::plot::svg;
use lockfuzz::report::timeline::timeline;
use lockfuzz::schedule::{Order, Time, at_once};
use lockfuzz::time;

fn row(lock: &'static Double, placement: Placement, faults: Faults) -> Row {
    Row { lock, placement, order: Order::AsGenerated, faults }
}

/// Runs these rows; what is found is replayed step for step from its file.
fn campaign(rows: Vec<Row>, seed: u64, doubles: &'static [&'static Double]) -> Vec<RowReport> {
    let folder = support::folder();
    let campaign = Campaign {
        rows,
        engine: Kind::Stepped,
        scope: Scope::Session,
        workers: 2..=2,
        period: None,
        search: Search::default(),
        budget: Budget { cases: Some(256), time: None },
        seed,
        shrink_tries: 4096,
        jobs: 1,
        save: Some(folder.path().join("found")),
        staff: support::staff_with(&folder, doubles),
    };
    let report = campaign.run(&Arc::default(), &());
    assert!(report.error.is_none(), "{:?}", report.error);
    let mut engine = Stepped::new(&campaign.staff).unwrap();
    for found in report.rows.iter().filter_map(|row| row.counterexample.as_ref()) {
        assert_eq!(found.replays, (10, 10));
        let saved = Saved::read(found.path.as_ref().unwrap()).unwrap();
        assert_eq!((&saved.case, &saved.history), (&found.case, &found.history.events));
        for _ in 0..20 {
            assert_eq!(engine.run(&saved.case).unwrap().events, saved.history);
        }
    }
    report.rows
}

/// Found by each of twenty seeds in threads, and by one in processes; shrunk to two workers, one preemption, and one
/// fault; and without the fault the lock is sound.
fn is_broken_by(name: &str, faults: Faults, [drawn, told]: [&str; 2]) {
    let lock = support::double(name);
    let rows = |placement| vec![row(lock, placement, faults)];
    let all = (0..20).map(|seed| (seed, Placement::Threads)).chain([(0, Placement::Processes)]);
    for (seed, placement) in all {
        let found = campaign(rows(placement), seed, &lockfuzz::lock::ALL).remove(0);
        assert_eq!((found.expected, found.found), (Found::Race, Found::Race), "seed {seed}");
        assert!(matches!(found.verdict, Verdict::Pass(_)), "seed {seed}: {:?}", found.verdict);
        let found = found.counterexample.unwrap();
        assert_eq!((found.case.faults, found.history.faults()), (faults, faults), "seed {seed}");
        assert_eq!((found.case.workers, found.history.preemptions()), (2, 1), "seed {seed}");
        assert_eq!(found.case.schedule.commands().count(), 4, "seed {seed}");
        let picture = timeline(&found.case, &found.history, Some(&found.failure));
        assert!(picture.contains(drawn), "{picture}");
        let story = sentences(&found.case, &found.history, &found.failure);
        assert!(story.contains(told), "{story}");
        let svg = svg(&found.case, &found.history, Some(&found.failure), found.cause);
        assert!(svg.contains("a fault strikes") && svg.contains(drawn), "{svg}");
    }
    let calm = campaign(vec![row(lock, Placement::Threads, Faults::NONE)], 1, &lockfuzz::lock::ALL).remove(0);
    assert_eq!((calm.expected, calm.found), (Found::NoRace, Found::NoRace), "{:?}", calm.counterexample);
}

#[test]
fn a_lock_that_is_broken_by_a_clock_that_is_set_back() {
    let words = ["CLOCK SET BACK: 1 h", "is told another time: the clock is set back by an hour"];
    is_broken_by("lease-future", Faults::JUMP, words);
}

#[test]
fn a_lock_that_is_broken_by_a_call_that_fails() {
    let words = ["CALL FAILS", "is let down by its file call, though nothing is wrong"];
    is_broken_by("pid-unchecked", Faults::FAILURE, words);
}

/// What happens in many runs of this lock with these faults.
fn runs(
    lock: &'static Double,
    placement: Placement,
    faults: Faults,
    doubles: &'static [&'static Double],
) -> Vec<(History, Verdict)> {
    let folder = support::folder();
    let mut engine = Stepped::new(&support::staff_with(&folder, doubles)).unwrap();
    let case = Case {
        lock: lock.name.to_owned(),
        placement,
        scope: Scope::Session,
        order: Order::AsGenerated,
        workers: lock.workers,
        schedule: at_once(lock.workers, Time::from_micros(1000)),
        choices: Some(Vec::new()),
        faults,
    };
    let mut scheduler = Faulty::new(Search::default().scheduler(3), 3);
    let mut run = || {
        scheduler.begin();
        let (history, choices) = engine.explore(&case, &mut scheduler).unwrap();
        let case = Case { choices: Some(choices), ..case.clone() };
        assert_eq!(engine.run(&case).unwrap(), history);
        let verdict = engine.judge(&case, lock.promised(), &history);
        (history, verdict)
    };
    (0..200).map(|_| run()).collect()
}

/// Whoever claims to exclude everybody, and does not say otherwise, loses nothing by a clock that is set back nor by
/// a call that fails: two are never inside, what was written is read back, and the others get the lock. And whatever
/// else is broken, nobody waits for ever.
#[test]
fn sound_locks_withstand_both() {
    let mut struck = 0;
    let mut broken = Vec::new();
    for lock in ZOO {
        let covers = |place: &Placement| lock.claim.excludes_everybody(*place, lock.workers);
        let placement = Placement::UNIFORM.into_iter().find(covers);
        for faults in [Faults::JUMP, Faults::FAILURE] {
            let sound = placement.is_some() && lock.promised().under(faults).claim != Claim::Nobody;
            let placement = placement.unwrap_or(Placement::Threads);
            let runs = runs(lock, placement, faults, &lockfuzz::lock::ALL);
            struck += runs.iter().filter(|(history, _)| history.faults() == faults).count();
            let failure = runs.iter().find_map(|(history, verdict)| match verdict {
                Verdict::Fail(failure) if sound || failure.law == Law::Stuck => Some((
                    failure.to_string(),
                    history.events.iter().map(|e| (e.worker, e.what.clone())).collect::<Vec<_>>(),
                )),
                _ => None,
            });
            broken.extend(failure.map(|failure| (lock.name, faults.name(), failure)));
        }
    }
    assert!(broken.is_empty(), "{broken:?}");
    assert!(struck > 1000, "{struck}");
}

/// Where the one who was let down takes it for "not acquired", it leaves; the other one gets the lock.
#[test]
fn who_is_let_down_leaves_without_the_lock() {
    let mut left = 0;
    for (history, verdict) in
        runs(support::double("excl"), Placement::Threads, Faults::FAILURE, &lockfuzz::lock::ALL)
    {
        let did = |worker, what: &What| history.events.iter().any(|e| e.worker == worker && e.what == *what);
        let full = What::Failed(rustix::io::Errno::NOSPC.raw_os_error());
        for worker in [1, 2].into_iter().filter(|&worker| did(worker, &What::CallFailed)) {
            left += 1;
            assert!(did(worker, &full) && did(worker, &What::Exited) && !did(worker, &What::Wrote));
            assert!(did(3 - worker, &What::Wrote));
        }
        assert!(!matches!(verdict, Verdict::Fail(_)));
    }
    assert!(left > 50, "{left}");
}

#[test]
fn a_fault_that_is_not_needed_is_shrunk_away() {
    let lock = support::double("exists-create");
    for faults in [Faults::JUMP, Faults::FAILURE, Faults { stalls: 2, jumps: 3, ..Faults::FAILURE }] {
        let found = campaign(vec![row(lock, Placement::Threads, faults)], 5, &lockfuzz::lock::ALL).remove(0);
        let found = found.counterexample.unwrap();
        assert_eq!((found.case.faults, found.history.faults()), (Faults::NONE, Faults::NONE));
        assert_eq!((found.case.workers, found.history.preemptions()), (2, 2));
    }
    // Of several the one that is needed stays.
    let lock = support::double("pid-unchecked");
    for seed in 0..5 {
        let faults = Faults { jumps: 2, ..Faults::FAILURE };
        let row = row(lock, Placement::Threads, faults);
        let found = campaign(vec![row], seed, &lockfuzz::lock::ALL).remove(0).counterexample.unwrap();
        assert_eq!((found.case.faults, found.history.faults()), (Faults::FAILURE, Faults::FAILURE));
    }
}

/// O_EXCL, and a number inside. What becomes of the file when its number cannot be written?
struct Numbered {
    path: PathBuf,
    bug: Bug,
}

#[derive(Clone, Copy, PartialEq)]
enum Bug {
    /// It stays, and nobody gets the lock again.
    Litters,
    /// It is taken for written if some of it was.
    Short,
    /// It is removed.
    None,
}

impl Numbered {
    fn attempt(&self) -> io::Result<TryLock> {
        let mut file = match File::create_new(&self.path) {
            Err(why) if why.kind() == io::ErrorKind::AlreadyExists => {
                // Whoever cannot make sense of it says so.
                let number = fs::read(&self.path).unwrap_or_default();
                let torn = self.bug == Bug::Short && number.len() < 4 && !number.is_empty();
                return if torn { Err(io::ErrorKind::InvalidData.into()) } else { Ok(TryLock::WouldBlock) };
            }
            file => file?,
        };
        let written = if self.bug == Bug::Short {
            file.write(b"1234").map(|count| assert!(count > 0))
        } else {
            file.write_all(b"1234")
        };
        if written.is_err() && self.bug != Bug::Litters {
            fs::remove_file(&self.path)?;
        }
        written.map(|()| TryLock::Acquired)
    }
}

impl Lock for Numbered {
    fn try_lock(&mut self) -> TryLock {
        self.attempt().unwrap_or_else(TryLock::Failed)
    }

    fn unlock(&mut self) -> io::Result<()> {
        // Of no use to anybody, but nobody removes it.
        let torn = self.bug == Bug::Short && fs::read(&self.path)?.len() < 4;
        if torn { Ok(()) } else { fs::remove_file(&self.path) }
    }
}

const NUMBERED: Double = Double {
    claim: Claim::Everyone,
    withstands: Withstands { crash: false, ..Withstands::ALL },
    faults: &[Faults::FAILURE],
    ..Double::PLAIN
};
static LITTERS: Double = Double {
    name: "litters",
    open: &|site| Ok(Box::new(Numbered { path: site.path.clone(), bug: Bug::Litters })),
    ..NUMBERED
};
static SHORT: Double = Double {
    name: "short",
    open: &|site| Ok(Box::new(Numbered { path: site.path.clone(), bug: Bug::Short })),
    ..NUMBERED
};
static CAREFUL: Double = Double {
    name: "careful",
    open: &|site| Ok(Box::new(Numbered { path: site.path.clone(), bug: Bug::None })),
    ..NUMBERED
};
static PLANTED: [&Double; 3] = [&LITTERS, &SHORT, &CAREFUL];

/// After the failure nobody gets the lock again: once because its file stays, and once because nobody can read it.
#[test]
fn what_a_failing_call_leaves_behind_keeps_everybody_out() {
    for lock in [&LITTERS, &SHORT] {
        for seed in 0..5 {
            let found =
                campaign(vec![row(lock, Placement::Threads, Faults::FAILURE)], seed, &PLANTED).remove(0);
            assert_eq!((found.expected, found.found), (Found::NoRace, Found::Stuck), "{}", lock.name);
            assert!(matches!(found.verdict, Verdict::Fail(failure) if failure.law == Law::Stuck));
            let found = found.counterexample.unwrap();
            assert_eq!(found.history.faults(), Faults::FAILURE);
            assert_eq!((found.case.workers, found.history.preemptions()), (2, 0), "{}", lock.name);
        }
    }
    let quiet = campaign(vec![row(&CAREFUL, Placement::Threads, Faults::FAILURE)], 1, &PLANTED).remove(0);
    assert_eq!(quiet.found, Found::NoRace, "{:?}", quiet.counterexample);
}

/// A wait for flock is interrupted; the lock says so, and its worker leaves.
#[test]
fn a_wait_that_is_interrupted() {
    struct Waits(PathBuf, Option<File>);
    impl Lock for Waits {
        fn try_lock(&mut self) -> TryLock {
            let locked = File::open(&self.0).and_then(|file| file.lock().map(|()| file));
            match locked {
                Ok(file) => {
                    self.1 = Some(file);
                    TryLock::Acquired
                }
                Err(why) => TryLock::Failed(why),
            }
        }

        fn unlock(&mut self) -> io::Result<()> {
            self.1 = None;
            Ok(())
        }
    }
    static WAITS: Double = Double {
        name: "waits",
        open: &|site| {
            std::fs::write(&site.path, "")?;
            Ok(Box::new(Waits(site.path.clone(), None)))
        },
        ..NUMBERED
    };
    static KNOWN: [&Double; 1] = [&WAITS];
    let interrupted = What::Failed(rustix::io::Errno::INTR.raw_os_error());
    let mut left = 0;
    for (history, verdict) in runs(&WAITS, Placement::Threads, Faults::FAILURE, &KNOWN) {
        let failed = history.events.iter().filter(|e| matches!(e.what, What::Failed(_))).collect::<Vec<_>>();
        assert!(failed.iter().all(|event| event.what == interrupted), "{failed:?}");
        assert_eq!(failed.len() as u32, history.faults().failures);
        assert!(!matches!(verdict, Verdict::Fail(_)), "{verdict:?}");
        left += failed.len();
    }
    assert!(left > 20, "{left}");
}

/// The clock that locks and files go by is set back; the run's own goes on, and who sleeps wakes in time.
#[test]
fn what_is_set_back_and_what_is_not() {
    static SEEN: AtomicU32 = AtomicU32::new(0);
    struct Looks(PathBuf);
    impl Lock for Looks {
        fn try_lock(&mut self) -> TryLock {
            let before = time::now();
            if let Err(why) = File::create_new(&self.0) {
                let taken = why.kind() == io::ErrorKind::AlreadyExists;
                return if taken { TryLock::WouldBlock } else { TryLock::Failed(why) };
            }
            let made = fs::metadata(&self.0).unwrap().modified().unwrap();
            time::sleep(Duration::from_secs(1));
            let after = time::now();
            for (one, two, between) in [(before, made, 0), (made, after, 1), (before, after, 1)] {
                let calm = one + Duration::from_secs(between);
                assert!([calm, calm - time::JUMP].contains(&two), "{one:?} {two:?}");
                SEEN.fetch_add(u32::from(two != calm), Relaxed);
            }
            TryLock::Acquired
        }

        fn unlock(&mut self) -> io::Result<()> {
            fs::remove_file(&self.0)
        }
    }
    static LOOKS: Double =
        Double { name: "looks", open: &|site| Ok(Box::new(Looks(site.path.clone()))), ..NUMBERED };
    static KNOWN: [&Double; 1] = [&LOOKS];
    for (history, verdict) in runs(&LOOKS, Placement::Threads, Faults::JUMP, &KNOWN) {
        assert!(!matches!(verdict, Verdict::Fail(_)), "{verdict:?}");
        // Each has slept for its second.
        assert_eq!(history.events.last().unwrap().at, Time::from_micros(2_000_000));
    }
    assert!(SEEN.load(Relaxed) > 100, "{SEEN:?}");
}

/// Its words would not be true of a run in which these strike.
#[test]
fn no_certificate_with_these_faults() {
    let folder = support::folder();
    let mut prover = Prover::new(&support::staff(&folder), None, None, Arc::default()).unwrap();
    for faults in [Faults::JUMP, Faults::FAILURE, Faults::STALL] {
        let question = Question {
            reduction: Reduction::Off,
            faults,
            ..Question::new(support::double("excl"), Placement::Threads)
        };
        let Answer::Short(short) = prover.answer(question).unwrap() else { panic!("{faults:?}") };
        assert_eq!((short.why, short.executions), (Why::Faults, 0));
    }
}
