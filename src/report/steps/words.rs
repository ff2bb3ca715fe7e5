//! A step in words.

use crate::case::CallFault;
use crate::history::What;

/// In a few words; `None` for what tells nothing. (An exit does when it is what went wrong.)
pub(super) fn words(what: &What, fails: bool) -> Option<String> {
    Some(match what {
        What::Began => return None,
        What::Exited if !fails => return None,
        What::Exited => "exit".to_owned(),
        What::Locked => "HOLDS".to_owned(),
        What::Blocked => "waits".to_owned(),
        What::GaveUp => "gives up".to_owned(),
        What::Wrote => "write".to_owned(),
        What::Read(seen) => format!("read: {seen}"),
        What::Unlocked => "gives back".to_owned(),
        What::Failed(errno) => format!("failed (errno {errno})"),
        What::Slept(until) => format!("sleeps until {until} s"),
        What::Stalled => "STALLED: the clock moves".to_owned(),
        What::Jumped => "CLOCK SET BACK: 1 h".to_owned(),
        What::CallFailed => "CALL FAILS".to_owned(),
        What::Struck(fault) => befalls(*fault).to_owned(),
        What::Crashed => "KILLED".to_owned(),
        What::Refused => "refused: too late".to_owned(),
        What::Entered => "INSIDE".to_owned(),
        What::Left => "leaves".to_owned(),
        What::Quit(code) => format!("exit {code}"),
        What::Died(signal) => format!("killed by signal {signal}"),
        What::Found(seen) => format!("finds {seen}"),
        What::CheckFailed(code) => format!("then the check: exit {code}"),
        What::Note(note) => ascii(note),
    })
}

/// What befalls the call of the next step.
fn befalls(fault: CallFault) -> &'static str {
    match fault {
        CallFault::Eintr => "INTERRUPTED: EINTR",
        CallFault::ShortWrite => "SHORT WRITE",
        CallFault::ShortRead => "SHORT READ",
        CallFault::Enospc => "DISK FULL: ENOSPC",
        CallFault::Eio => "DISK FAILS: EIO",
        CallFault::Estale => "FILE IS STALE: ESTALE",
    }
}

/// What a terminal can show anywhere.
pub(in crate::report) fn ascii(text: &str) -> String {
    let plain = |c: char| if (' '..='~').contains(&c) { c } else { '?' };
    text.replace('\u{2026}', "...").chars().map(plain).collect()
}
