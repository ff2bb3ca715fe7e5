//! The sequential model: what each worker must meet and read, said before the run.
//!
//! It knows nothing of threads, files or locks. It walks the plan of a case in the order that the
//! stepped engine keeps (see `doc/design.md`, "Who is next") and takes the lock at its word.

use crate::case::{Case, Plan};
use crate::history::Seen;
use crate::lock::Promise;
use crate::schedule::{Command, Time, Wid};

/// What a worker does with one command, once it is let go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Move {
    /// The tick in which the command was due.
    pub tick: usize,
    /// Who.
    pub worker: Wid,
    /// Which command.
    pub command: Command,
    /// What came of it.
    pub outcome: Outcome,
}

/// What comes of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The lock is held by somebody whom it excludes.
    Blocked,
    /// It waited for as long as this lock waits.
    GaveUp,
    /// It wrote.
    Wrote,
    /// It read, and saw this.
    Read(Seen),
    /// It left.
    Exited,
}

/// All moves of a case, in order, if the lock keeps this promise and nothing else.
pub fn predict(case: &Case, promise: Promise) -> Vec<Move> {
    let plan = case.plan();
    let mut model = Model::new(case, &plan, promise);
    for (tick, &time) in plan.times.iter().enumerate() {
        model.give_up_until(time);
        model.now = time;
        let asked = model.delivered..plan.steps.partition_point(|step| step.tick <= tick);
        for worker in &mut model.workers {
            worker.rank = None;
        }
        for place in asked.clone() {
            model.workers[plan.steps[place].worker as usize].rank = Some(place);
        }
        model.delivered = asked.end;
        model.settle();
    }
    model.give_up_until(Time::from_micros(u64::MAX));
    model.moves
}

struct Model<'a> {
    case: &'a Case,
    plan: &'a Plan,
    promise: Promise,
    workers: Vec<Worker>,
    /// The steps before this one are in the mailboxes.
    delivered: usize,
    now: Time,
    last_writer: Option<Wid>,
    moves: Vec<Move>,
}

#[derive(Clone, Default)]
struct Worker {
    /// Its commands, as places in the plan, the next one last.
    mail: Vec<usize>,
    holds: bool,
    /// The place of what it is asked in this tick.
    rank: Option<usize>,
    /// Since when it waits for the lock.
    waits_since: Option<Time>,
    /// Nothing was given back since it last tried.
    blocked: bool,
}

impl<'a> Model<'a> {
    fn new(case: &'a Case, plan: &'a Plan, promise: Promise) -> Self {
        let mut workers = vec![Worker::default(); case.workers as usize + 1];
        for (place, step) in plan.steps.iter().enumerate().rev() {
            workers[step.worker as usize].mail.push(place);
        }
        let (now, moves) = (Time::ZERO, Vec::with_capacity(plan.steps.len() * 2));
        Model { case, plan, promise, workers, delivered: 0, now, last_writer: None, moves }
    }

    /// Lets everybody move who can: first whoever is asked in this tick, in its order, then whoever
    /// came first.
    fn settle(&mut self) {
        while let Some(worker) = self.next() {
            self.act(worker);
        }
    }

    fn next(&self) -> Option<usize> {
        let rank = |w: &Worker| {
            let head = *w.mail.last()?;
            let can = head < self.delivered && !w.blocked;
            can.then_some((w.rank.is_none(), w.rank.unwrap_or(head)))
        };
        let all = self.workers.iter().enumerate();
        all.filter_map(|(w, worker)| rank(worker).map(|rank| (rank, w))).min().map(|(_, w)| w)
    }

    fn act(&mut self, w: usize) {
        let place = *self.workers[w].mail.last().expect("only who has mail is next");
        let command = self.plan.steps[place].command;
        if command != Command::Exit && !self.workers[w].holds && !self.acquire(w) {
            return self.record(place, Outcome::Blocked);
        }
        self.workers[w].mail.pop();
        let outcome = match command {
            Command::Write => {
                self.last_writer = Some(w as Wid);
                Outcome::Wrote
            }
            Command::Read => Outcome::Read(self.last_writer.map_or(Seen::Missing, Seen::Worker)),
            Command::Exit => Outcome::Exited,
        };
        self.record(place, outcome);
        if self.workers[w].holds && self.case.scope.gives_back_after(command) {
            self.workers[w].holds = false;
            self.workers.iter_mut().for_each(|worker| worker.blocked = false);
        }
    }

    fn acquire(&mut self, w: usize) -> bool {
        let taken = (1..self.workers.len()).any(|h| {
            let claim = self.promise.claim;
            self.workers[h].holds && claim.excludes(self.case.placement, h as Wid, w as Wid)
        });
        let worker = &mut self.workers[w];
        worker.holds = !taken;
        worker.blocked = taken;
        worker.waits_since = taken.then(|| worker.waits_since.unwrap_or(self.now));
        !taken
    }

    /// Moves the clock to `time`; whoever's patience ends on the way leaves.
    fn give_up_until(&mut self, time: Time) {
        let Some(patience) = self.promise.patience else { return };
        loop {
            let waiting = self.workers.iter().enumerate();
            let ends = waiting.filter_map(|(w, worker)| Some((worker.waits_since? + patience, w)));
            let Some((end, w)) = ends.min().filter(|&(end, _)| end <= time) else { return };
            self.now = self.now.max(end);
            let place = *self.workers[w].mail.last().expect("who waits has a command");
            self.record(place, Outcome::GaveUp);
            let worker = &mut self.workers[w];
            (worker.waits_since, worker.blocked) = (None, false);
            worker.mail.truncate(1);
            self.settle();
        }
    }

    fn record(&mut self, place: usize, outcome: Outcome) {
        let step = self.plan.steps[place];
        self.moves.push(Move { tick: step.tick, worker: step.worker, command: step.command, outcome });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::{Faults, Placement, Scope};
    use crate::lock::Claim;
    use crate::lock::Withstands;
    use crate::schedule::{Order, original};

    fn case(workers: u32, scope: Scope, text: &str) -> Case {
        let schedule = text.parse().unwrap();
        let (placement, order) = (Placement::Threads, Order::AsGenerated);
        Case {
            lock: "any".into(),
            placement,
            scope,
            order,
            workers,
            schedule,
            choices: None,
            faults: Faults::NONE,
        }
    }

    /// Moves in short: worker, first letter of the command, and what came of it.
    fn moves(case: &Case, claim: Claim, patience: Option<u64>) -> String {
        let promise = Promise {
            claim,
            patience: patience.map(Time::from_micros),
            withstands: Withstands { crash: false, ..Withstands::ALL },
            fenced: false,
        };
        let word = |m: &Move| {
            let what = match m.outcome {
                Outcome::Blocked => "blocked".to_owned(),
                Outcome::GaveUp => "gave up".to_owned(),
                Outcome::Read(Seen::Worker(by)) => format!("saw {by}"),
                Outcome::Read(other) => format!("{other:?}"),
                Outcome::Wrote | Outcome::Exited => "ok".to_owned(),
            };
            format!("{}{} {what}", m.worker, m.command.name().chars().next().unwrap())
        };
        predict(case, promise).iter().map(word).collect::<Vec<_>>().join(", ")
    }

    const CROSSED: &str = "0 [(1,'write')]\n1 [(2,'write')]\n2 [(1,'read')]\n3 [(2,'read')]";

    #[test]
    fn without_exclusion_the_last_write_is_seen() {
        let case = case(2, Scope::Session, CROSSED);
        assert_eq!(moves(&case, Claim::Nobody, None), "1w ok, 2w ok, 1r saw 2, 2r saw 2, 1e ok, 2e ok");
        let apart = Case { placement: Placement::Processes, ..case };
        assert_eq!(
            moves(&apart, Claim::SameProcess, None),
            moves(&apart, Claim::Nobody, None),
            "a claim on one process is none on two"
        );
    }

    #[test]
    fn a_session_is_held_until_the_exit() {
        let case = case(2, Scope::Session, CROSSED);
        let kept = "1w ok, 2w blocked, 1r saw 1, 1e ok, 2w ok, 2r saw 2, 2e ok";
        assert_eq!(moves(&case, Claim::Everyone, None), kept);
        assert_eq!(moves(&case, Claim::SameProcess, None), kept);
    }

    #[test]
    fn a_transaction_is_held_until_the_read_and_an_operation_not_even_that() {
        let transaction = case(2, Scope::Transaction, CROSSED);
        assert_eq!(
            moves(&transaction, Claim::Everyone, None),
            "1w ok, 2w blocked, 1r saw 1, 2w ok, 2r saw 2, 1e ok, 2e ok"
        );
        let operation = case(2, Scope::Operation, CROSSED);
        assert_eq!(
            moves(&operation, Claim::Everyone, None),
            "1w ok, 2w ok, 1r saw 2, 2r saw 2, 1e ok, 2e ok"
        );
    }

    #[test]
    fn whoever_waits_longest_tries_first_and_all_who_wait_try() {
        let three = "0 [(1,'write'),(3,'write'),(2,'write')]\n1 [(1,'read'),(2,'read'),(3,'read')]\n\
                     2 [(1,'exit')]\n3 [(2,'exit'),(3,'exit')]";
        assert_eq!(
            moves(&case(3, Scope::Session, three), Claim::Everyone, None),
            "1w ok, 3w blocked, 2w blocked, 1r saw 1, 1e ok, 3w ok, 2w blocked, 3r saw 3, 3e ok, \
             2w ok, 2r saw 2, 2e ok"
        );
    }

    #[test]
    fn patience_ends_between_two_ticks_and_when_nobody_can_move() {
        let held = "0 [(1,'write')]\n0.000010 [(2,'write')]\n0.000100 [(1,'read'),(2,'read')]";
        assert_eq!(
            moves(&case(2, Scope::Session, held), Claim::Everyone, Some(60)),
            "1w ok, 2w blocked, 2w gave up, 1r saw 1, 1e ok, 2e ok"
        );
        assert_eq!(
            moves(&case(2, Scope::Session, held), Claim::Everyone, Some(1000)),
            "1w ok, 2w blocked, 1r saw 1, 1e ok, 2w ok, 2r saw 2, 2e ok"
        );
    }

    #[test]
    fn the_original_without_exclusion_races_for_everybody_but_the_last() {
        let schedule = original(5, Time::from_secs(2.0).unwrap());
        let text = schedule.to_string();
        let text = moves(&case(5, Scope::Session, &text), Claim::Nobody, None);
        let reads: Vec<&str> = text.split(", ").filter(|m| m.contains("saw")).collect();
        assert_eq!(reads, ["1r saw 2", "2r saw 3", "3r saw 4", "4r saw 5", "5r saw 5"]);
    }
}
