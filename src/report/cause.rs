//! The cause of a failure in words.

use super::note::Note;
use super::steps::{Step, number, steps};
use crate::campaign::Cause;
use crate::case::Case;
use crate::check::Failure;
use crate::history::{Event, History, What};

/// In a sentence that goes with the picture; `None` where the cause is not one of this history.
pub fn cause(case: &Case, history: &History, failure: &Failure, cause: Cause) -> Option<String> {
    let steps = steps(case, history, Some(failure));
    match cause {
        Cause::Order { first, second } => {
            let [one, two] = [first, second].map(|event| number(&steps, event));
            let (one, two) = (one?, two?);
            if let Some((made, seen)) = removes_another(&steps, history, second) {
                return Some(format!(
                    "step {two} removes what was made in step {made}, not what was seen in step {seen}; \
                     with step {two} before step {one} the run passes (tried)"
                ));
            }
            let told = |number: usize| {
                let step = &steps[number - 1];
                format!("step {number} (worker {}: {})", step.worker, step.text)
            };
            Some(format!(
                "{} comes after {}; the other way round the run passes (tried)",
                told(two),
                told(one)
            ))
        }
        Cause::NoPair { tried } => Some(format!(
            "not the order of two steps alone: {tried} pair{} of steps that touch the same thing \
             {} tried the other way round, and no such run passes",
            if tried == 1 { "" } else { "s" },
            if tried == 1 { "was" } else { "were" },
        )),
    }
}

/// Where this event removes by name what another worker has put there since its own last look: the
/// steps in which it was made and in which the look was. Only where each of that is certain.
fn removes_another(steps: &[Step], history: &History, removal: usize) -> Option<(usize, usize)> {
    let Event { worker, what: What::Note(text), .. } = history.events.get(removal)? else { return None };
    let note = Note::parse(text)?;
    if !REMOVES.contains(&note.verb) || note.result != "ok" {
        return None;
    }
    let name = note.names[0];
    let (before, worker) = (&history.events[..removal], *worker);
    let made =
        before.iter().rposition(|e| did(e, &MAKES, name, true)).filter(|&at| before[at].worker != worker)?;
    let seen = before[..made].iter().rposition(|e| e.worker == worker && did(e, &LOOKS, name, false))?;
    // It was there then, so what is there now was made anew only if it was removed in between; and what was
    // made is still there, under the same name.
    let gone = |events: &[Event]| events.iter().any(|e| did(e, &REMOVES, name, true));
    let moved = before.iter().any(|e| did(e, &MOVES, name, false));
    let certain = gone(&before[seen..made]) && !gone(&before[made..]) && !moved;
    Some((number(steps, made)?, number(steps, seen)?)).filter(|_| certain)
}

const REMOVES: [&str; 2] = ["remove_file", "remove_dir"];
const MAKES: [&str; 2] = ["create_new", "create_dir"];
const LOOKS: [&str; 4] = ["exists", "read", "metadata", "symlink_metadata"];
const MOVES: [&str; 3] = ["rename", "hard_link", "symlink"];

/// Did this event do one of these to this name, with success if that is asked?
fn did(event: &Event, verbs: &[&str], name: &str, well: bool) -> bool {
    let What::Note(text) = &event.what else { return false };
    let note = Note::parse(text).filter(|note| note.names.contains(&name) && verbs.contains(&note.verb));
    note.is_some_and(|note| !well || note.result == "ok")
}

#[cfg(test)]
mod tests {
    use super::super::moves::short;
    use super::*;

    #[test]
    fn the_pair_is_told_with_what_was_done() {
        let (case, history, failure) = short::interleaved();
        let order = Cause::Order { first: 1, second: 5 };
        assert_eq!(
            cause(&case, &history, &failure, order).unwrap(),
            "step 6 (worker 1: write \"lock\" \"1\": ok) comes after step 2 (worker 2: exists \"lock\": no); \
             the other way round the run passes (tried)"
        );
        assert_eq!(cause(&case, &history, &failure, Cause::Order { first: 1, second: 99 }), None);
        let none = cause(&case, &history, &failure, Cause::NoPair { tried: 7 }).unwrap();
        assert!(none.contains("7 pairs of steps"), "{none}");
    }

    #[test]
    fn who_removes_what_it_has_not_seen_is_told_so() {
        let text = r#"3 create_new "lock": ok
            1 read "lock": "3"
            3 remove_file "lock": ok
            2 create_new "lock": ok
            1 remove_file "lock": ok
            1 create_new "lock": ok
            1 L"#;
        let told = |text: &str| {
            let history = short::steps(text);
            let failure = short::failure(crate::check::Law::ExcludesLess { holder: 2 }, &history, 6);
            cause(&short::choosing("pid-stale", 3), &history, &failure, Cause::Order { first: 3, second: 4 })
                .unwrap()
        };
        assert_eq!(
            told(text),
            "step 5 removes what was made in step 4, not what was seen in step 2; with step 5 before step 4 the \
             run passes (tried)"
        );
        // Where nobody is seen to remove the first one, it may be the same.
        let unsure = told(&text.replace("3 remove_file \"lock\": ok", "3 remove_file \"lock\": not found"));
        assert!(unsure.starts_with("step 5 (worker 1: remove_file"), "{unsure}");
    }
}
