//! The plot: a history as a picture.

mod axis;
mod interleaved;
mod marks;
mod sheet;

use self::axis::{Axis, LEFT, MARGIN};
use self::marks::{LEGEND, MARK, Sample, draw, mark};
use self::sheet::{Sheet, wrapped};
use super::moves::{Move, all, write_seen};
use crate::campaign::Cause;
use crate::case::Case;
use crate::check::{Failure, Law, Reason};
use crate::history::{History, What};
use crate::schedule::Wid;

const LANE: i32 = 34;
/// Half the height of the bar of a lock that is held.
const BAR: i32 = 12;
/// Room for one entry of the legend.
const LEGEND_COLUMN: i32 = 212;

/// The history as SVG: one lane a worker, one column a move, nothing drawn to scale.
///
/// A square is a write, a circle a read, and the number in it is the worker whose name was written
/// or seen. Bars are locks held, and where two are held at once they have another colour. The read
/// that failed points at the write that it saw. Self-contained, for light and for dark pages.
///
/// A run with choices is drawn step by step: [the steps that decide](Cause) have a ring.
pub fn svg(case: &Case, history: &History, failure: Option<&Failure>, why: Option<Cause>) -> String {
    if case.choices.is_some() {
        return interleaved::svg(case, history, failure, why);
    }
    let mut moves = all(case, history, failure);
    moves.retain(|m| m.tells_something() || m.did(What::Unlocked));
    let missing = history.missing.iter().map(|&missing| Reason::Missing(missing).to_string());
    Plot::new(case, &moves, failure).draw(missing.collect())
}

struct Plot<'a> {
    case: &'a Case,
    moves: &'a [Move],
    failure: Option<&'a Failure>,
    axis: Axis,
    sheet: Sheet,
}

/// From one move to another, both included.
struct Span {
    worker: Wid,
    from: usize,
    to: usize,
}

impl<'a> Plot<'a> {
    fn new(case: &'a Case, moves: &'a [Move], failure: Option<&'a Failure>) -> Self {
        Plot { case, moves, failure, axis: Axis::new(case, moves), sheet: Sheet::default() }
    }

    fn draw(mut self, missing: Vec<String>) -> String {
        let mut y = MARGIN;
        let title = title(self.case, self.failure);
        for line in wrapped(&title, 16, self.axis.width - 2 * MARGIN) {
            y += 22;
            self.sheet.text("head", (MARGIN, y), &line);
        }
        for cause in self.failure.map(Failure::to_string).into_iter().chain(missing) {
            for line in wrapped(&cause, 12, self.axis.width - 2 * MARGIN) {
                y += 18;
                self.sheet.text("muted", (MARGIN, y), &line);
            }
        }
        let top = y + 52;
        let bottom = top + LANE * self.case.workers as i32;
        self.lanes(top, bottom);
        self.bars(top);
        self.file(bottom);
        self.marks(top);
        self.arrow(top);
        let end = self.legend(bottom + 54);
        self.sheet.finish((self.axis.width, end + MARGIN), &title, include_str!("plot.css"))
    }

    /// The middle of a worker's lane.
    fn lane(top: i32, worker: Wid) -> i32 {
        top + LANE * worker as i32 - LANE / 2
    }

    fn lanes(&mut self, top: i32, bottom: i32) {
        for worker in 1..=self.case.workers {
            let y = Self::lane(top, worker);
            let blamed = self.failure.is_some_and(|failure| failure.worker == worker);
            self.sheet.rect("lane", (LEFT, y - LANE / 2 + 1), (self.axis.width - LEFT - MARGIN, LANE - 2), 3);
            let class = if blamed { "name blamed" } else { "name" };
            self.sheet.text(class, (LEFT - 8, y + 4), &format!("worker {worker}"));
        }
        self.sheet.text("muted name", (LEFT - 8, top - 22), "tick");
        self.sheet.text("muted name", (LEFT - 8, top - 7), "time");
        for (x, tick, time) in &self.axis.ticks {
            self.sheet.line("tick", (*x, top - 34), (*x, bottom + 28));
            self.sheet.text("muted", (x + 5, top - 22), tick);
            self.sheet.text("muted", (x + 5, top - 7), time);
        }
    }

    fn bars(&mut self, top: i32) {
        for Span { worker, from, to } in self.spans(What::Blocked, &[What::Locked, What::GaveUp]) {
            let y = Self::lane(top, worker);
            let end =
                if to < self.moves.len() { self.axis.columns[to].0 } else { self.axis.columns[to - 1].1 };
            self.sheet.line("waits", (self.axis.columns[from].0 + 3, y), (end, y));
        }
        let held = self.spans(What::Locked, &[What::Unlocked]);
        let mut holders = vec![0; self.moves.len() + 1];
        for span in &held {
            (span.from..=span.to).for_each(|nth| holders[nth] += 1);
        }
        for Span { worker, from, to } in held {
            let y = Self::lane(top, worker) - BAR;
            let to = to.min(self.moves.len() - 1);
            let mut nth = from;
            while nth <= to {
                let alone = holders[nth] == 1;
                let run = (nth..=to).take_while(|&n| (holders[n] == 1) == alone).count();
                let left = if nth == from { self.axis.columns[nth].0 + 2 } else { self.axis.columns[nth].0 };
                nth += run;
                let right = if nth > to { self.axis.columns[to].1 - 2 } else { self.axis.columns[nth].0 };
                self.sheet.rect(if alone { "held" } else { "shared" }, (left, y), (right - left, 2 * BAR), 0);
            }
        }
    }

    /// From each `begin` of a worker to its next `end`, or to the end of the history.
    fn spans(&self, begin: What, ends: &[What]) -> Vec<Span> {
        let mut spans = Vec::new();
        let mut open: Vec<Option<usize>> = vec![None; self.case.workers as usize + 1];
        for (nth, m) in self.moves.iter().enumerate() {
            for (what, _) in &m.events {
                let open = &mut open[m.worker as usize];
                if *what == begin {
                    // Trying again goes on waiting.
                    open.get_or_insert(nth);
                } else if ends.contains(what) {
                    spans.extend(open.take().map(|from| Span { worker: m.worker, from, to: nth }));
                }
            }
        }
        let to = self.moves.len();
        let rest = (0..).zip(&open).filter_map(|(worker, open)| Some(Span { worker, from: (*open)?, to }));
        spans.extend(rest);
        spans
    }

    /// What the file holds, from write to write.
    fn file(&mut self, y: i32) {
        self.sheet.text("muted name", (LEFT - 8, y + 20), "file holds");
        let writes: Vec<usize> = (0..self.moves.len()).filter(|&n| self.moves[n].did(What::Wrote)).collect();
        for (nth, &write) in writes.iter().enumerate() {
            let left = self.axis.middle(write);
            let end = self.axis.columns.last().map_or(left, |column| column.1);
            let right = writes.get(nth + 1).map_or(end, |&next| self.axis.middle(next));
            self.sheet.rect("file", (left, y + 6), (right - left, 20), 2);
            let writer = self.moves[write].worker.to_string();
            self.sheet.text("mark muted", ((left + right) / 2, y + 20), &writer);
        }
    }

    fn marks(&mut self, top: i32) {
        for (nth, m) in self.moves.iter().enumerate() {
            let Some((shape, text)) = mark(m) else { continue };
            let at = (self.axis.middle(nth), Self::lane(top, m.worker));
            draw(&mut self.sheet, shape, at, &text, m.is_wrong());
            if m.fails {
                self.sheet.circle("ring", at, MARK + 5);
            }
        }
    }

    /// From the failure to the write that was seen, or to the lock that was held.
    fn arrow(&mut self, top: i32) {
        let (Some(failure), Some(fails)) = (self.failure, self.moves.iter().position(|m| m.fails)) else {
            return;
        };
        let from = (self.axis.middle(fails), Self::lane(top, failure.worker));
        let (to, gap) = match failure.law {
            // To the bar itself: there is no mark in the way.
            Law::ExcludesLess { holder } => ((from.0, Self::lane(top, holder)), 0),
            _ => match write_seen(self.moves, fails) {
                Some(write) => {
                    ((self.axis.middle(write), Self::lane(top, self.moves[write].worker)), MARK + 3)
                }
                None => return,
            },
        };
        self.sheet.arrow("arrow", from, to, [MARK + 5, gap]);
    }

    /// Explains what is in the picture, and returns where it ends.
    fn legend(&mut self, top: i32) -> i32 {
        let across = (self.axis.width - 2 * MARGIN) / LEGEND_COLUMN;
        let shown: Vec<&(Sample, &str)> = LEGEND.iter().filter(|(sample, _)| self.shows(sample)).collect();
        let (mut column, mut y) = (0, top);
        for (sample, words) in shown {
            if column == across {
                (column, y) = (0, y + 26);
            }
            let x = MARGIN + column * LEGEND_COLUMN;
            sample.draw(&mut self.sheet, (x + 13, y));
            self.sheet.text("legend", (x + 34, y + 4), words);
            column += 1;
        }
        y + 14
    }

    fn shows(&self, sample: &Sample) -> bool {
        match *sample {
            Sample::Mark(shape, wrong) => self
                .moves
                .iter()
                .any(|m| mark(m).is_some_and(|(drawn, _)| drawn == shape) && m.is_wrong() == wrong),
            Sample::Drawn(class) => self.sheet.has(class),
        }
    }
}

/// What it is about, in a line.
fn title(case: &Case, failure: Option<&Failure>) -> String {
    let row = format!("{}, {}, {}", case.lock, case.placement.name(), case.scope.name());
    let Some(Failure { law, worker, .. }) = failure else { return row };
    let what = match law {
        Law::ReadBack { saw, .. } => format!("worker {worker} wrote and read back {saw}"),
        Law::LastWrite { saw } => format!("worker {worker} read {saw}, not the last write"),
        Law::ExcludesLess { holder } => format!("worker {worker} got the lock that worker {holder} held"),
        Law::ExcludesMore => format!("worker {worker} was kept out and should not be"),
        Law::LostWrite { saw, due } => format!("worker {worker} read {saw} and not {due}"),
        Law::TwoInside { holder } => format!("worker {worker} is inside together with worker {holder}"),
        Law::NotOwn { saw } => format!("worker {worker} wrote and read back {saw}"),
        Law::Stuck | Law::BadExit { .. } | Law::Died { .. } | Law::CheckFailed { .. } | Law::NobodyWrote => {
            law.name().to_owned()
        }
        Law::Disobeyed => format!("worker {worker} did not do what it was told"),
    };
    format!("{row}: {what}")
}

#[cfg(test)]
mod tests {
    use super::super::moves::short;
    use super::*;
    use crate::case::Scope;

    fn count(svg: &str, what: &str) -> usize {
        svg.matches(what).count()
    }

    /// Every tag that is opened is closed, in order, and no `<`, `>` or `"` stands elsewhere.
    fn assert_well_formed(svg: &str) {
        let mut open = Vec::new();
        for part in svg.split('<').skip(1) {
            let (tag, text) = part.split_once('>').expect("a tag ends");
            assert!(!text.contains(['>', '"']), "{text}");
            assert_eq!(count(tag, "\"") % 2, 0, "{tag}");
            let name = tag.trim_start_matches('/').split([' ', '/']).next();
            match (tag.starts_with('/'), tag.ends_with('/')) {
                (true, _) => assert_eq!(open.pop(), Some(name), "{tag}"),
                (_, true) => {}
                _ => open.push(name),
            }
        }
        assert_eq!(open, []);
    }

    #[test]
    fn one_lane_a_worker_and_one_wrong_read_that_points_at_what_it_saw() {
        let (case, history, failure) = short::crossed();
        let picture = svg(&case, &history, Some(&failure), None);
        assert_well_formed(&picture);
        assert_eq!(count(&picture, r#"class="lane""#), 2);
        assert_eq!(count(&picture, r#"class="ring""#), 1);
        assert_eq!(count(&picture, r#"<circle class="wrong""#), 2, "the read and the legend");
        assert_eq!(count(&picture, r#"class="arrow""#), 2);
        assert!(picture.contains("flag, threads, session: worker 1 wrote and read back worker 2"));
        assert!(picture.contains("worker 1 wrote at tick 0 and must read that back at tick 2"));
        assert_eq!(picture, svg(&case, &history, Some(&failure), None));
    }

    #[test]
    fn a_run_without_fault_has_nothing_red() {
        let history = short::history("0 1w LW, 1 2w B, 2 1r 1, 3 1x UX, 1 2w LW, 3 2r 2, 4 2x UX");
        let picture = svg(&short::case("flock", 2, Scope::Session), &history, None, None);
        assert_well_formed(&picture);
        for absent in ["wrong", "ring", "arrow", "shared"] {
            assert_eq!(count(&picture, &format!(r#"class="{absent}""#)), 0, "{absent}");
        }
        assert_eq!(count(&picture, r#"class="waits""#), 2, "worker 2 and the legend");
        assert_eq!(count(&picture, r#"class="held""#), 3, "both and the legend");
    }

    #[test]
    fn a_name_cannot_break_the_picture() {
        let (mut case, history, failure) = short::crossed();
        case.lock = r#"<&">"#.into();
        let picture = svg(&case, &history, Some(&failure), None);
        assert_well_formed(&picture);
        assert_eq!(count(&picture, "&lt;&amp;&quot;&gt;"), 2, "in the title, and for who cannot see");
    }

    #[test]
    fn no_history_is_a_picture_too() {
        assert_well_formed(&svg(&short::case("flag", 64, Scope::Session), &History::default(), None, None));
    }

    #[test]
    fn an_interleaving_shows_who_is_inside_and_what_decides() {
        let (case, history, failure) = short::interleaved();
        let why = Cause::Order { first: 1, second: 5 };
        let picture = svg(&case, &history, Some(&failure), Some(why));
        assert_well_formed(&picture);
        let drawn = |class: &str| count(&picture, &format!(r#"class="{class}""#));
        assert_eq!((drawn("lane"), drawn("preempts")), (2, 3));
        assert_eq!(drawn("enters"), 3, "both and the legend");
        assert_eq!(drawn("twice"), 3, "both and the legend");
        assert_eq!((drawn("wrong"), drawn("arrow")), (2, 1), "the read and the legend");
        assert_eq!(drawn("decides"), 3, "two steps and the legend");
        assert!(picture.contains("exists-create, threads: two inside at once"));
        assert!(picture.contains("exists &quot;lock&quot;: no"));
        let whole = svg(&case, &history, None, None);
        assert!(!whole.contains(r#"class="wrong""#) && !whole.contains(r#"class="decides""#));
        // A cause that is not of this history does no harm.
        assert_well_formed(&svg(
            &case,
            &history,
            Some(&failure),
            Some(Cause::Order { first: 70, second: 99 }),
        ));
        assert_well_formed(&svg(&case, &History::default(), None, None));
    }
}
