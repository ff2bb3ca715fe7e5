//! What is said of the zoo, shown with more runs than a test has time for.
//!
//! `cargo bench --bench zoo` takes some minutes and prints three tables:
//!
//! * `broken`: every broken lock, with the default settings and each of 20 seeds: found, shrunk to the least
//!   that its double names, run again 1,000 times step for step (50 where a process is killed), drawn;
//! * `sound`: every sound one, 100,000 runs (5,000 where a process is killed), quiet;
//! * `proofs`: every sound one proved for two workers that take it once, and for three where that takes less
//!   than a minute.
//!
//! Words pick tables and locks (`-- broken pid-stale`), `--quick` takes a tenth of it. It ends with 1 if
//! anything is not as it should be.

mod broken;
mod proofs;
mod sound;

use std::env;
use std::process::ExitCode;

use lockfuzz::campaign::{Budget, Campaign, Found, Row, RowReport};
use lockfuzz::case::{Faults, Placement, Scope};
use lockfuzz::engine::Kind;
use lockfuzz::interleave::Search;
use lockfuzz::lock::ALL;
use lockfuzz::schedule::Order;
use lockfuzz::worker::{self, Launch, Staff};
use tempfile::TempDir;

fn main() -> ExitCode {
    // Cargo says `--bench` to every benchmark.
    let words: Vec<String> = env::args().skip(1).filter(|word| word != "--bench").collect();
    let quick = words.iter().any(|word| word == "--quick");
    let (tables, locks): (Vec<&str>, Vec<&str>) = words
        .iter()
        .map(String::as_str)
        .filter(|&word| word != "--quick")
        .partition(|word| ["broken", "sound", "proofs"].contains(word));
    // Before any worker is made: workers stay where their driver is.
    worker::pin(worker::cores().expect("a process has cores")[0]).expect("its own core");
    let asked = |table: &str| tables.is_empty() || tables.contains(&table);
    let all: Vec<Row> = rows();
    let rows: Vec<Row> =
        all.into_iter().filter(|row| locks.is_empty() || locks.contains(&row.lock.name)).collect();
    let place = Place::new();
    let mut well = true;
    if asked("broken") {
        well &= broken::table(&place, &rows, if quick { 2 } else { 20 }, if quick { 100 } else { 1000 });
    }
    if asked("sound") {
        well &= sound::table(&place, &rows, if quick { 10_000 } else { 100_000 });
    }
    if asked("proofs") {
        well &= proofs::table(&place, &rows);
    }
    println!("{}", if well { "all as it should be" } else { "NOT as it should be" });
    if well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Every interleaved row that `lockfuzz fuzz` has.
fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for lock in ALL {
        for &placement in lock.placements {
            for &faults in [Faults::NONE].iter().chain(lock.faults) {
                // A thread cannot be killed without its process.
                let can_be = faults.crashes == 0 || placement == Placement::Processes;
                let row = Row { lock, placement, order: Order::AsGenerated, faults };
                rows.extend(Some(row).filter(|row| can_be && row.is_interleaved()));
            }
        }
    }
    rows
}

/// Breaks, by its claim, its placement and its faults.
fn is_broken(row: &Row) -> bool {
    let Row { lock, placement, faults, .. } = *row;
    let claim = lock.promised().under(faults).claim;
    claim.expects_race(placement, Scope::Session, row.workers())
        || (faults.crashes > 0 && !lock.withstands.crash)
}

/// The row's name in a table.
fn label(row: &Row) -> String {
    let faults = if row.faults.is_none() { String::new() } else { format!(", {}", row.faults.name()) };
    format!("{}, {}{faults}", row.lock.name, row.placement.name())
}

/// Where the files lie, in memory if that can be had.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let memory = std::path::Path::new("/dev/shm");
        let root = if memory.is_dir() { memory.to_owned() } else { env::temp_dir() };
        Place(tempfile::Builder::new().prefix("lockfuzz-bench-").tempdir_in(root).expect("a folder"))
    }

    fn staff(&self) -> Staff {
        Staff::new(self.0.path(), Launch::new(env!("CARGO_BIN_EXE_lockfuzz"), &["worker"]))
    }

    /// One campaign with the default settings, of these rows.
    fn campaign(&self, rows: Vec<Row>, cases: u64, seed: u64) -> Vec<RowReport> {
        let campaign = Campaign {
            rows,
            engine: Kind::Stepped,
            scope: Scope::Session,
            workers: 2..=8,
            period: None,
            search: Search::default(),
            budget: Budget { cases: Some(cases), time: None },
            seed,
            shrink_tries: 4096,
            jobs: 1,
            save: None,
            staff: self.staff(),
        };
        let report = campaign.run(&std::sync::Arc::default(), &());
        if let Some(why) = report.error {
            panic!("seed {seed}: {why}");
        }
        report.rows
    }
}

/// As it was to be, with the evidence or the finding that it takes.
fn as_expected(row: &RowReport, found: &[Found]) -> bool {
    matches!(row.verdict, lockfuzz::check::Verdict::Pass(_)) && found.contains(&row.found)
}
