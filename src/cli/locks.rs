//! `lockfuzz locks`: the locks, and what each promises.

use super::{Exit, Trouble, say};
use crate::case::{Placement, Scope};
use crate::lock::ALL;

pub(super) fn run() -> Result<Exit, Trouble> {
    let mut text = format!("{:<11}{:<9}{:<11}promise\n", "lock", "threads", "processes");
    for double in ALL {
        let cell = |placement| {
            if double.claim.expects_race(placement, Scope::Session, 2) { "race" } else { "no race" }
        };
        let [threads, processes] = Placement::ALL.map(cell);
        text += &format!("{:<11}{threads:<9}{processes:<11}{}\n", double.name, double.promise);
        text += &format!("{:31}({})\n", "", double.what);
    }
    say(&text);
    Ok(Exit::Expected)
}
