//! The board that a driver and its workers share: the case, the mailboxes, whose turn it is, and
//! what has happened. It lies in shared memory, so that threads and processes are served alike.
//!
//! In a stepped run exactly one party moves at a time, the one whose bell was rung. All else on the
//! board is plain data that belongs to that party; ringing the next bell hands it over. The words are
//! atomics because other processes map them, and the bell alone orders them: it is rung with
//! `Release` and heard with `Acquire`.

pub mod bell;
mod choices;
mod events;
mod order;

use std::sync::atomic::AtomicU8;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::time::Duration;

use crate::cache::Identity;
use crate::case::{MAX_CHOICES, Plan, Scope, Step};
use crate::history::{Event, What};
use crate::schedule::{Command, MAX_COMMANDS, MAX_WORKERS, Time, Wid};
use crate::sys::futex::{Reach, Word};
use crate::sys::mapping::Shareable;
use crate::sys::robust::Robust;
use crate::sys::semaphore::Semaphore;

use bell::Bell;
use choices::Accesses;

/// The driver's lane; workers have the lanes from 1.
pub const DRIVER: usize = 0;
const LANES: usize = MAX_WORKERS as usize + 1;
const STEPS: usize = MAX_COMMANDS + MAX_WORKERS as usize;
/// The most events that one run may have.
pub const EVENTS: usize = 1 << 17;

/// What belongs to one party. A cache line of its own, or sleepers disturb the one who moves.
#[repr(C, align(64))]
pub struct Lane {
    bell: Bell,
    /// The process, and the thread; zero until the worker has arrived.
    pid: AtomicU32,
    tid: AtomicU32,
    /// Set when the worker has left without being told to.
    gone: AtomicU32,
    /// The next command in the mailbox: a place in the plan, or [`NONE`].
    head: AtomicU32,
    /// The last one that was delivered.
    latest: AtomicU32,
    /// It waits for the lock, and nothing was given back since it tried; or it sleeps.
    blocked: AtomicU32,
    /// It sleeps, and no change wakes it.
    asleep: AtomicU32,
    /// Its process was killed, and nobody has taken its place yet.
    dead: AtomicU32,
    /// Its next call that can fail will.
    failing: AtomicU32,
    /// Its patience is over.
    expired: AtomicU32,
    /// Realtime: how many commands were sent, and how many are answered.
    sent: Word,
    answered: AtomicU32,
    /// Interleaved: the steps it has taken, what the next one does, and what the present attempt to
    /// take the lock has touched so far.
    taken: AtomicU32,
    /// Whether it has come to its first point, or need not.
    primed: AtomicU32,
    /// It was blocked in the step that it will try next.
    in_vain: AtomicU32,
    /// Something that it met in the present attempt has changed since.
    woken: AtomicU32,
    /// It waits at a point, and what it has announced there may not be true any more.
    at_point: AtomicU32,
    stale: AtomicU32,
    first: Accesses,
    next: Accesses,
    /// What it announced at its very first point, if it did nothing on its way there.
    start: Accesses,
    interest: Accesses,
    /// When its patience will be over, in microseconds of the virtual clock; `NEVER` if it does not wait.
    deadline: AtomicU64,
}

const NONE: u32 = u32::MAX;
const NEVER: u64 = u64::MAX;

/// How a stepped run finds out who goes on.
pub mod pace {
    /// By the rule, and at the ends of commands only.
    pub const IN_ORDER: u32 = 0;
    /// By the choices on the board, at every point.
    pub const SCRIPTED: u32 = 1;
    /// By asking the driver, at every point.
    pub const ASKED: u32 = 2;
}

const CHOICES: usize = MAX_CHOICES;
const TEXTS: usize = 1 << 20;
const SIGHTS: usize = 4096;

/// The whole board. All zeros is an empty one.
#[repr(C)]
pub struct Board {
    lanes: [Lane; LANES],
    private: AtomicU32,
    /// Counts the cases; part of the names of their files.
    serial: AtomicU64,
    double: AtomicU32,
    scope: AtomicU32,
    workers: AtomicU32,
    steps: AtomicU32,
    ticks: AtomicU32,
    /// In microseconds; `NEVER` for a lock that waits for ever.
    patience: AtomicU64,
    /// Stepped: who moves.
    mover: AtomicU32,
    /// Stepped: how many ticks have begun, how many commands are delivered, the virtual clock.
    begun: AtomicU32,
    delivered: AtomicU32,
    /// The first command of the present tick.
    tick_starts: AtomicU32,
    now: AtomicU64,
    /// Interleaved: the faults that may still strike, and the worker whose process is to be killed.
    crashes: AtomicU32,
    stalls: AtomicU32,
    jumps: AtomicU32,
    failures: AtomicU32,
    doomed: AtomicU32,
    /// Interleaved: by how much the clock was set back, in microseconds, and whether a call was made to fail.
    set_back: AtomicU64,
    failed: AtomicU32,
    /// Interleaved: [`pace`], whether the driver is asked who goes on, and the choices it was given.
    pace: AtomicU32,
    asking: AtomicU32,
    asked_by: AtomicU32,
    /// How many have not come to their first points yet, though they must.
    unprimed: AtomicU32,
    /// The steps of all together, and how many there may be.
    taken: AtomicU32,
    bound: AtomicU32,
    /// No question is asked while somebody's list is stale.
    exact: AtomicU32,
    /// How often the clock has moved since anything changed.
    rounds: AtomicU32,
    script_length: AtomicU32,
    scripted: AtomicU32,
    script: [AtomicU32; CHOICES],
    /// The inodes that the run has come across, the first first.
    sighted: AtomicU32,
    sights: [AtomicU64; SIGHTS],
    /// What was noted, one text after the other.
    texts_length: AtomicU32,
    texts: [AtomicU8; TEXTS],
    /// Realtime: when the run began, on the machine's monotonic clock, in nanoseconds.
    origin: AtomicU64,
    /// The semaphore of the case.
    pub semaphore: Semaphore,
    /// Its robust mutex.
    pub robust: Robust,
    length: AtomicU32,
    plan: [AtomicU64; STEPS],
    times: [AtomicU64; STEPS],
    events: [[AtomicU64; 3]; EVENTS],
}

// SAFETY: atomics, a semaphore and a mutex, for all of which zeros are a value; no address, nothing to drop.
unsafe impl Shareable for Board {}

impl Board {
    // The bells.

    /// Rings a lane's bell: whoever sleeps there wakes and sees all that was done before.
    pub fn ring(&self, lane: usize, what: u32) {
        self.lanes[lane].bell.ring(what, self.reach());
    }

    /// Sleeps until the lane's bell rings, and resets it.
    pub fn hear(&self, lane: usize) -> u32 {
        self.lanes[lane].bell.hear(self.reach())
    }

    /// The same, but not for ever: `None` once `limit` has passed (or for no reason).
    pub fn hear_within(&self, lane: usize, limit: Option<Duration>) -> Option<u32> {
        self.lanes[lane].bell.hear_within(limit, self.reach())
    }

    /// Stepped: gives the turn to a lane.
    pub fn pass_to(&self, lane: usize) {
        self.mover.store(lane as u32, Relaxed);
        self.ring(lane, bell::TURN);
    }

    /// Stepped: who moves, as far as is known.
    pub fn mover(&self) -> usize {
        self.mover.load(Relaxed) as usize
    }

    /// All who will ever sleep here live in one process: waking them is cheaper then.
    pub fn keep_private(&self) {
        self.private.store(1, Relaxed);
    }

    fn reach(&self) -> Reach {
        if self.private.load(Relaxed) == 1 { Reach::Process } else { Reach::Machine }
    }

    // Arrivals and departures.

    /// The worker of this lane is there.
    pub fn arrive(&self, identity: Identity) {
        let lane = &self.lanes[identity.wid as usize];
        lane.pid.store(identity.pid, Relaxed);
        lane.tid.store(identity.tid, Release);
        self.ring(DRIVER, bell::TURN);
    }

    /// Who is in this lane; `None` until it has arrived.
    pub fn identity(&self, wid: Wid) -> Option<Identity> {
        let lane = self.lanes.get(wid as usize)?;
        let tid = lane.tid.load(Acquire);
        (tid != 0).then(|| Identity { pid: lane.pid.load(Relaxed), tid, wid })
    }

    /// The worker of this lane has left without being told to.
    pub fn leave(&self, wid: Wid) {
        self.lanes[wid as usize].gone.store(1, Release);
        self.ring(DRIVER, bell::TURN);
    }

    /// Has it?
    pub fn has_left(&self, wid: Wid) -> bool {
        self.lanes[wid as usize].gone.load(Acquire) == 1
    }

    /// The process of this worker was killed: it does nothing more in this run, and whatever the kernel
    /// has taken from it others may get. Its place is free.
    pub fn bury(&self, wid: Wid) {
        let lane = &self.lanes[wid as usize];
        if let Some(step) = self.head(wid) {
            let Step { tick, worker, command } = step;
            self.log(&Event { tick, at: self.now(), worker, command, what: What::Crashed });
        }
        lane.head.store(NONE, Relaxed);
        lane.dead.store(1, Relaxed);
        self.unblock_all();
    }

    /// Is this place free since its worker was killed? It is made ready for another one.
    pub fn take_dead(&self, wid: Wid) -> bool {
        let lane = &self.lanes[wid as usize];
        let dead = lane.dead.swap(0, Relaxed) == 1;
        if dead {
            lane.tid.store(0, Relaxed);
            lane.bell.silence();
        }
        dead
    }

    // The case.

    /// Lays out a case. The driver does, while every worker sleeps.
    pub fn lay_out(
        &self,
        serial: u64,
        double: usize,
        scope: Scope,
        workers: u32,
        patience: Option<Time>,
        plan: &Plan,
    ) {
        self.serial.store(serial, Relaxed);
        self.double.store(double as u32, Relaxed);
        self.scope.store(scope as u32, Relaxed);
        self.workers.store(workers, Relaxed);
        self.patience.store(patience.map_or(NEVER, Time::as_micros), Relaxed);
        self.steps.store(plan.steps.len() as u32, Relaxed);
        self.ticks.store(plan.times.len() as u32, Relaxed);
        for counter in [&self.begun, &self.delivered, &self.tick_starts, &self.length] {
            counter.store(0, Relaxed);
        }
        let counters =
            [&self.asking, &self.taken, &self.scripted, &self.sighted, &self.texts_length, &self.doomed];
        for counter in counters {
            counter.store(0, Relaxed);
        }
        self.now.store(0, Relaxed);
        self.set_back.store(0, Relaxed);
        self.failed.store(0, Relaxed);
        self.bound.store(u32::MAX, Relaxed);
        self.rounds.store(0, Relaxed);
        self.unprimed.store(workers, Relaxed);
        for lane in &self.lanes[1..=workers as usize] {
            lane.head.store(NONE, Relaxed);
            lane.latest.store(NONE, Relaxed);
            lane.interest.clear();
            lane.next.clear();
            lane.start.clear();
            lane.at_point.store(0, Relaxed);
            lane.stale.store(0, Relaxed);
            lane.deadline.store(NEVER, Relaxed);
            lane.sent.store(0, Relaxed);
            for word in [
                &lane.blocked,
                &lane.asleep,
                &lane.woken,
                &lane.failing,
                &lane.expired,
                &lane.answered,
                &lane.taken,
                &lane.primed,
                &lane.in_vain,
            ] {
                word.store(0, Relaxed);
            }
        }
        for (slot, time) in self.times.iter().zip(&plan.times) {
            slot.store(time.as_micros(), Relaxed);
        }
        // From the back, so that each step can name the next one of its worker.
        for (place, step) in plan.steps.iter().enumerate().rev() {
            let lane = &self.lanes[step.worker as usize];
            let next = lane.head.swap(place as u32, Relaxed);
            self.plan[place].store(pack(step, next), Relaxed);
        }
    }

    /// The case's number.
    pub fn serial(&self) -> u64 {
        self.serial.load(Relaxed)
    }

    /// The place of its lock in the list of doubles.
    pub fn double(&self) -> usize {
        self.double.load(Relaxed) as usize
    }

    /// Its scope.
    pub fn scope(&self) -> Scope {
        Scope::ALL[self.scope.load(Relaxed) as usize % Scope::ALL.len()]
    }

    /// How many of the workers take part.
    pub fn workers(&self) -> u32 {
        self.workers.load(Relaxed)
    }

    /// The worker's next command, delivered or not.
    pub fn head(&self, wid: Wid) -> Option<Step> {
        let head = self.lanes[wid as usize].head.load(Relaxed);
        (head != NONE).then(|| self.step(head).0)
    }

    fn step(&self, place: u32) -> (Step, u32) {
        unpack(self.plan[place as usize].load(Relaxed))
    }

    /// The worker is done with its next command.
    pub fn done(&self, wid: Wid) {
        let lane = &self.lanes[wid as usize];
        lane.head.store(self.step(lane.head.load(Relaxed)).1, Relaxed);
        lane.deadline.store(NEVER, Relaxed);
    }

    /// The worker skips all commands that come before its last, the exit.
    pub fn skip_to_exit(&self, wid: Wid) {
        while self.head(wid).is_some_and(|step| step.command != Command::Exit) {
            self.done(wid);
        }
    }

    // Realtime: mail.

    /// Starts the run's clock.
    pub fn start_clock(&self, origin: u64) {
        self.origin.store(origin, Relaxed);
    }

    /// When the run began, in nanoseconds of the machine's clock.
    pub fn origin(&self) -> u64 {
        self.origin.load(Relaxed)
    }

    /// Sends a worker its next command.
    pub fn send(&self, wid: Wid) {
        let sent = &self.lanes[wid as usize].sent;
        sent.add(1, Release);
        sent.wake(self.reach());
    }

    /// Sleeps until more than `had` commands were sent to this worker.
    pub fn await_mail(&self, wid: Wid, had: u32) {
        let sent = &self.lanes[wid as usize].sent;
        while sent.load(Acquire) <= had {
            sent.wait(had, None, self.reach());
        }
    }

    /// The worker has answered one more command.
    pub fn answer(&self, wid: Wid) {
        self.lanes[wid as usize].answered.fetch_add(1, Release);
        self.ring(DRIVER, bell::TURN);
    }

    /// How many commands the worker has answered.
    pub fn answered(&self, wid: Wid) -> u32 {
        self.lanes[wid as usize].answered.load(Acquire)
    }

    /// The worker is about to wait for the lock, or has it.
    pub fn set_waiting(&self, wid: Wid, waits: bool) {
        self.lanes[wid as usize].blocked.store(waits.into(), Release);
        self.ring(DRIVER, bell::TURN);
    }

    /// Does it wait?
    pub fn is_waiting(&self, wid: Wid) -> bool {
        self.lanes[wid as usize].blocked.load(Acquire) == 1
    }
}

const COMMANDS: [Command; 3] = [Command::Write, Command::Read, Command::Exit];

/// tick (16 bits), the worker's next step (16), worker (8), command (8)
fn pack(step: &Step, next: u32) -> u64 {
    const { assert!(STEPS < u16::MAX as usize) };
    let next = u64::from(next.min(u16::MAX.into()));
    (step.tick as u64) << 48 | next << 32 | u64::from(step.worker) << 8 | step.command as u64
}

fn unpack(word: u64) -> (Step, u32) {
    let next = (word >> 32) as u16;
    let step = Step {
        tick: (word >> 48) as usize,
        worker: (word >> 8) as u8 as Wid,
        command: COMMANDS[word as u8 as usize % COMMANDS.len()],
    };
    (step, if next == u16::MAX { NONE } else { next.into() })
}
