//! The interleaved part of the board: what each worker would do next, who could go on, and who does.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicU32, AtomicU64};

use super::{Board, CHOICES, DRIVER, Lane, NEVER, NONE, SIGHTS, pace};
use crate::case::{Faults, Step};
use crate::history::{Event, What};
use crate::interleave::Act;
use crate::schedule::Wid;
use crate::stage::{Access, clock};
use crate::time::JUMP;

/// A few accesses; more than fit stand for "anything".
#[repr(C)]
pub(super) struct Accesses {
    length: AtomicU32,
    words: [AtomicU64; INTERESTS],
}

const INTERESTS: usize = 16;

/// In microseconds: a sleep of this length is still a pause between two looks.
const PAUSE: u64 = 100_000;
/// So often the clock moves without anything having changed before it moves faster, and so often it then
/// moves twice as far: 2^50 microseconds are 35 years.
const ROUNDS: u32 = 64;
const DOUBLINGS: u32 = 50;
/// Blocked, and not because of a whole attempt, but of one step.
const ON_NEXT: u32 = 2;

/// What is known of a worker before it has taken a step.
mod prime {
    /// Nothing: it must be let go up to its first point.
    pub const NOT: u32 = 0;
    /// It has come there.
    pub const DONE: u32 = 1;
    /// It has not begun, but what it will do first is known from an execution before.
    pub const FORESEEN: u32 = 2;
}

impl Accesses {
    pub(super) fn clear(&self) {
        self.length.store(0, Relaxed);
    }

    fn set(&self, accesses: &[Access]) {
        self.clear();
        self.add(accesses.iter().map(|access| access.pack()));
    }

    fn add(&self, accesses: impl ExactSizeIterator<Item = u64>) {
        let length = self.length.load(Relaxed) as usize;
        // Nothing named is anything, and anything stays anything.
        if accesses.len() == 0 || length.saturating_add(accesses.len()) > INTERESTS {
            return self.length.store(u32::MAX, Relaxed);
        }
        let mut length = length;
        for access in accesses {
            // Whoever looks again and again looks at the same.
            if self.words[..length].iter().all(|known| known.load(Relaxed) != access) {
                self.words[length].store(access, Relaxed);
                length += 1;
            }
        }
        self.length.store(length as u32, Relaxed);
    }

    /// Packed; none for "anything".
    fn words(&self) -> impl ExactSizeIterator<Item = u64> + Clone {
        let length = self.length.load(Relaxed) as usize;
        self.words.get(..length).unwrap_or_default().iter().map(|word| word.load(Relaxed))
    }

    /// Empty for "anything".
    fn iter(&self) -> impl ExactSizeIterator<Item = Access> {
        self.words().map(Access::unpack)
    }

    /// Are they these, in this order?
    fn are(&self, accesses: &[Access]) -> bool {
        self.iter().eq(accesses.iter().copied())
    }

    /// Could a step with these accesses change what a step with the others met? Nothing at all is not
    /// "anything": what was cleared depends on nobody.
    fn depend_on(&self, others: &Accesses) -> bool {
        if self.length.load(Relaxed) == 0 {
            return false;
        }
        let (mine, others) = (self.words(), others.words());
        mine.len() == 0
            || others.len() == 0
            || mine
                .into_iter()
                .any(|one| others.clone().any(|two| Access::unpack(one).depends_on(Access::unpack(two))))
    }
}

impl Board {
    /// Lays out how it is found who goes on; with choices, these are followed, and past their end the
    /// first of the enabled goes on.
    pub fn set_pace(&self, how: u32, choices: &[u32], faults: Faults) {
        self.pace.store(how, Relaxed);
        self.crashes.store(faults.crashes, Relaxed);
        self.stalls.store(faults.stalls, Relaxed);
        self.jumps.store(faults.jumps, Relaxed);
        self.failures.store(faults.failures, Relaxed);
        self.exact.store(0, Relaxed);
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
        let expected = lane.next.are(next);
        if !expected {
            lane.next.set(next);
        }
        if lane.interest.length.load(Relaxed) == 0 {
            lane.first.set(next);
        }
        // Who has said something before, or slept, did more than to come here.
        if lane.primed.load(Relaxed) == prime::NOT && self.length() == 0 {
            lane.start.set(next);
        }
        lane.at_point.store(1, Relaxed);
        expected
    }

    /// Has somebody meanwhile changed what this worker's list was made from? Then it must be made anew.
    pub fn take_stale(&self, wid: Wid) -> bool {
        self.lanes[wid as usize].stale.swap(0, Relaxed) == 1
    }

    /// For the run that is laid out: lists that have become stale are made anew before the driver is asked, and not only before their
    /// step is taken: what depends on what is then exact.
    pub fn set_exact(&self, exact: bool) {
        self.exact.store(exact.into(), Relaxed);
    }

    /// Is that so?
    pub fn is_exact(&self) -> bool {
        self.exact.load(Relaxed) == 1
    }

    /// What the worker will do next; empty for "anything".
    pub fn announced(&self, wid: Wid) -> impl ExactSizeIterator<Item = Access> {
        self.lanes[wid as usize].next.iter()
    }

    /// What the worker did first, if all that it did before was to come there.
    pub fn start(&self, wid: Wid) -> Option<Vec<Access>> {
        let start = &self.lanes[wid as usize].start;
        (start.length.load(Relaxed) != 0).then(|| start.iter().collect())
    }

    /// It is known what the worker will do first: it need not be woken to say so. When it is chosen it begins,
    /// and takes that step.
    pub fn foresee(&self, wid: Wid, start: &[Access]) {
        let lane = &self.lanes[wid as usize];
        lane.next.set(start);
        lane.start.set(start);
        lane.primed.store(prime::FORESEEN, Relaxed);
        self.unprimed.fetch_sub(1, Relaxed);
    }

    /// Is that so?
    pub fn is_foreseen(&self, wid: Wid) -> bool {
        self.lanes[wid as usize].primed.load(Relaxed) == prime::FORESEEN
    }

    /// The worker begins an attempt to take the lock.
    pub fn begin_attempt(&self, wid: Wid) {
        let lane = &self.lanes[wid as usize];
        lane.interest.clear();
        lane.woken.store(0, Relaxed);
        lane.asleep.store(0, Relaxed);
        lane.deadline.store(NEVER, Relaxed);
    }

    /// What the attempt has found may change by itself at this time of the clock, in microseconds.
    pub fn due(&self, wid: Wid, at: u64) {
        self.lanes[wid as usize].deadline.fetch_min(at, Relaxed);
    }

    /// The worker sleeps until the clock has come so far, or, if that is a short while, until something
    /// changes that it has looked at.
    pub fn fall_asleep(&self, wid: Wid, until: u64) {
        let lane = &self.lanes[wid as usize];
        let short = until.saturating_sub(self.now.load(Relaxed)) <= PAUSE;
        lane.asleep.store((!short).into(), Relaxed);
        let woken = short && lane.woken.load(Relaxed) == 1;
        lane.blocked.store((!woken).into(), Relaxed);
        lane.deadline.store(until, Relaxed);
        lane.next.set(&[Access::Change(clock())]);
    }

    /// It has slept until then.
    pub fn wake(&self, wid: Wid, until: u64) {
        self.now.fetch_max(until, Relaxed);
        self.begin_attempt(wid);
    }

    /// The earliest time for which a worker waits, if any does.
    fn next_deadline(&self) -> Option<u64> {
        let lanes = &self.lanes[1..=self.workers() as usize];
        let waits = |lane: &&Lane| lane.head.load(Relaxed) != NONE && lane.blocked.load(Relaxed) != 0;
        let ends = lanes.iter().filter(waits).map(|lane| lane.deadline.load(Relaxed));
        ends.min().filter(|&end| end != NEVER)
    }

    /// Moves the clock to the earliest time for which a worker waits, and lets it go on. Does any wait?
    fn move_clock(&self) -> bool {
        let Some(end) = self.next_deadline() else { return false };
        // A sleep may take longer than was asked for. Who looks and looks, and finds nothing changed, is
        // made to sleep longer and longer, so that a lock of any age comes of age, and then no more.
        let extra = self.rounds.fetch_add(1, Relaxed).saturating_sub(ROUNDS);
        if extra > DOUBLINGS {
            return false;
        }
        let end = end + ((1 << extra) - 1);
        self.now.fetch_max(end, Relaxed);
        for lane in &self.lanes[1..=self.workers() as usize] {
            if lane.deadline.load(Relaxed) <= end {
                lane.deadline.store(NEVER, Relaxed);
                lane.blocked.store(0, Relaxed);
            }
        }
        true
    }

    /// The clock moves although `stalled` could go on.
    fn stall(&self, stalled: Wid) {
        self.stalls.fetch_sub(1, Relaxed);
        self.move_clock();
        self.log_of(stalled, What::Stalled);
    }

    /// The clock that files and locks go by is set back before `next` goes on. What this run waits for does
    /// not wait longer.
    fn set_back(&self, next: Wid) {
        self.jumps.fetch_sub(1, Relaxed);
        self.set_back.fetch_add(JUMP.as_micros() as u64, Relaxed);
        self.log_of(next, What::Jumped);
    }

    /// By how much it was, all in all, in microseconds.
    pub fn is_set_back_by(&self) -> u64 {
        self.set_back.load(Relaxed)
    }

    /// The worker's next call that can fail will.
    fn let_fail(&self, wid: Wid) {
        self.failures.fetch_sub(1, Relaxed);
        self.lanes[wid as usize].failing.store(1, Relaxed);
    }

    /// Does the call that this worker makes now fail, though nothing is wrong? Asked once.
    pub fn take_failing(&self, wid: Wid) -> bool {
        let fails = self.lanes[wid as usize].failing.swap(0, Relaxed) == 1;
        if fails {
            self.failed.store(1, Relaxed);
            self.log_of(wid, What::CallFailed);
        }
        fails
    }

    /// Has any call failed like this?
    pub fn has_failed(&self) -> bool {
        self.failed.load(Relaxed) == 1
    }

    fn log_of(&self, wid: Wid, what: What) {
        if let Some(Step { tick, worker, command }) = self.head(wid) {
            self.log(&Event { tick, at: self.now(), worker, command, what });
        }
    }

    /// The attempt has found the lock taken. When it is made again it will begin with the same step.
    pub fn block_if_unchanged(&self, wid: Wid) {
        let lane = &self.lanes[wid as usize];
        lane.blocked.store(u32::from(lane.woken.load(Relaxed) == 0), Relaxed);
        lane.next.clear();
        lane.next.add(lane.first.words());
    }

    /// The step that was announced cannot be taken, until somebody changes what it touches.
    pub fn block_on_next(&self, wid: Wid) {
        let lane = &self.lanes[wid as usize];
        lane.blocked.store(ON_NEXT, Relaxed);
        lane.in_vain.store(1, Relaxed);
    }

    /// The step that this worker has just taken took what others could not have, and may have by now: whoever
    /// was blocked in the very same step is blocked again, and need not be woken to find that out.
    pub fn claimed_by(&self, wid: Wid) {
        let claimed = &self.lanes[wid as usize].next;
        for (nth, lane) in self.lanes.iter().enumerate().skip(1).take(self.workers() as usize) {
            if nth != wid as usize && lane.in_vain.load(Relaxed) == 1 && lane.next.words().eq(claimed.words())
            {
                lane.blocked.store(ON_NEXT, Relaxed);
            }
        }
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

    /// The worker takes the step that it has announced. Lists that depend on it may be stale from then on.
    pub fn step_taken(&self, wid: Wid) {
        let lane = &self.lanes[wid as usize];
        lane.taken.fetch_add(1, Relaxed);
        self.taken.fetch_add(1, Relaxed);
        lane.at_point.store(0, Relaxed);
        lane.in_vain.store(0, Relaxed);
        lane.interest.add(lane.next.words());
        for (nth, other) in self.lanes.iter().enumerate().skip(1).take(self.workers() as usize) {
            if nth != wid as usize && other.at_point.load(Relaxed) == 1 && other.next.depend_on(&lane.next) {
                other.stale.store(1, Relaxed);
            }
        }
    }

    /// At most so many steps; nobody goes on after them.
    pub fn set_bound(&self, steps: u32) {
        self.bound.store(steps, Relaxed);
    }

    /// Were there more?
    pub fn is_out_of_steps(&self) -> bool {
        self.taken.load(Relaxed) >= self.bound.load(Relaxed)
    }

    /// How many steps it has taken.
    pub fn steps_taken(&self, wid: Wid) -> u32 {
        self.lanes[wid as usize].taken.load(Relaxed)
    }

    /// The step that this worker has just taken changed something. Whoever is blocked and has touched
    /// that may try again.
    pub fn changed_by(&self, wid: Wid) {
        let changes = &self.lanes[wid as usize].next;
        self.rounds.store(0, Relaxed);
        for (nth, lane) in self.lanes.iter().enumerate().skip(1).take(self.workers() as usize) {
            if nth == wid as usize || lane.asleep.load(Relaxed) == 1 {
                continue;
            }
            if lane.blocked.load(Relaxed) == ON_NEXT {
                if lane.next.depend_on(changes) {
                    lane.blocked.store(0, Relaxed);
                }
                // The attempt that the step belongs to may have looked at more.
                if lane.interest.depend_on(changes) {
                    lane.woken.store(1, Relaxed);
                }
            } else if lane.interest.depend_on(changes) {
                lane.blocked.store(0, Relaxed);
                lane.woken.store(1, Relaxed);
            }
        }
    }

    /// What could happen next, if anybody [can go on](Board::can_go_on): first the one who moved last, then the
    /// other workers by number, then the faults.
    pub fn options(&self, last: Wid) -> impl Iterator<Item = (Wid, Act)> {
        let alive = |&wid: &Wid| self.lanes[wid as usize].head.load(Relaxed) != NONE;
        let all_if = |allowed: &AtomicU32| 1..=if allowed.load(Relaxed) > 0 { self.workers() } else { 0 };
        let crashes = all_if(&self.crashes).filter(alive).map(|wid| (wid, Act::Crash));
        let stalls = self.stalls.load(Relaxed) > 0 && self.next_deadline().is_some();
        let jumps = self.jumps.load(Relaxed) > 0;
        let whole = |&wid: &Wid| self.lanes[wid as usize].failing.load(Relaxed) == 0;
        let failures = all_if(&self.failures).filter(alive).filter(whole).map(|wid| (wid, Act::Fail));
        let steps = self.enabled(last).map(|wid| (wid, Act::Step));
        let clock = stalls.then_some((0, Act::Clock)).into_iter().chain(jumps.then_some((0, Act::Jump)));
        steps.chain(crashes).chain(clock).chain(failures)
    }

    /// Lets one of the options happen; `first` is the worker of the first of them. Says whose turn it is then,
    /// if that need not be decided anew.
    pub fn befall(&self, first: Wid, (wid, act): (Wid, Act)) -> Option<usize> {
        match act {
            Act::Step => return Some(wid as usize),
            Act::Crash => {
                self.doom(wid);
                return Some(DRIVER);
            }
            Act::Clock => self.stall(first),
            Act::Jump => self.set_back(first),
            Act::Fail => self.let_fail(wid),
            Act::Strike(_) => unreachable!("of programs that are traced"),
        }
        None
    }

    fn enabled(&self, last: Wid) -> impl Iterator<Item = Wid> {
        let can = |&wid: &Wid| {
            let lane = &self.lanes[wid as usize];
            lane.head.load(Relaxed) != NONE && lane.blocked.load(Relaxed) == 0
        };
        let others = (1..=self.workers()).filter(move |&wid| wid != last);
        [last].into_iter().chain(others).filter(can)
    }

    /// Can anybody take a step? Where nobody can, and somebody waits for the clock, it moves.
    fn can_go_on(&self, last: Wid) -> bool {
        let can = || self.enabled(last).next().is_some();
        can() || (self.move_clock() && can())
    }

    /// Who goes first, when everything is laid out: the driver's lane when it must be asked.
    pub fn begin(&self) -> usize {
        let lanes = self.lanes[1..=self.workers() as usize].iter();
        let mut lanes = lanes.map(|lane| lane.primed.load(Relaxed));
        lanes.position(|primed| primed == prime::NOT).map_or_else(|| self.decide(1), |nth| nth + 1)
    }

    /// Who goes on after `last`, as far as that can be told here: the driver's lane when it must be
    /// asked, or do something, or when nobody can go on.
    ///
    /// Before anything is decided each worker is let go up to its first point, so that it is known
    /// from the beginning what everybody would do.
    pub fn decide(&self, last: Wid) -> usize {
        let workers = &self.lanes[1..=self.workers() as usize];
        let lane = &workers[last as usize - 1];
        let begins = lane.primed.load(Relaxed) == prime::NOT;
        if begins {
            lane.primed.store(prime::DONE, Relaxed);
            self.unprimed.fetch_sub(1, Relaxed);
        }
        if self.unprimed.load(Relaxed) > 0
            && let Some(nth) = workers.iter().position(|lane| lane.primed.load(Relaxed) == prime::NOT)
        {
            return nth + 1;
        }
        if begins {
            // What the others did on their way to their first points was no step.
            for (_, lane) in workers.iter().enumerate().filter(|(nth, _)| nth + 1 != last as usize) {
                lane.stale.store(lane.at_point.load(Relaxed), Relaxed);
            }
        }
        let last = if begins { 1 } else { last };
        loop {
            if !self.can_go_on(last) || self.is_out_of_steps() {
                return DRIVER;
            }
            self.asked_by.store(last, Relaxed);
            if self.pace.load(Relaxed) == pace::ASKED {
                let alive = |lane: &Lane| lane.head.load(Relaxed) != NONE;
                let stale = |lane: &Lane| lane.stale.load(Relaxed) == 1 && alive(lane);
                if self.is_exact()
                    && let Some(nth) = workers.iter().position(stale)
                {
                    return nth + 1;
                }
                self.asking.store(1, Relaxed);
                return DRIVER;
            }
            let options = self.options(last).count();
            let chosen = if options == 1 { 0 } else { self.scripted(options) };
            let chosen = self.options(last).nth(chosen).expect("one of the options is chosen");
            let first = self.enabled(last).next().expect("somebody can go on");
            if let Some(next) = self.befall(first, chosen) {
                return next;
            }
        }
    }

    /// The next choice on the board, among so many; past the end the first.
    fn scripted(&self, options: usize) -> usize {
        let nth = self.scripted.fetch_add(1, Relaxed);
        let known = nth < self.script_length.load(Relaxed);
        if known { self.script[nth as usize].load(Relaxed) as usize % options } else { 0 }
    }

    /// The process of this worker shall be killed.
    fn doom(&self, wid: Wid) {
        self.crashes.fetch_sub(1, Relaxed);
        self.doomed.store(wid, Relaxed);
    }

    /// Is the driver asked to kill somebody's process? Asked once.
    pub fn take_doomed(&self) -> Option<Wid> {
        Some(self.doomed.swap(0, Relaxed)).filter(|&wid| wid != 0)
    }

    /// Who moved last, when the driver was last asked for anything.
    pub fn asked_by(&self) -> Wid {
        self.asked_by.load(Relaxed)
    }

    /// Is the driver asked who goes on, and by whom? Asked once.
    pub fn take_question(&self) -> Option<Wid> {
        (self.asking.swap(0, Relaxed) == 1).then(|| self.asked_by.load(Relaxed))
    }
}
