//! Programs of their own on the stepped engine.

mod support;

use std::collections::BTreeSet;
use std::sync::{Arc, Barrier};
use std::time::Duration;

use lockfuzz::case::{Case, Faults, Placement, Scope};
use lockfuzz::engine::{Engine, Stepped};
use lockfuzz::history::{Absence, What};
use lockfuzz::interleave::{Enabled, Exhaustive, Mixed, Random, Reduction, Scheduler};
use lockfuzz::program::{Doubt, Execution, Flaw, Outcome, Program};
use lockfuzz::schedule::{Order, Time, Wid, at_once};
use lockfuzz::sync::{Atomic, Condvar, Mutex};
use lockfuzz::worker::Staff;

/// Two cells, two mutexes and a condition, and whatever the workers do with them.
struct Small {
    name: &'static str,
    workers: u32,
    work: fn(&Things, Wid),
}

struct Things {
    a: Atomic<i32>,
    one: Mutex<i32>,
    other: Mutex<i32>,
    news: Condvar,
    real: Barrier,
}

impl Program for Small {
    type Shared = Things;

    fn name(&self) -> &str {
        self.name
    }

    fn workers(&self) -> u32 {
        self.workers
    }

    fn begin(&self) -> Things {
        let [one, other] = ["one", "other"].map(|name| Mutex::new(name, 0));
        Things { a: Atomic::new("a", 0), one, other, news: Condvar::new("news"), real: Barrier::new(2) }
    }

    fn work(&self, things: &Things, worker: Wid) {
        (self.work)(things, worker);
    }

    fn verdict(&self, things: &Things) -> Result<(), String> {
        match things.a.load() {
            1 => Err("a is 1".to_owned()),
            13 => panic!("a is 13"),
            _ => Ok(()),
        }
    }

    fn steps(&self) -> u32 {
        100
    }
}

fn small(name: &'static str, workers: u32, work: fn(&Things, Wid)) -> Arc<Small> {
    Arc::new(Small { name, workers, work })
}

fn with_engine<R>(act: impl FnOnce(&mut Stepped) -> R) -> R {
    let folder = support::folder();
    let staff = Staff { silence: Duration::from_millis(500), ..support::staff(&folder) };
    act(&mut Stepped::new(&staff).unwrap())
}

/// All executions.
fn all(program: &Arc<Small>, reduction: Reduction) -> Vec<Execution> {
    let mut search = Exhaustive::new(None, reduction);
    with_engine(|engine| {
        let mut executions = Vec::new();
        while search.begin() {
            let execution = engine.explore_program(program, &mut search).unwrap();
            assert_eq!(engine.replay_program(program, &execution.choices).unwrap(), execution);
            executions.push(execution);
        }
        assert!(search.complete(), "{}", program.name);
        executions
    })
}

fn outcomes(executions: &[Execution]) -> BTreeSet<String> {
    executions.iter().map(|execution| execution.outcome.to_string()).collect()
}

fn count(things: &Things, _: Wid) {
    let seen = things.a.load();
    things.a.store(seen + 1);
}

#[test]
fn all_executions_are_counted_by_hand() {
    // Each worker loads, then stores: AABB BBAA keep both, ABAB ABBA BAAB BABA lose one.
    let program = small("count", 2, count);
    let executions = all(&program, Reduction::Off);
    assert_eq!(executions.len(), 6);
    let lost = executions.iter().filter(|e| e.outcome == Outcome::Fail(Flaw::Verdict("a is 1".to_owned())));
    assert_eq!(lost.count(), 4);
    let reduced = all(&program, Reduction::SleepSets);
    assert!(reduced.len() < 6);
    assert_eq!(outcomes(&reduced), outcomes(&executions));
}

#[test]
fn the_history_is_told_step_by_step() {
    let execution =
        with_engine(|engine| engine.replay_program(&small("count", 2, count), &[1, 1, 0]).unwrap());
    let told: Vec<_> = execution
        .history
        .events
        .iter()
        .map(|event| match &event.what {
            What::Note(text) => format!("{} {text}", event.worker),
            other => format!("{} {other:?}", event.worker),
        })
        .collect();
    assert_eq!(told, ["2 load a: 0", "1 load a: 0", "1 store a: 1", "1 Exited", "2 store a: 1", "2 Exited"]);
}

#[test]
fn with_a_mutex_nothing_is_lost() {
    let program = small("locked", 2, |things, worker| {
        let _held = things.one.lock();
        count(things, worker);
    });
    assert_eq!(outcomes(&all(&program, Reduction::Off)), BTreeSet::from(["all is well".to_owned()]));
}

#[test]
fn two_mutexes_in_two_orders_deadlock() {
    let program = small("crossed", 2, |things, worker| {
        let (first, then) =
            if worker == 1 { (&things.one, &things.other) } else { (&things.other, &things.one) };
        let _first = first.lock();
        let _then = then.lock();
    });
    let executions = all(&program, Reduction::Off);
    let deadlock = Outcome::Fail(Flaw::Deadlock { waiting: vec![1, 2] });
    assert!(executions.iter().any(|e| e.outcome == deadlock));
    assert!(executions.iter().any(|e| e.outcome == Outcome::Pass));
    assert_eq!(outcomes(&executions), outcomes(&all(&program, Reduction::SleepSets)));
    assert_eq!(outcomes(&executions).len(), 2);
}

#[test]
fn a_panic_is_a_failure_with_its_words_and_the_others_go_on() {
    let program = small("panics", 2, |things, worker| {
        let mut held = things.one.lock();
        *held += 1;
        assert!(worker != 1, "worker {worker} does not like it");
    });
    for execution in all(&program, Reduction::Off) {
        let Outcome::Fail(Flaw::Panicked { worker: 1, message }) = &execution.outcome else {
            panic!("{}", execution.outcome)
        };
        assert!(message.starts_with("worker 1 does not like it (tests/programs.rs:"), "{message}");
        let left = |e: &&lockfuzz::history::Event| e.what == What::Exited;
        assert_eq!(execution.history.events.iter().filter(left).count(), 1);
    }
}

#[test]
fn a_verdict_may_panic() {
    let program = small("verdict", 1, |things, _| things.a.store(13));
    let executions = all(&program, Reduction::Off);
    let [Execution { outcome: Outcome::Fail(Flaw::Verdict(why)), .. }] = &executions[..] else { panic!() };
    assert!(why.starts_with("a is 13"), "{why}");
}

#[test]
fn whoever_waits_for_news_gets_it() {
    let told = small("told", 3, |things, worker| {
        let mut held = things.one.lock();
        if worker == 1 {
            *held = 1;
            things.news.notify_all();
        } else {
            while *held == 0 {
                held = things.news.wait(held);
            }
        }
    });
    assert_eq!(outcomes(&all(&told, Reduction::SleepSets)).len(), 1);
    // Looks without the lock, and so waits for what has been told already.
    let missed = small("missed", 2, |things, worker| {
        if worker == 1 {
            things.a.store(2);
            things.news.notify_one();
        } else if things.a.load() == 0 {
            drop(things.news.wait(things.one.lock()));
        }
    });
    let executions = all(&missed, Reduction::SleepSets);
    let deadlock = Outcome::Fail(Flaw::Deadlock { waiting: vec![2] });
    assert!(executions.iter().any(|e| e.outcome == deadlock));
    assert!(executions.iter().any(|e| e.outcome == Outcome::Pass));
}

#[test]
fn whoever_spins_for_ever_is_inconclusive() {
    let program = small("spins", 2, |things, worker| while worker == 1 && things.a.load() == 0 {});
    with_engine(|engine| {
        for _ in 0..3 {
            let outcome = engine.replay_program(&program, &[]).unwrap().outcome;
            assert_eq!(outcome, Outcome::Inconclusive(Doubt::TooManySteps(100)));
        }
    });
}

#[test]
fn whoever_waits_outside_of_all_points_is_inconclusive() {
    let program = small("barrier", 2, |things, _| {
        things.real.wait();
    });
    with_engine(|engine| {
        let execution = engine.replay_program(&program, &[]).unwrap();
        let Outcome::Inconclusive(Doubt::Missing(missing)) = execution.outcome else { panic!() };
        assert_eq!((missing.worker, missing.why), (1, Absence::Silent));
    });
}

/// Panics after so many choices.
struct Fragile(u32);

impl Scheduler for Fragile {
    fn begin(&mut self) -> bool {
        true
    }

    fn choose(&mut self, _: &[Enabled]) -> usize {
        self.0 = self.0.checked_sub(1).unwrap_or_else(|| std::panic::resume_unwind(Box::new("enough")));
        0
    }
}

#[test]
fn a_scheduler_that_panics_is_nobody_elses_fault() {
    let program = small("count", 2, count);
    with_engine(|engine| {
        let panic = |engine: &mut Stepped, choices| {
            let explore = || engine.explore_program(&program, &mut Fragile(choices));
            let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(explore));
            ended.err().map(|panic| *panic.downcast::<&str>().unwrap())
        };
        assert_eq!(
            [0, 1, 2, 3, 4].map(|n| panic(engine, n)),
            [Some("enough"); 4].into_iter().chain([None]).collect::<Vec<_>>()[..]
        );
        assert_eq!(engine.explore_program(&program, &mut Random::new(1)).unwrap().history.missing, []);
    });
}

/// Threads ask the scheduler where they are, processes have the driver ask it. Nobody can tell.
#[test]
fn it_is_the_same_whoever_asks() {
    let folder = support::folder();
    let mut engine = Stepped::new(&support::staff(&folder)).unwrap();
    for (lock, workers) in [("exists-create", 2), ("mkdir", 3), ("flock-unlink", 3), ("pid-late", 2)] {
        let mut runs = Placement::ALL.map(|placement| {
            let (scope, order) = (Scope::Session, Order::AsGenerated);
            let schedule = at_once(workers, Time::from_micros(1000));
            let (lock, choices) = (lock.to_owned(), Some(Vec::new()));
            let case =
                Case { lock, placement, scope, order, workers, schedule, choices, faults: Faults::NONE };
            let mut scheduler = Mixed::new(7, 3);
            let run = |_| {
                scheduler.begin();
                engine.explore(&case, &mut scheduler).unwrap()
            };
            (0..150).map(run).collect::<Vec<_>>()
        });
        let processes = runs[1].split_off(0);
        for (one, other) in runs[0].iter().zip(&processes) {
            assert_eq!(one, other, "{lock}");
        }
        let different: BTreeSet<_> = processes.iter().map(|(_, choices)| choices).collect();
        assert!(different.len() > 10, "{lock}: {}", different.len());
    }
}
