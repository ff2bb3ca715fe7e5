//! Saved counterexamples: the case itself, what happened, and the verdict.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::campaign::Cause;
use crate::case::Case;
use crate::check::{Failure, Verdict};
use crate::engine::Kind;
use crate::error::{Error, unnamed};
use crate::history::Event;
use crate::job::Job;
use crate::json;
use crate::schedule::{Illegal, Wid};

/// The format of a case in order, of one with choices, and of a run of a program.
pub const FORMATS: [&str; 3] =
    ["lockfuzz/counterexample/1", "lockfuzz/counterexample/2", "lockfuzz/counterexample/3"];
const FAMILY: &str = "lockfuzz/counterexample/";
/// In bytes. The longest history that an engine brings back takes a third of it.
const LARGEST: u64 = 64 << 20;

/// A saved counterexample. `doc/formats.md` has the schema.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Saved {
    /// One of [`FORMATS`].
    pub format: String,
    /// The engine that found it.
    #[serde(default)]
    pub engine: Kind,
    /// All that a replay needs.
    pub case: Case,
    /// The program, where it is one that knows nothing of lockfuzz.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<Job>,
    /// What happened when it was saved.
    pub history: Vec<Event>,
    /// What was thought of it.
    pub verdict: Verdict,
    /// How it was found: a note, and nothing that a replay needs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Note>,
}

/// How a counterexample was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// The campaign's seed.
    pub seed: u64,
    /// Which case of its row it was, counted from 1.
    pub found_in_case: u64,
    /// How many cases were tried to make it smaller.
    pub shrink_tries: u32,
    /// What decides that the case fails, where that was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
}

/// Why a file is not a counterexample that can be used.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum Unusable {
    #[error("cannot read it: {0}")]
    Unread(io::Error),
    #[error("the file is empty")]
    Empty,
    #[error("it is cut off or is not JSON ({0})")]
    NotJson(serde_json::Error),
    #[error("it is not a counterexample of lockfuzz (its \"format\" is {0})")]
    Foreign(String),
    #[error("it has the format {0}, and this version of lockfuzz reads 1 to 3")]
    Version(String),
    #[error("it is not a counterexample of lockfuzz: {0}")]
    Shape(serde_json::Error),
    #[error("its schedule is not legal: {0}")]
    Illegal(#[from] Illegal),
    #[error("its history is not that of its case: worker {worker} in tick {tick}")]
    History { worker: Wid, tick: usize },
    #[error("its verdict is not that of its case: worker {worker} in tick {tick}")]
    Verdict { worker: Wid, tick: usize },
    #[error("it has choices, and the format {0} has none")]
    Choices(String),
    #[error("it has choices, and nobody chooses on a real clock")]
    Clock,
    #[error("it is larger than {} MiB, and no counterexample is", LARGEST >> 20)]
    Large,
}

impl Saved {
    /// The format that this case is saved in.
    pub fn format_of(case: &Case, job: Option<&Job>) -> &'static str {
        FORMATS[usize::from(case.choices.is_some()) + usize::from(job.is_some())]
    }

    /// Reads a file and makes sure that its case can be run.
    ///
    /// # Errors
    /// [`Unusable`] says why not.
    pub fn read(path: &Path) -> Result<Saved, Unusable> {
        let mut text = Vec::new();
        let file = fs::File::open(path).map_err(Unusable::Unread)?;
        file.take(LARGEST + 1).read_to_end(&mut text).map_err(Unusable::Unread)?;
        if text.len() as u64 > LARGEST {
            return Err(Unusable::Large);
        }
        if text.trim_ascii().is_empty() {
            return Err(Unusable::Empty);
        }
        let value: Value = serde_json::from_slice(&text).map_err(Unusable::NotJson)?;
        match value.get("format").and_then(Value::as_str) {
            Some(known) if FORMATS.contains(&known) => {}
            Some(other) if other.starts_with(FAMILY) => return Err(Unusable::Version(other.to_owned())),
            Some(other) => return Err(Unusable::Foreign(format!("{other:?}"))),
            None => return Err(Unusable::Foreign("missing".to_owned())),
        }
        let saved: Saved = serde_json::from_value(value).map_err(Unusable::Shape)?;
        saved.case.check()?;
        if saved.case.choices.is_some() && saved.format == FORMATS[0] {
            return Err(Unusable::Choices(saved.format));
        }
        if saved.case.choices.is_some() && saved.engine == Kind::Realtime {
            return Err(Unusable::Clock);
        }
        let ticks = saved.case.plan().times.len();
        // Of a program's workers one more may come afterwards, to see whether the lock can still be had.
        let most = saved.case.workers + u32::from(saved.job.is_some());
        let alien = |event: &&Event| !(1..=most).contains(&event.worker) || event.tick >= ticks;
        match saved.history.iter().find(alien) {
            Some(&Event { worker, tick, .. }) => Err(Unusable::History { worker, tick }),
            None => match saved.verdict {
                Verdict::Fail(Failure { worker, tick, .. })
                    if !(1..=most).contains(&worker) || tick >= ticks =>
                {
                    Err(Unusable::Verdict { worker, tick })
                }
                _ => Ok(saved),
            },
        }
    }

    /// Saves it as `folder/stem.json`, or under the next free number. A file that holds the same case
    /// already is left as it is; one that holds another is never overwritten.
    ///
    /// # Errors
    /// [`Error::Save`] when that cannot be done.
    pub fn save(&self, folder: &Path, stem: &str) -> Result<PathBuf, Error> {
        self.save_as(folder, |number| if number == 1 { stem.to_owned() } else { format!("{stem}-{number}") })
    }

    /// The same under the first free of the stems that `stem` gives for 1, 2, 3 and so on.
    pub(crate) fn save_as(&self, folder: &Path, stem: impl Fn(u32) -> String) -> Result<PathBuf, Error> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| Error::Save { path, source }
        };
        fs::create_dir_all(folder).map_err(failed(folder))?;
        let mut draft = tempfile::NamedTempFile::new_in(folder).map_err(unnamed).map_err(failed(folder))?;
        let text = json::readable(self).map_err(|why| failed(folder)(why.into()))?;
        draft.write_all(text.as_bytes()).map_err(failed(folder))?;
        for number in 1.. {
            let path = folder.join(format!("{}.json", stem(number)));
            match draft.persist_noclobber(&path) {
                Ok(_) => return Ok(path),
                Err(why) if why.error.kind() == io::ErrorKind::AlreadyExists => draft = why.file,
                Err(why) => return Err(failed(&path)(why.error)),
            }
            if Saved::read(&path)
                .is_ok_and(|old| (old.engine, &old.case, &old.job) == (self.engine, &self.case, &self.job))
            {
                return Ok(path);
            }
        }
        unreachable!("there is always a next number")
    }
}

/// All counterexamples in a folder, by name; none where there is no such folder.
///
/// # Errors
/// The first file that ends in `.json` and is not one, with the reason.
pub fn read_all(folder: &Path) -> Result<Vec<(PathBuf, Saved)>, (PathBuf, Unusable)> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(Vec::new()) };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "json"));
    paths.sort();
    let read = |path: PathBuf| match Saved::read(&path) {
        Ok(saved) => Ok((path, saved)),
        Err(why) => Err((path, why)),
    };
    paths.into_iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::{Faults, Placement, Scope};
    use crate::check::Reason;
    use crate::schedule::{Order, Time, original};

    fn saved(workers: u32) -> Saved {
        let schedule = original(workers, Time::from_micros(1000));
        let (placement, scope, order) = (Placement::Processes, Scope::Session, Order::ForceRead);
        Saved {
            format: FORMATS[0].to_owned(),
            engine: Kind::Stepped,
            case: Case {
                lock: "flag".to_owned(),
                placement,
                scope,
                order,
                workers,
                schedule,
                choices: None,
                faults: Faults::NONE,
            },
            job: None,
            history: Vec::new(),
            verdict: Verdict::unclear(Reason::NothingRan),
            note: Some(Note { seed: u64::MAX, found_in_case: 1, shrink_tries: 0, cause: None }),
        }
    }

    #[test]
    fn saved_and_read_back_and_never_over_a_different_case() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("made/when/needed");
        let names: Vec<PathBuf> =
            [2, 2, 3, 2, 3].iter().map(|&w| saved(w).save(&folder, "flag").unwrap()).collect();
        let [two, three] = ["flag.json", "flag-2.json"].map(|name| folder.join(name));
        assert_eq!(names, [&two, &two, &three, &two, &three].map(PathBuf::clone));
        assert_eq!(Saved::read(&two).unwrap(), saved(2));
        assert_eq!(read_all(&folder).unwrap().len(), 2, "no draft is left behind");
    }

    #[test]
    fn what_is_no_counterexample_is_refused_in_a_sentence() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.json");
        let whole = serde_json::to_string(&saved(2)).unwrap();
        let refused = |text: &str| {
            fs::write(&path, text).unwrap();
            Saved::read(&path).unwrap_err().to_string()
        };
        assert_eq!(refused(" \n"), "the file is empty");
        assert!(refused(&whole[..whole.len() / 2]).starts_with("it is cut off or is not JSON"));
        assert!(refused("{}").contains("its \"format\" is missing"));
        assert!(refused(r#"{"format":"junit"}"#).contains("its \"format\" is \"junit\""));
        assert!(refused(&whole.replace("example/1", "example/9")).contains("lockfuzz/counterexample/9"));
        assert!(refused(&whole.replace("\"workers\":2", "\"workers\":\"two\"")).contains("invalid type"));
        assert!(refused(&whole.replace("\"workers\":2", "\"workers\":1")).contains("asks worker 2 of 1"));
        assert!(refused(&whole.replacen("\"write\"", "\"read\"", 1)).contains("before it wrote"));
        assert!(refused(&whole.replace("\"at\":0.001", "\"at\":0.0")).contains("times must rise"));
        let event = |worker, tick| {
            let event =
                format!(r#"{{"tick":{tick},"at":0.0,"worker":{worker},"command":"read","what":"began"}}"#);
            whole.replace("\"history\":[]", &format!("\"history\":[{event}]"))
        };
        assert!(refused(&event(3, 0)).contains("is not that of its case: worker 3 in tick 0"));
        assert!(refused(&event(2, 9)).contains("is not that of its case: worker 2 in tick 9"));
    }
}
