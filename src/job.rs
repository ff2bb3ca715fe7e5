//! What `lockfuzz run` runs: a program, its workers, and what is around them.

use std::collections::BTreeMap;
use std::fs;
use std::hash::Hasher;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// For how long a program may make no call at all.
const SILENCE: Duration = Duration::from_secs(10);

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
    /// interpreter is given.
    pub fn name(&self) -> String {
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
