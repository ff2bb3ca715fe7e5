//! Ways to make a case simpler: fewer workers, fewer commands, fewer ticks, plainer names.
//!
//! What comes out need not be legal; the strategy keeps only what is.

use std::collections::BTreeSet;

use crate::case::Case;
use crate::schedule::{Command, Schedule, Tick, Time, Wid};

/// Simpler neighbours of a case, the much simpler ones first.
pub(crate) fn simpler(case: &Case) -> Vec<Case> {
    let mut simpler = Vec::new();
    let all: Vec<Wid> = (1..=case.workers).collect();
    let half = all.len() / 2;
    if half > 1 {
        simpler.push(without_workers(case, &all[half..]));
        simpler.push(without_workers(case, &all[..half]));
    }
    simpler.extend(all.iter().map(|&w| without_workers(case, &[w])));
    let mut with = |schedule: Schedule| simpler.push(Case { schedule, ..case.clone() });
    with(filtered(&case.schedule, |_, _, command| command != Command::Exit));
    for round in rounds(&case.schedule) {
        with(filtered(&case.schedule, |tick, worker, _| !round.contains(&(tick, worker))));
    }
    for (gone, who, command) in case.schedule.commands() {
        if command != Command::Read {
            with(filtered(&case.schedule, |tick, worker, _| (tick, worker) != (gone, who)));
        }
    }
    for tick in 1..case.schedule.ticks.len() {
        with(merged(&case.schedule, tick));
    }
    for (tick, worker, _) in case.schedule.commands().filter(|&(tick, ..)| tick > 0) {
        with(earlier(&case.schedule, tick, worker));
    }
    with(by_worker(&case.schedule));
    with(renamed(&case.schedule));
    simpler
}

/// The ticks in the same order, one period apart.
pub(crate) fn evenly(schedule: &Schedule, period: Time) -> Schedule {
    let ticks = (0..).zip(&schedule.ticks);
    Schedule { ticks: ticks.map(|(k, t)| Tick { at: period * k, commands: t.commands.clone() }).collect() }
}

fn without_workers(case: &Case, gone: &[Wid]) -> Case {
    let mut schedule = filtered(&case.schedule, |_, worker, _| !gone.contains(&worker));
    let new_name = |old: Wid| old - gone.iter().filter(|&&w| w < old).count() as Wid;
    rename(&mut schedule, new_name);
    Case { schedule, workers: case.workers - gone.len() as u32, ..case.clone() }
}

/// The commands that `keep` wants; a tick that is left without any goes as well.
fn filtered(schedule: &Schedule, keep: impl Fn(usize, Wid, Command) -> bool) -> Schedule {
    let mut schedule = schedule.clone();
    for (nth, tick) in schedule.ticks.iter_mut().enumerate() {
        tick.commands.retain(|&(worker, command)| keep(nth, worker, command));
    }
    schedule.ticks.retain(|tick| !tick.commands.is_empty());
    schedule
}

/// Each worker's rounds: its writes and the read that ends them, as (tick, worker).
fn rounds(schedule: &Schedule) -> Vec<BTreeSet<(usize, Wid)>> {
    let mut open: Vec<BTreeSet<(usize, Wid)>> = Vec::new();
    let mut closed = Vec::new();
    for (tick, worker, command) in schedule.commands() {
        let w = worker as usize;
        if open.len() <= w {
            open.resize(w + 1, BTreeSet::new());
        }
        match command {
            Command::Write => {
                open[w].insert((tick, worker));
            }
            Command::Read => {
                open[w].insert((tick, worker));
                closed.push(std::mem::take(&mut open[w]));
            }
            Command::Exit => {}
        }
    }
    closed
}

/// Tick `nth` joined to the one before it.
fn merged(schedule: &Schedule, nth: usize) -> Schedule {
    let mut schedule = schedule.clone();
    let tick = schedule.ticks.remove(nth);
    schedule.ticks[nth - 1].commands.extend(tick.commands);
    schedule
}

/// One command moved to the end of the tick before its own.
fn earlier(schedule: &Schedule, tick: usize, who: Wid) -> Schedule {
    let mut schedule = schedule.clone();
    let commands = &mut schedule.ticks[tick].commands;
    let nth = commands.iter().position(|&(worker, _)| worker == who).expect("the command is there");
    let moved = commands.remove(nth);
    schedule.ticks[tick - 1].commands.push(moved);
    schedule.ticks.retain(|tick| !tick.commands.is_empty());
    schedule
}

fn by_worker(schedule: &Schedule) -> Schedule {
    let mut schedule = schedule.clone();
    schedule.ticks.iter_mut().for_each(|tick| tick.commands.sort());
    schedule
}

/// Workers named in the order in which they first act.
fn renamed(schedule: &Schedule) -> Schedule {
    let mut order: Vec<Wid> = Vec::new();
    for (_, worker, _) in schedule.commands() {
        if !order.contains(&worker) {
            order.push(worker);
        }
    }
    let mut schedule = schedule.clone();
    rename(&mut schedule, |old| order.iter().position(|&w| w == old).map_or(old, |nth| nth as Wid + 1));
    schedule
}

fn rename(schedule: &mut Schedule, new_name: impl Fn(Wid) -> Wid) {
    for (worker, _) in schedule.ticks.iter_mut().flat_map(|tick| &mut tick.commands) {
        *worker = new_name(*worker);
    }
}
