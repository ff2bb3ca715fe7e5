//! The note of a step, taken apart: `rename "a" to "b": ok`, or `rename("a", "b") = 0`.

/// A note of [`crate::fs`], or of a call of a program by the same words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Note<'a> {
    /// What was done: `flock shared`.
    pub verb: &'a str,
    /// What is quoted, with its quotes: one name or two, and what was written.
    pub names: Vec<&'a str>,
    /// What came of it.
    pub result: &'a str,
}

impl<'a> Note<'a> {
    /// `None` where it has another shape: a user's own words.
    pub fn parse(text: &'a str) -> Option<Note<'a>> {
        Note::of_call(text).or_else(|| Note::of_fs(text))
    }

    /// `openat("lock", O_RDWR|O_CREAT|O_EXCL) = EEXIST`
    fn of_call(text: &'a str) -> Option<Note<'a>> {
        let (call, _) = text.split_once("(\"")?;
        if call.contains(' ') {
            return None;
        }
        let (words, result) = text[call.len() + 1..].rsplit_once(") = ")?;
        let mut names = Vec::new();
        let mut words = words;
        while words.starts_with('"') {
            let end = closing(words)?;
            names.push(&words[..=end]);
            words = words[end + 1..].trim_start_matches(", ");
        }
        let has = |flag: &str| words.split(['|', ',', ' ']).any(|word| word == flag);
        let verb = match call {
            "open" | "openat" | "openat2" | "creat" if has("O_EXCL") => "create_new",
            "open" | "openat" | "openat2" | "creat" if has("O_CREAT") => "create",
            "open" | "openat" | "openat2" => "open",
            "mkdir" | "mkdirat" => "create_dir",
            "rmdir" => "remove_dir",
            "unlink" | "unlinkat" => "remove_file",
            "rename" | "renameat" | "renameat2" => "rename",
            "link" | "linkat" => "hard_link",
            "symlink" | "symlinkat" => {
                names.reverse();
                "symlink"
            }
            "read" | "pread64" | "readv" => "read",
            "write" | "pwrite64" | "writev" => "write",
            "readlink" | "readlinkat" => "read_link",
            "close" => "close",
            "flock" if has("LOCK_UN") => "unlock",
            "flock" if has("LOCK_SH") => "flock shared",
            "flock" => "flock",
            "fcntl" if has("F_UNLCK") => "fcntl unlock",
            "fcntl" if has("F_RDLCK") => "fcntl lock shared",
            "fcntl" => "fcntl lock",
            _ if call.contains("stat") || call.contains("access") => match result.split_once(", ") {
                Some((_, age)) => return Some(Note { verb: "metadata", names, result: age }),
                None => "exists",
            },
            _ => return None,
        };
        let result = match (verb, result) {
            ("exists", "0") => "yes",
            ("exists", "ENOENT") => "no",
            ("read", "0") => "nothing more",
            (_, "EEXIST") => "exists",
            (_, "ENOENT") => "not found",
            (_, "EAGAIN") => "would block",
            (_, other) if other.starts_with(|c: char| c.is_ascii_digit()) => "ok",
            (_, other) => other,
        };
        Some(Note { verb, names, result })
    }

    fn of_fs(text: &'a str) -> Option<Note<'a>> {
        let (verb, mut rest) = text.split_at(text.find('"')?);
        let mut names = Vec::new();
        while rest.starts_with('"') {
            let end = closing(rest)?;
            names.push(&rest[..=end]);
            rest = rest[end + 1..].trim_start();
            rest = rest.strip_prefix("to ").or(rest.strip_prefix("at ")).unwrap_or(rest);
        }
        let result = rest.split_once(": ").map(|(_, result)| result)?;
        let verb = verb.trim_end();
        (!verb.is_empty()).then_some(Note { verb, names, result })
    }

    /// What a person would say: `creates "lock"`.
    pub fn sentence(&self) -> String {
        let name = self.names[0];
        let (verb, wish) = match (self.verb, self.names.get(1)) {
            ("exists", _) => (format!("looks for {name}"), String::new()),
            ("metadata" | "symlink_metadata", _) => (format!("looks at {name}"), String::new()),
            ("read", _) => (format!("reads {name}"), format!("read {name}")),
            ("read_link", _) => (format!("reads the link {name}"), format!("read the link {name}")),
            ("write", Some(&"\"\"")) => (format!("writes nothing into {name}"), format!("empty {name}")),
            ("write", Some(content)) => {
                (format!("writes {content} into {name}"), format!("write into {name}"))
            }
            ("create_new", _) => (format!("creates {name}"), format!("create {name}")),
            ("create", _) => (format!("opens {name}, or creates it"), format!("open or create {name}")),
            ("open", _) => (format!("opens {name}"), format!("open {name}")),
            ("create_dir", _) => (format!("makes the folder {name}"), format!("make the folder {name}")),
            ("remove_dir", _) => (format!("removes the folder {name}"), format!("remove the folder {name}")),
            ("remove_file", _) => (format!("removes {name}"), format!("remove {name}")),
            ("rename", Some(to)) => (format!("renames {name} to {to}"), format!("rename {name} to {to}")),
            ("hard_link", Some(to)) => (format!("links {name} to {to}"), format!("link {name} to {to}")),
            ("symlink", Some(to)) => {
                (format!("makes the link {to} to {name}"), format!("make the link {to} to {name}"))
            }
            ("close", _) => (format!("closes {name}"), format!("close {name}")),
            ("unlock" | "fcntl unlock" | "OFD unlock", _) => {
                (format!("unlocks {name}"), format!("unlock {name}"))
            }
            (lock, _) if lock.contains("lock") => {
                (format!("gets the {lock} of {name}"), format!("get the {lock} of {name}"))
            }
            (other, _) => return format!("does {other} {name}: {}", self.result),
        };
        match self.result {
            "ok" => verb,
            "yes" => format!("{verb}: it is there"),
            "no" => format!("{verb}: it is not there"),
            "\"\"" => format!("{verb}: it is empty"),
            "not found" if wish.is_empty() => format!("{verb}: it is not there"),
            "not found" => format!("wants to {wish}: it is not there"),
            "exists" => format!("wants to {wish}: it is there already"),
            "would block" => format!("wants to {wish}: somebody else has it"),
            other if other.starts_with('"') || wish.is_empty() => format!("{verb}: {other}"),
            other => format!("wants to {wish}: {other}"),
        }
    }
}

/// Where the text in quotes that `text` begins with ends.
fn closing(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, letter) in text.char_indices().skip(1) {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some(at),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_become_sentences() {
        for (note, sentence) in [
            (r#"exists "lock": no"#, r#"looks for "lock": it is not there"#),
            (r#"create_new "lock": ok"#, r#"creates "lock""#),
            (r#"create_new "lock": exists"#, r#"wants to create "lock": it is there already"#),
            (r#"read "lock": """#, r#"reads "lock": it is empty"#),
            (r#"read "lock": "a \": b""#, r#"reads "lock": "a \": b""#),
            (r#"write "lock" "2": ok"#, r#"writes "2" into "lock""#),
            (r#"rename "a" to "b": ok"#, r#"renames "a" to "b""#),
            (
                r#"flock shared "lock": would block"#,
                r#"wants to get the flock shared of "lock": somebody else has it"#,
            ),
            (r#"remove_file "lock": not found"#, r#"wants to remove "lock": it is not there"#),
            (r#"metadata "lock": 0 B, links 1"#, r#"looks at "lock": 0 B, links 1"#),
            (
                r#"openat("lock", O_WRONLY|O_CREAT|O_EXCL) = EEXIST"#,
                r#"wants to create "lock": it is there already"#,
            ),
            (r#"openat("lock", O_WRONLY|O_CREAT) = 3"#, r#"opens "lock", or creates it"#),
            (r#"write("lock", "a, b") = 4"#, r#"writes "a, b" into "lock""#),
            (r#"symlink("lock", "PID1") = 0"#, r#"makes the link "lock" to "PID1""#),
            (r#"newfstatat("lock") = ENOENT"#, r#"looks for "lock": it is not there"#),
            (r#"statx("lock") = 0, 1 h old"#, r#"looks at "lock": 1 h old"#),
            (
                r#"flock("lock", LOCK_EX|LOCK_NB) = EAGAIN"#,
                r#"wants to get the flock of "lock": somebody else has it"#,
            ),
            (r#"rename("a", "b") = EACCES"#, r#"wants to rename "a" to "b": EACCES"#),
            (r#"set_len "lock" 0: ok"#, r#"does set_len "lock": ok"#),
        ] {
            assert_eq!(Note::parse(note).unwrap().sentence(), sentence, "{note}");
        }
    }

    #[test]
    fn other_words_are_left_alone() {
        for note in ["store flag: true", "", "\"", "x \"open", "\"lock\": ok", "say \"x\""] {
            assert_eq!(Note::parse(note), None, "{note}");
        }
    }
}
