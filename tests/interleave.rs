//! Inside the lock: points, choices, and what is found with them.

mod support;

use std::fs;
use std::io;
use std::path::PathBuf;

use lockfuzz::case::{Case, Placement, Scope};
use lockfuzz::check::{Law, Reason, Verdict};
use lockfuzz::clock::Clock;
use lockfuzz::engine::{Engine, Stepped};
use lockfuzz::interleave::{Enabled, Mixed, Scheduler};
use lockfuzz::lock::{Claim, Double, FLOCK, Lock, LockError, Site, TryLock, ZOO};
use lockfuzz::schedule::Order;
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
    open: |site: &Site| Ok(Box::new(ExistsCreate(site.path.clone()))),
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

/// Tries a lock of the zoo: how many of so many executions break it, and in which the first does.
fn hunt(
    double: &'static Double,
    placement: Placement,
    workers: u32,
    executions: u64,
    seed: u64,
) -> (u64, u64) {
    let folder = support::folder();
    let mut engine = Stepped::new(&support::staff(&folder)).unwrap();
    let mut scheduler = Mixed::new(seed, 3);
    let (mut broken, mut first) = (0, 0);
    for nth in 1..=executions {
        assert!(scheduler.begin());
        let case = Case { placement, ..case(double.name, workers, &[]) };
        let (history, choices) = engine.explore(&case, &mut scheduler).unwrap();
        let case = Case { choices: Some(choices), ..case };
        match engine.judge(&case, double.promised(), &history) {
            Verdict::Fail(failure) => {
                if broken == 0 {
                    first = nth;
                    eprintln!("{} {} {:?}", double.name, placement.name(), failure.law);
                }
                broken += 1;
                assert_eq!(engine.run(&case).unwrap(), history, "{}", double.name);
            }
            Verdict::Pass(_) | Verdict::Inconclusive { reason: Reason::Uncontended { .. } } => {}
            other => panic!("{} {other:?}", double.name),
        }
    }
    (broken, first)
}

#[test]
fn the_zoo() {
    for double in ZOO {
        for placement in Placement::ALL {
            let start = std::time::Instant::now();
            let (broken, first) = hunt(double, placement, double.workers, 300, 1);
            eprintln!(
                "{:20} {:10} {} broken {broken} first {first} {:.0}/s",
                double.name,
                placement.name(),
                double.workers,
                300.0 / start.elapsed().as_secs_f64()
            );
        }
    }
}
