//! The issue to file for a counterexample, in Markdown.

use std::collections::BTreeSet;
use std::fmt::{self, Write};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use super::block::{Block, quoted, size};
use super::needs::needs;
use crate::check::Failure;
use crate::history::History;
use crate::job::Job;
use crate::lock::Double;
use crate::regression::Saved;

/// What is shown without lockfuzz.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// Nothing was tried.
    Nothing,
    /// This script fails.
    Script(String),
    /// There is none, and why.
    Sentence(String),
}

/// All that is said of a counterexample; [`Display`](fmt::Display) writes it.
pub struct Issue<'a> {
    /// The counterexample.
    pub saved: &'a Saved,
    /// What broke; its event is in the history.
    pub failure: &'a Failure,
    /// The file that it was saved in.
    pub file: &'a Path,
    /// What is shown without lockfuzz.
    pub script: Shown,
    /// The lock, where it is one of lockfuzz's own list.
    pub double: Option<&'a Double>,
    /// The lock does not promise anything else.
    pub expected: bool,
}

impl fmt::Display for Issue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Issue { saved, failure, double, .. } = self;
        let history = History { events: saved.history.clone(), ..History::default() };
        let name = match &saved.job {
            Some(job) => job.name(),
            None => format!("{}, {}", saved.case.lock, saved.case.placement.name()),
        };
        let why = saved.note.as_ref().and_then(|note| note.cause);
        let block = Block::of(&name, &saved.case, &history, failure, why);
        let what = match saved.job {
            Some(_) => format!("{name}: {}", failure.law.name()),
            None => block.what.clone(),
        };
        writeln!(f, "# {what}\n")?;
        let law = block.law.unwrap_or_else(|| failure.to_string());
        writeln!(f, "{}\n", sentence(&law))?;
        if let Some(double) = double {
            let expected = if self.expected { " So this was to be expected." } else { "" };
            writeln!(f, "{} {}{expected}\n", double.name, sentence(double.promise))?;
        }
        let size = size(&saved.case, &history).replacen(", ", " and ", 1);
        let takes = match saved.job.as_ref().and_then(|_| needs(&saved.case, &history, failure)) {
            Some(needs) => format!(", and {needs}"),
            None => String::new(),
        };
        let text =
            format!("The smallest case that was found has {size}{takes}; the steps are numbered below.");
        writeln!(f, "{text}\n")?;
        if let Some(job) = &saved.job {
            writeln!(f, "## What was run\n\n{}", command(job, saved.case.workers))?;
        }
        writeln!(f, "## Versions\n\n{}", versions(saved.job.as_ref()))?;
        writeln!(f, "## What happens\n\n{}", fenced("text", block.picture.trim_end()))?;
        if let Some(cause) = &block.cause {
            writeln!(f, "## Cause\n\n{}\n", sentence(cause))?;
        }
        if let Some(remedy) = double.map(|double| double.remedy).filter(|remedy| !remedy.is_empty()) {
            writeln!(f, "## Remedy\n\n{}\n", sentence(remedy))?;
        }
        match &self.script {
            Shown::Nothing => {}
            Shown::Script(text) => {
                writeln!(
                    f,
                    "## Without lockfuzz\n\nThis script ends with 1 and a line that begins with FAILED:\n"
                )?;
                writeln!(f, "{}", fenced("sh", text.trim_end()))?;
            }
            Shown::Sentence(why) => writeln!(f, "## Without lockfuzz\n\n{}\n", sentence(why))?,
        }
        let of_test = saved.job.as_ref().and_then(Job::cargo_test);
        let replay = of_test.unwrap_or_else(|| format!("lockfuzz replay {}", quoted(self.file)));
        write!(
            f,
            "## With lockfuzz\n\nIt takes the saved file, which goes with this issue.\n\n{}",
            fenced("sh", &replay)
        )
    }
}

/// What was run, and what was around it.
fn command(job: &Job, workers: u32) -> String {
    let lines = job.asked();
    let mut text = fenced("sh", &lines.join("\n")) + "\n";
    let whom = if lines.len() > 1 { "one worker each" } else { "the same command for each" };
    let _ = writeln!(text, "- {workers} workers, {whom}, all in one fresh folder");
    let mut say = |what: &str, said: &str| {
        let _ = writeln!(text, "- {what}: {}", code(said));
    };
    if let Some(from) = &job.from {
        say("a copy of this folder", &from.display().to_string());
    }
    if let Some(line) = &job.prepare {
        say("before they start", line);
    }
    if job.age > 0 {
        say("so old is what is there when they start", &format!("{} s", job.age as f64 / 1000.0));
    }
    for folder in &job.watch {
        say("shared as well", &folder.display().to_string());
    }
    if let Some(line) = &job.check {
        say("must succeed after the last exit", line);
    }
    if let Some(pattern) = &job.readback {
        say("whoever reads one of these must find what it wrote", pattern);
    }
    if !job.ok_exit.is_empty() {
        let codes: Vec<String> = job.ok_exit.iter().map(i32::to_string).collect();
        say("exit codes that are as good as 0", &codes.join(", "));
    }
    text
}

/// Of lockfuzz, the kernel, and what the words of the command name.
fn versions(job: Option<&Job>) -> String {
    let mut text = format!("- lockfuzz {}\n", env!("CARGO_PKG_VERSION"));
    if let Ok(release) = fs::read_to_string("/proc/sys/kernel/osrelease") {
        let _ = writeln!(text, "- Linux {} ({})", release.trim(), std::env::consts::ARCH);
    }
    let Some(job) = job else { return text };
    let programs: BTreeSet<&str> =
        job.commands.iter().filter_map(|words| words.first()).map(String::as_str).collect();
    for program in programs {
        if let Some(version) = version(program) {
            let _ = writeln!(text, "- {}: {version}", code(program));
        }
    }
    for (path, hash) in &job.files {
        let _ = writeln!(text, "- {}, FNV-1a {hash:016x}", code(&path.display().to_string()));
    }
    if job.has_changed() {
        text += "- these files have changed since\n";
    }
    text
}

/// What an interpreter says of itself. Nobody else is asked: what a program makes of `--version` is its own affair.
fn version(program: &str) -> Option<String> {
    const ASKED: &[&str] = &["bash", "lua", "node", "perl", "php", "python", "ruby"];
    let stem = Path::new(program).file_name()?.to_str()?;
    let stem = stem.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    if !ASKED.contains(&stem) {
        return None;
    }
    let said = Command::new(program).arg("--version").stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    text.lines().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned)
}

/// With a capital and a full stop.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_uppercase().collect::<String>()).unwrap_or_default();
    format!("{first}{}.", letters.as_str().trim_end_matches('.'))
}

/// A block of code, with a fence that is longer than any in it.
fn fenced(language: &str, text: &str) -> String {
    let fence = fence(text, 3);
    format!("{fence}{language}\n{text}\n{fence}\n")
}

/// The same in a line.
fn code(text: &str) -> String {
    let fence = fence(text, 1);
    let space = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{space}{text}{space}{fence}")
}

fn fence(text: &str, least: usize) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    "`".repeat(if longest >= least { longest + 1 } else { least })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_stays_code_whatever_is_in_it() {
        assert_eq!(code("a"), "`a`");
        assert_eq!(code("a `b`"), "`` a `b` ``");
        assert_eq!(fenced("sh", "a\n```\nb"), "````sh\na\n```\nb\n````\n");
    }

    #[test]
    fn sentences_begin_and_end_as_sentences() {
        assert_eq!(sentence("worker 1 is inside"), "Worker 1 is inside.");
        assert_eq!(sentence("done."), "Done.");
    }

    #[test]
    fn only_interpreters_are_asked_for_their_version() {
        assert_eq!(version("rm"), None);
        assert_eq!(version("./python-of-mine"), None);
    }
}
