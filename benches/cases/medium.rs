//! Where the files lie: in memory and on disk.

use std::env;
use std::path::{Path, PathBuf};

use rustix::fs::statfs;
use tempfile::TempDir;

/// A file system for folders, and what kind of file system it is.
pub struct Medium {
    /// The word for it: `tmpfs` or `disk`.
    pub name: &'static str,
    path: PathBuf,
    kind: String,
}

impl Medium {
    /// The first of each kind that this machine has.
    pub fn all() -> Vec<Medium> {
        let tmpfs = ["/dev/shm".into(), env::temp_dir()];
        let disk = [env::temp_dir(), env!("CARGO_TARGET_TMPDIR").into()];
        let find = |name, paths: [PathBuf; 2]| {
            let mut known = paths.into_iter().filter_map(|path| Some((kind(&path)?, path)));
            let (kind, path) = known.find(|(kind, _)| (kind == "tmpfs") == (name == "tmpfs"))?;
            Some(Medium { name, path, kind })
        };
        [find("tmpfs", tmpfs), find("disk", disk)].into_iter().flatten().collect()
    }

    /// A fresh folder, gone when dropped.
    pub fn folder(&self) -> TempDir {
        tempfile::Builder::new().prefix("lockfuzz-bench-").tempdir_in(&self.path).expect("a folder")
    }

    /// Name, path and file system.
    pub fn describe(&self) -> String {
        format!("{} is {} ({})", self.name, self.path.display(), self.kind)
    }
}

/// The name of the file system, by the number in statfs(2).
fn kind(path: &Path) -> Option<String> {
    let number = statfs(path).ok()?.f_type as u64 & 0xffff_ffff;
    Some(match number {
        0x0102_1994 => "tmpfs".to_owned(),
        0xef53 => "ext4".to_owned(),
        0x5846_5342 => "xfs".to_owned(),
        0x9123_683e => "btrfs".to_owned(),
        0x794c_7630 => "overlayfs".to_owned(),
        other => format!("file system {other:#x}"),
    })
}
