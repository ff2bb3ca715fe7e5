//! A counterexample that something else than a campaign's row has found: made smaller, run again and
//! saved all the same.

use std::collections::VecDeque;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::counterexample::{Counterexample, Hunt};
use super::{Budget, Campaign, Found, Row, RowReport, Shared};
use crate::case::{Case, Scope};
use crate::check::{Evidence, Failure, Verdict};
use crate::choices::simpler;
use crate::engine::{Engine, Kind};
use crate::error::Error;
use crate::history::History;
use crate::interleave::Search;
use crate::strategy::CaseTree;
use crate::worker::Staff;

/// A failing case with choices.
#[derive(Clone, Debug)]
pub(crate) struct Hunted {
    pub(crate) case: Case,
    pub(crate) history: History,
    pub(crate) failure: Failure,
    /// Which execution showed it, counted from 1.
    pub(crate) nth: u64,
}

impl Campaign {
    /// Of one row, with nothing of its own to try.
    pub(crate) fn of_one(row: Row, staff: &Staff, shrink_tries: u32) -> Self {
        Campaign {
            rows: vec![row],
            engine: Kind::Stepped,
            scope: Scope::Session,
            workers: row.lock.workers..=row.lock.workers,
            period: None,
            budget: Budget::default(),
            search: Search::default(),
            seed: 0,
            shrink_tries,
            jobs: 1,
            save: None,
            staff: staff.clone(),
        }
    }

    /// Makes it smaller for the one row that there is, runs it again, and saves it.
    ///
    /// # Errors
    /// When lockfuzz itself fails.
    pub(crate) fn hunt(
        &self,
        found: Hunted,
        engine: &mut dyn Engine,
        stop: Arc<AtomicBool>,
    ) -> Result<Counterexample, Error> {
        let Hunted { case, history, failure, nth } = found;
        let (queue, report) = (Mutex::new(VecDeque::new()), Mutex::default());
        let shared = Shared { queue, report, stop, observer: &() };
        let row = self.rows[0];
        let mut hunt = Hunt { campaign: self, lock: row.lock, engine, shared: &shared };
        let tree = CaseTree::new(case.clone(), simpler);
        let first = Counterexample::new(case, history, failure, nth);
        let (mut found, went) = hunt.bring_home(tree, Vec::new(), first);
        hunt.save(&mut found, &row.stem())?;
        match went.map(drop) {
            Err(Error::Interrupted) => {}
            went => went?,
        }
        Ok(found)
    }

    /// What the one row then has to say.
    pub(crate) fn row_of(&self, found: Counterexample, evidence: Evidence, spent: Duration) -> RowReport {
        RowReport {
            row: self.rows[0],
            nth: 0,
            expected: Found::NoRace,
            found: super::row::shown(found.failure.law),
            verdict: Verdict::Fail(found.failure),
            evidence,
            spent,
            counterexample: Some(found),
        }
    }
}
