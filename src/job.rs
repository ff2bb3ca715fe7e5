//! What `lockfuzz run` runs: a program, its workers, and what is around them.

use std::collections::BTreeMap;
use std::fs;
use std::hash::Hasher;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// For how long a program may make no call at all.
pub(crate) const SILENCE: Duration = Duration::from_secs(10);

/// The name of the variable that tells a test binary of which lock it is a worker: see [`Job::own`].
pub(crate) const OWN: &str = "LOCKFUZZ_OWN";

/// The words of a command, the program first.
pub type Words = Vec<String>;

/// All that the runs of a program have in common. A value: compared and saved.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// One command for all workers, or one for each.
    pub commands: Vec<Words>,
    /// A line for the shell, run in the fresh folder before the workers start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prepare: Option<String>,
    /// A folder that is copied into the fresh one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<PathBuf>,
    /// A line for the shell, run after the last exit; it must succeed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<String>,
    /// Folders outside the private one whose files are watched as well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub watch: Vec<PathBuf>,
    /// The exit codes that are as good as 0.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ok_exit: Vec<i32>,
    /// Files whose readers must find what they wrote themselves: a pattern for their names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub readback: Option<String>,
    /// In milliseconds: how long after `prepare` the workers' clock begins.
    #[serde(default)]
    pub age: u64,
    /// The workers see the machine's clock.
    #[serde(default)]
    pub real_clock: bool,
    /// In milliseconds: a worker that makes no call for so long is killed; 10 s if none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silence: Option<u64>,
    /// As a proof has it: whoever sleeps may go on at any time, which is a choice, and to say that one is inside is a step.
    #[serde(default, skip_serializing_if = "is_false")]
    pub exact: bool,
    /// The lock that a cargo test checks. The program is the binary of that test, which is told by its environment that it
    /// is a worker of this lock; only the test itself can run it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own: Option<String>,
    /// When the workers' clock begins, in seconds since 1970.
    pub began: u64,
    /// Where lockfuzz was started.
    pub start_dir: PathBuf,
    /// The program's files, with a hash of each: has it changed since?
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<PathBuf, u64>,
}

fn is_false(value: &bool) -> bool {
    !value
}

impl Job {
    /// The command of a worker, counted from 1. Whoever comes after the last one does what the first does.
    pub fn command(&self, worker: u32) -> &Words {
        self.commands.get(worker as usize - 1).unwrap_or(&self.commands[0])
    }

    /// For how long a worker may make no call at all.
    pub fn silence(&self) -> Duration {
        self.silence.map_or(SILENCE, Duration::from_millis)
    }

    /// The program's name: the last part of the first command's first word, or of the script that an
    /// interpreter is given. Of a lock in a cargo test it is the lock's.
    pub fn name(&self) -> String {
        if let Some(own) = &self.own {
            return own.clone();
        }
        let stem =
            |word: &String| Path::new(word).file_stem().map(|stem| stem.to_string_lossy().into_owned());
        let words = &self.commands[0];
        let script = words[1..].iter().find(|word| Path::new(word).is_file());
        script.or(words.first()).and_then(stem).unwrap_or_else(|| "program".to_owned())
    }

    /// The files that its words name, as they are now.
    pub fn hashes(&self) -> BTreeMap<PathBuf, u64> {
        let words = self.commands.iter().flatten();
        let files = words.map(Path::new).filter(|path| path.is_absolute() && path.is_file());
        files.filter_map(|path| Some((path.to_owned(), hash(path)?))).collect()
    }

    /// Is the program another one than when it was saved?
    pub fn has_changed(&self) -> bool {
        self.files != self.hashes()
    }

    /// The `cargo test` that runs it, where it is the binary of a test.
    pub fn cargo_test(&self) -> Option<String> {
        let test = self.commands.first()?.get(1).filter(|_| self.own.is_some())?;
        Some(format!("cargo test {}", crate::report::block::quoted(Path::new(test))))
    }

    /// What is run, as one would ask for it: the command of each worker, or the `cargo test`.
    pub fn asked(&self) -> Vec<String> {
        self.cargo_test().map_or_else(|| self.commands.iter().map(Job::shown).collect(), |test| vec![test])
    }

    /// As a shell takes it.
    pub fn shown(words: &Words) -> String {
        words.iter().map(|word| crate::report::block::quoted(Path::new(word))).collect::<Vec<_>>().join(" ")
    }
}

/// FNV-1a (Fowler, Noll, Vo, 1991) of the content.
fn hash(path: &Path) -> Option<u64> {
    struct Fnv(u64);
    impl Hasher for Fnv {
        fn finish(&self) -> u64 {
            self.0
        }
        fn write(&mut self, bytes: &[u8]) {
            for &byte in bytes {
                self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
            }
        }
    }
    let mut file = fs::File::open(path).ok()?;
    let mut fnv = Fnv(0xcbf2_9ce4_8422_2325);
    let mut piece = [0; 1 << 16];
    loop {
        match file.read(&mut piece).ok()? {
            0 => return Some(fnv.finish()),
            length => fnv.write(&piece[..length]),
        }
    }
}
