//! The part of the board for runs in order: whose turn it is by the rule, and the virtual clock.

use std::sync::atomic::Ordering::Relaxed;

use super::{Board, DRIVER, NEVER, STEPS};
use crate::schedule::Wid;

impl Board {
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
            if lane.asleep.load(Relaxed) == 0 {
                lane.blocked.store(0, Relaxed);
                lane.woken.store(1, Relaxed);
            }
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
}
