//! The tester tested: what is planted is found, named, shrunk to its known size and replayed.

mod support;

use std::fs::{File, OpenOptions};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use fs2::FileExt;
use lockfuzz::campaign::{Budget, Campaign, Found, Row, RowReport};
use lockfuzz::case::{Case, Faults, Placement, Scope};
use lockfuzz::check::{Checker, Law, Reason, Verdict, Wrong};
use lockfuzz::clock::Clock;
use lockfuzz::engine::{self, Engine, Kind, Stepped};
use lockfuzz::error::Error;
use lockfuzz::history::{Absence, History, What};
use lockfuzz::interleave::Search;
use lockfuzz::lock::{Claim, Double, FLOCK, Lock, LockError, Promise, Site, TryLock};
use lockfuzz::regression::Saved;
use lockfuzz::schedule::{Command, Order, Time, original};

/// A lock file that is opened and locked, and what is planted in it.
struct Planted {
    file: File,
    bug: Bug,
}

#[derive(Clone, Copy, PartialEq)]
enum Bug {
    /// Whoever asks gets it.
    LetsIn,
    /// It is never given back.
    Keeps,
    /// It panics.
    Panics,
    /// It does not come back.
    Hangs,
    /// It is what it seems.
    None,
}

impl Lock for Planted {
    fn try_lock(&mut self) -> TryLock {
        match self.bug {
            Bug::LetsIn => return TryLock::Acquired,
            Bug::Panics => panic!("planted"),
            Bug::Hangs => loop {
                std::thread::park();
            },
            Bug::Keeps | Bug::None => {}
        }
        match FileExt::try_lock_exclusive(&self.file) {
            Ok(()) => TryLock::Acquired,
            Err(why) if why.kind() == io::ErrorKind::WouldBlock => TryLock::WouldBlock,
            Err(why) => TryLock::Failed(why),
        }
    }

    fn lock(&mut self, _: &dyn Clock) -> Result<(), LockError> {
        Ok(FileExt::lock_exclusive(&self.file)?)
    }

    fn unlock(&mut self) -> io::Result<()> {
        if self.bug == Bug::Keeps {
            // A copy of the descriptor that nobody closes keeps the lock.
            std::mem::forget(self.file.try_clone()?);
            return Ok(());
        }
        FileExt::unlock(&self.file)
    }
}

fn planted<'a>(site: &Site<'a>, bug: Bug) -> io::Result<Box<dyn Lock + 'a>> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&site.path)?;
    Ok(Box::new(Planted { file, bug }))
}

static LETS_IN: Double = Double { name: "lets-in", open: &|site| planted(site, Bug::LetsIn), ..FLOCK };
static KEEPS: Double = Double { name: "keeps", open: &|site| planted(site, Bug::Keeps), ..FLOCK };
static PANICS: Double = Double { name: "panics", open: &|site| planted(site, Bug::Panics), ..FLOCK };
static HANGS: Double = Double { name: "hangs", open: &|site| planted(site, Bug::Hangs), ..FLOCK };
/// Excludes everybody and says that it excludes nobody.
static MODEST: Double =
    Double { name: "modest", claim: Claim::Nobody, open: &|site| planted(site, Bug::None), ..FLOCK };
/// The same, and it waits for a minute only.
static IMPATIENT: Double = Double {
    name: "impatient",
    patience: Some(Duration::from_secs(60)),
    open: &|site| planted(site, Bug::None),
    ..FLOCK
};
/// Lets everything that is written vanish.
static SWALLOWS: Double = Double {
    name: "swallows",
    open: &|site| {
        let file = site.path.with_extension("json");
        match std::os::unix::fs::symlink("/dev/null", file) {
            Err(why) if why.kind() != io::ErrorKind::AlreadyExists => return Err(why),
            _ => {}
        }
        planted(site, Bug::None)
    },
    ..FLOCK
};
static ALL_PLANTED: [&Double; 7] = [&LETS_IN, &KEEPS, &PANICS, &HANGS, &MODEST, &IMPATIENT, &SWALLOWS];

fn campaign(lock: &'static Double, seed: u64) -> RowReport {
    let folder = support::folder();
    let saved = folder.path().join("found");
    let campaign = Campaign {
        rows: vec![Row {
            lock,
            placement: Placement::Threads,
            order: Order::ForceWrite,
            faults: Faults::NONE,
        }],
        engine: Kind::Stepped,
        scope: Scope::Session,
        workers: 2..=8,
        period: None,
        search: Search::default(),
        budget: Budget { cases: Some(64), time: None },
        seed,
        shrink_tries: 4096,
        jobs: 1,
        save: Some(saved.clone()),
        staff: support::staff_with(&folder, &ALL_PLANTED),
    };
    let report = campaign.run(&Arc::default(), &());
    assert!(report.error.is_none(), "{:?}", report.error);
    let row = report.rows.into_iter().next().unwrap();
    if let Some(found) = &row.counterexample {
        // Saved, read back, and run again: the same step for step, every time.
        let saved = Saved::read(found.path.as_ref().unwrap()).unwrap();
        assert_eq!((&saved.case, &saved.history), (&found.case, &found.history.events));
        let mut engine = Stepped::new(&campaign.staff).unwrap();
        for _ in 0..100 {
            assert_eq!(engine.run(&saved.case).unwrap().events, saved.history);
        }
    }
    row
}

/// Found as a failure of this law by each of 20 seeds, and shrunk to two workers and four commands.
fn found_by_every_seed(lock: &'static Double, found: Found, law: impl Fn(Law) -> bool) {
    for seed in 0..20 {
        let row = campaign(lock, seed);
        let Verdict::Fail(failure) = row.verdict else { panic!("seed {seed}: {:?}", row.verdict) };
        assert!(law(failure.law), "seed {seed}: {failure}");
        assert_eq!(row.found, found);
        let found = row.counterexample.unwrap();
        assert_eq!(found.replays, (10, 10));
        assert_eq!((found.case.workers, found.case.schedule.commands().count()), (2, 4), "seed {seed}");
    }
}

#[test]
fn a_lock_that_excludes_too_little() {
    found_by_every_seed(&LETS_IN, Found::Race, |law| matches!(law, Law::ExcludesLess { holder: 1 }));
}

#[test]
fn a_lock_that_excludes_too_much() {
    found_by_every_seed(&MODEST, Found::NoRace, |law| law == Law::ExcludesMore);
}

#[test]
fn a_lock_that_is_never_given_back() {
    found_by_every_seed(&KEEPS, Found::NoRace, |law| law == Law::ExcludesMore);
}

#[test]
fn a_worker_whose_writes_do_not_arrive() {
    for seed in 0..20 {
        let Verdict::Fail(failure) = campaign(&SWALLOWS, seed).verdict else { panic!("seed {seed}") };
        assert!(matches!(failure.law, Law::LostWrite { .. }), "{failure}");
        assert!(failure.to_string().contains("saw 0 bytes, not JSON"), "{failure}");
    }
}

/// Each racy row of the experiment, by each of 20 seeds.
#[test]
fn every_racy_row_shrinks_to_two_workers_and_four_commands() {
    let folder = support::folder();
    for seed in 0..20 {
        let pairs =
            [("flag", Placement::Threads), ("flag", Placement::Processes), ("mutex", Placement::Processes)];
        let rows = pairs.iter().flat_map(|&(lock, placement)| {
            Order::ALL.map(|order| Row {
                lock: support::double(lock),
                placement,
                order,
                faults: Faults::NONE,
            })
        });
        let campaign = Campaign {
            rows: rows.collect(),
            engine: Kind::Stepped,
            scope: Scope::Session,
            workers: 2..=16,
            period: None,
            search: Search::default(),
            budget: Budget { cases: Some(4), time: None },
            seed,
            shrink_tries: 4096,
            jobs: 1,
            save: None,
            staff: support::staff(&folder),
        };
        let report = campaign.run(&Arc::default(), &());
        assert!(matches!(report.verdict(), Verdict::Pass(_)), "{:?}", report.verdict());
        for row in report.rows {
            let case = row.counterexample.unwrap().case;
            assert_eq!((case.workers, case.schedule.commands().count()), (2, 4), "seed {seed}");
            assert_eq!(case.order, Order::AsGenerated, "sorting changes nothing in so small a case");
        }
    }
}

fn case(lock: &str, workers: u32) -> Case {
    let schedule = original(workers, Time::from_micros(1_000_000));
    let (placement, scope, order) = (Placement::Threads, Scope::Session, Order::AsGenerated);
    Case {
        lock: lock.to_owned(),
        placement,
        scope,
        order,
        workers,
        schedule,
        choices: None,
        faults: Faults::NONE,
    }
}

/// An engine with a bug: some of what happens does not get into the history.
struct Forgets<F>(Stepped, F);

impl<F: Fn(u32, &What) -> bool> Engine for Forgets<F> {
    fn run(&mut self, case: &Case) -> Result<History, Error> {
        let mut history = self.0.run(case)?;
        history.events.retain(|event| !self.1(event.worker, &event.what));
        Ok(history)
    }

    fn judge(&self, case: &Case, promise: Promise, history: &History) -> Verdict {
        self.0.judge(case, promise, history)
    }
}

fn law_with(forgotten: impl Fn(u32, &What) -> bool) -> (Law, u32, Command) {
    let folder = support::folder();
    let mut engine = Forgets(Stepped::new(&support::staff(&folder)).unwrap(), forgotten);
    let case = case("flock", 3);
    let history = engine.run(&case).unwrap();
    match engine.judge(&case, FLOCK.promised(), &history) {
        Verdict::Fail(failure) => (failure.law, failure.worker, failure.command),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_worker_that_never_writes() {
    assert_eq!(
        law_with(|worker, what| worker == 2 && *what == What::Wrote),
        (Law::Disobeyed, 2, Command::Write)
    );
}

#[test]
fn a_run_in_which_nobody_writes() {
    assert_eq!(law_with(|_, what| *what == What::Wrote).0, Law::NobodyWrote);
}

#[test]
fn a_worker_that_leaves_too_early() {
    assert_eq!(
        law_with(|worker, what| worker == 3 && *what == What::Exited),
        (Law::Disobeyed, 3, Command::Exit)
    );
}

#[test]
fn a_lock_that_panics_is_an_absent_worker_and_the_next_case_has_a_new_crew() {
    let folder = support::folder();
    let mut engine = Stepped::new(&support::staff_with(&folder, &ALL_PLANTED)).unwrap();
    for _ in 0..2 {
        let history = engine.run(&case("panics", 2)).unwrap();
        let [missing] = history.missing[..] else { panic!("{:?}", history.missing) };
        assert_eq!((missing.worker, missing.command, missing.why), (1, Command::Write, Absence::Died));
        let verdict = engine.judge(&case("panics", 2), PANICS.promised(), &history);
        assert_eq!(verdict, Verdict::unclear(Reason::Missing(missing)));
    }
    let healthy = engine.run(&case("impatient", 2)).unwrap();
    assert!(healthy.missing.is_empty());
}

#[test]
fn a_worker_that_never_answers_is_named_with_its_command() {
    let folder = support::folder();
    let silence = Duration::from_secs(1);
    let staff = support::staff_with(&folder, &ALL_PLANTED);
    let mut engine = Stepped::new(&lockfuzz::worker::Staff { silence, ..staff }).unwrap();
    let history = engine.run(&case("hangs", 2)).unwrap();
    let verdict = engine.judge(&case("hangs", 2), HANGS.promised(), &history);
    let Verdict::Inconclusive { reason } = verdict else { panic!("{verdict:?}") };
    assert_eq!(reason.to_string(), "worker 1 did not answer; it was told: write");
}

/// A minute of waiting takes no time on the virtual clock, and the model knows when it ends.
#[test]
fn patience_ends_on_the_virtual_clock() {
    let folder = support::folder();
    let mut engine = Stepped::new(&support::staff_with(&folder, &ALL_PLANTED)).unwrap();
    let mut case = case("impatient", 2);
    // Worker 1 holds the lock for half an hour.
    case.schedule.ticks[2].at = Time::from_micros(1_800_000_000);
    case.schedule.ticks[3].at = Time::from_micros(1_801_000_000);
    let history = engine.run(&case).unwrap();
    let gave_up: Vec<_> = history.events.iter().filter(|e| e.what == What::GaveUp).collect();
    let [event] = gave_up[..] else { panic!("{:?}", history.events) };
    assert_eq!((event.worker, event.at), (2, Time::from_micros(61_000_000)));
    let verdict = engine.judge(&case, IMPATIENT.promised(), &history);
    assert_eq!(
        verdict,
        Verdict::unclear(Reason::Idle { cases: 1 }),
        "worker 2 never wrote, so it is no pass"
    );
}

/// On a real clock the law alone is checked; the planted locks break it there as well.
#[test]
fn the_realtime_checker_sees_a_wrong_read_back_and_a_lock_that_excludes_too_much() {
    let folder = support::folder();
    let staff = support::staff_with(&folder, &ALL_PLANTED);
    let mut engine = engine::Realtime::new(&staff, Arc::default()).unwrap();
    let mut verdict = |double: &Double| {
        let mut case = case(double.name, 3);
        case.schedule = original(3, Time::from_micros(20_000));
        lockfuzz::campaign::run_and_retry(&mut engine, &case, double).unwrap().1
    };
    let Verdict::Fail(failure) = verdict(&LETS_IN) else { panic!() };
    assert!(matches!(failure.law, Law::ReadBack { .. }), "{failure}");
    let Verdict::Fail(failure) = verdict(&MODEST) else { panic!() };
    assert_eq!(failure.law, Law::ExcludesMore);
}

/// A checker that is given another case's history must not be content with it.
#[test]
fn a_history_of_another_case_does_not_pass() {
    let folder = support::folder();
    let mut engine = Stepped::new(&support::staff(&folder)).unwrap();
    let history = engine.run(&case("flock", 3)).unwrap();
    let checker = lockfuzz::check::Stepped(FLOCK.promised());
    let Verdict::Inconclusive { reason } = checker.check(&case("flock", 2), &history) else { panic!() };
    assert!(matches!(reason, Reason::IllFormed { worker: 3, wrong: Wrong::Stranger, .. }), "{reason}");
    assert!(matches!(checker.check(&case("flock", 4), &history), Verdict::Fail(_)));
}
