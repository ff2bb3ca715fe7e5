//! The saved counterexamples of a crate: `tests/lockfuzz/<test>-<number>.json`.

use std::path::{Path, PathBuf};

use super::Here;
use super::words::Trouble;
use crate::campaign::Counterexample;
use crate::check::Verdict;
use crate::engine::Kind;
use crate::job::Job;
use crate::regression::{Note, Saved, read_all};

/// Where a check's counterexamples are, and where they go.
#[derive(Clone, Debug)]
pub(super) struct Folders {
    /// In the source tree: to be committed.
    main: PathBuf,
    /// Beside the test binary, in the target folder.
    spare: Option<PathBuf>,
    manifest: PathBuf,
}

/// Where a counterexample was saved.
#[derive(Clone, Debug)]
pub(super) enum Kept {
    /// Where it belongs.
    Main(PathBuf),
    /// Elsewhere, and why.
    Spare(PathBuf, String),
    /// Nowhere, and why.
    Nowhere(String),
}

impl Folders {
    pub(super) fn of(here: &Here, save: Option<&PathBuf>) -> Folders {
        let manifest = here.manifest.clone();
        let main = save.cloned().unwrap_or_else(|| manifest.join("tests/lockfuzz"));
        // target/debug/deps/name-0123: the folder of the profile is two up.
        let binary = std::env::current_exe().ok();
        let spare = binary.as_deref().and_then(Path::parent).and_then(Path::parent);
        let spare = spare.map(|profile| profile.join("lockfuzz-cases"));
        Folders { main, spare, manifest }
    }

    /// All that are of this lock and this engine, under whatever name: a test may have been renamed since.
    pub(super) fn of_lock(&self, lock: &str, engine: Kind) -> Result<Vec<(PathBuf, Saved)>, Trouble> {
        let mut found = Vec::new();
        for folder in [Some(&self.main), self.spare.as_ref()].into_iter().flatten() {
            let all = read_all(folder).map_err(|(path, why)| {
                Trouble(format!("{}: {why}; mend it or remove it", self.shown(&path)))
            })?;
            found.extend(
                all.into_iter()
                    .filter(|(_, saved)| (saved.case.lock.as_str(), saved.engine) == (lock, engine)),
            );
        }
        Ok(found)
    }

    /// Of the stepped engine, or of a job.
    pub(super) fn save(&self, here: &Here, found: &Counterexample, seed: u64, job: Option<&Job>) -> Kept {
        let saved = Saved {
            format: Saved::format_of(&found.case, job).to_owned(),
            engine: if job.is_some() { Kind::Traced } else { Kind::Stepped },
            case: found.case.clone(),
            job: job.cloned(),
            history: found.history.events.clone(),
            verdict: Verdict::Fail(found.failure),
            note: Some(Note {
                seed,
                found_in_case: found.found_in_case,
                shrink_tries: found.shrink_tries,
                cause: found.cause,
            }),
        };
        let stem = |number| format!("{}-{number}", here.stem());
        let why = match saved.save_as(&self.main, stem) {
            Ok(path) => return Kept::Main(path),
            Err(why) => why.to_string(),
        };
        match self.spare.as_deref().map(|spare| saved.save_as(spare, stem)) {
            Some(Ok(path)) => Kept::Spare(path, why),
            _ => Kept::Nowhere(why),
        }
    }

    /// As seen from the crate.
    pub(super) fn shown(&self, path: &Path) -> String {
        path.strip_prefix(&self.manifest).unwrap_or(path).display().to_string()
    }
}
