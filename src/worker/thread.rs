//! Workers that are threads of the driver's process.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::thread::{Builder, JoinHandle};

use super::board::Board;
use super::crew::Staff;
use super::local::Local;
use super::{Place, serve};
use crate::schedule::Wid;
use crate::sys::mapping::Mapping;

pub(super) fn start(
    staff: &Staff,
    board: &Arc<Mapping<Board>>,
    local: &Arc<Local>,
    mutex: &'static Mutex<()>,
    wid: Wid,
) -> io::Result<JoinHandle<()>> {
    let (folder, doubles) = (staff.folder.clone(), staff.doubles);
    let (board, local) = (Arc::clone(board), Arc::clone(local));
    Builder::new().name(format!("lockfuzz worker {wid}")).spawn(move || {
        let place = Place { board: &board, folder: &folder, doubles, mutex, local: Some(&local) };
        // A lock under test may panic. The board says so, and the driver names the worker.
        if catch_unwind(AssertUnwindSafe(|| serve(place, wid))).is_err() {
            board.leave(wid);
        }
    })
}
