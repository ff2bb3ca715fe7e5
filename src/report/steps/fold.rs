//! Which steps are shown, and which are folded into one line.

use super::{Step, ended};
use crate::check::{Failure, Law};
use crate::history::{History, Seen};
use crate::schedule::Wid;

/// Runs of up to so many steps are shown whole.
const WHOLE: usize = 32;
/// So many steps before the failure are always shown.
const LAST: usize = 24;
/// How many steps are shown at most.
pub(in crate::report) const MOST: usize = 36;

/// One step, several in one line, or all that comes long after the failure; by their places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::report) enum Row {
    Step(usize),
    Folded(usize, usize),
    Rest(usize),
}

impl Row {
    pub fn first(self) -> usize {
        match self {
            Row::Step(first) | Row::Folded(first, _) | Row::Rest(first) => first,
        }
    }

    /// Whose row it is, if it is one worker's.
    pub fn worker(self, steps: &[Step]) -> Option<Wid> {
        let last = match self {
            Row::Step(last) | Row::Folded(_, last) => last,
            Row::Rest(_) => return None,
        };
        let worker = steps[self.first()].worker;
        steps[self.first()..=last].iter().all(|step| step.worker == worker).then_some(worker)
    }
}

/// The rows: what led to the failure, and what is behind it in one.
pub(in crate::report) fn fold(steps: &[Step], history: &History, failure: Option<&Failure>) -> Vec<Row> {
    let fails = steps.iter().position(|step| step.fails);
    let keep = keep(steps, history, failure, fails);
    let mut rows = Vec::new();
    let mut nth = 0;
    while nth < keep.len() {
        let run = keep[nth..].iter().take_while(|&&kept| !kept).count();
        let to_the_end = nth + run == keep.len();
        rows.push(match run {
            0 => Row::Step(nth),
            _ if to_the_end && (failure.is_none() || fails.is_some_and(|fails| fails < nth)) => {
                Row::Rest(nth)
            }
            // One step takes no more room than to say that it is left out.
            1 => Row::Step(nth),
            _ => Row::Folded(nth, nth + run - 1),
        });
        nth += run.max(1);
    }
    rows
}

/// Which steps are shown.
fn keep(steps: &[Step], history: &History, failure: Option<&Failure>, fails: Option<usize>) -> Vec<bool> {
    let end = fails.map_or(steps.len(), |fails| fails + 1);
    // Who does the same again and again is shown the first and the last time.
    let same = |one: &Step, other: &Step| (one.worker, &one.text) == (other.worker, &other.text);
    let again = |nth: usize| nth > 0 && nth + 1 < end && same(&steps[nth - 1], &steps[nth]);
    let dull = |nth: usize| again(nth) && same(&steps[nth], &steps[nth + 1]);
    let mut keep: Vec<bool> = (0..steps.len()).map(|nth| nth < end && !dull(nth)).collect();
    let Some(failure) = failure else {
        keep.iter_mut().skip(MOST).for_each(|kept| *kept = false);
        return keep;
    };
    let telling: Vec<usize> = (0..end).filter(|&nth| keep[nth]).collect();
    if telling.len() <= WHOLE {
        return keep;
    }
    let last = telling[telling.len() - 1 - LAST];
    keep[..last].fill(false);
    let what = |nth: usize| &history.events[steps[nth].event].what;
    let mut pair = vec![failure.worker];
    match failure.law {
        Law::ExcludesLess { holder } | Law::TwoInside { holder } => pair.push(holder),
        Law::ReadBack { saw: Seen::Worker(other), .. } | Law::NotOwn { saw: Seen::Worker(other) } => {
            pair.push(other)
        }
        _ => {}
    }
    let mut room = MOST - LAST - 1;
    let mut whole = keep.clone();
    // The steps that say who got in, and then those that led there, the latest first.
    for &worker in &pair {
        let mine: Vec<usize> = (0..end).filter(|&nth| steps[nth].worker == worker).collect();
        let Some(held) = mine.iter().rposition(|&nth| what(nth).lets_in()) else { continue };
        let begins = |nth: &usize| ended(what(*nth)) || what(*nth).lets_out();
        let first = mine[..held].iter().rposition(begins).map_or(0, |nth| nth + 1);
        for (nth, &step) in mine[first..=held].iter().rev().enumerate() {
            whole[step] = true;
            if nth == 0 && !keep[step] {
                (keep[step], room) = (true, room.saturating_sub(1));
            }
        }
    }
    for nth in (0..last).rev().filter(|&nth| whole[nth]) {
        if room > 0 && !keep[nth] {
            (keep[nth], room) = (true, room - 1);
        }
    }
    keep
}
