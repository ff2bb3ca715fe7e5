//! `lockfuzz schedule`: prints the schedule of the original experiment.

use super::args::ScheduleArgs;
use super::{Exit, Trouble, say};
use crate::schedule::original;

pub(super) fn run(args: ScheduleArgs) -> Result<Exit, Trouble> {
    let schedule = args.order.sorted(&original(args.workers, args.period));
    if args.json {
        let json = serde_json::to_string(&schedule).expect("a schedule is plain data");
        say(&format!("{json}\n"))?;
    } else {
        say(&schedule.to_string())?;
    }
    Ok(Exit::Expected)
}
