//! Inside the lock: points, choices, and what is found with them.

mod support;

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use lockfuzz::campaign::{Budget, Campaign, Cause, Found, Row};
use lockfuzz::case::{Case, Faults, Placement, Scope};
use lockfuzz::check::{Law, Reason, Verdict};
use lockfuzz::clock::Clock;
use lockfuzz::engine::{Engine, Kind, Stepped};
use lockfuzz::interleave::{Enabled, Scheduler, Search};
use lockfuzz::lock::{ALL, Claim, Double, FLOCK, Lock, LockError, Site, TryLock, ZOO};
use lockfuzz::prove::{Answer, Prover, Question, Why};
use lockfuzz::regression::Saved;
use lockfuzz::schedule::{Order, at_once};
use lockfuzz::stage::{Access, Object, changed, note, point};

/// Looks whether the lock file is there, then creates it.
struct ExistsCreate(PathBuf);

impl Lock for ExistsCreate {
    fn try_lock(&mut self) -> TryLock {
        point(&[Access::Look(Object::name(&self.0))]);
        if self.0.exists() {
            note(format_args!("exists: yes"));
            return TryLock::WouldBlock;
        }
        note(format_args!("exists: no"));
        point(&[Access::Change(Object::name(&self.0))]);
        match fs::write(&self.0, "") {
            Ok(()) => {
                note(format_args!("create: ok"));
                changed();
                TryLock::Acquired
            }
            Err(why) => TryLock::Failed(why),
        }
    }

    fn lock(&mut self, _: &dyn Clock) -> Result<(), LockError> {
        unreachable!("only stepped runs")
    }

    fn unlock(&mut self) -> io::Result<()> {
        point(&[Access::Change(Object::name(&self.0))]);
        let went = match fs::remove_file(&self.0) {
            // Two were in, and the other has gone already.
            Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        };
        changed();
        went
    }
}

static EXISTS: Double = Double {
    name: "exists",
    claim: Claim::Everyone,
    atomic: false,
    open: &|site: &Site| Ok(Box::new(ExistsCreate(site.path.clone()))),
    ..FLOCK
};
static FLOCK_TOO: Double = FLOCK;
static DOUBLES: [&Double; 2] = [&EXISTS, &FLOCK_TOO];

fn case(lock: &str, workers: u32, choices: &[u32]) -> Case {
    let tick = |at: u32, command: &str| {
        let all: Vec<String> = (1..=workers).map(|w| format!("({w}, '{command}')")).collect();
        format!("{at} [{}]\n", all.join(", "))
    };
    Case {
        lock: lock.to_owned(),
        placement: Placement::Threads,
        scope: Scope::Session,
        order: Order::AsGenerated,
        workers,
        schedule: (tick(0, "write") + &tick(1, "read")).parse().unwrap(),
        choices: Some(choices.to_vec()),
        faults: Faults::NONE,
    }
}

/// Goes wherever a number says.
struct Counter(u64);

impl Scheduler for Counter {
    fn begin(&mut self) -> bool {
        true
    }
    fn choose(&mut self, enabled: &[Enabled]) -> usize {
        if enabled.len() < 2 {
            return 0;
        }
        let choice = self.0 % enabled.len() as u64;
        self.0 /= enabled.len() as u64;
        choice as usize
    }
}

#[test]
fn a_preemption_between_look_and_create_lets_two_in() {
    let folder = support::folder();
    let mut engine = Stepped::new(&support::staff_with(&folder, &DOUBLES)).unwrap();
    let mut verdict = |choices: &[u32]| {
        let case = case("exists", 2, choices);
        let history = engine.run(&case).unwrap();
        let verdict = engine.judge(&case, EXISTS.promised(), &history);
        eprintln!(
            "{choices:?} {verdict:?}\n{:#?}",
            history.events.iter().map(|e| format!("{} {:?}", e.worker, e.what)).collect::<Vec<_>>()
        );
        verdict
    };
    assert!(!matches!(verdict(&[]), Verdict::Fail(_)), "without a preemption it is sound");
    let Verdict::Fail(failure) = verdict(&[0, 1, 0, 1]) else { panic!() };
    assert_eq!(failure.law, Law::ExcludesLess { holder: 2 });
}

#[test]
fn what_a_scheduler_chose_is_replayed_step_for_step() {
    let folder = support::folder();
    let mut engine = Stepped::new(&support::staff_with(&folder, &DOUBLES)).unwrap();
    for lock in ["exists", "flock"] {
        let mut found = 0;
        for number in 0..400 {
            let (history, choices) =
                engine.explore(&case(lock, 3, &[]), &mut Counter(number * 7919)).unwrap();
            let chosen = case(lock, 3, &choices);
            assert_eq!(engine.run(&chosen).unwrap(), history, "{choices:?}");
            found +=
                u32::from(matches!(engine.judge(&chosen, EXISTS.promised(), &history), Verdict::Fail(_)));
        }
        assert_eq!(found > 0, lock == "exists", "{found} of 400 broke {lock}");
    }
}

/// Every broken lock is found with the default settings, shrunk to the least that its double names, saved and
/// replayed step for step, in threads and in processes; every sound one stays quiet.
#[test]
fn the_zoo_is_as_expected() {
    let seed = support::seed();
    let folder = support::folder();
    let row = |lock, placement, faults| Row { lock, placement, order: Order::AsGenerated, faults };
    let calm =
        ZOO.iter().flat_map(|&lock| lock.placements.iter().map(move |&place| row(lock, place, Faults::NONE)));
    let struck = ALL.iter().flat_map(|&lock| {
        let of = move |&faults| lock.placements.iter().map(move |&place| row(lock, place, faults));
        lock.faults.iter().flat_map(of)
    });
    let rows = calm.chain(struck);
    let rows = rows.filter(|row| row.faults.crashes == 0 || row.placement == Placement::Processes);
    let campaign = Campaign {
        rows: rows.collect(),
        engine: Kind::Stepped,
        scope: Scope::Session,
        workers: 2..=8,
        period: None,
        search: Search::default(),
        budget: Budget { cases: Some(128), time: None },
        seed,
        shrink_tries: 4096,
        jobs: 2,
        save: Some(folder.path().join("found")),
        staff: support::staff(&folder),
    };
    let report = campaign.run(&Arc::default(), &());
    assert!(report.error.is_none(), "{:?}", report.error);
    let mut engine = Stepped::new(&campaign.staff).unwrap();
    for row in report.rows {
        let name = row.row.lock.name;
        assert!(matches!(row.verdict, Verdict::Pass(_)), "seed {seed}: {name}: {:?}", row.verdict);
        let Some(found) = row.counterexample else {
            assert_eq!(row.expected, Found::NoRace, "seed {seed}: {name}");
            continue;
        };
        let least = row.row.lock.fewest_preemptions(row.row.placement, row.row.faults);
        let preemptions = Some(found.history.preemptions() as u32);
        assert_eq!(preemptions, least, "seed {seed}: {name}: {:?}", found.case.choices);
        let once = at_once(row.row.workers(), found.case.schedule.period());
        assert_eq!(found.case.schedule, once, "each takes it once");
        assert_eq!((found.case.faults, found.history.faults()), (row.row.faults, row.row.faults), "{name}");
        assert_eq!((found.replays, found.case.workers), ((10, 10), row.row.workers()));
        // Each of these breaks by an order that can be turned round.
        if ["exists-create", "rename-lock", "pid-late", "flock-unlink"].contains(&name) {
            let decides = matches!(found.cause, Some(Cause::Order { first, second }) if first < second);
            assert!(decides, "seed {seed}: {name}: {:?}", found.cause);
        }
        let saved = Saved::read(found.path.as_ref().unwrap()).unwrap();
        for _ in 0..20 {
            assert_eq!(engine.run(&saved.case).unwrap().events, saved.history, "seed {seed}: {name}");
        }
    }
}

/// The least is the least: one preemption fewer, and no interleaving of so many workers breaks the lock.
#[test]
fn fewer_preemptions_break_nothing() {
    let folder = support::folder();
    let mut prover = Prover::new(&support::staff(&folder), None, None, Arc::default()).unwrap();
    for lock in ALL {
        for least in lock.least {
            let Some(fewer) = least.preemptions.checked_sub(1) else { continue };
            let placement = least.placements[0];
            let workers = Row { lock, placement, order: Order::AsGenerated, faults: least.faults }.workers();
            let question = Question { workers, faults: least.faults, ..Question::new(lock, placement) };
            let ask = |preemptions| Question { preemptions: Some(preemptions), ..question };
            match prover.answer(ask(fewer)).unwrap() {
                Answer::Proved(certificate) => assert!(certificate.search.progress.beyond > 0),
                Answer::Short(short) => {
                    // Only crashes can be proved; the other faults have their tests in tests/faults.rs.
                    if let Why::Faults = short.why {
                        continue;
                    }
                    let uncontended = matches!(short.why, Why::Unclear(Reason::Uncontended { .. }));
                    assert!(uncontended || short.question.lock.name != lock.name, "{short:?}");
                }
                Answer::Broken(broken) => panic!("{}: {:?}", lock.name, broken.row.counterexample),
            }
            let so_many = prover.answer(ask(least.preemptions)).unwrap();
            assert!(matches!(so_many, Answer::Broken(_)), "{}: {so_many:?}", lock.name);
        }
    }
}
