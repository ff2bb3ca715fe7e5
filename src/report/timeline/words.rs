//! A [`Move`] in words.

use super::super::moves::{Move, Word};
use crate::history::{Seen, What};
use crate::schedule::Command;

/// In full.
pub(super) fn long(m: &Move) -> String {
    let brief = m.did(What::Locked) && m.did(What::Unlocked) && !m.waited && !m.is_wrong();
    phrase(m, |what| match what {
        What::Locked if brief => None,
        What::Locked if m.waited => Some("lock: got it at last".to_owned()),
        What::Locked => Some("lock: got it".to_owned()),
        What::Blocked => Some("lock: waits".to_owned()),
        What::GaveUp => Some("gave up waiting".to_owned()),
        What::Read(seen) => Some(format!("read: {seen}")),
        What::Failed(errno) => Some(format!("failed (errno {errno})")),
        other => plain(m, other),
    })
}

/// The same with a number for the worker that was seen.
pub(super) fn medium(m: &Move) -> String {
    long(m).replace("read: worker ", "read: ")
}

/// In the fewest words, for narrow lanes.
pub(super) fn short(m: &Move) -> String {
    phrase(m, |what| match what {
        What::Locked => Some("lock".to_owned()),
        What::Blocked => Some("waits".to_owned()),
        What::GaveUp => Some("gave up".to_owned()),
        What::Read(Seen::Worker(wid)) => Some(format!("read {wid}")),
        What::Read(Seen::Stranger { .. }) => Some("read stranger".to_owned()),
        What::Read(Seen::Torn { .. }) => Some("read torn".to_owned()),
        What::Read(Seen::Missing) => Some("read nothing".to_owned()),
        What::Failed(_) => Some("failed".to_owned()),
        other => plain(m, other),
    })
}

fn plain(m: &Move, what: What) -> Option<String> {
    let word = match what {
        What::Wrote => "write",
        What::Unlocked if m.frees && m.command == Command::Exit => "exit: unlock",
        What::Unlocked if m.frees => "unlock",
        What::Exited if !m.frees => "exit",
        _ => return None,
    };
    Some(word.to_owned())
}

fn phrase(m: &Move, words: impl Fn(What) -> Option<String>) -> String {
    let part = |&(ref what, word): &(What, Word)| {
        let part = words(what.clone())?;
        Some(match word {
            Word::Nothing => part,
            Word::Ok => part + "  ok",
            Word::Wrong => part + "  WRONG",
        })
    };
    m.events.iter().filter_map(part).collect::<Vec<_>>().join("; ")
}
