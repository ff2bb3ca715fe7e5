//! The whole check: is there anything to interrupt, what was saved before, and then a campaign for each
//! placement.

use std::path::PathBuf;
use std::sync::Arc;

use super::saved::{Folders, Kept};
use super::settings::Settings;
use super::words::Trouble;
use super::{Bench, Here};
use crate::campaign::{Budget, Campaign, Counterexample, Row};
use crate::case::{Case, Faults, Placement, Scope};
use crate::check::{Evidence, Reason, Verdict};
use crate::engine::{Engine, Kind};
use crate::interleave::{Enabled, Scheduler, Search};
use crate::lock::Claim;
use crate::schedule::{Order, Time, at_once};
use crate::stage::{Access, Object};

/// How often a saved counterexample that still fails is run again.
const REPLAYS: u32 = 10;
/// The most cases tried to make a counterexample smaller.
const SHRINK_TRIES: u32 = 4096;

/// What came of a check.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The name of the lock.
    pub lock: String,
    /// Pass, fail, or inconclusive with the reason.
    pub verdict: Verdict,
    /// The smallest failing case, if any failed.
    pub counterexample: Option<Counterexample>,
    /// How many cases there were to be for each placement, and out of which seed.
    pub cases: u64,
    /// See there.
    pub seed: u64,
    /// What was tried.
    pub tried: Vec<(Placement, Evidence)>,
    /// The saved counterexample that failed again, if it was one.
    pub saved_before: Option<PathBuf>,
    /// What ran it.
    pub engine: Kind,
    /// Why nothing can be said, where more is known than the reason tells.
    pub(super) why: Option<String>,
    /// What a worker of the counterexample said of it.
    pub(super) said: Option<String>,
    /// Which workers were started anew for each schedule, and why.
    pub(super) plain: Option<String>,
    pub(super) kept: Option<Kept>,
    pub(super) shown: Option<String>,
    pub(super) test: String,
}

impl Outcome {
    /// Before anything has run.
    pub(super) fn nothing(lock: &str, settings: Settings, engine: Kind, here: &Here) -> Outcome {
        Outcome {
            lock: lock.to_owned(),
            verdict: Verdict::unclear(Reason::NothingRan),
            counterexample: None,
            cases: settings.cases,
            seed: settings.seed,
            tried: Vec::new(),
            saved_before: None,
            engine,
            why: None,
            said: None,
            plain: None,
            kept: None,
            shown: None,
            test: here.test.clone(),
        }
    }

    /// This was found, and saved.
    pub(super) fn fail(&mut self, found: Counterexample, folders: &Folders, kept: Kept) {
        if let Kept::Main(path) | Kept::Spare(path, _) = &kept {
            self.shown = Some(folders.shown(path));
        }
        self.kept = Some(kept);
        self.counterexample = Some(found);
    }

    /// This was saved before, and fails again.
    pub(super) fn fail_again(&mut self, found: Counterexample, folders: &Folders, path: PathBuf) {
        self.verdict = Verdict::Fail(found.failure);
        self.shown = Some(folders.shown(&path));
        self.saved_before = Some(path);
        self.counterexample = Some(found);
    }
}

pub(super) fn run(bench: &Bench) -> Result<Outcome, Trouble> {
    let placements = bench.placements();
    let name = bench.double.name;
    if placements.is_empty() {
        let what = if bench.claim() == Claim::Nobody { "nobody" } else { "no pair of these workers" };
        return Err(Trouble(format!("{name}: it claims to exclude {what}, so there is nothing to check")));
    }
    let mut outcome = Outcome::nothing(name, bench.settings, Kind::Stepped, &bench.here);
    if !bench.double.atomic && points(bench, placements[0])? == 0 {
        outcome.verdict = Verdict::unclear(Reason::NoPoints);
        return Ok(outcome);
    }
    if let Some((path, found)) = again(bench)? {
        outcome.fail_again(found, &bench.folders, path);
        return Ok(outcome);
    }
    for placement in placements {
        hunt(bench, placement, &mut outcome)?;
        if !matches!(outcome.verdict, Verdict::Pass(_)) {
            break;
        }
    }
    Ok(outcome)
}

/// The first saved counterexample that still fails.
fn again(bench: &Bench) -> Result<Option<(PathBuf, Counterexample)>, Trouble> {
    for (path, saved) in bench.folders.of_lock(bench.double.name, Kind::Stepped)? {
        let (history, verdict) = bench.run_whole(&saved.case)?;
        let Verdict::Fail(failure) = verdict else { continue };
        let mut same = 0;
        for _ in 0..REPLAYS {
            same += u32::from(bench.run_whole(&saved.case)?.0 == history);
        }
        let found = Counterexample {
            replays: (REPLAYS, same),
            path: Some(path.clone()),
            ..Counterexample::new(saved.case, history, failure, 0)
        };
        return Ok(Some((path, found)));
    }
    Ok(None)
}

fn hunt(bench: &Bench, placement: Placement, outcome: &mut Outcome) -> Result<(), Trouble> {
    let campaign = Campaign {
        rows: vec![Row { lock: bench.double, placement, order: Order::AsGenerated, faults: Faults::NONE }],
        engine: Kind::Stepped,
        scope: Scope::Session,
        workers: placement.fewest().max(*bench.workers.start())..=*bench.workers.end(),
        period: None,
        search: Search::default(),
        budget: Budget { cases: Some(bench.settings.cases), time: None },
        seed: bench.settings.seed,
        shrink_tries: SHRINK_TRIES,
        jobs: 1,
        save: None,
        staff: bench.staff.clone(),
    };
    let report = campaign.run(&Arc::default(), &());
    if let Some(why) = report.error {
        return Err(Trouble::of(bench, why));
    }
    let Some(row) = report.rows.into_iter().next() else { return Ok(()) };
    outcome.tried.push((placement, row.evidence));
    outcome.verdict = row.verdict;
    if let (Verdict::Fail(_), Some(found)) = (&outcome.verdict, row.counterexample) {
        let kept = bench.folders.save(&bench.here, &found, bench.settings.seed, None);
        outcome.fail(found, &bench.folders, kept);
    }
    Ok(())
}

/// How many points one worker alone passes while it takes the lock and gives it back.
fn points(bench: &Bench, placement: Placement) -> Result<u32, Trouble> {
    let case = Case {
        lock: bench.double.name.to_owned(),
        placement,
        scope: Scope::Session,
        order: Order::AsGenerated,
        workers: 1,
        schedule: at_once(1, Time::from_micros(1000)),
        choices: Some(Vec::new()),
        faults: Faults::NONE,
    };
    let mut points = Points(0);
    bench.engine().explore(&case, &mut points).map_err(|why| Trouble::of(bench, why))?;
    Ok(points.0)
}

/// Counts the steps that do not belong to the worker around the lock.
struct Points(u32);

impl Scheduler for Points {
    fn begin(&mut self) -> bool {
        true
    }

    fn choose(&mut self, enabled: &[Enabled]) -> usize {
        let cache = Object::memory("cache");
        let around = [[Access::Look(cache)], [Access::Change(cache)]];
        self.0 += u32::from(!around.iter().any(|cache| enabled[0].next == cache));
        0
    }
}
