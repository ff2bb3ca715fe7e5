//! The result as JSON, format `lockfuzz/campaign/1`; `doc/formats.md` has the schema.

use std::path::Path;

use serde::Serialize;

use crate::campaign::{Campaign, Report, RowReport};
use crate::json::readable;

#[derive(Serialize)]
struct Document<'a> {
    format: &'static str,
    seed: u64,
    engine: &'static str,
    verdict: &'static str,
    rows: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    lock: &'static str,
    placement: &'static str,
    order: &'static str,
    faults: &'static str,
    expected: &'static str,
    found: &'static str,
    verdict: &'static str,
    cases: u64,
    seconds: f64,
    counterexample: Option<&'a Path>,
}

impl<'a> From<&'a RowReport> for Row<'a> {
    fn from(report: &'a RowReport) -> Self {
        Row {
            lock: report.row.lock.name,
            placement: report.row.placement.name(),
            order: report.row.order.name(),
            faults: report.row.faults.name(),
            expected: report.expected.name(),
            found: report.found.name(),
            verdict: report.verdict.name(),
            cases: report.evidence.cases,
            seconds: (report.spent.as_secs_f64() * 1e6).round() / 1e6,
            counterexample: report.counterexample.as_ref().and_then(|found| found.path.as_deref()),
        }
    }
}

/// The document, with a newline at its end.
///
/// # Errors
/// When a path cannot be written as JSON (it is not UTF-8).
pub fn document(campaign: &Campaign, report: &Report, verdict: &'static str) -> serde_json::Result<String> {
    let rows = report.rows.iter().map(Row::from).collect();
    let (seed, engine) = (campaign.seed, campaign.engine.name());
    let document = Document { format: "lockfuzz/campaign/1", seed, engine, verdict, rows };
    readable(&document)
}
