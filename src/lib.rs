//! lockfuzz finds the interleaving that breaks a lock.

pub mod cache;
pub mod calibrate;
pub mod campaign;
pub mod case;
pub mod check;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
pub mod clock;
pub mod engine;
pub mod error;
pub mod fs;
pub mod history;
pub mod interleave;
mod json;
pub mod lock;
pub mod regression;
pub mod report;
pub mod schedule;
mod simplify;
pub mod stage;
pub mod strategy;
#[doc(hidden)]
pub mod sys;
pub mod worker;
