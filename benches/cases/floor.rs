//! The floors: the same work without an engine, by one thread or from hand to hand.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicU32, AtomicU64};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use lockfuzz::cache::Identity;
use lockfuzz::case::Placement;
use lockfuzz::lock;
use lockfuzz::schedule::{MAX_WORKERS, Wid};
use lockfuzz::sys::mapping::{Mapping, Shareable};
use lockfuzz::sys::semaphore::Semaphore;
use rustix::process::{Signal, set_parent_process_death_signal};
use rustix::thread::futex;
use tempfile::TempDir;

use super::contest::{Contestant, Row, rate};
use super::script::{Act, Hand, Place, Script, clear, identity};

/// The word that makes this program a worker of [`Relay`].
pub const WORKER: &str = "relay-worker";

/// One thread does what all workers did.
pub struct Alone {
    folder: TempDir,
    double: &'static lock::Double,
    /// Each worker and the mutex of its process.
    workers: Vec<(Identity, &'static Mutex<()>)>,
    ring: Mapping<Ring>,
    scripts: Vec<Script>,
    serial: u64,
}

impl Alone {
    pub fn new(row: &Row, scripts: Vec<Script>) -> Self {
        let ring = Ring::new();
        let first = new_mutex();
        let mutex = || if row.placement == Placement::Threads { first } else { new_mutex() };
        let workers = (1..=row.workers).map(|wid| (identity(wid), mutex())).collect();
        Alone { folder: row.medium.folder(), double: row.double, workers, ring, scripts, serial: 0 }
    }

    fn case(&mut self) {
        let (double, folder, semaphore) = (self.double, self.folder.path(), &self.ring.semaphore);
        let hand = |&(me, mutex): &(Identity, _)| {
            Hand::new(Place { double, folder, mutex, semaphore }, me, self.serial)
        };
        let mut hands: Vec<Hand> = self.workers.iter().map(hand).collect();
        for &(wid, act) in &self.scripts[self.serial as usize % self.scripts.len()] {
            hands[wid as usize - 1].act(act);
        }
        clear(folder, self.serial);
        self.serial += 1;
    }
}

impl Contestant for Alone {
    fn rate(&mut self, time: Duration) -> f64 {
        rate(time, || self.case())
    }
}

/// Real workers do it; whoever stops wakes the next one of the script.
pub struct Relay {
    folder: TempDir,
    ring: Arc<Mapping<Ring>>,
    hands: Hands,
    /// Where each script begins.
    starts: Vec<u32>,
    serial: u64,
}

enum Hands {
    Threads(Vec<JoinHandle<()>>),
    Processes(Vec<Child>),
}

impl Relay {
    pub fn new(row: &Row, scripts: &[Script]) -> Self {
        let (folder, ring) = (row.medium.folder(), Arc::new(Ring::new()));
        let starts = ring.learn(scripts);
        let hands = match row.placement {
            Placement::Threads => {
                let mutex = new_mutex();
                let start = |wid| {
                    let (double, ring, folder) = (row.double, Arc::clone(&ring), folder.path().to_owned());
                    std::thread::spawn(move || {
                        let semaphore = &ring.semaphore;
                        serve(&ring, LOCAL, Place { double, folder: &folder, mutex, semaphore }, wid);
                    })
                };
                Hands::Threads((1..=row.workers).map(start).collect())
            }
            Placement::Processes | Placement::Mixed => {
                let start = |wid: Wid| {
                    let memory = ring.memory().try_clone_to_owned()?;
                    let mut command = Command::new("/proc/self/exe");
                    command.args([WORKER, &wid.to_string(), row.double.name]).arg(folder.path());
                    command.stdin(Stdio::from(memory)).spawn()
                };
                let start = |wid| start(wid).expect("this program can be started again");
                Hands::Processes((1..=row.workers).map(start).collect())
            }
        };
        Relay { folder, ring, hands, starts, serial: 0 }
    }

    fn case(&mut self) {
        let flags = if matches!(self.hands, Hands::Threads(_)) { LOCAL } else { SHARED };
        let ring = &self.ring;
        let start = self.starts[self.serial as usize % self.starts.len()];
        ring.serial.store(self.serial, Relaxed);
        ring.at.store(start, Relaxed);
        let (first, _) = ring.word(start);
        ring.wake(first, TURN, flags);
        ring.hear(DRIVER, flags);
        clear(self.folder.path(), self.serial);
        self.serial += 1;
    }
}

impl Contestant for Relay {
    fn rate(&mut self, time: Duration) -> f64 {
        rate(time, || self.case())
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        match &mut self.hands {
            Hands::Threads(workers) => {
                for (wid, worker) in (1..).zip(workers.drain(..)) {
                    self.ring.wake(wid, LEAVE, LOCAL);
                    let _ = worker.join();
                }
            }
            Hands::Processes(workers) => {
                for (wid, worker) in (1..).zip(workers) {
                    self.ring.wake(wid, LEAVE, SHARED);
                    let _ = worker.wait();
                }
            }
        }
    }
}

/// The life of a worker process of [`Relay`].
pub fn work(wid: &str, lock: &str, folder: &str) {
    static MUTEX: Mutex<()> = Mutex::new(());
    set_parent_process_death_signal(Some(Signal::KILL)).expect("a wish that is always granted");
    let memory = File::from(io::stdin().as_fd().try_clone_to_owned().expect("the memory"));
    let ring = Mapping::<Ring>::open(memory).expect("a ring");
    let double = lock::EXPERIMENT.into_iter().find(|double| double.name == lock).expect("a known lock");
    let (folder, semaphore) = (Path::new(folder), &ring.semaphore);
    let place = Place { double, folder, mutex: &MUTEX, semaphore };
    serve(&ring, SHARED, place, wid.parse().expect("a number"));
}

fn serve(ring: &Ring, flags: futex::Flags, place: Place<'_>, wid: Wid) {
    let me = identity(wid);
    let mut hand: Option<(u64, Hand)> = None;
    while ring.hear(wid, flags) == TURN {
        let serial = ring.serial.load(Relaxed);
        let (_, hand) = match hand.take() {
            Some(same) if same.0 == serial => hand.insert(same),
            _ => hand.insert((serial, Hand::new(place, me, serial))),
        };
        let mut at = ring.at.load(Relaxed);
        let next = loop {
            match ring.word(at) {
                (next, act) if next == wid => hand.act(act),
                (next, _) => break next,
            }
            at += 1;
        };
        ring.at.store(at, Relaxed);
        ring.wake(next, TURN, flags);
    }
}

const DRIVER: Wid = 0;

// What a bell says.
const REST: u32 = 0;
const TURN: u32 = 1;
const LEAVE: u32 = 2;

/// A futex of this process is a little cheaper than one of several.
const LOCAL: futex::Flags = futex::Flags::PRIVATE;
const SHARED: futex::Flags = futex::Flags::empty();

/// The memory of a relay.
#[repr(C)]
struct Ring {
    semaphore: Semaphore,
    serial: AtomicU64,
    /// Where in `words` the next move is.
    at: AtomicU32,
    bells: [Bell; MAX_WORKERS as usize + 1],
    /// All scripts: worker (24 bits) and act (8 bits) each; after each script a zero, the driver.
    words: [AtomicU32; 1 << 16],
}

#[repr(align(64))]
struct Bell(AtomicU32);

// SAFETY: atomics and a semaphore, for all of which zeros are a value; no address, nothing to drop.
unsafe impl Shareable for Ring {}

impl Ring {
    fn new() -> Mapping<Ring> {
        let ring = Mapping::<Ring>::new("lockfuzz relay").expect("memory");
        ring.semaphore.reset().expect("a semaphore");
        ring
    }

    /// Writes the scripts down, and says where each begins.
    fn learn(&self, scripts: &[Script]) -> Vec<u32> {
        let mut words = self.words.iter().enumerate();
        let mut write = |wid: Wid, act: u32| {
            let (at, word) = words.next().expect("scripts of a sane length");
            word.store(wid << 8 | act, Relaxed);
            at as u32
        };
        let mut script = |script: &Script| {
            let places: Vec<u32> = script.iter().map(|&(wid, act)| write(wid, act as u32)).collect();
            write(DRIVER, 0);
            places[0]
        };
        scripts.iter().map(&mut script).collect()
    }

    fn word(&self, at: u32) -> (Wid, Act) {
        let word = self.words[at as usize].load(Relaxed);
        (word >> 8, Act::ALL[word as u8 as usize])
    }

    fn wake(&self, wid: Wid, what: u32, flags: futex::Flags) {
        let Bell(bell) = &self.bells[wid as usize];
        bell.store(what, Release);
        let _ = futex::wake(bell, flags, 1);
    }

    fn hear(&self, wid: Wid, flags: futex::Flags) -> u32 {
        let Bell(bell) = &self.bells[wid as usize];
        loop {
            match bell.swap(REST, Acquire) {
                REST => _ = futex::wait(bell, flags, REST, None),
                what => return what,
            }
        }
    }
}

/// A mutex that a thread may hold for ever; a few bytes for each row.
fn new_mutex() -> &'static Mutex<()> {
    Box::leak(Box::default())
}
