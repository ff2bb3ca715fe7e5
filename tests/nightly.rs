//! `scripts/nightly`: both engines run, the results are there, and the worse exit code counts.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::{Mutex, MutexGuard, PoisonError};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// One test at a time: a program that was just written cannot be started while a child that another
/// test is just starting still has it open.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn nightly(program: &str, words: &[&str]) -> Output {
    let script = Path::new(ROOT).join("scripts/nightly");
    Command::new(script).args(words).env("LOCKFUZZ", program).env_remove("PROPTEST_CASES").output().unwrap()
}

fn code_and_noise(output: &Output) -> (Option<i32>, String) {
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn both_engines_run_and_leave_their_results() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("a night");
    // One case, a few workers: a slow machine raises the period, and still this ends soon.
    let few = [
        "--lock",
        "flock",
        "--placement",
        "threads",
        "--order",
        "as-generated",
        "--workers",
        "2",
        "--cases",
        "1",
    ];
    let words = ["60s", out.to_str().unwrap()].into_iter().chain(few).collect::<Vec<_>>();
    let (code, noise) = code_and_noise(&nightly(env!("CARGO_BIN_EXE_lockfuzz"), &words));
    assert_eq!((code, noise.as_str()), (Some(0), ""));
    for engine in ["stepped", "realtime"] {
        let read = |ending: &str| std::fs::read_to_string(out.join(format!("{engine}.{ending}"))).unwrap();
        let json: serde_json::Value = serde_json::from_str(&read("json")).unwrap();
        assert_eq!((json["engine"].as_str(), json["verdict"].as_str()), (Some(engine), Some("pass")));
        assert!(json["rows"][0]["cases"].as_u64() > Some(0));
        assert!(read("xml").contains("<testsuite name=\"lockfuzz"));
        assert!(read("txt").contains("PASS  1 of 1 rows as expected"));
    }
}

#[test]
fn the_worse_exit_code_counts() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let program = folder.path().join("program");
    let ends_with = |stepped: i32, realtime: i32| {
        let text =
            format!("#!/bin/sh\ncase \"$*\" in *realtime*) exit {realtime};; *) exit {stepped};; esac\n");
        std::fs::write(&program, text).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        code_and_noise(&nightly(program.to_str().unwrap(), &["1s", out.to_str().unwrap()])).0.unwrap()
    };
    assert_eq!(ends_with(0, 0), 0);
    for order in [100, 1, 2, 4, 5, 0].windows(2) {
        assert_eq!((ends_with(order[0], order[1]), ends_with(order[1], order[0])), (order[0], order[0]));
    }
    assert_eq!(ends_with(101, 5), 1, "a panic is a failure of lockfuzz itself");
    assert_eq!(ends_with(130, 100), 130, "who interrupts wants no second run");
    assert_eq!(ends_with(100, 130), 100);
}

#[test]
fn a_bad_call_is_refused() {
    let _alone = alone();
    for words in [&[][..], &["2s"], &["soon", "x"], &["2", "x"], &["0s", "x"], &["1.5h", "x"]] {
        let (code, noise) = code_and_noise(&nightly("/bin/false", words));
        assert_eq!(code, Some(2), "{words:?}");
        assert!(noise.starts_with("usage: scripts/nightly TIME FOLDER"), "{noise}");
    }
}
