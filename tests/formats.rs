//! doc/formats.md tells the truth: its examples are read by the library's types and written back the
//! same, no word of an enum is left out, and a real campaign has the shape that the page describes.

mod support;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use lockfuzz::case::{Placement, Scope};
use lockfuzz::check::{Law, Reason, Verdict};
use lockfuzz::engine::{Engine, Kind, Stepped};
use lockfuzz::history::{Absence, Seen, What};
use lockfuzz::job::Job;
use lockfuzz::regression::Saved;
use lockfuzz::schedule::{Order, Schedule};
use lockfuzz::worker::{Launch, Staff};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use support::ROWS;

fn page() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("doc/formats.md")).unwrap()
}

/// The fenced block that is called so.
fn example(name: &str) -> String {
    let (page, fence) = (page(), format!("```{name}\n"));
    let rest = page.split(&fence).nth(1).unwrap_or_else(|| panic!("the page has no block {name}"));
    rest.split("```").next().unwrap().to_owned()
}

/// Reads an example, and makes sure that nothing is lost on the way.
fn read<T: DeserializeOwned + Serialize>(text: &str) -> T {
    let value: T = serde_json::from_str(text).unwrap_or_else(|why| panic!("{text}: {why}"));
    let before: Value = serde_json::from_str(text).unwrap();
    assert_eq!(serde_json::to_value(&value).unwrap(), before);
    value
}

fn read_lines<T: DeserializeOwned + Serialize>(name: &str) -> Vec<T> {
    example(name).lines().map(read).collect()
}

/// So many different ones: as many as the enum has.
fn kinds<T>(all: &[T], number: impl Fn(&T) -> u8) -> usize {
    all.iter().map(number).collect::<BTreeSet<u8>>().len()
}

#[test]
fn the_schedule() {
    let schedule: Schedule = read(&example("json schedule"));
    assert_eq!(schedule.to_string(), example("text"));
    assert_eq!(schedule.check(2), Ok(()));
}

#[test]
fn the_counterexample_is_one_and_is_seen_again() {
    let saved: Saved = read(&example("json counterexample"));
    let folder = tempfile::tempdir().unwrap();
    let staff = Staff::new(folder.path(), Launch::itself(&["worker"]));
    let history = Stepped::new(&staff).unwrap().run(&saved.case).unwrap();
    assert_eq!(history.events, saved.history);
}

#[test]
fn the_program_of_a_counterexample() {
    let job: Job = read(&example("json job"));
    // Every field is there, and has a row in the page's table.
    let page = page();
    let table = page.split("### job").nth(1).unwrap().split("### events").next().unwrap();
    let value = serde_json::to_value(job).unwrap();
    for field in value.as_object().unwrap().keys() {
        assert!(table.contains(&format!("\n| `{field}` |")), "{field}");
    }
}

/// The shape of what `lockfuzz run` came to, as the page has it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Run {
    format: String,
    command: Vec<String>,
    workers: u32,
    schedules: u64,
    points: u64,
    verdict: Word,
    checker: Option<String>,
    first_failure: Option<u64>,
    different: u64,
    contended: u64,
    inconclusive: u64,
    seed: u64,
    counterexample: Option<PathBuf>,
    rate: f64,
    plain_starts: Option<String>,
}

#[test]
fn the_example_of_a_run_has_the_shape() {
    let run: Run = read(&example("json run"));
    assert_eq!((run.format.as_str(), run.verdict), ("lockfuzz/run/1", Word::Fail));
    assert_eq!(run.checker.as_deref(), Some(Law::TwoInside { holder: 1 }.name()));
}

/// A run of a program that fails, and one that does not: the shape, and what is saved of the first.
#[test]
fn the_run_that_ran_has_the_shape() {
    let folder = tempfile::tempdir().unwrap();
    let run = |line: &str, code: i32| -> Run {
        let mut program = Command::new(env!("CARGO_BIN_EXE_lockfuzz"));
        program.args(["run", "--seed", "41", "--workers", "2", "--schedules", "40", "--json", "-"]);
        let output = program.args(["--", "sh", "-c", line]).current_dir(&folder).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{}", String::from_utf8_lossy(&output.stderr));
        read(std::str::from_utf8(&output.stdout).unwrap())
    };
    let found = run("if [ -e lock ]; then exit 0; fi; mkdir lock || exit 1; rmdir lock", 100);
    assert_eq!((found.format.as_str(), found.verdict), ("lockfuzz/run/1", Word::Fail));
    assert_eq!(found.first_failure, Some(found.schedules));
    let file = folder.path().join(found.counterexample.unwrap());
    let saved: Saved = read(&std::fs::read_to_string(file).unwrap());
    assert_eq!((saved.format.as_str(), saved.engine), ("lockfuzz/counterexample/3", Kind::Traced));
    assert!(saved.job.is_some());
    let quiet = run("mkdir lock && rmdir lock; exit 0", 0);
    assert_eq!((quiet.verdict, quiet.checker, quiet.counterexample), (Word::Pass, None, None));
    assert_eq!((quiet.schedules, quiet.first_failure), (40, None));
}

#[test]
fn every_word_of_an_event() {
    // A new variant does not compile here; it then wants a line in the page.
    let what = kinds(&read_lines("json what"), |what: &What| match what {
        What::Began => 1,
        What::Locked => 2,
        What::Blocked => 3,
        What::GaveUp => 4,
        What::Wrote => 5,
        What::Read(_) => 6,
        What::Unlocked => 7,
        What::Exited => 8,
        What::Failed(_) => 9,
        What::Note(_) => 10,
        What::Slept(_) => 11,
        What::Stalled => 12,
        What::Crashed => 13,
        What::Refused => 14,
        What::Jumped => 15,
        What::CallFailed => 16,
        What::Entered => 17,
        What::Left => 18,
        What::Quit(_) => 19,
        What::Died(_) => 20,
        What::Found(_) => 21,
        What::CheckFailed(_) => 22,
        What::Struck(_) => 23,
    });
    assert_eq!(what, 23);
    let saw = kinds(&read_lines("json saw"), |seen: &Seen| match seen {
        Seen::Worker(_) => 1,
        Seen::Stranger { .. } => 2,
        Seen::Torn { .. } => 3,
        Seen::Missing => 4,
    });
    assert_eq!(saw, 4);
}

#[test]
fn every_word_of_a_verdict() {
    let number = |verdict: &Verdict| match verdict {
        Verdict::Pass(_) => 0,
        Verdict::Fail(failure) => match failure.law {
            Law::ReadBack { .. } => 1,
            Law::LastWrite { .. } => 2,
            Law::ExcludesLess { .. } => 3,
            Law::ExcludesMore => 4,
            Law::LostWrite { .. } => 5,
            Law::NobodyWrote => 6,
            Law::Disobeyed => 7,
            Law::Stuck => 16,
            Law::TwoInside { .. } => 21,
            Law::BadExit { .. } => 22,
            Law::Died { .. } => 23,
            Law::NotOwn { .. } => 24,
            Law::CheckFailed { .. } => 25,
        },
        Verdict::Inconclusive { reason } => match reason {
            Reason::NothingRan => 8,
            Reason::Idle { .. } => 9,
            Reason::Uncontended { .. } => 10,
            Reason::NotFound { .. } => 11,
            Reason::Late(_) => 12,
            Reason::Missing(_) => 13,
            Reason::Unrepeatable { divergence: None } => 14,
            Reason::Unrepeatable { divergence: Some(_) } => 17,
            Reason::IllFormed { .. } => 18,
            Reason::NotBegun { .. } => 15,
            Reason::Endless { .. } => 19,
            Reason::NoPoints => 20,
            Reason::NotTraced => 26,
        },
    };
    assert_eq!(kinds(&read_lines("json verdict"), number), 27);
}

#[test]
fn every_plain_word_is_on_the_page() {
    let page = page();
    let mut missing = Vec::new();
    let mut look = |name: &str, word: &str| {
        let paragraph = page.split(&format!("**{name}**:")).nth(1).unwrap().split("\n\n").next().unwrap();
        if !paragraph.contains(&format!("`{word}`")) {
            missing.push(format!("{name} {word}"));
        }
    };
    Placement::ALL.iter().for_each(|value| look("placement", value.name()));
    Scope::ALL.iter().for_each(|value| look("scope", value.name()));
    Order::ALL.iter().for_each(|value| look("order", value.name()));
    Kind::ALL.iter().chain([&Kind::Traced]).for_each(|value| look("engine", value.name()));
    for why in [Absence::Died, Absence::Silent, Absence::Stuck, Absence::Endless] {
        look("why", serde_json::to_value(why).unwrap().as_str().unwrap());
    }
    assert_eq!(missing, [""; 0]);
}

/// The shape of a campaign, as the page has it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Campaign {
    format: String,
    seed: u64,
    engine: Kind,
    verdict: Word,
    rows: Vec<Row>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    lock: String,
    placement: Placement,
    order: Order,
    faults: Strikes,
    expected: Found,
    found: Found,
    verdict: Word,
    cases: u64,
    seconds: f64,
    counterexample: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Strikes {
    None,
    Crash,
    Stall,
    Jump,
    Calls,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum Found {
    #[serde(rename = "race")]
    Race,
    #[serde(rename = "no race")]
    NoRace,
    #[serde(rename = "stuck")]
    Stuck,
    #[serde(rename = "inconclusive")]
    Inconclusive,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Word {
    Pass,
    Fail,
    Inconclusive,
}

#[test]
fn the_example_of_a_campaign_has_the_shape() {
    let campaign: Campaign = read(&example("json campaign"));
    assert_eq!(campaign.rows.len(), 2);
}

/// A campaign that ran: the one in the file that `LOCKFUZZ_CAMPAIGN` names, else a short one.
#[test]
fn the_campaign_that_ran_is_as_expected() {
    let folder = tempfile::tempdir().unwrap();
    let text = match std::env::var_os("LOCKFUZZ_CAMPAIGN") {
        Some(file) => std::fs::read(file).unwrap(),
        None => {
            let mut program = Command::new(env!("CARGO_BIN_EXE_lockfuzz"));
            program
                .args(["fuzz", "--seed", "5", "--cases", "16", "--json", "-"])
                .env_remove("PROPTEST_CASES");
            let output = program.current_dir(&folder).output().unwrap();
            assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
            output.stdout
        }
    };
    let campaign: Campaign = read(std::str::from_utf8(&text).unwrap());
    assert_eq!((campaign.format.as_str(), campaign.verdict), ("lockfuzz/campaign/1", Word::Pass));
    assert_eq!(campaign.rows.len(), ROWS);
    for row in campaign.rows {
        assert_eq!((row.found, row.verdict), (row.expected, Word::Pass), "{row:?}");
        assert!(row.cases > 0, "{row:?}");
        assert_eq!(row.counterexample.is_some(), row.found != Found::NoRace, "{row:?}");
    }
}
