//! Following a list of moves.

use super::{Act, Enabled, Scheduler};
use crate::schedule::Wid;

/// Who moved, or what struck whom.
pub type Move = (Wid, Act);

/// Lets workers go on, and faults strike, in the order of a list, one entry a step. An entry that cannot be
/// is passed over; past the end whoever moves goes on. Remembers who did move.
///
/// Where [`Replay`](super::Replay) repeats an execution, this tries a similar one: an order of steps
/// can be rearranged, a list of choices cannot.
#[derive(Clone, Debug, Default)]
pub struct Follow {
    list: Vec<Move>,
    next: usize,
    moved: Vec<Move>,
}

impl Follow {
    /// In this order.
    pub fn new(list: Vec<Move>) -> Self {
        Follow { list, ..Follow::default() }
    }

    /// Who moved, step by step.
    pub fn moved(&self) -> &[Move] {
        &self.moved
    }
}

impl Scheduler for Follow {
    fn begin(&mut self) -> bool {
        self.next = 0;
        self.moved.clear();
        true
    }

    fn choose(&mut self, enabled: &[Enabled]) -> usize {
        let mut choice = 0;
        while let Some(&wanted) = self.list.get(self.next) {
            self.next += 1;
            if let Some(index) = enabled.iter().position(|e| (e.worker, e.act) == wanted) {
                choice = index;
                break;
            }
        }
        self.moved.push((enabled[choice].worker, enabled[choice].act));
        choice
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_cannot_go_on_is_passed_over() {
        let enabled = |all: &[Wid]| -> Vec<Enabled> {
            all.iter().map(|&worker| Enabled { worker, act: Act::Step, step: 0, next: Vec::new() }).collect()
        };
        let mut follow = Follow::new([2, 3, 1].map(|worker| (worker, Act::Step)).to_vec());
        assert!(follow.begin());
        assert_eq!(follow.choose(&enabled(&[1, 2])), 1);
        assert_eq!(follow.choose(&enabled(&[2, 1])), 1, "3 cannot go on, 1 can");
        assert_eq!(follow.choose(&enabled(&[1, 2])), 0, "past the end");
        assert_eq!(follow.moved(), [2, 1, 1].map(|worker| (worker, Act::Step)));
    }
}
