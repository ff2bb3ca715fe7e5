//! The board that a driver and its workers share: the case, the mailboxes, whose turn it is, and
//! what has happened. It lies in shared memory, so that threads and processes are served alike.
//!
//! In a stepped run exactly one party moves at a time, the one whose bell was rung. All else on the
//! board is plain data that belongs to that party; ringing the next bell hands it over. The words are
//! atomics because other processes map them, and the bell alone orders them: it is rung with
//! `Release` and heard with `Acquire`.

use std::sync::atomic::AtomicU8;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::time::Duration;

use rustix::thread::futex;

use crate::cache::Identity;
use crate::case::{MAX_CHOICES, Plan, Scope, Step};
use crate::history::{Event, Seen, What};
use crate::schedule::{Command, MAX_COMMANDS, MAX_WORKERS, Time, Wid};
use crate::stage::Access;
use crate::sys::mapping::Shareable;
use crate::sys::semaphore::Semaphore;

/// The driver's lane; workers have the lanes from 1.
pub const DRIVER: usize = 0;
const LANES: usize = MAX_WORKERS as usize + 1;
const STEPS: usize = MAX_COMMANDS + MAX_WORKERS as usize;
/// The most events that one run may have.
pub const EVENTS: usize = 1 << 17;

/// What a bell says.
pub mod bell {
    /// Nothing: sleep on.
    pub const REST: u32 = 0;
    /// Stepped: it is your turn.
    pub const TURN: u32 = 1;
    /// Realtime: a case begins, look into your mailbox.
    pub const CASE: u32 = 2;
    /// Leave for good.
    pub const LEAVE: u32 = 3;
}

/// What belongs to one party. A cache line of its own, or sleepers disturb the one who moves.
#[repr(C, align(64))]
pub struct Lane {
    bell: AtomicU32,
    /// The process, and the thread; zero until the worker has arrived.
    pid: AtomicU32,
    tid: AtomicU32,
    /// Set when the worker has left without being told to.
    gone: AtomicU32,
    /// The next command in the mailbox: a place in the plan, or [`NONE`].
    head: AtomicU32,
    /// The last one that was delivered.
    latest: AtomicU32,
    /// It waits for the lock, and nothing was given back since it tried.
    blocked: AtomicU32,
    /// Its patience is over.
    expired: AtomicU32,
    /// Realtime: how many commands were sent, and how many are answered.
    sent: AtomicU32,
    answered: AtomicU32,
    /// Interleaved: the steps it has taken, what the next one does, and what the present attempt to
    /// take the lock has touched so far.
    taken: AtomicU32,
    /// It has come to its first point.
    primed: AtomicU32,
    /// Something that it met in the present attempt has changed since.
    woken: AtomicU32,
    first: Accesses,
    next: Accesses,
    interest: Accesses,
    /// When its patience will be over, in microseconds of the virtual clock; `NEVER` if it does not wait.
    deadline: AtomicU64,
}

/// A few accesses; more than fit stand for "anything".
#[repr(C)]
struct Accesses {
    length: AtomicU32,
    words: [AtomicU64; INTERESTS],
}

const INTERESTS: usize = 16;

impl Accesses {
    fn clear(&self) {
        self.length.store(0, Relaxed);
    }

    fn set(&self, accesses: &[Access]) {
        self.clear();
        self.add(accesses);
    }

    fn add(&self, accesses: &[Access]) {
        let length = self.length.load(Relaxed) as usize;
        // Nothing named is anything, and anything stays anything.
        if accesses.is_empty() || length + accesses.len() > INTERESTS {
            return self.length.store(u32::MAX, Relaxed);
        }
        for (word, access) in self.words[length..].iter().zip(accesses) {
            word.store(access.pack(), Relaxed);
        }
        self.length.store((length + accesses.len()) as u32, Relaxed);
    }

    /// Empty for "anything".
    fn get(&self) -> Vec<Access> {
        let length = self.length.load(Relaxed) as usize;
        let words = self.words.get(..length).unwrap_or_default();
        words.iter().map(|word| Access::unpack(word.load(Relaxed))).collect()
    }

    /// Could a step with these accesses change what a step with the others met?
    fn depend_on(&self, others: &[Access]) -> bool {
        let mine = self.get();
        mine.is_empty()
            || others.is_empty()
            || mine.iter().any(|one| others.iter().any(|two| one.depends_on(*two)))
    }
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
    /// Interleaved: [`pace`], whether the driver is asked who goes on, and the choices it was given.
    pace: AtomicU32,
    asking: AtomicU32,
    asked_by: AtomicU32,
    script_length: AtomicU32,
    scripted: AtomicU32,
    script: [AtomicU32; CHOICES],
    /// What was noted, one text after the other.
    /// The inodes that the run has come across, the first first.
    sighted: AtomicU32,
    sights: [AtomicU64; SIGHTS],
    texts_length: AtomicU32,
    texts: [AtomicU8; TEXTS],
    /// Realtime: when the run began, on the machine's monotonic clock, in nanoseconds.
    origin: AtomicU64,
    /// The semaphore of the case.
    pub semaphore: Semaphore,
    length: AtomicU32,
    plan: [AtomicU64; STEPS],
    times: [AtomicU64; STEPS],
    events: [[AtomicU64; 3]; EVENTS],
}

// SAFETY: atomics and a semaphore, for all of which zeros are a value; no address, nothing to drop.
unsafe impl Shareable for Board {}

impl Board {
    // The bells.

    /// Rings a lane's bell: whoever sleeps there wakes and sees all that was done before.
    pub fn ring(&self, lane: usize, what: u32) {
        self.lanes[lane].bell.store(what, Release);
        let _ = futex::wake(&self.lanes[lane].bell, self.futexes(), 1);
    }

    /// Sleeps until the lane's bell rings, and resets it.
    pub fn hear(&self, lane: usize) -> u32 {
        loop {
            if let Some(what) = self.hear_within(lane, None) {
                return what;
            }
        }
    }

    /// The same, but not for ever: `None` once `limit` has passed (or for no reason).
    pub fn hear_within(&self, lane: usize, limit: Option<Duration>) -> Option<u32> {
        let word = &self.lanes[lane].bell;
        let take = || Some(word.swap(bell::REST, AcqRel)).filter(|&what| what != bell::REST);
        take().or_else(|| {
            self.sleep_on(word, bell::REST, limit);
            take()
        })
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

    fn futexes(&self) -> futex::Flags {
        if self.private.load(Relaxed) == 1 { futex::Flags::PRIVATE } else { futex::Flags::empty() }
    }

    fn sleep_on(&self, word: &AtomicU32, value: u32, limit: Option<Duration>) {
        let limit = limit.map(|limit| futex::Timespec {
            tv_sec: limit.as_secs() as _,
            tv_nsec: limit.subsec_nanos().into(),
        });
        // Woken, timed out, interrupted, or the value was another already: the caller looks again.
        let _ = futex::wait(word, self.futexes(), value, limit.as_ref());
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
        for counter in [&self.asking, &self.scripted, &self.sighted, &self.texts_length] {
            counter.store(0, Relaxed);
        }
        self.now.store(0, Relaxed);
        for lane in &self.lanes[1..=workers as usize] {
            lane.head.store(NONE, Relaxed);
            lane.latest.store(NONE, Relaxed);
            lane.interest.clear();
            lane.next.clear();
            lane.deadline.store(NEVER, Relaxed);
            for word in [&lane.blocked, &lane.expired, &lane.sent, &lane.answered, &lane.taken, &lane.primed]
            {
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

    // Interleaved: whose turn is it?

    /// Lays out how it is found who goes on; with choices, these are followed, and past their end the
    /// first of the enabled goes on.
    pub fn set_pace(&self, how: u32, choices: &[u32]) {
        self.pace.store(how, Relaxed);
        self.script_length.store(choices.len().min(CHOICES) as u32, Relaxed);
        for (word, choice) in self.script.iter().zip(choices) {
            word.store(*choice, Relaxed);
        }
        if how != pace::IN_ORDER {
            // No barriers: everything is in the mailboxes from the beginning.
            self.begun.store(self.ticks.load(Relaxed), Relaxed);
            self.delivered.store(self.steps.load(Relaxed), Relaxed);
        }
    }

    /// Do points count in this run?
    pub fn is_interleaved(&self) -> bool {
        self.pace.load(Relaxed) != pace::IN_ORDER
    }

    /// The worker will do this next. Is it what was known already?
    pub fn announce(&self, wid: Wid, next: &[Access]) -> bool {
        let lane = &self.lanes[wid as usize];
        let expected = lane.next.get() == next;
        lane.next.set(next);
        if lane.interest.length.load(Relaxed) == 0 {
            lane.first.set(next);
        }
        lane.interest.add(next);
        expected
    }

    /// What the worker will do next; empty for "anything".
    pub fn announced(&self, wid: Wid) -> Vec<Access> {
        self.lanes[wid as usize].next.get()
    }

    /// The worker begins an attempt to take the lock.
    pub fn begin_attempt(&self, wid: Wid) {
        let lane = &self.lanes[wid as usize];
        lane.interest.clear();
        lane.woken.store(0, Relaxed);
    }

    /// The attempt has found the lock taken. When it is made again it will begin with the same step.
    pub fn block_if_unchanged(&self, wid: Wid) {
        let lane = &self.lanes[wid as usize];
        lane.blocked.store(u32::from(lane.woken.load(Relaxed) == 0), Relaxed);
        lane.next.set(&lane.first.get());
    }

    /// The place of this inode among those that the run has come across.
    pub fn sight(&self, inode: u64) -> u64 {
        let sighted = self.sighted.load(Relaxed) as usize;
        let known = self.sights[..sighted].iter().position(|known| known.load(Relaxed) == inode);
        let nth = known.unwrap_or(sighted);
        if nth == SIGHTS {
            return inode;
        }
        if known.is_none() {
            self.sights[nth].store(inode, Relaxed);
            self.sighted.store(nth as u32 + 1, Relaxed);
        }
        nth as u64
    }

    /// The worker takes a step.
    pub fn step_taken(&self, wid: Wid) {
        self.lanes[wid as usize].taken.fetch_add(1, Relaxed);
    }

    /// How many steps it has taken.
    pub fn steps_taken(&self, wid: Wid) -> u32 {
        self.lanes[wid as usize].taken.load(Relaxed)
    }

    /// The step that this worker has just taken changed something. Whoever is blocked and has touched
    /// that may try again.
    pub fn changed_by(&self, wid: Wid) {
        let changes = self.announced(wid);
        for (nth, lane) in self.lanes.iter().enumerate().skip(1).take(self.workers() as usize) {
            if nth != wid as usize && lane.interest.depend_on(&changes) {
                lane.blocked.store(0, Relaxed);
                lane.woken.store(1, Relaxed);
            }
        }
    }

    /// Who could go on: first the one who moved last, then the others by number.
    pub fn enabled(&self, last: Wid) -> Vec<Wid> {
        let can = |&wid: &Wid| {
            let lane = &self.lanes[wid as usize];
            lane.head.load(Relaxed) != NONE && lane.blocked.load(Relaxed) == 0
        };
        let others = (1..=self.workers()).filter(|&wid| wid != last);
        [last].into_iter().chain(others).filter(can).collect()
    }

    /// Who goes on after `last`, as far as that can be told here: the driver's lane when it must be
    /// asked, or when nobody can go on.
    ///
    /// Before anything is decided each worker is let go up to its first point, so that it is known
    /// from the beginning what everybody would do.
    pub fn decide(&self, last: Wid) -> usize {
        let workers = &self.lanes[1..=self.workers() as usize];
        let begins = workers[last as usize - 1].primed.swap(1, Relaxed) == 0;
        if let Some(nth) = workers.iter().position(|lane| lane.primed.load(Relaxed) == 0) {
            return nth + 1;
        }
        let last = if begins { 1 } else { last };
        let enabled = self.enabled(last);
        if enabled.is_empty() {
            return DRIVER;
        }
        if self.pace.load(Relaxed) == pace::ASKED {
            self.asked_by.store(last, Relaxed);
            self.asking.store(1, Relaxed);
            return DRIVER;
        }
        if enabled.len() == 1 {
            return enabled[0] as usize;
        }
        let nth = self.scripted.fetch_add(1, Relaxed);
        let known = nth < self.script_length.load(Relaxed);
        let choice = if known { self.script[nth as usize].load(Relaxed) as usize } else { 0 };
        enabled[choice % enabled.len()] as usize
    }

    /// Is the driver asked who goes on, and by whom? Asked once.
    pub fn take_question(&self) -> Option<Wid> {
        (self.asking.swap(0, Relaxed) == 1).then(|| self.asked_by.load(Relaxed))
    }

    // Stepped, in order: whose turn is it?

    /// The worker would block: it is not let go again until somebody gives the lock back, or its
    /// patience ends.
    pub fn block(&self, wid: Wid) {
        let lane = &self.lanes[wid as usize];
        lane.blocked.store(1, Relaxed);
        if lane.deadline.load(Relaxed) == NEVER {
            let end = self.now.load(Relaxed).saturating_add(self.patience.load(Relaxed));
            lane.deadline.store(end, Relaxed);
        }
    }

    /// Somebody gave the lock back: all who wait may try again.
    pub fn unblock_all(&self) {
        for lane in &self.lanes[1..=self.workers() as usize] {
            lane.blocked.store(0, Relaxed);
        }
    }

    /// Has this worker's patience ended? Asked once.
    pub fn take_expired(&self, wid: Wid) -> bool {
        self.lanes[wid as usize].expired.swap(0, Relaxed) == 1
    }

    /// Who moves next; the driver's lane when nobody can any more.
    ///
    /// Among those who have a command and are not blocked: first those who are asked in this tick, in
    /// its order, each until it has done all it was asked; then first come, first served. When there
    /// is none the tick is over and the next begins; the virtual clock moves to it, past the patience
    /// of those who waited.
    pub fn next(&self) -> usize {
        let patient = self.patience.load(Relaxed) == NEVER;
        loop {
            if let Some(lane) = self.first_enabled() {
                return lane;
            }
            let begun = self.begun.load(Relaxed);
            let over = begun == self.ticks.load(Relaxed);
            let horizon = if over { NEVER - 1 } else { self.times[begun as usize].load(Relaxed) };
            if !patient && let Some(lane) = self.expire_until(horizon) {
                return lane;
            }
            if over {
                return DRIVER;
            }
            self.now.store(horizon, Relaxed);
            self.begun.store(begun + 1, Relaxed);
            self.deliver(begun);
        }
    }

    fn first_enabled(&self) -> Option<usize> {
        let (delivered, tick_starts) = (self.delivered.load(Relaxed), self.tick_starts.load(Relaxed));
        let mut first = (u32::MAX, None);
        for (nth, lane) in self.lanes[1..=self.workers() as usize].iter().enumerate() {
            let head = lane.head.load(Relaxed);
            if head < delivered && lane.blocked.load(Relaxed) == 0 {
                let latest = lane.latest.load(Relaxed);
                let asked_now = latest >= tick_starts;
                let rank = if asked_now { latest - tick_starts } else { STEPS as u32 + head };
                if rank < first.0 {
                    first = (rank, Some(nth + 1));
                }
            }
        }
        first.1
    }

    fn expire_until(&self, horizon: u64) -> Option<usize> {
        let lanes = self.lanes.iter().enumerate().skip(1).take(self.workers() as usize);
        let ends = lanes.map(|(nth, lane)| (lane.deadline.load(Relaxed), nth));
        let (end, nth) = ends.min().filter(|&(end, _)| end <= horizon)?;
        self.now.fetch_max(end, Relaxed);
        let lane = &self.lanes[nth];
        lane.blocked.store(0, Relaxed);
        lane.expired.store(1, Relaxed);
        Some(nth)
    }

    fn deliver(&self, tick: u32) {
        let mut delivered = self.delivered.load(Relaxed);
        self.tick_starts.store(delivered, Relaxed);
        while delivered < self.steps.load(Relaxed) {
            let (step, _) = self.step(delivered);
            if step.tick > tick as usize {
                break;
            }
            self.lanes[step.worker as usize].latest.store(delivered, Relaxed);
            delivered += 1;
        }
        self.delivered.store(delivered, Relaxed);
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
        sent.fetch_add(1, Release);
        let _ = futex::wake(sent, self.futexes(), 1);
    }

    /// Sleeps until more than `had` commands were sent to this worker.
    pub fn await_mail(&self, wid: Wid, had: u32) {
        let sent = &self.lanes[wid as usize].sent;
        while sent.load(Acquire) <= had {
            self.sleep_on(sent, had, None);
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

    // What happened.

    /// The virtual clock.
    pub fn now(&self) -> Time {
        Time::from_micros(self.now.load(Relaxed))
    }

    /// Writes one event. What does not fit is counted and dropped; the driver looks.
    pub fn log(&self, event: &Event) {
        let words = match &event.what {
            What::Note(text) => {
                let [first, _, third] = encode(&Event { what: What::Began, ..event.clone() });
                let [_, rest @ ..] = first.to_le_bytes();
                let [a, b, c, d, e, f, g] = rest;
                [u64::from_le_bytes([10, a, b, c, d, e, f, g]), self.lay_down(text), third]
            }
            _ => encode(event),
        };
        let nth = self.length.fetch_add(1, Relaxed) as usize;
        if let Some(slot) = self.events.get(nth) {
            let [first, second, third] = words;
            slot[1].store(second, Relaxed);
            slot[2].store(third, Relaxed);
            slot[0].store(first, Release);
        }
    }

    /// Puts a text on the board, or as much of it as fits, and says where it is.
    fn lay_down(&self, text: &str) -> u64 {
        let at = self.texts_length.load(Relaxed) as usize;
        let room = self.texts.get(at..).unwrap_or_default();
        let mut length = text.len().min(room.len());
        while !text.is_char_boundary(length) {
            length -= 1;
        }
        for (place, byte) in room.iter().zip(text[..length].bytes()) {
            place.store(byte, Relaxed);
        }
        self.texts_length.store((at + length) as u32, Relaxed);
        (at as u64) << 32 | length as u64
    }

    fn text(&self, at: usize, length: usize) -> String {
        let bytes = self.texts.get(at..at + length).unwrap_or_default();
        let bytes: Vec<u8> = bytes.iter().map(|byte| byte.load(Relaxed)).collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// How many events were written.
    pub fn length(&self) -> usize {
        self.length.load(Acquire) as usize
    }

    /// Takes the events off the board. Whoever was killed while writing one leaves none.
    pub fn take_events(&self) -> Vec<Event> {
        let slots = &self.events[..self.length().min(EVENTS)];
        slots.iter().filter_map(|slot| self.decode(slot)).collect()
    }

    fn decode(&self, slot: &[AtomicU64; 3]) -> Option<Event> {
        let first = slot[0].swap(0, Acquire);
        let (second, third) = (slot[1].load(Relaxed), slot[2].load(Relaxed));
        let [kind, worker, command, seen, ..] = first.to_le_bytes();
        let what = match kind {
            1 => What::Began,
            2 => What::Locked,
            3 => What::Blocked,
            4 => What::GaveUp,
            5 => What::Wrote,
            6 => What::Read(match seen {
                1 => self.who((second >> 32) as u32, second as u32, (third >> 48) as u32),
                2 => Seen::Torn { bytes: second },
                _ => Seen::Missing,
            }),
            7 => What::Unlocked,
            8 => What::Exited,
            9 => What::Failed(second as i32),
            10 => What::Note(self.text((second >> 32) as usize, second as u32 as usize)),
            _ => return None,
        };
        Some(Event {
            tick: (first >> 32) as usize,
            at: Time::from_micros(third & TIME_BITS),
            worker: worker.into(),
            command: COMMANDS[usize::from(command) % COMMANDS.len()],
            what,
        })
    }

    /// An identity is a worker of this run when all three of its numbers are.
    fn who(&self, pid: u32, tid: u32, wid: u32) -> Seen {
        let takes_part = (1..=self.workers()).contains(&wid);
        match self.identity(wid) {
            Some(known) if takes_part && known == (Identity { pid, tid, wid }) => Seen::Worker(wid),
            _ => Seen::Stranger { pid, tid, wid },
        }
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

/// Eight years of microseconds.
const TIME_BITS: u64 = (1 << 48) - 1;

/// kind, worker, command, seen (8 bits each), tick (32); what belongs to the kind (64); the worker
/// number that was read (16), time (48)
fn encode(event: &Event) -> [u64; 3] {
    let mut number = 0;
    let (kind, seen, detail) = match event.what {
        What::Began => (1, 0, 0),
        What::Locked => (2, 0, 0),
        What::Blocked => (3, 0, 0),
        What::GaveUp => (4, 0, 0),
        What::Wrote => (5, 0, 0),
        What::Read(Seen::Torn { bytes }) => (6, 2, bytes),
        What::Read(Seen::Missing) => (6, 3, 0),
        What::Read(Seen::Stranger { pid, tid, wid }) => {
            number = u64::from(wid.min(u16::MAX.into()));
            (6, 1, u64::from(pid) << 32 | u64::from(tid))
        }
        What::Read(Seen::Worker(_)) => {
            unreachable!("a reader sees identities, the board knows whose they are")
        }
        What::Unlocked => (7, 0, 0),
        What::Exited => (8, 0, 0),
        What::Failed(errno) => (9, 0, errno as u32 as u64),
        What::Note(_) => unreachable!("a text is laid down before its event is encoded"),
    };
    let head = u64::from_le_bytes([kind, event.worker as u8, event.command as u8, seen, 0, 0, 0, 0]);
    [head | (event.tick as u64) << 32, detail, event.at.as_micros().min(TIME_BITS) | number << 48]
}
