//! What a proof looks at more closely than a search does, so that less depends on each other.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::{self, File};

use crate::schedule::Wid;
use crate::stage::{Access, Object};
use crate::sys::kcmp::share_file;

use super::call::{Call, Numbers, Subject};
use super::clock::Inode;
use super::table::Kind;

/// Whose locks there have been, and who knows of them.
#[derive(Default)]
pub(super) struct Locks {
    /// Files that a worker has had a lock on.
    had: HashSet<(Wid, Inode)>,
    /// Files on which a process of this worker's has used locks that go with any of its descriptors.
    records: HashSet<(Wid, Inode)>,
    /// What the exits of processes give back, as they were when they were about to.
    leaving: HashMap<i32, Vec<Access>>,
}

impl Locks {
    /// This worker has taken a lock on this file, or given one back.
    pub(super) fn note(&mut self, worker: Wid, inode: Inode, kind: Kind) {
        self.had.insert((worker, inode));
        if kind == Kind::Fcntl {
            self.records.insert((worker, inode));
        }
    }

    /// This process is about to end, which does this.
    pub(super) fn leave(&mut self, process: i32, accesses: Vec<Access>) {
        self.leaving.insert(process, accesses);
    }

    /// What it did.
    pub(super) fn left(&mut self, process: i32) -> Option<Vec<Access>> {
        self.leaving.remove(&process)
    }

    /// Is this call, which had to wait, sure to have to wait still?
    pub(super) fn keep_out(&self, worker: Wid, process: i32, call: &Call) -> bool {
        let Subject::Files(files) = &call.subject else { return false };
        let words = call.registers.words();
        // Whoever has a lock of its own there may have to wait for nobody else.
        if call.kind != Kind::Flock || files.iter().any(|&(_, inode)| self.had.contains(&(worker, inode))) {
            return false;
        }
        let how = match words[1] as i32 & !libc::LOCK_NB {
            libc::LOCK_SH => rustix::fs::FlockOperation::NonBlockingLockShared,
            libc::LOCK_EX => rustix::fs::FlockOperation::NonBlockingLockExclusive,
            _ => return false,
        };
        // An opening of our own, so that its lock goes when it is closed here.
        let Ok(file) = File::open(format!("/proc/{process}/fd/{}", words[0] as i32)) else { return false };
        rustix::fs::flock(&file, how) == Err(rustix::io::Errno::WOULDBLOCK)
    }

    /// Corrects what a call says that it touches. Giving a descriptor away gives a lock back only where there is one, and
    /// where nobody else has the same open file. What that goes by is an object of this worker's own, so that it is looked
    /// at anew after each step that may change it.
    ///
    /// Who reads while another writes is said of moments of two workers: their order must be tried even where no file
    /// would tell it.
    pub(super) fn refine(
        &self,
        next: &mut Vec<Access>,
        call: &Call,
        (worker, process): (Wid, i32),
        processes: &BTreeMap<i32, Wid>,
        numbers: &mut Numbers,
        reads_back: bool,
    ) {
        let words = call.registers.words();
        let (inodes, fd): (Vec<Inode>, _) = match (call.kind, &call.subject) {
            (Kind::Flock | Kind::Fcntl, Subject::Files(files)) => {
                let own = files.iter().map(|&(_, inode)| Access::Change(held(worker, inode, numbers)));
                next.extend(own.collect::<Vec<_>>());
                return;
            }
            (Kind::Close, Subject::Files(files)) => {
                (files.iter().map(|&(_, inode)| inode).collect(), Some(words[0] as i32))
            }
            (Kind::Dup2, Subject::Files(files)) => {
                (files.iter().map(|&(_, inode)| inode).collect(), Some(words[1] as i32))
            }
            (Kind::Exit | Kind::Exec { .. }, Subject::Own(_, opened)) => (opened.clone(), None),
            _ => return,
        };
        for inode in inodes {
            let had = self.had.contains(&(worker, inode));
            let record = self.records.contains(&(worker, inode));
            if !(record || had && releases(process, fd, inode, worker, processes)) {
                let locks = Access::Change(numbers.locks(inode));
                next.retain(|access| *access != locks);
            }
            next.push(Access::Change(held(worker, inode, numbers)));
            if reads_back && call.kind == Kind::Close {
                next.push(Access::Change(numbers.content(inode)));
            }
        }
    }
}

/// What a worker has of this file's locks.
fn held(worker: Wid, inode: Inode, numbers: &mut Numbers) -> Object {
    Object::memory(&format!("held by {worker}: {}", numbers.of(inode)))
}

/// May a lock go when this process gives up this descriptor, or, without one, all that it has of this file? Not where
/// somebody else has the same open file.
fn releases(process: i32, fd: Option<i32>, inode: Inode, worker: Wid, all: &BTreeMap<i32, Wid>) -> bool {
    let fds = match fd {
        Some(fd) => vec![fd],
        None => descriptors(process, inode),
    };
    let family = || all.iter().filter(|(_, of)| **of == worker).map(|(&pid, _)| pid);
    fds.into_iter().any(|mine| {
        let shared = |pid: i32| {
            descriptors(pid, inode).into_iter().any(|other| {
                let itself = pid == process && (fd.is_none() || other == mine);
                !itself && share_file(process, mine, pid, other).unwrap_or(false)
            })
        };
        !family().any(shared)
    })
}

/// The descriptors by which a process has this file.
fn descriptors(process: i32, inode: Inode) -> Vec<i32> {
    use std::os::unix::fs::MetadataExt;
    let entries = fs::read_dir(format!("/proc/{process}/fd")).into_iter().flatten().flatten();
    let of_file = |entry: fs::DirEntry| {
        let found = fs::metadata(entry.path()).ok()?;
        let fd = entry.file_name().to_str()?.parse().ok()?;
        ((found.dev(), found.ino()) == inode).then_some(fd)
    };
    entries.filter_map(of_file).collect()
}
