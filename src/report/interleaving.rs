//! An interleaving: a run with points inside its commands as text, at most 80 columns wide.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::moves::{Word, shown, word};
use crate::case::Case;
use crate::check::{Failure, Law, Reason};
use crate::history::{Event, History, Seen, What};
use crate::schedule::Wid;

/// Runs of up to so many steps are shown whole.
const WHOLE: usize = 32;
/// So many steps before the failure are always shown.
const LAST: usize = 24;
/// How many steps are shown at most.
const MOST: usize = 36;
/// Where the first lane begins.
const MARGIN: usize = 6;

/// An event that tells something; its place in the list is its number, counted from 0.
struct Step {
    event: usize,
    worker: Wid,
    text: String,
    /// Who else is inside, and since which step.
    others: Vec<(Wid, usize)>,
    /// The worker that could have gone on, had this one not been chosen.
    preempts: Option<Wid>,
}

/// A line, or several steps in one.
enum Row {
    Step(usize),
    Folded(usize, usize),
}

/// The steps in lines: one lane for each of up to three workers, else a list. Where a worker is made to
/// stop that could have gone on, an arrow says so.
pub(super) fn interleaving(case: &Case, history: &History, failure: Option<&Failure>) -> String {
    let fails = failure.and_then(|failure| shown(failure, history));
    let steps = steps(case, history, fails);
    let fails = fails.and_then(|fails| steps.iter().position(|step| step.event == fails));
    let keep = keep(&steps, history, failure, fails);
    let rows = rows(&keep);
    let workers: BTreeSet<Wid> = rows.iter().filter_map(|row| one_worker(row, &steps)).collect();
    let workers: Vec<Wid> = workers.into_iter().collect();
    let mut page = Page { text: String::new(), pitch: 0, workers };
    page.pitch = match page.workers.len() {
        0..=2 => 36,
        3 => 25,
        _ => 0,
    };
    page.head();
    let shown = rows.len();
    for (nth, row) in rows.iter().enumerate() {
        let (first, last) = match *row {
            Row::Step(step) => (step, step),
            Row::Folded(first, last) => (first, last),
        };
        let rest = nth + 1 == shown && last + 1 == steps.len() && !keep[last];
        if rest && (failure.is_none() || fails.is_some_and(|fails| fails < first)) {
            let more = last + 1 - first;
            page.line("", &format!("... {more} more step{}", if more == 1 { "" } else { "s" }));
            continue;
        }
        if let Some(from) = steps[first].preempts {
            page.preempted(from, steps[first].worker);
        }
        match one_worker(row, &steps) {
            _ if first == last => page.step(first + 1, &steps[first]),
            Some(worker) => page.folded(first + 1, last + 1, Some(worker)),
            None => page.folded(first + 1, last + 1, None),
        }
    }
    for &missing in &history.missing {
        let _ = writeln!(page.text, "{}", Reason::Missing(missing));
    }
    page.text
}

fn steps(case: &Case, history: &History, fails: Option<usize>) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut inside: Vec<(Wid, usize)> = Vec::new();
    let mut file = None;
    let mut before: Option<&Event> = None;
    for (nth, event) in history.events.iter().enumerate() {
        if event.what == What::Wrote {
            file = Some(event.worker);
        }
        let wrong = fails == Some(nth);
        if let Some(mut text) = words(&event.what, wrong) {
            match word(case.scope, event, file) {
                _ if wrong => text += "  WRONG",
                Word::Wrong => text += "  WRONG",
                Word::Ok => text += "  ok",
                Word::Nothing => {}
            }
            let others = if event.what == What::Locked { inside.clone() } else { Vec::new() };
            let stopped = |e: &&Event| e.worker != event.worker && !ended(&e.what);
            let preempts = before.filter(stopped).map(|e| e.worker);
            steps.push(Step { event: nth, worker: event.worker, text, others, preempts });
        }
        match event.what {
            What::Locked => inside.push((event.worker, steps.len())),
            What::Unlocked => inside.retain(|&(holder, _)| holder != event.worker),
            _ => {}
        }
        before = Some(event);
    }
    steps
}

/// After this a worker does not go on by itself.
fn ended(what: &What) -> bool {
    what.ends_a_stretch()
}

fn words(what: &What, wrong: bool) -> Option<String> {
    Some(match what {
        What::Began => return None,
        What::Exited if !wrong => return None,
        What::Exited => "exit".to_owned(),
        What::Locked => "HOLDS".to_owned(),
        What::Blocked => "waits".to_owned(),
        What::GaveUp => "gives up".to_owned(),
        What::Wrote => "write".to_owned(),
        What::Read(seen) => format!("read: {seen}"),
        What::Unlocked => "gives back".to_owned(),
        What::Failed(errno) => format!("failed (errno {errno})"),
        What::Slept(until) => format!("sleeps until {until} s"),
        What::Stalled => "STALLED: the clock moves".to_owned(),
        What::Crashed => "KILLED".to_owned(),
        What::Refused => "refused: too late".to_owned(),
        What::Note(note) => ascii(note),
    })
}

fn ascii(text: &str) -> String {
    let plain = |c: char| if (' '..='~').contains(&c) { c } else { '?' };
    text.replace('\u{2026}', "...").chars().map(plain).collect()
}

/// Which steps are shown.
fn keep(steps: &[Step], history: &History, failure: Option<&Failure>, fails: Option<usize>) -> Vec<bool> {
    let end = fails.map_or(steps.len(), |fails| fails + 1);
    let mut keep: Vec<bool> = (0..steps.len()).map(|nth| nth < end).collect();
    let Some(failure) = failure else {
        keep.iter_mut().skip(MOST).for_each(|kept| *kept = false);
        return keep;
    };
    if end <= WHOLE {
        return keep;
    }
    let last = end.saturating_sub(1 + LAST);
    keep[..last].fill(false);
    let what = |nth: usize| &history.events[steps[nth].event].what;
    let mut pair = vec![failure.worker];
    match failure.law {
        Law::ExcludesLess { holder } => pair.push(holder),
        Law::ReadBack { saw: Seen::Worker(other), .. } => pair.push(other),
        _ => {}
    }
    let mut room = MOST - LAST - 1;
    let mut whole = keep.clone();
    // The steps that say who got in, and then those that led there, the latest first.
    for &worker in &pair {
        let mine: Vec<usize> = (0..end).filter(|&nth| steps[nth].worker == worker).collect();
        let Some(held) = mine.iter().rposition(|&nth| *what(nth) == What::Locked) else { continue };
        let begins = |nth: &usize| ended(what(*nth)) || *what(*nth) == What::Unlocked;
        let first = mine[..held].iter().rposition(begins).map_or(0, |nth| nth + 1);
        for (nth, &step) in mine[first..=held].iter().rev().enumerate() {
            whole[step] = true;
            if nth == 0 && !keep[step] {
                (keep[step], room) = (true, room.saturating_sub(1));
            }
        }
    }
    for nth in (0..last).rev().filter(|&nth| whole[nth]) {
        if room > 0 && !keep[nth] {
            (keep[nth], room) = (true, room - 1);
        }
    }
    keep
}

fn rows(keep: &[bool]) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut nth = 0;
    while nth < keep.len() {
        let run = keep[nth..].iter().take_while(|&&kept| !kept).count();
        // One step takes no more room than to say that it is left out.
        rows.push(if run > 1 { Row::Folded(nth, nth + run - 1) } else { Row::Step(nth) });
        nth += run.max(1);
    }
    rows
}

/// Whose row it is, if it is one worker's.
fn one_worker(row: &Row, steps: &[Step]) -> Option<Wid> {
    match *row {
        Row::Step(nth) => Some(steps[nth].worker),
        Row::Folded(first, last) => {
            let worker = steps[first].worker;
            steps[first..=last].iter().all(|step| step.worker == worker).then_some(worker)
        }
    }
}

/// What is being written.
struct Page {
    text: String,
    /// From one lane to the next; 0 for a list.
    pitch: usize,
    workers: Vec<Wid>,
}

impl Page {
    fn line(&mut self, number: &str, rest: &str) {
        // A range may take a column or two of the gap.
        let number = if number.len() < MARGIN { format!("{number:>4}") } else { " ...".to_owned() };
        let line = format!("{number:MARGIN$}{rest}");
        let _ = writeln!(self.text, "{}", line.trim_end());
    }

    fn head(&mut self) {
        let head = match self.pitch {
            0 => "worker  what".to_owned(),
            pitch => {
                self.workers.iter().map(|worker| format!("{:pitch$}", format!("worker {worker}"))).collect()
            }
        };
        self.line("step", &head);
    }

    fn lane(&self, worker: Wid) -> Option<usize> {
        self.workers.iter().position(|&other| other == worker)
    }

    fn step(&mut self, number: usize, step: &Step) {
        if self.pitch == 0 {
            let others: Vec<String> = step
                .others
                .iter()
                .map(|(worker, since)| format!("worker {worker} since step {since}"))
                .collect();
            let text = match others[..] {
                [] => step.text.clone(),
                _ => format!("{} ({})", step.text, others.join(", ")),
            };
            for (nth, part) in wrap(&text, 80 - MARGIN - 8).iter().enumerate() {
                let (number, worker) =
                    if nth == 0 { (number.to_string(), step.worker.to_string()) } else { Default::default() };
                self.line(&number, &format!("{worker:>6}  {part}"));
            }
            return;
        }
        let width = self.pitch - 2;
        let mut cells = vec![Vec::new(); self.workers.len()];
        for (worker, since) in &step.others {
            if let Some(lane) = self.lane(*worker) {
                cells[lane] = wrap(&format!("HOLDS since step {since}"), width);
            }
        }
        if let Some(lane) = self.lane(step.worker) {
            cells[lane] = wrap(&step.text, width);
        }
        for nth in 0..cells.iter().map(Vec::len).max().unwrap_or(0) {
            let pitch = self.pitch;
            let line: String = cells
                .iter()
                .map(|cell| format!("{:pitch$}", cell.get(nth).map_or("", String::as_str)))
                .collect();
            self.line(&if nth == 0 { number.to_string() } else { String::new() }, &line);
        }
    }

    fn folded(&mut self, first: usize, last: usize, worker: Option<Wid>) {
        let range = format!("{first}-{last}");
        let steps = last + 1 - first;
        let lane = worker.and_then(|worker| self.lane(worker));
        let rest = match (self.pitch, worker, lane) {
            (0, Some(worker), _) => format!("{worker:>6}  ({steps} steps folded)"),
            (0, None, _) => format!("{:8}({steps} steps folded)", ""),
            (pitch, Some(_), Some(lane)) => format!("{:1$}({steps} steps folded)", "", lane * pitch),
            _ => format!("({steps} steps of several workers folded)"),
        };
        self.line(&range, &rest);
    }

    /// An arrow from the one who is made to stop to the one who goes on.
    fn preempted(&mut self, from: Wid, to: Wid) {
        let rest = match (self.lane(from), self.lane(to)) {
            (Some(one), Some(other)) if self.pitch > 0 => {
                let (left, right) = (one.min(other), one.max(other));
                let length = (right - left) * self.pitch - 4;
                let arrow = format!("{:-^1$}", " preempted ", length - 1);
                let arrow = if one < other { format!("{arrow}>") } else { format!("<{arrow}") };
                format!("{:1$}{arrow}", "", left * self.pitch)
            }
            _ => format!("------- worker {from} preempted ------->"),
        };
        self.line("", &rest);
    }
}

/// In lines of at most so many columns, broken between words where that can be.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut rest = text;
    while !rest.is_empty() {
        let indent = if lines.len() == 1 { "" } else { "  " };
        let room = width - indent.len();
        let cut = if rest.len() <= room {
            rest.len()
        } else {
            rest[..=room].rfind(' ').filter(|&at| at > 0).unwrap_or(room)
        };
        *lines.last_mut().expect("one is there") = format!("{indent}{}", &rest[..cut]);
        rest = rest[cut..].trim_start();
        if !rest.is_empty() {
            lines.push(String::new());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::super::moves::short;
    use super::*;
    use crate::case::Scope;
    use crate::history::{Absence, Missing};
    use crate::schedule::{Command, Time};

    /// Steps such as `1 open "lock": ok`, one a line: `L`ocked, `B`locked, `W`rote, a digit for what it
    /// saw, `U`nlocked, e`X`ited, or a note.
    fn history(text: &str) -> History {
        let event = |line: &str| {
            let (worker, what) = line.trim().split_once(' ').unwrap();
            let (mut command, what) = (Command::Write, what.trim());
            let what = match what {
                "L" => What::Locked,
                "B" => What::Blocked,
                "W" => What::Wrote,
                "U" => What::Unlocked,
                "X" => What::Exited,
                "F" => What::Failed(5),
                _ => match what.parse() {
                    Ok(saw) => {
                        command = Command::Read;
                        What::Read(Seen::Worker(saw))
                    }
                    Err(_) => What::Note(what.to_owned()),
                },
            };
            Event { tick: 0, at: Time::ZERO, worker: worker.parse().unwrap(), command, what }
        };
        let events = text.lines().filter(|line| !line.trim().is_empty()).map(event).collect();
        History { events, ..History::default() }
    }

    fn case(lock: &str, workers: u32) -> Case {
        Case { choices: Some(Vec::new()), ..short::case(lock, workers, Scope::Session) }
    }

    /// The last event at which somebody gets in fails.
    fn less(history: &History, holder: Wid) -> Failure {
        let at = history.events.iter().rposition(|e| e.what == What::Locked).unwrap();
        short::failure(Law::ExcludesLess { holder }, history, at)
    }

    /// What is printed, after a look at what holds for all of them.
    fn lines(workers: u32, history: &History, failure: Option<&Failure>) -> String {
        let text = super::super::timeline::timeline(&case("any", workers), history, failure);
        for line in text.lines() {
            assert!(line.len() <= 80 && line.trim_end() == line && line.is_ascii(), "{line:?}");
        }
        text
    }

    #[test]
    fn two_workers_break_exists_create() {
        let history = history(
            r#"1 exists "lock": no
            2 exists "lock": no
            2 write "lock" "2": ok
            2 L
            2 W
            1 write "lock" "1": ok
            1 L
            1 W
            1 X
            2 1
            2 X"#,
        );
        let failure = less(&history, 2);
        let expected = "\
step  worker 1                            worker 2
   1  exists \"lock\": no
      ---------- preempted ---------->
   2                                      exists \"lock\": no
   3                                      write \"lock\" \"2\": ok
   4                                      HOLDS
   5                                      write
      <---------- preempted ----------
   6  write \"lock\" \"1\": ok
   7  HOLDS  WRONG                        HOLDS since step 4
      ... 2 more steps
";
        assert_eq!(lines(2, &history, Some(&failure)), expected);
    }

    fn unlinked() -> History {
        history(
            r#"1 open "lock": ok
            1 try_lock "lock": ok
            1 L
            2 open "lock": ok
            2 try_lock "lock": would block
            2 B
            3 open "lock": ok
            3 try_lock "lock": would block
            3 B
            1 W
            1 1
            1 U
            1 remove_file "lock": ok
            1 close "lock": ok
            2 try_lock "lock": ok
            2 L
            2 W
            2 2
            2 U
            2 remove_file "lock": not found
            3 try_lock "lock": would block
            3 B
            2 close "lock": ok
            2 X
            3 try_lock "lock": ok
            3 L
            1 create_new "a rather long name of it": ok
            1 L
            1 W
            1 X"#,
        )
    }

    #[test]
    fn three_workers_and_what_has_no_part_is_folded() {
        // What worker 2 does first has no part in it.
        let mut history = history(&"2 exists \"lock\": yes\n".repeat(20));
        history.events.extend(unlinked().events);
        history.missing.push(Missing { worker: 3, command: Command::Exit, why: Absence::Died });
        let failure = less(&history, 3);
        let text = lines(3, &history, Some(&failure));
        let shown: Vec<&str> = text.lines().collect();
        assert!(shown.len() <= 48, "{text}");
        assert_eq!(shown[1], "1-22  (22 steps of several workers folded)", "{text}");
        let end = "\
      <----------------- preempted -----------------
  46  create_new \"a rather
        long name of it\": ok
  47  HOLDS  WRONG                                      HOLDS since step 45
      ... 1 more step
worker 3 is gone (its process ended); it was told: exit
";
        assert!(text.ends_with(end), "{text}");
    }

    #[test]
    fn five_workers_make_a_list() {
        let mut text = String::new();
        for worker in [5, 4, 3, 2] {
            text += &format!("{worker} exists \"lock\": no\n");
        }
        text += "1 F\n2 create \"lock\": ok\n2 L\n3 create \"lock\": ok\n3 L\n3 W";
        let history = history(&text);
        let failure = less(&history, 2);
        let expected = "\
step  worker  what
   1       5  exists \"lock\": no
      ------- worker 5 preempted ------->
   2       4  exists \"lock\": no
      ------- worker 4 preempted ------->
   3       3  exists \"lock\": no
      ------- worker 3 preempted ------->
   4       2  exists \"lock\": no
      ------- worker 2 preempted ------->
   5       1  failed (errno 5)
   6       2  create \"lock\": ok
   7       2  HOLDS
      ------- worker 2 preempted ------->
   8       3  create \"lock\": ok
   9       3  HOLDS  WRONG (worker 2 since step 7)
      ... 1 more step
";
        assert_eq!(lines(5, &history, Some(&failure)), expected);
    }

    #[test]
    fn a_run_that_passes() {
        let history = history("1 mkdir: ok\n1 L\n2 mkdir: exists\n2 B\n1 W\n1 1\n1 U\n1 X\n2 mkdir: ok\n2 L");
        let expected = "\
step  worker 1                            worker 2
   1  mkdir: ok
   2  HOLDS
      ---------- preempted ---------->
   3                                      mkdir: exists
   4                                      waits
   5  write
   6  read: worker 1  ok
   7  gives back
   8                                      mkdir: ok
   9                                      HOLDS
";
        assert_eq!(lines(2, &history, None), expected);
        let text = "1 W\n".repeat(MOST + 10);
        assert!(lines(2, &self::history(&text), None).ends_with("\n      ... 10 more steps\n"));
    }
}
