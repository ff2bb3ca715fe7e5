//! Pass, Fail, or Inconclusive with the reason.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::case::Case;
use crate::history::{Absence, History, Late, Missing, Seen, What};
use crate::schedule::{Command, Wid};

use super::{Divergence, Wrong};

/// What is to be thought of a history, of a row of cases, or of a campaign.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "lowercase")]
pub enum Verdict {
    /// The promise was kept, and this is what it was put to.
    Pass(Evidence),
    /// A promise, or the law, was broken.
    Fail(Failure),
    /// Nothing can be said, and why.
    Inconclusive {
        /// Why.
        reason: Reason,
    },
}

impl Verdict {
    /// Shorthand for an inconclusive verdict.
    pub fn unclear(reason: Reason) -> Verdict {
        Verdict::Inconclusive { reason }
    }

    /// One word.
    pub const fn name(&self) -> &'static str {
        match self {
            Verdict::Pass(_) => "pass",
            Verdict::Fail(_) => "fail",
            Verdict::Inconclusive { .. } => "inconclusive",
        }
    }
}

/// What a pass rests on. Evidence adds up over cases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// How many cases ran.
    pub cases: u64,
    /// In how many of them every worker wrote and read.
    pub complete: u64,
    /// In how many of them two workers wanted the lock at once.
    pub contended: u64,
}

impl Evidence {
    /// What the history of one case proves.
    pub fn of(case: &Case, history: &History) -> Evidence {
        let mut did = vec![(false, false); case.workers as usize + 1];
        for event in &history.events {
            match event.what {
                // Nobody expects more of them.
                What::Crashed | What::Refused | What::Failed(_) => did[event.worker as usize] = (true, true),
                What::Wrote => did[event.worker as usize].0 = true,
                What::Read(_) => did[event.worker as usize].1 = true,
                _ => {}
            }
        }
        // Nor of who waits for a lock that nobody can give back: that is a failure, not a lack of evidence.
        for stuck in history.missing.iter().filter(|missing| missing.why == Absence::Stuck) {
            did[stuck.worker as usize] = (true, true);
        }
        let complete = did[1..].iter().all(|&(wrote, read)| wrote && read);
        Evidence { cases: 1, complete: complete.into(), contended: history.contended().into() }
    }

    /// The only place where a pass is made: cases ran, in each of them every worker wrote and read,
    /// and in at least one two workers wanted the lock at once.
    pub fn verdict(self) -> Verdict {
        if self.cases == 0 {
            Verdict::unclear(Reason::NothingRan)
        } else if self.complete < self.cases {
            Verdict::unclear(Reason::Idle { cases: self.cases - self.complete })
        } else if self.contended == 0 {
            Verdict::unclear(Reason::Uncontended { evidence: self })
        } else {
            Verdict::Pass(self)
        }
    }
}

impl std::ops::AddAssign for Evidence {
    fn add_assign(&mut self, other: Evidence) {
        self.cases += other.cases;
        self.complete += other.complete;
        self.contended += other.contended;
    }
}

/// What broke, by whom, at which event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Which law.
    #[serde(flatten)]
    pub law: Law,
    /// Who found it broken.
    pub worker: Wid,
    /// In which tick, counted from 0.
    pub tick: usize,
    /// Under which command.
    pub command: Command,
    /// Which event of the history shows it, counted from 0.
    pub event: usize,
}

/// The laws.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "law", rename_all = "kebab-case")]
pub enum Law {
    /// A worker reads back what it wrote.
    ReadBack {
        /// What it saw instead.
        saw: Seen,
        /// The tick of the write that it should have seen, counted from 0.
        wrote: usize,
    },
    /// In scope `operation` a read sees one whole write, the last one.
    LastWrite {
        /// What it saw instead.
        saw: Seen,
    },
    /// A lock excludes the workers that it claims to exclude.
    ExcludesLess {
        /// Who held the lock at that time.
        holder: Wid,
    },
    /// A lock excludes nobody else.
    ExcludesMore,
    /// What is written is in the file afterwards.
    LostWrite {
        /// What the read saw.
        saw: Seen,
        /// Whose write was due.
        due: Seen,
    },
    /// Whoever waits for the lock gets it in the end.
    Stuck,
    /// No two say at once that they are inside.
    TwoInside {
        /// Who was there already.
        holder: Wid,
    },
    /// A program ends well.
    BadExit {
        /// Its exit code.
        code: i32,
    },
    /// A program is not ended by a signal.
    Died {
        /// Which.
        signal: i32,
    },
    /// Whoever reads a file back finds what it wrote itself.
    NotOwn {
        /// What it found instead.
        saw: Seen,
    },
    /// The check at the end is content.
    CheckFailed {
        /// Its exit code.
        code: i32,
    },
    /// Somebody writes.
    NobodyWrote,
    /// Each worker does what it is told, in the order of the plan.
    Disobeyed,
}

impl Law {
    /// Is this the wrong read-back that a lock without a claim must show (and not a broken promise)?
    pub const fn is_race(self) -> bool {
        matches!(self, Law::ReadBack { .. } | Law::LastWrite { .. })
    }

    /// The law in one line, as tables and JUnit files name it.
    pub const fn name(self) -> &'static str {
        match self {
            Law::ReadBack { .. } => "wrong read-back",
            Law::LastWrite { .. } => "not the last write",
            Law::ExcludesLess { .. } => "excludes less than it claims",
            Law::ExcludesMore => "excludes more than it claims",
            Law::LostWrite { .. } => "a write is lost",
            Law::Stuck => "nobody gets the lock again",
            Law::TwoInside { .. } => "two workers inside at once",
            Law::BadExit { .. } => "a worker fails",
            Law::Died { .. } => "a worker dies",
            Law::NotOwn { .. } => "wrong read-back",
            Law::CheckFailed { .. } => "the check at the end fails",
            Law::NobodyWrote => "nobody wrote",
            Law::Disobeyed => "a command was not obeyed",
        }
    }
}

/// What broke, in a sentence.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Failure { worker, tick, command, .. } = self;
        match self.law {
            Law::ReadBack { saw: Seen::Worker(other), wrote } => write!(
                f,
                "worker {worker} wrote at tick {wrote} and must read that back at tick {tick}; \
                 worker {other} wrote since"
            ),
            Law::ReadBack { saw, wrote } => write!(
                f,
                "worker {worker} wrote at tick {wrote} and must read that back at tick {tick}; it saw {saw}"
            ),
            Law::LastWrite { saw } => {
                write!(f, "worker {worker} saw {saw} at tick {tick}, which is not the last whole write")
            }
            Law::ExcludesLess { holder } => write!(
                f,
                "worker {worker} got the lock at tick {tick} while worker {holder} held it, \
                 and the lock claims to exclude the two"
            ),
            Law::ExcludesMore => write!(
                f,
                "worker {worker} was kept out at tick {tick}, and the lock claims to exclude it from nobody \
                 who held it then"
            ),
            Law::LostWrite { saw, due } => {
                write!(f, "worker {worker} saw {saw} at tick {tick}, where the last write was that of {due}")
            }
            Law::Stuck => {
                write!(f, "worker {worker} waits for the lock, and nobody is left who could give it back")
            }
            Law::TwoInside { holder } => {
                write!(f, "worker {worker} is inside, and worker {holder} is there already")
            }
            Law::BadExit { code } => write!(f, "worker {worker} ends with exit code {code}"),
            Law::Died { signal } => write!(f, "worker {worker} is ended by signal {signal}"),
            Law::NotOwn { saw: saw @ Seen::Torn { .. } } => {
                write!(f, "worker {worker} reads a file while another is writing it: {saw}")
            }
            Law::NotOwn { saw } => {
                write!(f, "worker {worker} reads back what {saw} wrote, and not what it wrote itself")
            }
            Law::CheckFailed { code } => write!(f, "the check at the end fails with exit code {code}"),
            Law::NobodyWrote => f.write_str("nobody wrote, so nothing was tested"),
            Law::Disobeyed => {
                write!(f, "worker {worker} did not do at tick {tick} what it was told: {}", command.name())
            }
        }
    }
}

/// Why nothing can be said.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "because", rename_all = "kebab-case")]
pub enum Reason {
    /// Not one case ran.
    NothingRan,
    /// In so many cases some worker did not write and read.
    Idle {
        /// How many.
        cases: u64,
    },
    /// No two workers ever wanted the lock at once.
    Uncontended {
        /// What else is known.
        evidence: Evidence,
    },
    /// A race was expected, and none was found in so many cases.
    NotFound {
        /// How many.
        cases: u64,
    },
    /// The machine was too slow for this schedule.
    Late(Late),
    /// A worker did not finish.
    Missing(Missing),
    /// What happened did not happen again.
    Unrepeatable {
        /// Where the two runs part.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        divergence: Option<Divergence>,
    },
    /// The history does not add up, so an engine is broken and the lock is not tested.
    IllFormed {
        /// Whose event it is.
        worker: Wid,
        /// Which event of the history cannot be, counted from 0.
        event: usize,
        /// Why not.
        wrong: Wrong,
    },
    /// The run was stopped after so many steps: somebody tries again and again without waiting.
    Endless {
        /// How many.
        steps: u32,
    },
    /// Nothing in the lock can be interrupted.
    NoPoints,
    /// No program can be traced here.
    NotTraced,
    /// So many rows were never begun.
    NotBegun {
        /// How many.
        rows: u64,
    },
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::NothingRan => f.write_str("nothing ran"),
            Reason::Idle { cases } => write!(f, "in {cases} cases some worker did not write and read"),
            Reason::Uncontended { evidence } => {
                write!(f, "no two workers wanted the lock at once in {} cases", evidence.cases)
            }
            Reason::NotFound { cases } => write!(f, "a race was expected and not found in {cases} cases"),
            Reason::Late(late) => write!(
                f,
                "worker {} was {} s late with its {}: the machine is too slow for this period",
                late.worker,
                late.by,
                late.command.name()
            ),
            Reason::Missing(missing) => {
                let what = match missing.why {
                    Absence::Died => "is gone (its process ended)",
                    Absence::Silent => "did not answer",
                    Absence::Stuck => "still waits for the lock",
                    Absence::Endless => "goes on and on",
                };
                write!(f, "worker {} {what}; it was told: {}", missing.worker, missing.command.name())
            }
            Reason::Unrepeatable { divergence: None } => f.write_str("what was found did not happen again"),
            Reason::Unrepeatable { divergence: Some(divergence) } => {
                write!(f, "what happened did not happen again: {divergence}")
            }
            Reason::IllFormed { worker, event, wrong } => write!(
                f,
                "the history does not add up: at event {} worker {worker} {wrong}; lockfuzz itself is broken",
                event + 1
            ),
            Reason::Endless { steps } => write!(
                f,
                "the run was stopped after {steps} steps: somebody tries again and again without waiting"
            ),
            Reason::NoPoints => f.write_str("neither acquire nor release passes a point"),
            Reason::NotTraced => f.write_str("no program can be traced here"),
            Reason::NotBegun { rows: 1 } => f.write_str("one row was never begun"),
            Reason::NotBegun { rows } => write!(f, "{rows} rows were never begun"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pass_needs_every_kind_of_evidence() {
        let enough = Evidence { cases: 3, complete: 3, contended: 1 };
        assert_eq!(enough.verdict(), Verdict::Pass(enough));
        assert_eq!(Evidence::default().verdict(), Verdict::unclear(Reason::NothingRan));
        let idle = Evidence { complete: 1, ..enough };
        assert_eq!(idle.verdict(), Verdict::unclear(Reason::Idle { cases: 2 }));
        let alone = Evidence { contended: 0, ..enough };
        assert_eq!(alone.verdict(), Verdict::unclear(Reason::Uncontended { evidence: alone }));
    }

    #[test]
    fn evidence_adds_up() {
        let mut sum = Evidence { cases: 4, complete: 3, contended: 2 };
        sum += Evidence { cases: 30, complete: 20, contended: 10 };
        assert_eq!(sum, Evidence { cases: 34, complete: 23, contended: 12 });
    }
}
