//! How many schedules of a program are there in a second, and how many could there be?
//!
//! The floor is a tracer that stops the same programs at the same calls and only counts: no paths are read, nothing is
//! chosen, written down or judged. Both take turns, with two workers, on one core: once with workers that are started for
//! each schedule, and once with copies of two that stand at their first points. Then two of each at once, on two cores:
//! what the floor gains by the second core is what there is to gain.
//!
//! `cargo bench --bench tracing` takes three minutes, and words pick rows (`-- static copied`, `-- two`); `-- soak 100000`
//! runs so many schedules and shows what they leave behind. It needs a C compiler, and Python for some of the rows.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::CString;
use std::fs;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::time::{Duration, Instant};

use lockfuzz::case::{Case, Faults};
use lockfuzz::engine::Engine;
use lockfuzz::engine::traced::{Traced, usual_filter};
use lockfuzz::interleave::{Random, Scheduler};
use lockfuzz::job::Job;
use lockfuzz::sys::original::Original;
use lockfuzz::sys::tracee::{self, Event, Filter, Start};
use lockfuzz::worker;

const WORKERS: u32 = 2;
const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(2);

const C: &str = r#"
#include <fcntl.h>
#include <unistd.h>
int main(void) {
    int lock = open("lock", O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (lock < 0) return 0;
    close(lock);
    int cache = open("cache", O_RDWR | O_CREAT | O_TRUNC, 0600);
    char seen;
    write(cache, "1", 1);
    pread(cache, &seen, 1, 0);
    fsync(cache);
    close(cache);
    access("cache", F_OK);
    unlink("lock");
    return 0;
}
"#;

const PYTHON: &str = "
import json, os
try: lock = os.open('lock', os.O_CREAT | os.O_EXCL)
except FileExistsError: raise SystemExit
json.dump({'me': 1}, open('cache', 'w'))
json.load(open('cache'))
os.unlink('lock')
";

/// What a program has that uses a library for its locks.
const IMPORTS: &str = "import argparse, logging, pathlib, random, subprocess, tempfile, threading";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let core = *worker::cores().expect("a process has cores").last().expect("at least one");
    worker::stay(core).expect("its own core");
    let place = if Path::new("/dev/shm").is_dir() { "/dev/shm" } else { "/tmp" };
    let folder = tempfile::Builder::new().prefix("lockfuzz-bench-").tempdir_in(place).expect("a folder");
    let Some(c) = compiled(folder.path()) else {
        eprintln!("a C compiler is needed");
        return ExitCode::from(2);
    };
    if let ["soak", schedules] = words[..] {
        return soak(vec![c], folder.path(), schedules.parse().expect("a number of schedules"));
    }
    println!(
        "Schedules per second, median of {ROUNDS} rounds of {ROUND:?}; {WORKERS} workers, core {core}, {place}.\n"
    );
    println!(
        "{:18} {:8} {:>6} {:>8} {:>8} {:>11}",
        "program", "workers", "stops", "floor", "ours", "ours/floor"
    );
    let wanted = |name: &str, copies: bool| {
        let name = format!("{name} {}", how(copies));
        words.iter().all(|word| name.contains(word))
    };
    for copies in [false, true].into_iter().filter(|&copies| wanted("static C", copies)) {
        contest("static C", vec![c.clone()], true, copies, folder.path());
    }
    for (name, imports) in [("python3", ""), ("python3, imports", IMPORTS)] {
        let Some(python) = python() else { break };
        for copies in [false, true].into_iter().filter(|&copies| wanted(name, copies)) {
            // A file, as users have it: with -c each import would look into the shared folder first.
            let program = folder.path().join("program.py");
            fs::write(&program, format!("{imports}{PYTHON}")).expect("room for a program");
            let words = vec![python.clone(), program.display().to_string()];
            contest(name, words, false, copies, folder.path());
        }
    }
    if words.iter().all(|word| "two at once".contains(word)) {
        two_at_once(&c, folder.path());
    }
    ExitCode::SUCCESS
}

/// What a second core gains, for copies of the C program.
fn two_at_once(program: &str, folder: &Path) {
    let all = worker::cores().expect("a process has cores");
    let [.., one, other] = all[..] else {
        println!("\nTwo at once want a second core.");
        return;
    };
    let words = vec![program.to_owned()];
    let start = |floor: bool, core| {
        let (words, folder) = (words.clone(), folder.to_owned());
        std::thread::spawn(move || {
            worker::stay(core).expect("its own core");
            let folder = folder.join(format!("core-{core}"));
            fs::create_dir_all(&folder).expect("a folder");
            if floor {
                let mut floor = Floor::new(&words, true, true, &folder);
                rate(|| floor.run())
            } else {
                let mut ours = Ours::new(words, true, &folder);
                rate(|| ours.run())
            }
        })
    };
    let sum = |floor, cores: &[usize]| -> f64 {
        let threads: Vec<_> = cores.iter().map(|&core| start(floor, core)).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).sum()
    };
    println!("\n{:18} {:8} {:>8} {:>8} {:>6}", "two at once", "", "one", "two", "times");
    for (name, floor) in [("floor", true), ("ours", false)] {
        let mut rounds: Vec<_> = (0..ROUNDS)
            .map(|_| {
                let alone = (sum(floor, &[one]) + sum(floor, &[other])) / 2.0;
                (alone, sum(floor, &[one, other]))
            })
            .collect();
        rounds.sort_by(|a, b| (a.1 / a.0).total_cmp(&(b.1 / b.0)));
        let (alone, both) = rounds[ROUNDS / 2];
        println!("{name:18} {:8} {alone:>8.1} {both:>8.1} {:>6.2}", "copied", both / alone);
    }
}

fn compiled(folder: &Path) -> Option<String> {
    let (source, program) = (folder.join("program.c"), folder.join("program"));
    fs::write(&source, C).ok()?;
    let went = Command::new("cc").args(["-O2", "-static", "-w", "-o"]).arg(&program).arg(&source).status();
    went.ok()?.success().then(|| program.display().to_string())
}

/// The interpreter itself: what is first in the PATH may be a shell's shim.
fn python() -> Option<String> {
    let said = Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output().ok()?;
    let path = String::from_utf8(said.stdout).ok()?.trim().to_owned();
    (!path.is_empty()).then_some(path)
}

fn contest(name: &str, words: Vec<String>, both: bool, copies: bool, folder: &Path) {
    let mut ours = Ours::new(words.clone(), copies, folder);
    let mut floor = Floor::new(&words, both, copies, folder);
    let (mut rates, mut floors) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        floors.push(rate(|| floor.run()));
        rates.push(rate(|| ours.run()));
    }
    let median = |mut all: Vec<f64>| {
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    };
    let (floors, rates) = (median(floors), median(rates));
    let how = if copies { "copied" } else { "started" };
    println!("{name:18} {how:8} {:>6} {floors:>8.1} {rates:>8.1} {:>11.2}", floor.stops, rates / floors);
    assert_eq!(ours.engine.has_copied(), copies, "{:?}", ours.engine.facts.plain);
}

fn how(copies: bool) -> &'static str {
    if copies { "copied" } else { "started" }
}

fn rate(mut act: impl FnMut()) -> f64 {
    let start = Instant::now();
    let mut times = 0;
    while start.elapsed() < ROUND {
        act();
        times += 1;
    }
    f64::from(times) / start.elapsed().as_secs_f64()
}

/// The whole way of a schedule: a fresh folder, a random walk, a history, a verdict.
struct Ours {
    engine: Traced,
    case: Case,
    random: Random,
}

impl Ours {
    fn new(words: Vec<String>, copies: bool, folder: &Path) -> Self {
        let start_dir = PathBuf::from("/");
        let job = Job {
            commands: vec![words],
            began: 1_700_000_000,
            start_dir,
            files: BTreeMap::new(),
            ..Job::default()
        };
        let case = Traced::case(&job, WORKERS, Faults::NONE);
        let mut engine = Traced::new(job, folder, Arc::default()).expect("an engine");
        if !copies {
            engine.start_plainly();
        }
        Ours { engine, case, random: Random::new(1) }
    }

    fn run(&mut self) {
        self.random.begin();
        let (history, choices) = self.engine.explore(&self.case, &mut self.random).expect("a run");
        let case = Case { choices: Some(choices), ..self.case.clone() };
        let promise = lockfuzz::run::PROGRAM.promised();
        std::hint::black_box(self.engine.judge(&case, promise, &history));
    }
}

/// A tracer that only counts: each call of the filter stops before it, and after it where it is a point for ours:
/// nearly all of the C program's are, hardly any of Python's.
struct Floor {
    path: CString,
    words: Vec<CString>,
    environment: Vec<CString>,
    folder: PathBuf,
    filter: Filter,
    both: bool,
    /// Those who are copied.
    originals: Vec<Original>,
    stops: u64,
}

impl Floor {
    fn new(words: &[String], both: bool, copies: bool, folder: &Path) -> Self {
        let text = |word: &str| CString::new(word).expect("no zero in it");
        let environment = std::env::vars().map(|(name, value)| text(&format!("{name}={value}"))).collect();
        let mut floor = Floor {
            path: text(&words[0]),
            words: words.iter().map(|word| text(word)).collect(),
            environment,
            folder: folder.join("floor"),
            filter: usual_filter().expect("a filter"),
            both,
            originals: Vec::new(),
            stops: 0,
        };
        let _ = fs::create_dir(&floor.folder);
        if copies {
            floor.originals = (0..WORKERS).map(|_| floor.original()).collect();
        }
        floor
    }

    fn start(&self) -> i32 {
        let null = fs::File::options().read(true).write(true).open("/dev/null").expect("/dev/null");
        let null = null.as_raw_fd();
        let folder = CString::new(self.folder.as_os_str().as_encoded_bytes()).expect("no zero in it");
        let start = Start {
            path: &self.path,
            words: &self.words,
            environment: &self.environment,
            folder: &folder,
            streams: [null; 3],
            filter: &self.filter,
        };
        tracee::start(&start).expect("a program").pid
    }

    /// Lets one go on until it opens the lock.
    fn original(&self) -> Original {
        self.start();
        while let Some(event) = tracee::next_event(true).expect("an event") {
            if let Event::Call(stopped) = &event {
                let path = stopped.registers().expect("it stands still").words()[1];
                if stopped.read_text(path).is_ok_and(|path| path == b"lock") {
                    let Event::Call(stopped) = event else { unreachable!("it is one") };
                    return Original::new(stopped, Vec::new()).expect("an original");
                }
            }
            self.let_on(event, false);
        }
        panic!("it opens no lock")
    }

    fn run(&mut self) {
        for entry in fs::read_dir(&self.folder).expect("a folder").flatten() {
            fs::remove_file(entry.path()).expect("a file");
        }
        let mut alive: BTreeSet<i32> = match self.originals[..] {
            [] => (0..WORKERS).map(|_| self.start()).collect(),
            _ => {
                let copies = self.originals.iter().map(|original| {
                    let copy = original.copy().expect("a copy");
                    let pid = copy.tid();
                    copy.go(None).expect("it is there");
                    pid
                });
                copies.collect()
            }
        };
        self.stops = 0;
        while !alive.is_empty() {
            let event = tracee::next_event(true).expect("an event").expect("somebody is there");
            self.stops += 1;
            if let Event::Exited(pid, _) | Event::Killed(pid, _) = event {
                alive.remove(&pid);
            }
            self.let_on(event, self.both);
        }
    }

    fn let_on(&self, event: Event, both: bool) {
        match event {
            Event::Call(stopped) if both => stopped.finish_call(),
            Event::Call(stopped) => stopped.go(None),
            Event::CallDone(stopped) | Event::Exec(stopped) => stopped.go(None),
            Event::Parent { parent, .. } => parent.go(None),
            Event::Signal(stopped, signal) => stopped.go(signal),
            Event::Halted(stopped) => stopped.stay_halted(),
            Event::Exited(..) | Event::Killed(..) => Ok(()),
        }
        .expect("it is there");
    }
}

/// Memory and descriptors after a tenth of so many schedules, and at the end.
fn soak(words: Vec<String>, folder: &Path, schedules: u64) -> ExitCode {
    let mut ours = Ours::new(words, true, folder);
    let mut looks = Vec::new();
    println!("{:>9} {:>8} {:>12} {:>6}", "schedules", "KiB", "descriptors", "files");
    for nth in 1..=schedules {
        ours.run();
        if [schedules / 10, schedules / 2, schedules].contains(&nth) {
            let status = fs::read_to_string("/proc/self/status").expect("/proc");
            let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
            let memory: u64 = memory.trim().trim_end_matches(" kB").parse().unwrap_or_default();
            let descriptors = fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
            let files = fs::read_dir(folder).map_or(0, Iterator::count);
            println!("{nth:>9} {memory:>8} {descriptors:>12} {files:>6}");
            looks.push((memory, descriptors, files));
        }
    }
    let (first, last) = (looks[0], looks[looks.len() - 1]);
    let flat = last.0 <= first.0 + first.0 / 20 && last.1 <= first.1 && last.2 <= first.2;
    println!("\n{}", if flat { "Flat." } else { "It grows." });
    if flat { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
