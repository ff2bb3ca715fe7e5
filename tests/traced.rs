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

/// The same choices give the same history.
fn assert_repeats(words: &[&str], seeds: u64) {
    let place = folder();
    let job = job(place.path(), words);
    let mut engine = Traced::new(job, place.path(), Arc::default()).unwrap();
    let case = Traced::case(engine.job(), 3, Faults::NONE);
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
    assert_repeats(&["/usr/bin/env", "python3", "-c", PYTHON], 10);
}
