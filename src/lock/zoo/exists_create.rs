//! `exists-create`: look whether the lock file is there, then create it.
//!
//! What half of all scripts do (`[ -e lock ] || echo $$ > lock`), and every program that writes its pid
//! file without O_EXCL. It breaks between the look and the creation: two look, both find nothing.

use std::io;
use std::path::PathBuf;

use super::gone;
use crate::fs;
use crate::lock::{Claim, Double, Least, Lock, TryLock};

/// Look, then create.
pub const EXISTS_CREATE: Double = Double {
    name: "exists-create",
    what: "looks whether the lock file is there, then creates it",
    promise: "excludes nobody: two look before either creates",
    remedy: "look and create in one step: open with O_CREAT | O_EXCL (create_new), and take its failure \
             for \"somebody has it\"",
    claim: Claim::Nobody,
    open: &|site| Ok(Box::new(ExistsCreate { path: site.path.clone(), worker: site.worker })),
    least: &[Least::preemptions(2)],
    ..Double::PLAIN
};

struct ExistsCreate {
    path: PathBuf,
    worker: u32,
}

impl ExistsCreate {
    fn attempt(&self) -> io::Result<TryLock> {
        if fs::exists(&self.path)? {
            return Ok(TryLock::WouldBlock);
        }
        let written = fs::write(&self.path, self.worker.to_string());
        written.inspect_err(|_| drop(fs::remove_file(&self.path)))?;
        Ok(TryLock::Acquired)
    }
}

impl Lock for ExistsCreate {
    fn try_lock(&mut self) -> TryLock {
        self.attempt().unwrap_or_else(TryLock::Failed)
    }

    fn unlock(&mut self) -> io::Result<()> {
        gone(fs::remove_file(&self.path))
    }
}
