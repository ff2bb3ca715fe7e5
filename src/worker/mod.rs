//! A worker's life: it sleeps until its bell rings, obeys its next command, and passes the turn on.

pub(crate) mod board;
pub(crate) mod crew;
pub(crate) mod local;
pub(crate) mod panics;
mod pin;
pub mod process;
mod thread;

use std::cell::Cell;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use rustix::time::{ClockId, clock_gettime};

use crate::cache::{Found, Identity, SharedFile};
use crate::case::{Scope, Step};
use crate::clock::Clock;
use crate::history::{Event, Seen, What};
use crate::lock::{Double, Lock, LockError, Site, TryLock};
use crate::schedule::{Command, Time, Wid};
use crate::stage::{self, Access, Object, Stage};
use crate::sys::mapping::Mapping;
use crate::time;

use board::{Board, DRIVER, bell};
pub use crew::{Crew, Staff};
use local::{Local, Part};
pub use pin::{cores, pin, stay};
pub use process::Launch;

/// Nanoseconds of the machine's monotonic clock, the same in every process.
pub(crate) fn monotonic() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

/// What a worker needs to know of the place it works in.
#[derive(Clone, Copy)]
struct Place<'a> {
    board: &'a Arc<Mapping<Board>>,
    folder: &'a Path,
    doubles: &'a [&'a Double],
    mutex: &'static Mutex<()>,
    /// Of a thread of the driver's process.
    local: Option<&'a Arc<Local>>,
}

/// A worker's whole life. A lock under test may panic: the board says so, and the driver names the worker.
fn live(place: Place<'_>, wid: Wid) {
    if catch_unwind(AssertUnwindSafe(|| serve(place, wid))).is_err() {
        place.board.leave(wid);
    }
}

/// Serves cases until told to leave.
fn serve(place: Place<'_>, wid: Wid) {
    let board = place.board;
    let identity = Identity {
        pid: std::process::id(),
        tid: rustix::thread::gettid().as_raw_nonzero().get() as u32,
        wid,
    };
    board.arrive(identity);
    let mut desk: Option<(u64, Desk)> = None;
    loop {
        let what = board.hear(wid as usize);
        if what == bell::LEAVE {
            return;
        }
        if let Some((local, part)) = place.local.and_then(|local| Some((local, local.part()?))) {
            run_part(board, local, wid, &part);
            continue;
        }
        let serial = board.serial();
        let (_, desk) = match desk.take() {
            Some(same) if same.0 == serial => desk.insert(same),
            _ => desk.insert((serial, Desk::new(place, identity))),
        };
        match what {
            bell::CASE => desk.run_free(),
            _ if board.is_interleaved() => desk.run_interleaved(place),
            _ => desk.run_stepped(),
        }
    }
}

/// Does this worker's part of a program, and stops at each point for as long as others go on.
fn run_part(board: &Arc<Mapping<Board>>, local: &Arc<Local>, me: Wid, part: &Part) {
    let actor = Rc::new(Actor::new(board, me, Some(local)));
    let step = board.head(me).expect("each worker has a part");
    actor.step.set(Some(step));
    let foreseen = board.is_foreseen(me);
    actor.foreseen.set(foreseen);
    actor.chosen.set(foreseen);
    stage::enter(Some(actor.clone()));
    let ended = panics::caught(|| part(me));
    stage::enter(None);
    if actor.left.get() {
        // There is no next turn.
        resume_unwind(Box::new(RunOver));
    }
    match ended {
        Ok(()) => log(board, step, board.now(), What::Exited),
        Err(message) => {
            log(board, step, board.now(), What::Note(format!("panicked: {message}")));
            local.panicked(me, message);
        }
    }
    board.done(me);
    board.pass_to(actor.next(me));
}

/// What a worker's code is unwound with when its run is over. Whoever catches panics passes it on.
pub(crate) struct RunOver;

/// One worker in one case.
struct Desk<'a> {
    board: &'a Board,
    me: Identity,
    scope: Scope,
    file: SharedFile,
    site: Site<'a>,
    double: &'a Double,
    lock: Option<Box<dyn Lock + 'a>>,
    holds: bool,
}

/// How an attempt to take the lock ended.
enum Entry {
    In,
    Blocked,
    GaveUp,
    Failed(io::Error),
}

impl<'a> Desk<'a> {
    fn new(place: Place<'a>, me: Identity) -> Self {
        let Place { board, folder, doubles, mutex, local: _ } = place;
        let [file, path] = case_files(folder, (!board.is_interleaved()).then(|| board.serial()));
        Desk {
            board,
            me,
            scope: board.scope(),
            file: SharedFile::at(file),
            site: Site {
                path,
                mutex,
                semaphore: &board.semaphore,
                robust: &board.robust,
                worker: me.wid,
                workers: board.workers(),
            },
            double: doubles[board.double()],
            lock: None,
            holds: false,
        }
    }

    /// Stepped: moves for as long as the turn stays here, then rings the next one's bell.
    fn run_stepped(&mut self) {
        let (board, me) = (self.board, self.me.wid);
        loop {
            if let Some(step) = board.head(me) {
                let mut log = |what| self::log(board, step, board.now(), what);
                let entry = if board.take_expired(me) {
                    Entry::GaveUp
                } else if !self.needs_lock(step.command) {
                    Entry::In
                } else {
                    let tried = self.open().map(|lock| lock.try_lock());
                    match tried.unwrap_or_else(TryLock::Failed) {
                        TryLock::Acquired => Entry::In,
                        TryLock::WouldBlock => Entry::Blocked,
                        TryLock::Failed(why) => Entry::Failed(why),
                    }
                };
                match self.go_on(step, entry, &mut log) {
                    Went::Done { gave_back } => {
                        board.done(me);
                        if gave_back {
                            board.unblock_all();
                        }
                    }
                    Went::Waits => board.block(me),
                    Went::Leaves => board.skip_to_exit(me),
                }
            }
            let next = board.next();
            if next != me as usize {
                return board.pass_to(next);
            }
        }
    }

    /// Interleaved: does all its commands, one after the other, and stops at each point for as long as
    /// others go on.
    fn run_interleaved(&mut self, place: Place) {
        let (board, me) = (place.board, self.me.wid);
        let actor = Rc::new(Actor::new(board, me, place.local));
        stage::enter(Some(actor.clone()));
        while let Some(step) = board.head(me) {
            actor.step.set(Some(step));
            let mut log = |what| self::log(board, step, board.now(), what);
            let entry = if self.needs_lock(step.command) { self.attempt(&actor) } else { Entry::In };
            match self.go_on(step, entry, &mut log) {
                Went::Done { .. } => board.done(me),
                Went::Leaves => board.skip_to_exit(me),
                Went::Waits => {
                    if board.is_waiting(me) {
                        actor.give_way(None);
                        // Chosen to try again: the first step of the new attempt is what was chosen.
                        actor.chosen.set(true);
                    }
                }
            }
        }
        stage::enter(None);
        board.pass_to(actor.next(me));
    }

    /// Tries to take the lock. Who would block is blocked, unless what the attempt has looked at has
    /// changed meanwhile.
    fn attempt(&mut self, actor: &Actor) -> Entry {
        self.board.begin_attempt(self.me.wid);
        actor.slept.set(false);
        let atomic = self.double.atomic;
        let tried = self.open().map(|lock| {
            if atomic {
                stage::point(&[Access::Change(Object::memory("lock"))]);
            }
            lock.try_lock()
        });
        match tried.unwrap_or_else(TryLock::Failed) {
            // What a failing call of somebody else's has left behind: no way in, until it is cleared away.
            TryLock::Failed(why) if self.board.has_failed() && !actor.let_down.get() => {
                stage::note(format_args!("error: {why}"));
                self.board.block_if_unchanged(self.me.wid);
                Entry::Blocked
            }
            TryLock::Acquired => Entry::In,
            TryLock::WouldBlock => {
                // Who slept has not looked at everything since.
                if !actor.slept.get() {
                    self.board.block_if_unchanged(self.me.wid);
                }
                Entry::Blocked
            }
            TryLock::Failed(why) => Entry::Failed(why),
        }
    }

    /// Realtime: obeys each command when it comes, and really waits where the lock makes it wait.
    fn run_free(&mut self) {
        let (board, me) = (self.board, self.me.wid);
        let clock = Machine { origin: board.origin() };
        let mut had = 0;
        let mut leaving = false;
        while let Some(step) = board.head(me) {
            board.await_mail(me, had);
            had += 1;
            let mut log = |what| self::log(board, step, clock.time(), what);
            if !leaving || step.command == Command::Exit {
                log(What::Began);
                let entry =
                    if self.needs_lock(step.command) { self.wait(&clock, &mut log) } else { Entry::In };
                leaving = matches!(self.go_on(step, entry, &mut log), Went::Leaves);
            }
            board.done(me);
            board.answer(me);
            // From here on the board may show the next case.
            if step.command == Command::Exit {
                return;
            }
        }
    }

    /// Tries first, so that it can say that it waits; then waits as the lock does.
    fn wait(&mut self, clock: &Machine, log: &mut impl FnMut(What)) -> Entry {
        let (board, me) = (self.board, self.me.wid);
        let lock = match self.open() {
            Ok(lock) => lock,
            Err(why) => return Entry::Failed(why),
        };
        match lock.try_lock() {
            TryLock::Acquired => return Entry::In,
            TryLock::Failed(why) => return Entry::Failed(why),
            TryLock::WouldBlock => {}
        }
        log(What::Blocked);
        board.set_waiting(me, true);
        let got = lock.lock(clock);
        board.set_waiting(me, false);
        match got {
            Ok(()) => Entry::In,
            Err(LockError::GaveUp(_)) => Entry::GaveUp,
            Err(LockError::Io(why)) => Entry::Failed(why),
        }
    }

    fn needs_lock(&self, command: Command) -> bool {
        !self.holds && command != Command::Exit
    }

    fn open(&mut self) -> io::Result<&mut (dyn Lock + 'a)> {
        if self.lock.is_none() {
            self.lock = Some((self.double.open)(&self.site)?);
        }
        Ok(self.lock.as_mut().expect("opened just now").as_mut())
    }

    /// What follows once the lock was taken, or was not.
    fn go_on(&mut self, step: Step, entry: Entry, log: &mut impl FnMut(What)) -> Went {
        match entry {
            Entry::In => {}
            Entry::Blocked => {
                log(What::Blocked);
                return Went::Waits;
            }
            Entry::GaveUp => {
                log(What::GaveUp);
                return Went::Leaves;
            }
            Entry::Failed(why) => return failed(&why, log),
        }
        if self.needs_lock(step.command) {
            self.holds = true;
            log(What::Locked);
        }
        match self.obey(step, log) {
            Ok(Obeyed::Done { gave_back }) => Went::Done { gave_back },
            Ok(Obeyed::Refused) => Went::Leaves,
            Err(why) => failed(&why, log),
        }
    }

    /// Does the lock's owner still let us in? Asked in the same step as what we want to do there.
    fn is_admitted(&mut self) -> io::Result<bool> {
        match &mut self.lock {
            Some(lock) if self.holds => lock.admits(),
            _ => Ok(true),
        }
    }

    /// Does it, and says whether the lock was given back.
    fn obey(&mut self, step: Step, log: &mut impl FnMut(What)) -> io::Result<Obeyed> {
        match step.command {
            Command::Write => {
                stage::point(&[Access::Change(Object::memory("cache"))]);
                if !self.is_admitted()? {
                    log(What::Refused);
                    return Ok(Obeyed::Refused);
                }
                self.file.write(self.me)?;
                log(What::Wrote);
            }
            Command::Read => {
                stage::point(&[Access::Look(Object::memory("cache"))]);
                if !self.is_admitted()? {
                    log(What::Refused);
                    return Ok(Obeyed::Refused);
                }
                log(What::Read(match self.file.read()? {
                    // Whose it is, the board knows.
                    Found::Identity(Identity { pid, tid, wid }) => Seen::Stranger { pid, tid, wid },
                    Found::Torn(bytes) => Seen::Torn { bytes },
                    Found::Missing => Seen::Missing,
                }));
            }
            Command::Exit => {}
        }
        let gives_back = self.holds && self.scope.gives_back_after(step.command);
        if gives_back {
            if self.double.atomic {
                stage::point(&[Access::Change(Object::memory("lock"))]);
            }
            // Said before it is done: on a real clock the next holder may speak at once.
            log(What::Unlocked);
            self.holds = false;
            self.lock.as_mut().expect("who holds the lock has opened it").unlock()?;
            // A lock of which nothing is known may not say so itself.
            if self.double.atomic || self.double.varied {
                stage::changed();
            }
        }
        if step.command == Command::Exit {
            self.lock = None;
            log(What::Exited);
        }
        Ok(Obeyed::Done { gave_back: gives_back })
    }
}

/// What came of a command.
enum Obeyed {
    Done { gave_back: bool },
    Refused,
}

/// A worker of an interleaved run, as the code under test meets it.
struct Actor {
    board: Arc<Mapping<Board>>,
    local: Option<Arc<Local>>,
    me: Wid,
    step: Cell<Option<Step>>,
    /// The next step has been chosen already.
    chosen: Cell<bool>,
    /// The run is over for this worker, although it is still in the middle of something.
    left: Cell<bool>,
    /// It has slept in the present attempt, and looked again since.
    slept: Cell<bool>,
    /// A call of its own was made to fail.
    let_down: Cell<bool>,
    /// It was chosen before it began, for the step that it was expected to take first.
    foreseen: Cell<bool>,
}

impl Actor {
    fn new(board: &Arc<Mapping<Board>>, me: Wid, local: Option<&Arc<Local>>) -> Self {
        let (step, chosen, left, slept, let_down, foreseen) = Default::default();
        let (board, local) = (Arc::clone(board), local.cloned());
        Actor { board, local, me, step, chosen, left, slept, let_down, foreseen }
    }

    /// Who is next after `last`. Where the scheduler lives in this process it is asked on the spot; where it does not,
    /// it is the driver's turn, who has one.
    fn next(&self, last: Wid) -> usize {
        match (self.board.decide(last), &self.local) {
            (DRIVER, Some(local)) => local.choose(&self.board),
            (next, _) => next,
        }
    }

    /// Lets whoever is next go on, and comes back when this worker is. One that waits at a point makes
    /// its list anew when it is stale.
    fn give_way(&self, announced: Option<&dyn Fn() -> Vec<Access>>) {
        let mut next = self.next(self.me);
        while next != self.me as usize {
            self.board.pass_to(next);
            if self.board.hear(self.me as usize) == bell::LEAVE {
                // Nobody will ask this worker to go on again: leave the code under test, wherever it is.
                self.left.set(true);
                // A panic under way does that already.
                if !std::thread::panicking() {
                    resume_unwind(Box::new(RunOver));
                }
                return;
            }
            let Some(list) = announced.filter(|_| self.board.take_stale(self.me)) else { return };
            self.board.announce(self.me, &list());
            if !self.board.is_exact() {
                return;
            }
            // Not chosen yet, only asked.
            next = self.next(self.board.asked_by());
        }
    }
}

impl Stage for Actor {
    fn point(&self, next: &dyn Fn() -> Vec<Access>) {
        if self.left.get() {
            return;
        }
        let expected = self.board.announce(self.me, &next());
        // Who was chosen before it began takes its first step, whatever that has become: as those do whose
        // list is made anew.
        let expected = self.foreseen.take() || expected;
        if !(self.chosen.take() && expected) {
            self.give_way(Some(next));
        }
        self.board.step_taken(self.me);
    }

    fn note(&self, text: fmt::Arguments<'_>) {
        if let Some(step) = self.step.get().filter(|_| !self.left.get()) {
            self.board.log_note(step, text);
        }
    }

    fn now(&self) -> SystemTime {
        let now = time::at(Duration::from_micros(self.board.now().as_micros()));
        now - Duration::from_micros(self.board.is_set_back_by())
    }

    fn sleep(&self, duration: Duration) {
        let Some(step) = self.step.get().filter(|_| !self.left.get()) else { return };
        let until = self.board.now() + Time::from(duration);
        log(&self.board, step, self.board.now(), What::Slept(until));
        self.board.fall_asleep(self.me, until.as_micros());
        self.give_way(None);
        if !self.left.get() {
            self.board.step_taken(self.me);
            self.board.wake(self.me, until.as_micros());
            self.slept.set(true);
        }
    }

    fn due(&self, at: SystemTime) {
        let set_back = Duration::from_micros(self.board.is_set_back_by());
        let since = at.checked_add(set_back).map(|at| at.duration_since(time::at(Duration::ZERO)));
        if let Some(Ok(since)) = since {
            self.board.due(self.me, Time::from(since).as_micros());
        }
    }

    fn fails(&self) -> bool {
        let fails = !self.left.get() && self.board.take_failing(self.me);
        self.let_down.set(self.let_down.get() || fails);
        fails
    }

    fn sight(&self, device: u64, number: u64) -> u64 {
        self.board.sight(device.rotate_left(32) ^ number)
    }

    fn changed(&self) {
        if !self.left.get() {
            self.board.changed_by(self.me);
        }
    }

    fn claimed(&self) {
        if !self.left.get() {
            self.board.claimed_by(self.me);
        }
    }

    fn block(&self) {
        if self.left.get() {
            // Nobody says when. What this one waits for is let go of by others who leave as well.
            return std::thread::sleep(Duration::from_millis(1));
        }
        self.board.block_on_next(self.me);
        self.give_way(None);
        // Chosen to try again: the step that it was blocked in is what was chosen.
        self.chosen.set(true);
    }

    fn wait(&self) {
        if let Some(step) = self.step.get().filter(|_| !self.left.get()) {
            log(&self.board, step, self.board.now(), What::Blocked);
        }
        self.block();
    }
}

/// What a worker does after a command.
enum Went {
    Done { gave_back: bool },
    Waits,
    Leaves,
}

fn failed(why: &io::Error, log: &mut impl FnMut(What)) -> Went {
    if why.raw_os_error().is_none() {
        // No number stands for it.
        log(What::Note(why.to_string()));
    }
    log(What::Failed(why.raw_os_error().unwrap_or(0)));
    Went::Leaves
}

fn log(board: &Board, step: Step, at: Time, what: What) {
    let Step { tick, worker, command } = step;
    board.log(&Event { tick, at, worker, command, what });
}

/// The shared file of a case, and the place of its lock: fresh names, or, where the lock tells of the
/// files that it touches, always the same ones, which are cleared away in between.
pub(crate) fn case_files(folder: &Path, serial: Option<u64>) -> [std::path::PathBuf; 2] {
    match serial {
        Some(serial) => ["json", "lock"].map(|ending| folder.join(format!("case-{serial}.{ending}"))),
        None => ["cache.json", "lock"].map(|name| folder.join(name)),
    }
}

/// The machine's clock, counted from the beginning of the run.
struct Machine {
    origin: u64,
}

impl Machine {
    fn time(&self) -> Time {
        Time::from(self.now())
    }
}

impl Clock for Machine {
    fn now(&self) -> Duration {
        Duration::from_nanos(monotonic().saturating_sub(self.origin))
    }

    fn sleep(&self, duration: Duration) {
        std::thread::sleep(duration);
    }
}
