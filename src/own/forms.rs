//! A lock of somebody's own as a [`Lock`]: a guard, or a try and a release, or a `Lock` as it is.

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};

use super::took::Guard;
use super::traced::turn;
use crate::lock::{Lock, Site, TryLock};
use crate::worker::RunOver;

/// Takes the lock in a folder.
pub(super) type Acquire = dyn Fn(&Path) -> io::Result<Guard> + Send + Sync;
/// Gives it back.
pub(super) type Release = dyn Fn(&Path, Box<dyn Any>) -> io::Result<()> + Send + Sync;

/// A lock that is held for as long as something lives.
pub(super) struct Held {
    folder: PathBuf,
    acquire: &'static Acquire,
    release: &'static Release,
    token: Option<Box<dyn Any>>,
}

impl Held {
    pub(super) fn open(
        site: &Site,
        acquire: &'static Acquire,
        release: &'static Release,
    ) -> io::Result<Self> {
        Ok(Held { folder: folder(site)?, acquire, release, token: None })
    }
}

impl Lock for Held {
    fn try_lock(&mut self) -> TryLock {
        match caught(|| (self.acquire)(&self.folder)) {
            Ok(Some(token)) => {
                self.token = Some(token);
                TryLock::Acquired
            }
            Ok(None) => TryLock::WouldBlock,
            Err(why) => TryLock::Failed(why),
        }
    }

    fn unlock(&mut self) -> io::Result<()> {
        let token = self.token.take().expect("only its holder gives it back");
        caught(|| (self.release)(&self.folder, token))
    }
}

/// Somebody's `Lock`, whose panics are errors.
pub(super) struct Careful(pub(super) Box<dyn Lock>);

impl Lock for Careful {
    fn try_lock(&mut self) -> TryLock {
        caught(|| Ok(self.0.try_lock())).unwrap_or_else(TryLock::Failed)
    }

    fn unlock(&mut self) -> io::Result<()> {
        caught(|| self.0.unlock())
    }
}

/// The folder of this case. Whoever opens the lock first makes it; where system calls are held it is there already, since
/// that would be one of them.
pub(super) fn folder(site: &Site) -> io::Result<PathBuf> {
    if turn::called().is_some() {
        return Ok(site.path.clone());
    }
    match std::fs::create_dir(&site.path) {
        Err(why) if why.kind() != io::ErrorKind::AlreadyExists => Err(why),
        _ => Ok(site.path.clone()),
    }
}

/// Does it; a panic is an error, unless it is the end of the run.
pub(super) fn caught<T>(act: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    catch_unwind(AssertUnwindSafe(act)).unwrap_or_else(|why| {
        if why.is::<RunOver>() {
            resume_unwind(why);
        }
        let text = why.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| why.downcast_ref::<&str>().copied()).unwrap_or("not said why");
        Err(io::Error::other(format!("it panicked: {}", text.lines().next().unwrap_or(text))))
    })
}
