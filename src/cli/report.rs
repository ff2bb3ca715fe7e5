//! `lockfuzz report`: the issue to file for a saved counterexample.

use std::fs::{self, OpenOptions};
use std::path::Path;

use super::args::ReportArgs;
use super::replay::{expected, read};
use super::{Exit, Trouble, find_double, say};
use crate::check::Verdict;
use crate::regression::Saved;
use crate::report::issue::{Issue, Shown};

pub(super) fn run(args: &ReportArgs) -> Result<Exit, Trouble> {
    let saved = read(&args.file)?;
    let failure = match saved.verdict {
        Verdict::Fail(failure) if failure.event < saved.history.len() => failure,
        _ => {
            let file = args.file.display();
            return Err(Trouble::usage(format_args!("{file}: it does not say what broke, and where")));
        }
    };
    let to_file = args.output != Path::new("-");
    let made = to_file && !args.output.exists();
    let unwritable = |why| {
        Trouble::usage(format_args!(
            "--output {}: cannot be written: {why}; name a file that you may write to",
            args.output.display()
        ))
    };
    if to_file {
        // Before the work begins, and without losing what is there.
        OpenOptions::new().write(true).create(true).truncate(false).open(&args.output).map_err(unwritable)?;
    }
    let script = script(&saved, args).inspect_err(|_| {
        // Nothing is left behind by a report that was never written.
        let _ = made.then(|| fs::remove_file(&args.output));
    })?;
    let double = find_double(&saved.case.lock).ok().filter(|_| saved.job.is_none());
    let expected = double.is_some_and(|double| expected(double, &saved.case, failure.law).is_some());
    let text =
        Issue { saved: &saved, failure: &failure, file: &args.file, script, double, expected }.to_string();
    if to_file {
        fs::write(&args.output, text).map_err(unwritable)?;
    } else {
        say(&text)?;
    }
    Ok(Exit::Expected)
}

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
fn script(saved: &Saved, args: &ReportArgs) -> Result<Shown, Trouble> {
    if saved.job.is_none() || args.no_script {
        return Ok(Shown::Nothing);
    }
    Ok(match super::script::proof(saved, &args.file, args.dir.as_deref())? {
        Ok(text) => Shown::Script(text),
        Err(refused) => Shown::Sentence(refused.to_string()),
    })
}

#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
fn script(_: &Saved, _: &ReportArgs) -> Result<Shown, Trouble> {
    Ok(Shown::Nothing)
}
