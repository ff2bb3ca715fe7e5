//! `doc/your-own-lock.md` is true: its code is this crate's, and what it shows is what is printed.

use std::fs;
use std::path::Path;

use lockfuzz::check::{Law, Verdict};
use lockfuzz::lock::Claim;
use lockfuzz::own::Own;

fn guide() -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../doc/your-own-lock.md");
    fs::read_to_string(page).unwrap()
}

/// The blocks of this kind.
fn blocks(kind: &str) -> Vec<String> {
    let guide = guide();
    let fence = format!("```{kind}\n");
    let parts = guide.split(&fence).skip(1);
    parts.map(|part| part.split_once("```").unwrap().0.to_owned()).collect()
}

fn source() -> String {
    let files = [
        "Cargo.toml",
        "src/lib.rs",
        "src/lock.rs",
        "src/old_lock.rs",
        "src/plain.rs",
        "tests/lock.rs",
        "tests/plain.rs",
        "tests/property.rs",
    ];
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    files.map(|file| fs::read_to_string(folder.join(file)).unwrap()).concat()
}

#[test]
fn its_code_is_the_code_of_this_crate() {
    let source = source();
    let blocks = [blocks("rust"), blocks("toml")].concat();
    assert!(blocks.len() >= 6, "{blocks:?}");
    for block in blocks {
        assert!(source.contains(&block), "this is nowhere in the example:\n{block}");
    }
}

/// Without the lines that say in which test, and where it was saved.
fn picture(text: &str) -> String {
    let lines = text.lines().filter(|line| !["saved", "replay"].iter().any(|word| line.starts_with(word)));
    lines.map(|line| line.to_owned() + "\n").collect()
}

#[test]
fn its_picture_is_what_is_printed() {
    let saved = tempfile::tempdir().unwrap();
    let own = Own::guard_or_error("old cache lock", Claim::Everyone, diskcache::old_lock);
    let outcome = lockfuzz::verdict!(own.seed(9057).saved_in(saved.path()));

    // Which lock, which verdict, which minimum.
    assert_eq!(outcome.lock, "old cache lock");
    let Verdict::Fail(failure) = outcome.verdict else { panic!("{outcome}") };
    assert!(matches!(failure.law, Law::ExcludesLess { .. }), "{outcome}");
    let found = outcome.counterexample.as_ref().unwrap();
    assert_eq!((found.case.workers, found.history.preemptions()), (2, 2), "{outcome}");
    assert!(found.repeats(), "{outcome}");

    is_on_the_page("FAIL  old cache lock", &outcome.to_string());
}

#[test]
fn its_picture_of_system_calls_is_what_is_printed() {
    let saved = tempfile::tempdir().unwrap();
    let own = Own::guard_or_error("looking lock", Claim::Everyone, diskcache::looking_lock);
    let outcome = lockfuzz::verdict!(own.traced().seed(3).saved_in(saved.path()));
    is_on_the_page("FAIL  looking lock", &outcome.to_string());
}

fn is_on_the_page(begins: &str, printed: &str) {
    let shown = blocks("text").into_iter().find(|block| block.contains(begins)).unwrap();
    let block = &shown[shown.find(begins).unwrap()..];
    let block = block.split_inclusive('\n').take(printed.lines().count()).collect::<String>();
    assert_eq!(picture(&block), picture(printed));
}
