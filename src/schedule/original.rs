//! The generator of the original experiment.

use std::collections::BTreeMap;

use super::{Command, Schedule, Tick, Time, Wid};

/// The schedule of the original experiment: worker n of N writes at (n-1)·period and reads at
/// (n+1)·period, so that each write falls between its neighbour's write and read.
pub fn original(workers: u32, period: Time) -> Schedule {
    shifted(workers, period, 2)
}

/// All workers at once: everybody writes, everybody reads.
pub fn at_once(workers: u32, period: Time) -> Schedule {
    rounds(workers, 1, period)
}

/// The same so many times over.
pub fn rounds(workers: u32, times: u32, period: Time) -> Schedule {
    let tick = |nth, command| Tick {
        at: period * nth,
        commands: (1..=workers).map(|worker| (worker, command)).collect(),
    };
    let round = |nth| [tick(2 * nth, Command::Write), tick(2 * nth + 1, Command::Read)];
    Schedule { ticks: (0..u64::from(times)).flat_map(round).collect() }
}

/// The same with `overlap` periods between a worker's write and its read; 2 is the original.
pub(crate) fn shifted(workers: u32, period: Time, overlap: u32) -> Schedule {
    let mut ticks: BTreeMap<Time, Vec<(Wid, Command)>> = BTreeMap::new();
    for worker in 1..=workers {
        let write = u64::from(worker) - 1;
        for (at, command) in [(write, Command::Write), (write + u64::from(overlap), Command::Read)] {
            ticks.entry(period * at).or_default().push((worker, command));
        }
    }
    Schedule { ticks: ticks.into_iter().map(|(at, commands)| Tick { at, commands }).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::Order;

    #[test]
    fn the_seed_table() {
        let table = "\
0.0000\t[(1, 'write')]
2.0000\t[(2, 'write')]
4.0000\t[(1, 'read'), (3, 'write')]
6.0000\t[(2, 'read'), (4, 'write')]
8.0000\t[(3, 'read'), (5, 'write')]
10.0000\t[(4, 'read')]
12.0000\t[(5, 'read')]
";
        assert_eq!(original(5, Time::from_secs(2.0).unwrap()).to_string(), table);
    }

    #[test]
    fn every_size_is_legal_in_every_order() {
        for workers in 1..=64 {
            for overlap in 1..5 {
                let schedule = shifted(workers, Time::from_micros(500), overlap);
                for order in Order::ALL {
                    order.sorted(&schedule).check(workers).unwrap();
                }
            }
        }
    }
}
