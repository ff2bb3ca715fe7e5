//! The timeline: a history as text, at most 80 columns wide.

mod fold;
mod words;

use std::collections::BTreeSet;
use std::fmt::Write;

use self::fold::{Row, fold};
use self::words::{long, medium, short};
use super::interleaving::interleaving;
use super::moves::{Move, telling};
use crate::case::Case;
use crate::check::{Failure, Reason};
use crate::history::History;
use crate::schedule::Wid;

const COLUMNS: usize = 80;
/// A lane is this wide where there is room.
const LANE: usize = 22;

/// The history in lines: the tick, what was done (one lane a worker, as long as the lanes find room,
/// else a list), and what the file then holds. Moves that have no part in the failure are folded
/// where there are too many, and so is what comes long after it. Of a run with choices each step is told.
pub fn timeline(case: &Case, history: &History, failure: Option<&Failure>) -> String {
    if case.choices.is_some() {
        return interleaving(case, history, failure);
    }
    let moves = telling(case, history, failure);
    let rows = fold(&moves, failure);
    let wide = "the file then holds";
    let narrow = "file holds";
    let mut text = lanes(&rows, long, wide)
        .or_else(|| lanes(&rows, long, narrow))
        .or_else(|| lanes(&rows, medium, narrow))
        .or_else(|| lanes(&rows, short, narrow))
        .or_else(|| list(&rows, long, wide))
        .or_else(|| list(&rows, short, narrow))
        .expect("short words fit");
    for &missing in &history.missing {
        let _ = writeln!(text, "{}", Reason::Missing(missing));
    }
    text
}

/// Who wrote last.
fn file(m: &Move) -> String {
    m.file.map_or("nothing yet".to_owned(), |writer| format!("worker {writer}"))
}

/// One lane a worker, for the workers that are shown; `None` if they find no room.
fn lanes(rows: &[Row], words: fn(&Move) -> String, title: &str) -> Option<String> {
    let workers: BTreeSet<Wid> = shown(rows).map(|m| m.worker).collect();
    let mut lanes: Vec<(Wid, usize)> = Vec::new();
    for &worker in &workers {
        let widths = shown(rows).filter(|m| m.worker == worker).map(|m| words(m).len());
        lanes.push((worker, widths.max().unwrap_or(0).max(format!("worker {worker}").len())));
    }
    let last = shown(rows).map(|m| file(m).len()).max().unwrap_or(0).max(title.len());
    let used: usize = 6 + lanes.iter().map(|lane| lane.1 + 2).sum::<usize>() + last;
    let spare = COLUMNS.checked_sub(used)? / lanes.len().max(1);
    lanes.iter_mut().for_each(|(_, width)| *width = (*width).max(LANE.min(*width + spare)));

    let cells = |text: &dyn Fn(Wid) -> String| {
        let cell = |&(worker, width): &(Wid, usize)| format!("{:width$}  ", text(worker));
        lanes.iter().map(cell).collect::<String>()
    };
    let head = format!("{}{title}", cells(&|worker| format!("worker {worker}")));
    let line = |m: &Move| {
        let done = |worker| if worker == m.worker { words(m) } else { String::new() };
        format!("{}{}", cells(&done), file(m))
    };
    Some(table(&head, rows, line))
}

/// One move a line, for more workers than lanes find room; `None` if that is too wide as well.
fn list(rows: &[Row], words: fn(&Move) -> String, title: &str) -> Option<String> {
    let width = shown(rows).map(|m| words(m).len()).max().unwrap_or(0);
    let last = shown(rows).map(|m| file(m).len()).max().unwrap_or(0).max(title.len());
    let spare = COLUMNS.checked_sub(6 + 8 + width + 2 + last)?;
    let width = width.max(37.min(width + spare));
    let line = |m: &Move| format!("{:>6}  {:width$}  {}", m.worker, words(m), file(m));
    Some(table(&format!("worker  {:width$}  {title}", "what"), rows, line))
}

fn shown<'a>(rows: &'a [Row]) -> impl Iterator<Item = &'a Move> {
    rows.iter().filter_map(|row| if let Row::Move(m) = row { Some(*m) } else { None })
}

/// The lines, each tick named where it begins.
fn table(head: &str, rows: &[Row], line: impl Fn(&Move) -> String) -> String {
    let mut text = format!("tick  {head}\n");
    let mut tick = None;
    for row in rows {
        let written = match row {
            Row::Move(m) => {
                let new = tick.replace(m.tick) != Some(m.tick);
                let tick = if new { m.tick.to_string() } else { String::new() };
                format!("{tick:>4}  {}", line(m))
            }
            Row::Folded { moves, more } => {
                tick = None;
                format!("      ... {moves} {more}moves")
            }
        };
        let _ = writeln!(text, "{}", written.trim_end());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::moves::short as brief;
    use super::fold::MOVES;
    use super::*;
    use crate::case::Scope;
    use crate::check::Law;
    use crate::history::{Absence, Missing, Seen};
    use crate::schedule::Command;

    /// What is printed, after a look at what holds for all of them.
    fn lines(case: &Case, history: &History, failure: Option<&Failure>) -> String {
        let text = timeline(case, history, failure);
        for line in text.lines() {
            assert!(line.len() <= COLUMNS && line.trim_end() == line && line.is_ascii(), "{line:?}");
        }
        text
    }

    #[test]
    fn two_workers_and_no_exclusion() {
        let (case, history, failure) = brief::crossed();
        let expected = "\
tick  worker 1                worker 2                the file then holds
   0  lock: got it; write                             worker 1
   1                          lock: got it; write     worker 2
   2  read: worker 2  WRONG                           worker 2
   3                          read: worker 2  ok      worker 2
";
        assert_eq!(lines(&case, &history, Some(&failure)), expected);
    }

    #[test]
    fn who_waits_gets_it_at_last() {
        let history = brief::history("0 1w LW, 1 2w B, 2 1r 1, 3 1x UX, 1 2w LW, 3 2r 2, 4 2x UX");
        let expected = "\
tick  worker 1               worker 2                     the file then holds
   0  lock: got it; write                                 worker 1
   1                         lock: waits                  worker 1
   2  read: worker 1  ok                                  worker 1
   3  exit: unlock                                        worker 1
                             lock: got it at last; write  worker 2
                             read: worker 2  ok           worker 2
";
        assert_eq!(lines(&brief::case("flock", 2, Scope::Session), &history, None), expected);
    }

    #[test]
    fn three_workers_get_narrower_lanes() {
        let history = brief::history("0 1w LW, 1 2w B, 2 1r 1U, 2 2w LW, 2 3w B, 3 3w G, 3 2r ?U");
        let failure = brief::failure(
            Law::ReadBack { saw: Seen::Torn { bytes: 17 }, wrote: 1 },
            &history,
            history.events.len() - 2,
        );
        let expected = "\
tick  worker 1                worker 2               worker 3       file holds
   0  lock; write                                                   worker 1
   1                          waits                                 worker 1
   2  read 1  ok; unlock                                            worker 1
                              lock; write                           worker 2
                                                     waits          worker 2
   3                                                 gave up        worker 2
                              read torn  WRONG                      worker 2
";
        let case = brief::case("flock", 3, Scope::Transaction);
        assert_eq!(lines(&case, &history, Some(&failure)), expected);
    }

    #[test]
    fn a_lock_that_excludes_too_little_or_too_much_is_marked_where_it_does() {
        let (case, history, _) = brief::crossed();
        let less = brief::failure(Law::ExcludesLess { holder: 1 }, &history, 3);
        let text = lines(&case, &history, Some(&less));
        assert!(text.contains("lock: got it  WRONG; write  worker 2\n"), "{text}");

        let history = brief::history("0 1w LWU, 1 2w B");
        let more = brief::failure(Law::ExcludesMore, &history, 3);
        let text = lines(&case, &history, Some(&more));
        assert!(text.contains("lock: waits  WRONG"), "{text}");
        assert!(text.contains("write; unlock"), "{text}");
    }

    /// Sixteen workers write, then all read what they wrote, but for worker 12, who sees worker 9.
    fn crowd() -> (Case, History) {
        let seen = "123456789ab9defg";
        let writes: String = (1..=16).map(|w| format!("{} {w}w LW, ", w - 1)).collect();
        let reads: String = (1..=16).zip(seen.chars()).map(|(w, saw)| format!("16 {w}r {saw}, ")).collect();
        (brief::case("flag", 16, Scope::Session), brief::history(&format!("{writes}{reads}17 1x UX")))
    }

    #[test]
    fn a_crowd_keeps_what_matters() {
        let (case, mut history) = crowd();
        let law = Law::ReadBack { saw: Seen::Worker(9), wrote: 11 };
        let failure = brief::failure(law, &history, 32 + 11);
        history.missing.push(Missing { worker: 3, command: Command::Exit, why: Absence::Died });
        let expected = "\
tick  worker  what                                   the file then holds
      ... 8 moves
   8       9  lock: got it; write                    worker 9
      ... 2 moves
  11      12  lock: got it; write                    worker 12
      ... 15 moves
  16      12  read: worker 9  WRONG                  worker 16
          13  read: worker 13  ok                    worker 16
          14  read: worker 14  ok                    worker 16
          15  read: worker 15  ok                    worker 16
          16  read: worker 16  ok                    worker 16
worker 3 is gone (its process ended); it was told: exit
";
        assert_eq!(lines(&case, &history, Some(&failure)), expected);
    }

    #[test]
    fn more_workers_than_lanes_make_a_list() {
        let (case, history) = crowd();
        let failure = brief::failure(Law::ExcludesLess { holder: 1 }, &history, 9);
        let expected = "\
tick  worker  what                                   the file then holds
   0       1  lock: got it; write                    worker 1
   1       2  lock: got it; write                    worker 2
   2       3  lock: got it; write                    worker 3
   3       4  lock: got it; write                    worker 4
   4       5  lock: got it  WRONG; write             worker 5
   5       6  lock: got it; write                    worker 6
   6       7  lock: got it; write                    worker 7
   7       8  lock: got it; write                    worker 8
      ... 24 more moves
";
        assert_eq!(lines(&case, &history, Some(&failure)), expected);
    }

    #[test]
    fn without_a_failure_the_beginning_is_shown() {
        let (case, history) = crowd();
        let text = lines(&case, &history, None);
        assert!(text.ends_with("      ... 12 more moves\n"), "{text}");
        assert_eq!(text.lines().count(), 2 + MOVES);
    }

    #[test]
    fn no_history_is_a_head_without_lines() {
        let case = brief::case("flag", 2, Scope::Session);
        assert_eq!(lines(&case, &History::default(), None), "tick  the file then holds\n");
    }
}
