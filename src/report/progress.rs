//! How far a campaign is, on standard error: a bar on a terminal, plain lines elsewhere.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::count;
use crate::campaign::{Observer, RowReport};
use crate::case::Faults;

/// Shows the progress of so many rows.
pub struct Progress {
    bar: Option<ProgressBar>,
    quiet: bool,
}

impl Progress {
    /// A bar if standard error is a terminal, else a line for each row; nothing at all if `quiet`.
    pub fn new(rows: usize, quiet: bool) -> Self {
        let bar = (!quiet && io::stderr().is_terminal()).then(|| {
            let bar =
                ProgressBar::with_draw_target(Some(rows as u64), ProgressDrawTarget::stderr_with_hz(10));
            let style = "{bar:24} {pos} of {len} rows, {msg}";
            bar.set_style(ProgressStyle::with_template(style).expect("a template of our own"));
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        });
        Progress { bar, quiet }
    }

    /// Takes the bar away.
    pub fn done(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Shows how many schedules of a program have run; on a terminal alone.
pub struct Schedules(Option<ProgressBar>);

impl Schedules {
    /// Of at most so many.
    pub fn new(most: u64, quiet: bool) -> Self {
        Schedules((!quiet && io::stderr().is_terminal()).then(|| {
            let bar = ProgressBar::with_draw_target(Some(most), ProgressDrawTarget::stderr_with_hz(10));
            let style = "{bar:24} {pos} of {len} schedules, {per_sec}";
            bar.set_style(ProgressStyle::with_template(style).expect("a template of our own"));
            bar
        }))
    }

    /// So many have run.
    pub fn done(&self, schedules: u64) {
        if let Some(bar) = &self.0 {
            bar.set_position(schedules);
        }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

/// Cases so far, and their rate.
pub struct Counted<'a> {
    progress: &'a Progress,
    cases: std::sync::atomic::AtomicU64,
}

impl<'a> Counted<'a> {
    /// Counts the cases of one campaign.
    pub fn new(progress: &'a Progress) -> Self {
        Counted { progress, cases: 0.into() }
    }
}

impl Observer for Counted<'_> {
    fn case_done(&self) {
        let cases = self.cases.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
        // Drawing costs more than a case; every sixteenth is often enough to look alive.
        if let Some(bar) = self.progress.bar.as_ref().filter(|_| cases.is_multiple_of(16) || cases < 64) {
            let rate = cases as f64 / bar.elapsed().as_secs_f64().max(0.001);
            bar.set_message(format!("{} cases, {} cases/s", count(cases), count(rate as u64)));
        }
    }

    fn row_done(&self, row: &RowReport) {
        match &self.progress.bar {
            Some(bar) => bar.inc(1),
            None if self.progress.quiet => {}
            None => {
                let (lock, placement) = (row.row.lock.name, row.row.placement.name());
                let (order, found) = (row.row.order.name().replace('-', " "), row.found.name());
                let cases = count(row.evidence.cases);
                let plural = if row.evidence.cases == 1 { "case" } else { "cases" };
                let faults = match row.row.faults {
                    Faults::NONE => String::new(),
                    faults => format!(", {}", faults.name()),
                };
                let _ = writeln!(
                    io::stderr(),
                    "{lock}, {placement}, {order}{faults}: {found} ({cases} {plural})"
                );
            }
        }
    }
}
