//! All that one run needs: [`Case`], and the [`Plan`] that it unfolds into.

use serde::{Deserialize, Serialize};

use crate::schedule::{Command, Illegal, Order, Schedule, Time, Wid};

/// Which worker lives in which process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Placement {
    /// All workers are threads of one process.
    Threads,
    /// Each worker is a process of its own.
    Processes,
    /// Two workers are threads of one process: 1 and 2, then 3 and 4, and so on.
    Mixed,
}

impl Placement {
    /// All of them, the plainest first.
    pub const ALL: [Placement; 3] = [Placement::Threads, Placement::Processes, Placement::Mixed];

    /// Those in which all neighbours are of one kind, the plainest first.
    pub const UNIFORM: [Placement; 2] = [Placement::Threads, Placement::Processes];

    /// The word for it, as the command line and saved cases spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Placement::Threads => "threads",
            Placement::Processes => "processes",
            Placement::Mixed => "mixed",
        }
    }

    /// How many workers live in each process; `None` is all of them.
    pub const fn to_a_process(self) -> Option<u32> {
        match self {
            Placement::Threads => None,
            Placement::Processes => Some(1),
            Placement::Mixed => Some(2),
        }
    }

    /// Do these two workers live in one process?
    pub const fn together(self, one: Wid, other: Wid) -> bool {
        match self.to_a_process() {
            None => true,
            Some(each) => (one - 1) / each == (other - 1) / each,
        }
    }

    /// The fewest workers among whom there is every kind of neighbour that this placement has.
    pub const fn fewest(self) -> u32 {
        match self {
            Placement::Threads | Placement::Processes => 2,
            Placement::Mixed => 3,
        }
    }
}

/// How long a worker holds the lock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// From before its first command until its exit.
    #[default]
    Session,
    /// From a write until the read that follows.
    Transaction,
    /// Around each command alone.
    Operation,
}

impl Scope {
    /// All of them, the plainest first.
    pub const ALL: [Scope; 3] = [Scope::Session, Scope::Transaction, Scope::Operation];

    /// The word for it, as the command line and saved cases spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Scope::Session => "session",
            Scope::Transaction => "transaction",
            Scope::Operation => "operation",
        }
    }

    /// Does a worker that holds the lock in this scope give it back after `command`?
    pub const fn gives_back_after(self, command: Command) -> bool {
        match (self, command) {
            (_, Command::Exit) | (Scope::Operation, _) | (Scope::Transaction, Command::Read) => true,
            (Scope::Session | Scope::Transaction, _) => false,
        }
    }
}

/// What may become of one call of a program that is traced, though nothing is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CallFault {
    /// It waits for a lock, and a signal interrupts it (EINTR).
    Eintr,
    /// It writes less than it was asked to.
    ShortWrite,
    /// It reads less than is there.
    ShortRead,
    /// There is no room for what it writes or makes (ENOSPC).
    Enospc,
    /// What was written cannot be brought to the disk (EIO).
    Eio,
    /// The file is no longer what it was on its server (ESTALE).
    Estale,
}

impl CallFault {
    /// All of them.
    pub const ALL: [CallFault; 6] = [
        CallFault::Eintr,
        CallFault::ShortWrite,
        CallFault::ShortRead,
        CallFault::Enospc,
        CallFault::Eio,
        CallFault::Estale,
    ];

    /// The word for it, as the command line and saved cases spell it.
    pub const fn name(self) -> &'static str {
        match self {
            CallFault::Eintr => "eintr",
            CallFault::ShortWrite => "short-write",
            CallFault::ShortRead => "short-read",
            CallFault::Enospc => "enospc",
            CallFault::Eio => "eio",
            CallFault::Estale => "estale",
        }
    }
}

/// How many faults of each kind a run may meet. Where and when they strike is among the choices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// A worker's process is killed.
    pub crashes: u32,
    /// The clock moves on although somebody could.
    pub stalls: u32,
    /// The clock is set back by [`JUMP`](crate::time::JUMP).
    #[serde(skip_serializing_if = "is_zero")]
    pub jumps: u32,
    /// A call of [`crate::fs`] fails, though nothing is wrong.
    #[serde(skip_serializing_if = "is_zero")]
    pub failures: u32,
    /// See [`CallFault::Eintr`].
    #[serde(skip_serializing_if = "is_zero")]
    pub eintr: u32,
    /// See [`CallFault::ShortWrite`].
    #[serde(skip_serializing_if = "is_zero")]
    pub short_writes: u32,
    /// See [`CallFault::ShortRead`].
    #[serde(skip_serializing_if = "is_zero")]
    pub short_reads: u32,
    /// See [`CallFault::Enospc`].
    #[serde(skip_serializing_if = "is_zero")]
    pub enospc: u32,
    /// See [`CallFault::Eio`].
    #[serde(skip_serializing_if = "is_zero")]
    pub eio: u32,
    /// See [`CallFault::Estale`].
    #[serde(skip_serializing_if = "is_zero")]
    pub estale: u32,
}

fn is_zero(count: &u32) -> bool {
    *count == 0
}

impl Faults {
    /// Nothing goes wrong but what the lock does.
    pub const NONE: Faults = Faults {
        crashes: 0,
        stalls: 0,
        jumps: 0,
        failures: 0,
        eintr: 0,
        short_writes: 0,
        short_reads: 0,
        enospc: 0,
        eio: 0,
        estale: 0,
    };
    /// One process is killed.
    pub const CRASH: Faults = Faults { crashes: 1, ..Faults::NONE };
    /// The clock moves on once.
    pub const STALL: Faults = Faults { stalls: 1, ..Faults::NONE };
    /// The clock is set back once.
    pub const JUMP: Faults = Faults { jumps: 1, ..Faults::NONE };
    /// One call fails.
    pub const FAILURE: Faults = Faults { failures: 1, ..Faults::NONE };
    /// None, and each of the four that locks of this crate can meet.
    pub const ALL: [Faults; 5] = [Faults::NONE, Faults::CRASH, Faults::STALL, Faults::JUMP, Faults::FAILURE];
    /// Each that a program can meet that knows nothing of lockfuzz.
    pub const OF_PROGRAMS: [Faults; 8] = [
        Faults::CRASH,
        Faults::STALL,
        Faults::of_call(CallFault::Eintr),
        Faults::of_call(CallFault::ShortWrite),
        Faults::of_call(CallFault::ShortRead),
        Faults::of_call(CallFault::Enospc),
        Faults::of_call(CallFault::Eio),
        Faults::of_call(CallFault::Estale),
    ];

    /// One call meets this.
    pub const fn of_call(fault: CallFault) -> Faults {
        let mut faults = Faults::NONE;
        *faults.count_mut(fault) = 1;
        faults
    }

    /// How many calls may meet this.
    pub const fn count(mut self, fault: CallFault) -> u32 {
        *self.count_mut(fault)
    }

    /// The same, to be changed.
    pub const fn count_mut(&mut self, fault: CallFault) -> &mut u32 {
        match fault {
            CallFault::Eintr => &mut self.eintr,
            CallFault::ShortWrite => &mut self.short_writes,
            CallFault::ShortRead => &mut self.short_reads,
            CallFault::Enospc => &mut self.enospc,
            CallFault::Eio => &mut self.eio,
            CallFault::Estale => &mut self.estale,
        }
    }

    /// Each kind with the word for it, as the command line and tables spell it.
    const fn kinds(&self) -> [(u32, &'static str); 10] {
        [
            (self.crashes, "crash"),
            (self.stalls, "stall"),
            (self.jumps, "jump"),
            (self.failures, "calls"),
            (self.eintr, CallFault::Eintr.name()),
            (self.short_writes, CallFault::ShortWrite.name()),
            (self.short_reads, CallFault::ShortRead.name()),
            (self.enospc, CallFault::Enospc.name()),
            (self.eio, CallFault::Eio.name()),
            (self.estale, CallFault::Estale.name()),
        ]
    }

    /// The word for the kind that may strike, `none`, or `several`.
    pub const fn name(self) -> &'static str {
        let kinds = self.kinds();
        let (mut name, mut found, mut nth) = ("none", 0, 0);
        while nth < kinds.len() {
            if kinds[nth].0 > 0 {
                name = kinds[nth].1;
                found += 1;
            }
            nth += 1;
        }
        if found > 1 { "several" } else { name }
    }

    /// The words for all kinds that may strike.
    pub fn names(&self) -> Vec<&'static str> {
        self.kinds().into_iter().filter(|(count, _)| *count > 0).map(|(_, name)| name).collect()
    }

    /// How many there are of all kinds.
    pub fn total(&self) -> u32 {
        self.kinds().into_iter().map(|(count, _)| count).sum()
    }

    /// All that may strike in one of the two, as often as it may where it may more often.
    #[must_use]
    pub fn or(mut self, other: Faults) -> Faults {
        self.crashes = self.crashes.max(other.crashes);
        self.stalls = self.stalls.max(other.stalls);
        self.jumps = self.jumps.max(other.jumps);
        self.failures = self.failures.max(other.failures);
        for fault in CallFault::ALL {
            *self.count_mut(fault) = self.count(fault).max(other.count(fault));
        }
        self
    }

    /// Is there none?
    pub fn is_none(&self) -> bool {
        *self == Faults::NONE
    }
}

/// The most choices that a case may hold.
pub const MAX_CHOICES: usize = 1 << 16;
/// The most steps that the workers of one interleaved run may take, all together.
pub const MAX_STEPS: u32 = 1 << 14;

/// One run, whole: which lock, which workers, which commands in which order.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// The name of the lock, as `lockfuzz locks` lists it.
    pub lock: String,
    /// Which worker lives where.
    pub placement: Placement,
    /// How long the lock is held.
    pub scope: Scope,
    /// How each tick is sorted before it goes out.
    pub order: Order,
    /// How many workers there are.
    pub workers: u32,
    /// What they are asked, as generated (not yet sorted).
    pub schedule: Schedule,
    /// Who goes on at each point where two or more could: an index into the enabled, of which the
    /// first is the one who moved last, and the others follow by number. Past the end it is 0.
    ///
    /// `None` is a run in order: ticks are barriers, commands are never interrupted, and whoever's
    /// command came first goes on. With choices there are no barriers: the ticks only say in which
    /// order each worker does its own commands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choices: Option<Vec<u32>>,
    /// What may go wrong; only in a case with choices.
    #[serde(default, skip_serializing_if = "Faults::is_none")]
    pub faults: Faults,
}

impl Case {
    /// Can this case be run?
    ///
    /// # Errors
    /// What [`Schedule::check`] finds.
    pub fn check(&self) -> Result<(), Illegal> {
        if self.choices.as_ref().is_some_and(|choices| choices.len() > MAX_CHOICES) {
            return Err(Illegal::TooManyChoices);
        }
        if !self.faults.is_none() && self.choices.is_none() {
            return Err(Illegal::FaultsInOrder);
        }
        if self.faults.crashes > 0 && self.placement.to_a_process() != Some(1) {
            return Err(Illegal::CrashOfThread);
        }
        self.schedule.check(self.workers)
    }

    /// The commands in the order in which they go out.
    pub fn plan(&self) -> Plan {
        Plan::new(self)
    }
}

/// One command of a [`Plan`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The tick, counted from 0.
    pub tick: usize,
    /// Who is asked.
    pub worker: Wid,
    /// For what.
    pub command: Command,
}

/// What a driver sends out: the sorted schedule, with an exit for everybody whose schedule has
/// none. Those exits share one tick after the last, in the order of the workers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// When each tick starts.
    pub times: Vec<Time>,
    /// All commands, tick by tick.
    pub steps: Vec<Step>,
}

impl Plan {
    /// One command for each worker, which stands for its part of a program.
    pub(crate) fn parts(workers: u32) -> Plan {
        let part = |worker| Step { tick: 0, worker, command: Command::Exit };
        Plan { times: vec![Time::ZERO], steps: (1..=workers).map(part).collect() }
    }

    fn new(case: &Case) -> Plan {
        let schedule = case.order.sorted(&case.schedule);
        let mut leaves = vec![false; case.workers as usize + 1];
        let mut times: Vec<Time> = schedule.ticks.iter().map(|t| t.at).collect();
        let mut steps: Vec<Step> =
            schedule.commands().map(|(tick, worker, command)| Step { tick, worker, command }).collect();
        for step in steps.iter().filter(|step| step.command == Command::Exit) {
            leaves[step.worker as usize] = true;
        }
        if leaves[1..].contains(&false) {
            let tick = times.len();
            let gap = schedule.period().max(Time::from_micros(1));
            times.push(times.last().map_or(Time::ZERO, |&last| last + gap));
            let stay = (1..=case.workers).filter(|&w| !leaves[w as usize]);
            steps.extend(stay.map(|worker| Step { tick, worker, command: Command::Exit }));
        }
        Plan { times, steps }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::schedule::original;

    fn case(schedule: Schedule, workers: u32) -> Case {
        let lock = "flag".to_owned();
        let (placement, scope, order) = (Placement::Threads, Scope::Session, Order::ForceWrite);
        Case { lock, placement, scope, order, workers, schedule, choices: None, faults: Faults::NONE }
    }

    #[test]
    fn neighbours_are_of_the_kinds_that_their_placement_has() {
        let together = |placement: Placement| {
            [(1, 2), (2, 3), (3, 4), (1, 4)].map(|(one, other)| placement.together(one, other))
        };
        assert_eq!(together(Placement::Threads), [true; 4]);
        assert_eq!(together(Placement::Processes), [false; 4]);
        assert_eq!(together(Placement::Mixed), [true, false, true, false]);
        let kinds = |placement: Placement, workers| {
            let pairs = (1..=workers).flat_map(|one| (1..one).map(move |other| (one, other)));
            let kinds: BTreeSet<bool> = pairs.map(|(one, other)| placement.together(one, other)).collect();
            kinds.len()
        };
        for placement in Placement::ALL {
            let fewest = placement.fewest();
            assert_eq!(kinds(placement, fewest), kinds(placement, 16), "{placement:?}");
            assert!(kinds(placement, fewest - 1) < kinds(placement, fewest), "{placement:?}");
        }
    }

    #[test]
    fn exits_follow_the_last_tick_in_the_order_of_the_workers() {
        let plan = case(original(3, Time::from_micros(10)), 3).plan();
        let micros: Vec<u64> = plan.times.iter().map(|t| t.as_micros()).collect();
        assert_eq!(micros, [0, 10, 20, 30, 40, 50]);
        let tail: Vec<_> = plan.steps[6..].iter().map(|s| (s.tick, s.worker, s.command)).collect();
        assert_eq!(tail, [(5, 1, Command::Exit), (5, 2, Command::Exit), (5, 3, Command::Exit)]);
        let third: Vec<_> = plan.steps[2..4].iter().map(|s| (s.worker, s.command)).collect();
        assert_eq!(third, [(3, Command::Write), (1, Command::Read)], "sorted as the case says");
    }

    #[test]
    fn words_are_those_of_the_saved_form() {
        let spelt = |value: serde_json::Value| value.as_str().unwrap().to_owned();
        for placement in Placement::ALL {
            assert_eq!(placement.name(), spelt(serde_json::to_value(placement).unwrap()));
        }
        for scope in Scope::ALL {
            assert_eq!(scope.name(), spelt(serde_json::to_value(scope).unwrap()));
        }
        for fault in CallFault::ALL {
            assert_eq!(fault.name(), spelt(serde_json::to_value(fault).unwrap()));
        }
    }

    #[test]
    fn faults_need_choices_and_a_crash_a_process() {
        let with = |faults, choices: Option<Vec<u32>>, placement| {
            let plain = case(original(2, Time::from_micros(10)), 2);
            Case { faults, choices, placement, ..plain }.check()
        };
        let (threads, processes) = (Placement::Threads, Placement::Processes);
        assert_eq!(with(Faults::NONE, None, threads), Ok(()));
        assert_eq!(with(Faults::NONE, Some(vec![]), threads), Ok(()));
        assert_eq!(with(Faults::STALL, Some(vec![]), threads), Ok(()));
        assert_eq!(with(Faults::STALL, None, threads), Err(Illegal::FaultsInOrder));
        assert_eq!(with(Faults::CRASH, Some(vec![]), processes), Ok(()));
        assert_eq!(with(Faults::CRASH, Some(vec![]), threads), Err(Illegal::CrashOfThread));
        let several = Faults { crashes: 2, ..Faults::STALL };
        let names = ["none", "crash", "stall", "jump", "calls"];
        assert_eq!(Faults::ALL.map(Faults::name), names);
        assert_eq!((several.name(), several.is_none(), Faults::NONE.is_none()), ("several", false, true));
        let names = ["crash", "stall", "eintr", "short-write", "short-read", "enospc", "eio", "estale"];
        assert_eq!(Faults::OF_PROGRAMS.map(Faults::name), names);
        let all = Faults::OF_PROGRAMS.into_iter().fold(several, Faults::or);
        assert_eq!(all.names(), names);
        assert_eq!((all.crashes, all.count(CallFault::Eio)), (2, 1));
        assert_eq!(Faults::NONE.names(), [""; 0]);
    }

    /// Files from before there were all kinds say nothing of the others, and are written as they were.
    #[test]
    fn a_kind_of_fault_that_is_not_named_does_not_strike() {
        let old = r#"{"crashes":1,"stalls":0}"#;
        assert_eq!(serde_json::from_str::<Faults>(old).unwrap(), Faults::CRASH);
        assert_eq!(serde_json::to_string(&Faults::CRASH).unwrap(), old);
        let new = serde_json::to_string(&Faults { jumps: 2, ..Faults::FAILURE }).unwrap();
        assert_eq!(new, r#"{"crashes":0,"stalls":0,"jumps":2,"failures":1}"#);
        let call = Faults { short_writes: 2, ..Faults::of_call(CallFault::Enospc) };
        let text = r#"{"crashes":0,"stalls":0,"short_writes":2,"enospc":1}"#;
        assert_eq!(serde_json::to_string(&call).unwrap(), text);
        assert_eq!(serde_json::from_str::<Faults>(text).unwrap(), call);
    }

    #[test]
    fn a_case_has_only_so_many_choices() {
        let with = |choices: usize| {
            let schedule = original(2, Time::from_micros(10));
            Case { choices: Some(vec![0; choices]), ..case(schedule, 2) }.check()
        };
        assert_eq!(with(1 << 16), Ok(()));
        assert_eq!(with((1 << 16) + 1), Err(Illegal::TooManyChoices));
        let illegal = Case { workers: 1, ..case(original(2, Time::from_micros(10)), 2) };
        assert!(illegal.check().is_err(), "and its schedule is looked at");
    }

    #[test]
    fn an_exit_that_is_scheduled_is_not_sent_twice() {
        let text = "0 [(1,'write'),(2,'write')]\n1 [(1,'read')]\n2 [(1,'exit'),(2,'read')]";
        let plan = case(text.parse().unwrap(), 2).plan();
        let exits: Vec<_> = plan.steps.iter().filter(|s| s.command == Command::Exit).collect();
        assert_eq!(exits.len(), 2);
        assert_eq!((exits[1].tick, exits[1].worker), (3, 2));
    }
}
