//! The traced engine: programs that know nothing of lockfuzz.

#![cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]

mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use lockfuzz::case::{Case, Faults};
use lockfuzz::engine::Engine;
use lockfuzz::engine::traced::Traced;
use lockfuzz::history::{Event, History};
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
    let line = |(nth, event): (usize, &Event)| format!("{:>3} {}\n", nth + 1, told_of(event));
    history.events.iter().enumerate().map(line).collect()
}

fn told_of(event: &Event) -> String {
    format!("{} {:?}", event.worker, event.what)
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

#[test]
fn a_device_that_gives_chance_repeats() {
    assert_repeats(&["sh", "-c", ": > $(od -An -N4 -tu4 /dev/urandom | tr -d ' '); ls"], 3);
}

/// The interpreter itself. None, and that is said, where there is none.
fn python() -> Option<String> {
    let words = ["-c", "import sys; print(sys.executable)"];
    let Ok(python) = std::process::Command::new("python3").args(words).output() else {
        eprintln!("skipped, as there is no python3");
        return None;
    };
    Some(String::from_utf8(python.stdout).unwrap().trim_end().to_owned())
}

const PYTHON: &str = "
import os, sys
if os.path.exists('lock'): sys.exit(0)
open('lock', 'w').write(str(os.getpid()))
if open('lock').read() != str(os.getpid()): sys.exit('not mine')
os.remove('lock')";

#[test]
fn python_repeats() {
    let Some(python) = python() else { return };
    assert_repeats(&[&python, "-S", "-c", PYTHON], 3);
}

/// What is called python3 may be a script that looks for the interpreter.
#[test]
#[ignore = "long"]
fn python_repeats_as_it_is_called() {
    if python().is_some() {
        assert_repeats(&["/usr/bin/env", "python3", "-c", PYTHON], 1);
    }
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
        assert_repeats(&["/usr/bin/env", "node", "-e", NODE], 2);
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
        assert_repeats(&["/usr/bin/env", "node", "-e", NODE_ASYNC], 1);
    }
}

#[test]
fn eight_threads_repeat() {
    let place = folder();
    let Some(program) = planted(place.path(), "threads") else { return };
    assert_repeats(&[&program], 5);
    assert_repeats(&[&program, "unlocked"], 5);
}

/// What so many random schedules come to, with copies if they are allowed; and who is started all the same, and why.
struct Came {
    histories: Vec<(History, Vec<u32>)>,
    lines: Vec<Vec<String>>,
    stops: Vec<u64>,
    plain: BTreeMap<u32, String>,
    copied: bool,
    /// So many copies were sent to an end that was known.
    sent: u32,
}

fn come_to(place: &Path, words: &[&str], copies: bool, meanwhile: impl Fn()) -> Came {
    come_to_with(place, words, copies, 4, meanwhile)
}

fn come_to_with(place: &Path, words: &[&str], copies: bool, seeds: u64, meanwhile: impl Fn()) -> Came {
    let mut engine = Traced::new(job(place, words), place, Arc::default()).unwrap();
    if !copies {
        engine.start_plainly();
    }
    let case = Traced::case(engine.job(), 2, Faults::NONE);
    // Whoever is started a second time is copied from then on.
    engine.run(&case).unwrap();
    let (mut histories, mut lines, mut stops, mut sent) = (Vec::new(), Vec::new(), Vec::new(), 0);
    for seed in 0..seeds {
        let mut random = Random::new(seed);
        random.begin();
        histories.push(engine.explore(&case, &mut random).unwrap());
        lines.push(engine.last_lines(1, 5));
        stops.push(engine.facts.stops);
        sent += engine.facts.sent;
        meanwhile();
    }
    let (plain, copied) = (engine.facts.plain.clone(), engine.has_copied());
    Came { histories, lines, stops, plain, copied, sent }
}

/// Copies come to what starts come to; why there are none, if there are none.
#[track_caller]
fn assert_same(words: &[&str]) -> Option<String> {
    assert_same_with(words, 4).plain.into_values().next()
}

#[track_caller]
fn assert_same_with(words: &[&str], seeds: u64) -> Came {
    let place = folder();
    let started = come_to_with(place.path(), words, false, seeds, || ());
    assert!(!started.copied && started.plain.is_empty() && started.sent == 0);
    let copied = come_to_with(place.path(), words, true, seeds, || ());
    for (nth, (one, other)) in started.histories.iter().zip(&copied.histories).enumerate() {
        assert!(one == other, "seed {nth}\n{}\n{}", told(&one.0), told(&other.0));
    }
    assert_eq!(started.lines, copied.lines);
    assert_eq!(started.stops, copied.stops);
    assert_eq!(copied.copied, copied.plain.is_empty(), "{:?}", copied.plain);
    copied
}

/// The planted program that does something before its first point, built in this folder.
fn before(place: &Path) -> Option<String> {
    planted(place, "before")
}

/// A planted program, built in this folder.
fn planted(place: &Path, name: &str) -> Option<String> {
    support::planted(place, name, &[]).map(|program| program.display().to_string())
}

#[test]
fn copies_of_a_program_do_what_starts_of_it_do() {
    let place = folder();
    let Some(program) = before(place.path()) else { return };
    std::fs::write(place.path().join("read"), "abcdefghijkl").unwrap();
    let read = place.path().join("read");
    assert_eq!(assert_same(&[&program]), None);
    assert_eq!(assert_same(&[&program, "reads", read.to_str().unwrap()]), None);
}

#[test]
fn copies_of_a_shell_do_what_starts_of_it_do() {
    let place = folder();
    let script = place.path().join("script");
    // It is read by and by, and long enough for that.
    let long = "# nothing is said here\n".repeat(800);
    std::fs::write(&script, format!("me=$$; echo before\n{SHELL}\n{long}\necho $me > mine.$$; rm mine.$me"))
        .unwrap();
    assert_eq!(assert_same(&["sh", script.to_str().unwrap()]), None);
}

#[test]
fn copies_of_python_do_what_starts_of_it_do() {
    let Some(python) = python() else { return };
    assert_eq!(assert_same(&[&python, "-c", PYTHON]), None);
}

#[test]
fn whoever_a_copy_would_not_be_like_is_started_and_it_is_said_why() {
    let place = folder();
    let Some(program) = before(place.path()) else { return };
    let file = place.path().join("file");
    let writes = format!("it writes {} before its first point", file.display());
    for (what, why) in [
        ("thread", "it has a thread or a child before its first point"),
        ("child", "it has a thread or a child before its first point"),
        ("timer", "it sets a timer before its first point"),
        ("sleep", "it waits before its first point"),
        ("shares", "it shares memory before its first point"),
        ("wipes", "it has memory that no copy inherits"),
        ("writes", &writes),
        ("text", "it starts otherwise each time"),
        ("uuid", "it starts otherwise each time"),
        ("list", "it looks through the list of processes"),
    ] {
        let words = [program.as_str(), what, file.to_str().unwrap()];
        assert_eq!(assert_same(&words).as_deref(), Some(why), "{what}");
    }
    assert_eq!(assert_same(&[&program, "tries", file.to_str().unwrap()]), None);
    let piped = assert_same(&[&program, "pipe"]).unwrap();
    assert!(piped.starts_with("it holds pipe:["), "{piped}");
}

/// What a copy was told decides whether it takes another step; with the same step before, but not told the same, it must
/// not be sent to the end of another one.
#[test]
fn copies_that_were_told_the_same_end_the_same() {
    let place = folder();
    let Some(program) = planted(place.path(), "ending") else { return };
    for what in ["nothing", "content", "size", "inode", "link", "time"] {
        let came = assert_same_with(&[&program, what], 32);
        assert!(came.sent > 0, "{what}: nobody was sent to its end");
        let takes_it = |(history, _): &(History, _)| {
            history.events.iter().any(|event| event.worker == 1 && told_of(event).contains("unlink"))
        };
        let takes: std::collections::BTreeSet<_> = came.histories.iter().map(takes_it).collect();
        assert_eq!(
            takes.len(),
            if what == "nothing" { 1 } else { 2 },
            "{what}: worker 1 did always the same"
        );
    }
    // What is seen elsewhere, or may be another time, is never left out.
    let file = place.path().join("file");
    for what in ["late", "semaphore", "says", "elsewhere"] {
        let words = [program.as_str(), what, file.to_str().unwrap()];
        assert_eq!(assert_same_with(&words, 8).sent, 0, "{what}");
    }
}

#[test]
fn who_was_killed_before_it_was_copied_is_started_and_copied_again() {
    let place = folder();
    let Some(program) = before(place.path()) else { return };
    let started = come_to(place.path(), &[&program], false, || ());
    let killed = std::cell::Cell::new(0);
    let kill = || {
        for entry in std::fs::read_dir("/proc").unwrap().flatten() {
            let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
            if line.starts_with(program.as_bytes()) && killed.get() < 3 {
                let pid = entry.file_name().to_str().unwrap().parse().unwrap();
                let pid = rustix::process::Pid::from_raw(pid).unwrap();
                rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
                killed.set(killed.get() + 1);
            }
        }
    };
    let copied = come_to(place.path(), &[&program], true, kill);
    assert_eq!(killed.get(), 3);
    assert!(copied.copied && copied.histories == started.histories);
    let left = || {
        let all = std::fs::read_dir("/proc").unwrap().flatten();
        all.filter(|entry| {
            let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
            line.starts_with(program.as_bytes())
        })
        .count()
    };
    assert_eq!(left(), 0, "left behind");
}
