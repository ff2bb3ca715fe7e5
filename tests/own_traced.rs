//! Locks of somebody's own over plain `std::fs`, held at their system calls: no points, and no feature in their crate.
#![cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use lockfuzz::check::{Law, Reason, Verdict};
use lockfuzz::lock::Claim;
use lockfuzz::own::Own;

/// Held until it is dropped.
struct Created(PathBuf);

impl Drop for Created {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Sound: O_EXCL, and a sleep while there is one.
fn create(folder: &Path) -> io::Result<Created> {
    let path = folder.join("lock");
    loop {
        match File::create_new(&path) {
            Ok(_) => return Ok(Created(path)),
            Err(why) if why.kind() == ErrorKind::AlreadyExists => thread::sleep(Duration::from_millis(5)),
            Err(why) => return Err(why),
        }
    }
}

/// Broken: looks, then creates.
fn look_and_create(folder: &Path) -> io::Result<Created> {
    let path = folder.join("lock");
    while path.exists() {
        thread::sleep(Duration::from_millis(5));
    }
    File::create(&path)?;
    Ok(Created(path))
}

#[test]
fn a_sound_lock_is_quiet() {
    lockfuzz::check!(Own::guard_or_error("created", Claim::Everyone, create).traced().cases(40));
}

#[test]
fn a_broken_lock_is_found_and_made_small() {
    let saved = tempfile::tempdir().unwrap();
    let own = Own::guard_or_error("look and create", Claim::Everyone, look_and_create);
    let outcome = lockfuzz::verdict!(own.traced().saved_in(saved.path()));
    println!("{outcome}");
    let Verdict::Fail(failure) = outcome.verdict else { panic!("{outcome}") };
    assert!(matches!(failure.law, Law::TwoInside { .. }), "{outcome}");
    let found = outcome.counterexample.as_ref().unwrap();
    assert_eq!(
        (found.case.workers, found.history.preemptions(), found.replays),
        (2, 2, (10, 10)),
        "{outcome}"
    );
    assert_eq!(outcome.lock, "look and create");
    let _ = Reason::NoPoints;
    println!("{}", fs::read_to_string(found.path.as_ref().unwrap()).unwrap());
}
