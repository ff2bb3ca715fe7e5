//! What a check says.

use std::fmt;

use super::Bench;
use super::hunt::Outcome;
use super::saved::Kept;
use super::traced::turn;
use crate::case::{Case, Placement};
use crate::check::{Failure, Law, Reason, Verdict};
use crate::engine::Kind;
use crate::error::Error;
use crate::history::{Absence, History};
use crate::report::cause::cause;
use crate::report::law::sentence;
use crate::report::timeline::timeline;
use crate::report::{count, wrapped};
use crate::schedule::Wid;

/// The column at which everything but labels begins.
const INDENT: usize = 8;

/// lockfuzz failed, or was used wrongly, in a sentence. Never a verdict on a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble(pub(super) String);

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Trouble {}

impl Trouble {
    pub(super) fn of(bench: &Bench, why: Error) -> Trouble {
        let name = bench.double.name;
        Trouble(match why {
            Error::Failed { worker, command, source, .. } => {
                format!("{name}: worker {worker} met an error at its {}: {source}", command.name())
            }
            Error::Start { worker, source } => {
                return Trouble::astray(name, worker, source, &bench.here.test);
            }
            why => format!("{name}: {why}"),
        })
    }

    /// A worker process does not come to its check.
    pub(super) fn astray(name: &str, worker: Wid, why: impl fmt::Display, test: &str) -> Trouble {
        Trouble(format!(
            "{name}: cannot start worker {worker} as a process ({why}): it is this test binary, sent to \
             the test {test:?}, and did not come to this check there; the check must stand in that test \
             itself, and be reached each time"
        ))
    }
}

impl Outcome {
    /// In one line, what is wrong; `None` for a pass.
    pub fn complaint(&self) -> Option<String> {
        let name = &self.lock;
        Some(match &self.verdict {
            Verdict::Pass(_) => return None,
            Verdict::Fail(failure) => format!("{name}: {}", self.broken(failure)),
            Verdict::Inconclusive { reason } => {
                let why = self.why.clone().unwrap_or_else(|| because(reason));
                format!("{name}: nothing can be said: {why}")
            }
        })
    }

    /// What broke, in a few words.
    fn broken(&self, failure: &Failure) -> String {
        let placement = self.counterexample.as_ref().map_or(Placement::Threads, |found| found.case.placement);
        let who = match placement {
            Placement::Threads => "threads",
            Placement::Processes => "processes",
            Placement::Mixed => "workers",
        };
        match failure.law {
            Law::ExcludesLess { .. } | Law::TwoInside { .. } => format!("two {who} hold it at once"),
            Law::BadExit { code: turn::NOT_OWN } => format!("wrong read-back ({})", placement.name()),
            Law::BadExit { code: turn::FAILED } => {
                format!("worker {} meets an error ({})", failure.worker, placement.name())
            }
            law => format!("{} ({})", law.name(), placement.name()),
        }
    }
}

/// The block that a test prints.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Verdict::Fail(failure), Some(found)) = (&self.verdict, &self.counterexample) else {
            return self.no_failure(f);
        };
        writeln!(f, "FAIL  {}: {}", self.lock, self.broken(failure))?;
        let (times, same) = found.replays;
        let preemptions = found.history.preemptions();
        let size = format!(
            "{} workers, {preemptions} preemption{}",
            found.case.workers,
            if preemptions == 1 { "" } else { "s" }
        );
        let traced = self.engine == Kind::Traced;
        let again = format!("replayed {times} times: {same} fail");
        let how = match &self.saved_before {
            Some(_) => format!("saved before, and it fails again: {size}, {again}"),
            None if found.found_in_case == 0 => {
                format!("its {} workers one after another", found.case.workers)
            }
            None => format!(
                "found in {} {} of {} (seed {}), shrunk to {size}, {again}",
                if traced { "schedule" } else { "case" },
                count(found.found_in_case),
                count(self.cases),
                self.seed
            ),
        };
        f.write_str(&wrapped("", 6, &how))?;
        if let Some(said) = &self.said {
            f.write_str(&wrapped("", 6, said))?;
        }
        writeln!(f, "\n{}", timeline(&found.case, &found.history, Some(failure)))?;
        if traced {
            f.write_str(&wrapped("law", INDENT, &sentence(&found.case, &found.history, failure)))?;
            let cause = found.cause.and_then(|why| cause(&found.case, &found.history, failure, why));
            cause.map_or(Ok(()), |cause| f.write_str(&wrapped("cause", INDENT, &cause)))?;
        } else {
            f.write_str(&wrapped("law", INDENT, &failure.to_string()))?;
        }
        let shown = self.shown.as_deref().unwrap_or_default();
        match &self.kept {
            None if shown.is_empty() => {}
            None => f.write_str(&wrapped("saved", INDENT, shown))?,
            Some(Kept::Main(_)) => writeln!(f, "saved   {shown}  (commit it: it runs first)")?,
            Some(Kept::Spare(_, why)) => f.write_str(&wrapped(
                "saved",
                INDENT,
                &format!("{shown} (and not beside the test: {why}; it runs first all the same)"),
            ))?,
            Some(Kept::Nowhere(why)) => f.write_str(&wrapped("saved", INDENT, &format!("nowhere: {why}")))?,
        }
        let features = if traced { "" } else { "  (with the features of this run)" };
        writeln!(f, "replay  cargo test {}{features}", self.test)
    }
}

impl Outcome {
    fn no_failure(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.engine == Kind::Traced { "schedules" } else { "cases" };
        let tried = |(placement, evidence): &(Placement, crate::check::Evidence)| {
            format!(
                "{} {what} in {} ({} contended)",
                count(evidence.cases),
                placement.name(),
                count(evidence.contended)
            )
        };
        let tried: Vec<String> = self.tried.iter().map(tried).collect();
        match self.complaint() {
            None => f.write_str(&wrapped(
                "PASS",
                6,
                &format!("{}: {}, seed {}", self.lock, tried.join(", "), self.seed),
            )),
            Some(complaint) => f.write_str(&wrapped("?", 6, &complaint)),
        }?;
        self.plain.as_ref().map_or(Ok(()), |plain| f.write_str(&wrapped("note", 6, plain)))
    }
}

/// Why nothing can be said, and what to do about it.
fn because(reason: &Reason) -> String {
    format!("{reason}; {}", remedy(reason))
}

fn remedy(reason: &Reason) -> &'static str {
    match reason {
        Reason::NoPoints => {
            "call lockfuzz::fs where it calls std::fs, put lockfuzz::point between its steps, hold it at \
             its system calls (Own::traced), or say that it is atomic (Own::atomic)"
        }
        Reason::Missing(missing) => match missing.why {
            Absence::Endless => "let it wait with lockfuzz::thread::sleep or lockfuzz::fs::File::lock",
            Absence::Silent => {
                "it waits where lockfuzz cannot see it; let it wait with lockfuzz::thread::sleep or \
                 lockfuzz::fs::File::lock"
            }
            Absence::Died | Absence::Stuck => "run it again alone to see what it says",
        },
        Reason::Endless { .. } => "let it wait with lockfuzz::thread::sleep or lockfuzz::fs::File::lock",
        Reason::Unrepeatable { .. } => {
            "something in it goes by the time, by chance, by a thread of its own, or by what an earlier \
             case left behind"
        }
        Reason::Uncontended { .. } | Reason::Idle { .. } | Reason::NothingRan => {
            "try more cases (PROPTEST_CASES)"
        }
        Reason::IllFormed { .. } => "lockfuzz itself is at fault",
        Reason::NotTraced => "it takes Linux on x86-64 or aarch64, and ptrace(2) and seccomp(2)",
        Reason::NotFound { .. } | Reason::Late(_) | Reason::NotBegun { .. } => "run it again",
    }
}

/// What a property says of one case.
pub(super) fn passes(case: &Case, history: &History, verdict: &Verdict) -> Result<(), Trouble> {
    match verdict {
        // One case alone may well have nobody waiting.
        Verdict::Pass(_) | Verdict::Inconclusive { reason: Reason::Uncontended { .. } } => Ok(()),
        Verdict::Inconclusive { reason } => {
            Err(Trouble(format!("{}: nothing can be said: {}", case.lock, because(reason))))
        }
        Verdict::Fail(failure) => {
            let picture = timeline(case, history, Some(failure));
            Err(Trouble(format!("{}: {failure}\n\n{picture}", case.lock)))
        }
    }
}
