//! What the code under test says to the run that it is part of: [`point`], [`note`], [`changed`].
//!
//! Outside a run all of them do nothing. Inside one, `point` is the place where control may pass to
//! another worker.

use std::cell::RefCell;
use std::fmt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::time;

/// A thing that operations share: a name in a folder, an inode, a piece of memory, a lock.
///
/// Two operations on different objects can be swapped without anybody noticing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Object(u64);

impl Object {
    /// The name of a file: whether it is there, and what it stands for.
    pub fn name(path: &Path) -> Self {
        Object::hashed(b"name", path.as_os_str().as_encoded_bytes())
    }

    /// An inode: its content, its attributes, the locks on it.
    pub fn inode(device: u64, number: u64) -> Self {
        Object::hashed(b"inode", &sight(device, number).to_le_bytes())
    }

    /// A piece of memory, by a name of its own.
    pub fn memory(name: &str) -> Self {
        Object::hashed(b"memory", name.as_bytes())
    }

    /// A piece of memory that each process has of its own, by a name of its own.
    pub fn memory_here(name: &str) -> Self {
        Object::memory(&format!("{name} {}", sight(0, std::process::id().into())))
    }

    /// FNV-1a (Fowler, Noll, Vo, 1991): the same in every process and in every run.
    fn hashed(kind: &[u8], name: &[u8]) -> Self {
        let bytes = kind.iter().chain(&[0]).chain(name);
        let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        // One bit less, so that an access fits into a word.
        Object(hash >> 1)
    }

    /// As a number of 63 bits.
    pub fn as_u64(self) -> u64 {
        self.0
    }
}

/// One thing that the next step does to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Access {
    /// It looks, and changes nothing.
    Look(Object),
    /// It may change it.
    Change(Object),
}

impl Access {
    pub(crate) fn pack(self) -> u64 {
        match self {
            Access::Look(object) => object.0 << 1,
            Access::Change(object) => object.0 << 1 | 1,
        }
    }

    pub(crate) fn unpack(word: u64) -> Access {
        let object = Object(word >> 1);
        if word & 1 == 1 { Access::Change(object) } else { Access::Look(object) }
    }

    /// What it is done to.
    pub fn object(self) -> Object {
        match self {
            Access::Look(object) | Access::Change(object) => object,
        }
    }

    /// Could somebody tell in which order these two happened?
    pub fn depends_on(self, other: Access) -> bool {
        let [(one, changes), (two, changed)] = [self, other].map(|access| match access {
            Access::Look(object) => (object, false),
            Access::Change(object) => (object, true),
        });
        one == two && (changes || changed)
    }
}

/// The most accesses that one step can have.
pub const ACCESSES: usize = 4;

/// A run, as its workers see it.
pub(crate) trait Stage {
    /// `next` finds out what the next step touches as things are when it is called.
    fn point(&self, next: &dyn Fn() -> Vec<Access>);
    fn note(&self, text: fmt::Arguments<'_>);
    fn changed(&self);
    /// The step that was just taken took what others wait for.
    fn claimed(&self) {}
    fn block(&self);

    /// The same inside an attempt to take a lock: the history says that this worker waits.
    fn wait(&self) {
        self.block();
    }

    /// What the run's clock shows.
    fn now(&self) -> SystemTime;
    /// This worker does nothing until the run's clock has moved so far.
    fn sleep(&self, duration: Duration);
    /// What this attempt has found may be another from this time on, though nobody changes anything.
    fn due(&self, at: SystemTime);

    /// Must the call that is made now fail, though nothing is wrong? Asked only if it can.
    fn fails(&self) -> bool {
        false
    }

    /// A number for an inode that does not differ from run to run, as the inode's own does.
    fn sight(&self, device: u64, number: u64) -> u64 {
        device.rotate_left(32) ^ number
    }
}

/// From now on this thread's worker is part of a run, or of none.
pub(crate) fn enter(stage: Option<std::rc::Rc<dyn Stage>>) {
    STAGE.set(stage);
}

thread_local! {
    static STAGE: RefCell<Option<std::rc::Rc<dyn Stage>>> = const { RefCell::new(None) };
}

/// Is this thread a worker of a run? Whoever has to work for what it says to [`point`] asks first.
pub(crate) fn in_run() -> bool {
    STAGE.try_with(|stage| stage.borrow().is_some()).unwrap_or(false)
}

/// A number for this inode: in a run, its place among those that the run has come across.
pub(crate) fn sight(device: u64, number: u64) -> u64 {
    stage().map_or(device.rotate_left(32) ^ number, |stage| stage.sight(device, number))
}

fn with_stage(act: impl FnOnce(&dyn Stage)) {
    if let Some(stage) = stage() {
        act(&*stage);
    }
}

/// Cloned out, because a point may come back in another case.
fn stage() -> Option<std::rc::Rc<dyn Stage>> {
    STAGE.try_with(|stage| stage.borrow().clone()).unwrap_or(None)
}

/// The next step will do this (at most [`ACCESSES`] things; an empty list stands for "anything"), and
/// before it does, another worker may go on.
pub fn point(next: &[Access]) {
    with_stage(|stage| stage.point(&|| next.to_vec()));
}

/// A [`point`] whose step touches what can only be told by looking. Another worker's step may change
/// that while this one waits; then it is looked again.
pub(crate) fn point_with(next: &dyn Fn() -> Vec<Access>) {
    with_stage(|stage| stage.point(next));
}

/// The step that was just taken, in words, for the picture: `create_new "lock": exists`.
pub fn note(text: fmt::Arguments<'_>) {
    with_stage(|stage| stage.note(text));
}

/// The step that was just taken changed something that a blocked worker may wait for: all of them may
/// try again.
pub fn changed() {
    with_stage(|stage| stage.changed());
}

/// The step that was just taken took something: whoever [waits](block) for it, blocked in the same step, need not
/// try again before it is given back, which is a [change](changed).
pub(crate) fn claimed() {
    with_stage(|stage| stage.claimed());
}

/// What the run's clock shows; `None` outside a run. Looking at it is a step.
pub fn now() -> Option<SystemTime> {
    let stage = stage()?;
    stage.point(&|| vec![Access::Look(clock())]);
    let now = stage.now();
    let seconds = match now.duration_since(time::at(Duration::ZERO)) {
        Ok(since) => since.as_secs_f64(),
        Err(before) => -before.duration().as_secs_f64(),
    };
    stage.note(format_args!("clock: {seconds} s"));
    Some(now)
}

/// The same, without a step: for what is done to a file by the way.
pub(crate) fn clock_time() -> Option<SystemTime> {
    stage().map(|stage| stage.now())
}

/// Must the call that is made now fail, though nothing is wrong? It is one of the faults of a run. To be asked
/// after the call's point, and only if this call can fail at this moment.
pub(crate) fn fails() -> bool {
    stage().is_some_and(|stage| stage.fails())
}

/// Sleeps: in a run until its clock has moved so far, otherwise for real.
///
/// The clock of a run moves when nobody can go on. A sleep of up to 100 ms is taken for the pause between
/// two looks: it also ends when something changes that the worker has looked at since its last sleep, and
/// the clock moves that little bit with it, because what the others do takes time as well.
pub fn sleep(duration: Duration) {
    match stage() {
        Some(stage) => stage.sleep(duration),
        None => std::thread::sleep(duration),
    }
}

/// What was found since the attempt began may be another from this time of the run's clock on, though
/// nobody changes anything: a lease ends, a lock file comes of age. Who is blocked tries again then.
pub fn due(at: SystemTime) {
    with_stage(|stage| stage.due(at));
}

/// The run's clock, as something that steps look at and move.
pub(crate) fn clock() -> Object {
    Object::memory("clock")
}

/// The step that was just tried cannot be taken yet: this worker is blocked, until somebody changes what the
/// step touches. Comes back when it is to be tried again, beginning with the same point. Outside a run it
/// lets other threads go on for a moment.
pub fn block() {
    match stage() {
        Some(stage) => stage.block(),
        None => std::thread::yield_now(),
    }
}

/// The same for a call that takes a lock.
pub(crate) fn wait() {
    match stage() {
        Some(stage) => stage.wait(),
        None => std::thread::yield_now(),
    }
}

/// A stage that writes down what is said to it.
#[cfg(test)]
pub(crate) mod recorder {
    use super::*;

    /// One step: what its point said, its note, and whether something changed.
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    pub(crate) struct Step {
        pub(crate) next: Vec<Access>,
        pub(crate) note: String,
        pub(crate) changed: bool,
    }

    #[derive(Default)]
    struct Recorder {
        steps: RefCell<Vec<Step>>,
        fails: bool,
        /// Every inode is the first one that it comes across.
        alike: bool,
    }

    impl Recorder {
        fn last(&self, act: impl FnOnce(&mut Step)) {
            act(self.steps.borrow_mut().last_mut().expect("a point comes first"));
        }
    }

    impl Stage for Recorder {
        fn point(&self, next: &dyn Fn() -> Vec<Access>) {
            let next = next();
            assert!(next.len() <= ACCESSES, "{next:?}");
            self.steps.borrow_mut().push(Step { next, ..Step::default() });
        }

        fn note(&self, text: fmt::Arguments<'_>) {
            self.last(|step| step.note = text.to_string());
        }

        fn changed(&self) {
            self.last(|step| step.changed = true);
        }

        fn now(&self) -> SystemTime {
            time::at(Duration::ZERO)
        }

        fn sleep(&self, _: Duration) {}

        fn due(&self, _: SystemTime) {}

        fn fails(&self) -> bool {
            self.fails
        }

        fn sight(&self, device: u64, number: u64) -> u64 {
            if self.alike { 0 } else { device.rotate_left(32) ^ number }
        }

        fn block(&self) {
            panic!("nobody is there to wait for");
        }
    }

    /// The steps that `act` takes.
    pub(crate) fn steps<T>(act: impl FnOnce() -> T) -> (T, Vec<Step>) {
        recorded(Recorder::default(), act)
    }

    /// The same where every call fails that can.
    pub(crate) fn failing_steps<T>(act: impl FnOnce() -> T) -> (T, Vec<Step>) {
        recorded(Recorder { fails: true, ..Recorder::default() }, act)
    }

    /// The same for runs that have come across one inode each.
    pub(crate) fn steps_of_another_run<T>(act: impl FnOnce() -> T) -> (T, Vec<Step>) {
        recorded(Recorder { alike: true, ..Recorder::default() }, act)
    }

    fn recorded<T>(recorder: Recorder, act: impl FnOnce() -> T) -> (T, Vec<Step>) {
        let recorder = std::rc::Rc::new(recorder);
        STAGE.set(Some(recorder.clone()));
        let result = act();
        STAGE.set(None);
        (result, recorder.steps.take())
    }
}
