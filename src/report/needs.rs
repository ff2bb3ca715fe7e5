//! What a failure takes besides an order of steps.

use super::steps::{number, steps};
use crate::case::{CallFault, Case};
use crate::check::Failure;
use crate::history::{Event, History, What};

/// The faults that struck, each with its step, in a sentence; none where there was none.
pub fn needs(case: &Case, history: &History, failure: &Failure) -> Option<String> {
    let events = &history.events;
    let steps = steps(case, history, Some(failure));
    let need = |(nth, event): (usize, &Event)| {
        let worker = event.worker;
        let (need, place) = match &event.what {
            What::Crashed => (format!("worker {worker} to be killed"), nth),
            What::Struck(fault) => {
                // It stands before the call that it befalls.
                let call = match events.get(nth + 1).map(|event| &event.what) {
                    Some(What::Note(text)) => text.split('(').next().unwrap_or(text),
                    _ => "call",
                };
                (format!("{} at the {call} of worker {worker}", named(*fault)), nth + 1)
            }
            _ => (format!("worker {worker} to be stalled for an hour"), nth),
        };
        match number(&steps, place) {
            Some(step) => format!("{need} at step {step}"),
            None => need,
        }
    };
    let faults = events.iter().enumerate().filter(|(_, event)| event.what.is_fault());
    let needs: Vec<_> = faults.map(need).collect();
    (!needs.is_empty()).then(|| format!("needs {}", needs.join(", and ")))
}

/// As a sentence names it.
fn named(fault: CallFault) -> &'static str {
    match fault {
        CallFault::Eintr => "EINTR",
        CallFault::ShortWrite => "a short write",
        CallFault::ShortRead => "a short read",
        CallFault::Enospc => "ENOSPC",
        CallFault::Eio => "EIO",
        CallFault::Estale => "ESTALE",
    }
}

#[cfg(test)]
mod tests {
    use super::super::moves::short;
    use super::*;
    use crate::check::Law;

    #[test]
    fn each_fault_with_its_step() {
        let text = "1 mkdir(\"lock\") = 0\n1 x\n1 write(\"lock\", \"1\") = ENOSPC\n2 x\n2 x\n1 L";
        let mut history = short::steps(text);
        let failure = short::failure(Law::Stuck, &history, 5);
        let mut told = |faults: [(usize, What); 2]| {
            for (nth, what) in faults {
                history.events[nth].what = what;
            }
            needs(&short::choosing("mkdir", 2), &history, &failure)
        };
        let note = What::Note("x".to_owned());
        assert_eq!(told([(1, note.clone()), (3, note.clone())]), None);
        let enospc = What::Struck(CallFault::Enospc);
        let told_of = |said: Option<String>| said.unwrap();
        assert_eq!(
            told_of(told([(1, enospc.clone()), (3, note)])),
            "needs ENOSPC at the write of worker 1 at step 3"
        );
        assert_eq!(
            told_of(told([(1, enospc), (3, What::Crashed)])),
            "needs ENOSPC at the write of worker 1 at step 3, and worker 2 to be killed at step 4"
        );
    }
}
