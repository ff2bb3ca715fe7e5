//! Every sound lock: proved for two workers, and for three where that takes less than a minute.

use std::sync::Arc;
use std::time::{Duration, Instant};

use lockfuzz::campaign::Row;
use lockfuzz::prove::{Answer, Prover, Question, Why};
use lockfuzz::report::count;

use crate::{Place, label};

/// So long for three workers.
const MINUTE: Duration = Duration::from_secs(60);

pub fn table(place: &Place, rows: &[Row]) -> bool {
    println!("Proofs: every interleaving of so many workers that take the lock once.\n");
    println!("{:<31}{:>9}{:>12}{:>10}  result", "lock", "workers", "executions", "seconds");
    let mut well = true;
    // Who is killed is asked for by `prove --crashes`; these are the claims without faults.
    for row in rows.iter().filter(|row| row.faults.is_none()) {
        for workers in [2, 3] {
            let question = Question { workers, ..Question::new(row.lock, row.placement) };
            // In a mixture of two there is no second process.
            if workers < row.placement.fewest() || !question.is_claimed() {
                continue;
            }
            let start = Instant::now();
            let deadline = (workers > 2).then(|| start + MINUTE);
            let mut prover = Prover::new(&place.staff(), None, deadline, Arc::default())
                .expect("the folder can be written");
            let (executions, result) = match prover.answer(question).expect("the engine works") {
                Answer::Proved(certificate) => (certificate.search.progress.executions, "proved"),
                Answer::Short(short) if short.why == Why::Time => (short.executions, "over a minute"),
                Answer::Short(short) => {
                    well = false;
                    (short.executions, "NOT KNOWN")
                }
                Answer::Broken(broken) => {
                    well = false;
                    (broken.row.evidence.cases, "BROKEN")
                }
            };
            let (executions, seconds) = (count(executions), start.elapsed().as_secs_f64());
            println!("{:<31}{workers:>9}{executions:>12}{seconds:>10.1}  {result}", label(row));
        }
    }
    println!();
    well
}
