//! lockfuzz finds the interleaving that breaks a lock.
//!
//! A program keeps a shared file. Several threads and processes use it at once, and its author
//! believes that a lock protects it. lockfuzz runs generated schedules against the lock and checks one
//! law: **what a worker reads back is what that worker wrote, whenever the lock claims to exclude the
//! others.** This page walks one bug from the code to its replay. Each block is a test.
//!
//! # The code
//!
//! [`FLAG`](lock::FLAG) stands for a lock that a real cache had: a boolean that says whether the file
//! is in use. Each instance of the cache has its own, so it keeps nobody out. A [`Case`](case::Case)
//! is all that one run needs: the lock, where the workers live, for how long they hold the lock, and
//! what they are asked in which tick. It is a value; it is printed, compared and saved.
//!
//! ```
//! use lockfuzz::case::{Case, Faults, Placement, Scope};
//! use lockfuzz::schedule::Order;
//!
//! let case = Case {
//!     lock: "flag".to_owned(),
//!     placement: Placement::Threads,
//!     scope: Scope::Session,
//!     order: Order::AsGenerated,
//!     workers: 2,
//!     schedule: "0.0 [(1, 'write')]
//!                1.0 [(2, 'write')]
//!                2.0 [(1, 'read')]
//!                3.0 [(2, 'read')]".parse()?,
//!     choices: None,
//!     faults: Faults::NONE,
//! };
//! case.check()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The history
//!
//! An [`Engine`](engine::Engine) turns a case into a [`History`](history::History). The
//! [`Stepped`](engine::Stepped) engine uses real threads and a real file, and lets one worker move at a
//! time, so that the same case gives the same history.
//!
//! ```
//! # use lockfuzz::case::{Case, Faults, Placement, Scope};
//! # use lockfuzz::schedule::Order;
//! use lockfuzz::engine::{Engine, Stepped};
//! use lockfuzz::report::timeline::timeline;
//! use lockfuzz::worker::{Launch, Staff};
//!
//! # let schedule = "0.0 [(1, 'write')]\n1.0 [(2, 'write')]\n2.0 [(1, 'read')]\n3.0 [(2, 'read')]".parse()?;
//! # let (placement, scope, order) = (Placement::Threads, Scope::Session, Order::AsGenerated);
//! # let case = Case { lock: "flag".to_owned(), placement, scope, order, workers: 2, schedule, choices: None, faults: Faults::NONE };
//! let folder = tempfile::tempdir()?; // for the shared file
//! let staff = Staff::new(folder.path(), Launch::itself(&["worker"])); // threads launch nothing
//! let mut engine = Stepped::new(&staff)?;
//! let history = engine.run(&case)?;
//!
//! let shown = "\
//! tick  worker 1                worker 2                the file then holds
//!    0  lock: got it; write                             worker 1
//!    1                          lock: got it; write     worker 2
//!    2  read: worker 2  WRONG                           worker 2
//!    3                          read: worker 2  ok      worker 2
//! ";
//! assert_eq!(timeline(&case, &history, None), shown);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The verdict
//!
//! A [`Checker`](check::Checker) judges a history by the case and by what the lock promises. Before
//! the law of the read-back it compares each move with a sequential [`model`](check::model), so that a
//! lock which excludes more or less than it says is found as well. The flag excludes nobody, and says
//! so; what is left is the read-back.
//!
//! ```
//! # use lockfuzz::case::{Case, Faults, Placement, Scope};
//! # use lockfuzz::engine::{Engine, Stepped};
//! # use lockfuzz::schedule::Order;
//! # use lockfuzz::worker::{Launch, Staff};
//! use lockfuzz::check::Verdict;
//! use lockfuzz::lock::FLAG;
//!
//! # let schedule = "0.0 [(1, 'write')]\n1.0 [(2, 'write')]\n2.0 [(1, 'read')]\n3.0 [(2, 'read')]".parse()?;
//! # let (placement, scope, order) = (Placement::Threads, Scope::Session, Order::AsGenerated);
//! # let case = Case { lock: "flag".to_owned(), placement, scope, order, workers: 2, schedule, choices: None, faults: Faults::NONE };
//! # let folder = tempfile::tempdir()?;
//! # let mut engine = Stepped::new(&Staff::new(folder.path(), Launch::itself(&["worker"])))?;
//! # let history = engine.run(&case)?;
//! let Verdict::Fail(failure) = engine.judge(&case, FLAG.promised(), &history) else {
//!     panic!("the flag kept somebody out")
//! };
//! assert_eq!(
//!     failure.to_string(),
//!     "worker 1 wrote at tick 0 and must read that back at tick 2; worker 2 wrote since"
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The counterexample and its replay
//!
//! A [`Campaign`](campaign::Campaign) writes no schedule by hand. It generates cases, runs and judges
//! them, makes the first that fails as small as it can, and saves it. A saved case holds all that a
//! replay needs; the seed is a note beside it.
//!
//! ```
//! # use lockfuzz::case::{Faults, Placement, Scope};
//! # use lockfuzz::engine::{Engine, Kind, Stepped};
//! # use lockfuzz::lock::FLAG;
//! # use lockfuzz::schedule::Order;
//! # use lockfuzz::worker::{Launch, Staff};
//! use std::sync::Arc;
//!
//! use lockfuzz::campaign::{Budget, Campaign, Found, Row};
//! use lockfuzz::interleave::Search;
//! use lockfuzz::regression::Saved;
//!
//! # let folder = tempfile::tempdir()?;
//! # let staff = Staff::new(folder.path(), Launch::itself(&["worker"]));
//! let campaign = Campaign {
//!     rows: vec![Row {
//!         lock: &FLAG,
//!         placement: Placement::Threads,
//!         order: Order::AsGenerated,
//!         faults: Faults::NONE,
//!     }],
//!     engine: Kind::Stepped,
//!     scope: Scope::Session,
//!     workers: 2..=8,
//!     period: None,
//!     search: Search::default(),
//!     budget: Budget { cases: Some(256), time: None },
//!     seed: 7,
//!     shrink_tries: 4096,
//!     jobs: 1,
//!     save: Some(folder.path().join("found")),
//!     staff: staff.clone(),
//! };
//! let report = campaign.run(&Arc::default(), &());
//! let row = &report.rows[0];
//! assert_eq!((row.expected, row.found), (Found::Race, Found::Race));
//!
//! let path = row.counterexample.as_ref().and_then(|found| found.path.as_deref()).expect("it was saved");
//! let saved = Saved::read(path)?;
//! assert_eq!(
//!     saved.case.schedule.to_string(),
//!     "0.0000\t[(1, 'write'), (2, 'write')]\n0.0010\t[(1, 'read'), (2, 'read')]\n"
//! );
//! let again = Stepped::new(&staff)?.run(&saved.case)?;
//! assert_eq!(again.events, saved.history, "the same, step for step");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! On the command line the same is `lockfuzz fuzz --lock flag` and `lockfuzz replay FILE`.

pub mod cache;
pub mod calibrate;
pub mod campaign;
pub mod case;
pub mod check;
mod choices;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
pub mod clock;
pub mod engine;
pub mod error;
pub mod fs;
pub mod history;
pub mod interleave;
pub mod job;
mod json;
pub mod lock;
pub mod own;
pub mod program;
pub mod prove;
pub mod regression;
pub mod report;
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
pub mod run;
pub mod schedule;
#[cfg(all(feature = "cli", target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
pub mod script;
mod simplify;
pub mod stage;
pub mod strategy;
pub mod sync;
#[doc(hidden)]
pub mod sys;
pub mod thread;
pub mod time;
pub mod worker;

/// A place in a lock of your own where another worker may go on: what follows, up to the next point, is
/// one step. The name is shown in the picture. Outside a run it does nothing.
///
/// The calls of [`fs`] and [`thread`] are points already. What only memory knows needs this one:
///
/// ```
/// # use std::sync::atomic::{AtomicBool, Ordering};
/// # static BUSY: AtomicBool = AtomicBool::new(false);
/// lockfuzz::point("is it free?");
/// if !BUSY.load(Ordering::SeqCst) {
///     lockfuzz::point("take it");
///     BUSY.store(true, Ordering::SeqCst);
/// }
/// ```
pub fn point(name: &str) {
    stage::point(&[]);
    stage::note(format_args!("{name}"));
}
