//! Which faults a call could meet, as things are now.
//!
//! A fault is offered only where the kernel could give it: by the pages of signal(7), read(2), write(2), open(2) and
//! so on, and for ESTALE as a network file system does.

use std::fs;
use std::path::Path;

use crate::case::CallFault;

use crate::sys::tracee::Stopped;

use super::call::{Call, Subject, View};
use super::place;
use super::table::Kind;

/// How a call is made to meet a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// It is not made, and this error is what it returns.
    Errno(i32),
    /// It is made with this number in this word.
    Count(usize, u64),
    /// This signal comes while it waits.
    Signal(i32),
}

/// What decides besides the call itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// It waits, and this signal, which has a handler, would end that.
    pub(super) interrupts: Option<i32>,
    /// The name that it would make is not there, and could be.
    pub(super) makes: bool,
    /// The plain file that it is made on.
    pub(super) file: Option<File>,
    /// A path of its leads into a watched folder.
    pub(super) is_held: bool,
    /// How long the pieces of memory are that it reads into, or writes; of a call that takes several.
    pub(super) pieces: Vec<u64>,
}

/// A plain file, and how it is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct File {
    /// In bytes.
    pub(super) length: u64,
    /// Where the next read or write begins.
    pub(super) place: u64,
    /// As it was opened.
    pub(super) flags: i32,
}

type Rule = fn(&Call, &Found) -> Option<Way>;

/// Each fault, and which calls could meet it.
const TABLE: [(CallFault, Rule); 6] = [
    (CallFault::Eintr, |_, found| found.interrupts.map(Way::Signal)),
    (CallFault::ShortWrite, short_write),
    (CallFault::ShortRead, short_read),
    (CallFault::Enospc, |call, found| takes_room(call, found).then_some(Way::Errno(libc::ENOSPC))),
    (CallFault::Eio, |call, _| {
        matches!(call.name, "fsync" | "fdatasync" | "sync_file_range").then_some(Way::Errno(libc::EIO))
    }),
    (CallFault::Estale, |call, found| asks_server(call, found).then_some(Way::Errno(libc::ESTALE))),
];

/// How this call could meet this fault, if it could.
pub(super) fn way(fault: CallFault, call: &Call, found: &Found) -> Option<Way> {
    if call.is_mark() {
        return None;
    }
    let (_, rule) = TABLE.iter().find(|(of, _)| *of == fault)?;
    rule(call, found)
}

fn short_write(call: &Call, found: &Found) -> Option<Way> {
    let count = call.word(2);
    if !found.file?.is_written() {
        return None;
    }
    match call.name {
        "write" | "pwrite64" => (count > 1).then_some(Way::Count(2, count / 2)),
        "writev" | "pwritev" => some_of(&found.pieces, u64::MAX),
        _ => None,
    }
}

/// The first pieces, where they are something, and not all that comes.
fn some_of(pieces: &[u64], comes: u64) -> Option<Way> {
    let sum = |pieces: &[u64]| pieces.iter().fold(0, |sum: u64, piece| sum.saturating_add(*piece));
    let first = 1 + pieces.iter().position(|piece| *piece > 0)?;
    (sum(&pieces[..first]) < sum(pieces).min(comes)).then_some(Way::Count(2, first as u64))
}

/// Half of what is there.
fn short_read(call: &Call, found: &Found) -> Option<Way> {
    let file = found.file?;
    let from = match call.name {
        "read" | "readv" => file.place,
        "pread64" | "preadv" => call.word(3),
        _ => return None,
    };
    let rest = file.length.saturating_sub(from);
    if !file.is_read() {
        return None;
    }
    if call.name.ends_with('v') {
        return some_of(&found.pieces, rest);
    }
    let comes = call.word(2).min(rest);
    (comes > 1).then_some(Way::Count(2, comes / 2))
}

/// Does it need room on the disk that it has not yet?
fn takes_room(call: &Call, found: &Found) -> bool {
    let grows = |to: u64| found.file.is_some_and(|file| i64::try_from(to).is_ok() && to > file.length);
    match call.name {
        "write" | "pwrite64" | "writev" | "pwritev" | "pwritev2" => {
            found.file.is_some_and(|file| file.is_written()) && call.word(2) > 0
        }
        "sendfile" => call.word(3) > 0 && is_target(call),
        "copy_file_range" | "splice" => call.word(4) > 0 && is_target(call),
        "truncate" => grows(call.word(1)),
        "ftruncate" => found.file.is_some_and(|file| file.is_written()) && grows(call.word(1)),
        // A hole needs none.
        "fallocate" => {
            let whole = call.word(1) as i32 & !libc::FALLOC_FL_KEEP_SIZE == 0;
            whole && found.file.is_some_and(|file| file.is_written())
        }
        _ => found.makes,
    }
}

/// Is what it copies to watched?
fn is_target(call: &Call) -> bool {
    matches!(call.kind, Kind::Copy { .. } | Kind::FdWrite { .. })
}

/// Would a network file system ask its server? Whoever gives something back is not kept from it.
fn asks_server(call: &Call, found: &Found) -> bool {
    match (&call.subject, call.kind) {
        (Subject::Paths(_), _) => found.is_held,
        (Subject::Files(_), Kind::FdRead | Kind::FdWrite { .. } | Kind::FdChange) => found.file.is_some(),
        (Subject::Files(_), Kind::Stat { .. } | Kind::FdStat | Kind::FdLook | Kind::FdList) => true,
        (Subject::Files(_), Kind::Flock | Kind::Fcntl) => call.takes_lock() && !call.gives_lock_back(),
        _ => false,
    }
}

impl File {
    fn is_read(self) -> bool {
        self.is_plain() && self.flags & libc::O_ACCMODE != libc::O_WRONLY
    }

    fn is_written(self) -> bool {
        self.is_plain() && self.flags & libc::O_ACCMODE != libc::O_RDONLY
    }

    /// What goes past the cache has to be whole blocks.
    fn is_plain(self) -> bool {
        self.flags & (libc::O_DIRECT | libc::O_PATH) == 0
    }
}

impl Found {
    /// What there is before this call is made.
    pub(super) fn of(stopped: &Stopped, call: &Call, view: &mut View<'_>) -> Found {
        let mut found = Found { pieces: pieces(stopped, call).unwrap_or_default(), ..Found::default() };
        match &call.subject {
            Subject::Paths(said) => {
                let mut at = |nth: usize| {
                    let one = &said[nth];
                    view.places.resolve(view.process, &one.base, &one.path, one.follow).path
                };
                let (first, last) = (at(0), at(said.len() - 1));
                found.makes = match call.kind {
                    Kind::Open { .. } | Kind::Open2 => {
                        let has = |flag: i32| call.open_flags() & flag == flag;
                        if has(libc::O_TMPFILE) { first.is_dir() } else { has(libc::O_CREAT) && free(&first) }
                    }
                    Kind::Make { .. } | Kind::Symlink { .. } => free(&first),
                    Kind::Link { .. } | Kind::Rename { .. } => place::inode(&first).is_some() && free(&last),
                    _ => false,
                };
                found.is_held = [&first, &last].iter().any(|path| view.places.hold(path));
                if call.name == "truncate" {
                    found.file = length(&first).map(|length| File { length, place: 0, flags: libc::O_RDWR });
                }
            }
            // Of two files it is not said which.
            Subject::Files(files) if files.len() == 1 && !copies(call.name) => {
                found.file = open_file(view.process, call.word(0) as i32);
            }
            _ => {}
        }
        found
    }
}

/// The lengths in an array of struct iovec.
fn pieces(stopped: &Stopped, call: &Call) -> Option<Vec<u64>> {
    const MOST: u64 = 1024;
    if !matches!(call.name, "readv" | "preadv" | "writev" | "pwritev") || call.word(2) > MOST {
        return None;
    }
    let mut bytes = vec![0; 16 * call.word(2) as usize];
    stopped.read(call.word(1), &mut bytes).ok()?;
    let length = |piece: &[u8]| u64::from_ne_bytes(piece[8..].try_into().expect("eight bytes"));
    Some(bytes.chunks(16).map(length).collect())
}

fn copies(name: &str) -> bool {
    matches!(name, "sendfile" | "copy_file_range" | "splice")
}

/// Is there nothing of this name, in a folder that is there?
fn free(path: &Path) -> bool {
    place::inode(path).is_none() && path.parent().is_some_and(Path::is_dir)
}

fn length(path: &Path) -> Option<u64> {
    fs::metadata(path).ok().filter(fs::Metadata::is_file).map(|found| found.len())
}

fn open_file(process: i32, fd: i32) -> Option<File> {
    let length = length(Path::new(&format!("/proc/{process}/fd/{fd}")))?;
    let said = fs::read_to_string(format!("/proc/{process}/fdinfo/{fd}")).ok()?;
    let of = |key: &str| said.lines().find_map(|line| line.strip_prefix(key)).map(str::trim);
    let flags = i32::from_str_radix(of("flags:")?, 8).ok()?;
    Some(File { length, place: of("pos:")?.parse().ok()?, flags })
}

#[cfg(test)]
mod tests {
    use super::super::call::Said;
    use super::super::table::Table;
    use super::*;
    use crate::sys::tracee::Registers;

    const AN_OPEN: File = File { length: 10, place: 4, flags: libc::O_RDWR };

    fn call(number: i64, words: [u64; 6], subject: Subject) -> Call {
        let (name, kind) = Table::new(false).of(number).unwrap();
        Call { name, kind, registers: Registers::pretended(number, words), subject, bytes: vec![0; 8] }
    }

    /// All faults that a call could meet, with the number that it would be made with.
    fn all(call: &Call, found: Found) -> Vec<(&'static str, u64)> {
        let number = |way| match way {
            Way::Errno(_) | Way::Signal(_) => 0,
            Way::Count(2, count) => count,
            Way::Count(..) => unreachable!("all count in the third word"),
        };
        let faults = CallFault::ALL.into_iter();
        faults.filter_map(|fault| Some((fault.name(), number(way(fault, call, &found)?)))).collect()
    }

    fn of_file(number: i64, words: [u64; 6], file: Option<File>) -> Vec<(&'static str, u64)> {
        let subject = Subject::Files(vec![("/f".into(), (1, 2))]);
        all(&call(number, words, subject), Found { file, ..Found::default() })
    }

    fn of_path(number: i64, words: [u64; 6], makes: bool) -> Vec<(&'static str, u64)> {
        let said = |name: &str| Said { base: "/".into(), path: name.into(), follow: true };
        let subject = Subject::Paths(vec![said("one"), said("two")]);
        all(&call(number, words, subject), Found { makes, is_held: true, ..Found::default() })
    }

    #[test]
    fn a_file_that_is_open() {
        let words = |count: u64, at: u64| [3, 0, count, at, 0, 0];
        let open = Some(AN_OPEN);
        let stale = ("estale", 0);
        let write = |count| of_file(libc::SYS_write, words(count, 0), open);
        assert_eq!(write(9), [("short-write", 4), ("enospc", 0), stale]);
        assert_eq!(write(1), [("enospc", 0), stale], "one byte is written or not");
        assert_eq!(write(0), [stale]);
        let read = |count| of_file(libc::SYS_read, words(count, 0), open);
        assert_eq!(read(4096), [("short-read", 3), stale], "half of the six that are left");
        assert_eq!(read(1), [stale]);
        let pread = |at| of_file(libc::SYS_pread64, words(4096, at), open);
        assert_eq!(pread(0), [("short-read", 5), stale]);
        assert_eq!(pread(9), [stale], "one byte is left");
        assert_eq!(pread(20), [stale], "none is");
        assert_eq!(of_file(libc::SYS_pwrite64, words(2, 0), open)[0], ("short-write", 1));
        assert_eq!(of_file(libc::SYS_writev, words(2, 0), open), [("enospc", 0), stale]);
        // A folder, a pipe, one that is open for the other thing.
        assert_eq!(of_file(libc::SYS_write, words(9, 0), None), []);
        let with = |flags| Some(File { flags, ..AN_OPEN });
        assert_eq!(of_file(libc::SYS_write, words(9, 0), with(libc::O_RDONLY)), [stale]);
        assert_eq!(of_file(libc::SYS_read, words(9, 0), with(libc::O_WRONLY)), [stale]);
        assert_eq!(of_file(libc::SYS_write, words(512, 0), with(libc::O_RDWR | libc::O_DIRECT)), [stale]);
    }

    #[test]
    fn several_pieces_of_memory() {
        let first = |number, pieces: &[u64]| {
            let subject = Subject::Files(vec![("/f".into(), (1, 2))]);
            let found = Found { file: Some(AN_OPEN), pieces: pieces.to_vec(), ..Found::default() };
            let count = pieces.len() as u64;
            let faults = all(&call(number, [3, 0, count, 4, 0, 0], subject), found);
            faults.into_iter().find(|(name, _)| name.starts_with("short"))
        };
        let (write, read) = (libc::SYS_writev, libc::SYS_readv);
        assert_eq!(first(write, &[9, 9, 9]), Some(("short-write", 1)));
        assert_eq!(first(write, &[0, 9, 9]), Some(("short-write", 2)), "nothing at all is not short");
        assert_eq!(first(write, &[9, 0]), None, "that is all of it");
        assert_eq!(first(write, &[9]), None);
        assert_eq!(first(libc::SYS_pwritev, &[1, 1]), Some(("short-write", 1)));
        // Six bytes are left.
        assert_eq!(first(read, &[5, 5]), Some(("short-read", 1)));
        assert_eq!(first(read, &[6, 5]), None);
        assert_eq!(first(libc::SYS_preadv, &[5, 5]), Some(("short-read", 1)));
    }

    #[test]
    fn what_has_to_reach_the_disk_and_what_grows() {
        let open = Some(AN_OPEN);
        let stale = ("estale", 0);
        let none = [3, 0, 0, 0, 0, 0];
        assert_eq!(of_file(libc::SYS_fsync, none, open), [("eio", 0), stale]);
        assert_eq!(of_file(libc::SYS_fdatasync, none, open), [("eio", 0), stale]);
        assert_eq!(of_file(libc::SYS_fstatfs, none, open), [stale]);
        assert_eq!(of_file(libc::SYS_close, none, open), []);
        let truncate = |length| of_file(libc::SYS_ftruncate, [3, length, 0, 0, 0, 0], open);
        assert_eq!(truncate(11), [("enospc", 0), stale]);
        assert_eq!(truncate(10), [stale]);
        assert_eq!(truncate(u64::MAX), [stale], "it is no length");
        let allocate = |how: i32| of_file(libc::SYS_fallocate, [3, how as u64, 0, 99, 0, 0], open);
        assert_eq!(allocate(0), [("enospc", 0), stale]);
        assert_eq!(allocate(libc::FALLOC_FL_PUNCH_HOLE | libc::FALLOC_FL_KEEP_SIZE), [stale]);
    }

    #[test]
    fn a_name_that_is_made() {
        let stale = ("estale", 0);
        let both = [("enospc", 0), stale];
        let make = [libc::SYS_mkdirat, libc::SYS_mknodat, libc::SYS_symlinkat, libc::SYS_linkat];
        for number in make.into_iter().chain([libc::SYS_renameat2]) {
            assert_eq!(of_path(number, [0; 6], true), both, "{number}");
            assert_eq!(of_path(number, [0; 6], false), [stale], "{number}");
        }
        for number in [libc::SYS_unlinkat, libc::SYS_faccessat, libc::SYS_newfstatat, libc::SYS_utimensat] {
            assert_eq!(of_path(number, [0; 6], false), [stale], "{number}");
        }
        let said = Said { base: "/".into(), path: "proc/1/stat".into(), follow: true };
        let look = call(libc::SYS_faccessat, [0; 6], Subject::Paths(vec![said]));
        assert_eq!(all(&look, Found::default()), [], "it is on no disk");
    }

    #[test]
    fn a_lock_that_is_waited_for() {
        let lock = |how: i32| call(libc::SYS_flock, [3, how as u64, 0, 0, 0, 0], Subject::Files(Vec::new()));
        let waits = Found { interrupts: Some(libc::SIGUSR1), ..Found::default() };
        assert_eq!(all(&lock(libc::LOCK_EX), waits), [("eintr", 0), ("estale", 0)]);
        assert_eq!(all(&lock(libc::LOCK_EX), Found::default()), [("estale", 0)]);
        assert_eq!(all(&lock(libc::LOCK_UN), Found::default()), []);
        let mut record = call(libc::SYS_fcntl, [3, libc::F_SETLK as u64, 0, 0, 0, 0], lock(0).subject);
        record.bytes = (libc::F_UNLCK as i16).to_ne_bytes().to_vec();
        assert_eq!(all(&record, Found::default()), []);
        record.bytes = (libc::F_WRLCK as i16).to_ne_bytes().to_vec();
        assert_eq!(all(&record, Found::default()), [("estale", 0)]);
    }

    #[test]
    fn to_say_that_one_is_inside_goes_well() {
        let said = Said { base: "/".into(), path: super::super::call::ENTER.into(), follow: true };
        let look = call(libc::SYS_faccessat, [0; 6], Subject::Paths(vec![said]));
        assert_eq!(all(&look, Found::default()), []);
    }

    #[test]
    fn what_there_is_before_a_call() {
        use super::super::call::Numbers;
        use super::super::place::Places;
        use std::collections::HashMap;
        use std::io::{Seek, SeekFrom};
        use std::os::fd::AsRawFd;
        let root = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(root.path()).unwrap();
        fs::write(root.join("file"), "0123456789").unwrap();
        let (mut places, mut numbers) = (Places::new([root.as_path()]).unwrap(), Numbers::default());
        let (tids, process) = (HashMap::new(), std::process::id() as i32);
        let stopped = Stopped::pretended(process);
        let mut found = |call: &Call| {
            let (places, numbers, tids) = (&mut places, &mut numbers, &tids);
            Found::of(&stopped, call, &mut View { places, numbers, tids, process })
        };
        let paths = |names: &[&str]| {
            let said = |name: &&str| Said { base: root.clone(), path: name.into(), follow: true };
            Subject::Paths(names.iter().map(said).collect())
        };
        let mut makes = |number, flags: i32, names: &[&str]| {
            let found = found(&call(number, [0, 0, flags as u64, 0, 0, 0], paths(names)));
            assert_eq!(found.is_held, names != ["/proc/1/stat"]);
            found.makes
        };
        assert!(!makes(libc::SYS_faccessat, 0, &["/proc/1/stat"]));
        assert!(makes(libc::SYS_openat, libc::O_CREAT, &["new"]));
        assert!(!makes(libc::SYS_openat, libc::O_CREAT, &["file"]));
        assert!(!makes(libc::SYS_openat, libc::O_RDWR, &["new"]));
        assert!(!makes(libc::SYS_openat, libc::O_CREAT, &["no/new"]), "ENOENT comes first");
        assert!(makes(libc::SYS_openat, libc::O_TMPFILE, &["."]));
        assert!(makes(libc::SYS_mkdirat, 0, &["new"]));
        assert!(makes(libc::SYS_renameat2, 0, &["file", "new"]));
        assert!(!makes(libc::SYS_renameat2, 0, &["file", "file"]));
        assert!(!makes(libc::SYS_linkat, 0, &["none", "new"]));
        let mut open = fs::File::open(root.join("file")).unwrap();
        open.seek(SeekFrom::Start(4)).unwrap();
        let fd = open.as_raw_fd() as u64;
        let files = Subject::Files(vec![(root.join("file"), (1, 2))]);
        let file = found(&call(libc::SYS_read, [fd, 0, 9, 0, 0, 0], files)).file.unwrap();
        assert_eq!((file.length, file.place, file.is_read(), file.is_written()), (10, 4, true, false));
        let vector = [[1_u64, 3], [1, 5]];
        let files = Subject::Files(vec![(root.join("file"), (1, 2))]);
        let read = call(libc::SYS_readv, [fd, vector.as_ptr() as u64, 2, 0, 0, 0], files);
        assert_eq!(found(&read).pieces, [3, 5]);
        let folder = fs::File::open(&root).unwrap();
        let files = Subject::Files(vec![(root.clone(), (1, 2))]);
        assert_eq!(found(&call(libc::SYS_read, [folder.as_raw_fd() as u64; 6], files)).file, None);
    }
}
