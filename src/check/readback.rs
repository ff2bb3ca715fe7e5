//! The law: what a worker reads back is what that worker wrote.

use crate::case::{Case, Scope};
use crate::history::{Event, History, Seen, What};
use crate::schedule::{Time, Wid};

use super::verdict::{Failure, Law};

/// The first read that broke the law. In scope `operation` the law asks less: a read sees one whole
/// write, the last one.
pub(super) fn first_wrong(case: &Case, history: &History) -> Option<Failure> {
    let mut wrote = vec![0; case.workers as usize + 1];
    for (nth, event) in history.events.iter().enumerate() {
        match event.what {
            What::Wrote => wrote[event.worker as usize] = event.tick,
            What::Read(saw) => {
                let broken = match case.scope {
                    Scope::Session | Scope::Transaction => {
                        let wrote = wrote[event.worker as usize];
                        (saw != Seen::Worker(event.worker)).then_some(Law::ReadBack { saw, wrote })
                    }
                    Scope::Operation => {
                        (!last_whole_write(history, nth, saw)).then_some(Law::LastWrite { saw })
                    }
                };
                if let Some(law) = broken {
                    return Some(failure(law, nth, event));
                }
            }
            _ => {}
        }
    }
    None
}

pub(super) fn failure(law: Law, nth: usize, event: &Event) -> Failure {
    Failure { law, worker: event.worker, tick: event.tick, command: event.command, event: nth }
}

/// Could this read have seen this, if each write and each read happened at one moment between its
/// beginning and its end? In a stepped run beginnings and ends are the places in the history, so
/// that exactly the last write is right.
fn last_whole_write(history: &History, read: usize, saw: Seen) -> bool {
    let Seen::Worker(writer) = saw else { return false };
    let read = span(history, read);
    let writes: Vec<(Wid, Span)> = (0..history.events.len())
        .filter(|&nth| history.events[nth].what == What::Wrote)
        .map(|nth| (history.events[nth].worker, span(history, nth)))
        .collect();
    let hidden = |seen: Span| writes.iter().any(|&(_, w)| seen.end < w.begin && w.end < read.begin);
    writes.iter().any(|&(by, seen)| by == writer && seen.begin < read.end && !hidden(seen))
}

#[derive(Clone, Copy)]
struct Span {
    begin: (Time, usize),
    end: (Time, usize),
}

/// From when the worker took the command, or got its lock, until it was done.
fn span(history: &History, end: usize) -> Span {
    let done = &history.events[end];
    let begins = |e: &Event| e.worker == done.worker && matches!(e.what, What::Began | What::Locked);
    let begin = (0..end).rev().find(|&nth| begins(&history.events[nth])).unwrap_or(end);
    let at = |nth: usize| (history.events[nth].at, nth);
    Span { begin: at(begin), end: at(end) }
}
