//! Does a worker that reads a file find what it wrote itself?

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use glob::Pattern;

use crate::history::{Seen, What};
use crate::schedule::Wid;

use super::call::Call;
use super::clock::Inode;
use super::table::Kind;

/// What each worker wrote into the files that a pattern names.
#[derive(Default)]
pub(super) struct ReadBack {
    pattern: Option<Pattern>,
    root: PathBuf,
    /// What a file held after this worker's last write.
    mine: HashMap<(Wid, PathBuf), Vec<u8>>,
    /// Who wrote last, and has not closed the file since.
    last: HashMap<PathBuf, (Wid, bool)>,
}

impl ReadBack {
    pub(super) fn new(pattern: Option<&Pattern>, root: &Path) -> Self {
        ReadBack { pattern: pattern.cloned(), root: root.to_owned(), ..ReadBack::default() }
    }

    /// Is any file looked after?
    pub(super) fn is_on(&self) -> bool {
        self.pattern.is_some()
    }

    /// After a call that went well: has the worker read something else than it wrote?
    pub(super) fn after(
        &mut self,
        worker: Wid,
        call: &Call,
        paths: &[PathBuf],
        before: &[Option<Inode>],
    ) -> Option<What> {
        let pattern = self.pattern.as_ref()?;
        let matches = |path: &&PathBuf| {
            let shown = path.strip_prefix(&self.root).unwrap_or(path);
            pattern.matches_path(shown)
        };
        let written = match call.kind {
            Kind::Rename { .. } | Kind::Link { .. } | Kind::Copy { .. } => paths.get(1),
            _ => paths.first(),
        };
        let path = written.filter(matches)?.clone();
        let flags = call.open_flags();
        let whole = match call.kind {
            Kind::Open { .. } | Kind::Open2 => {
                let emptied = flags & libc::O_TRUNC != 0 || before.first().is_some_and(|b| b.is_none());
                if !emptied || flags & libc::O_ACCMODE == libc::O_RDONLY {
                    return None;
                }
                false
            }
            Kind::FdWrite { .. } | Kind::FdChange | Kind::Copy { .. } => false,
            Kind::Rename { .. } | Kind::Link { .. } => true,
            Kind::Close => {
                if let Some((by, open)) = self.last.get_mut(&path)
                    && *by == worker
                {
                    *open = false;
                }
                return None;
            }
            Kind::FdRead => return self.read(worker, &path),
            _ => return None,
        };
        let content = fs::read(&path).unwrap_or_default();
        self.mine.insert((worker, path.clone()), content);
        self.last.insert(path, (worker, !whole));
        None
    }

    fn read(&self, worker: Wid, path: &PathBuf) -> Option<What> {
        let &(by, open) = self.last.get(path)?;
        let content = fs::read(path).unwrap_or_default();
        if by != worker && open {
            return Some(What::Found(Seen::Torn { bytes: content.len() as u64 }));
        }
        let mine = self.mine.get(&(worker, path.clone()))?;
        (*mine != content).then_some(What::Found(Seen::Worker(by)))
    }
}
