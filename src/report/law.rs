//! What broke, in words that go with the picture.

use super::steps::{number, steps};
use crate::case::Case;
use crate::check::{Failure, Law};
use crate::history::{History, Seen, What};
use crate::schedule::Wid;

/// In a few words: `two inside at once`, or the name of the law.
pub fn broken(case: &Case, history: &History, failure: &Failure) -> &'static str {
    let of_lock = !matches!(failure.law, Law::BadExit { .. } | Law::Died { .. } | Law::CheckFailed { .. });
    let told = case.choices.is_some() || matches!(failure.law, Law::ExcludesLess { .. });
    if of_lock && told && two_inside(history, failure.event).is_some() {
        "two inside at once"
    } else {
        failure.law.name()
    }
}

/// In a sentence. A run in order is told by its ticks, one with choices by the steps of its picture.
pub fn sentence(case: &Case, history: &History, failure: &Failure) -> String {
    let told = if case.choices.is_some() { by_step(case, history, failure) } else { None };
    told.unwrap_or_else(|| failure.to_string())
}

fn by_step(case: &Case, history: &History, failure: &Failure) -> Option<String> {
    let steps = steps(case, history, Some(failure));
    let here = number(&steps, failure.event)?;
    let before = history.events.get(..failure.event)?;
    let wrote = |worker: Wid| {
        let event = before.iter().rposition(|e| e.worker == worker && e.what == What::Wrote)?;
        number(&steps, event)
    };
    let worker = failure.worker;
    Some(match failure.law {
        Law::ReadBack { saw, .. } => {
            let mine = wrote(worker)?;
            let must = format!("worker {worker} wrote in step {mine} and must read that back in step {here}");
            match saw {
                Seen::Worker(other) => format!("{must}; worker {other} wrote in step {}", wrote(other)?),
                _ => format!("{must}; it saw {saw}"),
            }
        }
        Law::LastWrite { saw } => {
            format!("worker {worker} saw {saw} in step {here}, which is not the last whole write")
        }
        Law::ExcludesLess { holder } => {
            let got = before.iter().rposition(|e| e.worker == holder && e.what == What::Locked)?;
            format!(
                "worker {worker} got the lock in step {here}, worker {holder} has it since step {}, \
                 and the lock claims to exclude the two",
                number(&steps, got)?
            )
        }
        Law::ExcludesMore => format!(
            "worker {worker} was kept out in step {here}, and the lock claims to exclude it from nobody \
             who held it then"
        ),
        Law::LostWrite { saw, due } => {
            format!("worker {worker} saw {saw} in step {here}, where the last write was that of {due}")
        }
        Law::TwoInside { holder } => {
            let got = before.iter().rposition(|e| e.worker == holder && e.what.lets_in())?;
            format!(
                "worker {worker} is inside in step {here}, and worker {holder} is there since step {}",
                number(&steps, got)?
            )
        }
        Law::NotOwn { saw: saw @ Seen::Worker(_) } => {
            format!(
                "worker {worker} reads back in step {here} what {saw} wrote, and not what it wrote itself"
            )
        }
        Law::Stuck
        | Law::BadExit { .. }
        | Law::Died { .. }
        | Law::NotOwn { .. }
        | Law::CheckFailed { .. }
        | Law::NobodyWrote
        | Law::Disobeyed => return None,
    })
}

/// The first event, up to this one, by which somebody gets in while another is inside: who that was, and
/// the event by which it got in.
pub(crate) fn two_inside(history: &History, until: usize) -> Option<(usize, usize)> {
    let mut inside: Vec<(Wid, usize)> = Vec::new();
    for (nth, event) in history.events.iter().enumerate().take(until + 1) {
        if event.what.lets_in() {
            if let Some(&(_, first)) = inside.first() {
                return Some((first, nth));
            }
            inside.push((event.worker, nth));
        } else if event.what.lets_out() {
            inside.retain(|&(holder, _)| holder != event.worker);
        }
    }
    None
}
