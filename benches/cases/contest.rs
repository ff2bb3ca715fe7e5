//! The rows of the table, and the rounds in which the contestants take turns.

use std::time::{Duration, Instant};

use lockfuzz::case::Placement;
use lockfuzz::lock::{self, Double};
use lockfuzz::worker;

use super::floor::{Alone, Relay};
use super::medium::Medium;
use super::ours::{Driver, Jobs};
use super::peer::Shuttle;
use super::script::scripts;

/// Somebody who runs cases.
pub trait Contestant {
    /// Runs cases for so long, and says how many it ran in a second.
    fn rate(&mut self, time: Duration) -> f64;
}

/// Calls `case` again and again for so long: how often in a second?
pub fn rate(time: Duration, mut case: impl FnMut()) -> f64 {
    let (start, mut count) = (Instant::now(), 0);
    while start.elapsed() < time {
        case();
        count += 1;
    }
    f64::from(count) / start.elapsed().as_secs_f64()
}

/// What the cases of a row have in common.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    /// Where their files lie.
    pub medium: &'a Medium,
    /// How many workers they have.
    pub workers: u32,
    /// Where those live.
    pub placement: Placement,
    /// Their lock.
    pub double: &'static Double,
}

impl<'a> Row<'a> {
    /// All of them.
    pub fn all(media: &'a [Medium]) -> impl Iterator<Item = Row<'a>> {
        let of = move |medium, workers| {
            let placed = Placement::UNIFORM.into_iter();
            placed.flat_map(move |placement| {
                lock::EXPERIMENT.map(|double| Row { medium, workers, placement, double })
            })
        };
        media
            .iter()
            .flat_map(move |medium| [2, 5, 16].into_iter().flat_map(move |workers| of(medium, workers)))
    }

    /// Does this word name something about the row?
    pub fn is(&self, word: &str) -> bool {
        [self.medium.name, self.placement.name(), self.double.name].contains(&word)
            || word.parse() == Ok(self.workers)
    }
}

/// So many rounds of so long.
pub struct Contest<'a> {
    cores: &'a [usize],
    rounds: usize,
    time: Duration,
}

impl<'a> Contest<'a> {
    /// For figures that may be quoted.
    pub fn whole(cores: &'a [usize]) -> Self {
        Contest { cores, rounds: 5, time: Duration::from_millis(120) }
    }

    /// For figures that show the order of things.
    pub fn quick(cores: &'a [usize]) -> Self {
        Contest { cores, rounds: 3, time: Duration::from_millis(40) }
    }

    /// Measures the rows and prints the table.
    pub fn run(&self, media: &[Medium], rows: &[Row]) {
        let home = self.cores[0];
        println!("Cases per second, median of {} rounds of {:?}.", self.rounds, self.time);
        println!("Driver and workers share core {home}; two jobs use the cores {:?}.", self.jobs());
        println!("{}.\n", media.iter().map(Medium::describe).collect::<Vec<_>>().join(", "));
        println!(
            "{:5} {:>7}  {:9}  {:9} {:>8} {:>8} {:>8} {:>10} {:>9} {:>8}",
            "where",
            "workers",
            "placement",
            "lock",
            "alone",
            "relay",
            "ours",
            "ours/relay",
            "two jobs",
            "shuttle"
        );
        let mut ratios = Vec::new();
        for row in rows {
            let [alone, relay, ours, jobs, shuttle] = self.measure(row);
            println!(
                "{:5} {:>7}  {:9}  {:9} {alone:>8.0} {relay:>8.0} {ours:>8.0} {:>10.2} {jobs:>9.0} {shuttle:>8.0}",
                row.medium.name,
                row.workers,
                row.placement.name(),
                row.double.name,
                ours / relay,
            );
            ratios.push((row, ours / relay, jobs / shuttle));
        }
        println!();
        for placement in Placement::UNIFORM {
            let of = |pick: fn(&(&Row, f64, f64)) -> f64| -> Vec<f64> {
                ratios.iter().filter(|(row, ..)| row.placement == placement).map(pick).collect()
            };
            let (relay, shuttle) = (of(|r| r.1), of(|r| r.2));
            if !relay.is_empty() {
                let least = |all: &[f64]| all.iter().copied().fold(f64::INFINITY, f64::min);
                println!(
                    "{:9}  ours/relay: least {:.2}, median {:.2}; two jobs/shuttle: least {:.2}, median {:.2}",
                    placement.name(),
                    least(&relay),
                    median(relay.clone()),
                    least(&shuttle),
                    median(shuttle.clone()),
                );
            }
        }
    }

    /// The cores of the two jobs: the same twice where there is only one.
    fn jobs(&self) -> [usize; 2] {
        [self.cores[0], self.cores[self.cores.len().min(2) - 1]]
    }

    fn measure(&self, row: &Row) -> [f64; 5] {
        worker::pin(self.cores[0]).expect("its own core");
        let scripts = scripts(row);
        let mut contestants: [Box<dyn Contestant>; 5] = [
            Box::new(Alone::new(row, scripts.clone())),
            Box::new(Relay::new(row, &scripts)),
            Box::new(Driver::new(row)),
            Box::new(Jobs::new(row, self.jobs())),
            Box::new(Shuttle::new(row, &scripts)),
        ];
        let mut rates = [const { Vec::new() }; 5];
        for contestant in &mut contestants {
            // A warm-up: workers are started here.
            contestant.rate(self.time / 4);
        }
        for _ in 0..self.rounds {
            for (contestant, rates) in contestants.iter_mut().zip(&mut rates) {
                rates.push(contestant.rate(self.time));
            }
        }
        rates.map(median)
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
