//! The same interleaving again.

use super::{Enabled, Scheduler};

/// One execution, by a list of choices: an index for each time that two or more were enabled.
///
/// Any list is an execution: past its end the choice is 0 (whoever moved last goes on), and an index
/// that is too large is taken modulo the number of the enabled. So a list can be cut and changed when a
/// case is shrunk, and [`diverged`](Replay::diverged) says whether it still means what it says.
pub struct Replay {
    choices: Vec<u32>,
    begun: bool,
    at: usize,
    wrapped: bool,
}

impl Replay {
    /// Of these choices.
    pub fn new(choices: Vec<u32>) -> Self {
        Replay { choices, begun: false, at: 0, wrapped: false }
    }

    /// Once the execution is over: was an index too large, or part of the list (but zeros) not used? The
    /// execution is then not the one that was recorded.
    pub fn diverged(&self) -> bool {
        self.wrapped || self.choices.iter().skip(self.at).any(|&choice| choice != 0)
    }
}

impl Scheduler for Replay {
    fn begin(&mut self) -> bool {
        !std::mem::replace(&mut self.begun, true)
    }

    fn choose(&mut self, enabled: &[Enabled]) -> usize {
        if enabled.len() < 2 {
            return 0;
        }
        let choice = self.choices.get(self.at).map_or(0, |&choice| choice as usize);
        self.at += 1;
        self.wrapped |= choice >= enabled.len();
        choice % enabled.len()
    }
}
