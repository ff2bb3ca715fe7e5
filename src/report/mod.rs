//! What people look at: the text [`timeline`] of a run, its picture, the [`plot`], and the reports of a
//! campaign.

pub mod block;
pub mod cause;
#[cfg(feature = "cli")]
pub mod certificate;
pub mod explain;
mod interleaving;
#[cfg(feature = "cli")]
pub mod issue;
#[cfg(feature = "cli")]
pub mod json;
#[cfg(feature = "cli")]
pub mod junit;
pub mod law;
mod moves;
#[cfg(feature = "cli")]
pub mod needs;
mod note;
pub mod plot;
#[cfg(all(feature = "cli", target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
pub mod program;
#[cfg(feature = "cli")]
pub mod progress;
mod steps;
#[cfg(feature = "cli")]
mod table;
#[cfg(feature = "cli")]
pub mod terminal;
mod text;
pub mod timeline;

pub use text::{count, wrapped};
