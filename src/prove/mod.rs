//! Every interleaving of a small case: a counterexample, or a certificate.
//!
//! A [`Question`] is searched with [`Exhaustive`] to its end. What ends
//! it earlier is a [`Shortfall`], and then there is no certificate. A certificate also needs a control:
//! the same search finds what is wrong with a broken neighbour of the lock.
//!
//! # Why the verdict does not depend on what is left out
//! The reduction runs one execution for each class of those that differ in the order of independent
//! steps only. In which order two such steps come, a history shows, but what each worker did and met
//! is the same in all of a class, and so are its read-backs and who waits for ever. "Two inside" is
//! not: it compares moments of different workers. But where one execution has two inside, so has
//! another one in which the second of them writes right before the first one reads back; that is
//! possible, because a write waits for nothing. There the read-back is wrong, and it is so in all of
//! its class. So each broken promise shows in some class whichever of its executions is run.

mod points;
pub(crate) mod search;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use crate::campaign::{self, Campaign, Hunted, Row, RowReport};
use crate::case::{Case, Faults, Placement, Scope};
use crate::check::{Reason, Verdict};
use crate::engine::Stepped;
use crate::error::Error;
use crate::interleave::{Exhaustive, Reduction};
use crate::lock::Double;
use crate::schedule::{Order, Time, rounds};
use crate::worker::Staff;

pub use points::{Point, Points};
pub use search::{Found, Search};

/// What is to be proved: that no interleaving of so many workers, each of which takes the lock so many
/// times, breaks it.
#[derive(Clone, Copy, Debug)]
pub struct Question {
    /// The lock.
    pub lock: &'static Double,
    /// Where its workers live.
    pub placement: Placement,
    /// How many they are.
    pub workers: u32,
    /// How often each takes the lock, writes, reads back, and gives the lock back.
    pub acquires: u32,
    /// The most preemptions; any number, without one.
    pub preemptions: Option<u32>,
    /// What may be left out because it comes out the same.
    pub reduction: Reduction,
    /// What may go wrong, at any point: crashes. A certificate says nothing of the other faults, so with
    /// those there is none.
    pub faults: Faults,
}

impl Question {
    /// The case without choices yet.
    pub fn case(&self) -> Case {
        Case {
            lock: self.lock.name.to_owned(),
            placement: self.placement,
            scope: if self.acquires == 1 { Scope::Session } else { Scope::Transaction },
            order: Order::AsGenerated,
            workers: self.workers,
            schedule: rounds(self.workers, self.acquires, Time::from_micros(1000)),
            choices: Some(Vec::new()),
            faults: self.faults,
        }
    }

    /// Does the lock claim that nothing can be found?
    pub fn is_claimed(&self) -> bool {
        let Question { lock, faults, .. } = self;
        let claim = lock.promised().under(*faults).claim;
        let outlives = faults.crashes == 0 || lock.withstands.crash;
        outlives && claim.excludes_everybody(self.placement, self.workers)
    }

    /// The same about the broken lock that is nearest to this one.
    fn control(&self) -> Option<Question> {
        let lock = self.lock.neighbour?;
        // It is broken without faults, and they would only make the search longer.
        Some(Question { lock, workers: lock.workers, faults: Faults::NONE, ..*self })
    }
}

/// What came of a question.
#[derive(Debug)]
pub enum Answer {
    /// No interleaving breaks the lock.
    Proved(Box<Certificate>),
    /// This one does.
    Broken(Box<Broken>),
    /// It is not known.
    Short(Shortfall),
}

/// All interleavings within the bound were tried, and none breaks the lock.
#[derive(Debug)]
pub struct Certificate {
    /// Of what.
    pub question: Question,
    /// What was done for it.
    pub search: Search,
    /// The broken neighbour, and in which execution of the same search it broke.
    pub control: Option<(Question, u64)>,
    /// How long all of it took.
    pub took: Duration,
}

/// A counterexample.
#[derive(Debug)]
pub struct Broken {
    /// Of what.
    pub question: Question,
    /// The row of a campaign that consists of this search alone, with its counterexample.
    pub row: RowReport,
}

/// A search that did not come to its end.
#[derive(Clone, Debug)]
pub struct Shortfall {
    /// Which.
    pub question: Question,
    /// Why.
    pub why: Why,
    /// How many executions there were until then.
    pub executions: u64,
}

/// Why a search did not come to its end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Why {
    /// Its time was up.
    Time,
    /// Somebody stopped it.
    Interrupted,
    /// The same choices led elsewhere, or what was found did not happen again.
    Unrepeatable,
    /// A run of which nothing can be said.
    Unclear(Reason),
    /// It found nothing wrong with a lock that is broken, so it proves nothing of another one.
    Blind,
    /// What a certificate says holds without these faults only.
    Faults,
}

/// Searches with one engine.
pub struct Prover {
    engine: Stepped,
    staff: Staff,
    save: Option<PathBuf>,
    deadline: Option<Instant>,
    interrupt: Arc<AtomicBool>,
}

/// The most cases tried to make a counterexample smaller.
const SHRINK_TRIES: u32 = 4096;

impl Prover {
    /// Counterexamples go into `save`, if that is there; no search goes on past the deadline, or after
    /// an interrupt. For speed, [`pin`](crate::worker::pin) the calling thread to one core first.
    ///
    /// # Errors
    /// [`Error::Folder`] when its files cannot be put into the staff's folder.
    pub fn new(
        staff: &Staff,
        save: Option<PathBuf>,
        deadline: Option<Instant>,
        interrupt: Arc<AtomicBool>,
    ) -> Result<Self, Error> {
        Ok(Prover { engine: Stepped::new(staff)?.exact(), staff: staff.clone(), save, deadline, interrupt })
    }

    /// Answers a question.
    ///
    /// # Errors
    /// When lockfuzz itself fails, or a case cannot be run.
    pub fn answer(&mut self, question: Question) -> Result<Answer, Error> {
        let start = Instant::now();
        let short = |question, why, executions| Ok(Answer::Short(Shortfall { question, why, executions }));
        if question.faults != (Faults { crashes: question.faults.crashes, ..Faults::NONE }) {
            return short(question, Why::Faults, 0);
        }
        let mut search = match self.search(question)? {
            Ok(search) => search,
            Err(why) => return short(question, why.0, why.1),
        };
        let executions = search.progress.executions;
        if let Some(found) = search.found.take() {
            return self.bring_home(question, found, &search, start);
        }
        if let Verdict::Inconclusive { reason } = search.evidence.verdict() {
            return short(question, Why::Unclear(reason), executions);
        }
        let control = match question.control() {
            None => None,
            Some(control) => match self.search(control)? {
                Ok(Search { found: Some(_), progress, .. }) => Some((control, progress.executions)),
                Ok(Search { progress, .. }) => return short(control, Why::Blind, progress.executions),
                Err((why, executions)) => return short(control, why, executions),
            },
        };
        let took = start.elapsed();
        Ok(Answer::Proved(Box::new(Certificate { question, search, control, took })))
    }

    /// Tries all there is, or until something breaks.
    fn search(&mut self, question: Question) -> Result<Result<Search, (Why, u64)>, Error> {
        let exhaustive = Exhaustive::new(question.preemptions, question.reduction);
        let mut searching = search::Searching::new(question, exhaustive);
        loop {
            let executions = searching.executions();
            if self.interrupt.load(std::sync::atomic::Ordering::Relaxed) {
                return Ok(Err((Why::Interrupted, executions)));
            }
            if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return Ok(Err((Why::Time, executions)));
            }
            match searching.one(&mut self.engine)? {
                search::Step::On => {}
                search::Step::Timed => {
                    // The clock is nobody's step, so what depends on it cannot be told.
                    let question = Question { reduction: Reduction::Off, ..question };
                    let exhaustive = Exhaustive::new(question.preemptions, question.reduction);
                    searching = search::Searching::new(question, exhaustive);
                }
                search::Step::Done(search) => return Ok(Ok(*search)),
                search::Step::Short(why) => return Ok(Err((why, searching.executions()))),
            }
        }
    }

    /// Makes what was found smaller, runs it again, and saves it.
    fn bring_home(
        &mut self,
        question: Question,
        found: Found,
        search: &Search,
        start: Instant,
    ) -> Result<Answer, Error> {
        let Question { lock, placement, faults, .. } = question;
        let row = Row { lock, placement, order: Order::AsGenerated, faults };
        let campaign = Campaign::of_one(row, &self.staff, SHRINK_TRIES);
        let campaign =
            Campaign { save: self.save.clone(), workers: question.workers..=question.workers, ..campaign };
        let executions = search.progress.executions;
        let Found { case, history, failure } = found;
        let hunted = Hunted { case, history, failure, nth: executions };
        let counterexample = campaign.hunt(hunted, &mut self.engine, Arc::clone(&self.interrupt))?;
        if !counterexample.repeats() {
            return Ok(Answer::Short(Shortfall { question, why: Why::Unrepeatable, executions }));
        }
        let mut row = campaign.row_of(counterexample, search.evidence, start.elapsed());
        row.expected = if question.is_claimed() { campaign::Found::NoRace } else { campaign::Found::Race };
        Ok(Answer::Broken(Box::new(Broken { question, row })))
    }
}

/// The questions to which a lock's own claim says yes: two workers, one acquire each, in each of these
/// placements that the claim covers.
pub fn claimed(locks: &[&'static Double], placements: &[Placement]) -> Vec<Question> {
    let each = |&lock: &&'static Double| placements.iter().map(move |&place| Question::new(lock, place));
    locks.iter().flat_map(each).filter(Question::is_claimed).collect()
}

impl Question {
    /// Two workers that take it once.
    pub fn new(lock: &'static Double, placement: Placement) -> Self {
        Question {
            lock,
            placement,
            workers: 2,
            acquires: 1,
            preemptions: None,
            reduction: Reduction::SleepSets,
            faults: Faults::NONE,
        }
    }
}
