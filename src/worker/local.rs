//! What a driver shares with those of its workers that are threads, beside the board.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::board::{Board, DRIVER};
use crate::schedule::Wid;
use crate::sys::lend::Lent;

/// What each worker of a program does.
pub(crate) type Part = Arc<dyn Fn(Wid) + Send + Sync>;

/// A scheduler that can be asked on the spot, and a program to run.
#[derive(Default)]
pub(crate) struct Local {
    /// Says who goes on; the driver's lane, when that was not the question.
    pub(crate) chooser: Lent<Board, usize>,
    part: Mutex<Option<Part>>,
    panics: Mutex<Vec<(Wid, String)>>,
}

impl Local {
    /// Who goes on, as far as that can be told here: the driver's lane when it cannot.
    pub(crate) fn choose(&self, board: &Board) -> usize {
        self.chooser.call(board).unwrap_or(DRIVER)
    }

    /// From now on the workers do this, or the cases on the board again.
    pub(crate) fn set_part(&self, part: Option<Part>) {
        *lock(&self.part) = part;
        lock(&self.panics).clear();
    }

    /// What the workers do instead of the case on the board.
    pub(crate) fn part(&self) -> Option<Part> {
        lock(&self.part).clone()
    }

    /// This worker's part has panicked.
    pub(crate) fn panicked(&self, worker: Wid, message: String) {
        lock(&self.panics).push((worker, message));
    }

    /// Whose part has panicked, the first first.
    pub(crate) fn take_panics(&self) -> Vec<(Wid, String)> {
        std::mem::take(&mut *lock(&self.panics))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
