//! A check at system calls: the workers are this test binary, and whoever holds them needs no points of theirs.

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod search;
pub(super) mod turn;

use super::bench::register;
use super::words::Trouble;
use super::{Here, Outcome, Own};
use crate::case::Placement;
use crate::worker::process;

/// A worker that has come to its check serves here, and does not come back.
pub(super) fn come(own: &Own, here: &Here) -> Result<Option<Outcome>, Trouble> {
    let settings = own.settings()?;
    match turn::called() {
        Some(name) if name == own.name => turn::take(own),
        Some(_) => return Ok(None),
        None if process::called().is_some() => return Ok(None),
        None => {}
    }
    register(here, &own.name)?;
    if !own.claim.excludes_somebody(Placement::Processes, *own.workers.end()) {
        return Err(Trouble(format!(
            "{}: it claims to exclude no other process, and the workers of a traced check are processes",
            own.name
        )));
    }
    search(own, here, settings).map(Some)
}

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
use search::search;

/// Elsewhere nothing can be traced.
#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
fn search(own: &Own, here: &Here, settings: super::settings::Settings) -> Result<Outcome, Trouble> {
    use crate::check::{Reason, Verdict};
    let mut outcome = Outcome::nothing(&own.name, settings, crate::engine::Kind::Traced, here);
    outcome.verdict = Verdict::unclear(Reason::NotTraced);
    Ok(outcome)
}
