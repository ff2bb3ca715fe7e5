//! Locks under test: trait [`Lock`], what each claims, one file each; [`ALL`] of the
//! experiment, and the [`ZOO`].

mod claim;
mod flag;
mod flock;
mod least;
mod mutex;
mod semaphore;
pub mod zoo;

use std::io;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use crate::case::{Faults, Placement};
use crate::clock::Clock;
use crate::schedule::Time;
use crate::sys::robust::Robust;
use crate::sys::semaphore::Semaphore;

pub use claim::{Claim, Promise, Withstands};
pub use flag::FLAG;
pub use flock::FLOCK;
pub use least::Least;
pub use mutex::MUTEX;
pub use semaphore::SEMAPHORE;
pub use zoo::ZOO;

/// One worker's handle on a lock. It lives in that worker and never leaves it.
pub trait Lock {
    /// Takes the lock if that can be done without waiting.
    ///
    /// What the lock did to get it may stay with the handle, as it does in one that waits: a file that
    /// is open, a place in a queue. A try that would block must not change, each time, what others
    /// wait for: two waiters would wake each other for ever.
    fn try_lock(&mut self) -> TryLock;

    /// Takes the lock, waiting as this lock waits: if it does not say how, it tries every millisecond.
    ///
    /// # Errors
    /// [`LockError::GaveUp`] when its patience ended, [`LockError::Io`] when it could not be tried.
    fn lock(&mut self, clock: &dyn Clock) -> Result<(), LockError> {
        poll(clock, Duration::from_millis(1), Duration::MAX, || self.try_lock())
    }

    /// Is a write or a read under this lock still accepted by what it protects? Asked in the same step as
    /// the write or read itself. A lock with a fencing token says no once the lock has passed to somebody
    /// else; one without does not know.
    ///
    /// # Errors
    /// What the system says.
    fn admits(&mut self) -> io::Result<bool> {
        Ok(true)
    }

    /// Gives the lock back. Called only by who holds it.
    ///
    /// # Errors
    /// What the system says.
    fn unlock(&mut self) -> io::Result<()>;
}

/// What comes of trying. Three outcomes, so that "would block" is never mistaken for "have it".
#[derive(Debug)]
#[must_use]
pub enum TryLock {
    /// The lock is held now.
    Acquired,
    /// Somebody else holds it.
    WouldBlock,
    /// It could not be tried.
    Failed(io::Error),
}

/// Why a lock was not taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// It waited for as long as it waits.
    #[error("gave up after {0:?}")]
    GaveUp(Duration),
    /// The system said no.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// What a lock is opened on: one place for one case, shared by its workers.
#[derive(Debug)]
pub struct Site<'a> {
    /// A path that no other case uses. Nothing is there yet.
    pub path: PathBuf,
    /// A mutex of this process.
    pub mutex: &'static Mutex<()>,
    /// A semaphore that all workers of the case share, whatever process they live in; its value is 1.
    pub semaphore: &'a Semaphore,
    /// A robust mutex that they share in the same way; nobody holds it.
    pub robust: &'a Robust,
    /// The number of the worker who opens it, from 1.
    pub worker: u32,
    /// How many workers the case has.
    pub workers: u32,
}

impl Site<'_> {
    /// The path with something added: what else a lock makes is found, and cleared, by its beginning.
    pub fn beside(&self, suffix: impl std::fmt::Display) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        path.push(format!(".{suffix}"));
        path.into()
    }
}

/// A stand-in for the lock in somebody's program: what it says of itself, and how it is opened.
#[derive(Clone, Copy)]
pub struct Double {
    /// Its name.
    pub name: &'static str,
    /// What it is, in a few words.
    pub what: &'static str,
    /// What it promises, in words.
    pub promise: &'static str,
    /// What those do who get it right; empty for a sound one.
    pub remedy: &'static str,
    /// Whom it says it excludes.
    pub claim: Claim,
    /// For how long it waits before it gives up; `None` is for ever.
    pub patience: Option<Duration>,
    /// What it promises although a fault strikes.
    pub withstands: Withstands,
    /// With which faults, beside none, it is worth trying.
    pub faults: &'static [Faults],
    /// It promises nothing of who holds it at once, but that what is late is refused.
    pub fenced: bool,
    /// It takes no steps between which another worker could move. Otherwise it says itself where they
    /// are, with [`point`](crate::stage::point).
    pub atomic: bool,
    /// How many workers it takes to break it; for a sound one, 2.
    pub workers: u32,
    /// Where it is tried unless somebody asks for other places, the plainest first.
    pub placements: &'static [Placement],
    /// The least that it takes to break it, for each row of the zoo in which it breaks.
    pub least: &'static [Least],
    /// The broken lock that is nearest to this one. Whoever proves this one sound must find that one
    /// broken by the same means.
    pub neighbour: Option<&'static Double>,
    /// Nobody knows what it takes to break it, so its interleaved cases vary: in how many workers there
    /// are, how often each of them takes the lock, and for how long.
    pub varied: bool,
    /// Opens one worker's handle.
    pub open: &'static Open,
}

/// How one worker's handle on a lock is opened.
pub type Open = dyn for<'a> Fn(&Site<'a>) -> io::Result<Box<dyn Lock + 'a>> + Sync;

impl std::fmt::Debug for Double {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Double { name, claim, patience, atomic, workers, .. } = self;
        let mut shown = f.debug_struct("Double");
        shown.field("name", name).field("claim", claim).field("patience", patience);
        shown.field("atomic", atomic).field("workers", workers).finish_non_exhaustive()
    }
}

impl Double {
    /// What most locks are like: two workers, points, no patience, neighbours of one kind. A double says where it differs.
    pub const PLAIN: Double = Double {
        name: "",
        what: "",
        promise: "",
        remedy: "",
        claim: Claim::Nobody,
        patience: None,
        withstands: Withstands { crash: false, ..Withstands::ALL },
        faults: &[],
        fenced: false,
        atomic: false,
        workers: 2,
        placements: &Placement::UNIFORM,
        least: &[],
        neighbour: None,
        varied: false,
        open: &|_| Err(io::Error::from(io::ErrorKind::Unsupported)),
    };

    /// The part of it that can be checked.
    pub fn promised(&self) -> Promise {
        let Double { claim, withstands, fenced, .. } = *self;
        Promise { claim, patience: self.patience.map(Time::from), withstands, fenced }
    }
}

/// The doubles of the experiment.
pub static EXPERIMENT: [&Double; 4] = [&FLAG, &MUTEX, &SEMAPHORE, &FLOCK];

/// All doubles that lockfuzz comes with: those of the experiment, then the [`ZOO`].
pub static ALL: [&Double; EXPERIMENT.len() + ZOO.len()] = {
    let mut all = [EXPERIMENT[0]; EXPERIMENT.len() + ZOO.len()];
    let mut nth = 0;
    while nth < all.len() {
        all[nth] = if nth < EXPERIMENT.len() { EXPERIMENT[nth] } else { ZOO[nth - EXPERIMENT.len()] };
        nth += 1;
    }
    all
};

/// Waits as a program does that has nothing to wait on: tries, sleeps for `pause`, tries again, and
/// gives up once `patience` has gone by.
///
/// # Errors
/// [`LockError::GaveUp`], or what `attempt` failed with.
pub fn poll(
    clock: &dyn Clock,
    pause: Duration,
    patience: Duration,
    mut attempt: impl FnMut() -> TryLock,
) -> Result<(), LockError> {
    let start = clock.now();
    loop {
        match attempt() {
            TryLock::Acquired => return Ok(()),
            TryLock::Failed(why) => return Err(why.into()),
            TryLock::WouldBlock if clock.now() - start >= patience => {
                return Err(LockError::GaveUp(patience));
            }
            TryLock::WouldBlock => clock.sleep(pause),
        }
    }
}
