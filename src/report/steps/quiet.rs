//! The calls of a program that decide nothing, and are left out.

use crate::history::{Event, History, What};

/// For each event: could nobody else tell whether it happened? It closes a file that is never locked, reads that
/// there is nothing more, looks at what its worker has open or at the folder itself, or ends (which is told of the worker).
pub(super) fn quiet(history: &History) -> Vec<bool> {
    let locked: Vec<&str> = history.events.iter().filter_map(locked).collect();
    let struck = |nth: usize| nth > 0 && matches!(history.events[nth - 1].what, What::Struck(_));
    let quiet = |(nth, event)| !struck(nth) && is_quiet(event, &locked);
    history.events.iter().enumerate().map(quiet).collect()
}

/// The call, its file, and the whole text.
fn call(event: &Event) -> Option<(&str, &str, &str)> {
    let What::Note(text) = &event.what else { return None };
    let (call, rest) = text.split_once('(')?;
    let file = rest.strip_prefix('"').and_then(|rest| rest.split('"').next()).unwrap_or_default();
    Some((call, file.trim_end_matches(" (deleted)"), text))
}

fn locked(event: &Event) -> Option<&str> {
    call(event).filter(|(call, ..)| matches!(*call, "flock" | "fcntl")).map(|(_, file, _)| file)
}

fn is_quiet(event: &Event, locked: &[&str]) -> bool {
    match call(event) {
        Some(("close" | "dup2" | "dup3", file, _)) => !locked.contains(&file),
        Some(("fstat" | "lseek", ..)) => true,
        Some(("read" | "pread64", _, text)) => text.ends_with(") = 0"),
        Some(("exit_group", ..)) => true,
        Some((_, ".", text)) => text.contains("stat"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::moves::short;
    use super::*;

    #[test]
    fn what_decides_nothing_is_left_out() {
        let history = short::steps(
            r#"1 openat("a", O_RDONLY) = 3
            1 fstat("a") = 0
            1 read("a") = 4
            1 read("a") = 0
            1 close("a") = 0
            1 flock("b", LOCK_EX) = 0
            1 close("b (deleted)") = 0
            1 close "c": ok
            1 exit_group(0)
            2 exit_group(1)"#,
        );
        let shown = [0, 2, 5, 6, 7];
        let kept: Vec<usize> = (0..10).filter(|&nth| !quiet(&history)[nth]).collect();
        assert_eq!(kept, shown, "a close gives a lock back");
        let mut history = short::steps(
            r#"1 x
            1 fstat("a") = ESTALE"#,
        );
        assert_eq!(quiet(&history), [false, true]);
        history.events[0].what = What::Struck(crate::case::CallFault::Estale);
        assert_eq!(quiet(&history), [false, false], "what a fault befalls is shown");
    }
}
