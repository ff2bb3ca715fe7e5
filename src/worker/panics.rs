//! Panics of a program's parts: findings, not noise on the terminal.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    static CATCHING: Cell<bool> = const { Cell::new(false) };
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs `act`; a panic comes back as its message, with the place where it was, and is not printed.
///
/// The hook that does that is put before the process's own when this is first called, and passes on
/// the panics of all other threads.
pub(crate) fn caught<R>(act: impl FnOnce() -> R) -> Result<R, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |panic| {
            if CATCHING.get() {
                PLACE.set(panic.location().map(|at| format!(" ({}:{})", at.file(), at.line())));
            } else {
                before(panic);
            }
        }));
    });
    let outer = CATCHING.replace(true);
    let ended = catch_unwind(AssertUnwindSafe(act));
    CATCHING.set(outer);
    ended.map_err(|payload| format!("{}{}", words(&*payload), PLACE.take().unwrap_or_default()))
}

fn words(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("a panic without words")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_its_words_and_its_place() {
        assert_eq!(caught(|| 7), Ok(7));
        let why = caught(|| assert_eq!(1 + 1, 3, "a sum")).unwrap_err();
        assert!(
            why.starts_with("assertion `left == right` failed: a sum") && why.contains("panics.rs:"),
            "{why}"
        );
        assert_eq!(caught(|| std::panic::resume_unwind(Box::new(7))).unwrap_err(), "a panic without words");
    }
}
