//! The script of a counterexample, for the verbs that print it.

use std::io::{self, IsTerminal, Write};
use std::path::Path;

use super::fuzz::listen;
use super::workspace::Workspace;
use super::{Exit, Trouble};
use crate::error::Error;
use crate::regression::Saved;
use crate::script::{Refused, TIMES, Unreached};

/// Makes it and tries it, in a private folder; or says why there is none.
pub(super) fn proof(
    saved: &Saved,
    from: &Path,
    dir: Option<&Path>,
) -> Result<Result<String, Refused>, Trouble> {
    let interrupt = listen()?;
    let workspace = Workspace::new(dir)?;
    if io::stderr().is_terminal() {
        let _ = writeln!(
            io::stderr(),
            "a script is tried, {TIMES} times in the end; this takes up to some minutes"
        );
    }
    match crate::script::proof(saved, from, workspace.path(), &interrupt) {
        Err(Refused::Harness(why)) => Err(Trouble::from(why)),
        other => Ok(other),
    }
}

/// Why there is none, where that ends the program.
pub(super) fn trouble(file: &Path, refused: &Refused) -> Trouble {
    let (exit, file) = (exit(refused), file.display());
    let sentence = match refused {
        Refused::Unreached(why @ (Unreached::NoProgram | Unreached::NoFailure)) => {
            format!("{file}: a script is for what lockfuzz run has found, and {why}")
        }
        _ => format!("{file}: {refused}"),
    };
    Trouble { exit, sentence }
}

fn exit(refused: &Refused) -> Exit {
    match refused {
        Refused::Unreached(Unreached::NoProgram | Unreached::NoFailure) => Exit::Usage,
        Refused::NoStrace(_) | Refused::CannotRun(_) => Exit::Usage,
        Refused::Unreached(_) => Exit::Inconclusive,
        Refused::Harness(Error::Interrupted) => Exit::Interrupted,
        Refused::Harness(_) => Exit::Broken,
    }
}
