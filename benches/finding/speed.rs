//! Executions in a second, ours and shuttle by turns.
//!
//! A second of processor time, of all threads and of the kernel for them: everybody here keeps one core busy,
//! so that it is a second of the clock on an idle machine, and on a busy one the others do not count.

use std::sync::Arc;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::kernels;
use crate::kernels::ours::Ours;
use crate::ours::Driver;
use crate::peer::{self, Shuttle};

/// What this process has used of the processors.
pub fn cpu_time() -> Duration {
    let used = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(used.tv_sec as u64, used.tv_nsec as u32)
}

/// The programs without a bug, by a random walk on either side.
pub fn run(quick: bool, asked: impl Fn(&str) -> bool) {
    let rows: Vec<_> = kernels::sound::<Ours>().into_iter().zip(kernels::sound::<Shuttle>()).collect();
    let rows: Vec<_> = rows.into_iter().filter(|(kernel, _)| asked(&kernel.name)).collect();
    if rows.is_empty() {
        return;
    }
    let rounds = if quick { 3 } else { 7 };
    println!(
        "Executions in a second of processor time by a random walk, one core, median of {rounds} rounds, by turns.\n"
    );
    println!("{:20} {:>10} {:>10} {:>14}", "program", "ours", "shuttle", "shuttle/ours");
    let mut driver = Driver::new();
    for (kernel, peer) in rows {
        let kernel = Arc::new(kernel);
        let executions = if quick { 1_000 } else { 10_000 } / kernel.workers;
        let mut rates = [Vec::new(), Vec::new()];
        // The first round starts workers, and does not count.
        for round in 0..=rounds {
            let pair = [driver.rate(&kernel, executions), peer::rate(&peer, executions)];
            if round > 0 {
                rates.iter_mut().zip(pair).for_each(|(rates, rate)| rates.push(rate));
            }
        }
        let [ours, shuttle] = rates.map(median);
        println!("{:20} {ours:>10.0} {shuttle:>10.0} {:>14.2}", kernel.name, shuttle / ours);
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
