//! Locks of somebody's own, as a crate that uses lockfuzz tests them: in threads, and in processes that are
//! this test binary once more.

use std::fs as plain;
use std::io::{self, ErrorKind};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use lockfuzz::case::Placement;
use lockfuzz::check::{Law, Reason, Verdict};
use lockfuzz::fs::{self, File, OpenOptions};
use lockfuzz::lock::{Claim, Lock, TryLock};
use lockfuzz::own::Own;
use lockfuzz::thread;
use proptest::prelude::*;

/// Held until it is dropped.
struct Created(PathBuf);

impl Drop for Created {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Sound: O_EXCL, and a sleep while there is one.
fn create(folder: &Path) -> io::Result<Created> {
    let path = folder.join("lock");
    loop {
        match File::create_new(&path) {
            Ok(_) => return Ok(Created(path)),
            Err(why) if why.kind() == ErrorKind::AlreadyExists => thread::sleep(Duration::from_millis(5)),
            Err(why) => return Err(why),
        }
    }
}

/// Broken: looks, then creates.
fn look_and_create(folder: &Path) -> io::Result<Created> {
    let path = folder.join("lock");
    while fs::exists(&path)? {
        thread::sleep(Duration::from_millis(5));
    }
    fs::write(&path, "taken")?;
    Ok(Created(path))
}

/// Sound: flock(2), which waits in the kernel.
fn flock(folder: &Path) -> io::Result<File> {
    let file = OpenOptions::new().create(true).write(true).open(folder.join("lock"))?;
    file.lock()?;
    Ok(file)
}

/// Nowhere that another test looks.
fn nowhere() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn a_sound_lock_that_polls_is_quiet() {
    lockfuzz::check!("polled", Claim::Everyone, create);
}

#[test]
fn a_sound_lock_that_the_kernel_makes_wait_is_quiet() {
    lockfuzz::check!(Own::guard_or_error("flock", Claim::Everyone, flock).workers(2..=4));
}

#[test]
fn a_broken_lock_is_found_and_made_small() {
    let saved = nowhere();
    let own = Own::guard_or_error("look and create", Claim::Everyone, look_and_create).saved_in(saved.path());
    let outcome = lockfuzz::verdict!(own);
    let Verdict::Fail(failure) = outcome.verdict else { panic!("{outcome}") };
    assert!(matches!(failure.law, Law::ExcludesLess { .. }), "{outcome}");
    let found = outcome.counterexample.as_ref().unwrap();
    assert_eq!(
        (found.case.workers, found.history.preemptions(), found.replays),
        (2, 2, (10, 10)),
        "{outcome}"
    );
    assert_eq!(outcome.lock, "look and create");
    let file = saved.path().join("a_broken_lock_is_found_and_made_small-1.json");
    assert!(file.exists(), "{outcome}");
    assert!(outcome.to_string().contains("exists \"lock\": no"), "{outcome}");
}

/// One for each test, as they run at once.
static BUSY: [AtomicBool; 2] = [const { AtomicBool::new(false) }; 2];

/// Held until it is dropped.
struct InMemory(&'static AtomicBool);

impl Drop for InMemory {
    fn drop(&mut self) {
        lockfuzz::point("leave");
        self.0.store(false, Ordering::SeqCst);
    }
}

/// Sound among threads, and nothing at all among processes: each has a flag of its own.
fn in_memory(busy: &'static AtomicBool) -> InMemory {
    loop {
        lockfuzz::point("enter");
        if !busy.swap(true, Ordering::SeqCst) {
            return InMemory(busy);
        }
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_flag_in_memory_excludes_threads_and_no_processes() {
    let saved = nowhere();
    let everyone =
        Own::guard("everyone", Claim::Everyone, |_: &Path| in_memory(&BUSY[0])).saved_in(saved.path());
    let outcome = lockfuzz::verdict!(everyone);
    assert!(matches!(outcome.tried[..], [(Placement::Threads, _), (Placement::Processes, _)]), "{outcome}");
    let found = outcome.counterexample.as_ref().unwrap_or_else(|| panic!("{outcome}"));
    assert_eq!((found.case.placement, found.case.workers), (Placement::Processes, 2), "{outcome}");
    assert!(outcome.complaint().unwrap().contains("two processes hold it at once"), "{outcome}");
}

#[test]
fn a_narrow_claim_is_put_to_the_test_where_it_says_something() {
    let outcome = lockfuzz::verdict!("threads alone", Claim::SameProcess, |_: &Path| in_memory(&BUSY[1]));
    assert!(matches!(outcome.verdict, Verdict::Pass(_)), "{outcome}");
    assert!(matches!(outcome.tried[..], [(Placement::Threads, _)]), "{outcome}");
}

#[test]
fn a_try_and_a_release_are_a_lock() {
    lockfuzz::check!(
        "mkdir",
        Claim::Everyone,
        |folder| match fs::create_dir(folder.join("lock")) {
            Ok(()) => Ok(true),
            Err(why) if why.kind() == ErrorKind::AlreadyExists => Ok(false),
            Err(why) => Err(why),
        },
        |folder, ()| fs::remove_dir(folder.join("lock")),
    );
}

struct Tried(PathBuf);

impl Lock for Tried {
    fn try_lock(&mut self) -> TryLock {
        match File::create_new(&self.0) {
            Ok(_) => TryLock::Acquired,
            Err(why) if why.kind() == ErrorKind::AlreadyExists => TryLock::WouldBlock,
            Err(why) => TryLock::Failed(why),
        }
    }

    fn unlock(&mut self) -> io::Result<()> {
        fs::remove_file(&self.0)
    }
}

#[test]
fn the_trait_is_a_lock_and_two_checks_fit_into_one_test() {
    lockfuzz::check!(Own::lock("a lock", Claim::Everyone, |folder| Tried(folder.join("lock"))).cases(64));
    lockfuzz::check!(Own::lock("another", Claim::Everyone, |folder| Ok(Tried(folder.join("x")))).cases(64));
}

#[test]
fn a_guard_or_nothing_is_a_try() {
    lockfuzz::check!("optional", Claim::Everyone, |folder| {
        let path = folder.join("lock");
        File::create_new(&path).ok().map(|_| Created(path))
    });
}

#[test]
fn a_property_with_a_strategy() {
    let bench = lockfuzz::bench!("in a property", Claim::Everyone, create);
    let config = ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(case in bench.cases())| bench.passes(&case)?);
}

#[test]
fn a_property_that_fails_shrinks() {
    let broken = lockfuzz::bench!("broken property", Claim::Everyone, look_and_create);
    let config = ProptestConfig { cases: 2048, failure_persistence: None, ..ProptestConfig::default() };
    let failed = catch_unwind(AssertUnwindSafe(|| {
        proptest!(config, |(case in broken.cases())| broken.passes(&case)?);
    }));
    let said = failed.unwrap_err().downcast::<String>().unwrap();
    assert!(said.contains("broken property: worker") && said.contains("HOLDS"), "{said}");
}

#[test]
fn a_lock_without_points_is_not_passed() {
    let outcome = lockfuzz::verdict!("std alone", Claim::Everyone, |folder| {
        plain::OpenOptions::new().create(true).append(true).open(folder.join("lock")).and_then(|file| {
            file.lock()?;
            Ok(file)
        })
    });
    assert_eq!(outcome.verdict, Verdict::unclear(Reason::NoPoints), "{outcome}");
    let complaint = outcome.complaint().unwrap();
    for remedy in ["lockfuzz::fs", "lockfuzz::point", "Own::atomic"] {
        assert!(complaint.contains(remedy), "{complaint}");
    }
}

#[test]
fn an_atomic_lock_needs_no_points() {
    let mkdir = Own::pair(
        "atomic",
        Claim::Everyone,
        |folder: &Path| plain::create_dir(folder.join("lock")).is_ok(),
        |folder: &Path, ()| plain::remove_dir(folder.join("lock")),
    );
    lockfuzz::check!(mkdir.atomic());
}

#[test]
fn whoever_waits_nowhere_is_told_to() {
    let outcome = lockfuzz::verdict!("spins", Claim::Everyone, |folder| loop {
        let path = folder.join("lock");
        if File::create_new(&path).is_ok() {
            break Created(path);
        }
    });
    assert!(matches!(outcome.verdict, Verdict::Inconclusive { reason: Reason::Endless { .. } }), "{outcome}");
    assert!(outcome.complaint().unwrap().contains("lockfuzz::thread::sleep"), "{outcome}");
}

#[test]
fn a_lock_that_is_never_given_back_is_found_though_everybody_polls() {
    let saved = nowhere();
    let keeps = Own::guard_or_error("keeps", Claim::Everyone, |folder| create(folder).map(std::mem::forget));
    let outcome = lockfuzz::verdict!(keeps.saved_in(saved.path()));
    let Verdict::Fail(failure) = outcome.verdict else { panic!("{outcome}") };
    assert_eq!(failure.law, Law::Stuck, "{outcome}");
    assert_eq!(outcome.counterexample.as_ref().unwrap().case.workers, 2, "{outcome}");
}

/// What a panicking check says.
fn complaint(check: impl FnOnce()) -> String {
    let why = catch_unwind(AssertUnwindSafe(check)).unwrap_err();
    let why = why.downcast::<String>().unwrap();
    assert_eq!(why.lines().count(), 1, "{why}");
    *why
}

#[test]
fn errors_and_panics_of_the_lock_are_told_in_a_sentence() {
    let fails = complaint(|| {
        lockfuzz::check!("fails", Claim::Everyone, |folder| fs::read(folder.join("is not there")));
    });
    assert_eq!(fails, "fails: worker 1 met an error at its write: No such file or directory (os error 2)");
    let panics = complaint(|| {
        lockfuzz::check!("panics", Claim::Everyone, |folder| -> io::Result<()> {
            panic!("no {}", fs::exists(folder)?);
        });
    });
    assert_eq!(panics, "panics: worker 1 met an error at its write: it panicked: no true");
}

#[test]
fn who_claims_nothing_is_told_so() {
    let nobody = complaint(|| lockfuzz::check!("modest", Claim::Nobody, create));
    assert_eq!(nobody, "modest: it claims to exclude nobody, so there is nothing to check");
    let alone = Own::guard_or_error("alone", Claim::Everyone, create).workers(1..=1);
    assert!(complaint(|| lockfuzz::check!(alone)).starts_with("alone: 2 to 16 workers"));
}

#[test]
fn two_checks_of_one_name_are_told_apart_by_nobody() {
    let twice = complaint(|| {
        for _ in 0..2 {
            lockfuzz::check!(Own::guard_or_error("twice", Claim::Everyone, create).cases(64));
        }
    });
    let test = "two_checks_of_one_name_are_told_apart_by_nobody";
    assert_eq!(
        twice,
        format!("two checks of the test {test} are named \"twice\": give each a name of its own")
    );
}

#[test]
fn a_check_outside_a_test_is_told_so() {
    let named = std::thread::Builder::new().name("not a test".to_owned()).spawn(|| {
        complaint(|| lockfuzz::check!(Own::guard_or_error("astray", Claim::Everyone, create).cases(64)))
    });
    let astray = named.unwrap().join().unwrap();
    assert!(astray.contains("sent to the test \"not a test\", and did not come to this check"), "{astray}");
}

/// This binary once more, for one of the tests that are ignored here.
fn alone(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([test, "--exact", "--ignored"]).env("RUST_BACKTRACE", "0");
    command
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
#[ignore = "fails: it is run by other tests"]
fn fails_on_purpose() {
    let saved = std::env::var_os("OWN_SAVED").expect("set by the test that runs this");
    let own = Own::guard_or_error("look and create", Claim::Everyone, look_and_create);
    lockfuzz::check!(own.saved_in(saved).seed(7)); // this line
}

#[test]
#[ignore = "as fails_on_purpose, by another name"]
fn renamed() {
    let saved = std::env::var_os("OWN_SAVED").expect("set by the test that runs this");
    let own = Own::guard_or_error("look and create", Claim::Everyone, look_and_create);
    lockfuzz::check!(own.saved_in(saved).cases(1));
}

#[test]
fn the_picture_comes_before_one_line_and_what_was_saved_runs_first() {
    let saved = nowhere();
    let output = alone("fails_on_purpose").env("OWN_SAVED", saved.path()).output().unwrap();
    let first = said(&output);
    assert_eq!(output.status.code(), Some(101), "{first}");
    let line = include_str!("own.rs").lines().position(|line| line.ends_with("// this line")).unwrap() + 1;
    let order = [
        "FAIL  look and create: two threads hold it at once",
        "found in case ",
        "step  worker 1",
        "exists \"lock\": no",
        "HOLDS",
        "saved   ",
        "replay  cargo test fails_on_purpose",
        &format!("tests/own.rs:{line}:5:\nlook and create: two threads hold it at once\n"),
    ];
    let mut rest = first.as_str();
    for part in order {
        rest = rest.split_once(part).unwrap_or_else(|| panic!("{part} is not in its place:\n{first}")).1;
    }
    // By whatever name the test goes now.
    for test in ["fails_on_purpose", "renamed"] {
        let again = said(&alone(test).env("OWN_SAVED", saved.path()).output().unwrap());
        assert!(again.contains("saved before, and it fails again: 2 workers, 2 preemptions"), "{again}");
    }
    assert_eq!(plain::read_dir(saved.path()).unwrap().count(), 1);
    let file = saved.path().join("fails_on_purpose-1.json");
    plain::write(&file, "{").unwrap();
    let broken = said(&alone("renamed").env("OWN_SAVED", saved.path()).output().unwrap());
    assert!(broken.contains("fails_on_purpose-1.json: it is cut off or is not JSON"), "{broken}");
}

#[test]
fn where_the_source_cannot_be_written_the_case_goes_to_the_target_folder() {
    let saved = nowhere();
    let file = saved.path().join("a file");
    plain::write(&file, "").unwrap();
    let output = said(&alone("fails_on_purpose").env("OWN_SAVED", &file).output().unwrap());
    let binary = std::env::current_exe().unwrap();
    let spare = binary.parent().unwrap().parent().unwrap().join("lockfuzz-cases");
    let kept = spare.join("fails_on_purpose-1.json");
    assert!(kept.exists(), "{output}");
    plain::remove_file(&kept).unwrap();
    let words: Vec<&str> = output.split_whitespace().collect();
    assert!(words.join(" ").contains("(and not beside the test: cannot save"), "{output}");
}

#[test]
fn a_variable_that_is_no_number_is_told_in_a_sentence() {
    for (name, value) in [("PROPTEST_CASES", "abc"), ("PROPTEST_CASES", "0"), ("PROPTEST_RNG_SEED", "-1")] {
        let output = said(&alone("renamed").env("OWN_SAVED", "/").env(name, value).output().unwrap());
        assert!(output.contains(&format!("{name}={value}: a whole number is needed")), "{output}");
    }
}

#[test]
#[ignore = "without end: it is run by another test"]
fn goes_on_and_on() {
    lockfuzz::check!(Own::guard_or_error("endless", Claim::OtherProcesses, create).cases(u64::MAX));
}

/// The processes that have this word among theirs, or in their environment.
fn processes_of(folder: &str) -> usize {
    let all = plain::read_dir("/proc").unwrap().filter_map(Result::ok);
    let about =
        |file: PathBuf| String::from_utf8_lossy(&plain::read(file).unwrap_or_default()).contains(folder);
    all.filter(|process| ["cmdline", "environ"].iter().any(|file| about(process.path().join(file)))).count()
}

#[test]
fn whoever_is_killed_leaves_neither_folder_nor_process() {
    let mut test = alone("goes_on_and_on").stdout(std::process::Stdio::null()).spawn().unwrap();
    let prefix = format!("lockfuzz-check-{}-", test.id());
    let folder = || {
        let places = [PathBuf::from("/dev/shm"), std::env::temp_dir()];
        let entries = places.iter().filter_map(|place| plain::read_dir(place).ok()).flatten();
        let mut names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        names.find(|name| name.starts_with(&prefix))
    };
    let patiently = |what: &str, done: &mut dyn FnMut() -> bool| {
        let start = std::time::Instant::now();
        while !done() {
            assert!(start.elapsed() < Duration::from_secs(60), "{what}");
            std::thread::sleep(Duration::from_millis(10));
        }
    };
    // A guard, and two workers at least.
    patiently("no worker was started", &mut || folder().is_some() && processes_of(&prefix) >= 3);
    test.kill().unwrap();
    test.wait().unwrap();
    patiently("the folder is still there", &mut || folder().is_none());
    patiently("a process is still there", &mut || processes_of(&prefix) == 0);
}
