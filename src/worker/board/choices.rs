//! The interleaved part of the board: what each worker would do next, who could go on, and who does.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicU32, AtomicU64};

use super::{Board, CHOICES, DRIVER, NONE, SIGHTS, pace};
use crate::schedule::Wid;
use crate::stage::Access;

/// A few accesses; more than fit stand for "anything".
#[repr(C)]
pub(super) struct Accesses {
    length: AtomicU32,
    words: [AtomicU64; INTERESTS],
}

const INTERESTS: usize = 16;

/// Blocked, and not because of a whole attempt, but of one step.
const ON_NEXT: u32 = 2;

impl Accesses {
    pub(super) fn clear(&self) {
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

impl Board {
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

    /// The step that was announced cannot be taken, until somebody changes what it touches.
    pub fn block_on_next(&self, wid: Wid) {
        self.lanes[wid as usize].blocked.store(ON_NEXT, Relaxed);
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
        self.taken.fetch_add(1, Relaxed);
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
        let changes = self.announced(wid);
        for (nth, lane) in self.lanes.iter().enumerate().skip(1).take(self.workers() as usize) {
            if nth == wid as usize {
                continue;
            }
            if lane.blocked.load(Relaxed) == ON_NEXT {
                if lane.next.depend_on(&changes) {
                    lane.blocked.store(0, Relaxed);
                }
            } else if lane.interest.depend_on(&changes) {
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
        if enabled.is_empty() || self.is_out_of_steps() {
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
}
