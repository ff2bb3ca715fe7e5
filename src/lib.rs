//! lockfuzz finds the interleaving that breaks a lock.

pub mod cache;
pub mod case;
pub mod check;
pub mod clock;
pub mod engine;
pub mod error;
pub mod history;
pub mod lock;
pub mod report;
pub mod schedule;
#[doc(hidden)]
pub mod sys;
pub mod worker;
