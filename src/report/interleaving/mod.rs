//! An interleaving: a run with points inside its commands as text, at most 80 columns wide.

mod page;
#[cfg(test)]
mod tests;

use self::page::Page;
use super::steps::{Row, fold, steps};
use crate::case::Case;
use crate::check::{Failure, Reason};
use crate::history::History;

/// The steps in lines: one lane for each of up to three workers, else a list. Where a worker is made to
/// stop that could have gone on, an arrow says so.
pub(super) fn interleaving(case: &Case, history: &History, failure: Option<&Failure>) -> String {
    let steps = steps(case, history, failure);
    let rows = fold(&steps, history, failure);
    let mut page = Page::new(rows.iter().filter_map(|row| row.worker(&steps)).collect());
    page.head();
    for row in rows {
        let step = &steps[row.first()];
        if let (Some(from), Row::Step(_) | Row::Folded(..)) = (step.preempts, row) {
            page.preempted(from, step.worker);
        }
        match row {
            Row::Step(nth) => page.step(nth + 1, step),
            Row::Folded(first, last) => page.folded(first + 1, last + 1, row.worker(&steps)),
            Row::Rest(first) => page.rest(steps.len() - first),
        }
    }
    for &missing in &history.missing {
        page.remark(&Reason::Missing(missing).to_string());
    }
    page.text
}
