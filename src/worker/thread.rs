//! Workers that are threads of the driver's process.

use std::io;
use std::sync::{Arc, Mutex};
use std::thread::{Builder, JoinHandle};

use super::board::Board;
use super::crew::Staff;
use super::local::Local;
use super::{Place, live};
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
    Builder::new().name(name(wid)).spawn(move || {
        live(Place { board: &board, folder: &folder, doubles, mutex, local: Some(&local) }, wid);
    })
}

/// What a worker's thread is called, in whatever process.
pub(super) fn name(wid: Wid) -> String {
    format!("lockfuzz worker {wid}")
}
