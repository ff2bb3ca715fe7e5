//! Which moves of a long history a reader needs to see.

use super::super::moves::{Move, write_seen};
use crate::check::{Failure, Law};
use crate::history::What;

/// How many moves are shown at most; with the folds between them they still fit on one screen.
pub(super) const MOVES: usize = 20;
/// How many moves are shown after the one that fails.
const AFTER: usize = 3;

/// A line of a timeline.
pub(super) enum Row<'a> {
    Move(&'a Move),
    Folded { moves: usize, more: &'static str },
}

/// Chooses what to show.
pub(super) fn fold<'a>(moves: &'a [Move], failure: Option<&Failure>) -> Vec<Row<'a>> {
    let fails = moves.iter().position(|m| m.fails);
    let end = fails.map_or(moves.len(), |at| (at + 1 + AFTER).min(moves.len()));
    let mut keep: Vec<bool> = (0..moves.len()).map(|nth| nth < end).collect();
    if let Some(failure) = failure.filter(|_| end > MOVES) {
        let at = fails.unwrap_or(moves.len());
        let held = held(&moves[..at]);
        let seen = fails.and_then(|at| write_seen(moves, at));
        let about_locks = matches!(failure.law, Law::ExcludesLess { .. } | Law::ExcludesMore);
        for nth in 0..at {
            let part = moves[nth].worker == failure.worker || seen == Some(nth);
            keep[nth] = part || about_locks && held.contains(&nth);
        }
    }
    let mut surplus = keep.iter().filter(|&&kept| kept).count().saturating_sub(MOVES);
    // The end matters most where something failed, the beginning where nothing did.
    let mut order: Vec<usize> = (0..moves.len()).collect();
    if failure.is_none() {
        order.reverse();
    }
    for nth in order {
        if surplus > 0 && keep[nth] {
            (keep[nth], surplus) = (false, surplus - 1);
        }
    }
    let mut rows = Vec::new();
    let mut nth = 0;
    while nth < moves.len() {
        let run = keep[nth..].iter().take_while(|&&kept| !kept).count();
        if run > 1 {
            let more = if nth + run == moves.len() { "more " } else { "" };
            rows.push(Row::Folded { moves: run, more });
        } else {
            // One move takes no more room than to say that it is left out.
            rows.push(Row::Move(&moves[nth]));
        }
        nth += run.max(1);
    }
    rows
}

/// The moves by which the locks that are held in the end were taken.
fn held(moves: &[Move]) -> Vec<usize> {
    let given_back =
        |nth: usize| moves[nth..].iter().any(|m| m.worker == moves[nth].worker && m.did(What::Unlocked));
    (0..moves.len()).filter(|&nth| moves[nth].did(What::Locked) && !given_back(nth)).collect()
}
