//! The page that an interleaving is written on.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::super::steps::Step;
use crate::schedule::Wid;

/// Where the first lane begins.
const MARGIN: usize = 6;

/// What is being written.
pub(super) struct Page {
    pub text: String,
    /// From one lane to the next; 0 for a list.
    pitch: usize,
    workers: Vec<Wid>,
}

impl Page {
    /// With a lane for each of these workers, if there are three at most.
    pub fn new(workers: BTreeSet<Wid>) -> Self {
        let pitch = match workers.len() {
            0..=2 => 36,
            3 => 25,
            _ => 0,
        };
        Page { text: String::new(), pitch, workers: workers.into_iter().collect() }
    }

    fn line(&mut self, number: &str, rest: &str) {
        // A range may take a column or two of the gap.
        let number = if number.len() < MARGIN { format!("{number:>4}") } else { " ...".to_owned() };
        let line = format!("{number:MARGIN$}{rest}");
        let _ = writeln!(self.text, "{}", line.trim_end());
    }

    pub fn head(&mut self) {
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

    pub fn step(&mut self, number: usize, step: &Step) {
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
                cells[lane] = wrap(&format!("{} since step {since}", step.state), width);
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

    pub fn folded(&mut self, first: usize, last: usize, worker: Option<Wid>) {
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

    /// What is left out at the end.
    pub fn rest(&mut self, steps: usize) {
        self.line("", &format!("... {steps} more step{}", if steps == 1 { "" } else { "s" }));
    }

    /// A line for itself.
    pub fn remark(&mut self, text: &str) {
        let _ = writeln!(self.text, "{text}");
    }

    /// An arrow from the one who is made to stop to the one who goes on.
    pub fn preempted(&mut self, from: Wid, to: Wid) {
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
