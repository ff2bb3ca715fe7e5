//! Every broken lock: found by each seed, shrunk to its least, seen again and again, drawn.

use lockfuzz::campaign::{Found, Row};
use lockfuzz::engine::{Engine, Stepped};
use lockfuzz::report::count;
use lockfuzz::report::plot::svg;

use crate::{Place, as_expected, is_broken, label};

/// What all seeds of one row came to.
#[derive(Default)]
struct Sum {
    found: u64,
    cases: u64,
    latest: u64,
    least: u64,
    drawn: u64,
    replays: u64,
    same: u64,
}

/// After each crash another process has to be started, so of these a find is run again so much less often.
const CRASHES: u64 = 20;

pub fn table(place: &Place, rows: &[Row], seeds: u64, times: u64) -> bool {
    println!("Broken: {seeds} seeds, default settings; each find is run again {} times,", count(times));
    println!("and {} times where a process is killed.\n", count(times / CRASHES));
    print!("{:<31}{:>7}{:>8}{:>8}", "lock", "found", "mean", "latest");
    println!("{:>9}{:>8}{:>9}{:>16}{:>7}", "workers", "preempt", "shrunk", "the same", "drawn");
    let mut engine = Stepped::new(&place.staff()).expect("the folder can be written");
    let mut well = true;
    for row in rows.iter().filter(|row| is_broken(row)) {
        let times = if row.faults.crashes > 0 { times / CRASHES } else { times };
        let least = row.lock.fewest_preemptions(row.placement, row.faults);
        let mut sum = Sum::default();
        for seed in 0..seeds {
            let reports = place.campaign(vec![*row], 256, seed);
            let Some(found) = reports[0].counterexample.as_ref() else { continue };
            sum.found += u64::from(as_expected(&reports[0], &[Found::Race, Found::Stuck]));
            sum.cases += found.found_in_case;
            sum.latest = sum.latest.max(found.found_in_case);
            let preemptions = u32::try_from(found.history.preemptions()).ok();
            sum.least += u64::from(preemptions == least && found.case.workers == row.workers());
            let picture = svg(&found.case, &found.history, Some(&found.failure), found.cause);
            sum.drawn += u64::from(picture.starts_with("<svg ") && picture.trim_end().ends_with("</svg>"));
            for _ in 0..times {
                let again = engine.run(&found.case).expect("the engine works");
                sum.replays += 1;
                sum.same += u64::from(again == found.history);
            }
        }
        let least = least.map_or("?".to_owned(), |least| least.to_string());
        let mean = sum.cases as f64 / sum.found.max(1) as f64;
        print!("{:<31}{:>4}/{seeds:<2}{mean:>8.1}{:>8}", label(row), sum.found, count(sum.latest));
        let same = format!("{}/{}", count(sum.same), count(sum.replays));
        println!(
            "{:>9}{least:>8}{:>6}/{seeds:<2}{same:>16}{:>4}/{seeds:<2}",
            row.workers(),
            sum.least,
            sum.drawn
        );
        well &= [sum.found, sum.least, sum.drawn].iter().all(|&each| each == seeds);
        well &= sum.replays == seeds * times && sum.same == sum.replays;
    }
    println!();
    well
}
