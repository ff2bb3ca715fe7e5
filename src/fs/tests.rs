use std::fs::TryLockError;
use std::io::{ErrorKind, Read, Seek, Write};
use std::os::unix::fs::MetadataExt;

use super::*;
use crate::stage::recorder::{Step, failing_steps, steps, steps_of_another_run};
use crate::stage::{Access, Object};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn name(path: &Path) -> Object {
    touch::name(path).unwrap()
}

fn inode(path: &Path) -> Object {
    touch::inode(&fs::symlink_metadata(path).unwrap())
}

fn kind<T>(result: io::Result<T>) -> Option<ErrorKind> {
    result.err().map(|why| why.kind())
}

/// The one step of a call.
fn step<T>(act: impl FnOnce() -> T) -> (Vec<Access>, String, bool) {
    let (_, steps) = steps(act);
    let [Step { next, note, changed }] = &steps[..] else { panic!("not one step: {steps:?}") };
    (next.clone(), note.clone(), *changed)
}

#[test]
fn outside_a_run_they_are_the_plain_calls() {
    let folder = folder();
    let [one, two] = ["one", "two"].map(|last| folder.path().join(last));
    assert!(!exists(&one).unwrap());
    assert_eq!(kind(read(&one)), Some(ErrorKind::NotFound));
    assert_eq!(kind(metadata(&one)), Some(ErrorKind::NotFound));
    write(&one, "17").unwrap();
    assert_eq!(read_to_string(&one).unwrap(), "17");
    assert_eq!(kind(File::create_new(&one)), Some(ErrorKind::AlreadyExists));
    hard_link(&one, &two).unwrap();
    assert_eq!(kind(hard_link(&one, &two)), Some(ErrorKind::AlreadyExists));
    assert_eq!(metadata(&one).unwrap().nlink(), 2);
    remove_file(&two).unwrap();
    assert_eq!(kind(remove_file(&two)), Some(ErrorKind::NotFound));
    rename(&one, &two).unwrap();
    assert_eq!(kind(rename(&one, &two)), Some(ErrorKind::NotFound));
    symlink("nowhere", &one).unwrap();
    assert_eq!(kind(symlink("nowhere", &one)), Some(ErrorKind::AlreadyExists));
    assert_eq!(read_link(&one).unwrap(), Path::new("nowhere"));
    assert!(!exists(&one).unwrap());
    assert!(symlink_metadata(&one).unwrap().is_symlink());
    remove_file(&one).unwrap();
    create_dir(&one).unwrap();
    assert_eq!(kind(create_dir(&one)), Some(ErrorKind::AlreadyExists));
    write(one.join("in"), "").unwrap();
    assert_eq!(kind(remove_dir(&one)), Some(ErrorKind::DirectoryNotEmpty));
    remove_file(one.join("in")).unwrap();
    remove_dir(&one).unwrap();
}

#[test]
fn a_file_reads_writes_and_truncates_as_std_does() {
    let folder = folder();
    let path = folder.path().join("file");
    let mut file = File::create_new(&path).unwrap();
    file.write_all(b"17 and more").unwrap();
    file.rewind().unwrap();
    let mut text = String::from("read: ");
    assert_eq!(file.read_to_string(&mut text).unwrap(), 11);
    assert_eq!(text, "read: 17 and more");
    file.set_len(2).unwrap();
    assert_eq!(file.metadata().unwrap().len(), 2);
    drop(file);
    OpenOptions::new().append(true).open(&path).unwrap().write_all(b"18").unwrap();
    assert_eq!(read(&path).unwrap(), b"1718");
    assert_eq!(File::create(&path).unwrap().metadata().unwrap().len(), 0);
    assert_eq!(kind(File::open(folder.path().join("none"))), Some(ErrorKind::NotFound));
    assert!(File::open(&path).unwrap().write_all(b"x").is_err());
}

#[test]
fn locks_exclude_as_the_kernel_says() {
    let folder = folder();
    let path = folder.path().join("lock");
    let [one, other] = [File::create(&path), File::create(&path)].map(Result::unwrap);
    one.try_lock_shared().unwrap();
    other.try_lock_shared().unwrap();
    assert!(matches!(one.try_lock(), Err(TryLockError::WouldBlock)));
    // The upgrade that failed has cost `one` its shared lock.
    other.lock().unwrap();
    other.unlock().unwrap();
    one.try_lock_ofd().unwrap();
    assert!(matches!(other.try_lock_ofd(), Err(TryLockError::WouldBlock)));
    one.unlock_ofd().unwrap();
    one.try_lock_record().unwrap();
    other.try_lock_record().unwrap();
    assert!(matches!(one.try_lock_ofd(), Err(TryLockError::WouldBlock)));
    // Closing any handle of the file gives up the record locks of the process.
    drop(other);
    one.try_lock_ofd().unwrap();
}

#[test]
fn looking_for_a_name_depends_on_making_moving_and_removing_it() {
    let folder = folder();
    let [lock, private] = ["lock", "lock.2"].map(|last| folder.path().join(last));
    let looks = step(|| exists(&lock));
    assert_eq!(looks, (vec![Access::Look(name(&lock))], r#"exists "lock": no"#.into(), false));

    let [here, there] = [name(&private), name(&lock)].map(Access::Change);
    let makes = step(|| File::create_new(&private).map(std::mem::forget));
    assert_eq!(makes, (vec![here], r#"create_new "lock.2": ok"#.into(), true));
    let fails = step(|| File::create_new(&private).map(std::mem::forget));
    assert_eq!(fails, (vec![here], r#"create_new "lock.2": exists"#.into(), false));
    let moved = Access::Change(inode(&private));
    let moves = step(|| rename(&private, &lock));
    assert_eq!(moves, (vec![here, there, moved], r#"rename "lock.2" to "lock": ok"#.into(), true));
    write(&private, "2").unwrap();
    let [moved, lost] = [&private, &lock].map(|path| Access::Change(inode(path)));
    assert_eq!(step(|| rename(&private, &lock)).0, [here, there, moved, lost]);
    let lost = Access::Change(inode(&lock));
    assert_eq!(step(|| remove_file(&lock)), (vec![there, lost], r#"remove_file "lock": ok"#.into(), true));
    let fails = step(|| remove_file(&lock));
    assert_eq!(fails, (vec![there], r#"remove_file "lock": not found"#.into(), false));
    assert_eq!(step(|| create_dir(&lock)).0, [there]);
    assert_eq!(step(|| remove_dir(&lock)), (vec![], r#"remove_dir "lock": ok"#.into(), true));
    let links = step(|| symlink("17", &lock));
    assert_eq!(links, (vec![there], r#"symlink "17" at "lock": ok"#.into(), true));
    let looks = vec![Access::Look(name(&lock)), Access::Look(inode(&lock))];
    assert_eq!(step(|| read_link(&lock)), (looks, r#"read_link "lock": "17""#.into(), false));
}

#[test]
fn content_and_links_are_the_inodes() {
    let folder = folder();
    let [lock, private] = ["lock", "lock.2"].map(|last| folder.path().join(last));
    write(&private, "17").unwrap();
    let at = inode(&private);
    let looks = vec![Access::Look(name(&private)), Access::Look(at)];
    assert_eq!(step(|| read(&private)), (looks.clone(), r#"read "lock.2": "17""#.into(), false));
    let note = r#"metadata "lock.2": 2 B, links 1"#;
    assert_eq!(step(|| metadata(&private)), (looks, note.into(), false));
    let links = vec![Access::Look(name(&private)), Access::Change(name(&lock)), Access::Change(at)];
    let note = r#"hard_link "lock.2" to "lock": ok"#;
    assert_eq!(step(|| hard_link(&private, &lock)), (links, note.into(), true));
    // A write by the one name is seen by the other.
    assert!(step(|| write(&lock, "1")).0.contains(&Access::Change(at)));
    let truncates = step(|| File::create(&lock).map(std::mem::forget));
    assert_eq!(truncates.0[1..], [Access::Change(name(&lock)), Access::Change(at)]);
    let opens = step(|| File::open(&lock).map(std::mem::forget));
    assert_eq!(opens, (vec![Access::Look(name(&lock))], r#"open "lock": ok"#.into(), false));
}

#[test]
fn locks_and_closing_change_the_inode() {
    let folder = folder();
    let path = folder.path().join("lock");
    let [one, other] = [File::create(&path), File::create(&path)].map(Result::unwrap);
    let changes = vec![Access::Change(inode(&path))];
    let takes = step(|| one.try_lock());
    assert_eq!(takes, (changes.clone(), r#"flock "lock": ok"#.into(), false));
    let waits = step(|| other.try_lock());
    assert_eq!(waits, (changes.clone(), r#"flock "lock": would block"#.into(), false));
    assert_eq!(step(|| one.unlock()), (changes.clone(), r#"unlock "lock": ok"#.into(), true));
    one.try_lock_shared().unwrap();
    other.try_lock_shared().unwrap();
    // It loses what it had the first time, and has nothing to lose the second time.
    assert!(step(|| one.try_lock()).2);
    assert!(!step(|| one.try_lock()).2);
    assert_eq!(step(|| drop(other)), (changes.clone(), r#"close "lock": ok"#.into(), true));
    one.try_lock_record().unwrap();
    let other = File::open(&path).unwrap();
    assert!(step(|| drop(other)).2, "the record lock of `one` went with it");
    assert_eq!(step(|| drop(one)), (changes, r#"close "lock": ok"#.into(), false));
}

/// Each of two runs in one process calls its inode the first. The lock of the one is not given up in the other.
#[test]
fn record_locks_of_two_runs_are_not_mixed_up() {
    let folder = folder();
    let [one, other] = ["one", "other"].map(|name| File::create(folder.path().join(name)).unwrap());
    steps_of_another_run(|| one.try_lock_record()).0.unwrap();
    let closes = |file| steps_of_another_run(|| drop(file)).1.pop().unwrap();
    assert!(!closes(other).changed, "it had no lock");
    assert!(closes(one).changed);
}

#[test]
fn a_handle_has_one_position() {
    let folder = folder();
    let path = folder.path().join("file");
    let file = File::create_new(&path).unwrap();
    let [one, other] = [(); 2].map(|()| step(|| (&file).read(&mut [0])).0);
    assert!(one.iter().any(|one| other.iter().any(|other| one.depends_on(*other))), "{one:?}");
}

#[test]
fn what_the_names_at_hand_cannot_tell_is_anything() {
    let folder = folder();
    let [target, link, inner] = ["target", "link", "none/inner"].map(|last| folder.path().join(last));
    symlink(&target, &link).unwrap();
    assert_eq!(step(|| exists(&link)).0, []);
    assert_eq!(step(|| write(&link, "")).0, []);
    assert_ne!(step(|| symlink_metadata(&link)).0, []);
    remove_file(&target).unwrap();
    assert_eq!(step(|| exists(&inner)).0, []);
    create_dir(&target).unwrap();
    assert_eq!(step(|| remove_file(&link)).0, [], "paths lead through it");
    assert_eq!(step(|| metadata(&target)).0, []);
    assert_eq!(step(|| rename(&target, &link)).0, []);
}

#[test]
fn two_paths_to_one_name_are_one_object() {
    let folder = folder();
    let [straight, through] = ["lock", "way/../lock"].map(|last| folder.path().join(last));
    create_dir(folder.path().join("way")).unwrap();
    assert_eq!(step(|| exists(&straight)).0, step(|| exists(&through)).0);
    symlink(folder.path(), folder.path().join("round")).unwrap();
    assert_eq!(step(|| exists(&straight)).0, step(|| exists(folder.path().join("round/lock"))).0);
}

#[test]
fn notes_stay_short() {
    let folder = folder();
    let [one, two] = ["a", "b"].map(|letter| folder.path().join(letter.repeat(100)));
    let (_, note, _) = step(|| rename(&one, &two));
    assert!(note.chars().count() <= 70, "{note}");
    let (_, note, _) = step(|| write(&one, "line\n\u{7}".repeat(9)));
    assert_eq!(
        note,
        format!(r#"write "{}…" "line\n\u{{7}}line\n\u{{7}}line\n\u{{7}}li…": ok"#, "a".repeat(20))
    );
}

/// What each call does where it is made to fail, and what is there afterwards.
#[test]
fn a_call_that_fails_does_what_it_does_on_a_full_disk() {
    let folder = folder();
    let [here, there] = ["here", "there"].map(|last| folder.path().join(last));
    fs::write(&here, "old").unwrap();
    let full = Some(ErrorKind::StorageFull);
    let fails = |act: &dyn Fn() -> io::Result<()>, note: &str| {
        let (result, steps) = failing_steps(act);
        assert_eq!((kind(result), steps[0].note.as_str()), (full, note));
        assert!(fs::symlink_metadata(&there).is_err(), "{note}");
    };
    // No room for a new name: none is made.
    fails(&|| File::create_new(&there).map(drop), r#"create_new "there": no storage space"#);
    fails(&|| File::create(&there).map(drop), r#"create "there": no storage space"#);
    fails(&|| create_dir(&there), r#"create_dir "there": no storage space"#);
    fails(&|| hard_link(&here, &there), r#"hard_link "here" to "there": no storage space"#);
    fails(&|| symlink("here", &there), r#"symlink "here" at "there": no storage space"#);
    fails(&|| rename(&here, &there), r#"rename "here" to "there": no storage space"#);
    // No new name, no room needed.
    let exists = Some(ErrorKind::AlreadyExists);
    assert_eq!(kind(failing_steps(|| File::create_new(&here).map(drop)).0), exists);
    assert_eq!(kind(failing_steps(|| create_dir(&here)).0), exists);
    assert_eq!(kind(failing_steps(|| hard_link(&here, &here)).0), exists);
    failing_steps(|| (exists_and_empty(&here), remove_file(&here).unwrap()));
    assert!(!here.exists());
    // What is written comes half as far.
    assert_eq!(kind(failing_steps(|| write(&here, "123456")).0), full);
    assert_eq!(fs::read_to_string(&here).unwrap(), "123");
    assert_eq!(kind(failing_steps(|| write(&here, "1")).0), full);
    assert_eq!(fs::read_to_string(&here).unwrap(), "");
    let open = || OpenOptions::new().append(true).open(&here).unwrap();
    let (count, steps) = failing_steps(|| open().write(b"abcde").unwrap());
    assert_eq!((count, steps[1].note.as_str()), (2, r#"write "here" "ab": ok"#));
    assert_eq!(kind(failing_steps(|| open().write(b"f")).0), full);
    assert_eq!(failing_steps(|| open().write(b"")).0.unwrap(), 0);
    assert_eq!(kind(failing_steps(|| open().write_all(b"cdxx")).0), full);
    assert_eq!(fs::read_to_string(&here).unwrap(), "abcd");
    // Outside a run nothing fails.
    write(&there, "all").unwrap();
}

fn exists_and_empty(path: &Path) {
    assert!(exists(path).unwrap());
    write(path, "").unwrap();
    assert!(read(path).unwrap().is_empty());
}

#[test]
fn only_a_wait_is_interrupted() {
    let folder = folder();
    let path = folder.path().join("lock");
    let [one, other] = [File::create(&path), File::create(&path)].map(Result::unwrap);
    failing_steps(|| one.lock().unwrap());
    assert!(matches!(failing_steps(|| other.try_lock()).0, Err(TryLockError::WouldBlock)));
    assert_eq!(kind(failing_steps(|| other.lock()).0), Some(ErrorKind::Interrupted));
    assert_eq!(kind(failing_steps(|| other.lock_shared()).0), Some(ErrorKind::Interrupted));
}
