//! Faults, at some moment or other.

use super::{Act, Dice, Enabled, Scheduler};

/// Lets one fault strike in most executions, at a step of its own choice, and leaves everything else to
/// another scheduler, which does not see that there are faults.
///
/// A scheduler that took a fault for one more worker would let it strike within the first few steps,
/// nearly always. Here each step of an execution as long as the longest so far is as likely as the others.
pub struct Faulty<S> {
    inner: S,
    dice: Dice,
    longest: usize,
    /// How many steps were taken, and before which of them the fault strikes.
    taken: usize,
    strikes_at: usize,
}

impl<S> Faulty<S> {
    /// Over this scheduler; the dice are of this seed.
    pub fn new(inner: S, seed: u64) -> Self {
        Faulty { inner, dice: Dice::new(seed, 7), longest: 8, taken: 0, strikes_at: 0 }
    }
}

impl<S: Scheduler> Scheduler for Faulty<S> {
    fn begin(&mut self) -> bool {
        self.longest = self.longest.max(self.taken);
        self.taken = 0;
        // Now and then past the end: without any fault.
        self.strikes_at = self.dice.below(self.longest + 1);
        self.inner.begin()
    }

    fn choose(&mut self, enabled: &[Enabled]) -> usize {
        let steps = enabled.iter().position(|one| one.act != Act::Step).unwrap_or(enabled.len());
        let due = self.taken >= self.strikes_at;
        if steps < enabled.len() && due {
            // The next fault, if another one may strike, has a moment of its own.
            self.strikes_at = self.taken + 1 + self.dice.below(self.longest + 1);
            return steps + self.dice.below(enabled.len() - steps);
        }
        self.taken += 1;
        self.inner.choose(&enabled[..steps])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interleave::Replay;

    fn enabled(acts: &[Act]) -> Vec<Enabled> {
        acts.iter().map(|&act| Enabled { worker: 1, act, step: 0, next: Vec::new() }).collect()
    }

    #[test]
    fn each_step_is_as_likely_as_the_others_and_the_inner_one_sees_none() {
        let mut faulty = Faulty::new(Replay::new(vec![9; 8]), 1);
        let mut struck = [0; 9];
        for _ in 0..900 {
            faulty.begin();
            let at = (0..8).find(|_| faulty.choose(&enabled(&[Act::Step, Act::Step, Act::Crash])) == 2);
            struck[at.unwrap_or(8)] += 1;
        }
        // 100 expected, deviation 9.4.
        assert!(struck.iter().all(|count| (60..140).contains(count)), "{struck:?}");
    }
}
