//! `lockfuzz locks`: the locks, and what each promises.

use super::{Exit, Trouble, say};
use crate::case::{Placement, Scope};
use crate::lock::ALL;
use crate::report::wrapped;

pub(super) fn run() -> Result<Exit, Trouble> {
    let mut text = format!("{:<20}{:<9}{:<11}promise\n", "lock", "threads", "processes");
    for double in ALL {
        let cell = |placement| {
            if double.claim.expects_race(placement, Scope::Session, 2) { "race" } else { "no race" }
        };
        let [threads, processes] = Placement::ALL.map(cell);
        let label = format!("{:<20}{threads:<9}{processes:<11}", double.name);
        text += &wrapped(&label, label.len(), double.promise);
        text += &wrapped("", label.len(), &format!("({})", double.what));
    }
    say(&text)?;
    Ok(Exit::Expected)
}
