//! What a worker is started with.

use std::ffi::{CString, OsStr};
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::job::{Job, Words};

/// A command, and where it was found.
pub(super) struct Program {
    pub(super) path: CString,
    pub(super) words: Vec<CString>,
    pub(super) shown: String,
}

impl Program {
    pub(super) fn of(words: &Words, start_dir: &Path) -> Result<Program, Error> {
        let shown = Job::shown(words);
        let failed = |source| Error::Program { program: shown.clone(), source };
        let Some(name) = words.first().filter(|name| !name.is_empty()) else {
            return Err(failed(io::Error::other("there is no command")));
        };
        let path = find(name, start_dir).map_err(failed)?;
        let words = words.iter().map(|word| text(OsStr::new(word))).collect();
        Ok(Program { path: text(path.as_os_str()), words, shown })
    }
}

/// The program that a shell would run for this name.
fn find(name: &str, start_dir: &Path) -> io::Result<PathBuf> {
    let runs = |path: &Path| {
        let found = fs::metadata(path)?;
        if !found.is_file() || found.permissions().mode() & 0o111 == 0 {
            return Err(io::Error::from_raw_os_error(libc::EACCES));
        }
        Ok(())
    };
    if name.contains('/') {
        let path = start_dir.join(name);
        return runs(&path).map(|()| path);
    }
    let mut why = io::Error::from_raw_os_error(libc::ENOENT);
    let paths = std::env::var_os("PATH").unwrap_or_default();
    for folder in std::env::split_paths(&paths) {
        let path = start_dir.join(folder).join(name);
        match runs(&path) {
            Ok(()) => return Ok(path),
            Err(other) if other.kind() != io::ErrorKind::NotFound => why = other,
            Err(_) => {}
        }
    }
    Err(why)
}

pub(super) fn text(word: &OsStr) -> CString {
    // A word of a command line has no zero in it.
    CString::new(word.as_bytes()).unwrap_or_default()
}

pub(super) fn pair(name: &OsStr, value: &OsStr) -> Option<CString> {
    let mut pair = name.to_owned();
    pair.push("=");
    pair.push(value);
    CString::new(pair.into_vec()).ok()
}
