//! Does anything pile up? Memory and descriptors of the driver and its workers over many cases.

use std::fs;
use std::process::{self, ExitCode};

use lockfuzz::case::Placement;
use lockfuzz::lock::FLOCK;

use super::contest::Row;
use super::medium::Medium;
use super::ours::Driver;

const WORKERS: u32 = 5;

/// What somebody holds.
#[derive(Clone, Copy, Default)]
struct Held {
    /// Memory in KiB.
    memory: u64,
    /// Open descriptors.
    files: usize,
}

/// Runs so many cases in threads and in processes, and looks three times. Fails when there is more
/// at the end than there was after a tenth.
pub fn run(cases: u64) -> ExitCode {
    let media = Medium::all();
    let medium = media.first().expect("a place for files");
    println!("{cases} cases of flock, {WORKERS} workers; {}.\n", medium.describe());
    println!(
        "{:9} {:>9} {:>11} {:>12} {:>12} {:>13}",
        "placement", "cases", "driver KiB", "descriptors", "workers KiB", "descriptors"
    );
    let mut flat = true;
    for placement in Placement::UNIFORM {
        let mut driver = Driver::new(&Row { medium, workers: WORKERS, placement, double: &FLOCK });
        let mut looks = Vec::new();
        for nth in 1..=cases {
            drop(driver.case());
            if [cases / 10, cases / 2, cases].contains(&nth) {
                let [driver, workers] = [held(&[process::id()]), held(&children())];
                println!(
                    "{:9} {nth:>9} {:>11} {:>12} {:>12} {:>13}",
                    placement.name(),
                    driver.memory,
                    driver.files,
                    workers.memory,
                    workers.files
                );
                looks.push([driver, workers]);
            }
        }
        let grew = |first: Held, last: Held| {
            last.files > first.files || last.memory > first.memory + first.memory / 20
        };
        if let [first, .., last] = looks[..] {
            flat &= !first.into_iter().zip(last).any(|(first, last)| grew(first, last));
        }
    }
    println!("\n{}", if flat { "Flat." } else { "It grows." });
    if flat { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn held(pids: &[u32]) -> Held {
    pids.iter().fold(Held::default(), |sum, pid| {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it lives");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let memory: Option<u64> = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        let files = fs::read_dir(format!("/proc/{pid}/fd")).expect("its descriptors").count();
        Held { memory: sum.memory + memory.expect("its memory in KiB"), files: sum.files + files }
    })
}

/// The processes that this one has started.
fn children() -> Vec<u32> {
    let threads = fs::read_dir("/proc/self/task").expect("its threads").filter_map(Result::ok);
    let lists = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    lists
        .flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>())
        .collect()
}
