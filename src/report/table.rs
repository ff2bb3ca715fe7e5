//! The tables of a campaign: the experiment's rows by order, then the locks that are interleaved.

use std::fmt::Write;

use super::count;
use super::terminal::{Manner, RED, YELLOW};
use crate::campaign::{Campaign, Found, Report, Row, RowReport};
use crate::case::Placement;
use crate::check::Verdict;
use crate::schedule::Order;

/// One line for each lock and placement.
pub(super) fn tables(campaign: &Campaign, report: &Report, manner: Manner) -> String {
    let mut text = String::new();
    if campaign.rows.iter().any(|row| !row.is_interleaved()) {
        text += &by_order(campaign, report, manner);
    }
    if campaign.rows.iter().any(Row::is_interleaved) {
        if !text.is_empty() {
            text.push('\n');
        }
        text += &interleaved(campaign, report, manner);
    }
    text
}

/// What was found in a row, or in several of one lock and placement: what is not as expected first.
fn found(rows: &[&RowReport], manner: Manner) -> String {
    let odd = rows.iter().find(|row| !matches!(row.verdict, Verdict::Pass(_)));
    let shown = odd.or(rows.first()).map_or(Found::Inconclusive, |row| row.found);
    let text = format!("{:<12}", shown.name());
    match odd.map(|row| &row.verdict) {
        None => text,
        Some(Verdict::Fail(_)) => manner.paint(RED, &text),
        Some(_) => manner.paint(YELLOW, &text),
    }
}

/// The experiment: commands that nobody interrupts, under three orders.
fn by_order(campaign: &Campaign, report: &Report, manner: Manner) -> String {
    let rows: Vec<&Row> = campaign.rows.iter().filter(|row| !row.is_interleaved()).collect();
    let mut orders: Vec<Order> = rows.iter().map(|row| row.order).collect();
    orders.sort();
    orders.dedup();
    let mut text = format!("{:>1$}\n", "cases tried, by order", 44 + 12 * orders.len());
    let _ = write!(text, "{:<11}{:<11}{:<10}{:<12}", "lock", "placement", "expected", "found");
    for order in &orders {
        let _ = write!(text, "{:>12}", order.name().replace('-', " "));
    }
    text.push('\n');
    let mut shown: Vec<(&str, Placement)> = Vec::new();
    for row in rows {
        let key = (row.lock.name, row.placement);
        if shown.contains(&key) {
            continue;
        }
        shown.push(key);
        let of_key = |r: &&RowReport| (r.row.lock.name, r.row.placement) == key && !r.row.is_interleaved();
        let rows: Vec<&RowReport> = report.rows.iter().filter(of_key).collect();
        let Some(first) = rows.first() else { continue };
        let _ = write!(text, "{:<11}{:<11}{:<10}", key.0, key.1.name(), first.expected.name());
        text += &found(&rows, manner);
        for order in &orders {
            let tried = rows.iter().find(|row| row.row.order == *order);
            let cell = tried.map_or("-".to_owned(), |row| count(row.evidence.cases));
            let _ = write!(text, "{cell:>12}");
        }
        text.push('\n');
    }
    text
}

/// The locks that say where they can be interrupted: how many interleavings were tried, and how few
/// workers and preemptions break them.
fn interleaved(campaign: &Campaign, report: &Report, manner: Manner) -> String {
    let mut text = format!("{:>79}\n", "interleavings tried, and what it takes");
    let _ = write!(text, "{:<19}{:<10}{:<7}{:<9}{:<12}", "lock", "placement", "faults", "expected", "found");
    let _ = writeln!(text, "{:>6}{:>8}{:>8}", "tried", "workers", "preempt");
    for row in campaign.rows.iter().filter(|row| row.is_interleaved()) {
        let key = |row: &Row| (row.lock.name, row.placement, row.faults);
        let Some(seen) = report.rows.iter().find(|r| key(&r.row) == key(row)) else { continue };
        let (name, placement, faults) = (row.lock.name, row.placement.name(), row.faults.name());
        let _ = write!(text, "{name:<19}{placement:<10}{faults:<7}{:<9}", seen.expected.name());
        text += &found(&[seen], manner);
        let (workers, preemptions) = match &seen.counterexample {
            Some(found) => (found.case.workers, found.history.preemptions().to_string()),
            None => (row.workers(), String::new()),
        };
        let line = format!("{:>6}{workers:>8}{preemptions:>8}", count(seen.evidence.cases));
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}
