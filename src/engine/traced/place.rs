//! The folders that are watched, and what a path of a program means there.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

/// So many symbolic links are followed before the kernel gives up as well.
const MOST_LINKS: u32 = 40;

/// What a path of a program leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// The path without links, apart from the last name where that is not followed.
    pub(super) path: PathBuf,
    /// The links inside the watched folders that were followed.
    pub(super) links: Vec<PathBuf>,
}

/// The watched folders.
pub(super) struct Places {
    roots: Vec<PathBuf>,
    /// What the symbolic links outside say. They are taken to stay as they are.
    outside: HashMap<PathBuf, Option<PathBuf>>,
}

impl Places {
    /// Of these folders, the private one first.
    ///
    /// # Errors
    /// Where one of them is not there.
    pub(super) fn new<'a>(folders: impl IntoIterator<Item = &'a Path>) -> io::Result<Self> {
        let roots = folders.into_iter().map(fs::canonicalize).collect::<io::Result<_>>()?;
        Ok(Places { roots, outside: HashMap::new() })
    }

    /// The private one.
    pub(super) fn root(&self) -> &Path {
        &self.roots[0]
    }

    /// Does this path, which has no links, lie in one of them?
    pub(super) fn hold(&self, path: &Path) -> bool {
        self.roots.iter().any(|root| path.starts_with(root))
    }

    /// As a reader sees it: what lies in the private folder by its name there.
    pub(super) fn shown(&self, path: &Path) -> String {
        match path.strip_prefix(&self.roots[0]) {
            Ok(rest) if rest.as_os_str().is_empty() => ".".to_owned(),
            Ok(rest) => rest.display().to_string(),
            Err(_) => path.display().to_string(),
        }
    }

    /// What `path` means to a process that is in the folder `base`.
    pub(super) fn resolve(&mut self, process: i32, base: &Path, path: &Path, follow: bool) -> Target {
        let mut rest: Vec<OsString> = Vec::new();
        let push = |path: &Path, rest: &mut Vec<OsString>| {
            let names = path.components().rev().filter_map(|part| match part {
                Component::Normal(name) => Some(name.to_owned()),
                Component::ParentDir => Some("..".into()),
                _ => None,
            });
            rest.extend(names);
        };
        push(path, &mut rest);
        // A slash at the end asks for what a link leads to.
        let follow = follow || path.as_os_str().as_bytes().ends_with(b"/");
        let mut at = if path.is_absolute() { PathBuf::from("/") } else { base.to_owned() };
        let (mut links, mut followed) = (Vec::new(), 0);
        while let Some(name) = rest.pop() {
            if name == ".." {
                at.pop();
                continue;
            }
            if at == Path::new("/proc") && (name == "self" || name == "thread-self") {
                at.push(process.to_string());
                continue;
            }
            let next = at.join(&name);
            if rest.is_empty() && !follow {
                at = next;
                break;
            }
            match self.link(&next) {
                Some(said) if followed < MOST_LINKS => {
                    followed += 1;
                    if self.hold(&next) {
                        links.push(next);
                    }
                    push(&said, &mut rest);
                    if said.is_absolute() {
                        at = PathBuf::from("/");
                    }
                }
                _ => at = next,
            }
        }
        Target { path: at, links }
    }

    fn link(&mut self, path: &Path) -> Option<PathBuf> {
        if self.roots.iter().any(|root| root.starts_with(path)) {
            return None;
        }
        let changes = self.hold(path) || path.starts_with("/proc");
        if !changes && let Some(known) = self.outside.get(path) {
            return known.clone();
        }
        let said = fs::read_link(path).ok();
        if !changes {
            self.outside.insert(path.to_owned(), said.clone());
        }
        said
    }
}

/// The device and the number of what a path stands for, a link itself; none where there is nothing.
pub(super) fn inode(path: &Path) -> Option<(u64, u64)> {
    fs::symlink_metadata(path).ok().map(|found| (found.dev(), found.ino()))
}

/// The device and the number of what a descriptor of a process stands for.
pub(super) fn descriptor_inode(process: i32, fd: i32) -> Option<(u64, u64)> {
    fs::metadata(format!("/proc/{process}/fd/{fd}")).ok().map(|found| (found.dev(), found.ino()))
}

/// Its path.
pub(super) fn descriptor_path(process: i32, fd: i32) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{process}/fd/{fd}")).ok()
}

/// Has a process a descriptor by which it may hear from somebody else than its own threads and children?
pub(super) fn hears_from_outside(process: i32) -> bool {
    let all = fs::read_dir(format!("/proc/{process}/fd")).into_iter().flatten().flatten();
    let outside = |link: PathBuf| {
        let link = link.as_os_str().as_bytes();
        [b"socket:".as_slice(), b"anon_inode:[timerfd]", b"anon_inode:inotify"]
            .iter()
            .any(|of| link.starts_with(of))
    };
    all.filter_map(|entry| fs::read_link(entry.path()).ok()).any(outside)
}

/// The folder that a process is in.
pub(super) fn folder(process: i32) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{process}/cwd")).ok()
}

/// A path out of bytes.
pub(super) fn path(bytes: Vec<u8>) -> PathBuf {
    OsString::from_vec(bytes).into()
}

/// The path without what the kernel says behind that of a file which has no name any more.
pub(super) fn without_deleted(path: &Path) -> &Path {
    let bytes = path.as_os_str().as_bytes();
    Path::new(OsStr::from_bytes(bytes.strip_suffix(b" (deleted)").unwrap_or(bytes)))
}

/// What state a thread is in, as the kernel's letter; none while it is on a processor. A thread that is about
/// to sleep, and looks once more whether it must, says already that it sleeps; but not of its call that it is in one.
pub(super) fn state(tid: i32) -> Option<u8> {
    let mut said = [0; 1024];
    let call = glance(&format!("/proc/{tid}/syscall"), &mut said)?;
    if call.starts_with(b"running") {
        return None;
    }
    let stat = glance(&format!("/proc/{tid}/stat"), &mut said)?;
    let after = stat.iter().rposition(|&byte| byte == b')')?;
    stat.get(after + 2).copied()
}

/// What the kernel says in a short file, with one call: this is asked often.
fn glance<'a>(path: &str, into: &'a mut [u8]) -> Option<&'a [u8]> {
    let length = fs::File::open(path).and_then(|mut file| file.read(into)).ok()?;
    Some(&into[..length])
}

/// How much processor time a thread has had.
pub(super) fn spent(tid: i32) -> Duration {
    let mut said = [0; 128];
    let said = glance(&format!("/proc/{tid}/schedstat"), &mut said).unwrap_or_default();
    let nanos =
        said.split(|&byte| byte == b' ').next().and_then(|word| str::from_utf8(word).ok()?.parse().ok());
    Duration::from_nanos(nanos.unwrap_or_default())
}

/// The process that a thread belongs to.
pub(super) fn group(tid: i32) -> Option<i32> {
    let status = fs::read_to_string(format!("/proc/{tid}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("Tgid:"))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_followed_as_the_kernel_does() {
        let outer = tempfile::tempdir().unwrap();
        let outer = fs::canonicalize(outer.path()).unwrap();
        let root = outer.join("root");
        fs::create_dir_all(root.join("sub")).unwrap();
        std::os::unix::fs::symlink("sub/../lock", root.join("link")).unwrap();
        std::os::unix::fs::symlink(&root, outer.join("in")).unwrap();
        let mut places = Places::new([root.as_path()]).unwrap();
        let mut at = |text: &str, follow| places.resolve(1, &root, Path::new(text), follow);
        assert_eq!(at("lock", true), Target { path: root.join("lock"), links: vec![] });
        assert_eq!(at("link", false), Target { path: root.join("link"), links: vec![] });
        assert_eq!(at("link", true), Target { path: root.join("lock"), links: vec![root.join("link")] });
        let from_outside = format!("{}/in/./lock", outer.display());
        assert_eq!(at(&from_outside, true).path, root.join("lock"));
        assert_eq!(at("/proc/self/stat", true).path, Path::new("/proc/1/stat"));
        assert_eq!(places.shown(&root.join("sub/x")), "sub/x");
        assert!(!places.hold(&outer.join("rootless")));
    }

    #[test]
    fn loops_of_links_end() {
        let root = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(root.path()).unwrap();
        std::os::unix::fs::symlink("loop", root.join("loop")).unwrap();
        let mut places = Places::new([root.as_path()]).unwrap();
        assert_eq!(places.resolve(1, &root, Path::new("loop"), true).path, root.join("loop"));
    }
}
