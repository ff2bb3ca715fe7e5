//! A lock of your own, in your own `cargo test`: [`check!`](crate::check!).
//!
//! ```no_run
//! # mod diskcache { pub fn lock(_: &std::path::Path) -> std::io::Result<()> { Ok(()) } }
//! use lockfuzz::lock::Claim;
//!
//! #[test]
//! fn cache_lock_excludes() {
//!     lockfuzz::check!("cache lock", Claim::Everyone, diskcache::lock);
//! }
//! ```
//!
//! The closure gets a folder that no other case uses, takes the lock there and returns its guard.
//! Several threads and several processes call it, with another schedule and other interleavings in each
//! case. A worker process is this test binary once more, sent to this test: what stands before the check
//! in the test is done there too, so a check stands best alone in its test.
//!
//! `doc/your-own-lock.md` walks from `cargo add` to the counterexample and its replay.

mod bench;
mod forms;
mod here;
mod hunt;
mod macros;
mod place;
mod saved;
mod settings;
#[doc(hidden)]
pub mod took;
mod traced;
mod words;

use std::any::Any;
use std::fmt;
use std::io;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::lock::{Claim, Lock, Open, Site};

pub use bench::Bench;
#[doc(hidden)]
pub use here::Here;
pub use hunt::Outcome;
#[doc(hidden)]
pub use macros::{bench, check, taking, verdict};

use forms::{Acquire, Careful, Held, Release, caught, folder};
use settings::Settings;
use took::{Guard, Opened, Released, Tried};
use words::Trouble;

/// For how long what a traced check finds is made smaller: long enough that the smallest is found on a busy machine as
/// well, for it is committed.
const SHRINK: Duration = Duration::from_secs(40);

/// A lock of your own: its name, whom it says it excludes, and how it is taken.
///
/// Where the three words of [`check!`](crate::check!) are enough, nobody needs this.
pub struct Own {
    name: String,
    claim: Claim,
    open: Box<Open>,
    atomic: bool,
    workers: RangeInclusive<u32>,
    cases: Option<u64>,
    seed: Option<u64>,
    save: Option<PathBuf>,
    traced: bool,
    shrink: Duration,
}

impl fmt::Debug for Own {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Own").field("name", &self.name).field("claim", &self.claim).finish_non_exhaustive()
    }
}

impl Own {
    /// A lock that is held for as long as what `acquire` returns lives. It may wait: through
    /// [`fs::File::lock`](crate::fs::File::lock), or asleep in [`thread::sleep`](crate::thread::sleep).
    pub fn guard<G: 'static>(
        name: &str,
        claim: Claim,
        acquire: impl Fn(&Path) -> G + Send + Sync + 'static,
    ) -> Own {
        Own::taken(name, claim, move |folder| Ok(Some(Box::new(acquire(folder)))))
    }

    /// The same for one that may return an error instead. Of the kind
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) it means that somebody else has the lock.
    pub fn guard_or_error<G: 'static>(
        name: &str,
        claim: Claim,
        acquire: impl Fn(&Path) -> io::Result<G> + Send + Sync + 'static,
    ) -> Own {
        Own::taken(name, claim, move |folder| took::not_held(acquire(folder)))
    }

    /// A lock that is tried, and given back by a call. `try_acquire` returns a bool, or an `Option` of
    /// what the release needs, or an [`io::Result`] of one of these.
    pub fn pair<T: Tried, R: Released>(
        name: &str,
        claim: Claim,
        try_acquire: impl Fn(&Path) -> T + Send + Sync + 'static,
        release: impl Fn(&Path, T::Token) -> R + Send + Sync + 'static,
    ) -> Own {
        let acquire = move |folder: &Path| {
            let token = try_acquire(folder).token()?;
            Ok(token.map(|token| Box::new(token) as Box<dyn Any>))
        };
        let release = move |folder: &Path, token: Box<dyn Any>| {
            release(folder, *token.downcast().expect("what the try returned")).done()
        };
        Own::held(name, claim, Box::new(acquire), Box::new(release))
    }

    /// A [`Lock`], opened anew by each worker in each case.
    pub fn lock<O: Opened>(
        name: &str,
        claim: Claim,
        open: impl Fn(&Path) -> O + Send + Sync + 'static,
    ) -> Own {
        Own::new(name, claim, move |site| {
            let folder = folder(site)?;
            let lock = caught(|| open(&folder).opened())?;
            Ok(Box::new(Careful(Box::new(lock))))
        })
    }

    #[doc(hidden)]
    pub fn taken(
        name: &str,
        claim: Claim,
        acquire: impl Fn(&Path) -> io::Result<Guard> + Send + Sync + 'static,
    ) -> Own {
        let release = |_: &Path, guard: Box<dyn Any>| {
            drop(guard);
            Ok(())
        };
        Own::held(name, claim, Box::new(acquire), Box::new(release))
    }

    fn held(name: &str, claim: Claim, acquire: Box<Acquire>, release: Box<Release>) -> Own {
        // A worker that is left behind may still use them, so they are never freed: a few bytes for
        // each check.
        let (acquire, release): (&'static Acquire, &'static Release) =
            (Box::leak(acquire), Box::leak(release));
        Own::new(name, claim, move |site| Ok(Box::new(Held::open(site, acquire, release)?)))
    }

    fn new(
        name: &str,
        claim: Claim,
        open: impl for<'a> Fn(&Site<'a>) -> io::Result<Box<dyn Lock + 'a>> + Sync + 'static,
    ) -> Own {
        Own {
            name: name.to_owned(),
            claim,
            open: Box::new(open),
            atomic: false,
            workers: 2..=3,
            cases: None,
            seed: None,
            save: None,
            traced: false,
            shrink: SHRINK,
        }
    }

    /// How much is to be tried, if it can be.
    fn settings(&self) -> Result<Settings, Trouble> {
        let settings = Settings::of(self)?;
        let Own { name, workers, .. } = self;
        if name.is_empty() {
            return Err(Trouble("a lock needs a name".to_owned()));
        }
        if workers.is_empty() || *workers.start() < 2 || *workers.end() > 16 {
            return Err(Trouble(format!("{name}: 2 to 16 workers can be had, and they must be a range")));
        }
        Ok(settings)
    }

    /// Says that nobody can come in between the steps of acquire, or of release: one call of the
    /// system each, or nothing that others see. Such a lock needs no points, and must not wait.
    #[must_use]
    pub fn atomic(mut self) -> Own {
        self.atomic = true;
        self
    }

    /// So many workers at once; 2 to 3 if this does not say otherwise.
    #[must_use]
    pub fn workers(mut self, workers: RangeInclusive<u32>) -> Own {
        self.workers = workers;
        self
    }

    /// So many cases for each placement; otherwise `PROPTEST_CASES`, or 256.
    #[must_use]
    pub fn cases(mut self, cases: u64) -> Own {
        self.cases = Some(cases);
        self
    }

    /// Where all chance comes from; otherwise `PROPTEST_RNG_SEED`, or chance itself.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Own {
        self.seed = Some(seed);
        self
    }

    /// Runs it at its system calls: the lock may be over plain `std::fs`, with no points and no feature in its crate. On
    /// Linux; its workers are processes, and [`check!`](crate::check!) and [`verdict!`](crate::verdict!) take it.
    ///
    /// Each worker is this test binary once more, held at each call that touches a file in the folder, or beside it
    /// there. It takes the lock, trying again every 10 ms of the run's own clock while somebody else has it, writes into a
    /// file beside the folder, reads back what it wrote, and gives the lock back.
    #[must_use]
    pub fn traced(mut self) -> Own {
        self.traced = true;
        self
    }

    /// For how long at most what a [traced](Own::traced) check finds is made smaller; otherwise 40 s. What other checks
    /// find is made as small as it gets.
    #[must_use]
    pub fn shrink(mut self, time: Duration) -> Own {
        self.shrink = time;
        self
    }

    /// The folder of the saved counterexamples; otherwise `tests/lockfuzz` of the crate.
    #[must_use]
    pub fn saved_in(mut self, folder: impl Into<PathBuf>) -> Own {
        self.save = Some(folder.into());
        self
    }
}
