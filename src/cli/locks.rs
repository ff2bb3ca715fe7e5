//! `lockfuzz locks`: the locks, what each promises, and what it takes to break those that break.

use super::{Exit, Trouble, say};
use crate::case::{Placement, Scope};
use crate::lock::{ALL, Least};
use crate::report::wrapped;

pub(super) fn run() -> Result<Exit, Trouble> {
    let mut text = format!("{:<20}{:<9}{:<11}{:<9}promise\n", "lock", "threads", "processes", "mixed");
    for double in ALL {
        let cell = |placement: Placement| {
            let workers = placement.fewest();
            if double.claim.expects_race(placement, Scope::Session, workers) { "race" } else { "no race" }
        };
        let [threads, processes, mixed] = Placement::ALL.map(cell);
        let label = format!("{:<20}{threads:<9}{processes:<11}{mixed:<9}", double.name);
        text += &wrapped(&label, label.len(), double.promise);
        text += &wrapped("", label.len(), &format!("({})", double.what));
    }
    text += &least();
    say(&text)?;
    Ok(Exit::Expected)
}

/// The known minimum of each lock of the zoo that breaks, and of those that do not outlive their holder.
fn least() -> String {
    let mut text = format!("\n{:>79}\n", "the least that breaks it");
    let head = ["lock", "placement", "faults", "workers", "acquires", "preemptions"];
    let line = |cells: [&str; 6]| {
        let [lock, placement, faults, workers, acquires, preemptions] = cells;
        format!("{lock:<20}{placement:<20}{faults:<10}{workers:>7}{acquires:>10}{preemptions:>13}\n")
    };
    text += &line(head);
    for double in ALL {
        for least in double.least {
            let places: Vec<&str> = least.placements.iter().map(|place| place.name()).collect();
            let fewest = least.placements.iter().map(|place| place.fewest()).max().unwrap_or(0);
            let workers = double.workers.max(fewest).to_string();
            let (acquires, preemptions) = (Least::ACQUIRES.to_string(), least.preemptions.to_string());
            let faults = least.faults.name();
            text += &line([double.name, &places.join(", "), faults, &workers, &acquires, &preemptions]);
        }
    }
    text
}
