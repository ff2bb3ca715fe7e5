//! `lockfuzz locks`: the locks, and what each promises.

use super::{Exit, Trouble, say};
use crate::case::{Placement, Scope};
use crate::lock::ALL;
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
    say(&text)?;
    Ok(Exit::Expected)
}
