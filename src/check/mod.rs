//! History to verdict: [`Checker`], the sequential [`model`], and the law of the read-back.

mod divergence;
mod form;
mod interleaved;
pub mod model;
mod readback;
mod realtime;
mod stepped;
#[cfg(test)]
mod tests;
mod traced;
mod verdict;

use crate::case::Case;
use crate::history::History;

pub use divergence::{Cause, Divergence};
pub use form::Wrong;
pub use interleaved::Interleaved;
pub use realtime::Realtime;
pub use stepped::Stepped;
pub(crate) use traced::ASKING;
pub use traced::Traced;
pub use verdict::{Evidence, Failure, Law, Reason, Verdict};

/// Judges a history by the case that it is of.
pub trait Checker {
    /// `Fail` names what broke first, `Inconclusive` says why nothing can be said.
    fn check(&self, case: &Case, history: &History) -> Verdict;
}
