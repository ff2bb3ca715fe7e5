//! A small machine to try schedulers on: workers with straight-line programs over shared memory.

use super::{Act, Enabled, Scheduler};
use crate::schedule::Wid;
use crate::stage::{Access, Object};

/// One step. Memory, and locks, by number.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    Load(usize),
    /// If what this worker has seen so far asks for it; otherwise there is no such step.
    LoadIf(usize, fn(&[i8]) -> bool),
    Store(usize, u8),
    /// Both at once.
    Swap(usize, usize),
    /// Until this is the value there.
    Await(usize, u8),
    Lock(usize),
    Unlock(usize),
    /// Reads all memory, and does not say so.
    Anything,
    /// Touches something of its own.
    Own,
}

/// What becomes of a worker that cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Blocking {
    /// It is not listed while it could not.
    Foreseen,
    /// It tries, is blocked, and is listed again after any step that might concern anybody: as in the
    /// stepped engine.
    Tried,
}

#[derive(Clone, Debug)]
pub(super) struct Program {
    pub(super) workers: Vec<Vec<Step>>,
    pub(super) blocking: Blocking,
}

/// What can be told from outside.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Outcome {
    pub(super) memory: [i8; 4],
    /// What each worker has loaded, in order.
    pub(super) seen: Vec<Vec<i8>>,
    /// Who never came to an end.
    pub(super) stuck: Vec<Wid>,
}

pub(super) struct Execution {
    pub(super) outcome: Outcome,
    /// Who moved.
    pub(super) movers: Vec<Wid>,
    /// And what each of these steps was.
    pub(super) steps: Vec<Enabled>,
}

struct Machine<'a> {
    program: &'a Program,
    outcome: Outcome,
    locked: [bool; 2],
    /// Of each worker: its place, its steps (tries counted), and whether it waits to be woken.
    at: Vec<usize>,
    steps: Vec<u32>,
    blocked: Vec<bool>,
}

impl Machine<'_> {
    fn next(&self, worker: usize) -> Option<Step> {
        self.program.workers[worker].get(self.at[worker]).copied()
    }

    fn can(&self, step: Step) -> bool {
        match step {
            Step::Await(place, value) => self.outcome.memory[place] == value as i8,
            Step::Lock(lock) => !self.locked[lock],
            _ => true,
        }
    }

    fn enabled(&self, last: Option<usize>) -> Vec<Enabled> {
        let others = (0..self.at.len()).filter(|&worker| Some(worker) != last);
        let listed = last.into_iter().chain(others).filter_map(|worker| {
            let next = self.next(worker)?;
            let out = match self.program.blocking {
                Blocking::Foreseen => !self.can(next),
                Blocking::Tried => self.blocked[worker],
            };
            let accesses = accesses(worker, next);
            let (act, step) = (Act::Step, self.steps[worker]);
            (!out).then_some(Enabled { worker: worker as Wid, act, step, next: accesses })
        });
        listed.collect()
    }

    fn take(&mut self, worker: usize) {
        let step = self.next(worker).unwrap();
        self.steps[worker] += 1;
        if !self.can(step) {
            self.blocked[worker] = true;
            return;
        }
        self.at[worker] += 1;
        let (memory, seen) = (&mut self.outcome.memory, &mut self.outcome.seen[worker]);
        match step {
            Step::Load(place) | Step::LoadIf(place, _) => seen.push(memory[place]),
            Step::Store(place, value) => memory[place] = value as i8,
            Step::Swap(one, two) => memory.swap(one, two),
            Step::Lock(lock) => self.locked[lock] = true,
            Step::Unlock(lock) => self.locked[lock] = false,
            Step::Anything => seen.extend(*memory),
            Step::Await(..) | Step::Own => {}
        }
        if matches!(step, Step::Store(..) | Step::Swap(..) | Step::Unlock(_)) {
            self.blocked.fill(false);
        }
        while let Some(Step::LoadIf(_, wanted)) = self.next(worker)
            && !wanted(&self.outcome.seen[worker])
        {
            self.at[worker] += 1;
        }
    }
}

fn accesses(worker: usize, step: Step) -> Vec<Access> {
    let memory = |place: usize| Object::memory(&format!("memory {place}"));
    match step {
        Step::Load(place) | Step::LoadIf(place, _) | Step::Await(place, _) => {
            vec![Access::Look(memory(place))]
        }
        Step::Store(place, _) => vec![Access::Change(memory(place))],
        Step::Swap(one, two) => vec![Access::Change(memory(one)), Access::Change(memory(two))],
        Step::Lock(lock) | Step::Unlock(lock) => {
            vec![Access::Change(Object::memory(&format!("lock {lock}")))]
        }
        Step::Anything => Vec::new(),
        Step::Own => vec![Access::Change(Object::memory(&format!("own {worker}")))],
    }
}

/// The next execution, if the scheduler has one.
pub(super) fn execute(program: &Program, scheduler: &mut dyn Scheduler) -> Option<Execution> {
    if !scheduler.begin() {
        return None;
    }
    let workers = program.workers.len();
    let mut machine = Machine {
        program,
        outcome: Outcome { seen: vec![Vec::new(); workers], ..Outcome::default() },
        locked: [false; 2],
        at: vec![0; workers],
        steps: vec![0; workers],
        blocked: vec![false; workers],
    };
    let mut steps = Vec::new();
    let mut last = None;
    loop {
        let enabled = machine.enabled(last);
        if enabled.is_empty() {
            break;
        }
        let step = enabled[scheduler.choose(&enabled)].clone();
        let mover = step.worker as usize;
        machine.take(mover);
        steps.push(step);
        last = Some(mover);
    }
    let mut outcome = machine.outcome.clone();
    outcome.stuck = (0..workers).filter(|&worker| machine.next(worker).is_some()).map(|w| w as Wid).collect();
    let movers = steps.iter().map(|step| step.worker).collect();
    Some(Execution { outcome, movers, steps })
}

/// Workers that take this many steps each, of which nothing depends on anything.
pub(super) fn independent(steps: &[usize]) -> Program {
    let workers = steps.iter().map(|&steps| vec![Step::Own; steps]).collect();
    Program { workers, blocking: Blocking::Foreseen }
}
