//! A step's result in a few words.

use std::fmt::{self, Write};
use std::io::{self, ErrorKind};
use std::path::Path;

/// The longest name or content that is shown whole.
const SHOWN: usize = 20;

/// The last part of a path, in quotes.
pub(super) struct Name<'a>(pub(super) &'a Path);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let last = self.0.file_name().unwrap_or(self.0.as_os_str());
        quoted(f, &last.to_string_lossy())
    }
}

/// What was read, in quotes.
pub(super) struct Content<'a>(pub(super) &'a [u8]);

impl fmt::Display for Content<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Much faster than the other way where a file is long.
        match str::from_utf8(self.0) {
            Ok(text) => quoted(f, text.trim_end()),
            Err(_) => quoted(f, String::from_utf8_lossy(self.0).trim_end()),
        }
    }
}

fn quoted(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_char('"')?;
    for letter in text.chars().take(SHOWN) {
        write!(f, "{}", letter.escape_debug())?;
    }
    f.write_str(if text.chars().nth(SHOWN).is_some() { "…\"" } else { "\"" })
}

/// How a call ended: `ok`, or the kind of its error.
pub(super) struct Ended(pub(super) Option<ErrorKind>);

impl Ended {
    pub(super) fn of<T>(result: &io::Result<T>) -> Self {
        Ended(result.as_ref().err().map(io::Error::kind))
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.0 {
            None => "ok",
            Some(ErrorKind::AlreadyExists) => "exists",
            Some(ErrorKind::NotFound) => "not found",
            Some(ErrorKind::WouldBlock) => "would block",
            Some(ErrorKind::PermissionDenied) => "denied",
            Some(ErrorKind::NotADirectory) => "not a folder",
            Some(ErrorKind::IsADirectory) => "is a folder",
            Some(ErrorKind::DirectoryNotEmpty) => "not empty",
            Some(other) => return write!(f, "{other}"),
        };
        f.write_str(word)
    }
}
