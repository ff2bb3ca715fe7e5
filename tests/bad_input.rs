//! Whatever is wrong with the input: one sentence that names it, the right exit code, nothing left
//! behind.

mod support;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::process::Command;

use serde_json::{Value, json};
use support::program::{Home, Ran, case, mounted, run};

/// The one sentence that it says before it gives up. Of the argument parser's messages that is the
/// first line; what follows points to the help.
#[track_caller]
fn sentence(ran: &Ran, code: i32) -> String {
    ran.assert_code(code);
    let mut lines = ran.err.lines();
    let first = lines.next().unwrap_or_default();
    let rest: Vec<&str> = lines.collect();
    match first.strip_prefix("error: ") {
        Some(first) => first.to_owned(),
        None => {
            assert_eq!(rest, [""; 0], "one sentence is enough");
            first
                .strip_prefix("lockfuzz: ")
                .unwrap_or_else(|| panic!("whose words are {first:?}?"))
                .to_owned()
        }
    }
}

/// It is refused, and the sentence has all these parts.
#[track_caller]
fn refused(home: &Home, command: Command, parts: &[&str]) -> String {
    let ran = run(command);
    let sentence = sentence(&ran, 2);
    for part in parts {
        assert!(sentence.contains(part), "{part:?} in {sentence:?}");
    }
    assert_eq!(ran.out, "", "nothing was begun");
    home.assert_clean();
    sentence
}

#[test]
fn numbers_that_make_no_sense() {
    let home = Home::new();
    let workers = "a case has 1 to 64 workers";
    let period = "a period is a number of seconds from 0.000001 to 86400";
    let depth = "a depth is a whole number from 1 to 64";
    let preemptions = "a whole number from 0 to 65536 is needed";
    for (words, flag, hint) in [
        ("--workers 0", "--workers", workers),
        ("--workers 10000", "--workers", workers),
        ("--workers -1", "--workers", workers),
        ("--workers five", "--workers", workers),
        ("--workers 0..=4", "--workers", workers),
        ("--workers 1..=65", "--workers", workers),
        ("--workers 8..=2", "--workers", "did you mean 2..=8?"),
        ("--period 0", "--period", period),
        ("--period -1", "--period", period),
        ("--period NaN", "--period", period),
        ("--period inf", "--period", period),
        ("--period 1e300", "--period", period),
        ("--period 1e-300", "--period", period),
        ("--cases 0", "--cases", "a whole number from 1 is needed"),
        ("--cases 1e3", "--cases", "a whole number from 1 is needed"),
        ("--cases 99999999999999999999", "--cases", "a whole number from 1 is needed"),
        ("--for 10", "--for", "a time is written like 30s, 10m or 8h"),
        ("--for 0s", "--for", "a time is written like 30s, 10m or 8h"),
        ("--for 1e300h", "--for", "a time is written like 30s, 10m or 8h"),
        ("--jobs 0", "--jobs", "a whole number from 1 to 256 is needed"),
        ("--depth 0", "--depth", depth),
        ("--depth -1", "--depth", depth),
        ("--depth 65", "--depth", depth),
        ("--depth 99999999999999999999", "--depth", depth),
        ("--depth deep", "--depth", depth),
        ("--preemptions -1", "--preemptions", preemptions),
        ("--preemptions 65537", "--preemptions", preemptions),
        ("--preemptions 1.5", "--preemptions", preemptions),
        ("--preemptions few", "--preemptions", preemptions),
        ("--seed 1.5", "--seed", "invalid digit"),
        ("--seed 18446744073709551616", "--seed", "too large"),
    ] {
        let value = words.rsplit(' ').next().unwrap();
        refused(&home, home.fuzz(words), &[flag, value, hint]);
    }
    let a_proof = "a proof is about 2 to 64 workers";
    let commands = "a whole number from 1 to 4096 is needed";
    let crashes = "a whole number from 0 to 64 is needed";
    for (words, flag, hint) in [
        ("--workers 1", "--workers", a_proof),
        ("--workers 65", "--workers", a_proof),
        ("--workers -2", "--workers", a_proof),
        ("--workers 2..=3", "--workers", a_proof),
        ("--acquires 0", "--acquires", commands),
        ("--acquires -1", "--acquires", commands),
        ("--acquires 4097", "--acquires", commands),
        ("--preemptions -1", "--preemptions", preemptions),
        ("--preemptions 65537", "--preemptions", preemptions),
        ("--preemptions few", "--preemptions", preemptions),
        ("--crashes -1", "--crashes", crashes),
        ("--crashes 65", "--crashes", crashes),
        ("--crashes 0.5", "--crashes", crashes),
        ("--for 0s", "--for", "a time is written like 30s, 10m or 8h"),
    ] {
        let value = words.rsplit(' ').next().unwrap();
        refused(&home, home.lockfuzz(["prove"].into_iter().chain(words.split(' '))), &[flag, value, hint]);
    }
    refused(&home, home.lockfuzz(["schedule", "--workers", "0"]), &["--workers", workers]);
    refused(&home, home.lockfuzz(["schedule", "--workers", "10000"]), &["--workers", workers]);
    for period_is in ["0", "-2", "NaN", "1e300"] {
        refused(&home, home.lockfuzz(["schedule", "--period", period_is]), &["--period", period_is, period]);
    }
}

#[test]
fn words_that_are_none() {
    let home = Home::new();
    for (words, parts) in [
        ("--lock flokc", ["\"flokc\"", "did you mean \"flock\"?"]),
        ("--lock semafore", ["\"semafore\"", "did you mean \"semaphore\"?"]),
        ("--lock FLAG,mutx", ["\"FLAG\"", "did you mean"]),
        ("--lock flag,mutx", ["\"mutx\"", "did you mean \"mutex\"?"]),
        ("--placement moon", ["moon", "threads, processes, mixed"]),
        ("--placement threads,", ["''", "threads, processes, mixed"]),
        ("--faults ENOSPC", ["ENOSPC", "none, crash, stall"]),
        ("--faults Crash", ["Crash", "none, crash, stall"]),
        ("--faults", ["--faults", "value is required"]),
        ("--order backwards", ["backwards", "as-generated, force-write, force-read"]),
        ("--scope always", ["always", "session, transaction, operation"]),
        ("--engine steam", ["steam", "stepped, realtime"]),
        ("--scheduler luck", ["luck", "random, pct, pos, surw, race, unmet, mixed"]),
        ("--scheduler PCT", ["PCT", "random, pct, pos, surw, race, unmet, mixed"]),
        ("--scheduler pct,pos", ["pct,pos", "random, pct, pos, surw, race, unmet, mixed"]),
        ("--scheduler", ["--scheduler", "value is required"]),
        ("--depth", ["--depth", "value is required"]),
        ("--preemptions", ["--preemptions", "value is required"]),
        ("--color purple", ["purple", "--color"]),
        ("--casse 5", ["--casse", "unexpected"]),
        ("--cases", ["--cases", "value is required"]),
    ] {
        refused(&home, home.fuzz(words), &parts);
    }
    refused(&home, home.lockfuzz(["fuz"]), &["fuz"]);
    refused(&home, home.lockfuzz(["replay"]), &["required"]);
    refused(
        &home,
        home.lockfuzz([OsStr::from_bytes(b"fuzz"), OsStr::from_bytes(b"--lock=\xff")]),
        &["UTF-8"],
    );
}

#[test]
fn a_scheduler_where_nobody_chooses() {
    let home = Home::new();
    for flag in ["--scheduler pct", "--scheduler mixed", "--depth 4", "--preemptions 0"] {
        let said = refused(
            &home,
            home.fuzz(&format!("{flag} --lock flock --faults none")),
            &["no row has a lock that can be interrupted", "--lock", "exists-create"],
        );
        assert!(said.starts_with(flag), "{said}");
        let on_a_clock = format!("{flag} --engine realtime");
        let said = refused(&home, home.fuzz(&on_a_clock), &["nobody chooses on a real clock"]);
        assert!(said.starts_with(flag), "{said}");
    }
    for scheduler in ["random", "pos", "surw", "race", "unmet"] {
        let words = format!("--scheduler {scheduler} --depth 3");
        refused(&home, home.fuzz(&words), &["--depth 3: ", scheduler, "it is for pct and mixed"]);
    }
    assert!(!home.path("lockfuzz-found").exists(), "nothing was begun");
}

/// What would be a proof of something else, or of nothing.
#[test]
fn proofs_of_what_cannot_be() {
    let home = Home::new();
    for (words, parts) in [
        ("--lock flokc", ["\"flokc\"", "did you mean \"flock\"?"]),
        ("--lock excl --placement mixed", ["--placement mixed: 2 workers are no mixture", "add --workers 3"]),
        ("--placement threads,mixed", ["--placement mixed: 2 workers are no mixture", "add --workers 3"]),
        ("--lock excl --crashes 1 --placement threads", ["a crash is that of a process", "threads of one"]),
        ("--lock excl --workers 64 --acquires 4096", ["a schedule holds at most", "4096 commands"]),
        ("--faults crash", ["--faults", "unexpected"]),
        ("--scheduler pct", ["--scheduler", "unexpected"]),
        ("--no-reduction=false", ["--no-reduction", "false"]),
        ("--dir missing", ["--dir missing: cannot make files there", NAME_A_FOLDER]),
        ("--save /proc", ["--save /proc: counterexamples cannot be saved there", "name a folder"]),
        ("--json missing/x", ["--json missing/x: cannot be written", "name a file"]),
    ] {
        refused(&home, home.lockfuzz(["prove"].into_iter().chain(words.split(' '))), &parts);
    }
    assert!(!home.path("lockfuzz-found").exists(), "nothing was begun");
}

#[test]
fn faults_that_cannot_strike() {
    let home = Home::new();
    let in_threads = "a crash is that of a process; add --placement processes";
    for (words, part) in [
        ("--faults crash --placement threads", in_threads),
        ("--faults none,crash --placement threads,mixed --lock excl", in_threads),
        ("--faults crash --engine realtime", "nothing strikes on a real clock"),
        ("--faults stall --engine realtime --lock flag", "nothing strikes on a real clock"),
        ("--faults stall --order force-read", "leave out --order"),
    ] {
        let said = refused(&home, home.fuzz(words), &[part]);
        assert!(said.starts_with("--faults crash: ") || said.starts_with("--faults stall: "), "{said}");
    }
}

#[test]
fn variables_that_are_no_numbers() {
    let home = Home::new();
    for (name, value) in [
        ("PROPTEST_CASES", "abc"),
        ("PROPTEST_CASES", ""),
        ("PROPTEST_CASES", "0"),
        ("PROPTEST_CASES", "-5"),
        ("PROPTEST_MAX_SHRINK_ITERS", "many"),
        ("PROPTEST_RNG_SEED", "0x5"),
    ] {
        for words in ["", "--cases 5", "--quiet"] {
            let mut command = home.fuzz(words);
            command.env(name, value);
            refused(&home, command, &[&format!("{name}={value}: "), "a whole number", "unset it"]);
        }
    }
    let mut command = home.fuzz("");
    command.env("PROPTEST_CASES", OsStr::from_bytes(b"\xff"));
    refused(&home, command, &["PROPTEST_CASES"]);
}

const NAME_A_FOLDER: &str = "name a folder with some room that you may write to";

#[test]
fn a_dir_that_cannot_be_used() {
    let home = Home::new();
    home.write("file", "");
    std::os::unix::fs::symlink("loop", home.path("loop")).unwrap();
    std::os::unix::fs::symlink("gone", home.path("dangling")).unwrap();
    let long = "x".repeat(300);
    for (dir, why) in [
        ("missing", "No such file or directory"),
        ("file", "Not a directory"),
        ("file/inside", "Not a directory"),
        ("dangling", "No such file or directory"),
        ("loop", "Too many levels of symbolic links"),
        ("/dev/null", "Not a directory"),
        ("with a space", "No such file or directory"),
        (&long, "File name too long"),
    ] {
        for engine in ["stepped", "realtime"] {
            let words = ["fuzz", "--engine", engine, "--dir", dir, "--json", "out.json"];
            let named = format!("--dir {dir}: cannot make files there: ");
            let said = refused(&home, home.lockfuzz(words), &[&named, why, NAME_A_FOLDER]);
            assert!(!said.contains("lockfuzz-"), "no names that the user never gave: {said}");
            assert!(!home.path("out.json").exists(), "left behind");
        }
        let case = home.case("flag", "threads");
        let mut command = home.lockfuzz(["replay", "--dir", dir]);
        command.arg(case);
        refused(&home, command, &["--dir", why]);
    }
    let mut command = home.lockfuzz(["fuzz", "--dir"]);
    command.arg(OsStr::from_bytes(b"not \xff UTF-8"));
    refused(&home, command, &["--dir not \u{fffd} UTF-8: ", "No such file"]);
    refused(&home, home.lockfuzz(["fuzz", "--dir", ""]), &["--dir"]);
}

/// Runs `lockfuzz fuzz` on a file system of its own, and says what lies there afterwards.
fn on_a_small_disk(home: &Home, options: &str, before: &str, words: &str) -> Option<(Ran, String)> {
    let mut command = mounted(home, options)?;
    let script = format!("{before}; exec {} fuzz --dir dir {words}", support::program::LOCKFUZZ);
    let ran = run_with(command.args(["sh", "-c", &script]));
    Some((ran, fs::read_to_string(home.path("left")).unwrap()))
}

fn run_with(command: &mut Command) -> Ran {
    Ran::from(command.output().unwrap())
}

#[test]
fn a_disk_that_is_read_only() {
    let home = Home::new();
    let Some((ran, left)) = on_a_small_disk(&home, "ro", ":", "") else { return };
    let said = sentence(&ran, 2);
    assert_eq!(
        said,
        format!("--dir dir: cannot make files there: Read-only file system (os error 30); {NAME_A_FOLDER}")
    );
    assert_eq!((&*left, &*ran.out), ("", ""));
    for (words, flag) in [
        ("--save dir", "--save dir"),
        ("--save dir/a/b", "--save dir/a/b"),
        ("--json dir/x", "--json dir/x"),
        ("--junit dir/x", "--junit dir/x"),
    ] {
        let words = format!("{words} --dir /tmp");
        let mut command = mounted(&home, "ro").unwrap();
        let ran = run_with(command.args([support::program::LOCKFUZZ, "fuzz"]).args(words.split(' ')));
        let said = sentence(&ran, 2);
        assert!(
            said.starts_with(flag) && said.contains("Read-only file system (os error 30); name a "),
            "{said}"
        );
    }
    home.assert_clean();
}

#[test]
fn a_disk_that_is_full() {
    let home = Home::new();
    let full = "head -c 1000000 /dev/zero >dir/fill 2>/dev/null";
    for (options, before) in [("size=64k", full), ("size=16k", full), ("size=4k", ":"), ("size=8k", ":")] {
        let Some((ran, left)) = on_a_small_disk(&home, options, before, "--json out.json") else { return };
        let why = "cannot make files there: No space left on device (os error 28)";
        assert_eq!(sentence(&ran, 2), format!("--dir dir: {why}; {NAME_A_FOLDER}"));
        assert!(ran.out.is_empty() && (left.is_empty() || left == "fill\n"), "{left}");
        assert!(!home.path("out.json").exists());
    }
    home.assert_clean();
}

/// Where there is little room it either works or says that there is none.
#[test]
fn a_disk_with_little_room() {
    let home = Home::new();
    for (options, code) in [
        ("size=16k", Some(0)),
        ("size=32k", Some(0)),
        ("size=64k", Some(0)),
        ("nr_inodes=1", Some(2)),
        ("nr_inodes=2", None),
        ("nr_inodes=4", None),
        ("nr_inodes=6", None),
    ] {
        let words = "--lock flock,mutex --cases 20 --workers 2";
        let Some((ran, left)) = on_a_small_disk(&home, options, ":", words) else { return };
        assert_eq!(left, "", "{options}");
        assert!(code.is_none_or(|code| code == ran.code), "{options}: {} {}", ran.code, ran.err);
        if ran.code != 0 {
            let last = ran.err.lines().last().unwrap().strip_prefix("lockfuzz: ").unwrap();
            assert!(last.contains("No space left on device (os error 28); "), "{options}: {last}");
            assert!(ran.code == 1 || ran.code == 2, "{options}: {}", ran.code);
            ran.assert_code(ran.code);
        }
    }
    home.assert_clean();
}

#[test]
fn results_that_could_not_be_written() {
    let home = Home::new();
    home.write("file", "mine");
    for (words, parts) in [
        ("--json missing/x.json", ["--json missing/x.json: cannot be written: No such file", "name a file"]),
        ("--json .", ["--json .: cannot be written: Is a directory", "name a file"]),
        ("--json file/x", ["--json file/x: cannot be written: Not a directory", "name a file"]),
        ("--junit missing/x.xml", ["--junit missing/x.xml: cannot be written: No such file", "name a file"]),
        ("--json x.json --junit missing/x.xml", ["--junit missing/x.xml: cannot be written", "name a file"]),
        ("--json file --junit missing/x.xml", ["--junit missing/x.xml: cannot be written", "name a file"]),
        ("--save file", ["--save file: counterexamples cannot be saved there: Not a dir", "name a folder"]),
        (
            "--save file/a/b",
            ["--save file/a/b: counterexamples cannot be saved there: Not a dir", "name a folder"],
        ),
        ("--save /proc", ["--save /proc: counterexamples cannot be saved there: ", "name a folder"]),
    ] {
        refused(&home, home.fuzz(words), &parts);
        assert!(!home.path("x.json").exists(), "{words}: left behind");
        assert_eq!(fs::read(home.path("file")).unwrap(), b"mine", "{words}");
    }
    let found = home.case("flag", "threads");
    let mut command = home.lockfuzz(["plot", "-o", "missing/x.svg"]);
    command.arg(&found);
    refused(&home, command, &["--output missing/x.svg: cannot be written: No such file", "name a file"]);
    // A full disk behind standard output is told from a reader that has had enough.
    for words in [
        "fuzz --json - --lock flag",
        "fuzz --lock flag",
        "locks",
        "schedule",
        "plot case.json",
        "replay case.json",
    ] {
        let mut command = home.lockfuzz(words.split(' '));
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let ran = Ran::from(command.stdout(full).stderr(std::process::Stdio::piped()).output().unwrap());
        ran.assert_code(1);
        let last = ran.err.lines().last().unwrap();
        assert_eq!(last, "lockfuzz: cannot write to standard output: No space left on device (os error 28)");
    }
    home.assert_clean();
}

#[test]
fn a_counterexample_that_is_none() {
    let home = Home::new();
    let whole = case("flag", "processes");
    let with = |pointer: &str, value: Value| {
        let mut changed = whole.clone();
        *changed.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer}")) = value;
        changed.to_string()
    };
    let text = whole.to_string();
    let read_first =
        json!([{"at": 0.0, "commands": [[1, "read"], [2, "write"]]}, {"at": 1.0, "commands": [[2, "read"]]}]);
    let unsorted = json!([
        {"at": 1.0, "commands": [[1, "write"], [2, "write"]]},
        {"at": 0.5, "commands": [[1, "read"], [2, "read"]]},
    ]);
    let event = |worker: u64, tick: u64| json!([{"tick": tick, "at": 0.0, "worker": worker, "command": "write", "what": "wrote"}]);
    let cases = [
        (String::new(), "the file is empty"),
        (" \n\t\n".to_owned(), "the file is empty"),
        (text[..text.len() / 2].to_owned(), "cut off or is not JSON"),
        (text[..text.len() - 1].to_owned(), "cut off or is not JSON"),
        (format!("{text}{text}"), "cut off or is not JSON"),
        ("[".repeat(1_000_000), "not"),
        ("{\"a\":".repeat(1_000_000), "cut off or is not JSON"),
        ("\u{feff}{}".to_owned(), "cut off or is not JSON"),
        ("{}".to_owned(), "\"format\" is missing"),
        ("7".to_owned(), "\"format\" is missing"),
        ("null".to_owned(), "\"format\" is missing"),
        (with("/format", "lockfuzz/campaign/1".into()), "\"lockfuzz/campaign/1\""),
        (with("/format", "lockfuzz/counterexample/9".into()), "lockfuzz/counterexample/9, and this version"),
        (with("/format", 1.into()), "\"format\" is missing"),
        (with("/case", Value::Null), "it is not a counterexample of lockfuzz"),
        (with("/case/workers", (-1).into()), "it is not a counterexample of lockfuzz"),
        (with("/case/workers", 0.into()), "its schedule is not legal"),
        (with("/case/workers", 1.into()), "its schedule is not legal: "),
        (with("/case/workers", 3.into()), "its schedule is not legal: worker 3 has nothing to do"),
        (with("/case/workers", u32::MAX.into()), "its schedule is not legal: "),
        (with("/case/schedule/0/commands/0/0", 7.into()), "worker 7"),
        (with("/case/schedule/0/commands/0/0", 0.into()), "its schedule is not legal: "),
        (with("/case/schedule/0/commands/0/1", "dance".into()), "dance"),
        (with("/case/schedule", read_first), "tick 0 lets worker 1 read before it wrote"),
        (with("/case/schedule", unsorted), "times must rise"),
        (with("/case/schedule", json!([])), "its schedule is not legal: "),
        (with("/case/schedule/1/at", 0.0.into()), "times must rise"),
        (with("/case/schedule/1/at", (-0.5).into()), "a time is a number of seconds"),
        (with("/case/schedule/1/at", 1e300.into()), "a time is a number of seconds"),
        (with("/case/schedule/1/at", "soon".into()), "it is not a counterexample of lockfuzz"),
        (with("/case/placement", "moon".into()), "moon"),
        (with("/case/order", "none".into()), "none"),
        (with("/history", event(9, 0)), "worker 9 in tick 0"),
        (with("/history", event(0, 0)), "worker 0 in tick 0"),
        (with("/history", event(1, 99)), "worker 1 in tick 99"),
        (with("/verdict", json!({"verdict": "maybe"})), "maybe"),
    ];
    for (text, part) in &cases {
        home.write("bad.json", text);
        for verb in ["replay", "explain", "plot", "report"] {
            if verb == "plot" && text.starts_with('[') {
                continue;
            }
            let said = refused(&home, home.lockfuzz([verb, "bad.json"]), &["bad.json: ", part]);
            assert!(said.len() < 400, "{said}");
        }
    }
    home.write("bad.json", with("/case/lock", "flokc".into()));
    refused(
        &home,
        home.lockfuzz(["replay", "bad.json"]),
        &["bad.json: ", "\"flokc\"", "did you mean \"flock\"?"],
    );
    home.write("bad.json", b"\xff\xfe\x00{");
    refused(&home, home.lockfuzz(["replay", "bad.json"]), &["bad.json: it is cut off or is not JSON"]);
}

/// What only format 2 has: choices and faults.
#[test]
fn a_counterexample_with_choices_that_are_none() {
    let home = Home::new();
    let mut whole = case("exists-create", "processes");
    whole["format"] = "lockfuzz/counterexample/2".into();
    whole["case"]["choices"] = json!([0, 1]);
    let with = |name: &str, value: Value| {
        let mut changed = whole.clone();
        changed["case"][name] = value;
        changed
    };
    let mut lonely = with("faults", json!({"stalls": 1}));
    lonely["case"].as_object_mut().unwrap().remove("choices");
    let mut in_threads = with("faults", json!({"crashes": 1}));
    in_threads["case"]["placement"] = "threads".into();
    let mut of_format_1 = whole.clone();
    of_format_1["format"] = "lockfuzz/counterexample/1".into();
    let mut on_a_clock = whole.clone();
    on_a_clock["engine"] = "realtime".into();
    let mut without_program = whole.clone();
    without_program["format"] = "lockfuzz/counterexample/3".into();
    let mut traced = whole.clone();
    traced["engine"] = "traced".into();
    let mut of_a_program = whole.clone();
    of_a_program["job"] = json!({"commands": [["true"]], "began": 0, "start_dir": "/"});
    let accuses = |worker: u64, tick: u64| {
        let mut changed = whole.clone();
        let verdict = json!({"verdict": "fail", "law": "stuck", "worker": worker, "tick": tick, "command": "write", "event": 0});
        changed["verdict"] = verdict;
        changed
    };
    let others = [
        (of_format_1, "it has choices, and the format lockfuzz/counterexample/1 has none"),
        (on_a_clock, "it has choices, and nobody chooses on a real clock"),
        (without_program, "it has no program, and the format lockfuzz/counterexample/3 has one"),
        (traced, "it has no program, and the format lockfuzz/counterexample/2 has one"),
        (of_a_program, "it has a program, and the format lockfuzz/counterexample/2 has none"),
        (accuses(9, 0), "its verdict is not that of its case: worker 9 in tick 0"),
        (accuses(0, 0), "its verdict is not that of its case: worker 0 in tick 0"),
        (accuses(1, 99), "its verdict is not that of its case: worker 1 in tick 99"),
    ];
    for (changed, part) in others {
        home.write("bad.json", changed.to_string());
        for verb in ["replay", "explain", "plot", "report"] {
            refused(&home, home.lockfuzz([verb, "bad.json"]), &["bad.json: ", part]);
        }
    }
    for version in ["4", "0", "-1", "2.0", "02", "", "latest"] {
        let mut changed = whole.clone();
        changed["format"] = format!("lockfuzz/counterexample/{version}").into();
        home.write("bad.json", changed.to_string());
        for verb in ["replay", "explain", "plot", "report"] {
            let part = "and this version of lockfuzz reads 1 to 3";
            refused(&home, home.lockfuzz([verb, "bad.json"]), &["bad.json: ", part]);
        }
    }
    let shape = "it is not a counterexample of lockfuzz: ";
    for (changed, part) in [
        (with("choices", "0,1".into()), "invalid type: string"),
        (with("choices", json!({"0": 1})), "invalid type: map"),
        (with("choices", json!([0, -1])), "integer `-1`, expected u32"),
        (with("choices", json!([0.5])), "floating point `0.5`, expected u32"),
        (with("choices", json!([4294967296u64])), "integer `4294967296`, expected u32"),
        (with("choices", json!([[0]])), "expected u32"),
        (with("choices", json!(["1"])), "expected u32"),
        (with("choice", json!([0])), "unknown field `choice`"),
        (with("faults", 1.into()), "expected struct Faults"),
        (with("faults", "crash".into()), "expected struct Faults"),
        (with("faults", Value::Null), "expected struct Faults"),
        (
            with("faults", json!({"crash": 1})),
            "unknown field `crash`, expected one of `crashes`, `stalls`, `jumps`, `failures`, `eintr`",
        ),
        (with("faults", json!({"crashes": -1})), "integer `-1`, expected u32"),
        (with("faults", json!({"stalls": 1.5})), "floating point `1.5`, expected u32"),
        (with("faults", json!({"stalls": "one"})), "expected u32"),
        (with("choices", json!(vec![0; (1 << 16) + 1])), "a case holds at most 65536 choices"),
        (lonely, "faults strike between choices, and it has none"),
        (in_threads, "a crash is that of a process"),
    ] {
        home.write("bad.json", changed.to_string());
        for verb in ["replay", "explain", "plot", "report"] {
            let said = refused(&home, home.lockfuzz([verb, "bad.json"]), &["bad.json: ", part]);
            assert!(said.contains(shape) || said.contains("its schedule is not legal: "), "{said}");
            assert!(said.len() < 400, "{said}");
        }
    }
}

/// Any list of numbers is an interleaving: one that is too large, or one too many, is no error.
#[test]
fn choices_that_lead_nowhere_lead_somewhere() {
    let home = Home::new();
    let mut whole = case("excl", "threads");
    whole["format"] = "lockfuzz/counterexample/2".into();
    for choices in [json!([4294967295u32, 7, 4000000000u32]), json!(vec![1; 1 << 16]), json!([])] {
        whole["case"]["choices"] = choices;
        home.write("odd.json", whole.to_string());
        let ran = run(home.lockfuzz(["replay", "odd.json"]));
        assert!([0, 5].contains(&ran.code), "the lock is sound: {} {}", ran.out, ran.err);
        ran.assert_code(ran.code);
        run(home.lockfuzz(["plot", "odd.json"])).assert_code(0);
    }
    home.assert_clean();
}

/// Its workers are a test binary, which only the test itself can run.
#[test]
fn a_lock_of_a_cargo_test_is_run_by_that_test() {
    let home = Home::new();
    let enters =
        |worker: u64| json!({"tick": 0, "at": 0.0, "worker": worker, "command": "write", "what": "entered"});
    let mut whole = case("looking lock", "processes");
    whole["format"] = "lockfuzz/counterexample/3".into();
    whole["engine"] = "traced".into();
    whole["case"]["choices"] = json!([0, 1]);
    whole["job"] = json!({
        "commands": [["/proc/self/exe", "looking_lock_excludes", "--exact"]],
        "own": "looking lock",
        "began": 1750000000,
        "start_dir": "/",
    });
    whole["history"] = json!([enters(1), enters(2)]);
    whole["verdict"] = json!({
        "verdict": "fail", "law": "two-inside", "holder": 1, "worker": 2, "tick": 0, "command": "write", "event": 1,
    });
    home.write("own.json", whole.to_string());
    let test = "cargo test looking_lock_excludes";
    refused(
        &home,
        home.lockfuzz(["replay", "own.json"]),
        &["own.json: it is of a lock in a cargo test", test],
    );
    refused(&home, home.lockfuzz(["explain", "--script", "own.json"]), &["what lockfuzz run has found"]);
    let explained = run(home.lockfuzz(["explain", "own.json"]));
    explained.assert_code(0);
    assert!(
        explained.out.starts_with("FAIL  looking lock: two workers inside at once\n"),
        "{}",
        explained.out
    );
    assert!(explained.out.ends_with(&format!("replay  {test}\n")), "{}", explained.out);
    let report = run(home.lockfuzz(["report", "own.json"]));
    report.assert_code(0);
    assert!(report.out.contains(test) && !report.out.contains("/proc/self/exe"), "{}", report.out);
}

#[test]
fn a_file_that_cannot_be_read() {
    let home = Home::new();
    for (path, why) in [
        ("missing.json", "No such file or directory"),
        (".", "Is a directory"),
        ("/dev/null", "the file is empty"),
        ("/dev/zero", "larger than 64 MiB"),
    ] {
        refused(&home, home.lockfuzz(["replay", path]), &[path, why]);
    }
    refused(&home, home.lockfuzz(["plot", "missing.json"]), &["missing.json: cannot read it"]);
    refused(&home, home.lockfuzz(["plot", "-"]), &["standard input"]);
}

/// Numbers in a saved file may be changed by hand in any way: a sentence or a picture, never a panic.
#[test]
fn whatever_number_is_changed_in_a_counterexample() {
    let home = Home::new();
    run(home.fuzz("--seed 4 --lock flag --placement threads")).assert_code(0);
    let saved = fs::read_to_string(home.path("lockfuzz-found/flag-threads.json")).unwrap();
    let digits: Vec<usize> =
        saved.char_indices().filter(|(_, c)| c.is_ascii_digit()).map(|(at, _)| at).collect();
    for (nth, &at) in digits.iter().enumerate() {
        let value = ["7", "-1", "4294967295", "0"][nth % 4];
        let changed = format!("{}{value}{}", &saved[..at], &saved[at + 1..]);
        home.write("bad.json", changed);
        let ran = run(home.lockfuzz(["plot", "bad.json"]));
        assert!(ran.code == 0 || ran.code == 2, "{}", ran.err);
        ran.assert_code(ran.code);
    }
}

#[test]
fn a_schedule_that_is_not_legal_is_not_plotted() {
    let home = Home::new();
    for (text, part) in [
        ("[", "not a schedule"),
        ("[]", "its schedule is not legal"),
        ("[1]", "not a schedule"),
        (r#"[{"at":0.0,"commands":[[1,"read"]]}]"#, "tick 0 lets worker 1 read before it wrote"),
        (
            r#"[{"at":0.0,"commands":[[2,"write"]]},{"at":1.0,"commands":[[2,"read"]]}]"#,
            "worker 1 has nothing to do",
        ),
        (r#"[{"at":0.0,"commands":[[4000000000,"write"]]}]"#, "its schedule is not legal"),
    ] {
        home.write("schedule.json", text);
        refused(&home, home.lockfuzz(["plot", "schedule.json"]), &["schedule.json: ", part]);
    }
}

/// What only lockfuzz itself starts does no harm by hand.
#[test]
fn workers_and_guards_are_not_started_by_hand() {
    let home = Home::new();
    home.write("dir/mine", "precious");
    let mut worker = home.lockfuzz(["worker", "1"]);
    worker.arg(home.dir());
    let by_hand = "is started by lockfuzz itself, not by hand";
    let said = sentence(&run(worker), 2);
    assert!(said.contains(by_hand), "{said}");
    fs::create_dir(home.path("lockfuzz-mine")).unwrap();
    for folder in [home.dir(), home.path("lockfuzz-mine")] {
        let mut guard = home.lockfuzz(["guard"]);
        guard.arg(&folder);
        let said = sentence(&run(guard), 2);
        assert!(said.contains(by_hand), "{said}");
        assert!(folder.exists());
    }
    assert_eq!(fs::read_to_string(home.path("dir/mine")).unwrap(), "precious");
}

/// Permissions do not bind root, so this one is run as nobody.
#[test]
fn a_folder_that_is_somebody_elses() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::new();
    let open = |path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    open(home.path(""), 0o755);
    open(home.dir(), 0o755);
    // By another process: what a neighbour here starts meanwhile would keep our file open, and nobody could execute it.
    let copied = home.command("cp").args([support::program::LOCKFUZZ, "lockfuzz"]).status().unwrap();
    assert!(copied.success());
    let as_nobody = |words: &str| {
        let mut command = if rustix::process::geteuid().is_root() {
            let mut command = home.command("setpriv");
            command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]);
            command.arg(home.path("lockfuzz"));
            command
        } else {
            open(home.dir(), 0o555);
            home.command(home.path("lockfuzz").to_str().unwrap())
        };
        command.args(words.split(' ')).output().map(Ran::from)
    };
    let Ok(ran) = as_nobody("fuzz --dir dir --save /tmp") else {
        return eprintln!("skipped, as there is no setpriv(1)");
    };
    let said = sentence(&ran, 2);
    assert_eq!(
        said,
        format!("--dir dir: cannot make files there: Permission denied (os error 13); {NAME_A_FOLDER}")
    );
    if rustix::process::geteuid().is_root() {
        let said = sentence(&as_nobody("fuzz").unwrap(), 2);
        assert!(
            said.starts_with(
                "--save lockfuzz-found: counterexamples cannot be saved there: Permission denied"
            ),
            "{said}"
        );
        fs::create_dir(home.path("theirs")).unwrap();
        open(home.path("theirs"), 0o777);
        let said = sentence(&as_nobody("fuzz --save theirs --json x.json").unwrap(), 2);
        assert!(said.starts_with("--json x.json: cannot be written: Permission denied"), "{said}");
        let ran = as_nobody("fuzz --cases 20 --dir theirs --save theirs/found").unwrap();
        ran.assert_code(0);
        assert!(ran.out.contains("\nPASS  "), "an ordinary user can do it all: {}", ran.out);
        assert_eq!(fs::read_dir(home.path("theirs")).unwrap().count(), 1);
    }
    open(home.dir(), 0o755);
    home.assert_clean();
}

#[test]
fn what_is_impossible_for_a_user_of_few_processes() {
    let home = Home::new();
    let script = format!("ulimit -n 8; exec {} fuzz --dir dir", support::program::LOCKFUZZ);
    let mut shell = home.command("sh");
    let ran = run_with(shell.args(["-c", &script]));
    assert!([1, 2].contains(&ran.code), "{} {}", ran.code, ran.err);
    let last = ran.err.lines().last().unwrap();
    assert!(last.starts_with("lockfuzz: ") && last.contains("Too many open files"), "{last}");
    ran.assert_code(ran.code);
    home.assert_clean();
}
