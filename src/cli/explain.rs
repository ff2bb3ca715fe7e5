//! `lockfuzz explain`: a saved counterexample in sentences.

use super::args::ExplainArgs;
use super::replay::{expected, read};
use super::{Exit, Trouble, find_double, say};
use crate::check::Verdict;
use crate::history::History;
use crate::job::Job;
use crate::regression::Saved;
use crate::report::block::{Block, as_expected, quoted, size};
use crate::report::explain::sentences;
use crate::report::needs::needs;

/// Prints the script that shows it without lockfuzz.
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
fn script(saved: &Saved, args: &ExplainArgs) -> Result<Exit, Trouble> {
    let text = super::script::proof(saved, &args.file, args.dir.as_deref())?;
    say(&text.map_err(|refused| super::script::trouble(&args.file, &refused))?)?;
    Ok(Exit::Expected)
}

#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
fn script(_: &Saved, _: &ExplainArgs) -> Result<Exit, Trouble> {
    Err(Trouble::usage("--script: strace is a program of Linux"))
}

/// Tells what was saved. Nothing is run, so it works for locks as well that only their owner has.
pub(super) fn run(args: ExplainArgs) -> Result<Exit, Trouble> {
    let saved = read(&args.file)?;
    if args.script {
        return script(&saved, &args);
    }
    let (case, note) = (saved.case, saved.note);
    let history = History { events: saved.history, ..History::default() };
    let failure = match saved.verdict {
        Verdict::Fail(failure) if failure.event < history.events.len() => failure,
        _ => {
            let file = args.file.display();
            return Err(Trouble::usage(format_args!("{file}: it does not say what broke, and where")));
        }
    };
    let name = format!("{}, {}", case.lock, case.placement.name());
    let why = note.and_then(|note| note.cause);
    let mut block = Block::of(&name, &case, &history, &failure, why);
    block.story = vec![size(&case, &history)];
    block.picture = sentences(&case, &history, &failure);
    if let Ok(double) = find_double(&case.lock) {
        let expected = expected(double, &case, failure.law);
        block.expected = expected.is_some();
        if let Some(race) = expected {
            block.what = as_expected(&name, race, &case, &history, &failure);
        }
        block.story.insert(0, format!("{} {}", double.name, double.promise));
        block.remedy = Some(double.remedy.to_owned()).filter(|remedy| !remedy.is_empty());
    }
    if let Some(job) = &saved.job {
        block.what = format!("{}: {}", job.name(), failure.law.name());
        block.story.extend(needs(&case, &history, &failure));
        block.story.insert(0, job.asked().join(" and "));
    }
    let of_test = saved.job.as_ref().and_then(Job::cargo_test);
    block.replay = Some(of_test.unwrap_or_else(|| format!("lockfuzz replay {}", quoted(&args.file))));
    say(&block.to_string())?;
    Ok(Exit::Expected)
}
