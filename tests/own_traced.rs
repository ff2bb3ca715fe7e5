//! Locks of somebody's own over plain `std::fs`, held at their system calls: no points, and no feature in their crate.
#![cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use lockfuzz::case::Placement;
use lockfuzz::check::{Law, Reason, Verdict};
use lockfuzz::engine::Kind;
use lockfuzz::lock::Claim;
use lockfuzz::own::Own;
use lockfuzz::regression::Saved;
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};

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
    while path.exists() {
        thread::sleep(Duration::from_millis(5));
    }
    File::create(&path)?;
    Ok(Created(path))
}

/// Sound: flock(2), which waits in the kernel.
fn flock(folder: &Path) -> io::Result<File> {
    let file = OpenOptions::new().create(true).append(true).open(folder.join("lock"))?;
    file.lock()?;
    Ok(file)
}

/// Nowhere that another test looks.
fn nowhere() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// However busy the machine is.
const TO_THE_END: Duration = Duration::from_secs(600);

#[test]
fn a_sound_lock_that_polls_is_quiet() {
    let saved = nowhere();
    let own = Own::guard_or_error("polled", Claim::Everyone, create).traced().cases(30);
    let outcome = lockfuzz::verdict!(own.saved_in(saved.path()));
    let Verdict::Pass(evidence) = outcome.verdict else { panic!("{outcome}") };
    assert_eq!((evidence.cases, evidence.complete), (30, 30), "{outcome}");
    assert!(evidence.contended > 0, "{outcome}");
    assert!(matches!(outcome.tried[..], [(Placement::Processes, tried)] if tried == evidence), "{outcome}");
    assert_eq!(outcome.engine, Kind::Traced);
    // The test harness has a thread of its own.
    assert!(outcome.to_string().contains("note  each worker is started anew for each schedule"), "{outcome}");
}

#[test]
fn a_sound_lock_that_the_kernel_makes_wait_is_quiet() {
    lockfuzz::check!(Own::guard_or_error("flock", Claim::Everyone, flock).traced().cases(20));
}

/// Beside the folder, as `name.lock` often is; and tried, so that a worker tries again.
#[test]
fn a_sound_lock_that_is_tried_is_quiet() {
    let beside = |folder: &Path| folder.with_extension("lock");
    let tried = Own::pair(
        "mkdir",
        Claim::OtherProcesses,
        move |folder: &Path| match fs::create_dir(beside(folder)) {
            Err(why) if why.kind() == ErrorKind::AlreadyExists => Ok(false),
            other => other.map(|()| true),
        },
        move |folder: &Path, ()| fs::remove_dir(beside(folder)),
    );
    lockfuzz::check!(tried.traced().cases(40));
}

#[test]
fn a_broken_lock_is_found_and_made_small() {
    let saved = nowhere();
    let broken = || Own::guard_or_error("look and create", Claim::Everyone, look_and_create);
    let outcome = lockfuzz::verdict!(broken().traced().shrink(TO_THE_END).saved_in(saved.path()));

    // Which lock, which verdict, which minimum.
    assert_eq!(outcome.lock, "look and create");
    let Verdict::Fail(failure) = outcome.verdict else { panic!("{outcome}") };
    assert!(matches!(failure.law, Law::TwoInside { .. }), "{outcome}");
    let found = outcome.counterexample.as_ref().unwrap();
    let least = (found.case.workers, found.history.preemptions(), found.replays);
    assert_eq!(least, (2, 2, (10, 10)), "{outcome}");
    assert!(outcome.to_string().contains("statx(\"folder/lock\") = ENOENT"), "{outcome}");

    // What is saved tells of no machine, so it can be committed.
    let file = saved.path().join("a_broken_lock_is_found_and_made_small-1.json");
    let text = fs::read_to_string(&file).unwrap();
    let here = std::env::current_exe().unwrap();
    assert!(!text.contains(here.parent().unwrap().to_str().unwrap()), "{text}");
    let job = Saved::read(&file).unwrap().job.unwrap();
    assert_eq!((job.own.as_deref(), job.files), (Some("look and create"), BTreeMap::new()));
    assert_eq!(job.commands[0][1], "a_broken_lock_is_found_and_made_small");
}

#[test]
fn a_lock_without_a_call_is_not_passed() {
    static BUSY: Mutex<()> = Mutex::new(());
    let own = Own::guard("memory", Claim::Everyone, |_: &Path| BUSY.lock().unwrap()).traced().cases(20);
    let outcome = lockfuzz::verdict!(own);
    assert_eq!(outcome.verdict, Verdict::unclear(Reason::NoPoints), "{outcome}");
    let complaint = outcome.complaint().unwrap();
    assert!(complaint.contains("its files must lie in the folder that it is given"), "{complaint}");
}

#[test]
fn a_lock_that_lies_elsewhere_is_not_passed() {
    let elsewhere = std::env::temp_dir().join("lockfuzz-own-traced.lock");
    let path = elsewhere.clone();
    let own = Own::guard_or_error("elsewhere", Claim::Everyone, move |_: &Path| File::create(&path)).traced();
    let outcome = lockfuzz::verdict!(own);
    fs::remove_file(&elsewhere).unwrap();
    assert_eq!(outcome.verdict, Verdict::unclear(Reason::NoPoints), "{outcome}");
    let complaint = outcome.complaint().unwrap();
    assert!(complaint.contains(&format!("(it writes {})", elsewhere.display())), "{complaint}");
}

#[test]
fn a_lock_that_is_never_given_back_is_found() {
    let keeps = || Own::guard_or_error("keeps", Claim::Everyone, |f| create(f).map(std::mem::forget));
    let outcome = lockfuzz::verdict!(keeps().traced().cases(20));
    let Verdict::Fail(failure) = outcome.verdict else { panic!("{outcome}") };
    assert_eq!(failure.law, Law::Stuck, "{outcome}");
    assert!(outcome.to_string().contains("its 3 workers one after another"), "{outcome}");
}

/// What a panicking check says.
fn complaint(check: impl FnOnce()) -> String {
    let why = catch_unwind(AssertUnwindSafe(check)).unwrap_err();
    let why = why.downcast::<String>().unwrap();
    assert_eq!(why.lines().count(), 1, "{why}");
    *why
}

#[test]
fn an_error_of_the_lock_is_told_in_a_sentence() {
    let fails = complaint(|| {
        let own = Own::guard_or_error("fails", Claim::Everyone, |f: &Path| fs::read(f.join("missing")));
        lockfuzz::check!(own.traced());
    });
    assert_eq!(fails, "fails: worker 1 met an error: No such file or directory (os error 2)");
}

#[test]
fn a_panic_of_the_lock_is_told_in_a_sentence() {
    let panics = complaint(|| {
        let own = Own::guard_or_error("panics", Claim::Everyone, |folder: &Path| -> io::Result<()> {
            panic!("no {}", folder.exists())
        });
        lockfuzz::check!(own.traced());
    });
    assert_eq!(panics, "panics: worker 1 met an error: it panicked: no true");
}

#[test]
fn what_cannot_be_checked_is_told_in_a_sentence() {
    let threads = Own::guard_or_error("threads", Claim::SameProcess, create).traced();
    let threads = complaint(|| lockfuzz::check!(threads));
    assert!(threads.starts_with("threads: it claims to exclude no other process"), "{threads}");
    let property = Own::guard_or_error("property", Claim::Everyone, create).traced();
    let property = complaint(|| drop(lockfuzz::bench!(property)));
    assert!(property.starts_with("property: a property runs on the stepped engine"), "{property}");
}

#[test]
fn a_check_outside_a_test_is_told_so() {
    let named = thread::Builder::new().name("not a test".to_owned()).spawn(|| {
        complaint(|| lockfuzz::check!(Own::guard_or_error("astray", Claim::Everyone, create).traced()))
    });
    let astray = named.unwrap().join().unwrap();
    assert!(astray.contains("sent to the test \"not a test\", and did not come to this check"), "{astray}");
}

/// The workers of each pass by the other.
#[test]
fn checks_of_both_engines_fit_into_one_test() {
    let stepped = Own::pair(
        "stepped",
        Claim::OtherProcesses,
        |folder: &Path| lockfuzz::fs::create_dir(folder.join("lock")).is_ok(),
        |folder: &Path, ()| lockfuzz::fs::remove_dir(folder.join("lock")),
    );
    lockfuzz::check!(stepped.cases(32));
    for name in ["traced", "traced too"] {
        lockfuzz::check!(Own::guard_or_error(name, Claim::Everyone, create).traced().cases(20));
    }
}

#[test]
#[ignore = "what other tests start may hold on to its locks: it is run by another test"]
fn checks_of_two_engines_at_once() {
    let threads = thread::spawn(|| {
        let flock = Own::guard_or_error("in threads", Claim::SameProcess, |folder: &Path| {
            let file =
                lockfuzz::fs::OpenOptions::new().create(true).append(true).open(folder.join("lock"))?;
            file.lock().map(|()| file)
        });
        lockfuzz::check!(flock.cases(1500));
    });
    lockfuzz::check!(Own::guard_or_error("at calls", Claim::Everyone, create).traced().cases(40));
    threads.join().unwrap();
}

/// Until a worker runs its own program it has all files open that its parent has, and holds on to their locks.
#[test]
fn workers_hold_no_lock_of_another_check() {
    let output = alone("checks_of_two_engines_at_once").output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
}

#[test]
fn where_nothing_can_be_traced_nothing_is_said() {
    let rules = [(libc::SYS_ptrace, Vec::new())].into_iter().collect();
    let refused = SeccompAction::Errno(libc::EPERM as u32);
    let arch = std::env::consts::ARCH.try_into().unwrap();
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refused, arch).unwrap();
    // For this thread, and those that it starts.
    seccompiler::apply_filter(&BpfProgram::try_from(filter).unwrap()).unwrap();
    let outcome = lockfuzz::verdict!(Own::guard_or_error("untraced", Claim::Everyone, create).traced());
    assert_eq!(outcome.verdict, Verdict::unclear(Reason::NotTraced), "{outcome}");
    let complaint = outcome.complaint().unwrap();
    let begins = "untraced: nothing can be said: no program can be traced here (Operation not permitted (os error 1)); ";
    assert!(complaint.starts_with(begins) && complaint.contains("ptrace"), "{complaint}");
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
    lockfuzz::check!(own.traced().workers(2..=2).saved_in(saved).seed(7)); // this line
}

#[test]
#[ignore = "as fails_on_purpose, by another name"]
fn renamed() {
    let saved = std::env::var_os("OWN_SAVED").expect("set by the test that runs this");
    let own = Own::guard_or_error("look and create", Claim::Everyone, look_and_create);
    lockfuzz::check!(own.traced().saved_in(saved).cases(1));
}

#[test]
#[ignore = "the lock of fails_on_purpose, mended: it is run by another test"]
fn mended() {
    let saved = std::env::var_os("OWN_SAVED").expect("set by the test that runs this");
    let own = Own::guard_or_error("look and create", Claim::Everyone, create);
    lockfuzz::check!(own.traced().workers(2..=2).saved_in(saved).cases(20));
}

#[test]
fn the_picture_comes_before_one_line_and_what_was_saved_runs_first() {
    let saved = nowhere();
    let output = alone("fails_on_purpose").env("OWN_SAVED", saved.path()).output().unwrap();
    let first = said(&output);
    assert_eq!(output.status.code(), Some(101), "{first}");
    let line = include_str!("own_traced.rs").lines().position(|line| line.ends_with("// this line")).unwrap();
    let order = [
        "FAIL  look and create: two processes hold it at once",
        "found in schedule ",
        " of 256 (seed 7), shrunk to 2 workers, 2",
        "step  worker 1",
        "statx(\"folder/lock\") = ENOENT",
        "INSIDE",
        "law     worker ",
        "saved   ",
        "replay  cargo test fails_on_purpose\n",
        &format!("tests/own_traced.rs:{}:5:\nlook and create: two processes hold it at once\n", line + 1),
    ];
    let mut rest = first.as_str();
    for part in order {
        rest = rest.split_once(part).unwrap_or_else(|| panic!("{part} is not in its place:\n{first}")).1;
    }
    // By whatever name the test goes now, and however many workers there are to be.
    for test in ["fails_on_purpose", "renamed"] {
        let again = said(&alone(test).env("OWN_SAVED", saved.path()).output().unwrap());
        let words: Vec<&str> = again.split_whitespace().collect();
        let words = words.join(" ");
        let fails = "saved before, and it fails again: 2 workers, 2 preemptions, replayed 10 times: 10 fail";
        assert!(words.contains(fails), "{again}");
    }
    assert_eq!(fs::read_dir(saved.path()).unwrap().count(), 1);
    let passes = alone("mended").arg("--nocapture").env("OWN_SAVED", saved.path()).output().unwrap();
    assert!(said(&passes).contains("PASS  look and create: 20 schedules in processes"), "{}", said(&passes));

    // The other engine does not run it, though its lock has the same name.
    let stepped = Own::guard_or_error("look and create", Claim::SameProcess, |folder: &Path| {
        let path = folder.join("lock");
        match lockfuzz::fs::exists(&path)? {
            true => Err(io::Error::from(ErrorKind::WouldBlock)),
            false => lockfuzz::fs::write(&path, "").map(|()| Created(path)),
        }
    });
    let outcome = lockfuzz::verdict!(stepped.saved_in(saved.path()));
    assert!(outcome.counterexample.is_some() && outcome.saved_before.is_none(), "{outcome}");
}

#[test]
#[ignore = "without end: it is run by another test"]
fn goes_on_and_on() {
    lockfuzz::check!(Own::guard_or_error("endless", Claim::Everyone, create).traced().cases(u64::MAX));
}

/// The processes that have this word among theirs, or in their environment.
fn processes_of(folder: &str) -> usize {
    let all = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let about = |file: PathBuf| String::from_utf8_lossy(&fs::read(file).unwrap_or_default()).contains(folder);
    all.filter(|process| ["cmdline", "environ"].iter().any(|file| about(process.path().join(file)))).count()
}

#[test]
fn whoever_is_killed_leaves_neither_folder_nor_process() {
    let mut test = alone("goes_on_and_on").stdout(Stdio::null()).spawn().unwrap();
    let prefix = format!("lockfuzz-check-{}-", test.id());
    let folder = || {
        let places = [PathBuf::from("/dev/shm"), std::env::temp_dir()];
        let entries = places.iter().filter_map(|place| fs::read_dir(place).ok()).flatten();
        let mut names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        names.find(|name| name.starts_with(&prefix))
    };
    let patiently = |what: &str, done: &mut dyn FnMut() -> bool| {
        let start = Instant::now();
        while !done() {
            assert!(start.elapsed() < Duration::from_secs(60), "{what}");
            thread::sleep(Duration::from_millis(10));
        }
    };
    // A guard, and two workers at least.
    patiently("no worker was started", &mut || folder().is_some() && processes_of(&prefix) >= 3);
    test.kill().unwrap();
    test.wait().unwrap();
    patiently("the folder is still there", &mut || folder().is_none());
    patiently("a process is still there", &mut || processes_of(&prefix) == 0);
}
