//! What strace writes of a worker, and where in it the calls of a history are.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::history::What;
use crate::schedule::Wid;

/// The files by which a program says that it is inside, and no longer.
pub(super) const ENTER: &str = "lockfuzz:enter";
pub(super) const LEAVE: &str = "lockfuzz:leave";

/// One call.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    thread: u32,
    call: String,
    /// The last names of the files that it is about.
    names: Vec<String>,
    /// The name of the error, where it is one.
    error: Option<String>,
}

/// Which call of a thread it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) call: String,
    /// Counted from 1, as strace counts: the calls of this name of this thread.
    pub(super) nth: u32,
    /// No other thread of the worker makes as many.
    pub(super) alone: bool,
}

/// The calls of one worker.
#[derive(Clone, Debug, Default)]
pub(super) struct Trace(Vec<Line>);

/// Is it something that strace sees as a call?
pub(super) fn is_call(what: &What) -> bool {
    match what {
        What::Note(text) => text.contains('('),
        What::Entered | What::Left => true,
        _ => false,
    }
}

/// The same; or, `by_name`, does strace see it where it looks at the calls on some files alone?
pub(super) fn is_seen(what: &What, by_name: bool) -> bool {
    is_call(what) && (!by_name || !matches!(what, What::Note(_)) || !names(what).is_empty())
}

/// For a sentence.
pub(super) fn shown(what: &What) -> String {
    match what {
        What::Note(text) => text.split(" = ").next().unwrap_or(text).to_owned(),
        What::Entered => ENTER.to_owned(),
        What::Left => LEAVE.to_owned(),
        _ => "its next call".to_owned(),
    }
}

/// The names that a call of a history is about, as they are shown.
pub(super) fn names(what: &What) -> Vec<&str> {
    let What::Note(text) = what else { return Vec::new() };
    let Some((_, words)) = text.split_once('(') else { return Vec::new() };
    let (call, mut rest) = (call_of(text), words);
    let mut names = Vec::new();
    while let Some((name, after)) = rest.strip_prefix('"').and_then(|rest| rest.split_once('"')) {
        // Whether it is still there is no part of its name.
        names.push(name.strip_suffix(" (deleted)").unwrap_or(name));
        rest = after.trim_start_matches(", ");
        // What comes next is what was written.
        if call.contains("write") {
            break;
        }
    }
    names
}

fn call_of(text: &str) -> &str {
    text.split('(').next().unwrap_or_default()
}

impl Trace {
    /// Of a script's run in this folder, with the folders that are watched besides; empty where it never came so far.
    pub(super) fn read(folder: &Path, watched: &[PathBuf], worker: Wid) -> Trace {
        let text = fs::read(folder.join("log").join(worker.to_string())).unwrap_or_default();
        let roots: Vec<PathBuf> = watched.iter().cloned().chain([folder.join("work")]).collect();
        Trace::parse(&String::from_utf8_lossy(&text), &roots)
    }

    /// Files that have whole paths count only if they are in one of these folders.
    fn parse(text: &str, roots: &[PathBuf]) -> Trace {
        let mut trace: Vec<Line> = Vec::new();
        let mut unfinished: HashMap<u32, usize> = HashMap::new();
        for line in text.lines() {
            // A pid, spaces up to a column, the time, and what was done.
            let Some((thread, rest)) = line.split_once(' ') else { continue };
            let (Ok(thread), Some((_, said))) = (thread.parse(), rest.trim_start().split_once(' ')) else {
                continue;
            };
            let said = said.trim_start();
            if said.starts_with("<... ") {
                if let Some(begun) = unfinished.remove(&thread) {
                    trace[begun].error = error(said);
                }
                continue;
            }
            let Some((call, words)) = said.split_once('(') else { continue };
            if call.is_empty() || !call.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
                continue;
            }
            if said.ends_with("<unfinished ...>") {
                unfinished.insert(thread, trace.len());
            }
            // What is read or written is no name.
            let is_content = call.contains("write") || call.contains("read") && !call.starts_with("readlink");
            let words = if is_content { words.split('"').next().unwrap_or_default() } else { words };
            let call = call.to_owned();
            trace.push(Line { thread, call, names: last_names(words, roots), error: error(said) });
        }
        Trace(trace)
    }

    /// Follows what a worker did in the history: the place of the last of it, `Some(None)` where that is nothing, and
    /// `None` where it does something else.
    #[allow(clippy::option_option)]
    pub(super) fn follow<'a>(&self, calls: impl Iterator<Item = &'a What>) -> Option<Option<usize>> {
        let mut at = None;
        for what in calls {
            at = Some(self.find(at, what, true)?);
        }
        Some(at)
    }

    /// The first call behind `after` that is this one, with the same result where that is asked for.
    pub(super) fn find(&self, after: Option<usize>, what: &What, same_result: bool) -> Option<usize> {
        let start = after.map_or(0, |at| at + 1);
        (start..self.0.len()).find(|&nth| self.0[nth].is(what, same_result))
    }

    /// The calls behind it, as far as nothing is done to a file before them.
    pub(super) fn next(&self, after: Option<usize>) -> std::ops::Range<usize> {
        let start = after.map_or(0, |at| at + 1);
        let is_idle =
            |line: &Line| line.names.is_empty() || line.call == "fcntl" || line.call.starts_with("dup");
        let idle = self.0[start..].iter().take_while(|line| is_idle(line)).count();
        start..(start + idle + 1).min(self.0.len())
    }

    /// As strace counts it.
    pub(super) fn place(&self, at: usize) -> Place {
        let Line { thread, call, .. } = &self.0[at];
        let mut counts: HashMap<u32, u32> = HashMap::new();
        for line in self.0.iter().filter(|line| line.call == *call) {
            *counts.entry(line.thread).or_default() += 1;
        }
        let until = self.0[..=at].iter();
        let nth = until.filter(|line| line.call == *call && line.thread == *thread).count() as u32;
        let alone = counts.iter().all(|(other, &count)| other == thread || count < nth);
        Place { call: call.clone(), nth, alone }
    }
}

impl Line {
    fn is(&self, what: &What, same_result: bool) -> bool {
        let looks_for = |name: &str| self.names.iter().any(|mine| mine == name);
        let text = match what {
            What::Entered => return looks_for(ENTER),
            What::Left => return looks_for(LEAVE),
            What::Note(text) => text,
            _ => return false,
        };
        let call = call_of(text);
        // fstat is newfstatat in newer libraries, and told by its older name.
        let alike = call == self.call || call.contains("stat") && self.call.contains("stat");
        let named = names(what).into_iter().all(|name| {
            let last = Path::new(name).file_name().map_or(name.into(), |last| last.to_string_lossy());
            name == "." || self.names.iter().any(|mine| fits(&last, mine))
        });
        let result = text.rsplit_once(") = ").map_or("", |(_, result)| result);
        let failed = result.starts_with('E').then(|| result.split(',').next().unwrap_or_default());
        alike && named && (!same_result || failed == self.error.as_deref())
    }
}

/// Is it this name, in which a pid is told as `PID1`?
fn fits(name: &str, said: &str) -> bool {
    let Some((before, after)) = name.split_once("PID") else { return name == said };
    let digits = |text: &str| text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let Some(said) = said.strip_prefix(before) else { return false };
    let (worker, pid) = (digits(after), digits(said));
    worker > 0 && pid > 0 && fits(&after[worker..], &said[pid..])
}

/// `openat(...) = -1 ENOENT (No such file or directory)`
fn error(said: &str) -> Option<String> {
    let (_, result) = said.rsplit_once(" = -1 E")?;
    Some(format!("E{}", result.split(' ').next().unwrap_or_default()))
}

/// The last names of the paths among the words of a call, quoted or behind descriptors.
fn last_names(words: &str, roots: &[PathBuf]) -> Vec<String> {
    let words = words.rsplit_once(") = ").map_or(words, |(words, _)| words);
    let mut names = Vec::new();
    let mut rest = words;
    while let Some(start) = rest.find(['"', '<']) {
        let descriptor = rest[start..].starts_with('<');
        // That of the folder in which a name is looked for says nothing.
        let is_base = descriptor && rest[..start].ends_with("AT_FDCWD");
        let after = &rest[start + 1..];
        let Some(end) = after.find(if descriptor { '>' } else { '"' }) else { break };
        let path = PathBuf::from(&after[..end]);
        let here = !path.is_absolute() || roots.iter().any(|root| path.starts_with(root));
        if here
            && !is_base
            && let Some(name) = path.file_name()
        {
            names.push(name.to_string_lossy().into_owned());
        }
        rest = &after[end + 1..];
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = r#"71 1795614518.288080 openat(AT_FDCWD</t/work>, "/lib/lock", O_RDONLY) = 3</lib/lock> <0.000016>
71 1795614518.288080 openat(AT_FDCWD</t/work>, "lock", O_RDWR|O_CREAT) = 3</t/work/lock> <0.000016>
72   1795614518.300000 openat(AT_FDCWD</t/work>, "lock", O_RDWR <unfinished ...>
71 1795614518.310000 flock(3</t/work/lock>(deleted), LOCK_EX) = 0 <0.000007>
72 1795614518.320000 <... openat resumed>) = -1 EEXIST (File exists) <0.020000>
71 1795614518.320000 --- SIGCHLD {si_signo=SIGCHLD} ---
71 1795614518.330000 newfstatat(AT_FDCWD</t/work>, "lockfuzz:enter", 0x7ffc, 0) = -1 ENOENT (No such file or directory) <0.1>
71 1795614518.340000 write(4</t/work/lock.71>, "lock", 4) = 4 <0.1>
71 1795614518.350000 +++ exited with 0 +++
"#;

    fn trace() -> Trace {
        Trace::parse(LOG, &[PathBuf::from("/t/work")])
    }

    fn note(text: &str) -> What {
        What::Note(text.to_owned())
    }

    #[test]
    fn calls_are_counted_by_thread_and_name() {
        let trace = trace();
        let open = trace.find(None, &note(r#"openat("lock", O_RDWR|O_CREAT) = 3"#), true).unwrap();
        // The dynamic loader's counts, though nobody watches it; the other thread's does not.
        assert_eq!(trace.place(open), Place { call: "openat".to_owned(), nth: 2, alone: true });
        let other = trace.find(None, &note(r#"openat("lock", O_RDWR) = EEXIST"#), true).unwrap();
        assert_eq!(trace.place(other), Place { call: "openat".to_owned(), nth: 1, alone: false });
    }

    #[test]
    fn who_is_to_be_killed_may_go_on_until_a_file_is_touched() {
        let trace = trace();
        assert_eq!(trace.next(None), 0..2, "the first one is on a file of nobody here");
        assert_eq!(trace.next(Some(1)), 2..3);
        assert_eq!(trace.next(Some(5)), 6..6, "it has made no other");
    }

    #[test]
    fn a_history_is_followed_by_call_name_and_result() {
        let trace = trace();
        let did = [
            note(r#"openat("lock", O_RDWR|O_CREAT) = 3"#),
            note(r#"flock("lock", LOCK_EX) = 0"#),
            What::Entered,
            note(r#"write("lock.PID1", "lock") = 4"#),
        ];
        assert_eq!(trace.follow(did.iter()), Some(Some(5)));
        assert_eq!(trace.follow(did[..0].iter()), Some(None));
        let other = [note(r#"openat("lock", O_RDWR|O_CREAT) = ENOENT"#)];
        assert_eq!(trace.follow(other.iter()), None, "its result is another one");
        assert_eq!(trace.find(None, &other[0], false), Some(1));
        assert_eq!(trace.follow([&did[1], &did[0]].into_iter()), None, "the order is another one");
        assert_eq!(trace.find(None, &note(r#"write("lock", "lock") = 4"#), false), None, "a text is no name");
    }

    #[test]
    fn the_names_of_a_note() {
        assert_eq!(names(&note(r#"rename("a", "b") = 0"#)), ["a", "b"]);
        assert_eq!(names(&note(r#"write("a", "b") = 1"#)), ["a"]);
        assert_eq!(names(&note("exit_group(0)")), [""; 0]);
        assert!(!is_call(&note("its timer rings: SIGALRM")), "what comes to a worker is none of its calls");
        assert!(fits("x.PID1.tmp", "x.4711.tmp") && !fits("x.PID1", "x.y") && !fits("x", "y"));
    }
}
