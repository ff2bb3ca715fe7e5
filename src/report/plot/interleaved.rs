//! The picture of a run with points inside its commands: time goes down, one lane a worker, one row a step.

use super::super::cause::cause;
use super::super::law::{broken, sentence};
use super::super::steps::{Row, Step, fold, steps};
use super::axis::MARGIN;
use super::sheet::{Sheet, room, wrapped};
use crate::campaign::Cause;
use crate::case::Case;
use crate::check::{Failure, Law, Reason};
use crate::history::{History, Seen, What};
use crate::schedule::Wid;

/// Where the lanes begin; the numbers of the steps stand before.
const LEFT: i32 = 60;
const LANE: i32 = 248;
/// Lanes of two workers, wide enough for what a step says.
const WIDE: i32 = 340;
/// Lanes of more workers than a page has room for.
const NARROW: i32 = 150;
/// From one step to the next, and half the height of its box.
const ROW: i32 = 26;
const HALF: i32 = 10;
/// An arrow for a preemption takes so much.
const ARROW: i32 = 22;
/// Before each box, for the bar of who holds.
const GUTTER: i32 = 30;
const BAR: i32 = 8;

/// The steps as SVG. Bars say who holds the lock, red ones that two do; arrows between the lanes are
/// preemptions; what shows the failure is red and points at the write that it saw; the two steps whose
/// order decides have a ring.
pub(super) fn svg(case: &Case, history: &History, failure: Option<&Failure>, why: Option<Cause>) -> String {
    let steps = steps(case, history, failure);
    let rows = fold(&steps, history, failure);
    let mut workers: Vec<Wid> = steps.iter().map(|step| step.worker).collect();
    workers.sort();
    workers.dedup();
    let lane = match workers.len() {
        ..=2 => WIDE,
        3 | 4 => LANE,
        _ => NARROW,
    };
    let width = (LEFT + lane * workers.len() as i32 + MARGIN).max(560);
    let mut plot =
        Plot { history, steps: &steps, workers, lane, width, places: Vec::new(), sheet: Sheet::default() };
    plot.draw(case, failure, why, &rows)
}

struct Plot<'a> {
    history: &'a History,
    steps: &'a [Step],
    workers: Vec<Wid>,
    lane: i32,
    width: i32,
    /// The middle of each row that is drawn, and its step.
    places: Vec<(usize, i32)>,
    sheet: Sheet,
}

impl Plot<'_> {
    fn draw(&mut self, case: &Case, failure: Option<&Failure>, why: Option<Cause>, rows: &[Row]) -> String {
        let name = format!("{}, {}", case.lock, case.placement.name());
        let title = match failure {
            Some(failure) => format!("{name}: {}", broken(case, self.history, failure)),
            None => name,
        };
        let law = failure.map(|failure| sentence(case, self.history, failure));
        let decides = failure.zip(why).and_then(|(failure, why)| cause(case, self.history, failure, why));
        let missing = self.history.missing.iter().map(|&missing| Reason::Missing(missing).to_string());
        let mut y = MARGIN;
        for line in wrapped(&title, 16, self.width - 2 * MARGIN) {
            y += 22;
            self.sheet.text("head", (MARGIN, y), &line);
        }
        for told in law.into_iter().chain(decides).chain(missing) {
            y += 4;
            for line in wrapped(&told, 12, self.width - 2 * MARGIN) {
                y += 17;
                self.sheet.text("muted", (MARGIN, y), &line);
            }
        }
        let top = y + 22;
        let bottom = self.place(top + 30, rows);
        self.lanes(top, bottom);
        self.bars(top + 18, bottom);
        self.boxes(rows);
        self.marks(failure, why);
        let end = self.legend(bottom + 26);
        let style = [include_str!("plot.css"), include_str!("steps.css")].concat();
        std::mem::take(&mut self.sheet).finish((self.width, end + MARGIN), &title, &style)
    }

    /// Gives each row its place, and returns where the last one ends.
    fn place(&mut self, top: i32, rows: &[Row]) -> i32 {
        let mut y = top;
        for row in rows {
            if arrow(self.steps, *row).is_some() {
                y += ARROW;
            }
            self.places.push((row.first(), y + HALF));
            y += ROW;
        }
        y
    }

    fn left(&self, worker: Wid) -> i32 {
        let nth = self.workers.iter().position(|&other| other == worker).unwrap_or(0);
        LEFT + self.lane * nth as i32
    }

    /// The left and the right end of a worker's boxes.
    fn sides(&self, worker: Wid) -> (i32, i32) {
        let left = self.left(worker);
        (left + GUTTER, left + self.lane - 8)
    }

    /// Where a step is drawn, if it is.
    fn y(&self, step: usize) -> Option<i32> {
        self.places.iter().find(|place| place.0 == step).map(|place| place.1)
    }

    fn lanes(&mut self, top: i32, bottom: i32) {
        for worker in self.workers.clone() {
            let x = self.left(worker);
            self.sheet.rect("lane", (x + 2, top), (self.lane - 4, bottom - top), 3);
            self.sheet.text("title", (x + GUTTER, top + 15), &format!("worker {worker}"));
        }
    }

    /// Who holds, from row to row, and where two do.
    fn bars(&mut self, top: i32, bottom: i32) {
        let mut held: Vec<(Wid, i32, i32)> = Vec::new();
        let mut open: Vec<(Wid, i32)> = Vec::new();
        let mut y = top;
        let mut told = self.places.iter().peekable();
        let mut both: Vec<(i32, i32)> = Vec::new();
        let mut since = None;
        for (nth, step) in self.steps.iter().enumerate() {
            while let Some(place) = told.next_if(|place| place.0 <= nth) {
                y = place.1;
            }
            let what = &self.history.events[step.event].what;
            if what.lets_in() {
                open.push((step.worker, y));
            } else if what.lets_out()
                && let Some(at) = open.iter().position(|one| one.0 == step.worker)
            {
                let (worker, from) = open.remove(at);
                held.push((worker, from, y));
            }
            match (open.len() > 1, since) {
                (true, None) => since = Some(y),
                (false, Some(from)) => {
                    both.push((from, y));
                    since = None;
                }
                _ => {}
            }
        }
        held.extend(open.into_iter().map(|(worker, from)| (worker, from, bottom - HALF)));
        both.extend(since.map(|from| (from, bottom - HALF)));
        for &(from, to) in &both {
            let size = (self.width - LEFT - MARGIN, to - from + 2 * HALF);
            self.sheet.rect("band", (LEFT + 2, from - HALF), size, 3);
        }
        for (worker, from, to) in held {
            let x = self.left(worker) + 12;
            self.sheet.rect("held", (x, from - HALF), (BAR, to - from + 2 * HALF), 0);
            for &(one, other) in &both {
                let (one, other) = (one.max(from), other.min(to));
                if one < other {
                    self.sheet.rect("twice", (x, one - HALF), (BAR, other - one + 2 * HALF), 0);
                }
            }
        }
    }

    fn boxes(&mut self, rows: &[Row]) {
        for (nth, row) in rows.iter().enumerate() {
            let y = self.places[nth].1;
            let step = &self.steps[row.first()];
            if let Some(from) = arrow(self.steps, *row) {
                self.preempted(from, step.worker, y - HALF - ARROW / 2 - 2);
            }
            let (left, right) = self.sides(step.worker);
            match *row {
                Row::Step(at) => {
                    self.sheet.text("number", (LEFT - 8, y + 4), &(at + 1).to_string());
                    let (class, on) = if step.fails {
                        ("wrong", "note on-wrong")
                    } else {
                        (kind(&self.history.events[step.event].what), "note")
                    };
                    self.sheet.rect(class, (left, y - HALF), (right - left, 2 * HALF), 3);
                    self.sheet.text(on, (left + 6, y + 4), &shortened(&step.text, right - left - 10));
                }
                Row::Folded(first, last) => {
                    self.sheet.text("number", (LEFT - 8, y + 4), "...");
                    let text = format!("steps {} to {}: folded", first + 1, last + 1);
                    let x = if row.worker(self.steps).is_some() { left } else { LEFT + GUTTER };
                    self.sheet.text("muted", (x, y + 4), &text);
                }
                Row::Rest(first) => {
                    let more = self.steps.len() - first;
                    let text = format!("... {more} more step{}", if more == 1 { "" } else { "s" });
                    self.sheet.text("muted", (LEFT + GUTTER, y + 4), &text);
                }
            }
        }
    }

    fn preempted(&mut self, from: Wid, to: Wid, y: i32) {
        let middle = |worker| self.sides(worker).0 + 40;
        let (from, to) = (middle(from), middle(to));
        self.sheet.arrow("preempts", (from, y), (to, y), [0, 0]);
        let text = "preempted";
        self.sheet.text("muted", (from.min(to) + (to - from).abs() / 2 - room(text, 12) / 2, y - 5), text);
    }

    /// The arrow from the failure to what it saw, and the rings of the two that decide.
    fn marks(&mut self, failure: Option<&Failure>, why: Option<Cause>) {
        if let Some(Cause::Order { first, second }) = why {
            for event in [first, second] {
                let at = self.steps.iter().position(|step| step.event == event);
                let Some((at, y)) = at.and_then(|at| Some((at, self.y(at)?))) else { continue };
                let (left, right) = self.sides(self.steps[at].worker);
                self.sheet.rect("decides", (left - 3, y - HALF - 3), (right - left + 6, 2 * HALF + 6), 5);
            }
        }
        let Some(failure) = failure else { return };
        let fails = self.steps.iter().position(|step| step.fails);
        let seen = match failure.law {
            Law::ReadBack { saw: Seen::Worker(other), .. } | Law::LastWrite { saw: Seen::Worker(other) } => {
                let wrote =
                    |step: &Step| step.worker == other && self.history.events[step.event].what == What::Wrote;
                self.steps[..fails.unwrap_or(0)].iter().rposition(wrote)
            }
            _ => None,
        };
        let (Some(fails), Some(seen)) = (fails, seen) else { return };
        let (Some(from), Some(to)) = (self.y(fails), self.y(seen)) else { return };
        let [one, other] = [fails, seen].map(|step| self.sides(self.steps[step].worker));
        let (x, end) = if one.0 < other.0 { (one.1, other.0) } else { (one.0, other.1) };
        self.sheet.arrow("arrow", (x, from), (end, to), [0, 2]);
    }

    /// Explains what is in the picture, and returns where it ends.
    fn legend(&mut self, top: i32) -> i32 {
        let entries = [
            ("enters", "gets the lock"),
            ("file", "writes or reads the shared file"),
            ("stops", "waits, or gives up"),
            ("fault", "a fault strikes"),
            ("wrong", "shows the failure"),
            ("held", "holds the lock"),
            ("twice", "two hold it at once"),
            ("decides", "their order decides (tried)"),
        ];
        let (mut x, mut y) = (MARGIN, top);
        for (class, words) in entries {
            if !self.sheet.has(class) {
                continue;
            }
            let wide = 34 + room(words, 12) + 14;
            if x + wide > self.width - MARGIN {
                (x, y) = (MARGIN, y + 22);
            }
            self.sheet.rect(class, (x, y - 8), (26, 16), 3);
            self.sheet.text("legend", (x + 34, y + 4), words);
            x += wide;
        }
        y + 12
    }
}

/// How the box of a step looks.
fn kind(what: &What) -> &'static str {
    match what {
        What::Locked | What::Entered => "enters",
        What::Wrote | What::Read(_) | What::Found(_) => "file",
        What::Blocked | What::GaveUp | What::Slept(_) | What::Refused => "stops",
        What::Failed(_) | What::Crashed | What::Stalled | What::Jumped | What::CallFailed => "fault",
        What::Struck(_) | What::Quit(_) | What::Died(_) | What::CheckFailed(_) => "fault",
        What::Began | What::Unlocked | What::Left | What::Exited | What::Note(_) => "step",
    }
}

/// Who is made to stop before this row.
fn arrow(steps: &[Step], row: Row) -> Option<Wid> {
    if matches!(row, Row::Rest(_)) { None } else { steps[row.first()].preempts }
}

/// As much of a text as finds room in letters that are all as wide.
fn shortened(text: &str, width: i32) -> String {
    let most = (width / 7).max(4) as usize;
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most - 3).collect::<String>() + "..."
}
