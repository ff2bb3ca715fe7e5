//! The text of a script.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use super::log::{ENTER, LEAVE, names};
use super::timetable::Timetable;
use super::{Act, Injection, Placed, TIMES};
use crate::check::{Failure, Law};
use crate::job::Job;
use crate::regression::Saved;
use crate::report::block::quoted;
use crate::report::wrapped;
use crate::schedule::Wid;

/// The calls that strace is asked for: those on files, and those by which a worker is held besides.
const CALLS: &str = "%file,%desc,exit_group,kill,tgkill,pidfd_open";

/// What a script is written from.
pub(super) struct Sheet<'a> {
    pub(super) job: &'a Job,
    pub(super) saved: &'a Saved,
    pub(super) failure: &'a Failure,
    /// The file that the counterexample was saved in.
    pub(super) from: &'a Path,
    /// The version of strace.
    pub(super) strace: &'a str,
    pub(super) timetable: &'a Timetable,
}

impl Sheet<'_> {
    /// For how long a run of it is waited for: ten times what it takes, and a minute.
    pub(super) fn patience(&self) -> Duration {
        (self.timetable.end + Duration::from_millis(self.job.age)) * 10 + Duration::from_secs(60)
    }

    /// In a folder of its own, which is removed at the end; or in `kept`, which is there, and stays.
    pub(super) fn text(&self, placed: &Placed, kept: Option<&Path>) -> String {
        let mut text = self.head();
        text += &self.folder(kept);
        text += &self.starter(placed);
        for (nth, &(worker, time)) in self.timetable.starts.iter().enumerate() {
            let before = nth.checked_sub(1).map_or(Duration::ZERO, |nth| self.timetable.starts[nth].1);
            if time > before {
                let _ = writeln!(text, "sleep {}", seconds(time - before));
            }
            text += &self.worker(worker, placed);
        }
        text + &self.judgement(placed)
    }

    fn head(&self) -> String {
        let of = format!(
            "{}: {}. Written by lockfuzz {} from {}.",
            self.job.name(),
            self.failure.law.name(),
            env!("CARGO_PKG_VERSION"),
            self.from.display()
        );
        let paragraphs = [
            of,
            "The programs below are as they are. strace alone delays some of their calls, by so many \
             microseconds, so that the order comes about in which they break. lockfuzz has no part in it."
                .to_owned(),
            format!(
                "Ends with 1 and a line that begins with FAILED when the bug was seen, else with 0. It was \
                 printed after {TIMES} of {TIMES} runs had failed, with {}. On a slower machine make all \
                 times longer.",
                self.strace
            ),
        ];
        let paragraphs = paragraphs.iter().map(|text| comment(text)).collect::<Vec<_>>();
        format!("#!/bin/sh\n{}", paragraphs.join("#\n"))
    }

    fn folder(&self, kept: Option<&Path>) -> String {
        let mut text = String::from("\nset -u\n");
        text += "strace -o /dev/null true || { echo 'strace is missing, or may not trace' >&2; exit 2; }\n";
        match kept {
            Some(folder) => {
                let _ = writeln!(text, "workers=\ndir={}", quoted(folder));
            }
            None => {
                text += "dir=$(mktemp -d) || exit 2\nworkers=\n";
                text += "trap 'kill $workers 2> /dev/null; rm -rf \"$dir\"' EXIT\n";
                text += "trap 'exit 130' HUP INT TERM\n";
            }
        }
        text += "dir=$(cd \"$dir\" && pwd -P)\n";
        text += "mkdir \"$dir/work\" \"$dir/log\" && cd \"$dir/work\" || exit 2\n";
        let _ = writeln!(
            text,
            "export LOCKFUZZ_START_DIR={} LOCKFUZZ_WORKERS={}",
            quoted(&self.job.start_dir),
            self.saved.case.workers
        );
        if let Some(from) = &self.job.from {
            let _ = writeln!(text, "cp -a -- {} . || exit 2", quoted(&from.join(".")));
        }
        if let Some(line) = &self.job.prepare {
            let _ = writeln!(text, "sh -c {} < /dev/null || exit 2", word(line));
        }
        if self.job.age > 0 {
            let age = seconds(Duration::from_millis(self.job.age));
            let _ = writeln!(text, "sleep {age}  # so old is what is there when the workers start");
        }
        text
    }

    /// The function that starts one of them under its own strace, in the background.
    fn starter(&self, placed: &Placed) -> String {
        let mut words = vec!["-o \"$dir/log/$worker\"".to_owned()];
        if placed.by_name {
            words.extend(self.names().iter().map(|name| format!("-P {name}")));
        }
        words.push(format!("-e trace={CALLS}"));
        words.push("\"$@\"".to_owned());
        let line = lines("    exec strace -f -y -ttt -T".to_owned(), words, "        ");
        format!(
            "\n# start WORKER, what strace does to it, and its program\nstart() {{\n    worker=$1\n    shift\n    export LOCKFUZZ_WORKER=$worker\n{line} \\\n        \
             < /dev/null > \"$dir/log/$worker.out\" 2>&1\n}}\n"
        )
    }

    /// Starts one of them.
    fn worker(&self, worker: Wid, placed: &Placed) -> String {
        let mut words = injected(worker, &placed.injections);
        let command = self.job.command(worker).iter().map(|text| word(text)).collect::<Vec<_>>().join(" ");
        words.push(command);
        let line = lines(format!("start {worker}"), words, "    ");
        format!("\n{}{line} &\nworker_{worker}=$!\nworkers=\"$workers $!\"\n", self.told(worker, placed))
    }

    /// What is done to it, as a comment.
    fn told(&self, worker: Wid, placed: &Placed) -> String {
        let mine = placed.injections.iter().filter(|injection| injection.worker == worker);
        let acts: Vec<String> = mine
            .map(|Injection { call, nth, act, .. }| match act {
                Act::Before(time) => format!("held for {} s before its {call} no. {nth}", seconds(*time)),
                Act::After(time) => format!("held for {} s after its {call} no. {nth}", seconds(*time)),
                Act::Kill => format!("killed before its {call} no. {nth}"),
            })
            .collect();
        let counted = if placed.by_name { "of those on the files behind -P" } else { "of all that it makes" };
        comment(&match acts.is_empty() {
            true => format!("Worker {worker} is not held."),
            false => format!("Worker {worker} is {} ({counted}).", acts.join(", and ")),
        })
    }

    /// The files of the history, by their names in the folder and by their whole paths.
    fn names(&self) -> Vec<String> {
        let mut all: BTreeSet<&str> = BTreeSet::from([ENTER, LEAVE]);
        all.extend(self.saved.history.iter().flat_map(|event| names(&event.what)));
        let mut words = Vec::new();
        for name in all {
            if name == "." {
                words.extend([".", "\"$dir/work\""].map(str::to_owned));
                continue;
            }
            let path = quoted(Path::new(name));
            words.push(path.clone());
            if !name.starts_with('/') {
                words.push(format!("\"$dir/work\"/{path}"));
            }
        }
        words
    }

    /// Waits for all of them, and decides.
    fn judgement(&self, placed: &Placed) -> String {
        let mut all: Vec<Wid> = self.timetable.starts.iter().map(|&(worker, _)| worker).collect();
        all.sort_unstable();
        let mut text = String::from("\nfailed() {\n    echo \"FAILED: $*\"\n    exit 1\n}\n");
        match self.failure.law {
            Law::TwoInside { .. } => {
                let all: Vec<String> = all.iter().map(Wid::to_string).collect();
                text += &TWO_INSIDE.replace("WORKERS", &all.join(" "));
            }
            Law::CheckFailed { .. } => {
                text += "wait\n";
                let line = self.job.check.as_deref().unwrap_or("true");
                let _ = writeln!(
                    text,
                    "sh -c {} < /dev/null || failed \"the check at the end is not content\"",
                    word(line)
                );
            }
            _ => {
                let good: BTreeSet<i32> = self.job.ok_exit.iter().copied().chain([0]).collect();
                let good: Vec<String> = good.iter().map(i32::to_string).collect();
                text += "# Its last line, but for those of strace\n";
                text += "said() {\n    grep -v '^strace: ' \"$dir/log/$1.out\" | tail -n 1\n}\n";
                // Whoever is killed here ends badly, and that is no failure.
                let killed =
                    |worker| placed.injections.iter().any(|one| one.worker == worker && one.act == Act::Kill);
                for worker in all.into_iter().filter(|&worker| !killed(worker)) {
                    let _ = write!(
                        text,
                        "wait \"$worker_{worker}\"\ncode=$?\ncase $code in\n    {}) ;;\n    *) failed \
                         \"worker {worker} ended with $code\" \"$(said {worker})\" ;;\nesac\n",
                        good.join("|")
                    );
                }
            }
        }
        text + "echo 'not seen this time'\n"
    }
}

/// Decides by the times in strace's logs alone.
const TWO_INSIDE: &str = r#"wait

# A worker says that it is inside by looking for lockfuzz:enter, and that it no
# longer is by looking for lockfuzz:leave. strace wrote down when each look
# began, and how long it took, its delay included. Inside is who has ended the
# first look and not yet the second, and still has a process.
for worker in WORKERS; do
    LC_ALL=C awk -v worker="$worker" '
        /lockfuzz:enter"/ { way[$1] = "in" }
        /lockfuzz:leave"/ { way[$1] = "out" }
        /[+][+][+] (exited|killed)/ { last = $2 }
        ($1 in way) && !/<unfinished/ {
            took = $NF
            gsub(/[<>]/, "", took)
            if (/ resumed>/) took = 0
            printf "%.6f %s %s\n", $2 + took, way[$1], worker
            delete way[$1]
        }
        END { printf "%.6f out %s\n", last, worker }' "$dir/log/$worker"
done | LC_ALL=C sort -n > "$dir/log/looks"
both=$(awk '
    $2 == "in" {
        for (other in inside) if (other != $3) { print other, "and", $3; exit }
        inside[$3] = 1
    }
    $2 == "out" { delete inside[$3] }' "$dir/log/looks")
[ -z "$both" ] || failed "workers $both were inside at once"
"#;

/// strace's words for what it does to a worker.
fn injected(worker: Wid, all: &[Injection]) -> Vec<String> {
    let mut mine: Vec<(&str, Act, Vec<u32>)> = Vec::new();
    for injection in all.iter().filter(|injection| injection.worker == worker) {
        match mine.iter_mut().find(|(call, ..)| *call == injection.call) {
            Some((_, _, when)) => when.push(injection.nth),
            None => mine.push((&injection.call, injection.act, vec![injection.nth])),
        }
    }
    let words = mine.into_iter().map(|(call, act, mut when)| {
        when.sort_unstable();
        let act = match act {
            Act::Before(time) => format!("delay_enter={}", time.as_micros()),
            Act::After(time) => format!("delay_exit={}", time.as_micros()),
            Act::Kill => "signal=KILL".to_owned(),
        };
        let when = match when[..] {
            [first, second] => format!("{first}..{second}+{}", second - first),
            _ => when[0].to_string(),
        };
        format!("-e inject={call}:{act}:when={when}")
    });
    words.collect()
}

/// Words behind a line, broken before they are too far right.
fn lines(mut line: String, words: Vec<String>, indent: &str) -> String {
    let mut text = String::new();
    for word in words {
        if line.len() + 1 + word.len() > 78 {
            text += &format!("{line} \\\n");
            line = format!("{indent}{word}");
        } else {
            line += &format!(" {word}");
        }
    }
    text + &line
}

fn comment(text: &str) -> String {
    // The lines after the first are indented by the width of the sign.
    wrapped("#", 2, text).lines().map(|line| format!("#{}\n", &line[1..])).collect()
}

/// As sleep takes it.
fn seconds(time: Duration) -> String {
    time.as_secs_f64().to_string()
}

/// A word of a command as a shell takes it.
fn word(text: &str) -> String {
    quoted(Path::new(text))
}
