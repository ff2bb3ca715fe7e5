//! Where in a plot each move stands, and when that was.

use super::super::moves::Move;
use super::marks::mark;
use super::sheet::room;
use crate::case::Case;
use crate::schedule::Time;

/// Where the lanes begin; the names of the workers stand before.
pub(super) const LEFT: i32 = 92;
pub(super) const MARGIN: i32 = 16;
/// A column is this wide if there is a mark in it, and this if there is none.
const COLUMN: [i32; 2] = [30, 16];
/// A picture is at least this wide, so that the words above it find room.
const NARROWEST: i32 = 680;

/// One column a move, so that no two marks meet.
pub(super) struct Axis {
    /// Where each move begins and ends.
    pub columns: Vec<(i32, i32)>,
    /// Where each tick begins, its number, and its time.
    pub ticks: Vec<(i32, String, String)>,
    /// How wide the whole picture is.
    pub width: i32,
}

impl Axis {
    pub fn new(case: &Case, moves: &[Move]) -> Axis {
        let mut axis = Axis::with_columns_wider_by(0, case, moves);
        // A short history is stretched to the width of the words above it.
        let spare = (NARROWEST - axis.width) / i32::try_from(moves.len().max(1)).unwrap_or(i32::MAX);
        if spare > 0 {
            axis = Axis::with_columns_wider_by(spare.min(COLUMN[0]), case, moves);
        }
        Axis { width: axis.width.max(NARROWEST), ..axis }
    }

    fn with_columns_wider_by(more: i32, case: &Case, moves: &[Move]) -> Axis {
        let times = case.plan().times;
        let unit = Unit::of(case.schedule.period());
        let mut columns = Vec::new();
        let mut ticks: Vec<(i32, String, String)> = Vec::new();
        let (mut x, mut free) = (LEFT + 8, 0);
        for (nth, m) in moves.iter().enumerate() {
            if nth == 0 || moves[nth - 1].tick != m.tick {
                // Not under the time of the tick before.
                x = x.max(free);
                let time = unit.print(times.get(m.tick).copied().unwrap_or_default());
                free = x + room(&time, 12) + 10;
                ticks.push((x, m.tick.to_string(), time));
                x += 2;
            }
            let width = if mark(m).is_some() { COLUMN[0] } else { COLUMN[1] } + more;
            columns.push((x, x + width));
            x += width;
        }
        Axis { columns, ticks, width: x.max(free) + MARGIN }
    }

    /// Where the mark of a move stands.
    pub fn middle(&self, nth: usize) -> i32 {
        (self.columns[nth].0 + self.columns[nth].1) / 2
    }
}

/// The unit of the times of a schedule.
#[derive(Clone, Copy)]
struct Unit {
    micros: u64,
    name: &'static str,
}

impl Unit {
    /// The one in which neighbouring ticks differ by a number that is easy to read.
    fn of(period: Time) -> Unit {
        match period.as_micros() {
            1..100 => Unit { micros: 1, name: "us" },
            100..100_000 => Unit { micros: 1_000, name: "ms" },
            _ => Unit { micros: 1_000_000, name: "s" },
        }
    }

    /// One decimal, or as many as the time needs.
    fn print(self, time: Time) -> String {
        let (whole, rest) = (time.as_micros() / self.micros, time.as_micros() % self.micros);
        if self.micros == 1 {
            return format!("{whole} {}", self.name);
        }
        let digits = self.micros.ilog10() as usize;
        let rest = format!("{rest:0digits$}");
        let rest = rest.trim_end_matches('0');
        format!("{whole}.{} {}", if rest.is_empty() { "0" } else { rest }, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_printed_in_the_unit_of_the_schedule() {
        let print = |period, time| Unit::of(Time::from_micros(period)).print(Time::from_micros(time));
        assert_eq!(print(2_000_000, 4_000_000), "4.0 s");
        assert_eq!(print(250_000, 750_000), "0.75 s");
        assert_eq!(print(500, 1_500), "1.5 ms");
        assert_eq!(print(500, 1_005), "1.005 ms");
        assert_eq!(print(10, 1_000), "1000 us");
    }
}
