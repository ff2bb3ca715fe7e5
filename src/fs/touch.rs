//! What a call is about to touch, as far as that can be seen before it.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::stage::{self, ACCESSES, Access, Object};

/// The accesses of one step, or "anything".
///
/// A name is the inode of its folder and its last part, so that two paths to one name are one object.
/// What cannot be told by the names at hand is "anything": a path whose folder is not there or may be
/// on its way out, a link that has to be followed, a whole folder that is looked at, moved or removed.
///
/// The inode that a path stands for is the one of now. It is the right one for as long as nobody
/// changes that name; whoever does depends on this step by the name, and from then on the list is
/// stale.
#[derive(Debug, Default)]
pub(super) struct Touch {
    list: Vec<Access>,
    anything: bool,
    /// What was found at the last name, and in which folder: one step asks several things of one name, and
    /// nobody moves meanwhile.
    at: Option<(PathBuf, Option<Metadata>)>,
    named: Option<(PathBuf, Option<Object>)>,
}

/// Does the call go on to what a symbolic link points to?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Links {
    Follow,
    Keep,
}

impl Touch {
    /// Nothing yet.
    pub(super) fn new() -> Self {
        Touch::default()
    }

    /// Nobody can tell.
    pub(super) fn anything() -> Self {
        Touch { anything: true, ..Touch::default() }
    }

    /// As [`point`](crate::stage::point) takes it: empty stands for anything.
    pub(super) fn list(&self) -> &[Access] {
        if self.anything || self.list.len() > ACCESSES { &[] } else { &self.list }
    }

    /// It touches this as well.
    pub(super) fn and(mut self, access: Access) -> Self {
        if !self.list.contains(&access) {
            self.list.push(access);
        }
        self
    }

    /// It asks what stands at this name, if anything.
    pub(super) fn look_for(mut self, path: &Path, links: Links) -> Self {
        if links == Links::Follow && self.is_link(path) {
            return Touch::anything();
        }
        self.named(path, Access::Look)
    }

    /// It may put something at this name, or take it away.
    pub(super) fn change_name(mut self, path: &Path) -> Self {
        // Paths lead through it.
        if self.is_link(path) && fs::metadata(path).is_ok_and(|at| at.is_dir()) {
            return Touch::anything();
        }
        self.named(path, Access::Change)
    }

    /// It reads what is at this name now.
    pub(super) fn look_at(self, path: &Path, links: Links) -> Self {
        self.inode(path, links, Access::Look)
    }

    /// It changes what is at this name now: content, attributes, number of links.
    pub(super) fn change_at(self, path: &Path, links: Links) -> Self {
        self.inode(path, links, Access::Change)
    }

    fn named(mut self, path: &Path, access: fn(Object) -> Access) -> Self {
        let known = self.named.take().filter(|(known, _)| known == path);
        let (_, name) = self.named.insert(known.unwrap_or_else(|| (path.to_owned(), name(path))));
        match *name {
            Some(name) => self.and(access(name)),
            None => Touch { anything: true, ..self },
        }
    }

    fn inode(mut self, path: &Path, links: Links, access: fn(Object) -> Access) -> Self {
        match self.at(path) {
            None => self,
            Some(at) if at.is_dir() || (links == Links::Follow && at.is_symlink()) => {
                Touch { anything: true, ..self }
            }
            Some(at) => {
                let inode = inode(at);
                self.and(access(inode))
            }
        }
    }

    /// What is at this name, if anything.
    fn at(&mut self, path: &Path) -> Option<&Metadata> {
        let known = self.at.take().filter(|(known, _)| known == path);
        let (_, at) =
            self.at.insert(known.unwrap_or_else(|| (path.to_owned(), fs::symlink_metadata(path).ok())));
        at.as_ref()
    }

    fn is_link(&mut self, path: &Path) -> bool {
        self.at(path).is_some_and(Metadata::is_symlink)
    }
}

/// The inode that has these attributes.
pub(super) fn inode(at: &Metadata) -> Object {
    Object::inode(at.dev(), at.ino())
}

/// The object that stands for this name; `None` when its folder is not there.
pub(super) fn name(path: &Path) -> Option<Object> {
    let last = path.file_name()?;
    let folder = match path.parent()? {
        empty if empty.as_os_str().is_empty() => Path::new("."),
        folder => folder,
    };
    // Behind a name that is no folder nothing can be, until that name changes.
    let folder = fs::metadata(folder).ok().filter(Metadata::is_dir)?;
    let folder = stage::sight(folder.dev(), folder.ino()).to_string();
    Some(Object::name(&Path::new(&folder).join(last)))
}
