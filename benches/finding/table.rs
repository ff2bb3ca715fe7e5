//! The tables of executions up to the first failure.

use std::sync::Arc;
use std::time::{Duration, Instant};

use lockfuzz::case::Faults;
use lockfuzz::interleave::{Kind, Scheduler, Search};
use lockfuzz::lock::{ALL, Double};

use crate::kernels;
use crate::kernels::ours::Ours;
use crate::ours::{Driver, placement};
use crate::peer::{self, Shuttle};

/// For so long one contestant looks for one bug, over all seeds.
const PATIENCE: Duration = Duration::from_secs(60);

/// What all seeds of one contestant came to.
struct Finds {
    seeds: u64,
    found: u32,
    executions: u64,
}

impl Finds {
    /// Each seed until it finds.
    fn of(seeds: u64, most: u32, mut find: impl FnMut(u64) -> Option<u32>) -> Self {
        let start = Instant::now();
        let mut finds = Finds { seeds: 0, found: 0, executions: 0 };
        while finds.seeds < seeds && start.elapsed() < PATIENCE {
            let found = find(finds.seeds);
            finds.seeds += 1;
            finds.found += u32::from(found.is_some());
            finds.executions += u64::from(found.unwrap_or(most));
        }
        finds
    }

    fn found_always(&self, seeds: u64) -> bool {
        u64::from(self.found) == seeds
    }

    /// Executions for each find, as far as that is known: those that found nothing count as well.
    fn mean(&self) -> f64 {
        self.executions as f64 / f64::from(self.found)
    }

    fn show(&self, seeds: u64) -> String {
        match self.found {
            0 => format!("> {}", self.executions),
            _ if self.found_always(seeds) => format!("{:.1}", self.mean()),
            found => format!("{:.0} ({found}/{})", self.mean(), self.seeds),
        }
    }
}

fn scheduler(kind: Kind, seed: u64) -> Box<dyn Scheduler> {
    Search { kind, ..Search::default() }.scheduler(seed)
}

fn head(what: &str, names: impl Iterator<Item = String>) {
    print!("{what:26}");
    for name in names {
        print!(" {name:>13}");
    }
    println!(" {:>14}", "best of ours");
}

fn row(name: &str, seeds: u64, ours: &[Finds], others: &[Finds]) {
    print!("{name:26}");
    for finds in ours.iter().chain(others) {
        print!(" {:>13}", finds.show(seeds));
    }
    let sure = ours.iter().filter(|finds| finds.found_always(seeds));
    let best = sure.min_by(|one, two| one.mean().total_cmp(&two.mean()));
    println!(" {:>14}", best.map_or("none".to_owned(), |best| best.show(seeds)));
}

/// The small programs, ours and shuttle.
pub fn kernels(seeds: u64, most: u32, asked: impl Fn(&str) -> bool) {
    let rows: Vec<_> = kernels::broken::<Ours>().into_iter().zip(kernels::broken::<Shuttle>()).collect();
    let rows: Vec<_> = rows.into_iter().filter(|(kernel, _)| asked(&kernel.name)).collect();
    if rows.is_empty() {
        return;
    }
    println!("Executions to the first failure, mean of {seeds} seeds, {most} at most for each.");
    println!("With (k/n) only k of n seeds found it, and all executions count; \">\" is none of them.\n");
    let peers = peer::SCHEDULERS.iter().map(|name| format!("shuttle {name}"));
    head("kernel", Kind::ALL.iter().map(|kind| kind.name().to_owned()).chain(peers));
    let mut driver = Driver::new();
    for (kernel, peers) in rows {
        let kernel = Arc::new(kernel);
        let finds = Kind::ALL.map(|kind| {
            Finds::of(seeds, most, |seed| driver.first_failure(&kernel, scheduler(kind, seed), most))
        });
        let others = peer::SCHEDULERS
            .map(|name| Finds::of(seeds, most, |seed| peer::first_failure(&peers, name, seed, most)));
        row(&kernel.name, seeds, &finds, &others);
    }
    println!();
}

/// The locks that are expected to break, with the faults that it takes.
pub fn zoo(seeds: u64, asked: impl Fn(&str) -> bool) {
    const MOST: u32 = 10_000;
    let with_faults = |double: &&'static Double| {
        let double = *double;
        let faults = [Faults::NONE].into_iter().chain(double.faults.iter().copied());
        faults.map(move |faults| (double, faults))
    };
    let breaks = |(double, faults): &(&Double, Faults)| {
        double.fewest_preemptions(placement(*faults), *faults).is_some()
    };
    let rows = ALL.iter().flat_map(with_faults).filter(breaks);
    let rows = rows.filter(|(double, faults)| !double.atomic || !faults.is_none());
    let rows: Vec<_> = rows.filter(|(double, _)| asked(double.name)).collect();
    if rows.is_empty() {
        return;
    }
    println!("Executions to the first failure of a lock, mean of {seeds} seeds, {MOST} at most for each.\n");
    head("lock, workers", Kind::ALL.iter().map(|kind| kind.name().to_owned()));
    let mut driver = Driver::new();
    for (double, faults) in rows {
        let finds = Kind::ALL.map(|kind| {
            let find = |seed| driver.first_broken(double, faults, scheduler(kind, seed), seed, MOST);
            Finds::of(seeds, MOST, find)
        });
        let under = if faults.is_none() { String::new() } else { format!(", {}", faults.name()) };
        row(&format!("{}, {}{under}", double.name, double.workers), seeds, &finds, &[]);
    }
    println!();
}
