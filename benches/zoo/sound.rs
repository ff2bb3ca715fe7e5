//! Every sound lock: quiet, however often it is tried.

use lockfuzz::campaign::{Found, Row};
use lockfuzz::report::count;

use crate::{Place, as_expected, is_broken, label};

/// What a campaign makes of its cases where nothing is expected and nobody is killed: so many times as many.
const INTERLEAVED: u64 = 4;

/// After each crash another process has to be started, so with a crash there are so many fewer runs.
const CRASHES: u64 = 20;

pub fn table(place: &Place, rows: &[Row], runs: u64) -> bool {
    println!("Sound: at least {} interleavings each, and {} where", count(runs), count(runs / CRASHES));
    println!("a process is killed; seed 0.\n");
    println!("{:<31}{:>10}{:>11}{:>12}{:>10}", "lock", "tried", "contended", "found", "seconds");
    let mut well = true;
    for row in rows.iter().filter(|row| !is_broken(row)) {
        let crashes = row.faults.crashes > 0;
        let runs = if crashes { runs / CRASHES } else { runs };
        let cases = if crashes { runs } else { runs.div_ceil(INTERLEAVED) };
        let reports = place.campaign(vec![*row], cases, 0);
        let [report] = &reports[..] else { panic!("{}: one row", label(row)) };
        let evidence = report.evidence;
        let (tried, contended, found) =
            (count(evidence.cases), count(evidence.contended), report.found.name());
        let seconds = report.spent.as_secs_f64();
        println!("{:<31}{tried:>10}{contended:>11}{found:>12}{seconds:>10.1}", label(row));
        if !as_expected(report, &[Found::NoRace]) {
            println!("    {:?}", report.verdict);
        }
        well &= as_expected(report, &[Found::NoRace]) && evidence.cases >= runs;
    }
    println!();
    well
}
