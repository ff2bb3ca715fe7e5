//! A lock of your own with all that running its cases takes: [`Bench`].

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;
use std::ops::RangeInclusive;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::place::Place;
use super::saved::Folders;
use super::settings::Settings;
use super::traced::turn;
use super::words::Trouble;
use super::{Here, Outcome, Own, hunt};
use crate::case::{Case, Placement, Scope};
use crate::check::Verdict;
use crate::engine::{Engine, Stepped};
use crate::history::History;
use crate::lock::{Claim, Double};
use crate::strategy::{Cases, cases};
use crate::worker::process::called;
use crate::worker::{Launch, Staff, process};

/// For how long a worker may say nothing.
const SILENCE: Duration = Duration::from_secs(10);

/// A lock of your own, ready to be run: what [`bench!`](crate::bench!) gives.
///
/// ```no_run
/// # use lockfuzz::lock::Claim;
/// # mod diskcache { pub fn lock(_: &std::path::Path) -> std::io::Result<()> { Ok(()) } }
/// use proptest::prelude::*;
///
/// #[test]
/// fn cache_lock_excludes() {
///     let bench = lockfuzz::bench!("cache lock", Claim::Everyone, diskcache::lock);
///     proptest!(|(case in bench.cases())| bench.passes(&case)?);
/// }
/// ```
pub struct Bench {
    pub(super) double: &'static Double,
    pub(super) workers: RangeInclusive<u32>,
    pub(super) settings: Settings,
    pub(super) here: Here,
    pub(super) folders: Folders,
    pub(super) staff: Staff,
    engine: RefCell<Stepped>,
    /// Last, so that it goes when the workers are gone.
    _place: Place,
}

impl fmt::Debug for Bench {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bench")
            .field("lock", &self.double.name)
            .field("here", &self.here)
            .finish_non_exhaustive()
    }
}

/// What comes of coming to a check.
pub(super) enum Opening {
    /// It is to be run.
    Bench(Box<Bench>),
    /// This process is a worker, and of another check.
    Elsewhere,
}

impl Opening {
    pub(super) fn run(self) -> Option<Result<Outcome, Trouble>> {
        match self {
            Opening::Bench(bench) => Some(hunt::run(&bench)),
            Opening::Elsewhere => None,
        }
    }
}

impl Bench {
    /// A worker process that has come to its check serves here, and does not come back.
    pub(super) fn open(own: Own, here: Here) -> Result<Opening, Trouble> {
        let settings = own.settings()?;
        let folders = Folders::of(&here, own.save.as_ref());
        if turn::called().is_some() {
            // Of a check at system calls.
            return Ok(Opening::Elsewhere);
        }
        let Own { name, claim, open, atomic, workers, .. } = own;
        // Engines and workers refer to it for as long as the process lives: a few bytes for each check.
        let name: &'static str = Box::leak(name.into_boxed_str());
        let fewest = *workers.start();
        let double: &'static Double = Box::leak(Box::new(Double {
            name,
            what: "a lock of your own",
            claim,
            atomic,
            workers: fewest,
            varied: !atomic,
            open: Box::leak(open),
            ..Double::PLAIN
        }));
        let doubles: &'static [&'static Double] = Box::leak(Box::new([double]));
        if let Some(called) = called() {
            if called.check == name {
                let code = i32::from(process::work(&called.workers, &called.folder, doubles).is_err());
                std::process::exit(code);
            }
            return Ok(Opening::Elsewhere);
        }
        register(&here, name)?;
        let place = Place::new().map_err(|why| Trouble(why.to_string()))?;
        let launch = Launch::test(&here.test, name);
        let staff = Staff { folder: place.path(), doubles, launch, silence: SILENCE };
        let engine = RefCell::new(Stepped::new(&staff).map_err(|why| Trouble(why.to_string()))?);
        let bench = Bench { double, workers, settings, here, folders, staff, engine, _place: place };
        Ok(Opening::Bench(Box::new(bench)))
    }

    /// A strategy for this lock's cases: workers, commands, and who goes on at each point. They shrink.
    pub fn cases(&self) -> Cases {
        let placements = self.placements();
        let all = cases().lock(self.double.name).placements(&placements).workers(self.workers.clone());
        let all = all.scopes(&[Scope::Session, Scope::Transaction]).overlapping();
        if self.double.atomic { all } else { all.interleaved() }
    }

    /// Runs a case, and says what is to be thought of it.
    ///
    /// # Errors
    /// When lockfuzz itself fails, or the lock returned an error instead.
    pub fn run(&self, case: &Case) -> Result<Verdict, Trouble> {
        self.run_whole(case).map(|(_, verdict)| verdict)
    }

    pub(super) fn run_whole(&self, case: &Case) -> Result<(History, Verdict), Trouble> {
        let mut engine = self.engine.borrow_mut();
        let history = engine.run(case).map_err(|why| Trouble::of(self, why))?;
        let verdict = engine.judge(case, self.double.promised(), &history);
        Ok((history, verdict))
    }

    pub(super) fn engine(&self) -> std::cell::RefMut<'_, Stepped> {
        self.engine.borrow_mut()
    }

    /// Runs a case of a property: `Ok` unless the lock breaks its claim in it.
    ///
    /// # Errors
    /// The picture, and what broke; or why nothing can be said.
    pub fn passes(&self, case: &Case) -> Result<(), Trouble> {
        let (history, verdict) = self.run_whole(case)?;
        super::words::passes(case, &history, &verdict)
    }

    /// Where the claim can be put to the test. Where two kinds of neighbours are mixed it must cover both:
    /// those that it does not cover would race, and hide what the others do.
    pub(super) fn placements(&self) -> Vec<Placement> {
        let (claim, most) = (self.double.claim, *self.workers.end());
        let sensible = |&placement: &Placement| match placement {
            Placement::Mixed => most >= placement.fewest() && claim.excludes_everybody(placement, most),
            _ => claim.excludes_somebody(placement, most),
        };
        Placement::ALL.into_iter().filter(sensible).collect()
    }

    pub(super) fn claim(&self) -> Claim {
        self.double.claim
    }
}

/// A worker process finds its check by its name, so in one test each has a name of its own.
pub(super) fn register(here: &Here, name: &str) -> Result<(), Trouble> {
    static KNOWN: Mutex<BTreeSet<(String, String)>> = Mutex::new(BTreeSet::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if known.insert((here.test.clone(), name.to_owned())) {
        return Ok(());
    }
    Err(Trouble(format!(
        "two checks of the test {} are named {name:?}: give each a name of its own",
        here.test
    )))
}
