//! What came of a proof: the certificate, in words and as JSON (format `lockfuzz/proof/1`).

use std::fmt::Write;

use serde::Serialize;

use super::terminal::{self, Manner};
use super::{count, wrapped};
use crate::case::MAX_STEPS;
use crate::interleave::Reduction;
use crate::json::readable;
use crate::prove::{Answer, Broken, Certificate, Point, Question, Shortfall, Why};

/// What every certificate takes for granted, a sentence each.
pub const ASSUMED: [&str; 6] = [
    "control passes from one worker to another at points only, and all see the same order of steps",
    "one call of lockfuzz::fs is one step, and so is a write or a read of the shared file",
    "two steps depend on each other when both touch the same name, inode, lock or piece of memory and \
     one may change it; looking for a name depends on making, moving and removing it, the number of \
     links on each of the inode's names, listing a folder on everything; nobody looks at access times",
    "who finds the lock taken tries again once something that it looked at has changed",
    "no call fails of itself: no disk is full, no signal comes",
    "all file systems behave as the one that was used",
];

const LABEL: usize = 11;

/// Proved, broken, or neither: everything about one question.
pub fn answer(answer: &Answer, manner: Manner) -> String {
    match answer {
        Answer::Proved(certificate) => proved(certificate),
        Answer::Broken(broken) => self::broken(broken, manner),
        Answer::Short(short) => self::short(short),
    }
}

/// `excl, threads: 2 workers, each takes the lock once`
fn subject(question: &Question) -> String {
    let Question { lock, placement, workers, acquires, .. } = question;
    let times = match acquires {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        times => format!("{times} times"),
    };
    format!("{}, {}: {workers} workers, each takes the lock {times}", lock.name, placement.name())
}

fn bound(question: &Question) -> String {
    match question.preemptions {
        None => "none on preemptions".to_owned(),
        Some(1) => "at most 1 preemption".to_owned(),
        Some(most) => format!("at most {most} preemptions"),
    }
}

fn faults(question: &Question) -> String {
    match question.faults.crashes {
        0 => "none: nobody is killed".to_owned(),
        1 => "1 crash: one process is killed, at any point or at none".to_owned(),
        crashes => format!("{crashes} crashes: so many processes are killed, at any points"),
    }
}

fn reduction(reduction: Reduction) -> &'static str {
    match reduction {
        Reduction::Off => "none: every interleaving was run",
        Reduction::SleepSets => "sleep sets (Godefroid 1996): one order of independent steps stands for all",
    }
}

fn executions(number: u64) -> String {
    if number == 1 { "1 execution".to_owned() } else { format!("{} executions", count(number)) }
}

fn proved(certificate: &Certificate) -> String {
    let Certificate { question, search, control, .. } = certificate;
    let progress = search.progress;
    let mut text = format!("PROVED  {}\n\n", subject(question));
    let mut line = |label: &str, words: &str| text += &wrapped(label, LABEL, words);
    line("promise", &format!("{} {}", question.lock.name, question.lock.promise));
    let cut = match progress.cut {
        0 => String::new(),
        cut => format!(" ({} of them cut: the rest was known)", count(cut)),
    };
    let (histories, outcomes) = (count(search.histories), count(search.outcomes.len() as u64));
    let all = if progress.beyond == 0 { "complete" } else { "complete within its bound" };
    line(
        "search",
        &format!(
            "{all}: {}{cut}, {histories} different histories, {outcomes} in the eyes of the workers",
            executions(progress.executions)
        ),
    );
    let beyond = match (question.preemptions, progress.beyond) {
        (None, _) => String::new(),
        (Some(_), 0) => ", and there are none with more".to_owned(),
        (Some(_), beyond) => format!("; {} choices would have been more, and were left out", count(beyond)),
    };
    line(
        "bound",
        &format!("{}{beyond}; none of more than {} steps came up", bound(question), count(MAX_STEPS.into())),
    );
    line("faults", &faults(question));
    line("reduction", reduction(search.reduction));
    for worker in 1..=question.workers {
        let points = search.points.of(worker);
        let words: Vec<String> = points.iter().map(point).collect();
        line(if worker == 1 { "points" } else { "" }, &format!("worker {worker}: {}", words.join("; ")));
    }
    let (dependent, pairs) = (search.points.dependent().count(), search.points.pairs());
    line("dependent", &format!("{dependent} of {pairs} pairs of points of different workers (in the JSON)"));
    for (nth, assumed) in ASSUMED.iter().enumerate() {
        line(if nth == 0 { "assumed" } else { "" }, &format!("- {assumed}"));
    }
    line("control", &self::control(control.as_ref()));
    text
}

fn control(control: Option<&(Question, u64)>) -> String {
    match control {
        None => "none: no broken neighbour of this lock is known".to_owned(),
        Some((Question { lock, workers, .. }, nth)) => format!(
            "{} ({workers} workers), searched in the same way, breaks in execution {}",
            lock.name,
            count(*nth)
        ),
    }
}

fn point(point: &Point) -> String {
    let Point { step, ended } = point;
    if ended.iter().all(|ended| ended.is_empty() || ended == "ok") {
        return step.clone();
    }
    format!("{step} ({})", ended.join(", "))
}

fn broken(broken: &Broken, manner: Manner) -> String {
    let Broken { question, row } = broken;
    let nth = row.counterexample.as_ref().map_or(0, |found| found.found_in_case);
    let how = format!("found in execution {} of all interleavings", count(nth));
    let mut text = terminal::broken(row, &how, manner);
    if !question.is_claimed() {
        text += &wrapped("claim", 8, "as it says: it does not claim to exclude all of these workers");
    }
    text
}

fn short(short: &Shortfall) -> String {
    wrapped("", 0, &format!("NOT KNOWN  {}: {}", subject(&short.question), reason(short)))
}

/// How far it came, and why no further.
fn reason(short: &Shortfall) -> String {
    let after = format!("after {}", executions(short.executions));
    match short.why {
        Why::Time => format!("the time was up {after}, and there are more"),
        Why::Interrupted => format!("interrupted {after}, and there are more"),
        Why::Unrepeatable => format!("{after} the same choices did not lead to the same steps any more"),
        Why::Unclear(reason) => format!("{after}: {reason}"),
        Why::Faults => "a certificate is given with crashes alone, and with no other faults".to_owned(),
        Why::Blind => format!(
            "it is broken, and {} have not shown it, so this search proves nothing; allow more preemptions",
            executions(short.executions)
        ),
    }
}

/// The head of the table of several proofs.
pub fn table_head() -> String {
    format!("{}\n", row(["lock", "placement", "workers", "executions", "cut", "histories", "control"]))
}

/// One line of the table; a broken lock has its block.
pub fn table_row(answer: &Answer, manner: Manner) -> String {
    match answer {
        Answer::Proved(certificate) => {
            let Certificate { question, search, control, .. } = &**certificate;
            let control = control
                .map_or("none known".to_owned(), |(control, nth)| format!("{} in {nth}", control.lock.name));
            let cells = [
                question.lock.name,
                question.placement.name(),
                &question.workers.to_string(),
                &count(search.progress.executions),
                &count(search.progress.cut),
                &count(search.histories),
                &control,
            ];
            format!("{}\n", row(cells))
        }
        other => self::answer(other, manner),
    }
}

fn row([lock, placement, workers, executions, cut, histories, control]: [&str; 7]) -> String {
    format!("{lock:<15}{placement:<11}{workers:>7}{executions:>11}{cut:>9}{histories:>10}  {control}")
}

#[derive(Serialize)]
struct Document {
    format: &'static str,
    proofs: Vec<Proof>,
}

#[derive(Serialize)]
struct Proof {
    lock: &'static str,
    placement: &'static str,
    workers: u32,
    acquires: u32,
    crashes: u32,
    preemptions: Option<u32>,
    verdict: &'static str,
    why: Option<String>,
    executions: u64,
    cut: u64,
    beyond: u64,
    histories: u64,
    outcomes: u64,
    reduction: Option<&'static str>,
    points: Vec<Vec<String>>,
    dependent: Vec<String>,
    assumed: Vec<&'static str>,
    control: Option<Control>,
    seconds: f64,
    counterexample: Option<std::path::PathBuf>,
}

#[derive(Serialize)]
struct Control {
    lock: &'static str,
    workers: u32,
    execution: u64,
}

/// The document, with a newline at its end.
///
/// # Errors
/// When a path cannot be written as JSON (it is not UTF-8).
pub fn document(answers: &[Answer]) -> serde_json::Result<String> {
    let proofs = answers.iter().map(proof).collect();
    readable(&Document { format: "lockfuzz/proof/1", proofs })
}

fn proof(answer: &Answer) -> Proof {
    let of = |question: &Question, verdict| Proof {
        lock: question.lock.name,
        placement: question.placement.name(),
        workers: question.workers,
        acquires: question.acquires,
        crashes: question.faults.crashes,
        preemptions: question.preemptions,
        verdict,
        why: None,
        executions: 0,
        cut: 0,
        beyond: 0,
        histories: 0,
        outcomes: 0,
        reduction: None,
        points: Vec::new(),
        dependent: Vec::new(),
        assumed: Vec::new(),
        control: None,
        seconds: 0.0,
        counterexample: None,
    };
    let seconds = |time: std::time::Duration| (time.as_secs_f64() * 1e3).round() / 1e3;
    match answer {
        Answer::Proved(certificate) => {
            let Certificate { question, search, control, took } = &**certificate;
            let points = &search.points;
            let words = |worker| points.of(worker).iter().map(point).collect();
            let pair = |[(one, a), (two, b)]: [(u32, &Point); 2]| {
                format!("worker {one}: {}; worker {two}: {}", a.step, b.step)
            };
            Proof {
                executions: search.progress.executions,
                cut: search.progress.cut,
                beyond: search.progress.beyond,
                histories: search.histories,
                outcomes: search.outcomes.len() as u64,
                reduction: Some(match search.reduction {
                    Reduction::Off => "none",
                    Reduction::SleepSets => "sleep-sets",
                }),
                points: (1..=question.workers).map(words).collect(),
                dependent: points.dependent().map(pair).collect(),
                assumed: ASSUMED.to_vec(),
                control: control.map(|(control, execution)| Control {
                    lock: control.lock.name,
                    workers: control.workers,
                    execution,
                }),
                seconds: seconds(*took),
                ..of(question, "proved")
            }
        }
        Answer::Broken(broken) => {
            let found = broken.row.counterexample.as_ref();
            Proof {
                executions: found.map_or(0, |found| found.found_in_case),
                seconds: seconds(broken.row.spent),
                counterexample: found.and_then(|found| found.path.clone()),
                ..of(&broken.question, "broken")
            }
        }
        Answer::Short(short) => {
            let mut why = reason(short);
            let _ = write!(why, " ({})", short.question.lock.name);
            Proof { why: Some(why), executions: short.executions, ..of(&short.question, "not known") }
        }
    }
}
