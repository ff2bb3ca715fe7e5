//! The calls that lock files are made of, with std's names, types and results.
//!
//! Outside a run they are the plain calls. Inside one, each is a step: before it another worker may go
//! on, after it the history says how it ended, and whoever waits for what it changed may try again.
//!
//! One call is one step, also where the system needs several: [`read`] and [`write()`] are never seen
//! half done, unless they fail. What a program does between opening a file and writing to it is seen
//! with a [`File`]. Access times are taken for something that nobody looks at.
//!
//! A run whose faults have failures lets a call fail. What makes a new name fails with `ENOSPC` and makes none.
//! What writes comes half as far: [`Write::write`](std::io::Write::write) of a [`File`] says so by its count,
//! the others end with `ENOSPC`. [`File::lock`] and [`File::lock_shared`] fail with `EINTR` where they would
//! have to wait. All other calls do not fail.

mod file;
mod touch;
mod words;

use std::fs::{self, FileTimes};
use std::io;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, UTIME_OMIT, utimensat};

use rustix::io::Errno;

use crate::stage;

pub use file::{File, OpenOptions};
pub use std::fs::{DirEntry, FileType, Metadata, Permissions, TryLockError};

use touch::{Links, Touch};
use words::{Content, Ended, Name};

/// Says what the next step touches. Finding that out is work, so it is done inside a run only.
fn point(touch: impl Fn() -> Touch) {
    if stage::in_run() {
        stage::point_with(&|| touch().list().to_vec());
    }
}

/// What was made or written just now has the time of the run's clock. (The time of its last change of
/// attributes cannot be set.)
fn stamp(file: &fs::File) {
    if let Some(now) = stage::clock_time() {
        // On a file of somebody else's it fails; then the file keeps the machine's time.
        let _ = file.set_times(FileTimes::new().set_modified(now));
    }
}

fn stamp_path(path: &Path) {
    if let Some(now) = stage::clock_time() {
        let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let last_modification = Timespec { tv_sec: since.as_secs() as _, tv_nsec: since.subsec_nanos() as _ };
        let last_access = Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT };
        let times = Timestamps { last_access, last_modification };
        let _ = utimensat(CWD, path, &times, AtFlags::empty());
    }
}

/// The error of a disk that is full.
fn full() -> io::Error {
    Errno::NOSPC.into()
}

/// Makes something new at this name, unless the disk happens to be full.
fn make<T>(name: &Path, act: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let is_new = || stage::in_run() && fs::symlink_metadata(name).is_err();
    if is_new() && stage::fails() { Err(full()) } else { act() }
}

/// How much of this finds room, if not all of it does: the disk happens to be full.
fn half(content: &[u8]) -> Option<&[u8]> {
    (!content.is_empty() && stage::fails()).then(|| &content[..content.len() / 2])
}

/// A step that changes something when it succeeds.
fn change<T>(
    verb: &str,
    path: &Path,
    touch: impl Fn() -> Touch,
    act: impl FnOnce() -> io::Result<T>,
) -> io::Result<T> {
    point(touch);
    let result = act();
    stage::note(format_args!("{verb} {}: {}", Name(path), Ended::of(&result)));
    if result.is_ok() {
        stage::changed();
    }
    result
}

/// A step that moves between two names.
fn change_two(
    [verb, preposition]: [&str; 2],
    [one, other]: [&Path; 2],
    touch: impl Fn() -> Touch,
    act: impl FnOnce() -> io::Result<()>,
) -> io::Result<()> {
    point(touch);
    let result = make(other, act);
    stage::note(format_args!("{verb} {} {preposition} {}: {}", Name(one), Name(other), Ended::of(&result)));
    if result.is_ok() {
        stage::changed();
    }
    result
}

/// As [`std::fs::exists`].
///
/// # Errors
/// As there.
pub fn exists(path: impl AsRef<Path>) -> io::Result<bool> {
    let path = path.as_ref();
    point(|| Touch::new().look_for(path, Links::Follow));
    let result = fs::exists(path);
    match &result {
        Ok(there) => {
            stage::note(format_args!("exists {}: {}", Name(path), if *there { "yes" } else { "no" }))
        }
        Err(_) => stage::note(format_args!("exists {}: {}", Name(path), Ended::of(&result))),
    }
    result
}

/// As [`std::fs::metadata`].
///
/// # Errors
/// As there.
pub fn metadata(path: impl AsRef<Path>) -> io::Result<Metadata> {
    stat("metadata", path.as_ref(), Links::Follow, |path| fs::metadata(path))
}

/// As [`std::fs::symlink_metadata`].
///
/// # Errors
/// As there.
pub fn symlink_metadata(path: impl AsRef<Path>) -> io::Result<Metadata> {
    stat("symlink_metadata", path.as_ref(), Links::Keep, |path| fs::symlink_metadata(path))
}

fn stat(
    verb: &str,
    path: &Path,
    links: Links,
    act: fn(&Path) -> io::Result<Metadata>,
) -> io::Result<Metadata> {
    point(|| Touch::new().look_for(path, links).look_at(path, links));
    let result = act(path);
    note_metadata(verb, path, &result);
    result
}

fn note_metadata(verb: &str, path: &Path, result: &io::Result<Metadata>) {
    use std::os::unix::fs::MetadataExt;
    match result {
        Ok(at) if at.is_file() => {
            let (links, length) = (at.nlink(), at.len());
            stage::note(format_args!("{verb} {}: {length} B, links {links}", Name(path)));
        }
        _ => stage::note(format_args!("{verb} {}: {}", Name(path), Ended::of(result))),
    }
}

/// As [`std::fs::read`].
///
/// # Errors
/// As there.
pub fn read(path: impl AsRef<Path>) -> io::Result<Vec<u8>> {
    let path = path.as_ref();
    look(path, || fs::read(path), |bytes| bytes)
}

/// As [`std::fs::read_to_string`].
///
/// # Errors
/// As there.
pub fn read_to_string(path: impl AsRef<Path>) -> io::Result<String> {
    let path = path.as_ref();
    look(path, || fs::read_to_string(path), |text| text.as_bytes())
}

fn look<T>(path: &Path, act: impl FnOnce() -> io::Result<T>, bytes: fn(&T) -> &[u8]) -> io::Result<T> {
    point(|| Touch::new().look_for(path, Links::Follow).look_at(path, Links::Follow));
    let result = act();
    note_read(path, result.as_ref().map(bytes));
    result
}

fn note_read(path: &Path, result: Result<&[u8], &io::Error>) {
    match result {
        Ok(bytes) => stage::note(format_args!("read {}: {}", Name(path), Content(bytes))),
        Err(why) => stage::note(format_args!("read {}: {}", Name(path), Ended(Some(why.kind())))),
    }
}

/// As [`std::fs::read_link`].
///
/// # Errors
/// As there.
pub fn read_link(path: impl AsRef<Path>) -> io::Result<PathBuf> {
    let path = path.as_ref();
    point(|| Touch::new().look_for(path, Links::Keep).look_at(path, Links::Keep));
    let result = fs::read_link(path);
    match &result {
        Ok(target) => {
            let target = Content(target.as_os_str().as_encoded_bytes());
            stage::note(format_args!("read_link {}: {target}", Name(path)));
        }
        Err(_) => stage::note(format_args!("read_link {}: {}", Name(path), Ended::of(&result))),
    }
    result
}

/// As [`std::fs::write`], in one step.
///
/// # Errors
/// As there.
pub fn write(path: impl AsRef<Path>, content: impl AsRef<[u8]>) -> io::Result<()> {
    let (path, content) = (path.as_ref(), content.as_ref());
    point(|| {
        let name = Touch::new().look_for(path, Links::Follow).change_name(path);
        name.change_at(path, Links::Follow)
    });
    let result = match half(content) {
        Some(half) => fs::write(path, half).and(Err(full())),
        None => fs::write(path, content),
    };
    stamp_path(path);
    stage::note(format_args!("write {} {}: {}", Name(path), Content(content), Ended::of(&result)));
    // What was written before an error stays written.
    stage::changed();
    result
}

/// As [`std::fs::hard_link`].
///
/// # Errors
/// As there.
pub fn hard_link(original: impl AsRef<Path>, link: impl AsRef<Path>) -> io::Result<()> {
    let [original, link] = [original.as_ref(), link.as_ref()];
    let touch = || {
        let names = Touch::new().look_for(original, Links::Keep).change_name(link);
        names.change_at(original, Links::Keep)
    };
    change_two(["hard_link", "to"], [original, link], touch, || fs::hard_link(original, link))
}

/// As [`std::os::unix::fs::symlink`].
///
/// # Errors
/// As there.
pub fn symlink(original: impl AsRef<Path>, link: impl AsRef<Path>) -> io::Result<()> {
    let [original, link] = [original.as_ref(), link.as_ref()];
    let touch = || Touch::new().change_name(link);
    change_two(["symlink", "at"], [original, link], touch, || std::os::unix::fs::symlink(original, link))
}

/// As [`std::fs::create_dir`].
///
/// # Errors
/// As there.
pub fn create_dir(path: impl AsRef<Path>) -> io::Result<()> {
    let path = path.as_ref();
    change(
        "create_dir",
        path,
        || Touch::new().change_name(path),
        || make(path, || fs::create_dir(path)).inspect(|()| stamp_path(path)),
    )
}

/// As [`std::fs::remove_dir`].
///
/// # Errors
/// As there.
pub fn remove_dir(path: impl AsRef<Path>) -> io::Result<()> {
    let path = path.as_ref();
    // Every name in it stands in its way, and goes with it.
    change("remove_dir", path, Touch::anything, || fs::remove_dir(path))
}

/// As [`std::fs::remove_file`].
///
/// # Errors
/// As there.
pub fn remove_file(path: impl AsRef<Path>) -> io::Result<()> {
    let path = path.as_ref();
    let touch = || Touch::new().change_name(path).change_at(path, Links::Keep);
    change("remove_file", path, touch, || fs::remove_file(path))
}

/// As [`std::fs::rename`].
///
/// # Errors
/// As there.
pub fn rename(from: impl AsRef<Path>, to: impl AsRef<Path>) -> io::Result<()> {
    let [from, to] = [from.as_ref(), to.as_ref()];
    let touch = || {
        let names = Touch::new().change_name(from).change_name(to);
        names.change_at(from, Links::Keep).change_at(to, Links::Keep)
    };
    change_two(["rename", "to"], [from, to], touch, || fs::rename(from, to))
}

/// As [`std::fs::read_dir`], but the whole folder is read in one step, in the order of the names.
///
/// # Errors
/// As there.
pub fn read_dir(path: impl AsRef<Path>) -> io::Result<ReadDir> {
    let path = path.as_ref();
    // Every name in it is looked for.
    point(Touch::anything);
    let result = fs::read_dir(path).map(|entries| {
        let mut entries: Vec<_> = entries.collect();
        entries.sort_by_key(|entry| entry.as_ref().map(fs::DirEntry::file_name).ok());
        ReadDir(entries.into_iter())
    });
    match &result {
        Ok(entries) => stage::note(format_args!("read_dir {}: {} names", Name(path), entries.0.len())),
        Err(_) => stage::note(format_args!("read_dir {}: {}", Name(path), Ended::of(&result))),
    }
    result
}

/// As [`std::fs::ReadDir`]. What an entry is asked for besides its name is no step.
#[derive(Debug)]
pub struct ReadDir(std::vec::IntoIter<io::Result<fs::DirEntry>>);

impl Iterator for ReadDir {
    type Item = io::Result<fs::DirEntry>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next()
    }
}

#[cfg(test)]
mod pairs;
#[cfg(test)]
mod tests;
