//! Certificates: counted by hand, the same with and without the reduction, and refused where they must be.

mod support;

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use lockfuzz::case::{Case, Placement};
use lockfuzz::check::{Reason, Verdict};
use lockfuzz::engine::{Engine, Stepped};
use lockfuzz::fs::{self, File};
use lockfuzz::history::What;
use lockfuzz::interleave::{Exhaustive, Progress, Reduction, Scheduler};
use lockfuzz::lock::{Claim, Double, Lock, Site, TryLock};
use lockfuzz::prove::{Answer, Certificate, Prover, Question, Why, claimed};
use lockfuzz::regression::Saved;
use support::{double, folder, staff, staff_with};

const THREADS: Placement = Placement::Threads;

fn question(lock: &str) -> Question {
    Question::new(double(lock), THREADS)
}

fn answer(question: Question) -> Answer {
    let folder = folder();
    let save = folder.path().join("found");
    Prover::new(&staff(&folder), Some(save), None, Arc::default()).unwrap().answer(question).unwrap()
}

fn proved(question: Question) -> Certificate {
    match answer(question) {
        Answer::Proved(certificate) => *certificate,
        other => panic!("{}: {other:?}", question.lock.name),
    }
}

/// What each worker did and met, and what was thought of it.
type Outcome = (Vec<Vec<What>>, &'static str);

/// Runs all executions, also past one that breaks the lock.
fn all(
    engine: &mut dyn Engine,
    question: Question,
    mut seen: impl FnMut(&Case, &lockfuzz::history::History),
) -> (BTreeSet<String>, Progress) {
    let mut search = Exhaustive::new(question.preemptions, question.reduction);
    let mut outcomes = BTreeSet::new();
    while search.begin() {
        let (history, choices) = engine.explore(&question.case(), &mut search).unwrap();
        let case = Case { choices: Some(choices), ..question.case() };
        let verdict = match engine.judge(&case, question.lock.promised(), &history) {
            Verdict::Fail(failure) => failure.law.name(),
            _ => "holds",
        };
        let of = |worker| history.events.iter().filter(move |e| e.worker == worker).map(|e| e.what.clone());
        let each: Vec<Vec<What>> = (1..=question.workers).map(|worker| of(worker).collect()).collect();
        let outcome: Outcome = (each, verdict);
        outcomes.insert(format!("{outcome:?} {:?}", history.missing));
        seen(&case, &history);
    }
    assert!(search.complete(), "{}", question.lock.name);
    (outcomes, search.progress())
}

#[test]
fn interleavings_counted_by_hand() {
    // A worker takes the lock, writes, reads, gives it back: T W R G, of which only T and G touch the lock.
    // If A is the first to take it, B may try before W, before R, before G, or after G; where it comes too
    // early it is blocked, and comes again when A is done:
    //   Tt(WRG)twrg  TWt(RG)twrg  TWRt(G)twrg  TWRG twrg
    // The same with the names exchanged: 8. B's vain try can be told from one after G, but not its place
    // among W and R: 2 and 2 are different.
    for (lock, all, different) in [
        ("flock", 8, 4),
        ("mutex", 8, 4),
        ("semaphore", 8, 4),
        // The same, with T = create_dir and G = remove_dir.
        ("mkdir", 8, 4),
        ("symlink", 8, 4),
        // One step more: T = create_new, then close.  TtX.., TXt.., TXWt.., TXWRt.., TXWRG t
        ("excl", 10, 4),
    ] {
        let full = proved(Question { reduction: Reduction::Off, ..question(lock) });
        let progress = full.search.progress;
        assert_eq!((progress.executions, progress.cut), (all, 0), "{lock}");
        let reduced = proved(question(lock));
        let progress = reduced.search.progress;
        assert_eq!(progress.executions - progress.cut, different, "{lock}");
        assert!(progress.executions <= all, "{lock}: {progress:?}");
        assert_eq!(reduced.search.outcomes, full.search.outcomes, "{lock}");
        // Where nobody tries in vain, nobody can tell who was first.
        assert_eq!(reduced.search.outcomes.len() as u64, different - 1, "{lock}");
    }
}

#[test]
fn a_bound_on_preemptions_says_what_it_left_out() {
    // exists-create takes two: the same search is blind to it, so it says nothing of excl.
    let one = Question { preemptions: Some(1), ..question("excl") };
    assert!(matches!(answer(one), Answer::Short(short) if short.why == Why::Blind));
    // Without a preemption nobody ever meets the lock taken.
    let none = Question { preemptions: Some(0), ..question("excl") };
    let Answer::Short(short) = answer(none) else { panic!() };
    assert!(matches!(short.why, Why::Unclear(Reason::Uncontended { .. })), "{short:?}");
    // With two there is all there is.
    let certificate = proved(Question { preemptions: Some(2), ..question("excl") });
    assert_eq!((certificate.search.progress.executions, certificate.search.progress.beyond), (10, 0));
    assert_eq!(certificate.search.reduction, Reduction::Off, "it is not sound under a bound");
}

/// Every lock that two workers can be tried on: with and without the reduction the same is seen, the same
/// breaks, and each execution is replayed step for step.
#[test]
fn the_reduction_loses_nothing() {
    let folder = folder();
    let mut engine = Stepped::new(&staff(&folder)).unwrap().exact();
    for lock in
        ["flag", "flag-shared", "exists-create", "rename-lock", "excl", "mkdir", "symlink", "hardlink", "ofd"]
    {
        let mut replays = Vec::new();
        let (some, reduced) =
            all(&mut engine, question(lock), |case, history| replays.push((case.clone(), history.clone())));
        let (every, full) =
            all(&mut engine, Question { reduction: Reduction::Off, ..question(lock) }, |_, _| {});
        println!("{lock}: {} of {}, {} outcomes", reduced.executions, full.executions, some.len());
        assert_eq!(some, every, "{lock}");
        assert!(reduced.executions - reduced.cut < full.executions, "{lock}");
        for (case, history) in replays {
            assert_eq!(engine.run(&case).unwrap(), history, "{lock}: {:?}", case.choices);
        }
    }
}

#[test]
fn every_sound_lock_of_the_zoo_is_proved() {
    let folder = folder();
    let mut prover = Prover::new(&staff(&folder), None, None, Arc::default()).unwrap();
    let questions = claimed(&lockfuzz::lock::ALL, &Placement::UNIFORM);
    for lock in ["excl", "mkdir", "symlink", "hardlink", "bakery", "ofd", "flock-checked", "flock"] {
        assert_eq!(questions.iter().filter(|question| question.lock.name == lock).count(), 2, "{lock}");
    }
    for question in questions {
        let name = (question.lock.name, question.placement);
        match prover.answer(question).unwrap() {
            Answer::Proved(certificate) => {
                let (control, nth) = certificate.control.unwrap_or_else(|| panic!("{name:?}: no control"));
                println!("{name:?}: {:?}, {} in {nth}", certificate.search.progress, control.lock.name);
                assert_eq!(certificate.search.progress.beyond, 0);
            }
            other => panic!("{name:?}: {other:?}"),
        }
    }
}

#[test]
fn a_broken_lock_is_refused_with_and_without_the_reduction() {
    let broken =
        lockfuzz::lock::ALL.into_iter().filter(|lock| lock.claim == Claim::Nobody && lock.workers == 2);
    for lock in broken {
        for reduction in [Reduction::SleepSets, Reduction::Off] {
            let question = Question { reduction, ..Question::new(lock, THREADS) };
            let folder = folder();
            let save = folder.path().join("found");
            let mut prover = Prover::new(&staff(&folder), Some(save), None, Arc::default()).unwrap();
            let Answer::Broken(broken) = prover.answer(question).unwrap() else { panic!("{}", lock.name) };
            let found = broken.row.counterexample.unwrap();
            assert!(found.history.preemptions() <= 2, "{}", lock.name);
            let saved = Saved::read(&found.path.unwrap()).unwrap();
            let mut engine = Stepped::new(&staff(&folder)).unwrap();
            assert_eq!(engine.run(&saved.case).unwrap().events, saved.history, "{}", lock.name);
        }
    }
}

#[test]
fn a_search_that_is_cut_short_proves_nothing() {
    let folder = folder();
    let mut late = Prover::new(&staff(&folder), None, Some(Instant::now()), Arc::default()).unwrap();
    assert!(matches!(late.answer(question("excl")).unwrap(), Answer::Short(short) if short.why == Why::Time));
    let stop = Arc::new(true.into());
    let mut stopped = Prover::new(&staff(&folder), None, None, stop).unwrap();
    let answer = stopped.answer(question("excl")).unwrap();
    assert!(matches!(answer, Answer::Short(short) if short.why == Why::Interrupted && short.executions == 0));
}

/// Worker 1 puts another file in the place of `a`, and then reads that one by its handle; worker 2 writes
/// to whatever `a` is. What the write touches is another file after the rename than when it was announced.
struct Stale {
    worker: u32,
    paths: [PathBuf; 2],
}

impl Lock for Stale {
    fn try_lock(&mut self) -> TryLock {
        let [a, b] = &self.paths;
        let went = match self.worker {
            1 => File::create_new(b).and_then(|mut file| {
                fs::rename(b, a)?;
                io::Read::read_to_end(&mut file, &mut Vec::new()).map(drop)
            }),
            _ => fs::write(a, "2"),
        };
        went.map_or_else(TryLock::Failed, |()| TryLock::Acquired)
    }

    fn unlock(&mut self) -> io::Result<()> {
        Ok(())
    }
}

static STALE: Double = Double {
    name: "stale",
    open: &|site: &Site| {
        Ok(Box::new(Stale { worker: site.worker, paths: [site.beside("a"), site.beside("b")] }))
    },
    ..Double::PLAIN
};

/// Tries again and again, and never says that it waits.
struct Spins(PathBuf);

impl Lock for Spins {
    fn try_lock(&mut self) -> TryLock {
        while File::create_new(&self.0).is_err() {}
        TryLock::Acquired
    }

    fn unlock(&mut self) -> io::Result<()> {
        fs::remove_file(&self.0)
    }
}

static SPINS: Double = Double {
    name: "spins",
    claim: Claim::Everyone,
    open: &|site: &Site| Ok(Box::new(Spins(site.path.clone()))),
    ..Double::PLAIN
};

/// Does something else each time.
struct Whimsical(PathBuf);

static TIMES: AtomicU64 = AtomicU64::new(0);

impl Lock for Whimsical {
    fn try_lock(&mut self) -> TryLock {
        if TIMES.fetch_add(1, Ordering::Relaxed).is_multiple_of(3) && fs::exists(&self.0).unwrap_or(false) {
            return TryLock::WouldBlock;
        }
        match File::create_new(&self.0) {
            Ok(_) => TryLock::Acquired,
            Err(_) => TryLock::WouldBlock,
        }
    }

    fn unlock(&mut self) -> io::Result<()> {
        fs::remove_file(&self.0)
    }
}

static WHIMSICAL: Double = Double {
    name: "whimsical",
    claim: Claim::Everyone,
    open: &|site: &Site| Ok(Box::new(Whimsical(site.path.clone()))),
    ..Double::PLAIN
};

static OWN: [&Double; 3] = [&STALE, &SPINS, &WHIMSICAL];

#[test]
fn a_list_that_has_become_stale_is_made_anew() {
    let folder = folder();
    let staff = staff_with(&folder, &OWN);
    let question = Question::new(&STALE, THREADS);
    let mut exact = Stepped::new(&staff).unwrap().exact();
    let (every, full) = all(&mut exact, Question { reduction: Reduction::Off, ..question }, |_, _| {});
    let (some, reduced) = all(&mut exact, question, |_, _| {});
    assert_eq!(some, every);
    assert!(reduced.executions < full.executions);
    // And this is what it is for.
    let (fewer, _) = all(&mut Stepped::new(&staff).unwrap(), question, |_, _| {});
    assert!(fewer.is_subset(&every) && fewer.len() < every.len());
}

#[test]
fn a_lock_that_spins_gets_no_certificate() {
    let folder = folder();
    let mut prover = Prover::new(&staff_with(&folder, &OWN), None, None, Arc::default()).unwrap();
    let Answer::Short(short) = prover.answer(Question::new(&SPINS, THREADS)).unwrap() else { panic!() };
    assert!(matches!(short.why, Why::Unclear(Reason::Endless { .. })), "{short:?}");
}

#[test]
fn a_lock_that_changes_its_mind_gets_no_certificate() {
    let folder = folder();
    let mut prover = Prover::new(&staff_with(&folder, &OWN), None, None, Arc::default()).unwrap();
    let Answer::Short(short) = prover.answer(Question::new(&WHIMSICAL, THREADS)).unwrap() else { panic!() };
    assert_eq!(short.why, Why::Unrepeatable);
}

/// Standard output, standard error, and the exit code.
fn prove(words: &str) -> (String, String, i32) {
    let folder = tempfile::tempdir().unwrap();
    let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_lockfuzz"));
    program.arg("prove").args(words.split_whitespace()).current_dir(&folder).env("NO_COLOR", "1");
    let output = program.output().unwrap();
    let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    (out, err, output.status.code().unwrap())
}

#[test]
fn the_command_says_proved_broken_or_not_known() {
    let (out, _, code) = prove("--lock excl");
    assert!(
        out.starts_with("PROVED  excl, threads: 2 workers") && out.contains("complete: 10 exec"),
        "{out}"
    );
    assert_eq!(code, 0);
    assert!(out.lines().all(|line| line.chars().count() <= 80), "{out}");
    let (out, _, code) = prove("--lock exists-create");
    assert!(out.starts_with("FAIL  exists-create, threads: two inside at once\n"), "{out}");
    assert!(out.contains("lockfuzz replay lockfuzz-found/exists-create-threads.json"), "{out}");
    assert_eq!(code, 100);
    let (out, _, code) = prove("--lock excl --placement processes --crashes 1");
    assert!(out.starts_with("FAIL  excl, processes: nobody gets the lock again\n"), "{out}");
    assert_eq!(code, 100);
    let (out, _, code) = prove("--lock robust --placement processes --crashes 1");
    assert!(out.starts_with("PROVED") && out.contains("1 crash: "), "{out}");
    assert_eq!(code, 0);
    // Never a certificate, also not among others.
    for words in ["--lock bakery --workers 5 --for 200ms", "--lock excl,bakery --for 1ms"] {
        let (out, _, code) = prove(words);
        assert!(out.contains("NOT KNOWN") && !out.contains("PROVED"), "{out}");
        assert_eq!(code, 5);
    }
    let (out, _, code) = prove("--lock mkdir,exists-create --placement threads --json -");
    let document: serde_json::Value = serde_json::from_str(&out).unwrap();
    let verdicts = [0, 1].map(|nth| document["proofs"][nth]["verdict"].as_str().unwrap().to_owned());
    assert_eq!((verdicts, code), (["proved".to_owned(), "broken".to_owned()], 100));
}

#[test]
fn what_cannot_be_proved_is_refused_in_a_sentence() {
    for (words, sentence) in [
        ("--workers 1", "a proof is about 2 to 64 workers"),
        ("--acquires 0", "a whole number from 1 to 4096 is needed"),
        ("--lock excl --acquires 4000", "4096"),
        ("--lock excl --placement threads --crashes 1", "thread"),
        ("--lock exlc", "did you mean \"excl\"?"),
        ("--preemptions -1", "--preemptions"),
        ("--for soon", "30s, 10m or 8h"),
        ("--json no/such/folder", "--json no/such/folder"),
    ] {
        let (out, err, code) = prove(words);
        assert_eq!((out.as_str(), code), ("", 2), "{words}: {err}");
        assert!(err.contains(sentence), "{words}: {err}");
    }
}
