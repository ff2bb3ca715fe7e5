//! The marks in a plot, and its legend.

use super::super::moves::Move;
use super::sheet::Sheet;
use crate::history::{Seen, What};

/// Half the height of a mark.
pub(super) const MARK: i32 = 9;

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Shape {
    Write,
    Read,
    Stop,
}

/// The mark of a move, and what stands in it.
pub(super) fn mark(m: &Move) -> Option<(Shape, String)> {
    let gave_up = m.events.iter().any(|(what, _)| matches!(what, What::GaveUp | What::Failed(_)));
    match m.saw() {
        _ if m.did(What::Wrote) => Some((Shape::Write, m.worker.to_string())),
        Some(Seen::Worker(writer)) => Some((Shape::Read, writer.to_string())),
        Some(Seen::Missing) => Some((Shape::Read, "-".to_owned())),
        Some(Seen::Stranger { .. } | Seen::Torn { .. }) => Some((Shape::Read, "?".to_owned())),
        None => (gave_up || m.fails).then(|| (Shape::Stop, "!".to_owned())),
    }
}

pub(super) fn draw(sheet: &mut Sheet, shape: Shape, at: (i32, i32), text: &str, wrong: bool) {
    let side = (2 * MARK, 2 * MARK);
    let corner = (at.0 - MARK, at.1 - MARK);
    match shape {
        Shape::Write => sheet.rect(if wrong { "wrong" } else { "write" }, corner, side, 2),
        Shape::Read => sheet.circle(if wrong { "wrong" } else { "read" }, at, MARK),
        Shape::Stop => sheet.rect(if wrong { "wrong" } else { "read" }, corner, side, 6),
    }
    let class = match shape {
        _ if wrong => "mark on-wrong",
        Shape::Write => "mark on-write",
        Shape::Read | Shape::Stop => "mark",
    };
    sheet.text(class, (at.0, at.1 + 4), text);
}

/// Something that the legend explains: a mark, and whether it is wrong, or whatever has this class.
pub(super) enum Sample {
    Mark(Shape, bool),
    Drawn(&'static str),
}

pub(super) const LEGEND: [(Sample, &str); 10] = [
    (Sample::Mark(Shape::Write, false), "worker n writes"),
    (Sample::Mark(Shape::Read, false), "reads what n wrote"),
    (Sample::Mark(Shape::Read, true), "reads it, and must not"),
    (Sample::Mark(Shape::Write, true), "has the lock wrongly"),
    (Sample::Mark(Shape::Stop, true), "is kept out wrongly"),
    (Sample::Mark(Shape::Stop, false), "gives up"),
    (Sample::Drawn("held"), "holds the lock"),
    (Sample::Drawn("shared"), "holds it while others do"),
    (Sample::Drawn("waits"), "waits for the lock"),
    (Sample::Drawn("arrow"), "from the failure to its cause"),
];

impl Sample {
    /// Around this place.
    pub fn draw(&self, sheet: &mut Sheet, (x, y): (i32, i32)) {
        match *self {
            Sample::Mark(shape, wrong) => {
                draw(sheet, shape, (x, y), if shape == Shape::Stop { "!" } else { "n" }, wrong);
            }
            Sample::Drawn("waits") => sheet.line("waits", (x - 13, y), (x + 13, y)),
            Sample::Drawn("arrow") => sheet.arrow("arrow", (x + 13, y), (x - 13, y), [0, 0]),
            Sample::Drawn(class) => sheet.rect(class, (x - 13, y - 9), (26, 18), 0),
        }
    }
}
