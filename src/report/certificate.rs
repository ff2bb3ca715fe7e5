//! What came of a proof: the certificate, in words and as JSON (format `lockfuzz/proof/1`).

use std::fmt::Write;

use serde::Serialize;

use super::terminal::{self, Manner};
use super::{count, wrapped};
use crate::case::MAX_STEPS;
use crate::interleave::Reduction;
use crate::json::readable;
use crate::prove::{Answer, Broken, Certificate, Point, Points, Question, Search, Shortfall, Why};

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

fn bound(preemptions: Option<u32>) -> String {
    match preemptions {
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

/// What stands in a certificate, whatever it is about.
struct Sheet<'a> {
    subject: String,
    promise: String,
    search: &'a Search,
    workers: u32,
    bound: String,
    faults: String,
    assumed: &'a [&'a str],
    control: String,
}

/// How much was run, in words.
fn searched(search: &Search, complete: bool) -> String {
    let progress = search.progress;
    let cut = match progress.cut {
        0 => String::new(),
        cut => format!(" ({} of them cut: the rest was known)", count(cut)),
    };
    let (histories, outcomes) = (count(search.histories), count(search.outcomes.len() as u64));
    let all = if complete { "complete" } else { "complete within its bound" };
    format!(
        "{all}: {}{cut}, {histories} different histories, {outcomes} in the eyes of the workers",
        executions(progress.executions)
    )
}

/// What was left out because of the bound.
fn beyond(preemptions: Option<u32>, beyond: u64) -> String {
    match (preemptions, beyond) {
        (None, _) => String::new(),
        (Some(_), 0) => ", and there are none with more".to_owned(),
        (Some(_), beyond) => format!("; {} choices would have been more, and were left out", count(beyond)),
    }
}

fn sheet(sheet: &Sheet<'_>, complete: bool) -> String {
    let Sheet { search, .. } = sheet;
    let mut text = format!("PROVED  {}\n\n", wrapped("", 0, &sheet.subject).trim_end());
    let mut line = |label: &str, words: &str| text += &wrapped(label, LABEL, words);
    line("promise", &sheet.promise);
    line("search", &searched(search, complete));
    line("bound", &sheet.bound);
    line("faults", &sheet.faults);
    line("reduction", reduction(search.reduction));
    for worker in 1..=sheet.workers {
        let points = search.points.of(worker);
        let words: Vec<String> = points.iter().map(point).collect();
        line(if worker == 1 { "points" } else { "" }, &format!("worker {worker}: {}", words.join("; ")));
    }
    let (dependent, pairs) = (search.points.dependent().count(), search.points.pairs());
    line("dependent", &format!("{dependent} of {pairs} pairs of points of different workers (in the JSON)"));
    for (nth, assumed) in sheet.assumed.iter().enumerate() {
        line(if nth == 0 { "assumed" } else { "" }, &format!("- {assumed}"));
    }
    line("control", &sheet.control);
    text
}

fn proved(certificate: &Certificate) -> String {
    let Certificate { question, search, control, .. } = certificate;
    let beyond = beyond(question.preemptions, search.progress.beyond);
    let most = count(MAX_STEPS.into());
    let whole = Sheet {
        subject: subject(question),
        promise: format!("{} {}", question.lock.name, question.lock.promise),
        search,
        workers: question.workers,
        bound: format!("{}{beyond}; none of more than {most} steps came up", bound(question.preemptions)),
        faults: faults(question),
        assumed: &ASSUMED,
        control: self::control(control.as_ref()),
    };
    sheet(&whole, search.progress.beyond == 0)
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

#[derive(Default, Serialize)]
struct Proof {
    lock: String,
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
    assumed: Vec<String>,
    control: Option<Control>,
    seconds: f64,
    counterexample: Option<std::path::PathBuf>,
}

#[derive(Serialize)]
struct Control {
    lock: String,
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

fn seconds(time: std::time::Duration) -> f64 {
    (time.as_secs_f64() * 1e3).round() / 1e3
}

/// With all that the search says.
fn of_search(search: &Search, assumed: &[impl ToString], proof: Proof) -> Proof {
    let points: &Points = &search.points;
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
        points: (1..=proof.workers).map(words).collect(),
        dependent: points.dependent().map(pair).collect(),
        assumed: assumed.iter().map(ToString::to_string).collect(),
        ..proof
    }
}

fn proof(answer: &Answer) -> Proof {
    let of = |question: &Question, verdict| Proof {
        lock: question.lock.name.to_owned(),
        placement: question.placement.name(),
        workers: question.workers,
        acquires: question.acquires,
        crashes: question.faults.crashes,
        preemptions: question.preemptions,
        verdict,
        ..Proof::default()
    };
    match answer {
        Answer::Proved(certificate) => {
            let Certificate { question, search, control, took } = &**certificate;
            let whole = of(question, "proved");
            let control = control.map(|(control, execution)| Control {
                lock: control.lock.name.to_owned(),
                workers: control.workers,
                execution,
            });
            Proof { control, seconds: seconds(*took), ..of_search(search, &ASSUMED, whole) }
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

/// The same of a program that knows nothing of lockfuzz.
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
pub mod of_program {
    use super::{
        Control as Neighbour, Document, Proof as Entry, Sheet, beyond, bound, executions, of_search,
    };
    use super::{readable, seconds, sheet, wrapped};
    use crate::job::Job;
    use crate::report::{count, program};
    use crate::run::Plan;
    use crate::run::proof::{Certificate, Control, Proof, Shortfall, Why};

    /// What such a certificate takes for granted, a sentence each.
    pub const ASSUMED: [&str; 8] = [
        "control passes from one worker to another before a call on a watched file, a look at another worker, an \
         end, and after a pause; between two of these the threads and children of a worker go on in one order",
        "nothing passes between workers but by those calls: no memory that they share, no mapped file, no socket",
        "two calls depend on each other when both touch the same name, inode, lock or worker and one may change \
         it, and a listing on every name in its folder; nobody goes by the numbers of inodes, by the order of a \
         listing, or by access times",
        "who is kept out by a lock waits until somebody gives one on that file back, and then tries again",
        "the clock moves when all wait or sleep, so nobody is held up for longer than another sleeps, and nobody \
         is killed; it goes by no other clock and no other chance",
        "who sleeps for up to 1 s may go on at any time; where it did and met the same as before its last sleep, \
         or has met the same three times without sleeping, when something changes that it looked at",
        "no call fails of itself: no disk is full, no signal comes",
        "all file systems behave as the one that was used",
    ];

    const PROMISE: &str = "nobody ends badly, no two are inside at once, nobody waits for ever, and what else was \
                           asked for holds at the end";

    /// Proved, broken, or neither.
    pub fn answer(job: &Job, plan: &Plan, proof: &Proof, colour: bool) -> String {
        match proof {
            Proof::Proved(certificate) => proved(job, plan, certificate),
            Proof::Broken(report) => program::report(job, plan, report, colour),
            Proof::Short(short) => wrapped("", 0, &format!("NOT KNOWN  {}", reason(short))),
        }
    }

    fn subject(job: &Job, plan: &Plan) -> String {
        let commands: Vec<_> = job.commands.iter().map(Job::shown).collect();
        format!("{}: {} workers", commands.join(" | "), plan.workers)
    }

    fn assumed(certificate: &Certificate) -> Vec<&'static str> {
        let often =
            "who was woken eight times by what others changed slept on until the clock moved; that came up";
        ASSUMED.into_iter().chain(certificate.hurried.then_some(often)).collect()
    }

    fn control_name(control: Control) -> &'static str {
        match control {
            Control::Deaf => "the same program with a broken lock",
            Control::Planted => "a script that looks for the lock before it makes it",
        }
    }

    fn proved(job: &Job, plan: &Plan, certificate: &Certificate) -> String {
        let Certificate { search, bound: most, execution, .. } = certificate;
        let beyond = match certificate.cut_short {
            true => "; the time was up before those with more".to_owned(),
            false => beyond(*most, search.progress.beyond),
        };
        let how = match certificate.control {
            Control::Deaf => " (each call that takes a lock is told that it has taken it)",
            Control::Planted => " (nothing that this program calls could be broken in the same way)",
        };
        let name = control_name(certificate.control);
        let whole = Sheet {
            subject: subject(job, plan),
            promise: PROMISE.to_owned(),
            search,
            workers: plan.workers,
            bound: format!("{}{beyond}", bound(*most)),
            faults: "none: nobody is killed, and nobody is stalled".to_owned(),
            assumed: &assumed(certificate),
            control: format!(
                "{name}{how}, searched in the same way, breaks in execution {}",
                count(*execution)
            ),
        };
        let complete = search.progress.beyond == 0 && !certificate.cut_short;
        sheet(&whole, complete)
    }

    /// Which assumption does not hold.
    fn reason(short: &Shortfall) -> String {
        let after = format!("after {}", executions(short.executions));
        let list = |all: &std::collections::BTreeSet<String>| {
            all.iter().take(3).map(String::as_str).collect::<Vec<_>>().join(", ")
        };
        match &short.why {
            Why::Time => format!(
                "the time was up {after}, and there are more; a longer --for, or a bound such as --preemptions 2, \
                 may come to an end"
            ),
            Why::Interrupted => format!("interrupted {after}, and there are more"),
            Why::Unrepeatable(None) => format!("{after} the same choices led to other calls than before"),
            Why::Unrepeatable(Some(divergence)) => {
                format!("{after} the same choices led to other calls than before: {divergence}")
            }
            Why::Unclear(reason) => format!("{after}: {reason}"),
            Why::Endless => format!("{after}: somebody tries again and again without end"),
            Why::Strange(calls) => {
                format!("{after}: of {} on a watched path it is not known what it depends on", list(calls))
            }
            Why::Mapped(files) => {
                format!("{after}: {} is mapped, and what is done there is not seen", list(files))
            }
            Why::Daemons => format!("{after}: something was left running when the workers had ended"),
            Why::Blind => format!(
                "nothing wrong was found in {}, nor with the same program when each call that takes a lock is \
                 told that it has taken it, so this search proves nothing; let it say when it is inside, or add \
                 --check",
                executions(short.executions)
            ),
        }
    }

    /// The document, in the format of all proofs.
    ///
    /// # Errors
    /// When a path cannot be written as JSON (it is not UTF-8).
    pub fn document(
        job: &Job,
        plan: &Plan,
        proof: &Proof,
        preemptions: Option<u32>,
    ) -> serde_json::Result<String> {
        let of = |verdict| Entry {
            lock: job.commands.iter().map(Job::shown).collect::<Vec<_>>().join(" | "),
            placement: "processes",
            workers: plan.workers,
            acquires: 1,
            preemptions,
            verdict,
            ..Entry::default()
        };
        let entry = match proof {
            Proof::Proved(certificate) => {
                let Certificate { search, bound, control, execution, took, .. } = &**certificate;
                let whole = Entry { preemptions: *bound, ..of("proved") };
                let control = Neighbour {
                    lock: control_name(*control).to_owned(),
                    workers: plan.workers,
                    execution: *execution,
                };
                let whole = of_search(search, &assumed(certificate), whole);
                Entry { control: Some(control), seconds: seconds(*took), ..whole }
            }
            Proof::Broken(report) => {
                let found = report.counterexample.as_ref();
                Entry {
                    executions: report.schedules,
                    seconds: seconds(report.took),
                    counterexample: found.and_then(|found| found.path.clone()),
                    ..of("broken")
                }
            }
            Proof::Short(short) => {
                Entry { why: Some(reason(short)), executions: short.executions, ..of("not known") }
            }
        };
        readable(&Document { format: "lockfuzz/proof/1", proofs: vec![entry] })
    }
}
