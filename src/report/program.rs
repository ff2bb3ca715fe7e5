//! What came of running a program that knows nothing of lockfuzz.

use std::fmt::Write;
use std::path::Path;

use quick_junit::{NonSuccessKind, Report as Xml, TestCase, TestCaseStatus, TestSuite};
use serde::Serialize;

use super::block::{Block, Story, quoted, size};
use super::needs::needs;
use super::timeline::timeline;
use super::{count, wrapped};
use crate::campaign::Counterexample;
use crate::case::{CallFault, Faults};
use crate::check::{Reason, Verdict};
use crate::history::{Absence, Missing, What};
use crate::job::Job;
use crate::json::readable;
use crate::run::{Plan, Report};

/// What is run: `python3 /home/me/worker.py: 3 workers, 12 points in all, seed 41`.
pub fn header(job: &Job, plan: &Plan, points: u64, place: &str) -> String {
    let mut text = String::new();
    for words in &job.commands {
        let _ = writeln!(text, "{}", Job::shown(words));
    }
    let faults = match plan.faults.names() {
        names if names.is_empty() => String::new(),
        names => format!(", faults {}", names.join(", ")),
    };
    let said = format!(
        "{} workers, {} points in all{faults}, seed {}, files in {place}",
        plan.workers,
        count(points),
        plan.seed
    );
    text + &wrapped("", 0, &said) + "\n"
}

/// How it ended: one line for a pass, the block for a failure.
pub fn report(job: &Job, plan: &Plan, report: &Report, colour: bool) -> String {
    let paint = |code: u32, text: &str| match colour {
        true => format!("\x1b[{code}m{text}\x1b[0m"),
        false => text.to_owned(),
    };
    let mut text = String::new();
    match (report.verdict(), &report.counterexample) {
        (Verdict::Fail(_), Some(found)) => {
            text += &block(job, report, found).painted(|word| paint(31, word));
        }
        (Verdict::Pass(_), _) => {
            text += &wrapped(&paint(32, "PASS"), 6, &evidence(plan, report));
        }
        (Verdict::Inconclusive { reason }, _) => {
            let what = if report.interrupted { "STOPPED" } else { "INCONCLUSIVE" };
            text += &format!("{}  {}", paint(33, what), wrapped("", 0, &because(job, reason)));
            text += &wrapped("", 6, &evidence(plan, report));
        }
        (Verdict::Fail(_), None) => unreachable!("a failure has a counterexample"),
    }
    if !report.facts.mapped.is_empty() {
        let files: Vec<_> = report.facts.mapped.iter().map(String::as_str).collect();
        text +=
            &wrapped("note", 6, &format!("{} is mapped: what is done there is not seen", files.join(", ")));
    }
    if let Some(said) = report.plain_starts(plan.workers) {
        text += &wrapped("note", 6, &said);
    }
    if report.facts.daemons {
        text += &wrapped("note", 6, "what the workers left running was killed when the last of them ended");
    }
    text
}

/// Why it cannot be told, in the words of one who knows of programs and not of commands.
fn because(job: &Job, reason: Reason) -> String {
    match reason {
        Reason::Missing(Missing { worker, why: Absence::Silent, .. }) => format!(
            "worker {worker} made no call for {:?}, or waits for somebody who is not a worker; it was killed",
            job.silence()
        ),
        _ => reason.to_string(),
    }
}

fn evidence(plan: &Plan, report: &Report) -> String {
    let mut tried = format!(
        "{} schedules, {} different, {} contended, {} inconclusive",
        count(report.schedules),
        count(report.different),
        count(report.contended),
        count(report.inconclusive)
    );
    let asked = plan.faults.names();
    let left: Vec<_> =
        Faults::OF_PROGRAMS.iter().map(|one| one.name()).filter(|name| !asked.contains(name)).collect();
    if !left.is_empty() {
        let _ = write!(tried, "; not tried: {}", left.join(", "));
    }
    let missed = |fault: &CallFault| plan.faults.count(*fault) > 0 && !report.facts.possible.contains(fault);
    let missed: Vec<_> = CallFault::ALL.into_iter().filter(missed).map(CallFault::name).collect();
    if !missed.is_empty() {
        let _ = write!(tried, "; at no call possible: {}", missed.join(", "));
    }
    tried
}

fn block(job: &Job, report: &Report, found: &Counterexample) -> Block {
    let faults = found.history.faults();
    let mut what = size(&found.case, &found.history);
    what += if faults.is_none() { " and no faults" } else { "" };
    let story = Story {
        how: format!("found in schedule {}", count(found.found_in_case)),
        size: what,
        replays: found.replays,
    };
    let mut paragraphs = vec![format!("{story} ({:.1} s in all)", report.took.as_secs_f64())];
    paragraphs.extend(needs(&found.case, &found.history, &found.failure));
    if !report.last_lines.is_empty() && said_by_worker(found) {
        let lines: Vec<_> = report.last_lines.iter().map(|line| super::steps::ascii(line.trim())).collect();
        paragraphs.push(format!("worker {} said: {}", found.failure.worker, lines.join(" / ")));
    }
    let name = job.name();
    let mut block = Block::of(&name, &found.case, &found.history, &found.failure, found.cause);
    block.what = found.failure.law.name().to_owned();
    block.story = paragraphs;
    if let Some(path) = &found.path {
        let path = quoted(path);
        block.replay = Some(format!("lockfuzz replay {path}"));
        block.saved = Some(path);
    }
    block
}

/// The last lines of a worker say something where it ended badly.
fn said_by_worker(found: &Counterexample) -> bool {
    matches!(found.history.events[found.failure.event].what, What::Quit(_) | What::Died(_))
}

#[derive(Serialize)]
struct Document<'a> {
    format: &'static str,
    command: Vec<&'a str>,
    workers: u32,
    schedules: u64,
    points: u64,
    verdict: &'static str,
    checker: Option<&'static str>,
    first_failure: Option<u64>,
    different: u64,
    contended: u64,
    inconclusive: u64,
    seed: u64,
    counterexample: Option<&'a Path>,
    rate: f64,
    plain_starts: Option<String>,
}

/// The result as JSON, format `lockfuzz/run/1`; `doc/formats.md` has the schema.
///
/// # Errors
/// When a path cannot be written as JSON (it is not UTF-8).
pub fn document(job: &Job, plan: &Plan, report: &Report) -> serde_json::Result<String> {
    let found = report.counterexample.as_ref();
    readable(&Document {
        format: "lockfuzz/run/1",
        command: job.commands.iter().flatten().map(String::as_str).collect(),
        workers: plan.workers,
        schedules: report.schedules,
        points: report.points,
        verdict: report.verdict().name(),
        checker: found.map(|found| found.failure.law.name()),
        first_failure: found.map(|found| found.found_in_case),
        different: report.different,
        contended: report.contended,
        inconclusive: report.inconclusive,
        seed: plan.seed,
        counterexample: found.and_then(|found| found.path.as_deref()),
        rate: (report.rate() * 10.0).round() / 10.0,
        plain_starts: report.plain_starts(plan.workers),
    })
}

/// The result as JUnit XML: one test case.
///
/// # Errors
/// When it cannot be put into words of XML.
pub fn junit(job: &Job, report: &Report) -> Result<String, quick_junit::SerializeError> {
    let status = match (report.verdict(), &report.counterexample) {
        (Verdict::Fail(failure), Some(found)) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_type(failure.law.name()).set_message(failure.to_string());
            status.set_description(timeline(&found.case, &found.history, Some(&failure)));
            status
        }
        (Verdict::Inconclusive { reason }, _) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            status.set_type("inconclusive").set_message(because(job, reason));
            status
        }
        _ => TestCaseStatus::success(),
    };
    let mut case = TestCase::new(job.name(), status);
    case.set_classname("lockfuzz.run").set_time(report.took);
    let mut suite = TestSuite::new("lockfuzz run");
    suite.set_time(report.took);
    suite.add_test_case(case);
    let mut xml = Xml::new("lockfuzz");
    xml.set_time(report.took);
    xml.add_test_suite(suite);
    xml.to_string()
}
