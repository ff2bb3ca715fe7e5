//! Every interleaving, those with few preemptions first.

use super::{Act, Enabled, Scheduler, is_preemption, lane};
use crate::schedule::Wid;
use crate::stage::Access;

/// Tries all choices, one execution after the other, and knows when there is none left.
///
/// Iterative in preemptions: Madanlal Musuvathi, Shaz Qadeer, "Iterative Context Bounding for Systematic
/// Testing of Multithreaded Programs", 2007. The search is stateless: what is left to do is a stack for
/// each number of preemptions, of choice lists to begin an execution with. An execution follows its
/// list, and from there on always takes the first choice, leaving the other ones on the stacks. The
/// next one comes from the first stack that is not empty. Each execution is run once.
///
/// Reduced by sleep sets: Patrice Godefroid, "Partial-Order Methods for the Verification of Concurrent
/// Systems", 1996. Behind a choice, those workers are asleep whose step is tried by another branch
/// there, until a step is taken that theirs [depends on](Enabled::depends_on): before that, both orders
/// come out the same. A worker that is asleep is not chosen. Where all the enabled are asleep, everything
/// from there on has been or will be seen elsewhere: the execution is *cut* (it is run to its end, because
/// it cannot be left, but nothing branches off). What is not cut is one execution for each class of those
/// that differ in the order of independent steps only.
///
/// Under a bound of preemptions the reduction is off, whatever was asked for: the execution that stands
/// for its class may need more preemptions than another one of the class, and with the bound the whole
/// class would be lost (Katherine Coons, Madanlal Musuvathi, Kathryn McKinley, "Bounded Partial-Order
/// Reduction", 2013). Without a bound the order in which branches are tried does not matter, but only
/// that all of them are. With the reduction, "few preemptions first" is approximate: the one who moved
/// last may be asleep, and going on with another is then the only way.
///
/// # Blocked workers
/// The reduction needs two things of the engine. A step that lets a blocked worker go on, or blocks it,
/// touches an object that the blocked step touches, and one of the two changes it. And the attempt that
/// ends blocked changes nothing but that it was made. Waking workers for nothing is harmless: they try
/// again, in vain. A worker is awake when it comes back, and whoever is asleep and no longer listed, or
/// listed with another step than it fell asleep with, counts as awake.
pub struct Exhaustive {
    bound: Option<u32>,
    reduction: Reduction,
    /// What is left to do, by number of preemptions.
    stacks: Vec<Vec<Branch>>,
    /// The choices of the execution under way, those to follow included.
    path: Vec<u8>,
    run: Run,
    counts: Progress,
    state: State,
}

/// Whether executions are left out that differ from another one in the order of independent steps only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reduction {
    /// Every list of choices is run.
    Off,
    /// Godefroid's sleep sets.
    SleepSets,
}

/// How far an [`Exhaustive`] search has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Executions that began, those cut included.
    pub executions: u64,
    /// Executions of which the last part was not new (sleep sets).
    pub cut: u64,
    /// Choices that were left out because of the bound: none, and the search was of all there is.
    pub beyond: u64,
}

/// Choices to begin an execution with, and what must be seen on the way.
struct Branch {
    choices: Box<[u8]>,
    print: u64,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Searching,
    Complete,
    /// It was not the same program each time, or an execution was not run to its end.
    Spoilt,
}

/// The execution under way.
#[derive(Default)]
struct Run {
    /// How many of the path's choices are to follow, and the fingerprint at the last of them.
    given: usize,
    expected: u64,
    /// How many choices were taken.
    taken: usize,
    /// Of all that was enabled so far.
    print: u64,
    asleep: Vec<Enabled>,
    cut: bool,
    last: Option<Wid>,
    preemptions: u32,
}

impl Exhaustive {
    /// Executions of at most `bound` preemptions; of any number, without one.
    pub fn new(bound: Option<u32>, reduction: Reduction) -> Self {
        Exhaustive {
            bound,
            reduction: if bound.is_some() { Reduction::Off } else { reduction },
            stacks: vec![vec![Branch { choices: Box::new([]), print: 0 }]],
            path: Vec::new(),
            run: Run::default(),
            counts: Progress::default(),
            state: State::Searching,
        }
    }

    /// Is nothing left, within the bound? Only after [`begin`](Scheduler::begin) said so.
    pub fn complete(&self) -> bool {
        self.state == State::Complete
    }

    /// The reduction that is in force.
    pub fn reduction(&self) -> Reduction {
        self.reduction
    }

    /// The number of preemptions up to which nothing is left, if there is one. Without a reduction only, and between
    /// two executions.
    pub fn finished(&self) -> Option<u32> {
        let first = self.stacks.iter().position(|stack| !stack.is_empty()).unwrap_or(self.stacks.len());
        (self.reduction == Reduction::Off && self.state == State::Searching).then_some(())?;
        (first as u32).checked_sub(1)
    }

    /// How far it has come.
    pub fn progress(&self) -> Progress {
        self.counts
    }

    /// The execution under way ends before its workers do (too many steps, say), so that its choices
    /// are not all known: the search goes on, but is never complete.
    pub fn spoil(&mut self) {
        self.state = State::Spoilt;
    }

    /// Did the same choices meet something else than before, or was [`spoil`](Self::spoil) called?
    pub fn is_spoilt(&self) -> bool {
        self.state == State::Spoilt
    }

    /// The first choice that is not asleep, the others left for later; none, where all are asleep.
    fn branch(&mut self, enabled: &[Enabled]) -> Option<usize> {
        let mut awake = (0..enabled.len()).filter(|&index| !self.run.asleep.contains(&enabled[index]));
        let first = awake.next()?;
        for index in awake {
            let preemption = is_preemption(self.run.last, enabled, index);
            let level = self.run.preemptions + u32::from(preemption);
            if self.bound.is_some_and(|bound| level > bound) {
                self.counts.beyond += 1;
                continue;
            }
            let level = level as usize;
            if self.stacks.len() <= level {
                self.stacks.resize_with(level + 1, Vec::new);
            }
            let choices = self.path.iter().copied().chain([index as u8]).collect();
            self.stacks[level].push(Branch { choices, print: self.run.print });
        }
        Some(first)
    }
}

impl Scheduler for Exhaustive {
    fn begin(&mut self) -> bool {
        if self.run.taken < self.run.given {
            self.spoil();
        }
        let Some(Branch { choices, print }) = self.stacks.iter_mut().find_map(Vec::pop) else {
            if self.state == State::Searching {
                self.state = State::Complete;
            }
            return false;
        };
        self.run = Run { given: choices.len(), expected: print, ..Run::default() };
        self.path = choices.into_vec();
        self.counts.executions += 1;
        true
    }

    fn choose(&mut self, enabled: &[Enabled]) -> usize {
        if self.run.cut {
            return 0;
        }
        self.run.print = enabled.iter().fold(self.run.print, fingerprint);
        self.run.asleep.retain(|one| enabled.contains(one));
        let choosing = enabled.len() > 1;
        let chosen = if choosing && self.run.taken < self.run.given {
            let index = self.path[self.run.taken] as usize;
            let arrived = self.run.taken + 1 == self.run.given;
            if index >= enabled.len() || (arrived && self.run.print != self.run.expected) {
                self.spoil();
            }
            index.min(enabled.len() - 1)
        } else if self.run.taken < self.run.given {
            0
        } else {
            let Some(index) = self.branch(enabled) else {
                self.run.cut = true;
                self.counts.cut += 1;
                return 0;
            };
            if choosing {
                self.path.push(index as u8);
            }
            index
        };
        self.run.taken += usize::from(choosing);
        self.run.preemptions += u32::from(is_preemption(self.run.last, enabled, chosen));
        if enabled[chosen].act.is_step() {
            self.run.last = Some(enabled[chosen].worker);
        }
        if self.reduction == Reduction::SleepSets {
            // Those before it are tried by a branch of their own, if they were not asleep already.
            for one in &enabled[..chosen] {
                if !self.run.asleep.contains(one) {
                    self.run.asleep.push(one.clone());
                }
            }
            self.run.asleep.retain(|one| !interfere(one, &enabled[chosen]));
        }
        chosen
    }
}

/// Threads and children of one worker have more in common than their steps show: memory, pipes, descriptors.
fn interfere(one: &Enabled, other: &Enabled) -> bool {
    lane::owner(one.worker) == lane::owner(other.worker) || one.depends_on(other)
}

/// Who is enabled with what kind of step. Not which objects: an inode has another number each time.
fn fingerprint(print: u64, one: &Enabled) -> u64 {
    let kinds = one.next.iter().map(|access| 1 + u64::from(matches!(access, Access::Change(_))));
    let act = match one.act {
        Act::Step => 0,
        Act::Crash => 1,
        Act::Clock => 2,
        Act::Jump => 3,
        Act::Fail => 4,
        Act::Strike(fault) => 5 + fault as u64,
    };
    let words = [u64::from(one.worker), act, u64::from(one.step), u64::MAX];
    words
        .into_iter()
        .chain(kinds)
        .fold(print, |print, word| (print ^ word).wrapping_mul(0x0000_0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two workers of two steps each, without anything in common.
    fn execute(search: &mut Exhaustive) {
        let (mut left, mut last) = ([2, 2], 0);
        while left != [0, 0] {
            let of = |worker: usize| Enabled {
                worker: worker as u32 + 1,
                act: Act::Step,
                step: 2 - left[worker],
                next: Vec::new(),
            };
            let ready = [last, 1 - last].into_iter().filter(|&worker| left[worker] > 0);
            let enabled: Vec<_> = ready.map(of).collect();
            last = enabled[search.choose(&enabled)].worker as usize - 1;
            left[last] -= 1;
        }
    }

    #[test]
    fn a_search_that_is_cut_short_knows_the_bound_that_it_has_reached() {
        // AABB BBAA without a preemption; ABBA BAAB with one; ABAB BABA with two.
        let mut search = Exhaustive::new(None, Reduction::Off);
        let mut reached = Vec::new();
        while search.begin() {
            execute(&mut search);
            reached.push(search.finished());
        }
        assert_eq!(reached, [None, Some(0), Some(0), Some(1), Some(1), Some(2)]);
        let mut reduced = Exhaustive::new(None, Reduction::SleepSets);
        assert!(reduced.begin());
        execute(&mut reduced);
        assert_eq!(reduced.finished(), None, "its order is approximate");
    }
}
