//! `lockfuzz run --prove`: what is certified, what is refused, and why.

#![cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]

mod support;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use lockfuzz::case::Faults;
use lockfuzz::engine::traced::Traced;
use lockfuzz::interleave::{Reduction, Search};
use lockfuzz::job::Job;
use lockfuzz::run::proof::{Certificate, Limits, Proof, prove};
use lockfuzz::run::{Plan, alone};
use support::folder;
use support::program::{Home, json, run};

const MKDIR: &str =
    "mkdir lock 2> /dev/null || exit 75; [ -e lockfuzz:enter ]; [ -e lockfuzz:leave ]; rmdir lock";

/// A planted C program, the same for all tests here.
fn built(name: &str) -> Option<PathBuf> {
    support::planted(&Path::new(env!("CARGO_TARGET_TMPDIR")).join("certified"), name, &["-static"])
}

/// Runs it; nothing may be left behind. What it says, with single spaces.
#[track_caller]
fn says(flags: &[&str], words: &[&str], code: i32) -> String {
    let home = Home::new();
    let mut command = home.lockfuzz(["run", "--prove", "--quiet", "--ok-exit", "0,75", "--dir"]);
    command.arg(home.dir()).args(flags).arg("--").args(words);
    let ran = run(command);
    ran.assert_code(code);
    home.assert_clean();
    [ran.out, ran.err].concat().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The certificate of a planted program.
fn certificate(words: &[&str], reduction: Reduction) -> Certificate {
    let place = folder();
    let job = Job {
        commands: vec![words.iter().map(|&word| word.to_owned()).collect()],
        start_dir: place.path().to_owned(),
        began: 1_700_000_000,
        ok_exit: vec![75],
        exact: true,
        ..Job::default()
    };
    let plan = Plan {
        workers: 2,
        faults: Faults::NONE,
        search: Search::default(),
        seed: 1,
        schedules: 1,
        time: Duration::MAX,
        shrink: Duration::from_secs(1),
    };
    let mut engine = Traced::new(job, place.path(), Arc::default()).unwrap();
    alone(&mut engine, &plan).unwrap();
    let limits = Limits { preemptions: None, reduction, deadline: Instant::now() + Duration::from_secs(600) };
    match prove(&mut engine, &plan, limits, place.path(), &Arc::default(), &|_| ()).unwrap() {
        Proof::Proved(certificate) => *certificate,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_directory_is_a_lock() {
    let Some(program) = built("mkdir") else { return };
    assert_proved(&[program.to_str().unwrap()]);
}

/// With processes of its own for mkdir and rmdir.
#[test]
#[ignore = "long"]
fn a_directory_is_a_lock_of_a_shell() {
    assert_proved(&["sh", "-c", MKDIR]);
}

fn assert_proved(words: &[&str]) {
    let said = says(&["--preemptions", "1"], words, 0);
    for part in
        ["PROVED ", "at most 1 preemption;", "complete within its bound", "mkdir(\"lock\") (0, EEXIST)"]
    {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(said.contains("control the same program with a broken lock"), "{said}");
}

#[test]
fn a_flock_is_proved_and_one_that_is_not_looked_at_is_not() {
    let Some(program) = built("flock") else { return };
    let program = program.to_str().unwrap();
    let said = json(&says(&["--json", "-"], &[program], 0));
    assert_eq!(said["format"], "lockfuzz/proof/1");
    let proof = &said["proofs"][0];
    assert_eq!(proof["verdict"], "proved");
    assert_eq!(proof["reduction"], "sleep-sets");
    assert_eq!(proof["beyond"], 0);
    assert_eq!(proof["control"]["lock"], "the same program with a broken lock");
    assert!(says(&[], &[program, "careless"], 100).contains("FAIL two workers inside at once"));
}

/// Without the reduction every order is run, and no worker meets anything that it has not met with it.
#[test]
fn the_reduction_leaves_out_nothing_that_a_worker_could_tell() {
    for name in ["excl", "flock"] {
        let Some(program) = built(name) else { return };
        let of = |reduction| certificate(&[program.to_str().unwrap()], reduction).search;
        let (reduced, whole) = (of(Reduction::SleepSets), of(Reduction::Off));
        assert_eq!(reduced.outcomes, whole.outcomes, "{name}");
        assert!(reduced.outcomes.len() > 1, "{name}");
        let (few, all) = (reduced.progress.executions, whole.progress.executions);
        assert!(few * 2 < all, "{name}: {few} of {all}");
    }
}

#[test]
fn what_is_found_is_replayed() {
    let Some(program) = built("exists_create") else { return };
    let home = Home::new();
    let mut command = home.lockfuzz(["run", "--prove", "--ok-exit", "0,75", "--json", "-", "--"]);
    command.arg(&program);
    let found = run(command);
    found.assert_code(100);
    let said = json(&found.out);
    let file = said["proofs"][0]["counterexample"].as_str().unwrap();
    let again = run(home.lockfuzz(["replay", file]));
    again.assert_code(100);
    assert!(again.out.contains("the same step for step"), "{}", again.out);
}

#[test]
fn nothing_is_proved_of_a_program_that_is_not_the_same_twice() {
    let Some(program) = built("nondeterministic") else { return };
    // Its coin may show the same side until the race is found; that it is proved never happens.
    let said = says(&[], &[program.to_str().unwrap()], 5);
    assert!(said.contains("the same choices led to other calls than before"), "{said}");
}

/// One who sleeps may go on between two steps of another's of which it has looked at neither.
#[test]
fn to_wake_is_a_choice() {
    let Some(program) = built("polls") else { return };
    let said = says(&[], &[program.to_str().unwrap()], 100);
    assert!(said.contains("FAIL a worker ends badly") || said.contains("exit code 1"), "{said}");
}

#[test]
fn a_call_that_is_not_understood_is_named() {
    let flags = ["--prepare", "mkdir sub"];
    let script = "cd sub; mkdir ../lock 2> /dev/null || exit 75; rmdir ../lock";
    assert!(says(&flags, &["sh", "-c", script], 5).contains("of chdir(\"sub\") on a watched path"));
}

#[test]
fn a_search_that_is_cut_short_or_blind_proves_nothing() {
    let Some(program) = built("excl") else { return };
    let program = program.to_str().unwrap();
    assert!(says(&["--for", "1ms"], &[program], 5).contains("NOT KNOWN the time was up after"));
    // Without preemptions nothing is found with a broken lock either.
    let said = says(&["--preemptions", "0"], &[program], 5);
    assert!(said.contains("so this search proves nothing"), "{said}");
}

#[test]
fn words_that_do_not_go_together() {
    assert!(says(&["--clock", "real"], &["true"], 2).contains("--clock virtual"));
    assert!(says(&["--faults", "crash"], &["true"], 2).contains("cannot be used with"));
}
