//! `lockfuzz explain --script` and `lockfuzz report`: a bug is shown by strace alone, and told as an issue.

#![cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use support::program::{Home, Ran, json, run};

/// Two can look before either makes the lock.
const EXISTS: &str =
    "[ -e lock ] && exit 75; : > lock; [ -e lockfuzz:enter ]; [ -e lockfuzz:leave ]; rm -f lock\n";
/// Two can read the number before either writes it. What else it reads and writes is not watched.
const COUNT: &str = "read -r n < count; cat /dev/null > /dev/null; echo $((n + 1)) > count\n";
/// Whoever is killed with the lock leaves half of something behind, on which the next one fails.
const HALF: &str = "exec 9> lock; flock -n 9 || exit 75; [ -e half ] && exit 3; : > half; rm half\n";
/// The same as EXISTS; but whoever was held up for a fifth of a second gives way, so that no delay shows it.
const HASTY: &str = "begun=$(date +%s%N)
[ -e lock ] && exit 75
: > lock
[ $(($(date +%s%N) - begun)) -gt 200000000 ] && exit 75
[ -e lockfuzz:enter ]
[ -e lockfuzz:leave ]
rm -f lock
";

/// Is strace there, and may it trace? Otherwise the reason is printed.
fn can_trace() -> bool {
    let can = match Command::new("strace").args(["-o", "/dev/null", "true"]).output() {
        Ok(went) if went.status.success() => return true,
        Ok(went) => String::from_utf8_lossy(&went.stderr).into_owned(),
        Err(why) => why.to_string(),
    };
    eprintln!("skipped, as strace is missing or may not trace: {can}");
    false
}

/// Lets lockfuzz find the bug of a script: the file that it was saved in.
#[track_caller]
fn found(home: &Home, script: &str, flags: &[&str]) -> String {
    let script = home.write("worker.sh", script);
    let mut command = home.lockfuzz(["run", "--dir"]);
    command.arg(home.dir()).args([
        "--workers",
        "2",
        "--ok-exit",
        "0,75",
        "--seed",
        "1",
        "--schedules",
        "1000",
    ]);
    command
        .args(["--for", "10m", "--shrink", "10m", "--json", "-"])
        .args(flags)
        .args(["--", "sh"])
        .arg(script);
    let ran = run(command);
    ran.assert_code(100);
    json(&ran.out)["counterexample"].as_str().unwrap().to_owned()
}

/// `lockfuzz explain --script`; nothing is left behind.
#[track_caller]
fn script(home: &Home, file: &str, code: i32) -> Ran {
    let mut command = home.lockfuzz(["explain", "--script", file, "--dir"]);
    command.arg(home.dir());
    let ran = run(command);
    ran.assert_code(code);
    home.assert_clean();
    ran
}

/// The script fails by itself, in the words of its law, and leaves nothing behind.
#[track_caller]
fn fails_alone(home: &Home, text: &str, says: &str) {
    assert!(text.starts_with("#!/bin/sh\n"), "{text}");
    let path = home.write("proof.sh", text);
    let mut command = home.command("sh");
    command.arg(path).env("TMPDIR", home.dir()).env_remove("LOCKFUZZ_WORKER");
    let ran = run(command);
    ran.assert_code(1);
    assert!(ran.out.starts_with("FAILED: ") && ran.out.contains(says), "{}{}", ran.out, ran.err);
    home.assert_clean();
}

#[track_caller]
fn says(said: &str, parts: &[&str]) {
    let flat = said.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in parts {
        assert!(flat.contains(part), "{part:?} is not in\n{said}");
    }
}

#[test]
fn two_inside_is_shown_by_strace_alone() {
    if !can_trace() {
        return;
    }
    let home = Home::new();
    let file = found(&home, EXISTS, &[]);
    let text = script(&home, &file, 0).out;
    assert!(text.contains(" -e inject="), "{text}");
    fails_alone(&home, &text, "workers ");
    // Repaired, the same delays show nothing: it is not the script that fails.
    home.write("worker.sh", EXISTS.replace("[ -e lock ] && exit 75; : > lock", "mkdir lock || exit 75"));
    let path = home.write("proof.sh", &text);
    let mut command = home.command("sh");
    command.arg(path).env("TMPDIR", home.dir());
    let ran = run(command);
    ran.assert_code(0);
    assert_eq!(ran.out, "not seen this time\n");
    home.assert_clean();
}

#[test]
fn an_issue_has_all_that_somebody_else_needs() {
    if !can_trace() {
        return;
    }
    let home = Home::new();
    let flags = ["--prepare", "echo 0 > count", "--check", "read -r n < count; [ \"$n\" = 2 ]"];
    let file = found(&home, COUNT, &flags);
    let mut command = home.lockfuzz(["report", &file, "-o", "bug.md", "--dir"]);
    command.arg(home.dir());
    let ran = run(command);
    ran.assert_code(0);
    assert_eq!(ran.out, "");
    home.assert_clean();
    let text = fs::read_to_string(home.path("bug.md")).unwrap();
    assert!(text.starts_with("# worker: the check at the end fails\n"), "{text}");
    let version = concat!("- lockfuzz ", env!("CARGO_PKG_VERSION"));
    let replay = format!("lockfuzz replay {file}");
    says(
        &text,
        &["## Cause", version, "- Linux ", "`echo 0 > count`", "2 workers", "step worker 1", &replay],
    );
    let (_, rest) = text.split_once("```sh\n#!").unwrap();
    let (proof, _) = rest.split_once("\n```").unwrap();
    fails_alone(&home, &format!("#!{proof}\n"), "the check at the end");
}

#[test]
fn a_worker_is_killed_by_strace_where_it_was() {
    if !can_trace() {
        return;
    }
    if Command::new("flock").arg("--version").output().is_err() {
        eprintln!("skipped, as flock is missing");
        return;
    }
    let home = Home::new();
    let file = found(&home, HALF, &["--faults", "crash"]);
    let text = script(&home, &file, 0).out;
    assert!(text.contains(":signal=KILL:when="), "{text}");
    // By the one that finds the half, be it a worker or who comes after them.
    fails_alone(&home, &text, "ended with 3");
}

#[test]
#[ignore = "long"]
fn what_delays_alone_do_not_reach_is_said() {
    if !can_trace() {
        return;
    }
    let home = Home::new();
    let file = found(&home, HASTY, &[]);
    let ran = script(&home, &file, 5);
    assert_eq!(ran.out, "");
    assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
    says(&ran.err, &["delays alone do not reach this one: "]);
}

#[test]
fn what_no_delay_could_reach_is_said_at_once() {
    let home = Home::new();
    let file = found(&home, EXISTS, &["--age", "1h"]);
    says(&script(&home, &file, 5).err, &["delays alone do not reach this one", "3600 s old"]);
    let mut command = home.lockfuzz(["report", &file, "--dir"]);
    command.arg(home.dir());
    let ran = run(command);
    ran.assert_code(0);
    says(&ran.out, &["# worker: two workers inside at once", "Delays alone do not reach this one", &file]);
    // Somebody who is killed leaves a lock that nobody gets any more.
    let sound = EXISTS.replace("[ -e lock ] && exit 75; : > lock", "mkdir lock || exit 75");
    let file = found(&home, &sound.replace("rm -f", "rmdir"), &["--faults", "crash"]);
    says(&script(&home, &file, 5).err, &["that somebody waits for ever is not to be seen from outside"]);
}

#[test]
fn without_strace_there_is_a_sentence() {
    let home = Home::new();
    let file = found(&home, EXISTS, &[]);
    let mut command = home.lockfuzz(["explain", "--script", &file]);
    command.env("PATH", home.dir());
    let ran = run(command);
    ran.assert_code(2);
    says(&ran.err, &["strace is missing", "install strace"]);
    assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
}

#[test]
fn a_case_of_a_lock_has_an_issue_and_no_script() {
    let home = Home::new();
    let ran = run(home.fuzz("--lock flag --placement threads --cases 16 --seed 1 --quiet"));
    ran.assert_code(0);
    let file = "lockfuzz-found/flag-threads.json";
    let refused = run(home.lockfuzz(["explain", "--script", file]));
    refused.assert_code(2);
    says(&refused.err, &[file, "a script is for what lockfuzz run has found", "not a program's"]);
    assert_eq!(refused.err.lines().count(), 1, "{}", refused.err);
    let ran = run(home.lockfuzz(["report", file, "-o", "-"]));
    ran.assert_code(0);
    assert!(ran.out.starts_with("# flag, threads: "), "{}", ran.out);
    says(&ran.out, &["So this was to be expected.", "tick worker 1", "lockfuzz replay lockfuzz-found/flag-"]);
    assert!(!ran.out.contains("Without lockfuzz"), "{}", ran.out);
}

#[test]
fn a_report_that_cannot_be_written_is_refused_before_anything_runs() {
    let home = Home::new();
    let file = home.case("flag", "threads");
    let file = file.to_str().unwrap();
    let refuse = |words: &[&str], part: &str| {
        let ran = run(home.lockfuzz(words));
        ran.assert_code(2);
        says(&ran.err, &[part]);
        assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
    };
    refuse(&["report", file], "it does not say what broke, and where");
    refuse(&["report", "missing.json"], "missing.json: cannot read it");
    let found = run(home.fuzz("--lock flag --placement threads --cases 16 --seed 1 --quiet"));
    found.assert_code(0);
    let file = "lockfuzz-found/flag-threads.json";
    refuse(&["report", file, "-o", "no/such/folder/bug.md"], "no/such/folder/bug.md: cannot be written");
    refuse(&["report", file, "-o", "lockfuzz-found"], "lockfuzz-found: cannot be written");
    assert!(!Path::new(&home.path("no")).exists());
}
