//! How many cases a second does the stepped engine run, and how many could anybody?
//!
//! Five contestants take turns with the same cases, on tmpfs and on disk:
//!
//! | column | what it does |
//! |---|---|
//! | alone | a floor: one thread makes the files and lock calls of all workers, in the same order |
//! | relay | a floor: real threads or processes do, each waking the next; no scheduler, no history, no check |
//! | ours | generate, run, check: the whole way of a case |
//! | two jobs | the same on two cores, each with an engine and a folder of its own, added up |
//! | shuttle | its random scheduler: coroutines with its own mutex, the same writes and reads of files |
//!
//! `cargo bench --bench cases` takes three minutes. Words pick rows (`-- flock 5 tmpfs`), `--quick`
//! takes rough figures, and `-- soak 100000` runs so many cases and shows what they leave behind.

mod contest;
mod floor;
mod medium;
mod ours;
mod peer;
mod script;
mod soak;

use std::env;
use std::process::ExitCode;

use lockfuzz::worker;

use contest::{Contest, Row};
use medium::Medium;

fn main() -> ExitCode {
    // Cargo says `--bench` to every benchmark.
    let words: Vec<String> = env::args().skip(1).filter(|word| word != "--bench").collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    if let [floor::WORKER, wid, lock, folder] = words[..] {
        floor::work(wid, lock, folder);
        return ExitCode::SUCCESS;
    }
    // Before any worker is made: workers stay where their driver is.
    let cores = worker::cores().expect("a process has cores");
    worker::pin(cores[0]).expect("its own core");
    if let ["soak", cases] = words[..] {
        return soak::run(cases.parse().expect("a number of cases"));
    }
    let quick = words.contains(&"--quick");
    let words: Vec<&str> = words.into_iter().filter(|&word| word != "--quick").collect();
    let media = Medium::all();
    let rows: Vec<Row> = Row::all(&media).filter(|row| words.iter().all(|word| row.is(word))).collect();
    if rows.is_empty() {
        eprintln!("no row is all of this: {}", words.join(" "));
        return ExitCode::from(2);
    }
    let contest = if quick { Contest::quick(&cores) } else { Contest::whole(&cores) };
    contest.run(&media, &rows);
    ExitCode::SUCCESS
}
