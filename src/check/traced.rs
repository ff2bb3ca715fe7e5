//! The runs of a program that knows nothing of lockfuzz.

use super::{Checker, Evidence, Failure, Law, Reason, Verdict};
use crate::case::{CallFault, Case, MAX_STEPS};
use crate::history::{Absence, Event, History, What};

/// These ask a program to end, which it then does by the same signal.
pub(crate) const ASKING: [i32; 4] = [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT, libc::SIGTERM];

/// What must hold in every order: nobody ends badly, no two are inside at once, everybody who reads back finds
/// what it wrote, the check at the end is content, and nobody waits for ever.
#[derive(Clone, Copy, Debug)]
pub struct Traced<'a> {
    /// The exit codes that are as good as 0.
    pub ok_exit: &'a [i32],
    /// Did two workers want the same thing at once?
    pub contended: bool,
    /// Whoever runs while nobody else does gets the lock, and ends with 0.
    pub all_get_it: bool,
}

impl Checker for Traced<'_> {
    fn check(&self, case: &Case, history: &History) -> Verdict {
        if let Some(&missing) = history.missing.iter().find(|missing| missing.why != Absence::Stuck) {
            return Verdict::unclear(match missing.why {
                Absence::Endless => Reason::Endless { steps: MAX_STEPS },
                _ => Reason::Missing(missing),
            });
        }
        if let Some(failure) = self.first_broken(case.workers, history).or_else(|| stuck(history)) {
            return Verdict::Fail(failure);
        }
        // A worker that touches nothing is a lack of evidence, not a failure.
        let acts = |worker: u32| {
            let did = |event: &Event| event.worker == worker && !matches!(event.what, What::Exited);
            history.events.iter().any(did)
        };
        let complete = (1..=case.workers).all(acts);
        Evidence { cases: 1, complete: complete.into(), contended: self.contended.into() }.verdict()
    }
}

impl Traced<'_> {
    fn first_broken(&self, workers: u32, history: &History) -> Option<Failure> {
        let mut inside: Vec<u32> = Vec::new();
        let mut struck: Vec<(u32, CallFault)> = Vec::new();
        for (nth, event) in history.events.iter().enumerate() {
            let worker = event.worker;
            let law = match event.what {
                What::Entered => {
                    let holder = inside.iter().copied().find(|&other| other != worker);
                    inside.push(worker);
                    holder.map(|holder| Law::TwoInside { holder })
                }
                What::Struck(fault) => {
                    struck.push((worker, fault));
                    None
                }
                What::Left | What::Exited | What::Crashed => None,
                // Whoever is let down by a call, and says so, has done all that it could.
                What::Quit(_) if struck.iter().any(|(other, _)| *other == worker) => None,
                // A signal came.
                What::Died(signal)
                    if ASKING.contains(&signal) && struck.contains(&(worker, CallFault::Eintr)) =>
                {
                    None
                }
                // A fresh one, after all others have ended.
                What::Quit(code) if worker > workers && self.all_get_it && self.ok_exit.contains(&code) => {
                    Some(Law::Stuck)
                }
                What::Quit(code) => (!self.ok_exit.contains(&code)).then_some(Law::BadExit { code }),
                What::Died(signal) => Some(Law::Died { signal }),
                What::Found(saw) => Some(Law::NotOwn { saw }),
                What::CheckFailed(code) => Some(Law::CheckFailed { code }),
                _ => None,
            };
            if event.what.lets_out() || event.what == What::Exited {
                inside.retain(|&other| other != worker);
            }
            if let Some(law) = law {
                return Some(failure(law, nth, event));
            }
        }
        None
    }
}

fn failure(law: Law, nth: usize, event: &Event) -> Failure {
    Failure { law, worker: event.worker, tick: event.tick, command: event.command, event: nth }
}

/// Shown by the last thing that this worker did.
fn stuck(history: &History) -> Option<Failure> {
    let missing = history.missing.first()?;
    let by = |event: &Event| event.worker == missing.worker;
    let nth = history.events.iter().rposition(by).or(history.events.len().checked_sub(1))?;
    Some(failure(Law::Stuck, nth, &history.events[nth]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::CallFault;
    use crate::schedule::{Command, Time};

    fn broken(whats: &[(u32, What)]) -> Option<Law> {
        let event = |(worker, what): &(u32, What)| {
            let (worker, what) = (*worker, what.clone());
            Event { tick: 0, at: Time::ZERO, worker, command: Command::Write, what }
        };
        let history = History { events: whats.iter().map(event).collect(), ..History::default() };
        let laws = Traced { ok_exit: &[75], contended: true, all_get_it: true };
        laws.first_broken(2, &history).map(|failure| failure.law)
    }

    #[test]
    fn whoever_is_struck_may_say_so_and_nobody_else() {
        use What::{Died, Entered, Quit, Struck};
        let struck = (1, Struck(CallFault::Enospc));
        assert_eq!(broken(&[struck.clone(), (1, Quit(1))]), None);
        assert_eq!(broken(&[struck.clone(), (2, Quit(1))]), Some(Law::BadExit { code: 1 }));
        assert_eq!(broken(&[(1, Quit(1)), struck.clone()]), Some(Law::BadExit { code: 1 }));
        assert_eq!(broken(&[struck.clone(), (1, Died(11))]), Some(Law::Died { signal: 11 }));
        let interrupted = (1, Struck(CallFault::Eintr));
        assert_eq!(broken(&[interrupted.clone(), (1, Died(2))]), None);
        assert_eq!(broken(&[interrupted.clone(), (1, Died(11))]), Some(Law::Died { signal: 11 }));
        assert_eq!(broken(&[interrupted, (2, Died(2))]), Some(Law::Died { signal: 2 }));
        assert_eq!(broken(&[struck.clone(), (1, Died(2))]), Some(Law::Died { signal: 2 }));
        // It may have left by an error; but whoever comes in afterwards is inside.
        assert_eq!(broken(&[(1, Entered), struck.clone(), (2, Entered)]), None);
        assert_eq!(broken(&[struck.clone(), (1, Entered), (2, Entered)]), Some(Law::TwoInside { holder: 1 }));
        // A fresh one must still get it.
        assert_eq!(broken(&[struck.clone(), (1, Quit(1)), (3, Quit(75))]), Some(Law::Stuck));
        assert_eq!(broken(&[struck, (1, Quit(1)), (3, What::Exited)]), None);
    }
}
