//! A run in numbered sentences.

use super::moves::{Word, telling};
use super::note::Note;
use super::steps::{Row, ascii, fold, steps};
use super::wrapped;
use crate::case::{CallFault, Case};
use crate::check::Failure;
use crate::history::{History, What};

/// What happened up to the failure, one sentence a step. The numbers are those of the timeline; a run in
/// order is told by its ticks.
pub fn sentences(case: &Case, history: &History, failure: &Failure) -> String {
    match case.choices {
        Some(_) => by_step(case, history, failure),
        None => by_tick(case, history, failure),
    }
}

fn by_step(case: &Case, history: &History, failure: &Failure) -> String {
    let steps = steps(case, history, Some(failure));
    let mut text = String::new();
    for row in fold(&steps, history, Some(failure)) {
        let step = &steps[row.first()];
        if let (Some(from), Row::Step(_) | Row::Folded(..)) = (step.preempts, row) {
            text +=
                &wrapped("", 6, &format!("(Worker {from} is stopped here; worker {} goes on.)", step.worker));
        }
        match row {
            Row::Step(nth) => {
                let did = did(&history.events[step.event].what).unwrap_or_default();
                let also = step
                    .others
                    .iter()
                    .map(|(who, since)| format!("; worker {who} has it since step {since}"));
                let wrong = if step.fails { ": WRONG" } else { "" };
                let sentence = format!("worker {} {did}{}{wrong}", step.worker, also.collect::<String>());
                text += &wrapped(&format!("{:>4}.", nth + 1), 6, &sentence);
            }
            Row::Folded(first, last) => {
                text +=
                    &wrapped("", 6, &format!("(Steps {} to {} have no part in it.)", first + 1, last + 1));
            }
            Row::Rest(_) => {}
        }
    }
    text
}

fn by_tick(case: &Case, history: &History, failure: &Failure) -> String {
    let moves = telling(case, history, Some(failure));
    let end = moves.iter().position(|m| m.fails).map_or(moves.len(), |nth| nth + 1);
    let mut text = String::new();
    for (nth, m) in moves[..end].iter().enumerate() {
        let part = |(what, word): &(What, Word)| {
            let wrong = if *word == Word::Wrong { ": WRONG" } else { "" };
            did(what).map(|did| did + wrong)
        };
        let parts: Vec<String> = m.events.iter().filter_map(part).collect();
        let sentence = format!("in tick {} worker {} {}", m.tick, m.worker, parts.join(", then "));
        text += &wrapped(&format!("{:>4}.", nth + 1), 6, &sentence);
    }
    text
}

/// What a worker does, after its name; `None` for what tells nothing.
fn did(what: &What) -> Option<String> {
    Some(match what {
        What::Began => return None,
        What::Locked => "has the lock now".to_owned(),
        What::Blocked => "has to wait".to_owned(),
        What::GaveUp => "gives up waiting".to_owned(),
        What::Wrote => "writes its name into the shared file".to_owned(),
        What::Read(seen) => format!("reads the shared file and finds {seen}"),
        What::Unlocked => "begins to give the lock back".to_owned(),
        What::Exited => "leaves".to_owned(),
        What::Slept(until) => format!("sleeps until {until} s"),
        What::Stalled => "is stalled: the clock moves on although it could go on".to_owned(),
        What::Jumped => "is told another time: the clock is set back by an hour".to_owned(),
        What::CallFailed => "is let down by its file call, though nothing is wrong".to_owned(),
        What::Struck(fault) => befalls(*fault).to_owned(),
        What::Crashed => "is killed".to_owned(),
        What::Refused => "is refused: its lock has passed to another".to_owned(),
        What::Failed(errno) => format!("fails (errno {errno})"),
        What::Entered => "is inside now".to_owned(),
        What::Left => "leaves the inside".to_owned(),
        What::Quit(code) => format!("ends with exit code {code}"),
        What::Died(signal) => format!("is ended by signal {signal}"),
        What::Found(seen) => format!("finds what it did not write: {seen}"),
        What::CheckFailed(code) => format!("is the last; then the check ends with exit code {code}"),
        What::Note(note) => {
            ascii(&Note::parse(note).map_or_else(|| format!("does {note}"), |note| note.sentence()))
        }
    })
}

/// What befalls its next call.
fn befalls(fault: CallFault) -> &'static str {
    match fault {
        CallFault::Eintr => "is interrupted by a signal while it waits",
        CallFault::ShortWrite => "gets less written than it asks for",
        CallFault::ShortRead => "gets less to read than is there",
        CallFault::Enospc => "finds the disk full",
        CallFault::Eio => "cannot get to the disk what was written",
        CallFault::Estale => "is told that the file is no longer what it was",
    }
}

#[cfg(test)]
mod tests {
    use super::super::moves::short;
    use super::*;

    #[test]
    fn an_interleaving_in_sentences() {
        let (case, history, failure) = short::interleaved();
        let expected = "   1. worker 1 looks for \"lock\": it is not there
      (Worker 1 is stopped here; worker 2 goes on.)
   2. worker 2 looks for \"lock\": it is not there
   3. worker 2 writes \"2\" into \"lock\"
   4. worker 2 has the lock now
   5. worker 2 writes its name into the shared file
      (Worker 2 is stopped here; worker 1 goes on.)
   6. worker 1 writes \"1\" into \"lock\"
   7. worker 1 has the lock now; worker 2 has it since step 4
   8. worker 1 writes its name into the shared file
      (Worker 1 is stopped here; worker 2 goes on.)
   9. worker 2 reads the shared file and finds worker 1: WRONG
";
        assert_eq!(sentences(&case, &history, &failure), expected);
    }

    #[test]
    fn a_run_in_order_in_sentences() {
        let (case, history, failure) = short::crossed();
        let expected = "   1. in tick 0 worker 1 has the lock now, then writes its name into the shared
      file
   2. in tick 1 worker 2 has the lock now, then writes its name into the shared
      file
   3. in tick 2 worker 1 reads the shared file and finds worker 2: WRONG
";
        assert_eq!(sentences(&case, &history, &failure), expected);
    }
}
