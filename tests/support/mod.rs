//! What the tests of the experiment share.
#![allow(dead_code)]

pub mod program;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use lockfuzz::lock::{ALL, Double};
use lockfuzz::worker::{Launch, Staff};
use proptest::test_runner::{Config, FileFailurePersistence, TestRunner};
use tempfile::TempDir;

/// How many rows `lockfuzz fuzz` has when nothing else is asked for.
pub const ROWS: usize = 101;

/// A folder for the cases' files; in memory where that can be had.
pub fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    let parent = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    tempfile::Builder::new().prefix("lockfuzz-test-").tempdir_in(parent).unwrap()
}

/// A program of `tests/programs`, built in this folder. None, with the reason printed, where it cannot be.
pub fn planted(place: &Path, name: &str, flags: &[&str]) -> Option<PathBuf> {
    fs::create_dir_all(place).unwrap();
    let source = format!("{}/tests/programs/{name}.c", env!("CARGO_MANIFEST_DIR"));
    let path = place.join(format!("{name}{}", flags.concat()));
    // Tests that build the same program at once do not see half of it.
    let fresh = tempfile::NamedTempFile::new_in(place).unwrap().into_temp_path();
    let mut cc = Command::new("cc");
    match cc.args(["-O1", "-pthread", "-w"]).args(flags).arg("-o").arg(&fresh).arg(source).output() {
        Ok(made) if made.status.success() => {
            fresh.persist(&path).unwrap();
            Some(path)
        }
        Ok(made) => {
            eprintln!("skipped, as {name}.c cannot be built: {}", String::from_utf8_lossy(&made.stderr));
            None
        }
        Err(why) => {
            eprintln!("skipped, as there is no C compiler: {why}");
            None
        }
    }
}

/// Staff whose worker processes are the program itself. It is waited for longer than a user would wait: on a
/// busy machine a worker that panics may take half a minute to say so.
pub fn staff(folder: &TempDir) -> Staff {
    let staff = Staff::new(folder.path(), Launch::new(env!("CARGO_BIN_EXE_lockfuzz"), &["worker"]));
    Staff { silence: Duration::from_secs(300), ..staff }
}

/// Staff that knows these locks only. They live in the test, so they serve threads alone.
pub fn staff_with(folder: &TempDir, doubles: &'static [&'static Double]) -> Staff {
    Staff { doubles, ..staff(folder) }
}

pub fn double(name: &str) -> &'static Double {
    ALL.iter().find(|double| double.name == name).unwrap()
}

/// proptest's settings, out of its variables. One that is not a number is an error here, where
/// proptest itself would go on with its default.
pub fn config() -> Config {
    for name in ["PROPTEST_CASES", "PROPTEST_MAX_SHRINK_ITERS", "PROPTEST_RNG_SEED"] {
        if let Some(value) = std::env::var_os(name) {
            let number = value.to_str().and_then(|text| text.parse::<u64>().ok());
            let least = u64::from(name == "PROPTEST_CASES");
            let ok = number.is_some_and(|number| number >= least);
            assert!(ok, "{name}={}: a whole number is needed, at least {least}", value.display());
        }
    }
    let seeds = concat!(env!("CARGO_MANIFEST_DIR"), "/proptest-regressions/experiment.txt");
    Config { failure_persistence: Some(Box::new(FileFailurePersistence::Direct(seeds))), ..Config::default() }
}

/// Where the chance of a campaign comes from: another for each `PROPTEST_RNG_SEED`.
pub fn seed() -> u64 {
    config();
    std::env::var("PROPTEST_RNG_SEED").map_or(0, |text| text.parse().unwrap())
}

pub fn runner(config: Config) -> TestRunner {
    TestRunner::new(config)
}
