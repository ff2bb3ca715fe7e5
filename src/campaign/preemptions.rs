//! The same bug with fewer preemptions.

use super::Counterexample;
use crate::case::{Case, Faults};
use crate::check::Verdict;
use crate::engine::Engine;
use crate::error::Error;
use crate::interleave::{Act, Enabled, Exhaustive, Follow, Move, Reduction, Replay, Scheduler};
use crate::lock::Promise;

/// The most interleavings tried to find one with fewer preemptions. `pid-stale`, the lock of the zoo that
/// needs most of them, takes 2,969.
const PREEMPTION_TRIES: u32 = 8192;

/// How many interleavings of a smaller program are tried to find the same bug there.
const SMALLER_TRIES: u32 = 256;

/// What it takes to make the choices of a counterexample fewer, whatever engine runs it.
pub(crate) struct Shrink<'a> {
    pub(crate) engine: &'a mut dyn Engine,
    pub(crate) promise: Promise,
    /// Is it time to be content with what there is?
    pub(crate) over: &'a dyn Fn() -> bool,
}

impl Shrink<'_> {
    /// The same bug in the first of these programs that has it. The choices of a larger one say nothing
    /// there, so it is looked for anew.
    pub(crate) fn in_smaller(
        &mut self,
        programs: Vec<Case>,
        scheduler: impl Fn() -> Box<dyn Scheduler>,
        found: Counterexample,
    ) -> Result<Counterexample, Error> {
        for program in programs {
            let mut scheduler = scheduler();
            for _ in 0..SMALLER_TRIES {
                if (self.over)() {
                    return Ok(found);
                }
                scheduler.begin();
                let (history, choices) = self.engine.explore(&program, &mut scheduler)?;
                let case = Case { choices: Some(choices), ..program.clone() };
                let verdict = self.engine.judge(&case, self.promise, &history);
                if let Verdict::Fail(failure) = verdict
                    && found.is_broken_by(&verdict)
                {
                    return Ok(Counterexample { case, history, failure, ..found });
                }
            }
        }
        Ok(found)
    }

    /// The same bug with the fewest preemptions: the workers' stretches are pulled together; then every
    /// interleaving with none is tried, every one with a single one, and so on (Musuvathi and Qadeer,
    /// 2007), as far as a bound on the tries goes. The first that shows the bug has the fewest.
    pub(crate) fn fewest_preemptions(&mut self, found: Counterexample) -> Result<Counterexample, Error> {
        let mut best = found;
        self.pull_together(&mut best)?;
        if let Some(fewer) = best.history.preemptions().checked_sub(1) {
            let mut search = Exhaustive::new(Some(fewer as u32), Reduction::Off);
            self.hunt_down(&mut search, PREEMPTION_TRIES, fewer, &mut best)?;
        }
        Ok(best)
    }

    /// The same bug with a list of choices that ends sooner: what is chosen after the bug has shown itself does not
    /// matter. (By halves, as if a shorter list never showed what a longer one does not.)
    pub(crate) fn shortest(&mut self, found: Counterexample) -> Result<Counterexample, Error> {
        let choices = found.case.choices.clone().unwrap_or_default();
        let (mut least, mut best) = (0, found);
        let mut most = choices.len();
        while least < most && !(self.over)() {
            let middle = (least + most) / 2;
            let case = Case { choices: Some(choices[..middle].to_vec()), ..best.case.clone() };
            let history = self.engine.run(&case)?;
            let verdict = self.engine.judge(&case, self.promise, &history);
            match verdict {
                Verdict::Fail(failure) if best.is_broken_by(&verdict) => {
                    best = Counterexample { case, history, failure, ..best };
                    most = middle;
                }
                _ => least = middle + 1,
            }
        }
        Ok(best)
    }

    /// The same bug without faults, or at least without those that it does not need.
    pub(crate) fn fewest_faults(&mut self, found: Counterexample) -> Result<Counterexample, Error> {
        if found.case.faults.is_none() {
            return Ok(found);
        }
        let calm = |moves: &[Move]| -> Vec<Move> {
            moves.iter().filter_map(|&(who, act)| Some((who, act.calm()?))).collect()
        };
        let moves = self.order_of(&found)?;
        if let Some(found) = self.with_faults(Faults::NONE, calm(&moves), &found)? {
            return Ok(found);
        }
        let struck = found.history.faults();
        let mut best = match found.case.faults == struck {
            true => found,
            false => self.with_faults(struck, moves, &found)?.unwrap_or(found),
        };
        // One fewer, for as long as one can be spared.
        'again: while best.history.faults().total() > 1 && !(self.over)() {
            let moves = self.order_of(&best)?;
            for (at, _) in moves.iter().enumerate().filter(|(_, (_, act))| *act != Act::Step) {
                let (before, after) = (&moves[..at], &moves[at + 1..]);
                let order = [before, &calm(&moves[at..=at]), after].concat();
                let fewer = without(best.history.faults(), moves[at].1);
                if let Some(found) = self.with_faults(fewer, order, &best)? {
                    best = found;
                    continue 'again;
                }
            }
            break;
        }
        Ok(best)
    }

    /// The same bug with so many faults, in this order as far as it goes.
    fn with_faults(
        &mut self,
        faults: Faults,
        order: Vec<Move>,
        found: &Counterexample,
    ) -> Result<Option<Counterexample>, Error> {
        let case = Case { faults, ..found.case.clone() };
        let (history, choices) = self.engine.explore(&case, &mut Follow::new(order))?;
        let case = Case { choices: Some(choices), ..case };
        let verdict = self.engine.judge(&case, self.promise, &history);
        Ok(match verdict {
            Verdict::Fail(failure) if found.is_broken_by(&verdict) => {
                Some(Counterexample { case, history, failure, ..found.clone() })
            }
            _ => None,
        })
    }

    /// Moves what a worker did in two stretches into one, wherever the bug bears it.
    fn pull_together(&mut self, best: &mut Counterexample) -> Result<(), Error> {
        let mut tries = PREEMPTION_TRIES;
        let mut order = self.order_of(best)?;
        'again: while tries > 0 && !(self.over)() {
            for list in closer(&order) {
                let before = best.history.preemptions();
                let mut follow = Follow::new(list);
                tries = tries.saturating_sub(1);
                self.hunt_down(&mut follow, 1, 0, best)?;
                if best.history.preemptions() < before {
                    order = follow.moved().to_vec();
                    continue 'again;
                }
            }
            break;
        }
        Ok(())
    }

    /// Who moves, step by step.
    fn order_of(&mut self, found: &Counterexample) -> Result<Vec<Move>, Error> {
        let mut replay =
            Moves { inner: Replay::new(found.case.choices.clone().unwrap_or_default()), moved: Vec::new() };
        replay.begin();
        self.engine.explore(&found.case, &mut replay)?;
        Ok(replay.moved)
    }

    /// Keeps whatever breaks the same law with fewer preemptions, and stops when `enough` are left.
    fn hunt_down(
        &mut self,
        scheduler: &mut dyn Scheduler,
        tries: u32,
        enough: usize,
        best: &mut Counterexample,
    ) -> Result<(), Error> {
        for _ in 0..tries {
            if best.history.preemptions() <= enough || (self.over)() || !scheduler.begin() {
                break;
            }
            let (history, choices) = self.engine.explore(&best.case, scheduler)?;
            let case = Case { choices: Some(choices), ..best.case.clone() };
            let verdict = self.engine.judge(&case, self.promise, &history);
            if let Verdict::Fail(failure) = verdict
                && best.is_broken_by(&verdict)
                && history.preemptions() < best.history.preemptions()
            {
                *best = Counterexample { case, history, failure, ..best.clone() };
            }
        }
        Ok(())
    }
}

/// One fewer of this kind.
fn without(mut faults: Faults, act: Act) -> Faults {
    let count = match act {
        Act::Step => return faults,
        Act::Crash => &mut faults.crashes,
        Act::Clock => &mut faults.stalls,
        Act::Jump => &mut faults.jumps,
        Act::Fail => &mut faults.failures,
        Act::Strike(fault) => faults.count_mut(fault),
    };
    *count = count.saturating_sub(1);
    faults
}

/// Notes who moves.
struct Moves {
    inner: Replay,
    moved: Vec<Move>,
}

impl Scheduler for Moves {
    fn begin(&mut self) -> bool {
        self.inner.begin()
    }

    fn choose(&mut self, enabled: &[Enabled]) -> usize {
        let choice = self.inner.choose(enabled) % enabled.len();
        self.moved.push((enabled[choice].worker, enabled[choice].act));
        choice
    }
}

/// Orders in which one stretch of a worker's steps is moved next to another of its own.
fn closer(order: &[Move]) -> Vec<Vec<Move>> {
    let stretches: Vec<&[Move]> = order.chunk_by(|one, two| one == two).collect();
    let mut orders = Vec::new();
    for (to, target) in stretches.iter().enumerate() {
        for from in (0..stretches.len()).filter(|&from| from.abs_diff(to) > 1) {
            if stretches[from][0] == target[0] {
                let mut moved = stretches.clone();
                let stretch = moved.remove(from);
                moved.insert(if from < to { to } else { to + 1 }, stretch);
                orders.push(moved.concat());
            }
        }
    }
    orders
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_of_one_worker_are_moved_together() {
        let steps = |workers: &[u32]| workers.iter().map(|&w| (w, Act::Step)).collect::<Vec<_>>();
        assert_eq!(closer(&steps(&[1, 1, 2, 1])), [steps(&[1, 1, 1, 2]), steps(&[2, 1, 1, 1])]);
        assert!(closer(&steps(&[1, 2, 2, 3])).is_empty());
    }
}
