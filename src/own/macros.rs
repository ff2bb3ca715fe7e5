//! The macros, and what they unfold into.

use std::path::Path;

use super::bench::Opening;
use super::words::Trouble;
use super::{Bench, Here, Outcome, Own, traced};

/// Checks a lock of your own, in a test of your own, and panics if it breaks its claim.
///
/// ```no_run
/// # use lockfuzz::lock::Claim;
/// # mod diskcache { pub fn lock(_: &std::path::Path) -> std::io::Result<()> { Ok(()) }
/// # pub fn try_lock(_: &std::path::Path) -> bool { true } pub fn unlock(_: &std::path::Path) {} }
/// // A guard (or a guard or an error, or a guard or nothing), dropped to give the lock back:
/// lockfuzz::check!("cache lock", Claim::Everyone, diskcache::lock);
/// // A try, and a release:
/// lockfuzz::check!(
///     "tried lock",
///     Claim::Everyone,
///     |folder| diskcache::try_lock(folder),
///     |folder, ()| diskcache::unlock(folder),
/// );
/// ```
///
/// One word more, and it takes an [`Own`]: `check!(Own::lock("cache lock", Claim::Everyone, ...))`.
///
/// A lock over plain `std::fs` passes no points. On Linux it can be held at its system calls instead, as it is, with
/// lockfuzz as a dev-dependency:
///
/// ```no_run
/// # use lockfuzz::{lock::Claim, own::Own};
/// # mod diskcache { pub fn plain_lock(_: &std::path::Path) -> std::io::Result<()> { Ok(()) } }
/// let lock = Own::guard_or_error("plain lock", Claim::Everyone, diskcache::plain_lock);
/// lockfuzz::check!(lock.traced());
/// ```
///
/// # Panics
/// In one line, after the picture: when the lock breaks its claim; when nothing can be said, because a
/// test that shows nothing must not be green; when lockfuzz itself fails or is used wrongly.
#[macro_export]
macro_rules! check {
    ($($lock:tt)+) => { $crate::own::check($crate::own_lock!($($lock)+), $crate::__here!()) };
}

/// The same as [`check!`], but what came of it is a value: an [`Outcome`].
///
/// # Panics
/// When lockfuzz itself fails or is used wrongly.
#[macro_export]
macro_rules! verdict {
    ($($lock:tt)+) => { $crate::own::verdict($crate::own_lock!($($lock)+), $crate::__here!()) };
}

/// A [`Bench`] for a property of your own: a strategy, and what runs its cases.
///
/// # Panics
/// When lockfuzz itself fails or is used wrongly.
#[macro_export]
macro_rules! bench {
    ($($lock:tt)+) => { $crate::own::bench($crate::own_lock!($($lock)+), $crate::__here!()) };
}

/// An [`Own`] of the words that [`check!`] takes.
#[macro_export]
macro_rules! own_lock {
    ($own:expr $(,)?) => {
        $own
    };
    ($name:expr, $claim:expr, $acquire:expr $(,)?) => {{
        let acquire = $crate::own::taking($acquire);
        $crate::own::Own::taken($name, $claim, move |folder: &::std::path::Path| {
            #[allow(unused_imports)]
            use $crate::own::took::{Known as _, Plain as _, Unknown as _};
            (&&&$crate::own::took::Took::new(acquire(folder))).guard()
        })
    }};
    ($name:expr, $claim:expr, $try_acquire:expr, $release:expr $(,)?) => {
        $crate::own::Own::pair($name, $claim, $try_acquire, $release)
    };
}

/// Tells rustc that this closure takes a path of any life.
pub fn taking<T, F: Fn(&Path) -> T + Send + Sync + 'static>(acquire: F) -> F {
    acquire
}

/// What [`check!`](crate::check!) does.
#[track_caller]
pub fn check(own: Own, here: Here) {
    let outcome = match come(own, here) {
        Ok(None) => return,
        Ok(Some(outcome)) => outcome,
        Err(why) => panic!("{why}"),
    };
    // Captured by the test harness, and shown above the panic.
    print!("{outcome}");
    if let Some(complaint) = outcome.complaint() {
        panic!("{complaint}");
    }
}

/// What [`verdict!`](crate::verdict!) does.
#[track_caller]
pub fn verdict(own: Own, here: Here) -> Outcome {
    match come(own, here) {
        Ok(None) => std::process::exit(0),
        Ok(Some(outcome)) => outcome,
        Err(why) => panic!("{why}"),
    }
}

/// What comes of it; nothing where this process is a worker of another check.
fn come(own: Own, here: Here) -> Result<Option<Outcome>, Trouble> {
    if own.traced {
        return traced::come(&own, &here);
    }
    Bench::open(own, here)?.run().transpose()
}

/// What [`bench!`](crate::bench!) does.
#[track_caller]
pub fn bench(own: Own, here: Here) -> Bench {
    if own.traced {
        panic!(
            "{}: a property runs on the stepped engine; a traced lock is for check! and verdict!",
            own.name
        );
    }
    match Bench::open(own, here) {
        Ok(Opening::Bench(bench)) => *bench,
        Ok(Opening::Elsewhere) => std::process::exit(0),
        Err(why) => panic!("{why}"),
    }
}
