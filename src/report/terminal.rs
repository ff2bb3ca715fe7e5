//! The report on a terminal: a table, and one block for each counterexample worth seeing.

use std::fmt::Write;
use std::path::Path;

use anstyle::{AnsiColor, Style};

use super::table::tables;
use super::timeline::timeline;
use super::{count, wrapped};
use crate::campaign::{Campaign, Counterexample, Found, Report, RowReport};
use crate::case::Case;
use crate::check::{Reason, Verdict};
use crate::engine::Kind;
use crate::interleave::Search;
use crate::schedule::Order;

/// How a report is written.
#[derive(Clone, Copy, Debug, Default)]
pub struct Manner {
    /// With colour.
    pub colour: bool,
    /// A block for every row that has a counterexample.
    pub all: bool,
    /// Only what is not as expected.
    pub quiet: bool,
}

pub(super) const RED: Style = AnsiColor::Red.on_default().bold();
const GREEN: Style = AnsiColor::Green.on_default().bold();
pub(super) const YELLOW: Style = AnsiColor::Yellow.on_default().bold();

impl Manner {
    pub(super) fn paint(self, style: Style, text: &str) -> String {
        if self.colour { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}

/// What is about to be done, and where: the first line of every run.
pub fn header(campaign: &Campaign, place: &str) -> String {
    let cases = campaign.budget.cases.map(|cases| match cases {
        1 => "one case a row".to_owned(),
        cases => format!("up to {} cases a row", count(cases)),
    });
    let time = campaign.budget.time.map(|time| format!("for {} s", time.as_secs_f64()));
    let limits: Vec<String> = cases.into_iter().chain(time).collect();
    let limit = if limits.is_empty() { "until interrupted".to_owned() } else { limits.join(", ") };
    let period = match (campaign.engine, campaign.period) {
        (Kind::Realtime, Some(period)) => format!(", period {period} s"),
        _ => String::new(),
    };
    let search = match campaign.search {
        usual if usual == Search::default() => String::new(),
        search => format!(", {search}"),
    };
    let engine = campaign.engine.name();
    let seed = campaign.seed;
    wrapped("", 0, &format!("{engine} engine, {limit}{period}{search}, seed {seed}, files in {place}"))
}

/// The whole report.
pub fn report(campaign: &Campaign, report: &Report, manner: Manner) -> String {
    let mut text = String::new();
    if !manner.quiet {
        text += &tables(campaign, report, manner);
        text.push('\n');
    }
    text += &conclusion(campaign, report, manner);
    if manner.all {
        let mut shown: Vec<&Case> = Vec::new();
        for row in &report.rows {
            let Some(found) = row.counterexample.as_ref().filter(|c| !shown.contains(&&c.case)) else {
                continue;
            };
            shown.push(&found.case);
            text.push('\n');
            text += &block(campaign, report, row, manner);
        }
        return text;
    }
    for row in report.rows.iter().filter(|row| matches!(row.verdict, Verdict::Fail(_))) {
        text.push('\n');
        text += &block(campaign, report, row, manner);
    }
    if !manner.quiet
        && let Some(row) = most_telling(report)
    {
        text.push('\n');
        text += &block(campaign, report, row, manner);
    }
    text
}

/// One line that says how it went, and one for each row that cannot be told.
fn conclusion(campaign: &Campaign, report: &Report, manner: Manner) -> String {
    let expected = report.rows.iter().filter(|row| matches!(row.verdict, Verdict::Pass(_))).count();
    let took = report.took.as_secs_f64();
    let (rows, cases) = (campaign.rows.len(), count(report.cases()));
    let tally = format!("{expected} of {rows} rows as expected, {cases} cases, {took:.1} s");
    let verdict = report.verdict();
    let word = match &verdict {
        Verdict::Fail(_) => manner.paint(RED, "FAIL"),
        _ if report.interrupted || report.error.is_some() => manner.paint(YELLOW, "STOPPED"),
        Verdict::Pass(_) => manner.paint(GREEN, "PASS"),
        Verdict::Inconclusive { .. } => manner.paint(YELLOW, "INCONCLUSIVE"),
    };
    let mut text = format!("{word}  {tally}\n");
    for (reason, rows) in unclear(report) {
        let whose = match rows[..] {
            [row] => name(row),
            [first, last] => format!("{}; {}", name(first), name(last)),
            [first, ..] => format!("{} and {} more rows", name(first), rows.len() - 1),
            [] => continue,
        };
        text += &wrapped("", 6, &format!("{whose}: {reason}"));
    }
    if let Verdict::Inconclusive { reason: reason @ (Reason::NothingRan | Reason::NotBegun { .. }) } = verdict
    {
        text += &format!("      {reason}\n");
    }
    text
}

/// The rows that cannot be told, by reason.
fn unclear(report: &Report) -> Vec<(Reason, Vec<&RowReport>)> {
    let mut groups: Vec<(Reason, Vec<&RowReport>)> = Vec::new();
    for row in &report.rows {
        let Verdict::Inconclusive { reason } = row.verdict else { continue };
        match groups.iter_mut().find(|(other, _)| *other == reason) {
            Some((_, rows)) => rows.push(row),
            None => groups.push((reason, vec![row])),
        }
    }
    groups
}

/// The expected race that teaches most: one of a lock that does exclude somebody.
fn most_telling(report: &Report) -> Option<&RowReport> {
    use crate::lock::Claim;
    let races = report.rows.iter().filter(|row| matches!(row.verdict, Verdict::Pass(_)));
    let races = races.filter(|row| row.counterexample.is_some());
    races.min_by_key(|row| (row.row.lock.claim == Claim::Nobody, row.nth))
}

fn name(row: &RowReport) -> String {
    let order = row.row.order.name().replace('-', " ");
    format!("{}, {}, {order}", row.row.lock.name, row.row.placement.name())
}

/// The block of a counterexample that no campaign has found.
pub fn broken(row: &RowReport, how: &str, manner: Manner) -> String {
    let report = Report { rows: vec![row.clone()], ..Report::default() };
    block_found(&report, row, manner, how)
}

fn block(campaign: &Campaign, report: &Report, row: &RowReport, manner: Manner) -> String {
    let nth = row.counterexample.as_ref().map_or(0, |found| found.found_in_case);
    let of = campaign.budget.cases.map_or(String::new(), |cases| format!(" of {}", count(cases)));
    let how = format!("found in case {}{of} (seed {})", count(nth), campaign.seed);
    block_found(report, row, manner, &how)
}

/// FAIL line, how found, timeline, cause, saved, replay.
fn block_found(report: &Report, row: &RowReport, manner: Manner, how: &str) -> String {
    let Some(found) = &row.counterexample else { return String::new() };
    let (lock, placement) = (row.row.lock, row.row.placement.name());
    let same = same_case(report, row, found);
    let orders =
        match (same.iter().filter(|r| r.row.placement == row.row.placement).count(), found.case.order) {
            (3, _) => ", the same in all three orders".to_owned(),
            (_, Order::AsGenerated) => String::new(),
            (_, order) => format!(", {}", order.name().replace('-', " ")),
        };
    let size = match &found.case.choices {
        None => format!("{} commands{orders}", found.case.schedule.commands().count()),
        Some(_) => match found.history.preemptions() {
            1 => "1 preemption".to_owned(),
            preemptions => format!("{preemptions} preemptions"),
        },
    };
    let size = format!("{} workers, {size}", found.case.workers);
    let expected = matches!(row.verdict, Verdict::Pass(_));
    let mut text = String::new();
    if expected {
        let _ = writeln!(text, "{}, {placement}: race, as expected", lock.name);
        text += &wrapped("", 6, &format!("{} {}", lock.name, lock.promise));
        text += &wrapped("", 6, &format!("smallest case: {size}"));
    } else {
        let word = manner.paint(RED, "FAIL");
        let _ = writeln!(text, "{word}  {}, {placement}: {}", lock.name, found.failure.law.name());
        let (runs, again) = found.replays;
        let story = format!("{how}, shrunk to {size}, replayed {runs} times: {again} fail");
        text += &wrapped("", 6, &story);
        if row.found != Found::Inconclusive {
            text += &wrapped("", 6, &format!("{} promises: {}", lock.name, lock.promise));
        }
    }
    text.push('\n');
    let picture = timeline(&found.case, &found.history, Some(&found.failure));
    text += &picture.replace("WRONG", &manner.paint(RED, "WRONG"));
    text.push('\n');
    text += &wrapped(if expected { "law" } else { "cause" }, 8, &found.failure.to_string());
    if let Some(path) = &found.path {
        let others = if expected { others(report, path) } else { String::new() };
        // Both are there to be copied, so neither is broken, however long.
        let _ = write!(text, "saved   {}", path.display());
        let fits = path.display().to_string().chars().count() + others.chars().count() <= 72;
        text += if fits || others.is_empty() { "" } else { "\n       " };
        let _ = writeln!(text, "{others}\nreplay  lockfuzz replay {}", quoted(path));
    }
    text
}

/// The rows whose smallest case has this very schedule.
fn same_case<'a>(report: &'a Report, row: &RowReport, found: &Counterexample) -> Vec<&'a RowReport> {
    let same = |other: &&RowReport| {
        other.row.lock.name == row.row.lock.name
            && other.counterexample.as_ref().is_some_and(|c| c.case == found.case)
    };
    report.rows.iter().filter(same).collect()
}

/// The names of the other files that were saved.
fn others(report: &Report, shown: &Path) -> String {
    let mut names: Vec<String> = Vec::new();
    for path in report.rows.iter().filter_map(|row| row.counterexample.as_ref()?.path.as_deref()) {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if path != shown && !names.contains(&name) {
            names.push(name);
        }
    }
    match names.len() {
        0 => String::new(),
        1..=3 => format!("  (and {})", names.join(", ")),
        more => format!("  (and {more} more)"),
    }
}

/// As a shell takes it.
pub fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-+=:,@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}
