//! Anything that several workers do together: trait [`Program`], and what came of running it.
//!
//! The cases of this crate are about a lock and a shared file. A program is about whatever its author
//! says: it makes something that is shared, gives each worker a part, and looks at the end whether all is
//! well. [`Stepped::explore_program`](crate::engine::Stepped::explore_program) runs it with real threads, one
//! moving at a time, and a [`Scheduler`](crate::interleave::Scheduler) says at each
//! [point](crate::stage::point) who goes on.
//!
//! ```
//! use std::sync::Arc;
//!
//! use lockfuzz::engine::Stepped;
//! use lockfuzz::interleave::{Random, Scheduler};
//! use lockfuzz::program::{Outcome, Program};
//! use lockfuzz::schedule::Wid;
//! use lockfuzz::sync::Atomic;
//! use lockfuzz::worker::{Launch, Staff};
//!
//! /// Two workers count to two, and forget that somebody may come in between.
//! struct Counter;
//!
//! impl Program for Counter {
//!     type Shared = Atomic<u32>;
//!
//!     fn name(&self) -> &str {
//!         "counter"
//!     }
//!
//!     fn workers(&self) -> u32 {
//!         2
//!     }
//!
//!     fn begin(&self) -> Atomic<u32> {
//!         Atomic::new("count", 0)
//!     }
//!
//!     fn work(&self, count: &Atomic<u32>, _worker: Wid) {
//!         let seen = count.load();
//!         count.store(seen + 1);
//!     }
//!
//!     fn verdict(&self, count: &Atomic<u32>) -> Result<(), String> {
//!         if count.load() == 2 { Ok(()) } else { Err("one of them is not counted".to_owned()) }
//!     }
//! }
//!
//! let folder = tempfile::tempdir()?;
//! let mut engine = Stepped::new(&Staff::new(folder.path(), Launch::itself(&[])))?; // launches nothing
//! let (counter, mut random) = (Arc::new(Counter), Random::new(1));
//! let broken = loop {
//!     random.begin();
//!     let execution = engine.explore_program(&counter, &mut random)?;
//!     if execution.outcome != Outcome::Pass {
//!         break execution;
//!     }
//! };
//! assert_eq!(broken.outcome.to_string(), "one of them is not counted");
//! assert_eq!(engine.replay_program(&counter, &broken.choices)?, broken);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::fmt;

use crate::history::{History, Missing};
use crate::schedule::Wid;

/// What several workers do together, and what must hold.
///
/// Whatever the workers share must be reached through points (those of [`crate::sync`] and [`crate::fs`], or
/// [`point`](crate::stage::point) itself), and nothing but the choices may decide what they do: no clock, no
/// chance of their own. A worker that waits for another in any other way waits for ever, because nobody
/// else moves meanwhile; after the staff's patience with silence the run is inconclusive.
pub trait Program: Send + Sync + 'static {
    /// What the workers share. Made anew for each execution.
    type Shared: Send + Sync + 'static;

    /// Its name.
    fn name(&self) -> &str;

    /// How many workers it takes, 1 to [`MAX_WORKERS`](crate::schedule::MAX_WORKERS). They are numbered
    /// from 1.
    fn workers(&self) -> u32;

    /// Where every execution begins. Nobody works yet.
    fn begin(&self) -> Self::Shared;

    /// This worker's part. A panic is a failure.
    fn work(&self, shared: &Self::Shared, worker: Wid);

    /// Asked at the end, when all have done their parts: is all well? A panic is a failure, too.
    ///
    /// # Errors
    /// What is wrong, in words.
    fn verdict(&self, shared: &Self::Shared) -> Result<(), String>;

    /// The most steps that all workers take together. An execution that is longer is inconclusive.
    fn steps(&self) -> u32 {
        10_000
    }
}

/// One execution of a [`Program`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Execution {
    /// What happened.
    pub history: History,
    /// Who was let go on, as [`Case::choices`](crate::case::Case::choices) says it.
    pub choices: Vec<u32>,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of one execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All is well.
    Pass,
    /// Something is wrong.
    Fail(Flaw),
    /// It cannot be told.
    Inconclusive(Doubt),
}

/// What is wrong with a [`Program`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// A worker's part has panicked.
    Panicked {
        /// Whose, the first one where there are several.
        worker: Wid,
        /// Its message, and where.
        message: String,
    },
    /// Each of these waits for another, and nobody else is left.
    Deadlock {
        /// Who.
        waiting: Vec<Wid>,
    },
    /// The verdict at the end.
    Verdict(String),
}

/// Why the outcome cannot be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// There were more steps than [`Program::steps`] allows.
    TooManySteps(u32),
    /// A worker did not answer: it waits for something that is no point, or never comes to one.
    Missing(Missing),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Pass => f.write_str("all is well"),
            Outcome::Fail(flaw) => flaw.fmt(f),
            Outcome::Inconclusive(doubt) => doubt.fmt(f),
        }
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Flaw::Panicked { worker, message } => write!(f, "worker {worker} panicked: {message}"),
            Flaw::Deadlock { waiting } => {
                let names: Vec<_> = waiting.iter().map(Wid::to_string).collect();
                write!(f, "deadlock: nobody can go on, and still to come to an end are {}", names.join(", "))
            }
            Flaw::Verdict(why) => f.write_str(why),
        }
    }
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Doubt::TooManySteps(most) => write!(f, "more than {most} steps"),
            Doubt::Missing(Missing { worker, .. }) => write!(f, "worker {worker} did not answer"),
        }
    }
}
