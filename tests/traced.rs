//! The traced engine: programs that know nothing of lockfuzz.

#![cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]

mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use lockfuzz::case::{Case, Faults};
use lockfuzz::engine::Engine;
use lockfuzz::engine::traced::Traced;
use lockfuzz::history::History;
use lockfuzz::interleave::{Random, Scheduler};
use lockfuzz::job::Job;
use support::folder;

fn job(start_dir: &Path, words: &[&str]) -> Job {
    Job {
        commands: vec![words.iter().map(|&word| word.to_owned()).collect()],
        start_dir: start_dir.to_owned(),
        began: 1_700_000_000,
        files: BTreeMap::new(),
        ..Job::default()
    }
}

fn told(history: &History) -> String {
    let line = |(nth, event): (usize, &lockfuzz::history::Event)| {
        format!("{:>3} {} {:?}\n", nth + 1, event.worker, event.what)
    };
    history.events.iter().enumerate().map(line).collect()
}

/// Is there such a program? If not, that is said.
fn there(program: &str) -> bool {
    let found = std::process::Command::new(program).arg("--version").output().is_ok();
    if !found {
        eprintln!("skipped, as there is no {program}");
    }
    found
}

/// The same choices give the same history.
fn assert_repeats(words: &[&str], seeds: u64) {
    let place = folder();
    let job = job(place.path(), words);
    let mut engine = Traced::new(job, place.path(), Arc::default()).unwrap();
    let case = Traced::case(engine.job(), 3, Faults::NONE);
    // What the workers leave when they run one after another is known from here on.
    engine.run(&case).unwrap();
    for seed in 0..seeds {
        let mut random = Random::new(seed);
        random.begin();
        let (history, choices) = engine.explore(&case, &mut random).unwrap();
        let again = engine.run(&Case { choices: Some(choices), ..case.clone() }).unwrap();
        assert!(history == again, "seed {seed}\n{}\n{}", told(&history), told(&again));
    }
}

const SHELL: &str = "
    [ -e lock ] && exit 0
    echo $LOCKFUZZ_WORKER > lock
    read me < lock
    [ \"$me\" = \"$LOCKFUZZ_WORKER\" ] || exit 1
    rm lock";

#[test]
fn a_shell_with_children_repeats() {
    assert_repeats(&["sh", "-c", SHELL], 20);
}

const PYTHON: &str = "
import os, sys
if os.path.exists('lock'): sys.exit(0)
open('lock', 'w').write(str(os.getpid()))
if open('lock').read() != str(os.getpid()): sys.exit('not mine')
os.remove('lock')";

#[test]
fn python_repeats() {
    // What is called python3 may be a script that looks for the interpreter: this is followed too, once.
    let python =
        std::process::Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output();
    let Ok(python) = python else { return eprintln!("skipped, as there is no python3") };
    let python = String::from_utf8(python.stdout).unwrap();
    assert_repeats(&["/usr/bin/env", "python3", "-c", PYTHON], 1);
    assert_repeats(&[python.trim_end(), "-S", "-c", PYTHON], 10);
}

const PIPES: &str = "
    mkdir lock 2> /dev/null || exit 0
    echo $LOCKFUZZ_WORKER | cat | tee who > /dev/null
    (sleep 1; cat who) | while read me; do echo \"$me\" >> log; done &
    wait
    rmdir lock";

#[test]
fn a_shell_with_pipes_repeats() {
    assert_repeats(&["sh", "-c", PIPES], 10);
}

const NODE: &str = "
const fs = require('fs');
if (!fs.existsSync('lock')) {
    fs.writeFileSync('lock', String(process.pid));
    if (fs.readFileSync('lock', 'utf8') !== String(process.pid)) process.exit(1);
    try { fs.unlinkSync('lock'); } catch {}
}";

#[test]
fn node_repeats() {
    if there("node") {
        assert_repeats(&["/usr/bin/env", "node", "-e", NODE], 5);
    }
}

const NODE_ASYNC: &str = "
const fs = require('fs').promises;
(async () => {
    await fs.writeFile('mine.' + process.pid, 'x');
    await Promise.all(['a', 'b', 'c'].map(name => fs.appendFile(name, process.pid + ' ')));
    await fs.readFile('a');
})();";

#[test]
fn node_with_its_pool_repeats() {
    if there("node") {
        assert_repeats(&["/usr/bin/env", "node", "-e", NODE_ASYNC], 5);
    }
}

#[test]
fn eight_threads_repeat() {
    let place = folder();
    let program = place.path().join("threads");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/programs/threads.c");
    let built =
        std::process::Command::new("cc").args(["-O1", "-pthread", source, "-o"]).arg(&program).output();
    if built.is_ok_and(|built| built.status.success()) {
        assert_repeats(&[program.to_str().unwrap()], 5);
        assert_repeats(&[program.to_str().unwrap(), "unlocked"], 5);
    } else {
        eprintln!("skipped, as there is no C compiler");
    }
}
