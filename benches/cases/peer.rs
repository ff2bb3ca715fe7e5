//! shuttle: the same writes and reads of files, by its coroutines, under its random scheduler.
//!
//! Each worker holds shuttle's mutex while it does what it did in the engine. Only the mutex is a
//! point where shuttle may switch, nobody tries it in vain, and there is no lock file to be made and
//! removed: all in its favour. It uses one core.

use std::fs;
use std::path::Path;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use lockfuzz::cache::{Found, Identity, SharedFile};
use lockfuzz::schedule::Wid;
use shuttle::scheduler::RandomScheduler;
use shuttle::sync::Mutex;
use shuttle::{Config, Runner};
use tempfile::TempDir;

use super::contest::{Contestant, Row};
use super::script::{Act, Script};

pub struct Shuttle {
    folder: TempDir,
    cases: Arc<Vec<Vec<Work>>>,
    serial: Arc<AtomicU64>,
    /// Its last rate.
    rate: f64,
}

/// What one worker does.
type Work = (Wid, Vec<Act>);

impl Shuttle {
    pub fn new(row: &Row, scripts: &[Script]) -> Self {
        let of = |script: &Script, wid| {
            let mine = script.iter().filter(|&&(w, act)| w == wid && matches!(act, Act::Write | Act::Read));
            (wid, mine.map(|&(_, act)| act).collect())
        };
        let case = |script| (1..=row.workers).map(|wid| of(script, wid)).collect();
        let cases = Arc::new(scripts.iter().map(case).collect());
        Shuttle { folder: row.medium.folder(), cases, serial: Arc::default(), rate: 100.0 }
    }
}

impl Contestant for Shuttle {
    fn rate(&mut self, time: Duration) -> f64 {
        let mut config = Config::new();
        config.silence_warnings = true;
        // Counted and not timed: a scheduler whose time is up calls its last seed a failing one.
        let count = (self.rate * time.as_secs_f64()).ceil() as usize;
        let scheduler = RandomScheduler::new_from_seed(self.serial.load(Relaxed), count);
        let (folder, serial) = (self.folder.path().to_owned(), Arc::clone(&self.serial));
        let cases = Arc::clone(&self.cases);
        let start = Instant::now();
        Runner::new(scheduler, config).run(move || {
            let serial = serial.fetch_add(1, Relaxed);
            run(&folder.join(format!("case-{serial}.json")), &cases[serial as usize % cases.len()]);
        });
        self.rate = count as f64 / start.elapsed().as_secs_f64();
        self.rate
    }
}

fn run(path: &Path, case: &[Work]) {
    let file = Arc::new(SharedFile::at(path.to_owned()));
    let lock = Arc::new(Mutex::new(()));
    let start = |(wid, acts): &Work| {
        let (file, lock, acts) = (Arc::clone(&file), Arc::clone(&lock), acts.clone());
        let me = Identity { pid: process::id(), tid: process::id(), wid: *wid };
        shuttle::thread::spawn(move || {
            let _held = lock.lock().expect("nobody panics");
            for act in acts {
                match act {
                    Act::Write => file.write(me).expect("the file can be written"),
                    _ => assert_eq!(file.read().expect("the file can be read"), Found::Identity(me)),
                }
            }
        })
    };
    let workers: Vec<_> = case.iter().map(start).collect();
    for worker in workers {
        worker.join().expect("the law holds");
    }
    fs::remove_file(path).expect("the file was written");
}
