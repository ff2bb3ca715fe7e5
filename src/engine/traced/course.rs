//! What a copy was told since it was copied, and how it ended in a run before where it was told the same.
//!
//! Whoever has read a file and given back a lock often has a long way to its end: an interpreter takes down all that it has
//! made. A program does there what it did when it stood there before, if it has been told the same until then. So where
//! nothing of its last way was seen elsewhere, the next one is sent to its end at once.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use super::clock::length;
use super::table::{Form, Kind, is_harmless};

/// How somebody ended who took no step any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ending {
    /// What it ended with.
    pub(super) code: u64,
    /// The calls of the filter on its way there.
    pub(super) stops: u64,
}

/// So many are kept for a worker, about 3 MiB; more are begun anew.
const MOST: usize = 1 << 16;

/// Those that are known, by all that somebody was told until its last step.
pub(super) type Endings = HashMap<u64, Ending>;

/// Of one copy.
pub(super) struct Course {
    /// None, where they are not to be known.
    endings: Option<Endings>,
    /// Keys of its own, the same in each run.
    told: DefaultHasher,
    /// Was it told something of which nobody knows what it was, or done something that is seen elsewhere?
    lost: bool,
    /// All that it was told until its last step, and what time it was.
    last: u64,
    /// Since then: whether nothing was done that is seen elsewhere, nor told that may be another time.
    quiet: bool,
    stops: u64,
    /// The numbers of the files it has seen, of which it can know only whether two are the same.
    inodes: Vec<u64>,
}

impl Course {
    /// It stands before its first point.
    pub(super) fn new(endings: Option<Endings>) -> Self {
        let (told, inodes) = (DefaultHasher::new(), Vec::new());
        Course { endings, told, lost: false, last: 0, quiet: false, stops: 0, inodes }
    }

    /// For the next copy.
    pub(super) fn endings(self) -> Option<Endings> {
        self.endings
    }

    /// It is about to make a call: one of which nothing is known, or of this kind.
    pub(super) fn calls(&mut self, kind: Option<Kind>, words: [u64; 6]) {
        self.stops += 1;
        match kind {
            Some(
                Kind::Open { .. }
                | Kind::Open2
                | Kind::Stat { .. }
                | Kind::Look { .. }
                | Kind::FdRead
                | Kind::FdLook
                | Kind::FdStat
                | Kind::FdList
                | Kind::Seek
                | Kind::Close
                | Kind::CloseRange
                | Kind::Dup2
                | Kind::Flock
                | Kind::Futex
                | Kind::Handler
                | Kind::Clock(_)
                | Kind::Refused
                | Kind::Exit,
            ) => {}
            Some(Kind::Control) => self.lost |= !is_harmless(words[1]),
            Some(Kind::Fcntl) => {
                let own = [libc::F_DUPFD, libc::F_GETFD, libc::F_SETFD, libc::F_GETFL, libc::F_SETFL];
                let own = own.into_iter().chain([libc::F_DUPFD_CLOEXEC]).any(|own| own == words[1] as i32);
                self.quiet &= own;
            }
            Some(Kind::Map) => self.lost |= words[3] as i32 & libc::MAP_TYPE != libc::MAP_PRIVATE,
            None | Some(Kind::Strange { .. } | Kind::Exec { .. } | Kind::Timer(_) | Kind::Wait(_)) => {
                self.lost = true;
            }
            Some(_) => self.quiet = false,
        }
    }

    /// Something has come to it that is not known.
    pub(super) fn lose(&mut self) {
        self.lost = true;
    }

    /// It is told this.
    pub(super) fn hears(&mut self, what: &(impl Hash + ?Sized)) {
        what.hash(&mut self.told);
    }

    /// It is told what the kernel says of a file.
    pub(super) fn sees(&mut self, form: Form, bytes: &mut [u8]) {
        let at = match form {
            Form::Stat(_) => 8,
            Form::Statx(_) => 32,
        };
        debug_assert_eq!(bytes.len(), length(form));
        let inode = u64::from_ne_bytes(bytes[at..at + 8].try_into().expect("eight bytes"));
        let known = self.inodes.iter().position(|&known| known == inode).unwrap_or_else(|| {
            self.inodes.push(inode);
            self.inodes.len() - 1
        });
        bytes[at..at + 8].copy_from_slice(&(known as u64).to_ne_bytes());
        self.hears(bytes);
    }

    /// It has taken a step, which came to this, and the time does not move until it stands before the next one.
    pub(super) fn steps(&mut self, text: &str, now: Duration) {
        self.hears(text);
        let mut until_now = self.told.clone();
        now.hash(&mut until_now);
        (self.last, self.quiet, self.stops) = (until_now.finish(), true, 0);
    }

    /// How it will end, if it is known to take no other step.
    pub(super) fn ending(&self) -> Option<Ending> {
        let known = || self.endings.as_ref()?.get(&self.last).copied();
        (!self.lost && self.quiet).then(known).flatten()
    }

    /// It is at its end.
    pub(super) fn ends(&mut self, code: u64) {
        if let Some(endings) = self.endings.as_mut().filter(|_| !self.lost && self.quiet) {
            if endings.len() >= MOST {
                endings.clear();
            }
            // Whoever was sent there knows it already, and has made fewer calls on its way.
            endings.entry(self.last).or_insert(Ending { code, stops: self.stops });
        }
    }
}
