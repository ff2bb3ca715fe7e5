//! The workers of one run with their threads and children, held at their calls.

mod striking;
mod waking;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::case::{CallFault, Faults};
use crate::history::{Absence, Event as Entry, Missing, What};
use crate::interleave::{Act, Enabled, lane};
use crate::schedule::{Command, Time, Wid};
use crate::stage::Access;
use crate::sys::tracee::{self, Event, Registers, Stopped};

use super::call::{Call, Numbers, Subject, View, life};
use super::clock::{Clock, Inode};
use super::course::Course;
use super::exact::Locks;
use super::place::{self, Places};
use super::table::Table;
use super::timers::Timers;
use super::watch::Watch;

/// For so long somebody who was woken lets the others run who do nothing that is seen: of processor time, so that it is
/// the same on a busy machine. And so long by the clock, in case they do not run at all.
const TURN: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_secs(1);

/// One thread.
pub(super) struct Task {
    pub(super) worker: Wid,
    /// The number by which schedulers know it.
    pub(super) lane: Wid,
    /// The process that it is a thread of.
    pub(super) process: i32,
    pub(super) state: State,
    /// How many steps it has taken.
    steps: u32,
    /// It has stopped for the first time.
    began: bool,
}

/// What a worker is after, whichever of its threads and children does it.
#[derive(Default)]
struct Mind {
    /// What its steps have touched since it last slept.
    interest: Vec<Access>,
    /// How often it was woken before its time since the clock moved.
    hurries: u32,
    /// Steps that changed nothing, by their texts, since anything changed.
    vain: HashMap<String, u32>,
    /// The steps since it last slept, and those before that sleep.
    round: Vec<String>,
    before: Option<Vec<String>>,
    /// How often it has slept without a step in between.
    idle: u32,
    /// Something that it had looked at was changed before it slept.
    stirred: bool,
    /// To go on now may be something else than what it did before it slept.
    fresh: bool,
}

/// Where a thread is.
pub(super) enum State {
    /// On its way to its next call.
    Running,
    /// In a call that only others end; or the clock, at this time.
    Waiting(Wait),
    /// After such a call, or made just now. It goes on when nobody else runs, so that what two threads do between their points has one
    /// order.
    Woken(Stopped, Option<Wait>),
    /// Before a call on something that is watched.
    AtPoint(Stopped, Pending),
    /// In the middle of it.
    Acting(Pending),
    /// The call would have had to wait; it is on its way back to where it was before.
    Returning(Pending),
    /// Before a call that would have to wait.
    Blocked(Stopped, Pending),
    /// Before a call that sleeps; a pause also ends when something changes.
    Asleep { stopped: Stopped, until: Duration, pause: bool },
    /// The same, before a call, and for whatever it would have done: it is stalled.
    Stalled { stopped: Stopped, pending: Pending, until: Duration },
    /// The same, before a call that it makes again and again.
    Spinning { stopped: Stopped, pending: Pending, until: Duration },
    /// Sent away.
    Dying,
}

/// A call that waits.
pub(super) struct Wait {
    /// As the program has called.
    pub(super) registers: Registers,
    /// When it gives up, and what the call returns then.
    pub(super) until: Option<(Duration, i64)>,
    /// It may be in a sleep that nothing interrupts (vfork).
    pub(super) deep: bool,
    /// What it waits for is not among the workers, or nobody knows.
    pub(super) outside: bool,
}

/// A call on something that is watched, not yet made.
pub(super) struct Pending {
    pub(super) call: Call,
    next: Vec<Access>,
    stale: bool,
    /// The files behind its paths before it was made.
    pub(super) before: Vec<Option<Inode>>,
    /// It is made with this number in this word, and not with its own.
    pub(super) count: Option<(usize, u64)>,
}

/// One process.
pub(super) struct Process {
    pub(super) worker: Wid,
    /// The worker's first one.
    pub(super) is_root: bool,
    /// The watched files that it has opened.
    pub(super) opened: Vec<Inode>,
    /// It has taken a lock.
    pub(super) locks: bool,
    pub(super) timers: Timers,
    /// Signals that interrupt a call which waits: they have handlers, after which it is not begun again.
    pub(super) handlers: BTreeSet<i32>,
}

/// What came of a worker's first process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Code(i32),
    Signal(i32),
}

/// All of them.
pub(super) struct Family<'a> {
    pub(super) table: &'a Table,
    pub(super) watch: &'a Watch,
    pub(super) places: Places,
    pub(super) numbers: Numbers,
    pub(super) clock: Clock,
    pub(super) tasks: BTreeMap<i32, Task>,
    pub(super) processes: HashMap<i32, Process>,
    /// The worker of every thread and process there was.
    pub(super) tids: HashMap<i32, Wid>,
    /// New ones whose parents have not told of them yet.
    unclaimed: HashMap<i32, Stopped>,
    pub(super) ends: BTreeMap<Wid, End>,
    pub(super) events: Vec<Entry>,
    pub(super) chances: HashMap<Wid, u64>,
    minds: HashMap<Wid, Mind>,
    /// Of those who are copies, and how many of them were sent to their ends.
    pub(super) courses: HashMap<Wid, Course>,
    pub(super) sent: u32,
    /// How often each worker has looked at the clock.
    pub(super) looks: HashMap<Wid, u32>,
    pub(super) last: Wid,
    next_lane: Wid,
    faults: Faults,
    /// Which of those that may befall a call could have.
    pub(super) possible: BTreeSet<CallFault>,
    /// Signals were sent, and maybe not heeded yet.
    pub(super) signalled: bool,
    /// The run is over: whoever ends now was sent away.
    over: bool,
    /// How often the clock has moved since something changed.
    rounds: u32,
    /// Why the program cannot be traced.
    pub(super) refusal: Option<String>,
    /// As a proof has it: see [`Job::exact`](crate::job::Job).
    pub(super) exact: bool,
    /// The workers see the machine's clock.
    pub(super) real_clock: bool,
    /// The same program with a broken lock: no call that takes one fails.
    pub(super) deaf: bool,
    pub(super) locks: Locks,
    /// Calls of which a certificate can say nothing, and how often one was answered that was not made, or woken too often.
    pub(super) strange: BTreeSet<String>,
    pub(super) deafened: u32,
    pub(super) hurried: bool,
    /// Each step, with what it touched; for a proof alone.
    pub(super) trail: Vec<(Wid, String, Vec<Access>)>,
    /// Its calls of the filter, those on nothing watched included.
    pub(super) stops: u64,
    pub(super) contended: bool,
    /// Whose programs were executed.
    pub(super) began: BTreeSet<Wid>,
    /// How many steps each worker took.
    pub(super) taken: BTreeMap<Wid, u32>,
    /// Files that are not watched, and who opened them to write or make them.
    pub(super) outside: BTreeMap<PathBuf, BTreeSet<Wid>>,
    /// Those of them that were changed in another way: removed, named otherwise, and the like.
    pub(super) altered: BTreeSet<PathBuf>,
    /// Somebody has gone, or may have gone, into another folder.
    pub(super) moved: bool,
    /// Something of this was done by those who are there now, and not before they were copied.
    pub(super) strayed: bool,
    /// Somebody has opened the list of all processes.
    pub(super) census: bool,
    /// Watched files that were mapped.
    pub(super) mapped: BTreeSet<String>,
    pub(super) reads: super::readback::ReadBack,
}

impl<'a> Family<'a> {
    /// Nobody yet.
    pub(super) fn new(
        (table, watch): (&'a Table, &'a Watch),
        places: Places,
        clock: Clock,
        faults: Faults,
        reads: super::readback::ReadBack,
    ) -> Self {
        Family {
            table,
            watch,
            places,
            numbers: Numbers::default(),
            clock,
            tasks: BTreeMap::new(),
            processes: HashMap::new(),
            tids: HashMap::new(),
            unclaimed: HashMap::new(),
            ends: BTreeMap::new(),
            events: Vec::new(),
            chances: HashMap::new(),
            minds: HashMap::new(),
            courses: HashMap::new(),
            sent: 0,
            looks: HashMap::new(),
            last: 0,
            next_lane: 0,
            faults,
            possible: BTreeSet::new(),
            signalled: false,
            over: false,
            rounds: 0,
            refusal: None,
            exact: false,
            real_clock: false,
            deaf: false,
            locks: Locks::default(),
            strange: BTreeSet::new(),
            deafened: 0,
            hurried: false,
            trail: Vec::new(),
            stops: 0,
            contended: false,
            began: BTreeSet::new(),
            taken: BTreeMap::new(),
            outside: BTreeMap::new(),
            altered: BTreeSet::new(),
            moved: false,
            strayed: false,
            census: false,
            mapped: BTreeSet::new(),
            reads,
        }
    }

    /// A worker's first process was started.
    pub(super) fn welcome(&mut self, worker: Wid, pid: i32) {
        self.tids.insert(pid, worker);
        self.processes.insert(pid, Process::new(worker, true, Vec::new()));
        self.tasks.insert(pid, Task::new(worker, worker, pid));
    }

    /// Waits until it runs its own program.
    pub(super) fn begin(&mut self, worker: Wid, pid: i32) -> io::Result<()> {
        while !self.began.contains(&worker) && self.tasks.contains_key(&pid) {
            let Some(event) = tracee::next_event(true)? else { break };
            self.on_event(event)?;
        }
        Ok(())
    }

    pub(super) fn log(&mut self, worker: Wid, what: What) {
        let at = Time::from_micros(self.clock.now().as_micros() as u64);
        self.events.push(Entry { tick: 0, at, worker, command: Command::Write, what });
    }

    /// Waits until everybody stands still: before a call, in one that only others end, or gone.
    pub(super) fn settle(&mut self) -> io::Result<()> {
        let mut since = Instant::now();
        let mut spent_before = None;
        loop {
            let (mut moving, mut waiting, mut woken) = (false, false, None);
            for (&tid, task) in &self.tasks {
                match task.state {
                    State::Running | State::Acting(_) | State::Returning(_) | State::Dying => moving = true,
                    State::Waiting(_) => waiting = true,
                    State::Woken(..) => {
                        let this = (task.lane, tid);
                        woken = Some(woken.map_or(this, |other: (Wid, i32)| other.min(this)));
                    }
                    _ => {}
                }
            }
            if !moving && !waiting && woken.is_none() {
                return Ok(());
            }
            match tracee::next_event(moving && woken.is_none())? {
                Some(event) => {
                    (since, spent_before) = (Instant::now(), None);
                    self.on_event(event)?;
                }
                // Whoever runs may wait for the woken one without a call.
                None if moving && woken.is_some() => {
                    let spent = self.spent();
                    let turn = spent.saturating_sub(*spent_before.get_or_insert(spent)) > TURN;
                    match woken {
                        Some((_, tid)) if turn || since.elapsed() > PATIENCE => {
                            (since, spent_before) = (Instant::now(), None);
                            self.let_on(tid)?;
                        }
                        _ => std::thread::yield_now(),
                    }
                }
                // Nobody is left.
                None if moving => {
                    self.tasks.clear();
                    return Ok(());
                }
                None if self.all_sleep() => {
                    // Whoever was seen first may have been woken while the last one was looked at.
                    match tracee::next_event(false)? {
                        Some(event) => self.on_event(event)?,
                        None if self.all_sleep() => match woken {
                            Some((_, tid)) => self.let_on(tid)?,
                            None => return Ok(()),
                        },
                        None => {}
                    }
                }
                None => std::thread::yield_now(),
            }
        }
    }

    /// It goes on after a call in which it waited.
    fn let_on(&mut self, tid: i32) -> io::Result<()> {
        let Some(task) = self.tasks.get_mut(&tid) else { return Ok(()) };
        match std::mem::replace(&mut task.state, State::Running) {
            State::Woken(stopped, Some(wait)) => gone(self.on_woken(stopped, &wait)),
            State::Woken(stopped, None) => gone(stopped.go(None)),
            other => {
                task.state = other;
                Ok(())
            }
        }
    }

    /// The processor time of those who run.
    fn spent(&self) -> Duration {
        let runs = |(tid, task): (&i32, &Task)| matches!(task.state, State::Running).then_some(*tid);
        self.tasks.iter().filter_map(runs).map(place::spent).sum()
    }

    /// Are all who wait asleep? Nobody else moves meanwhile.
    fn all_sleep(&self) -> bool {
        self.tasks.iter().all(|(&tid, task)| match &task.state {
            State::Waiting(wait) => match place::state(tid) {
                Some(b'S') => true,
                Some(b'D') => wait.deep,
                _ => false,
            },
            _ => true,
        })
    }

    fn on_event(&mut self, event: Event) -> io::Result<()> {
        self.watch.alive();
        match event {
            Event::Call(stopped) => {
                self.stops += 1;
                let tid = stopped.tid();
                let Some(task) = self.tasks.get_mut(&tid) else { return gone(stopped.go(None)) };
                match std::mem::replace(&mut task.state, State::Running) {
                    State::Returning(pending) => {
                        task.state = State::Blocked(stopped, pending);
                        Ok(())
                    }
                    State::Dying => {
                        task.state = State::Dying;
                        gone(stopped.go(None))
                    }
                    _ => gone(self.on_call(stopped)),
                }
            }
            Event::CallDone(stopped) => {
                let Some(task) = self.tasks.get_mut(&stopped.tid()) else { return gone(stopped.go(None)) };
                match std::mem::replace(&mut task.state, State::Running) {
                    State::Acting(pending) => gone(self.on_done(stopped, pending)),
                    State::Waiting(wait) => {
                        task.state = State::Woken(stopped, Some(wait));
                        Ok(())
                    }
                    other => {
                        task.state = other;
                        gone(stopped.go(None))
                    }
                }
            }
            Event::Exec(stopped) => gone(self.on_exec(stopped)),
            Event::Parent { parent, child, waits } => {
                let tid = parent.tid();
                if let (Some(child), Some(by)) = (child, self.tasks.get(&tid)) {
                    let (worker, process) = (by.worker, by.process);
                    self.lose(worker);
                    self.adopt(child, worker, process)?;
                }
                if let Some(task) = self.tasks.get_mut(&tid)
                    && let Ok(registers) = parent.registers()
                {
                    task.state = match waits {
                        true => State::Waiting(Wait { registers, until: None, deep: true, outside: false }),
                        false => State::Running,
                    };
                }
                gone(parent.go(None))
            }
            Event::Signal(stopped, None) => self.on_stop(stopped),
            Event::Signal(stopped, signal) => {
                // What a call that waits was interrupted by ends it, or begins it again.
                if let Some(task) = self.tasks.get_mut(&stopped.tid()) {
                    // Whoever was on its way back to its call makes others first, in a handler.
                    if let State::Waiting(_) | State::Returning(_) = task.state {
                        task.state = State::Running;
                    }
                    let worker = task.worker;
                    self.lose(worker);
                }
                gone(stopped.go(signal))
            }
            Event::Halted(stopped) => gone(stopped.stay_halted()),
            Event::Exited(tid, code) => {
                self.on_end(tid, End::Code(code));
                Ok(())
            }
            Event::Killed(tid, signal) => {
                self.on_end(tid, End::Signal(signal));
                Ok(())
            }
        }
    }

    /// A thread or process was made.
    fn adopt(&mut self, tid: i32, worker: Wid, parent: i32) -> io::Result<()> {
        let process = place::group(tid).unwrap_or(tid);
        self.next_lane += 1;
        let lane = worker + self.next_lane * lane::EACH;
        self.tids.insert(tid, worker);
        if process != parent && !self.processes.contains_key(&process) {
            let inherited = self.processes.get(&parent);
            let inherited = inherited.map(|parent| (parent.opened.clone(), parent.handlers.clone()));
            let (opened, handlers) = inherited.unwrap_or_default();
            self.processes.insert(process, Process { handlers, ..Process::new(worker, false, opened) });
        }
        self.tasks.insert(tid, Task::new(worker, lane, process));
        if let Some(stopped) = self.unclaimed.remove(&tid)
            && let Some(task) = self.tasks.get_mut(&tid)
        {
            task.state = State::Woken(stopped, None);
        }
        Ok(())
    }

    /// A newborn, or somebody whose patience is at its end.
    fn on_stop(&mut self, stopped: Stopped) -> io::Result<()> {
        let tid = stopped.tid();
        let Some(task) = self.tasks.get_mut(&tid) else {
            self.unclaimed.insert(tid, stopped);
            return Ok(());
        };
        if let State::Waiting(wait) = &task.state
            && let Some((until, answer)) = wait.until
            && until <= self.clock.now()
            && let Ok(mut registers) = stopped.registers()
        {
            for (nth, word) in wait.registers.words().into_iter().enumerate() {
                registers.set_word(nth, word);
            }
            registers.answer(answer);
            gone(stopped.set_registers(&registers))?;
        }
        if matches!(task.state, State::Running) && !task.began {
            task.began = true;
            task.state = State::Woken(stopped, None);
            return Ok(());
        }
        task.state = State::Running;
        gone(stopped.go(None))
    }

    fn on_woken(&mut self, stopped: Stopped, wait: &Wait) -> io::Result<()> {
        let mut registers = stopped.registers()?;
        for (nth, word) in wait.registers.words().into_iter().enumerate() {
            registers.set_word(nth, word);
        }
        if let Some((until, answer)) = wait.until
            && until <= self.clock.now()
            && registers.result() < 0
        {
            registers.answer(answer);
        }
        stopped.set_registers(&registers)?;
        stopped.go(None)
    }

    fn on_end(&mut self, tid: i32, end: End) {
        self.unclaimed.remove(&tid);
        let Some(task) = self.tasks.remove(&tid) else { return };
        // A leader ends last, so with it the process does.
        if task.process != tid {
            return;
        }
        let Some(process) = self.processes.remove(&tid) else { return };
        self.tasks.retain(|_, other| other.process != tid);
        // Its parent is told.
        self.signalled = true;
        let mut freed: Vec<_> =
            process.opened.iter().map(|&inode| Access::Change(self.numbers.locks(inode))).collect();
        if process.is_root && !self.over {
            self.ends.insert(process.worker, end);
            let what = match end {
                End::Code(0) => What::Exited,
                End::Code(code) => What::Quit(code),
                End::Signal(_) if matches!(task.state, State::Dying) => What::Crashed,
                End::Signal(signal) => What::Died(signal),
            };
            self.log(process.worker, what);
            freed.push(Access::Change(life(process.worker)));
        }
        if let Some(left) = self.locks.left(tid) {
            freed = left;
        }
        // An empty list would stand for anything.
        if !freed.is_empty() {
            self.changed(tid, &freed);
        }
    }

    /// Something has come to a worker that nobody can compare.
    pub(super) fn lose(&mut self, worker: Wid) {
        if let Some(course) = self.courses.get_mut(&worker) {
            course.lose();
        }
    }

    /// From here on nothing goes wrong by chance.
    pub(super) fn no_more_faults(&mut self) {
        self.faults = Faults::NONE;
    }

    /// Who was on its way when nothing more was heard.
    pub(super) fn silent(&self) -> Option<Wid> {
        let signal = |(_, end): &(&Wid, &End)| matches!(end, End::Signal(_));
        self.ends.iter().find(signal).map(|(&worker, _)| worker)
    }

    /// Who could go on, the one that moved last first; then the faults.
    pub(super) fn options(&mut self) -> Vec<(i32, Enabled)> {
        self.refresh();
        let mut options = Vec::new();
        for (&tid, task) in &self.tasks {
            if let State::AtPoint(_, pending) = &task.state {
                let (worker, step) = (task.lane, task.steps);
                options.push((tid, Enabled { worker, act: Act::Step, step, next: pending.next.clone() }));
            }
        }
        options.sort_by_key(|(_, one)| (one.worker != self.last, lane::owner(one.worker), one.worker));
        // Behind the others: to go on with another than the one who sleeps is no preemption.
        if self.exact && !options.is_empty() {
            self.may_wake(&mut options);
        }
        self.contended |= self.meet();
        if self.faults.crashes > 0 {
            for (&worker, _) in self.roots_alive().iter() {
                options.push((0, Enabled { worker, act: Act::Crash, step: 0, next: Vec::new() }));
            }
        }
        if self.faults.stalls > 0 {
            let ready: BTreeSet<Wid> = options
                .iter()
                .filter(|(_, one)| one.act == Act::Step)
                .map(|(_, one)| lane::owner(one.worker))
                .collect();
            for worker in ready {
                options.push((0, Enabled { worker, act: Act::Clock, step: 0, next: Vec::new() }));
            }
        }
        self.may_strike(&mut options);
        options
    }

    fn roots_alive(&self) -> BTreeMap<Wid, i32> {
        let roots = self.processes.iter().filter(|(_, process)| process.is_root);
        roots.map(|(&pid, process)| (process.worker, pid)).collect()
    }

    /// Do two workers want the same thing now, and one of them changes it?
    fn meet(&self) -> bool {
        let pending: Vec<_> = self
            .tasks
            .values()
            .filter_map(|task| match &task.state {
                State::AtPoint(_, pending) | State::Blocked(_, pending) if !pending.call.is_mark() => {
                    Some((task.worker, &pending.next))
                }
                _ => None,
            })
            .collect();
        pending.iter().enumerate().any(|(nth, (worker, mine))| {
            pending[..nth].iter().any(|(other, theirs)| {
                worker != other && mine.iter().any(|one| theirs.iter().any(|two| one.depends_on(*two)))
            })
        })
    }

    fn refresh(&mut self) {
        let tids: Vec<i32> = self.tasks.keys().copied().collect();
        for tid in tids {
            let Some(task) = self.tasks.get_mut(&tid) else { continue };
            let process = task.process;
            if let State::AtPoint(_, pending) = &mut task.state
                && std::mem::take(&mut pending.stale)
            {
                let (places, numbers, tids) = (&mut self.places, &mut self.numbers, &self.tids);
                pending.next = pending.call.accesses(&mut View { places, numbers, tids, process });
                if self.exact {
                    let all = self.processes.iter().map(|(&pid, process)| (pid, process.worker)).collect();
                    let (who, reads_back) = ((task.worker, process), self.reads.is_on());
                    let numbers = &mut self.numbers;
                    self.locks.refine(&mut pending.next, &pending.call, who, &all, numbers, reads_back);
                }
            }
        }
    }

    /// This thread takes its step; comes back when everybody stands still again.
    pub(super) fn step(&mut self, tid: i32, lane: Wid) -> io::Result<()> {
        self.last = lane;
        let Some(task) = self.tasks.get_mut(&tid) else { return Ok(()) };
        let state = std::mem::replace(&mut task.state, State::Running);
        let (stopped, pending) = match state {
            State::AtPoint(stopped, pending) => (stopped, pending),
            // It goes on: the clock need not show that it slept, as what others do takes time as well.
            State::Asleep { stopped, pause, .. } => {
                task.state = State::Asleep { stopped, until: Duration::ZERO, pause };
                return Ok(());
            }
            other => {
                task.state = other;
                return Ok(());
            }
        };
        gone(self.perform(stopped, pending))?;
        self.settle()
    }

    /// Kills whatever is left of all of them, which is no event of the run.
    pub(super) fn end_all(&mut self) -> io::Result<()> {
        self.over = true;
        self.end(|_| true)
    }

    /// Kills whatever is left of these workers, and waits until it is gone.
    pub(super) fn end(&mut self, whose: impl Fn(Wid) -> bool) -> io::Result<()> {
        for task in self.tasks.values_mut().filter(|task| whose(task.worker)) {
            tracee::kill(task.process);
            task.state = State::Dying;
        }
        self.settle()
    }

    /// Who has not come to its end, and why.
    pub(super) fn missing(&self, why: Absence) -> Vec<Missing> {
        let workers = self.roots_alive();
        workers.keys().map(|&worker| Missing { worker, command: Command::Write, why }).collect()
    }

    /// Whether anybody waits for something that may come from elsewhere.
    pub(super) fn waits_for_outside(&self) -> bool {
        let rings =
            |task: &Task| self.processes.get(&task.process).is_some_and(|process| process.timers.are_real);
        self.tasks.values().any(|task| match &task.state {
            State::Waiting(wait) if wait.outside => rings(task) || place::hears_from_outside(task.process),
            State::Blocked(..) => rings(task),
            _ => false,
        })
    }

    /// Which workers are still there.
    pub(super) fn is_over(&self) -> bool {
        self.processes.values().all(|process| !process.is_root)
    }

    /// Makes the files behind a pending call's paths known, as they are before it is made.
    pub(super) fn note_before(&mut self, pending: &mut Pending, process: i32) {
        if let Subject::Paths(_) = pending.call.subject {
            let paths = self.paths_of(&pending.call, process);
            pending.before = paths.iter().map(|path| place::inode(path)).collect();
        }
    }

    /// The folder that a process is in: the private one, as long as nobody has moved.
    pub(super) fn folder_of(&self, process: i32) -> Option<PathBuf> {
        if self.moved { place::folder(process) } else { Some(self.places.root().to_owned()) }
    }

    pub(super) fn paths_of(&mut self, call: &Call, process: i32) -> Vec<PathBuf> {
        match &call.subject {
            Subject::Paths(said) => said
                .iter()
                .map(|said| self.places.resolve(process, &said.base, &said.path, said.follow).path)
                .collect(),
            Subject::Files(files) => files.iter().map(|(path, _)| path.clone()).collect(),
            _ => Vec::new(),
        }
    }
}

impl Task {
    fn new(worker: Wid, lane: Wid, process: i32) -> Self {
        Task { worker, lane, process, state: State::Running, steps: 0, began: false }
    }
}

impl Process {
    fn new(worker: Wid, is_root: bool, opened: Vec<Inode>) -> Self {
        Process {
            worker,
            is_root,
            opened,
            locks: false,
            timers: Timers::default(),
            handlers: BTreeSet::new(),
        }
    }
}

impl Pending {
    pub(super) fn next(&self) -> &[Access] {
        &self.next
    }
}

/// The call is not made; this is what it returns.
pub(super) fn answer(stopped: Stopped, result: i64) -> io::Result<()> {
    let registers = stopped.registers()?;
    answer_with(stopped, registers, result)
}

/// The same, where its registers are known.
pub(super) fn answer_with(stopped: Stopped, mut registers: Registers, result: i64) -> io::Result<()> {
    registers.answer(result);
    stopped.set_registers(&registers)?;
    stopped.go(None)
}

/// Whoever was killed meanwhile tells of that by its end.
pub(super) fn gone(went: io::Result<()>) -> io::Result<()> {
    match went {
        Err(why) if why.raw_os_error() == Some(libc::ESRCH) => Ok(()),
        other => other,
    }
}
