//! A call that a program is about to make: what it touches, and how it is told.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::schedule::Wid;
use crate::stage::{Access, Object};
use crate::sys::tracee::Registers;

use super::clock::Inode;
use super::place::{Places, Target, inode, without_deleted};
use super::table::{Follows, Kind};

/// The last part of a path by which a program says that it is inside, or no longer.
pub(super) const ENTER: &str = "lockfuzz:enter";
pub(super) const LEAVE: &str = "lockfuzz:leave";

/// A call on something that is watched.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// As they are when it is made.
    pub(super) registers: Registers,
    pub(super) subject: Subject,
    /// The bytes that it writes, or the text of a link.
    pub(super) bytes: Vec<u8>,
}

/// What a call is made on.
#[derive(Debug)]
pub(super) enum Subject {
    /// Paths, as the program says them: the folder that it starts from, and whether links are followed.
    Paths(Vec<Said>),
    /// What a descriptor stands for; of the second, none where it is not watched.
    Files(Vec<(PathBuf, Inode)>),
    /// A worker: whether it lives, or what becomes of it.
    Worker(Wid),
    /// The process that makes the call, which ends: its worker, if it is that one's first, and what it has open.
    Own(Option<Wid>, Vec<Inode>),
}

#[derive(Debug)]
pub(super) struct Said {
    pub(super) base: PathBuf,
    pub(super) path: PathBuf,
    pub(super) follow: bool,
}

/// Numbers for inodes that do not differ from run to run. They are made from the name by which a worker first came upon
/// one, and by how many it did so before: what a scheduler learnt of a lock file in one run is then not taken for
/// another file's in the next, where the workers come upon their files in another order.
#[derive(Default)]
pub(super) struct Numbers {
    known: HashMap<Inode, u64>,
    called: HashMap<String, u64>,
}

impl Numbers {
    /// The number of this one.
    pub(super) fn of(&mut self, inode: Inode) -> u64 {
        let next = self.known.len() as u64;
        *self.known.entry(inode).or_insert(next)
    }

    /// Of one that has no number yet, this is the name.
    fn meet(&mut self, inode: Inode, name: impl FnOnce() -> String) {
        if let Entry::Vacant(new) = self.known.entry(inode) {
            let name = name();
            let times = self.called.entry(name.clone()).or_default();
            *times += 1;
            new.insert(Object::memory(&format!("inode {times} of {name}")).as_u64());
        }
    }

    pub(super) fn content(&mut self, inode: Inode) -> Object {
        Object::inode(0, self.of(inode))
    }

    /// The locks on it.
    pub(super) fn locks(&mut self, inode: Inode) -> Object {
        Object::memory(&format!("locks {}", self.of(inode)))
    }

    /// The names in a folder, all together. Whoever makes or removes one *looks* at this, and whoever lists
    /// them, or sees by the folder's times that there was a change, *changes* it: so each of the first depends on each of
    /// the others, but not on another of the first.
    fn names(&mut self, folder: Inode) -> Object {
        Object::memory(&format!("names {}", self.of(folder)))
    }
}

/// Who is inside.
fn inside() -> Object {
    Object::memory("inside")
}

/// Whether a worker lives.
pub(super) fn life(worker: Wid) -> Object {
    Object::memory(&format!("worker {worker}"))
}

/// Is the whole family's state at stake? Then nothing is named.
const ANYTHING: Vec<Access> = Vec::new();

/// What it takes to say what a call touches.
pub(super) struct View<'a> {
    pub(super) places: &'a mut Places,
    pub(super) numbers: &'a mut Numbers,
    pub(super) tids: &'a HashMap<i32, Wid>,
    /// The process that makes the call.
    pub(super) process: i32,
}

impl View<'_> {
    fn target(&mut self, said: &Said) -> Target {
        self.places.resolve(self.process, &said.base, &said.path, said.follow)
    }

    fn name(&mut self, path: &Path) -> Object {
        let shown = tame(&self.places.shown(path), self.tids);
        Object::name(Path::new(&shown))
    }

    fn meet(&mut self, inode: Inode, path: &Path) {
        let (places, tids) = (&self.places, self.tids);
        self.numbers.meet(inode, || tame(&places.shown(without_deleted(path)), tids));
    }

    /// Looking for a name, by way of these links.
    fn looked(&mut self, target: &Target) -> Vec<Access> {
        let mut all: Vec<_> = target.links.iter().map(|link| Access::Look(self.name(link))).collect();
        all.push(Access::Look(self.name(&target.path)));
        all
    }

    /// A name comes or goes.
    fn changed(&mut self, target: &Target) -> Vec<Access> {
        let mut all = self.looked(target);
        *all.last_mut().expect("there is one") = Access::Change(self.name(&target.path));
        if let Some((parent, folder)) = target.path.parent().and_then(|path| Some((path, inode(path)?))) {
            self.meet(folder, parent);
            all.push(Access::Look(self.numbers.names(folder)));
        }
        all
    }

    fn content(&mut self, inode: Inode, changes: bool) -> Access {
        let object = self.numbers.content(inode);
        if changes { Access::Change(object) } else { Access::Look(object) }
    }
}

impl Call {
    pub(super) fn word(&self, nth: usize) -> u64 {
        self.registers.words()[nth]
    }

    /// What it touches, as things are now; empty for "anything".
    pub(super) fn accesses(&self, view: &mut View<'_>) -> Vec<Access> {
        match &self.subject {
            Subject::Paths(said) => self.accesses_of_paths(said, view),
            Subject::Files(files) => self.accesses_of_files(files, view),
            Subject::Own(worker, opened) => {
                let locks = opened.iter().map(|&inode| Access::Change(view.numbers.locks(inode)));
                worker.iter().map(|&worker| Access::Change(life(worker))).chain(locks).collect()
            }
            Subject::Worker(worker) => match self.kind {
                Kind::Kill { signal, .. } if self.word(signal) != 0 => ANYTHING,
                _ => vec![Access::Look(life(*worker))],
            },
        }
    }

    fn accesses_of_paths(&self, said: &[Said], view: &mut View<'_>) -> Vec<Access> {
        // Two who are inside at once is what is looked for, whatever they touch there.
        if self.is_mark() {
            return vec![Access::Change(inside())];
        }
        let target = view.target(&said[0]);
        if let Some(worker) = process_of(&target.path).and_then(|pid| view.tids.get(&pid)) {
            return vec![Access::Look(life(*worker))];
        }
        let there = inode(&target.path);
        if let Some(inode) = there {
            view.meet(inode, &target.path);
        }
        match self.kind {
            Kind::Open { .. } | Kind::Open2 => {
                let flags = self.open_flags();
                let has = |flag: i32| flags & flag == flag;
                if has(libc::O_TMPFILE) {
                    return view.looked(&target);
                }
                match there {
                    None if has(libc::O_CREAT) => view.changed(&target),
                    Some(_) if has(libc::O_CREAT | libc::O_EXCL) => view.looked(&target),
                    Some(inode) => {
                        let mut all = view.looked(&target);
                        all.push(view.content(inode, has(libc::O_TRUNC)));
                        all
                    }
                    None => view.looked(&target),
                }
            }
            Kind::Stat { .. } => {
                let mut all = view.looked(&target);
                if let Some(inode) = there {
                    all.push(view.content(inode, false));
                    if is_folder(&target.path) {
                        all.push(Access::Change(view.numbers.names(inode)));
                    }
                }
                all
            }
            Kind::Make { .. } | Kind::Symlink { .. } => match there {
                None => view.changed(&target),
                Some(_) => view.looked(&target),
            },
            Kind::Remove { .. } => match there {
                None => view.looked(&target),
                Some(inode) => {
                    let mut all = view.changed(&target);
                    all.push(view.content(inode, true));
                    if is_folder(&target.path) {
                        all.push(Access::Change(view.numbers.names(inode)));
                    }
                    all
                }
            },
            Kind::Link { .. } | Kind::Rename { .. } => {
                let onto = view.target(&said[1]);
                let moves = matches!(self.kind, Kind::Rename { .. });
                let Some(inode) = there else {
                    return [view.looked(&target), view.looked(&onto)].concat();
                };
                if moves && is_folder(&target.path) {
                    return ANYTHING;
                }
                let mut all = if moves { view.changed(&target) } else { view.looked(&target) };
                all.push(view.content(inode, true));
                match self::inode(&onto.path) {
                    Some(_) if !moves => all.extend(view.looked(&onto)),
                    replaced => {
                        all.extend(view.changed(&onto));
                        if let Some(inode) = replaced {
                            view.meet(inode, &onto.path);
                            all.push(view.content(inode, true));
                        }
                    }
                }
                all
            }
            Kind::Change { .. } | Kind::Times { .. } => {
                let mut all = view.looked(&target);
                all.extend(there.map(|inode| view.content(inode, true)));
                all
            }
            _ => {
                let mut all = view.looked(&target);
                all.extend(there.map(|inode| view.content(inode, false)));
                all
            }
        }
    }

    fn accesses_of_files(&self, files: &[(PathBuf, Inode)], view: &mut View<'_>) -> Vec<Access> {
        let mut all = Vec::new();
        for (nth, (path, inode)) in files.iter().enumerate() {
            let inode = *inode;
            view.meet(inode, path);
            match self.kind {
                Kind::FdWrite { .. } | Kind::FdChange | Kind::Times { .. } => {
                    all.push(view.content(inode, true));
                }
                Kind::Copy { .. } => all.push(view.content(inode, nth == 1)),
                Kind::FdStat if path.is_dir() => {
                    all.extend([view.content(inode, false), Access::Change(view.numbers.names(inode))]);
                }
                Kind::FdList => all.push(Access::Change(view.numbers.names(inode))),
                Kind::Flock | Kind::Fcntl | Kind::Close | Kind::Dup2 => {
                    all.push(Access::Change(view.numbers.locks(inode)));
                }
                Kind::Map | Kind::CloseRange | Kind::Exit => return ANYTHING,
                _ => all.push(view.content(inode, false)),
            }
        }
        all
    }

    /// The flags of an open.
    pub(super) fn open_flags(&self) -> i32 {
        match self.kind {
            Kind::Open { flags: Some(nth), .. } => self.word(nth) as i32,
            Kind::Open { flags: None, .. } => libc::O_CREAT | libc::O_WRONLY | libc::O_TRUNC,
            // They were copied out of memory.
            Kind::Open2 => i32::from_ne_bytes(self.bytes[..4].try_into().expect("eight bytes")),
            _ => 0,
        }
    }

    /// Would it wait where it cannot have what it wants? Then the same without waiting.
    pub(super) fn without_waiting(&self) -> Option<Registers> {
        let mut registers = self.registers;
        match self.kind {
            Kind::Flock if self.word(1) as i32 & (libc::LOCK_NB | libc::LOCK_UN) == 0 => {
                registers.set_word(1, self.word(1) | libc::LOCK_NB as u64);
            }
            Kind::Fcntl => {
                let command = match self.word(1) as i32 {
                    libc::F_SETLKW => libc::F_SETLK,
                    libc::F_OFD_SETLKW => libc::F_OFD_SETLK,
                    _ => return None,
                };
                registers.set_word(1, command as u64);
            }
            _ => return None,
        }
        Some(registers)
    }

    /// Does the program say by it that it is inside, or no longer?
    pub(super) fn is_mark(&self) -> bool {
        let Subject::Paths(said) = &self.subject else { return false };
        said[0].path.file_name().is_some_and(|name| name == ENTER || name == LEAVE)
    }

    /// Does it take a lock on a file that is open, so that it may fail?
    pub(super) fn takes_lock(&self) -> bool {
        use libc::{F_OFD_SETLK, F_OFD_SETLKW, F_SETLK, F_SETLKW};
        match self.kind {
            Kind::Flock => self.word(1) as i32 & libc::LOCK_UN == 0,
            Kind::Fcntl => [F_SETLK, F_SETLKW, F_OFD_SETLK, F_OFD_SETLKW].contains(&(self.word(1) as i32)),
            _ => false,
        }
    }

    /// Is it by fcntl that a lock is given back?
    pub(super) fn gives_lock_back(&self) -> bool {
        let kind = self.bytes.first_chunk().map(|first| i32::from(i16::from_ne_bytes(*first)));
        self.kind == Kind::Fcntl && kind == Some(libc::F_UNLCK)
    }

    /// Does it make a name, which fails where there is one already?
    pub(super) fn makes_lock(&self) -> bool {
        matches!(self.kind, Kind::Make { .. } | Kind::Symlink { .. } | Kind::Link { .. })
    }

    /// The same call, but for the flag by which it fails where there is such a name already.
    pub(super) fn without_exclusion(&self) -> Option<Registers> {
        let (nth, flag) = match self.kind {
            Kind::Open { flags: Some(nth), .. } => (nth, libc::O_EXCL as u64),
            Kind::Rename { flags: Some(nth), .. } => (nth, u64::from(libc::RENAME_NOREPLACE)),
            _ => return None,
        };
        let mut registers = self.registers;
        registers.set_word(nth, self.word(nth) & !flag);
        (self.word(nth) & flag != 0).then_some(registers)
    }

    /// As strace prints it, but for what does not matter.
    pub(super) fn told(&self, view: &mut View<'_>) -> String {
        // Of a descriptor it is the old call in a new form.
        let name = match (self.kind, &self.subject) {
            (Kind::Stat { .. }, Subject::Files(_)) => "fstat",
            _ => self.name,
        };
        let mut text = format!("{name}(");
        match &self.subject {
            Subject::Paths(said) => {
                for (nth, one) in said.iter().enumerate() {
                    let path = if one.path.is_absolute() && view.places.hold(&one.path) {
                        view.places.shown(&one.path)
                    } else {
                        String::from_utf8_lossy(one.path.as_os_str().as_bytes()).into_owned()
                    };
                    let gap = if nth > 0 { ", " } else { "" };
                    let _ = write!(text, "{gap}{}", quoted(&path));
                }
            }
            Subject::Files(files) => {
                let names = files.iter().map(|(path, _)| quoted(&view.places.shown(path)));
                text += &names.collect::<Vec<_>>().join(", ");
            }
            Subject::Worker(worker) => {
                let _ = write!(text, "worker {worker}");
            }
            Subject::Own(..) => {}
        }
        match self.kind {
            Kind::Open { .. } | Kind::Open2 => {
                let _ = write!(text, ", {}", open_words(self.open_flags()));
            }
            Kind::FdWrite { .. } | Kind::Symlink { .. } if !self.bytes.is_empty() => {
                // Before it is cut: of half a pid nobody knows whose it is.
                let bytes = tame_bytes(&self.bytes, view.tids);
                let _ = write!(text, ", {}", quoted(&bytes));
            }
            Kind::Flock => {
                let _ = write!(text, ", {}", flock_words(self.word(1) as i32));
            }
            Kind::Fcntl => {
                let _ = write!(text, ", {}", fcntl_words(self.word(1) as i32, &self.bytes));
            }
            Kind::Kill { signal, .. } => {
                let _ = write!(text, ", {}", self.word(signal));
            }
            _ => {}
        }
        text.push(')');
        tame(&text, view.tids)
    }
}

/// In quotes, without anything that a terminal would obey, and not too long.
fn quoted(text: &str) -> String {
    const MOST: usize = 24;
    let mut short: String = text.chars().take(MOST).flat_map(char::escape_debug).collect();
    if text.chars().nth(MOST).is_some() {
        short += "...";
    }
    format!("\"{short}\"")
}

/// Numbers that are the pids of workers, which differ from run to run, as their names.
pub(super) fn tame(text: &str, tids: &HashMap<i32, Wid>) -> String {
    let mut tamed = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, from) = rest.split_at(start);
        let end = from.find(|c: char| !c.is_ascii_digit()).unwrap_or(from.len());
        let (number, after) = from.split_at(end);
        tamed += before;
        // One or two digits behind it may be something else: `.lk4711` and half a byte of the time.
        let whole = |end: usize| Some((tids.get(&number.get(..end)?.parse().ok()?)?, end));
        let length = number.len();
        let begin = |end| whole(end).filter(|_| end >= 4);
        match whole(length).or_else(|| [1, 2].into_iter().find_map(|less| begin(length.checked_sub(less)?))) {
            Some((worker, end)) => {
                let _ = write!(tamed, "PID{worker}{}", &number[end..]);
            }
            None => tamed += number,
        }
        rest = after;
    }
    tamed + rest
}

/// The same for what is written: also a pid as the machine has it, where nothing else is written with it.
pub(super) fn tame_bytes(bytes: &[u8], tids: &HashMap<i32, Wid>) -> String {
    let number = bytes.try_into().map(i32::from_ne_bytes);
    let number = number.or_else(|_| bytes.try_into().map(|eight| i64::from_ne_bytes(eight) as i32));
    match number.ok().and_then(|pid| tids.get(&pid)) {
        Some(worker) => format!("PID{worker}"),
        None => tame(&String::from_utf8_lossy(bytes), tids),
    }
}

/// By how many bytes a text with pids in it is longer than with the names of their workers.
pub(super) fn surplus(bytes: &[u8], tids: &HashMap<i32, Wid>) -> i64 {
    let text = String::from_utf8_lossy(bytes);
    text.len() as i64 - tame(&text, tids).len() as i64
}

/// Is it a folder itself, and not a link to one?
fn is_folder(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|found| found.is_dir())
}

/// Which process a path like `/proc/7/stat` is about.
pub(super) fn process_of(path: &Path) -> Option<i32> {
    let rest = path.strip_prefix("/proc").ok()?;
    rest.components().next()?.as_os_str().to_str()?.parse().ok()
}

/// Is a link at the end followed?
pub(super) fn follows(follows: Follows, words: [u64; 6]) -> bool {
    match follows {
        Follows::Always => true,
        Follows::Never => false,
        Follows::Unless(nth) => words[nth] as i32 & libc::AT_SYMLINK_NOFOLLOW == 0,
    }
}

fn open_words(flags: i32) -> String {
    let mode = match flags & libc::O_ACCMODE {
        libc::O_RDONLY => "O_RDONLY",
        libc::O_WRONLY => "O_WRONLY",
        _ => "O_RDWR",
    };
    let known = [
        (libc::O_TMPFILE, "O_TMPFILE"),
        (libc::O_CREAT, "O_CREAT"),
        (libc::O_EXCL, "O_EXCL"),
        (libc::O_TRUNC, "O_TRUNC"),
        (libc::O_APPEND, "O_APPEND"),
    ];
    let set = known.iter().filter(|(flag, _)| flags & flag == *flag).map(|(_, name)| *name);
    [mode].into_iter().chain(set).collect::<Vec<_>>().join("|")
}

fn flock_words(how: i32) -> String {
    let kind = match how & !libc::LOCK_NB {
        libc::LOCK_SH => "LOCK_SH",
        libc::LOCK_EX => "LOCK_EX",
        libc::LOCK_UN => "LOCK_UN",
        _ => "?",
    };
    let waits = if how & libc::LOCK_NB == 0 { "" } else { "|LOCK_NB" };
    format!("{kind}{waits}")
}

/// The command, and the kind of lock that struct flock begins with.
fn fcntl_words(command: i32, bytes: &[u8]) -> String {
    let name = match command {
        libc::F_GETLK => "F_GETLK",
        libc::F_SETLK => "F_SETLK",
        libc::F_SETLKW => "F_SETLKW",
        libc::F_OFD_GETLK => "F_OFD_GETLK",
        libc::F_OFD_SETLK => "F_OFD_SETLK",
        libc::F_OFD_SETLKW => "F_OFD_SETLKW",
        _ => "?",
    };
    let kind = match bytes.first_chunk().map(|first| i32::from(i16::from_ne_bytes(*first))) {
        Some(libc::F_RDLCK) => "F_RDLCK",
        Some(libc::F_WRLCK) => "F_WRLCK",
        Some(libc::F_UNLCK) => "F_UNLCK",
        _ => "?",
    };
    format!("{name}, {kind}")
}

/// The commands of fcntl that are about locks.
pub(super) fn is_lock_command(command: i32) -> bool {
    use libc::{F_GETLK, F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW, F_SETLK, F_SETLKW};
    [F_GETLK, F_SETLK, F_SETLKW, F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW].contains(&command)
}

/// What came of a call, as strace says it.
pub(super) fn result_words(result: i64) -> String {
    match result {
        // A signal came, and what it does has the call end, or begin again (ERESTARTSYS).
        -512 => "interrupted".to_owned(),
        -4095..0 => format!("{:?}", nix::errno::Errno::from_raw(-result as i32)),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pids_are_told_by_the_names_of_their_workers() {
        let tids = HashMap::from([(4711, 1), (47, 2)]);
        assert_eq!(tame("lock.4711 by 47, not 471 or 47a", &tids), "lock.PID1 by PID2, not 471 or PID2a");
        assert_eq!(tame(".lk47113host .lk471112 .lk4711123", &tids), ".lkPID13host .lkPID112 .lk4711123");
        assert_eq!(tame("471 472", &tids), "471 472", "a short one has no digits behind it");
    }

    #[test]
    fn pids_are_told_as_numbers_of_the_machine_too() {
        let tids = HashMap::from([(4711, 1)]);
        assert_eq!(tame_bytes(&4711_i32.to_ne_bytes(), &tids), "PID1");
        assert_eq!(tame_bytes(&4711_i64.to_ne_bytes(), &tids), "PID1");
        assert_eq!(tame_bytes(b"4711", &tids), "PID1");
        assert_eq!(tame_bytes(b"4712", &tids), "4712");
    }

    #[test]
    fn texts_are_short_and_harmless() {
        assert_eq!(quoted("a\nb\x1b[0m"), "\"a\\nb\\u{1b}[0m\"");
        assert_eq!(quoted(&"x".repeat(30)), format!("\"{}...\"", "x".repeat(24)));
    }

    #[test]
    fn words_of_flags() {
        assert_eq!(open_words(libc::O_CREAT | libc::O_EXCL | libc::O_WRONLY), "O_WRONLY|O_CREAT|O_EXCL");
        assert_eq!(flock_words(libc::LOCK_EX | libc::LOCK_NB), "LOCK_EX|LOCK_NB");
        assert_eq!(fcntl_words(libc::F_SETLK, &1_i16.to_ne_bytes()), "F_SETLK, F_WRLCK");
        assert_eq!(result_words(-17), "EEXIST");
        assert_eq!(result_words(-512), "interrupted");
        assert_eq!(result_words(3), "3");
    }
}
