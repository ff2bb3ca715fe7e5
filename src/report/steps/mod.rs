//! A run with points inside its commands as a reader follows it: in [`Step`]s.

mod fold;
mod quiet;
mod words;

use self::words::words;
use super::moves::{Word, shown, word};
use crate::case::Case;
use crate::check::Failure;
use crate::history::{Event, History, What};
use crate::schedule::Wid;

#[cfg(test)]
pub(super) use fold::MOST;
pub(super) use fold::{Row, fold};
pub(super) use words::ascii;

/// An event that tells something.
#[derive(Clone, Debug)]
pub(super) struct Step {
    /// Its place in the history.
    pub event: usize,
    pub worker: Wid,
    pub text: String,
    /// It shows the failure.
    pub fails: bool,
    /// Who else is inside when this worker gets in, and since which step.
    pub others: Vec<(Wid, usize)>,
    /// What those are said to do: HOLDS, or are INSIDE.
    pub state: &'static str,
    /// The worker that could have gone on, had this one not been chosen.
    pub preempts: Option<Wid>,
}

/// All that tells something, in order. A step's number is its place, counted from 1.
pub(super) fn steps(case: &Case, history: &History, failure: Option<&Failure>) -> Vec<Step> {
    let fails = failure.and_then(|failure| shown(failure, history));
    let mut steps: Vec<Step> = Vec::new();
    let mut inside: Vec<(Wid, usize)> = Vec::new();
    let mut file = None;
    let mut before: Option<&Event> = None;
    let quiet = quiet::quiet(history);
    for (nth, event) in history.events.iter().enumerate() {
        if event.what == What::Wrote {
            file = Some(event.worker);
        }
        let fails = fails == Some(nth);
        if quiet[nth] && !fails {
            continue;
        }
        if let Some(mut text) = words(&event.what, fails) {
            match word(case.scope, event, file) {
                _ if fails => text += "  WRONG",
                Word::Wrong => text += "  WRONG",
                Word::Ok => text += "  ok",
                Word::Nothing => {}
            }
            let others = if event.what.lets_in() { inside.clone() } else { Vec::new() };
            let stopped = |e: &&Event| e.worker != event.worker && !ended(&e.what);
            let preempts = before.filter(stopped).map(|e| e.worker);
            let state = if event.what == What::Entered { "INSIDE" } else { "HOLDS" };
            steps.push(Step { event: nth, worker: event.worker, text, fails, others, state, preempts });
        }
        if event.what.lets_in() {
            inside.push((event.worker, steps.len()));
        } else if event.what.lets_out() {
            inside.retain(|&(holder, _)| holder != event.worker);
        }
        before = Some(event);
    }
    steps
}

/// The number of the step that tells of this event.
pub(super) fn number(steps: &[Step], event: usize) -> Option<usize> {
    steps.iter().position(|step| step.event == event).map(|nth| nth + 1)
}

/// After this a worker does not go on by itself.
fn ended(what: &What) -> bool {
    what.ends_a_stretch()
}
