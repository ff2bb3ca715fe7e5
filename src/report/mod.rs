//! What people look at: the text [`timeline`] of a run, its picture, the [`plot`], and the reports of a
//! campaign.

#[cfg(feature = "cli")]
pub mod certificate;
mod interleaving;
#[cfg(feature = "cli")]
pub mod json;
#[cfg(feature = "cli")]
pub mod junit;
mod moves;
pub mod plot;
#[cfg(feature = "cli")]
pub mod progress;
#[cfg(feature = "cli")]
mod table;
#[cfg(feature = "cli")]
pub mod terminal;
mod text;
pub mod timeline;

pub use text::{count, wrapped};
