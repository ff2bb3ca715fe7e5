//! The smallest failing case of a row: made smaller, run again, saved.

use std::path::PathBuf;

use proptest::strategy::ValueTree;

use super::cause::{Cause, cause};
use super::preemptions::Shrink;
use super::{Campaign, Shared};
use crate::case::Case;
use crate::check::{Divergence, Failure, Reason, Verdict};
use crate::engine::{Engine, Kind, Stepped};
use crate::error::Error;
use crate::history::History;
use crate::lock::Double;
use crate::regression::{Note, Saved};
use crate::schedule::Order;
use crate::strategy::CaseTree;

/// How often a counterexample is run again before it is reported.
const REPLAYS: u32 = 10;
/// The same on a real clock.
const SLOW_REPLAYS: u32 = 3;
/// How often a case on a real clock is run again, each time slower, when the machine was too slow.
const RETRIES: u32 = 5;
/// The most cases tried on a real clock to make a counterexample smaller: each takes a while.
const SLOW_TRIES: u32 = 48;

/// The smallest failing case of a row.
#[derive(Clone, Debug)]
pub struct Counterexample {
    /// The case.
    pub case: Case,
    /// What happens in it.
    pub history: History,
    /// What breaks in it.
    pub failure: Failure,
    /// Which case of its row showed it first, counted from 1.
    pub found_in_case: u64,
    /// How many cases were tried to make it smaller.
    pub shrink_tries: u32,
    /// How often it was run again, and how many of these runs failed in the same way.
    pub replays: (u32, u32),
    /// What decides that it breaks, where that could be found.
    pub cause: Option<Cause>,
    /// Where it was saved.
    pub path: Option<PathBuf>,
}

impl Counterexample {
    /// What has failed, before anything is made smaller.
    pub(crate) fn new(case: Case, history: History, failure: Failure, found_in_case: u64) -> Self {
        let (shrink_tries, replays, cause, path) = (0, (0, 0), None, None);
        Counterexample { case, history, failure, found_in_case, shrink_tries, replays, cause, path }
    }

    /// Did each run after the first fail in the same way?
    pub fn repeats(&self) -> bool {
        self.replays.0 == self.replays.1
    }

    pub(crate) fn is_broken_by(&self, verdict: &Verdict) -> bool {
        matches!(verdict, Verdict::Fail(failure) if failure.law.name() == self.failure.law.name())
    }
}

/// What it takes to make a counterexample smaller.
pub(super) struct Hunt<'a> {
    pub(super) campaign: &'a Campaign,
    pub(super) lock: &'static Double,
    pub(super) engine: &'a mut dyn Engine,
    pub(super) shared: &'a Shared<'a>,
}

impl Hunt<'_> {
    /// Makes it as small as can be, by the ways of this tree, and runs it again. What shows the same in one of
    /// the `smaller` cases is looked for there first. Whatever keeps it from that: it was found.
    pub(super) fn bring_home(
        &mut self,
        tree: CaseTree,
        smaller: Vec<Case>,
        first: Counterexample,
    ) -> (Counterexample, Result<Option<Divergence>, Error>) {
        let mut found = first.clone();
        let went = self.in_smaller(smaller, first).and_then(|first| {
            found = first.clone();
            found = self.smallest(tree.again(first.case.clone()), first)?;
            if found.case.choices.is_some() {
                found = self.choices(|shrink| shrink.fewest_faults(found.clone()))?;
                let fewer = self.choices(|shrink| shrink.fewest_preemptions(found.clone()))?;
                found = self.smallest(tree.again(fewer.case.clone()), fewer)?;
            }
            let parted = self.repeat(&mut found)?;
            if found.repeats() {
                self.explain(&mut found)?;
            }
            Ok(parted)
        });
        if went.as_ref().is_err_and(|why| !matches!(why, Error::Interrupted)) {
            // What made us fail may have made the case fail, so this run counts as one without.
            found.replays.0 += 1;
        }
        (found, went)
    }

    /// By fewer choices.
    fn choices<R>(&mut self, act: impl FnOnce(&mut Shrink<'_>) -> R) -> R {
        let shared = self.shared;
        let over = || shared.over();
        act(&mut Shrink { engine: &mut *self.engine, promise: self.lock.promised(), over: &over })
    }

    fn in_smaller(&mut self, programs: Vec<Case>, found: Counterexample) -> Result<Counterexample, Error> {
        let (search, seed) = (self.campaign.search, self.campaign.seed);
        self.choices(|shrink| shrink.in_smaller(programs, || search.scheduler(seed), found))
    }

    /// Shrinks on this engine; what was found on a real clock, and fails on the stepped engine as well,
    /// is made smaller there, a thousand times as fast, and confirmed on the real clock at the end.
    pub(super) fn smallest(
        &mut self,
        tree: CaseTree,
        first: Counterexample,
    ) -> Result<Counterexample, Error> {
        let Hunt { campaign, lock, shared, .. } = *self;
        if campaign.engine == Kind::Realtime {
            let mut quick = Stepped::new(&campaign.staff)?;
            let history = quick.run(&first.case)?;
            if first.is_broken_by(&quick.judge(&first.case, lock.promised(), &history)) {
                let mut hunt = Hunt { campaign, lock, shared, engine: &mut quick };
                let small = hunt.shrink(campaign.shrink_tries, tree.clone(), first.clone())?;
                let (history, verdict) = run_and_retry(self.engine, &small.case, lock)?;
                if let Verdict::Fail(failure) = verdict
                    && first.is_broken_by(&verdict)
                {
                    return Ok(Counterexample { history, failure, ..small });
                }
            }
            return self.shrink(campaign.shrink_tries.min(SLOW_TRIES), tree, first);
        }
        self.shrink(campaign.shrink_tries, tree, first)
    }

    /// Makes the counterexample smaller, for as long as it breaks the same law.
    fn shrink(
        &mut self,
        tries: u32,
        mut tree: CaseTree,
        mut best: Counterexample,
    ) -> Result<Counterexample, Error> {
        let mut more = tree.simplify();
        while more && best.shrink_tries < tries && !self.shared.over() {
            best.shrink_tries += 1;
            let case = tree.current();
            let (history, verdict) = run_and_retry(self.engine, &case, self.lock)?;
            more = match verdict {
                Verdict::Fail(failure) if best.is_broken_by(&verdict) => {
                    best = Counterexample { case, history, failure, ..best };
                    tree.simplify()
                }
                _ => tree.complicate(),
            };
        }
        if best.case.order.sorted(&best.case.schedule) == best.case.schedule {
            // Sorting changes nothing, so this is the same case by its plainest name.
            best.case.order = Order::AsGenerated;
        }
        Ok(best)
    }

    /// Runs the counterexample again and again: does it hold? If not, where do the runs part?
    pub(super) fn repeat(&mut self, found: &mut Counterexample) -> Result<Option<Divergence>, Error> {
        let mut parted = None;
        let stepped = self.campaign.engine == Kind::Stepped;
        for _ in 0..if stepped { REPLAYS } else { SLOW_REPLAYS } {
            let (history, verdict) = run_and_retry(self.engine, &found.case, self.lock)?;
            let same = !stepped || history == found.history;
            if !same {
                parted = parted.or_else(|| Divergence::between(&found.history, &history));
            }
            found.replays.0 += 1;
            found.replays.1 += u32::from(same && found.is_broken_by(&verdict));
        }
        Ok(parted)
    }

    /// Finds out what decides that it breaks.
    pub(super) fn explain(&mut self, found: &mut Counterexample) -> Result<(), Error> {
        let promise = self.lock.promised();
        found.cause = cause(self.engine, &found.case, promise, &found.history, &found.failure)?;
        Ok(())
    }

    /// Saves it, if the campaign saves anything.
    pub(super) fn save(&self, found: &mut Counterexample, stem: &str) -> Result<(), Error> {
        let Some(folder) = &self.campaign.save else { return Ok(()) };
        let saved = Saved {
            format: Saved::format_of(&found.case, None).to_owned(),
            engine: self.campaign.engine,
            case: found.case.clone(),
            job: None,
            history: found.history.events.clone(),
            verdict: Verdict::Fail(found.failure),
            note: Some(Note {
                seed: self.campaign.seed,
                found_in_case: found.found_in_case,
                shrink_tries: found.shrink_tries,
                cause: found.cause,
            }),
        };
        found.path = Some(saved.save(folder, stem)?);
        Ok(())
    }
}

/// Runs a case and judges it. Where the machine was too slow for it, the case is run again a few
/// times, the later ones with ticks further and further apart.
///
/// # Errors
/// What [`Engine::run`] fails with.
pub fn run_and_retry(
    engine: &mut dyn Engine,
    case: &Case,
    double: &Double,
) -> Result<(History, Verdict), Error> {
    let mut attempt = 0;
    loop {
        let schedule = case.schedule.stretched(1 << u32::saturating_sub(attempt, 1));
        let slower = Case { schedule, ..case.clone() };
        let history = engine.run(if attempt == 0 { case } else { &slower })?;
        let verdict = engine.judge(case, double.promised(), &history);
        match verdict {
            Verdict::Inconclusive { reason: Reason::Late(_) } if attempt < RETRIES => attempt += 1,
            _ => return Ok((history, verdict)),
        }
    }
}
