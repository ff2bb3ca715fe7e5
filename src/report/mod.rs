//! Verdicts and histories, made readable.

#[cfg(feature = "cli")]
pub mod json;
#[cfg(feature = "cli")]
pub mod junit;
pub mod plot;
#[cfg(feature = "cli")]
pub mod progress;
#[cfg(feature = "cli")]
pub mod terminal;
pub mod timeline;
mod text;

pub use text::{count, wrapped};
