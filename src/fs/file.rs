//! An open file, and the locks on it.

use std::collections::BTreeSet;
use std::fs::{self, Metadata, TryLockError};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::fs::FlockOperation;
use rustix::io::Errno;

use super::touch::{self, Links, Touch};
use super::words::{Content, Ended, Name};
use super::{full, half, make, note_metadata, note_read, point, stamp};
use crate::stage::{self, Access, Object};
use crate::sys::ofd;

/// The files on which this process has record locks, by device and inode: closing any handle of one gives them up.
/// Runs that go on at once in this process each number the inodes for themselves, so these are the system's numbers.
static RECORD_LOCKED: Mutex<BTreeSet<(u64, u64)>> = Mutex::new(BTreeSet::new());

/// How many handles were opened.
static OPENED: AtomicU64 = AtomicU64::new(0);

/// No device has this number: handles are numbered in a run as its inodes are.
const HANDLES: u64 = 1 << 31;

/// As [`std::fs::File`]. Closing it is a step too, for it gives back the locks; in a run also those that a copy of its
/// descriptor would keep.
#[derive(Debug)]
pub struct File {
    /// `None` once it is closed.
    file: Option<fs::File>,
    path: PathBuf,
    /// Its number among the handles of this process.
    nth: u64,
    /// Has this open file a lock (flock or OFD) of its own?
    locked: AtomicBool,
}

impl File {
    /// As [`std::fs::File::open`].
    ///
    /// # Errors
    /// As there.
    pub fn open(path: impl AsRef<Path>) -> io::Result<File> {
        OpenOptions::new().read(true).open(path)
    }

    /// As [`std::fs::File::create`].
    ///
    /// # Errors
    /// As there.
    pub fn create(path: impl AsRef<Path>) -> io::Result<File> {
        OpenOptions::new().write(true).create(true).truncate(true).open(path)
    }

    /// As [`std::fs::File::create_new`].
    ///
    /// # Errors
    /// As there.
    pub fn create_new(path: impl AsRef<Path>) -> io::Result<File> {
        OpenOptions::new().read(true).write(true).create_new(true).open(path)
    }

    /// As [`std::fs::File::options`].
    #[must_use]
    pub fn options() -> OpenOptions {
        OpenOptions::new()
    }

    /// As [`std::fs::File::metadata`].
    ///
    /// # Errors
    /// As there.
    pub fn metadata(&self) -> io::Result<Metadata> {
        point(|| self.touch(Access::Look));
        let result = self.file().metadata();
        note_metadata("metadata", &self.path, &result);
        result
    }

    /// As [`std::fs::File::set_len`].
    ///
    /// # Errors
    /// As there.
    pub fn set_len(&self, size: u64) -> io::Result<()> {
        point(|| self.touch(Access::Change));
        let result = self.file().set_len(size);
        stage::note(format_args!("set_len {} {size}: {}", Name(&self.path), Ended::of(&result)));
        stage::changed();
        result
    }

    /// As [`std::fs::File::lock`]: flock(2), exclusive. In a run the worker is blocked until somebody
    /// has changed what it touched, and then tries again.
    ///
    /// # Errors
    /// As there.
    pub fn lock(&self) -> io::Result<()> {
        if stage::in_run() { blocking(|| self.try_lock()) } else { self.file().lock() }
    }

    /// As [`std::fs::File::lock_shared`]; see [`File::lock`].
    ///
    /// # Errors
    /// As there.
    pub fn lock_shared(&self) -> io::Result<()> {
        if stage::in_run() { blocking(|| self.try_lock_shared()) } else { self.file().lock_shared() }
    }

    /// As [`std::fs::File::try_lock`]: flock(2), exclusive. One that had a shared lock has lost it,
    /// whether this succeeds or not.
    ///
    /// # Errors
    /// As there.
    pub fn try_lock(&self) -> Result<(), TryLockError> {
        self.flock_step("flock", fs::File::try_lock)
    }

    /// As [`std::fs::File::try_lock_shared`].
    ///
    /// # Errors
    /// As there.
    pub fn try_lock_shared(&self) -> Result<(), TryLockError> {
        self.flock_step("flock shared", fs::File::try_lock_shared)
    }

    /// As [`std::fs::File::unlock`].
    ///
    /// # Errors
    /// As there.
    pub fn unlock(&self) -> io::Result<()> {
        self.unlock_step("unlock", fs::File::unlock)
    }

    /// Takes an OFD lock (fcntl(2), F_OFD_SETLK) on the whole file: it belongs to this open file.
    ///
    /// # Errors
    /// `WouldBlock` where another open file has it; otherwise what the system says.
    pub fn try_lock_ofd(&self) -> Result<(), TryLockError> {
        point(|| self.touch(Access::Change));
        let result = tried(ofd::try_lock(self.file().as_fd()));
        self.note_lock("OFD lock", &result);
        if result.is_ok() {
            self.locked.store(true, Ordering::Relaxed);
        }
        result
    }

    /// Gives an OFD lock back.
    ///
    /// # Errors
    /// What the system says.
    pub fn unlock_ofd(&self) -> io::Result<()> {
        self.unlock_step("OFD unlock", |file| ofd::unlock(file.as_fd()))
    }

    /// Takes a POSIX record lock (fcntl(2), F_SETLK) on the whole file: it belongs to this process,
    /// excludes none of its threads, and is gone once the process closes any handle of the file.
    ///
    /// # Errors
    /// `WouldBlock` where another process has it; otherwise what the system says.
    pub fn try_lock_record(&self) -> Result<(), TryLockError> {
        point(|| self.touch(Access::Change));
        let operation = FlockOperation::NonBlockingLockExclusive;
        let result = tried(rustix::fs::fcntl_lock(self.file(), operation).map_err(io::Error::from));
        if result.is_ok()
            && let Ok(of) = self.file().metadata()
        {
            record_locked().insert((of.dev(), of.ino()));
        }
        self.note_lock("fcntl lock", &result);
        result
    }

    /// Gives this process's record lock back.
    ///
    /// # Errors
    /// What the system says.
    pub fn unlock_record(&self) -> io::Result<()> {
        self.unlock_step("fcntl unlock", |file| {
            rustix::fs::fcntl_lock(file, FlockOperation::NonBlockingUnlock)?;
            forget_record_lock(&file.metadata()?);
            Ok(())
        })
    }

    fn flock_step(
        &self,
        verb: &str,
        act: impl FnOnce(&fs::File) -> Result<(), TryLockError>,
    ) -> Result<(), TryLockError> {
        point(|| self.touch(Access::Change));
        let result = act(self.file());
        self.note_lock(verb, &result);
        // flock(2) gives the old lock up before it asks for the new one.
        if self.locked.swap(result.is_ok(), Ordering::Relaxed) {
            stage::changed();
        }
        result
    }

    fn note_lock(&self, verb: &str, result: &Result<(), TryLockError>) {
        let kind = match result {
            Ok(()) => None,
            Err(TryLockError::WouldBlock) => Some(ErrorKind::WouldBlock),
            Err(TryLockError::Error(why)) => Some(why.kind()),
        };
        stage::note(format_args!("{verb} {}: {}", Name(&self.path), Ended(kind)));
    }

    fn unlock_step(&self, verb: &str, act: impl FnOnce(&fs::File) -> io::Result<()>) -> io::Result<()> {
        point(|| self.touch(Access::Change));
        let result = act(self.file());
        stage::note(format_args!("{verb} {}: {}", Name(&self.path), Ended::of(&result)));
        if result.is_ok() {
            self.locked.store(false, Ordering::Relaxed);
            stage::changed();
        }
        result
    }

    pub(super) fn file(&self) -> &fs::File {
        self.file.as_ref().expect("a file is open until it is dropped")
    }

    fn inode(&self) -> io::Result<Object> {
        Ok(touch::inode(&self.file().metadata()?))
    }

    fn touch(&self, access: fn(Object) -> Access) -> Touch {
        self.inode().map_or_else(|_| Touch::anything(), |inode| Touch::new().and(access(inode)))
    }

    /// Its position, which everybody who uses this handle shares.
    fn position(&self) -> Access {
        // A descriptor's number comes again for another file.
        let handle = stage::sight(HANDLES | u64::from(std::process::id()), self.nth);
        Access::Change(Object::memory(&format!("position {handle}")))
    }

    fn read_step<T>(
        &self,
        act: impl FnOnce(&mut &fs::File) -> io::Result<T>,
        note: impl FnOnce(&io::Result<T>),
    ) -> io::Result<T> {
        point(|| self.touch(Access::Look).and(self.position()));
        let result = act(&mut self.file());
        note(&result);
        result
    }

    fn write_step<T>(
        &self,
        content: &[u8],
        act: impl FnOnce(&mut &fs::File, Option<&[u8]>) -> io::Result<T>,
    ) -> io::Result<T> {
        point(|| self.touch(Access::Change).and(self.position()));
        let half = half(content);
        let result = act(&mut self.file(), half);
        stamp(self.file());
        let written = Content(half.filter(|_| result.is_ok()).unwrap_or(content));
        stage::note(format_args!("write {} {written}: {}", Name(&self.path), Ended::of(&result)));
        stage::changed();
        result
    }
}

fn tried(result: io::Result<()>) -> Result<(), TryLockError> {
    result.map_err(|why| match why.kind() {
        // fcntl(2): "EACCES or EAGAIN".
        ErrorKind::WouldBlock | ErrorKind::PermissionDenied => TryLockError::WouldBlock,
        _ => TryLockError::Error(why),
    })
}

fn blocking(mut attempt: impl FnMut() -> Result<(), TryLockError>) -> io::Result<()> {
    loop {
        match attempt() {
            Ok(()) => return Ok(()),
            // A signal comes before anybody gives the lock back.
            Err(TryLockError::WouldBlock) if stage::fails() => return Err(Errno::INTR.into()),
            Err(TryLockError::WouldBlock) => stage::wait(),
            Err(TryLockError::Error(why)) => return Err(why),
        }
    }
}

fn record_locked() -> MutexGuard<'static, BTreeSet<(u64, u64)>> {
    RECORD_LOCKED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Was there one?
fn forget_record_lock(of: &Metadata) -> bool {
    record_locked().remove(&(of.dev(), of.ino()))
}

impl Drop for File {
    fn drop(&mut self) {
        let staged = stage::in_run() && !std::thread::panicking();
        if staged {
            point(|| self.touch(Access::Change));
        }
        let some = !record_locked().is_empty();
        let had = some && self.file().metadata().is_ok_and(|of| forget_record_lock(&of));
        let locked = *self.locked.get_mut();
        if staged && locked {
            // A process that somebody starts at this moment has this file open as well until it runs its own program,
            // and would hold on to the lock for a time that no run repeats.
            let _ = self.file().unlock();
            let _ = ofd::unlock(self.file().as_fd());
        }
        drop(self.file.take());
        if staged {
            stage::note(format_args!("close {}: ok", Name(&self.path)));
            // Who waits for nothing that this handle had must not be woken: it would look, close
            // its own, and wake the next one, for ever.
            if had || locked {
                stage::changed();
            }
        }
    }
}

impl AsFd for File {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file().as_fd()
    }
}

/// [`Read::read_to_end`] and [`Read::read_to_string`] are one step each.
impl Read for &File {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        point(|| self.touch(Access::Look).and(self.position()));
        let result = self.file().read(buffer);
        note_read(&self.path, result.as_ref().map(|count| &buffer[..*count]));
        result
    }

    fn read_to_end(&mut self, bytes: &mut Vec<u8>) -> io::Result<usize> {
        let old = bytes.len();
        point(|| self.touch(Access::Look).and(self.position()));
        let result = self.file().read_to_end(bytes);
        note_read(&self.path, result.as_ref().map(|_| &bytes[old..]));
        result
    }

    fn read_to_string(&mut self, text: &mut String) -> io::Result<usize> {
        let old = text.len();
        point(|| self.touch(Access::Look).and(self.position()));
        let result = self.file().read_to_string(text);
        note_read(&self.path, result.as_ref().map(|_| &text.as_bytes()[old..]));
        result
    }
}

impl Read for File {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&*self).read(buffer)
    }

    fn read_to_end(&mut self, bytes: &mut Vec<u8>) -> io::Result<usize> {
        (&*self).read_to_end(bytes)
    }

    fn read_to_string(&mut self, text: &mut String) -> io::Result<usize> {
        (&*self).read_to_string(text)
    }
}

/// [`Write::write_all`] is one step.
impl Write for &File {
    fn write(&mut self, content: &[u8]) -> io::Result<usize> {
        self.write_step(content, |file, half| match half {
            Some([]) => Err(full()),
            Some(half) => file.write(half),
            None => file.write(content),
        })
    }

    fn write_all(&mut self, content: &[u8]) -> io::Result<()> {
        self.write_step(content, |file, half| match half {
            Some(half) => file.write_all(half).and(Err(full())),
            None => file.write_all(content),
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Write for File {
    fn write(&mut self, content: &[u8]) -> io::Result<usize> {
        (&*self).write(content)
    }

    fn write_all(&mut self, content: &[u8]) -> io::Result<()> {
        (&*self).write_all(content)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for &File {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        // From the end: that is a look at its length.
        self.read_step(
            |file| file.seek(to),
            |result| stage::note(format_args!("seek {}: {}", Name(&self.path), Ended::of(result))),
        )
    }
}

impl Seek for File {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        (&*self).seek(to)
    }
}

/// As [`std::fs::OpenOptions`].
#[derive(Clone, Debug)]
pub struct OpenOptions {
    options: fs::OpenOptions,
    create: bool,
    create_new: bool,
    truncate: bool,
}

impl Default for OpenOptions {
    fn default() -> Self {
        OpenOptions::new()
    }
}

impl OpenOptions {
    /// As [`std::fs::OpenOptions::new`].
    #[must_use]
    pub fn new() -> Self {
        OpenOptions { options: fs::OpenOptions::new(), create: false, create_new: false, truncate: false }
    }

    /// As [`std::fs::OpenOptions::read`].
    pub fn read(&mut self, read: bool) -> &mut Self {
        self.options.read(read);
        self
    }

    /// As [`std::fs::OpenOptions::write`].
    pub fn write(&mut self, write: bool) -> &mut Self {
        self.options.write(write);
        self
    }

    /// As [`std::fs::OpenOptions::append`].
    pub fn append(&mut self, append: bool) -> &mut Self {
        self.options.append(append);
        self
    }

    /// As [`std::fs::OpenOptions::truncate`].
    pub fn truncate(&mut self, truncate: bool) -> &mut Self {
        self.options.truncate(truncate);
        self.truncate = truncate;
        self
    }

    /// As [`std::fs::OpenOptions::create`].
    pub fn create(&mut self, create: bool) -> &mut Self {
        self.options.create(create);
        self.create = create;
        self
    }

    /// As [`std::fs::OpenOptions::create_new`].
    pub fn create_new(&mut self, create_new: bool) -> &mut Self {
        self.options.create_new(create_new);
        self.create_new = create_new;
        self
    }

    /// As [`std::fs::OpenOptions::open`].
    ///
    /// # Errors
    /// As there.
    pub fn open(&self, path: impl AsRef<Path>) -> io::Result<File> {
        let path = path.as_ref();
        point(|| self.touch(path));
        // Nobody comes in between now.
        let makes = self.create_new || self.truncate || (self.create && stage::in_run() && !path.exists());
        let result = match self.create || self.create_new {
            true => make(path, || self.options.open(path)),
            false => self.options.open(path),
        };
        let verb = match self {
            OpenOptions { create_new: true, .. } => "create_new",
            OpenOptions { create: true, .. } => "create",
            _ => "open",
        };
        stage::note(format_args!("{verb} {}: {}", Name(path), Ended::of(&result)));
        if let Ok(file) = &result
            && makes
        {
            stamp(file);
            stage::changed();
        }
        Ok(File {
            file: Some(result?),
            path: path.to_path_buf(),
            nth: OPENED.fetch_add(1, Ordering::Relaxed),
            locked: AtomicBool::new(false),
        })
    }

    fn touch(&self, path: &Path) -> Touch {
        if self.create_new {
            return Touch::new().change_name(path);
        }
        let name = Touch::new().look_for(path, Links::Follow);
        let name = if self.create { name.change_name(path) } else { name };
        if self.truncate { name.change_at(path, Links::Follow) } else { name }
    }
}
