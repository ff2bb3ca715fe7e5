//! Every two calls, in both orders, for real: what cannot be told apart may be swapped, all else must be marked
//! dependent by what the engine says that the two touch. Schedulers go by it, and a proof stands on it.
//!
//! Two threads with descriptors of their own make the calls; to the kernel's files they are two processes. What a
//! call touches comes out of the engine itself, from the numbers in its registers on.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use super::call::life;
use super::clock::Clock;
use super::family::Family;
use super::place::{self, Places};
use super::readback::ReadBack;
use super::table::{Kind, Table};
use super::watch::Watch;
use crate::case::Faults;
use crate::interleave::lane;
use crate::stage::{Access, Object};
use crate::sys::puppet::{Numbers, Puppet};

/// A word of a call.
#[derive(Clone, Copy)]
enum Word {
    Is(u64),
    Text(&'static str),
    /// Memory that it reads or fills, from this byte on.
    Memory(usize),
}

use Word::{Is, Memory, Text};

/// What it leaves in memory.
#[derive(Clone, Copy, PartialEq)]
enum Fills {
    Nothing,
    Stat,
    Statx,
    Bytes,
    Names,
    Lock,
}

struct Op {
    name: String,
    number: i64,
    words: Vec<Word>,
    fills: Fills,
    /// What is in the memory before.
    memory: Vec<u8>,
    /// The secondary forms of a call are tried beside the main ones only.
    main: bool,
}

const HERE: u64 = libc::AT_FDCWD as u64;
/// Descriptors of each worker: the file `a`, another file that nobody changes, the folder.
const FILE: u64 = 3;
const OTHER: u64 = 4;
const FOLDER: u64 = 5;
const INNER: u64 = 6;
/// The ends of a pipe that has three bytes.
const PIPE: [u64; 2] = [7, 8];
/// A file that is not watched.
const AWAY: u64 = 9;
/// Where an iovec is, and where it points to.
const VECTOR: usize = 512;

fn ops() -> Vec<Op> {
    let mut ops = Vec::new();
    let mut add = |main, name: String, number, words: &[Word], fills, memory: &[u8]| {
        ops.push(Op { name, number, words: words.to_vec(), fills, memory: memory.to_vec(), main });
    };
    use Fills::*;
    let [create, excl, trunc] = [libc::O_CREAT, libc::O_EXCL, libc::O_TRUNC].map(|flag| flag as u64);
    let (write, both) = (libc::O_WRONLY as u64, libc::O_RDWR as u64);
    let nofollow = Is(libc::AT_SYMLINK_NOFOLLOW as u64);
    let times = |old: i64| [old, 0, old, 0].map(i64::to_ne_bytes).concat();
    for path in ["a", "b", "d/in"] {
        // Secondary forms are tried with one name.
        let mut add = |main: bool, name: String, number, words: &[Word], fills, memory: &[u8]| {
            let short = [
                "openat create d",
                "newfstatat d",
                "unlink d",
                "rename d",
                "link d",
                "rename a d",
                "link a d",
            ];
            if path == "a" || main && (path == "b" || short.iter().any(|short| name.starts_with(short))) {
                add(main, name, number, words, fills, memory);
            }
        };
        let at = Text(path);
        let named = |what: &str| format!("{what} {path}");
        for (main, what, flags) in [
            (true, "", 0),
            (true, " create", write | create),
            (true, " create new", write | create | excl),
            (true, " empty", write | trunc),
            (false, " create empty", both | create | trunc),
            (false, " not a link", libc::O_NOFOLLOW as u64),
        ] {
            let words = [Is(HERE), at, Is(flags), Is(0o644)];
            add(main, named(&format!("openat{what}")), libc::SYS_openat, &words, Nothing, &[]);
        }
        add(false, named("open"), libc::SYS_open, &[at, Is(create | write), Is(0o644)], Nothing, &[]);
        let how = [create | write, 0o644, 0].map(u64::to_ne_bytes).concat();
        add(false, named("openat2"), libc::SYS_openat2, &[Is(HERE), at, Memory(0), Is(24)], Nothing, &how);
        add(false, named("creat"), libc::SYS_creat, &[at, Is(0o644)], Nothing, &[]);
        add(true, named("newfstatat"), libc::SYS_newfstatat, &[Is(HERE), at, Memory(0), Is(0)], Stat, &[]);
        let words = [Is(HERE), at, Memory(0), nofollow];
        add(true, named("newfstatat itself"), libc::SYS_newfstatat, &words, Stat, &[]);
        add(false, named("statx"), libc::SYS_statx, &[Is(HERE), at, Is(0), Is(0xfff), Memory(0)], Statx, &[]);
        add(false, named("stat"), libc::SYS_stat, &[at, Memory(0)], Stat, &[]);
        add(false, named("lstat"), libc::SYS_lstat, &[at, Memory(0)], Stat, &[]);
        add(true, named("access"), libc::SYS_access, &[at, Is(0)], Nothing, &[]);
        add(false, named("faccessat"), libc::SYS_faccessat, &[Is(HERE), at, Is(0)], Nothing, &[]);
        add(false, named("faccessat2"), libc::SYS_faccessat2, &[Is(HERE), at, Is(0), nofollow], Nothing, &[]);
        add(true, named("readlink"), libc::SYS_readlink, &[at, Memory(0), Is(99)], Bytes, &[]);
        add(false, named("readlinkat"), libc::SYS_readlinkat, &[Is(HERE), at, Memory(0), Is(99)], Bytes, &[]);
        let words = [at, Text("user.x"), Memory(0), Is(99)];
        add(false, named("getxattr"), libc::SYS_getxattr, &words, Bytes, &[]);
        let words = [at, Text("user.x"), Text("1"), Is(1), Is(0)];
        add(true, named("setxattr"), libc::SYS_setxattr, &words, Nothing, &[]);
        add(true, named("mkdir"), libc::SYS_mkdir, &[at, Is(0o755)], Nothing, &[]);
        add(false, named("mkdirat"), libc::SYS_mkdirat, &[Is(HERE), at, Is(0o755)], Nothing, &[]);
        let node = Is(u64::from(libc::S_IFREG) | 0o644);
        add(false, named("mknod"), libc::SYS_mknod, &[at, node, Is(0)], Nothing, &[]);
        add(false, named("mknodat"), libc::SYS_mknodat, &[Is(HERE), at, node, Is(0)], Nothing, &[]);
        add(true, named("symlink b"), libc::SYS_symlink, &[Text("b"), at], Nothing, &[]);
        add(false, named("symlinkat b"), libc::SYS_symlinkat, &[Text("b"), Is(HERE), at], Nothing, &[]);
        add(true, named("unlink"), libc::SYS_unlink, &[at], Nothing, &[]);
        add(false, named("unlinkat"), libc::SYS_unlinkat, &[Is(HERE), at, Is(0)], Nothing, &[]);
        let folder = Is(libc::AT_REMOVEDIR as u64);
        add(false, named("unlinkat folder"), libc::SYS_unlinkat, &[Is(HERE), at, folder], Nothing, &[]);
        add(true, named("rmdir"), libc::SYS_rmdir, &[at], Nothing, &[]);
        add(true, named("chmod"), libc::SYS_chmod, &[at, Is(0o600)], Nothing, &[]);
        add(false, named("fchmodat"), libc::SYS_fchmodat, &[Is(HERE), at, Is(0o600)], Nothing, &[]);
        // What it is already: who may give files away differs. But it takes set-user-id away.
        add(false, named("chown"), libc::SYS_chown, &[at, Is(MAX), Is(MAX)], Nothing, &[]);
        add(false, named("lchown"), libc::SYS_lchown, &[at, Is(MAX), Is(MAX)], Nothing, &[]);
        let words = [Is(HERE), at, Is(MAX), Is(MAX), Is(0)];
        add(false, named("fchownat"), libc::SYS_fchownat, &words, Nothing, &[]);
        add(true, named("truncate"), libc::SYS_truncate, &[at, Is(1)], Nothing, &[]);
        let words = [Is(HERE), at, Memory(0), Is(0)];
        add(true, named("utimensat"), libc::SYS_utimensat, &words, Nothing, &times(1000));
        let short = [2000, 2000].map(i64::to_ne_bytes).concat();
        add(false, named("utime"), libc::SYS_utime, &[at, Memory(0)], Nothing, &short);
        add(false, named("utimes"), libc::SYS_utimes, &[at, Memory(0)], Nothing, &times(3000));
        let words = [Is(HERE), at, Memory(0)];
        add(false, named("futimesat"), libc::SYS_futimesat, &words, Nothing, &times(4000));
        for other in ["a", "b", "d/in"].into_iter().filter(|other| *other != path) {
            let named = |what: &str| format!("{what} {path} {other}");
            let to = Text(other);
            let four = |flags: u64| [Is(HERE), at, Is(HERE), to, Is(flags)];
            add(true, named("link"), libc::SYS_link, &[at, to], Nothing, &[]);
            add(false, named("linkat"), libc::SYS_linkat, &four(0), Nothing, &[]);
            let follow = libc::AT_SYMLINK_FOLLOW as u64;
            add(false, named("linkat followed"), libc::SYS_linkat, &four(follow), Nothing, &[]);
            add(true, named("rename"), libc::SYS_rename, &[at, to], Nothing, &[]);
            add(false, named("renameat"), libc::SYS_renameat, &four(0), Nothing, &[]);
            add(false, named("renameat2"), libc::SYS_renameat2, &four(0), Nothing, &[]);
            let flag = u64::from(libc::RENAME_NOREPLACE);
            add(false, named("renameat2 new"), libc::SYS_renameat2, &four(flag), Nothing, &[]);
            let flag = u64::from(libc::RENAME_EXCHANGE);
            add(true, named("renameat2 exchange"), libc::SYS_renameat2, &four(flag), Nothing, &[]);
        }
    }
    let words = [Is(HERE), Text("d"), Is(libc::O_TMPFILE as u64 | both), Is(0o600)];
    add(true, "openat without a name".to_owned(), libc::SYS_openat, &words, Nothing, &[]);
    add(
        true,
        "newfstatat d".to_owned(),
        libc::SYS_newfstatat,
        &[Is(HERE), Text("d"), Memory(0), Is(0)],
        Stat,
        &[],
    );
    let at = Text("d");
    add(false, "stat d".to_owned(), libc::SYS_stat, &[at, Memory(0)], Stat, &[]);
    add(false, "lstat d".to_owned(), libc::SYS_lstat, &[at, Memory(0)], Stat, &[]);
    let words = [Is(HERE), at, Is(0), Is(0xfff), Memory(0)];
    add(false, "statx d".to_owned(), libc::SYS_statx, &words, Statx, &[]);
    add(false, "rmdir d".to_owned(), libc::SYS_rmdir, &[at], Nothing, &[]);
    let words = [Is(HERE), at, Is(libc::AT_REMOVEDIR as u64)];
    add(false, "unlinkat d".to_owned(), libc::SYS_unlinkat, &words, Nothing, &[]);
    add(false, "rename d e".to_owned(), libc::SYS_rename, &[at, Text("e")], Nothing, &[]);
    add(false, "fstat of d".to_owned(), libc::SYS_fstat, &[Is(INNER), Memory(0)], Stat, &[]);
    let file = Is(FILE);
    let mut add = |main, name: &str, number, words: &[Word], fills, memory: &[u8]| {
        add(main, format!("{name} of the file"), number, words, fills, memory);
    };
    add(true, "read", libc::SYS_read, &[file, Memory(0), Is(9)], Bytes, &[]);
    add(false, "readv", libc::SYS_readv, &[file, Memory(VECTOR), Is(1)], Bytes, &[]);
    add(true, "pread64", libc::SYS_pread64, &[file, Memory(0), Is(9), Is(0)], Bytes, &[]);
    add(false, "preadv", libc::SYS_preadv, &[file, Memory(VECTOR), Is(1), Is(0)], Bytes, &[]);
    add(false, "preadv2", libc::SYS_preadv2, &[file, Memory(VECTOR), Is(1), Is(0), Is(0), Is(0)], Bytes, &[]);
    add(true, "write", libc::SYS_write, &[file, Text("w"), Is(1)], Nothing, &[]);
    add(false, "writev", libc::SYS_writev, &[file, Memory(VECTOR), Is(1)], Nothing, b"vector");
    add(false, "pwrite64", libc::SYS_pwrite64, &[file, Text("p"), Is(1), Is(1)], Nothing, &[]);
    add(false, "pwritev", libc::SYS_pwritev, &[file, Memory(VECTOR), Is(1), Is(1)], Nothing, b"x");
    let words = [file, Memory(VECTOR), Is(1), Is(1), Is(0), Is(0)];
    add(false, "pwritev2", libc::SYS_pwritev2, &words, Nothing, b"y");
    add(true, "ftruncate", libc::SYS_ftruncate, &[file, Is(1)], Nothing, &[]);
    add(false, "fallocate", libc::SYS_fallocate, &[file, Is(0), Is(0), Is(64)], Nothing, &[]);
    add(true, "fchmod", libc::SYS_fchmod, &[file, Is(0o640)], Nothing, &[]);
    add(false, "fchown", libc::SYS_fchown, &[file, Is(MAX), Is(MAX)], Nothing, &[]);
    add(false, "fsync", libc::SYS_fsync, &[file], Nothing, &[]);
    add(false, "fdatasync", libc::SYS_fdatasync, &[file], Nothing, &[]);
    add(false, "fstatfs", libc::SYS_fstatfs, &[file, Memory(0)], Nothing, &[]);
    add(true, "fstat", libc::SYS_fstat, &[file, Memory(0)], Stat, &[]);
    add(true, "getdents64", libc::SYS_getdents64, &[Is(FOLDER), Memory(0), Is(4000)], Names, &[]);
    add(false, "getdents", libc::SYS_getdents, &[Is(FOLDER), Memory(0), Is(4000)], Nothing, &[]);
    add(true, "lseek", libc::SYS_lseek, &[file, Is(0), Is(libc::SEEK_END as u64)], Nothing, &[]);
    add(true, "close", libc::SYS_close, &[file], Nothing, &[]);
    add(false, "close_range", libc::SYS_close_range, &[file, file, Is(0)], Nothing, &[]);
    add(false, "dup2", libc::SYS_dup2, &[Is(OTHER), file], Nothing, &[]);
    add(false, "dup3", libc::SYS_dup3, &[Is(OTHER), file, Is(0)], Nothing, &[]);
    add(false, "exit_group", libc::SYS_exit_group, &[Is(0)], Nothing, &[]);
    for (main, name, how) in [
        (true, "flock", libc::LOCK_EX),
        (true, "flock shared", libc::LOCK_SH),
        (true, "flock back", libc::LOCK_UN),
    ] {
        add(main, name, libc::SYS_flock, &[file, Is((how | libc::LOCK_NB) as u64)], Nothing, &[]);
    }
    for (main, name, command, kind, fills) in [
        (true, "fcntl", libc::F_SETLK, libc::F_WRLCK, Nothing),
        (false, "fcntl shared", libc::F_SETLK, libc::F_RDLCK, Nothing),
        (true, "fcntl back", libc::F_SETLK, libc::F_UNLCK, Nothing),
        (false, "fcntl look", libc::F_GETLK, libc::F_WRLCK, Lock),
        (true, "fcntl open", libc::F_OFD_SETLK, libc::F_WRLCK, Nothing),
        (false, "fcntl open back", libc::F_OFD_SETLK, libc::F_UNLCK, Nothing),
        (false, "fcntl open look", libc::F_OFD_GETLK, libc::F_WRLCK, Lock),
    ] {
        let mut lock = vec![0; 32];
        lock[..2].copy_from_slice(&(kind as i16).to_ne_bytes());
        add(main, name, libc::SYS_fcntl, &[file, Is(command as u64), Memory(0)], fills, &lock);
    }
    let words = [Is(0), Is(4096), Is(libc::PROT_READ as u64), Is(libc::MAP_SHARED as u64), file, Is(0)];
    add(false, "mmap", libc::SYS_mmap, &words, Nothing, &[]);
    add(true, "sendfile to", libc::SYS_sendfile, &[file, Is(OTHER), Is(0), Is(3)], Nothing, &[]);
    add(false, "sendfile from", libc::SYS_sendfile, &[Is(OTHER), file, Is(0), Is(3)], Nothing, &[]);
    let words = [Is(OTHER), Is(0), file, Is(0), Is(3), Is(0)];
    let from = [file, Is(0), Is(OTHER), Is(0), Is(3), Is(0)];
    add(false, "copy_file_range from", libc::SYS_copy_file_range, &from, Nothing, &[]);
    add(false, "copy_file_range to", libc::SYS_copy_file_range, &words, Nothing, &[]);
    add(false, "sendfile from away", libc::SYS_sendfile, &[file, Is(AWAY), Is(0), Is(3)], Nothing, &[]);
    let [from, to] = PIPE.map(Is);
    add(false, "splice from", libc::SYS_splice, &[file, Is(0), to, Is(0), Is(3), Is(0)], Nothing, &[]);
    add(false, "splice to", libc::SYS_splice, &[from, Is(0), file, Is(0), Is(3), Is(0)], Nothing, &[]);
    let words = [file, Is(0), Is(64), Is(u64::from(libc::SYNC_FILE_RANGE_WRITE))];
    add(false, "sync_file_range", libc::SYS_sync_file_range, &words, Nothing, &[]);
    ops
}

const MAX: u64 = u64::MAX;

/// What there is at the beginning, by name, and how it comes there.
type Beginning = (&'static str, fn(&Path));

const BEGINNINGS: [Beginning; 9] = [
    ("nothing", |_| {}),
    ("a file", |at| put(at, "a")),
    ("a file of two names", |at| {
        put(at, "a");
        fs::hard_link(at.join("a"), at.join("b")).unwrap();
    }),
    ("two files", |at| ["a", "b", "d/in"].into_iter().for_each(|name| put(at, name))),
    ("a link to a file", |at| {
        put(at, "b");
        std::os::unix::fs::symlink("b", at.join("a")).unwrap();
    }),
    ("a folder and a link to it", |at| {
        fs::create_dir(at.join("a")).unwrap();
        std::os::unix::fs::symlink("a", at.join("b")).unwrap();
    }),
    (FLOCK, |at| put(at, "a")),
    (FCNTL, |at| put(at, "a")),
    (OPEN, |at| put(at, "a")),
];

/// Worker 1 has a lock on the file.
const FLOCK: &str = "a file with a flock";
const FCNTL: &str = "a file with a lock of the process";
const OPEN: &str = "a file with a lock of the open file";

fn put(folder: &Path, name: &str) {
    fs::write(folder.join(name), "xyz").unwrap();
    fs::set_permissions(folder.join(name), PermissionsExt::from_mode(0o4755)).unwrap();
}

/// The folder at its beginning, and the two workers in it.
struct World<'a> {
    rig: &'a Rig,
    folder: tempfile::TempDir,
    root: PathBuf,
    /// The inodes that were there, in one order.
    inodes: Vec<(u64, u64)>,
    /// The lock of worker 1.
    lock: Option<Kind>,
}

/// What all worlds share.
struct Rig {
    workers: [Puppet; 2],
    memory: [Vec<AtomicU8>; 2],
    table: Table,
    watch: Watch,
    exact: bool,
    locks: [usize; 3],
    ops: Vec<Op>,
}

impl Rig {
    fn new(exact: bool) -> Self {
        let ops = ops();
        let place = |name: &str| ops.iter().position(|op| op.name == format!("{name} of the file")).unwrap();
        let memory = || (0..4096).map(|_| AtomicU8::new(0)).collect();
        Rig {
            workers: [Puppet::new(), Puppet::new()],
            memory: [memory(), memory()],
            table: Table::new(exact),
            watch: Watch::new(Duration::from_secs(60), Arc::default()),
            exact,
            locks: [place("flock"), place("fcntl"), place("fcntl open")],
            ops,
        }
    }

    /// The call in numbers, with its memory made ready.
    fn numbers(&self, worker: usize, op: &Op) -> Numbers {
        let memory = &self.memory[worker];
        let start = memory.as_ptr() as u64;
        let vector = [start + 16, 4].map(u64::to_ne_bytes).concat();
        let fill = |from: usize, bytes: &mut dyn Iterator<Item = u8>| {
            memory[from..].iter().zip(bytes).for_each(|(at, byte)| at.store(byte, Ordering::Relaxed));
        };
        fill(0, &mut op.memory.iter().copied().chain(std::iter::repeat_n(0, 256 - op.memory.len())));
        fill(VECTOR, &mut vector.into_iter());
        let mut words = [0; 6];
        for (word, said) in words.iter_mut().zip(&op.words) {
            *word = match *said {
                Is(number) => number,
                Memory(from) => start + from as u64,
                Text(text) => texts(text),
            };
        }
        (op.number, words)
    }
}

/// The address of a text that stays, with a zero behind it.
fn texts(text: &'static str) -> u64 {
    use std::sync::{Mutex, PoisonError};
    static ALL: Mutex<BTreeMap<&str, std::ffi::CString>> = Mutex::new(BTreeMap::new());
    let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
    all.entry(text).or_insert_with(|| std::ffi::CString::new(text).unwrap()).as_ptr() as u64
}

impl<'a> World<'a> {
    fn new(rig: &'a Rig, (name, make): Beginning) -> Self {
        let memory = Path::new("/dev/shm");
        let parent = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let folder = tempfile::Builder::new().prefix("lockfuzz-test-").tempdir_in(parent).unwrap();
        let root = fs::canonicalize(folder.path()).unwrap();
        fs::create_dir(root.join("d")).unwrap();
        fs::write(root.join("o"), "other").unwrap();
        make(&root);
        let path = root.to_str().unwrap().to_owned();
        let path = std::ffi::CString::new(path).unwrap();
        let close = (libc::SYS_close_range, [3, u64::from(u32::MAX), 0, 0, 0, 0]);
        for (worker, memory) in rig.workers.iter().zip(&rig.memory) {
            worker.make(close);
            assert_eq!(worker.make((libc::SYS_chdir, [path.as_ptr() as u64, 0, 0, 0, 0, 0])), 0);
            let open = |text, flags: i32| {
                worker.make((libc::SYS_openat, [HERE, texts(text), flags as u64, 0, 0, 0])) as u64
            };
            let file = if root.join("a").is_file() { "a" } else { "o" };
            assert_eq!(open(file, libc::O_RDWR), FILE);
            assert_eq!(open("o", libc::O_RDWR), OTHER);
            assert_eq!(open(".", libc::O_RDONLY), FOLDER);
            assert_eq!(open("d", libc::O_RDONLY), INNER);
            let pipe = [memory.as_ptr() as u64, libc::O_NONBLOCK as u64, 0, 0, 0, 0];
            assert_eq!(worker.make((libc::SYS_pipe2, pipe)), 0);
            assert_eq!(worker.make((libc::SYS_write, [PIPE[1], texts("pip"), 3, 0, 0, 0])), 3);
            assert_eq!(open("/proc/self/exe", libc::O_RDONLY), AWAY);
        }
        let inodes =
            ["", "a", "b", "d", "d/in", "o"].iter().filter_map(|name| place::inode(&root.join(name)));
        let mut world = World { rig, folder, inodes: inodes.collect(), root, lock: None };
        for (which, holder) in [FLOCK, FCNTL, OPEN].iter().enumerate() {
            if *holder == name {
                let op = &rig.ops[rig.locks[which]];
                assert_eq!(rig.workers[0].make(rig.numbers(0, op)), 0);
                world.lock = Some(if which == 0 { Kind::Flock } else { Kind::Fcntl });
            }
        }
        world
    }

    /// What the engine says that this call of this worker would touch; none where it is not held at it.
    fn touches(&self, worker: usize, op: &Op) -> Option<Vec<Access>> {
        self.touches_with(worker, op, None)
    }

    /// The same where this process is worker 2's as well.
    fn touches_with(&self, worker: usize, op: &Op, child: Option<i32>) -> Option<Vec<Access>> {
        let rig = self.rig;
        let places = Places::new([self.root.as_path()]).unwrap();
        let clock = Clock::new(0, (0, 0), Duration::ZERO);
        let reads = ReadBack::new(None, &self.root);
        let mut family = Family::new((&rig.table, &rig.watch), places, clock, Faults::NONE, reads);
        // The puppets go from one folder to the next.
        (family.exact, family.moved) = (rig.exact, true);
        for &inode in &self.inodes {
            family.numbers.content(inode);
        }
        for (nth, puppet) in rig.workers.iter().enumerate() {
            family.welcome(nth as u32 + 1, puppet.tid);
            let opened = [FILE, OTHER].map(|fd| place::descriptor_inode(puppet.tid, fd as i32));
            let process = family.processes.get_mut(&puppet.tid).unwrap();
            process.opened = opened.into_iter().flatten().collect();
        }
        family.tids.extend(child.map(|pid| (pid, 2)));
        if let (Some(kind), Some(inode)) =
            (self.lock, place::descriptor_inode(rig.workers[0].tid, FILE as i32))
        {
            family.locks.note(1, inode, kind);
        }
        let (stopped, registers) = rig.workers[worker].before(rig.numbers(worker, op));
        // Where it is no point, the engine fails to let it go on.
        let _ = family.on_call_of(stopped, registers);
        let options = family.options();
        let one = options.into_iter().find(|(_, one)| lane::owner(one.worker) == worker as u32 + 1);
        one.map(|(_, one)| one.next)
    }

    /// Makes the call: what came of it.
    fn make(&self, worker: usize, op: &Op) -> String {
        let rig = self.rig;
        let (call, words) = rig.numbers(worker, op);
        if call == libc::SYS_exit_group {
            // What becomes of its files then.
            rig.workers[worker].make((libc::SYS_close_range, [3, u64::from(u32::MAX), 0, 0, 0, 0]));
            return String::new();
        }
        let result = rig.workers[worker].make((call, words));
        if call == libc::SYS_mmap && result > 0 {
            rig.workers[worker].make((libc::SYS_munmap, [result as u64, 4096, 0, 0, 0, 0]));
            return "mapped".to_owned();
        }
        let bytes: Vec<u8> = rig.memory[worker].iter().map(|byte| byte.load(Ordering::Relaxed)).collect();
        let number = |at: usize, size: usize| {
            bytes[at..at + size].iter().rev().fold(0_u64, |all, &byte| all << 8 | u64::from(byte))
        };
        let attributes = |inode, mode, links, size, modified| {
            let known = self.inodes.iter().position(|&(_, known)| known == inode);
            format!("{known:?} {mode:o} {links} {size} {}", when(modified))
        };
        let filled = match op.fills {
            _ if result < 0 => String::new(),
            Fills::Stat => {
                attributes(number(8, 8), number(24, 4), number(16, 8), number(48, 8), number(88, 8))
            }
            Fills::Statx => {
                attributes(number(32, 8), number(28, 2), number(16, 4), number(40, 8), number(112, 8))
            }
            Fills::Bytes if op.words.iter().any(|word| matches!(word, Memory(VECTOR))) => {
                format!("{:?}", &bytes[16..20])
            }
            Fills::Bytes => format!("{:?}", &bytes[..result as usize]),
            Fills::Lock => number(0, 2).to_string(),
            Fills::Names => {
                let (mut names, mut at) = (BTreeSet::new(), 0);
                while at < result as usize {
                    let name = bytes[at + 19..].split(|&byte| byte == 0).next().unwrap();
                    names.insert(String::from_utf8_lossy(name).into_owned());
                    at += number(at + 16, 2) as usize;
                }
                return format!("{names:?}");
            }
            Fills::Nothing => String::new(),
        };
        format!("{result} {filled}")
    }

    /// What somebody who comes afterwards could see.
    fn look(&self) -> Vec<String> {
        let mut seen = Vec::new();
        let mut names: BTreeMap<u64, &str> = BTreeMap::new();
        let mut opened = Vec::new();
        for name in ["a", "b", "d", "e", "a/in", "d/in", "e/in", "o"] {
            let path = self.root.join(name);
            let Ok(at) = fs::symlink_metadata(&path) else { continue };
            let first = *names.entry(at.ino()).or_insert(name);
            let content = match () {
                () if at.is_symlink() => format!("{:?}", fs::read_link(&path)),
                () if at.is_dir() => "folder".to_owned(),
                () => format!("{:?}", fs::read(&path).unwrap()),
            };
            let size = if at.is_dir() { 0 } else { at.len() };
            let extra = {
                let mut value = [0; 9];
                rustix::fs::lgetxattr(&path, c"user.x", &mut value[..]).map_or(0, |length| length)
            };
            seen.push(format!(
                "{name} as {first}: {content} {:o} {} {size} {} {extra}",
                at.mode(),
                at.nlink(),
                when(at.mtime() as u64)
            ));
        }
        seen.push(when(fs::metadata(&self.root).unwrap().mtime() as u64).to_owned());
        for worker in &self.rig.workers {
            for fd in FILE..9 {
                let through = format!("/proc/{}/fd/{fd}", worker.tid);
                let Ok(at) = fs::metadata(&through) else { continue };
                let offset = worker.make((libc::SYS_lseek, [fd, 0, libc::SEEK_CUR as u64, 0, 0, 0]));
                let known = self.inodes.contains(&(at.dev(), at.ino()));
                let mut text = format!("{fd} at {offset}, {} B, {} links, {known}", at.len(), at.nlink());
                if at.is_file()
                    && let Ok(probe) = fs::File::options().read(true).write(true).open(&through)
                {
                    let open = crate::sys::ofd::try_lock(probe.as_fd()).is_ok();
                    let shared = probe.try_lock_shared().is_ok();
                    let exclusive = probe.try_lock().is_ok();
                    text += &format!(", {open} {shared} {exclusive}");
                    // Closing it would give up nothing of theirs, but it may have a lock now.
                    let _ = probe.unlock();
                    let _ = crate::sys::ofd::unlock(probe.as_fd());
                    opened.push(probe);
                }
                seen.push(text);
            }
        }
        let _ = &self.folder;
        seen
    }
}

/// Times that somebody has set, and those of now.
fn when(modified: u64) -> &'static str {
    match modified {
        1000 => "1000",
        2000 => "2000",
        3000 => "3000",
        4000 => "4000",
        _ => "now",
    }
}

/// Two calls in one beginning, the first by worker 1 and the other by worker 2.
struct Pair {
    beginning: usize,
    ops: [usize; 2],
    touches: [Option<Vec<Access>>; 2],
}

impl Pair {
    fn is_dependent(&self) -> bool {
        depend(&self.touches[0], &self.touches[1])
    }

    /// Can somebody tell which came first? And would one touch something else after the other?
    fn run(&self, rig: &Rig) -> (bool, bool) {
        let ops = self.ops.map(|op| &rig.ops[op]);
        let run = |now: usize| {
            let later = 1 - now;
            let world = World::new(rig, BEGINNINGS[self.beginning]);
            let mut came = [String::new(), String::new()];
            came[now] = world.make(now, ops[now]);
            let moved = !self.is_dependent() && world.touches(later, ops[later]) != self.touches[later];
            came[later] = world.make(later, ops[later]);
            (came, world.look(), moved)
        };
        let (came, after, moved) = run(0);
        let (other_came, other_after, moved_too) = run(1);
        ((came, after) != (other_came, other_after), moved || moved_too)
    }

    fn shown(&self, rig: &Rig) -> String {
        let [one, two] = self.ops.map(|op| &rig.ops[op].name);
        format!("{}: {one} / {two}", BEGINNINGS[self.beginning].0)
    }
}

fn depend(one: &Option<Vec<Access>>, two: &Option<Vec<Access>>) -> bool {
    let (Some(one), Some(two)) = (one, two) else { return false };
    one.is_empty() || two.is_empty() || one.iter().any(|one| two.iter().any(|two| one.depends_on(*two)))
}

/// The pairs to be tried. Two calls of which neither changes anything, each alone, need not be.
fn pairs(rig: &Rig) -> Vec<Pair> {
    let mut all = Vec::new();
    for (nth, &beginning) in BEGINNINGS.iter().enumerate() {
        let locked = [FLOCK, FCNTL, OPEN].contains(&beginning.0);
        // What concerns names is tried without locks.
        let concerned = |op: &Op| !locked || op.name.ends_with("of the file");
        let chosen: Vec<usize> = (0..rig.ops.len()).filter(|&op| concerned(&rig.ops[op])).collect();
        let alone = |worker: usize| -> Vec<_> {
            let one = |&op: &usize| {
                let world = World::new(rig, beginning);
                let (touches, before) = (world.touches(worker, &rig.ops[op]), world.look());
                world.make(worker, &rig.ops[op]);
                (op, touches, world.look() != before)
            };
            chosen.iter().map(one).collect()
        };
        let (first, then) = (alone(0), alone(1));
        for (one, touched, acts) in &first {
            for (two, other, acts_too) in &then {
                let [a, b] = [&rig.ops[*one], &rig.ops[*two]];
                let tried = a.main && b.main || a.witness() || b.witness();
                // Without locks the two workers are alike.
                if (*acts || *acts_too) && tried && (locked || one <= two) {
                    let touches = [touched.clone(), other.clone()];
                    all.push(Pair { beginning: nth, ops: [*one, *two], touches });
                }
            }
        }
    }
    all
}

impl Op {
    /// Is it tried beside the secondary forms as well? One of each kind of thing that can be told.
    fn witness(&self) -> bool {
        const ALL: [&str; 17] = [
            "openat create d/in",
            "fstat of d",
            "truncate a",
            "openat create a",
            "newfstatat a",
            "newfstatat b",
            "newfstatat d",
            "readlink a",
            "mkdir b",
            "unlink a",
            "rename a b",
            "chmod a",
            "setxattr a",
            "fstat of the file",
            "getdents64 of the file",
            "pread64 of the file",
            "flock of the file",
        ];
        ALL.contains(&self.name.as_str()) || self.name == "fcntl open of the file"
    }
}

#[test]
fn whatever_can_be_told_apart_is_dependent() {
    try_pairs(8);
}

/// All of them, for half a minute.
#[test]
#[ignore = "long"]
fn whatever_can_be_told_apart_is_dependent_in_every_pair() {
    try_pairs(1);
}

/// Every so many of the pairs: others for another `PROPTEST_RNG_SEED`.
fn try_pairs(every: usize) {
    let seed = std::env::var("PROPTEST_RNG_SEED").map_or(0, |text| text.parse().unwrap_or(0));
    for exact in [false, true] {
        let rig = Rig::new(exact);
        let mut independent: Vec<_> = pairs(&rig).into_iter().filter(|pair| !pair.is_dependent()).collect();
        if exact {
            // What differs there is when locks are given back.
            independent.retain(|pair| BEGINNINGS[pair.beginning].0.starts_with("a file with"));
        }
        let some = independent.iter().skip(seed % every).step_by(every);
        let wrong = some.filter_map(|pair| match pair.run(&rig) {
            (false, false) => None,
            (true, _) => Some(format!("{}: tells the order", pair.shown(&rig))),
            (_, true) => Some(format!("{}: touches something else afterwards", pair.shown(&rig))),
        });
        assert_eq!(wrong.collect::<Vec<_>>(), [""; 0]);
        // Otherwise everything could be dependent, and nothing was tried.
        assert!(independent.len() > if exact { 300 } else { 3000 }, "{}", independent.len());
    }
}

/// Entries that are there though nothing of what is tried here would miss them: who is allowed to open a file
/// depends on its mode, but root always is; what is on the disk, and how full that is, is not looked at; the text of a
/// link never changes; a folder is not removed by unlink, and what else concerns one that is removed goes by its names.
const SPARE: [&str; 14] = [
    "sync_file_range looks at an inode",
    "rmdir changes an inode",
    "open looks at an inode",
    "access looks at an inode",
    "fsync looks at an inode",
    "fdatasync looks at an inode",
    "unlink changes all names",
    "readlink looks at an inode",
    "fstatfs looks at an inode",
    "openat looks at an inode",
    "readlinkat looks at an inode",
    "faccessat looks at an inode",
    "openat2 looks at an inode",
    "faccessat2 looks at an inode",
];

/// What each call says that it touches is needed: without it, two are not marked dependent whose order can be told.
#[test]
fn each_entry_of_the_table_is_needed() {
    let rig = Rig::new(false);
    let pairs = pairs(&rig);
    let labels = labels();
    let entry = |number: i64, access: &Access| {
        let label = labels.get(&access.object()).copied().unwrap_or("?");
        let does = if matches!(access, Access::Change(_)) { "changes" } else { "looks at" };
        (number, does, label)
    };
    let numbers = |pair: &Pair| pair.ops.map(|op| rig.ops[op].number);
    let mut entries = BTreeSet::new();
    for pair in &pairs {
        for (number, touches) in numbers(pair).into_iter().zip(&pair.touches) {
            entries.extend(touches.iter().flatten().map(|access| entry(number, access)));
        }
    }
    let mut spare = Vec::new();
    for forgotten in entries {
        let without = |number: i64, touches: &Option<Vec<Access>>| {
            let mut touches = touches.clone()?;
            if !touches.is_empty() {
                touches.retain(|access| entry(number, access) != forgotten);
                // Nothing at all would stand for anything.
                touches.push(Access::Look(Object::memory("nothing")));
            }
            Some(touches)
        };
        let needed = pairs.iter().any(|pair| {
            let [one, two] = numbers(pair);
            pair.is_dependent()
                && (one == forgotten.0 || two == forgotten.0)
                && !depend(&without(one, &pair.touches[0]), &without(two, &pair.touches[1]))
                && pair.run(&rig).0
        });
        let label = forgotten.2;
        if !needed && label != "a life" {
            let (number, does, _) = forgotten;
            spare.push(format!("{} {does} {label}", rig.table.of(number).unwrap().0));
        }
    }
    spare.retain(|entry| !SPARE.contains(&entry.as_str()));
    assert_eq!(spare, [""; 0]);
}

/// What objects are called here.
fn labels() -> BTreeMap<Object, &'static str> {
    let names =
        [".", "a", "b", "d", "e", "d/in", "a/in", "o"].map(|name| (Object::name(Path::new(name)), "a name"));
    let numbered = (0..16).flat_map(|nth| {
        [
            (Object::inode(0, nth), "an inode"),
            (Object::memory(&format!("locks {nth}")), "locks"),
            (Object::memory(&format!("names {nth}")), "all names"),
        ]
    });
    let lives = [1, 2].map(|worker| (life(worker), "a life"));
    names.into_iter().chain(numbered).chain(lives).collect()
}

/// What is about workers has a test of its own, and these are about sockets.
const ELSEWHERE: [&str; 8] =
    ["recvfrom", "recvmsg", "accept", "accept4", "kill", "tkill", "tgkill", "pidfd_open"];

/// An entry that is taken out of the table is missed here, and one that is put in must be tried.
#[test]
fn each_call_of_the_table_is_tried() {
    let table = Table::new(false);
    let ops = ops();
    assert!(ops.iter().all(|op| table.of(op.number).is_some()));
    let about_files = |kind: Kind| {
        use Kind::*;
        !matches!(
            kind,
            Clock(_) | Sleep { .. } | Wait(_) | Futex | Chance | Timer(_) | Refused | Handler | Control
        )
    };
    let untried = table.held().filter_map(|number| {
        let (name, kind) = table.of(number)?;
        let tried = ops.iter().any(|op| op.number == number) || ELSEWHERE.contains(&name);
        (about_files(kind) && !tried).then_some(name)
    });
    assert_eq!(untried.collect::<Vec<_>>(), [""; 0]);
}

/// The end of a process changes what whoever looks at it is told.
#[test]
fn looking_at_a_process_depends_on_its_end() {
    let rig = Rig::new(false);
    let mut child = std::process::Command::new("cat").stdin(std::process::Stdio::piped()).spawn().unwrap();
    let pid = child.id() as u64;
    let world = World::new(&rig, BEGINNINGS[0]);
    let exit = rig.ops.iter().find(|op| op.number == libc::SYS_exit_group).unwrap();
    let end = world.touches(1, exit);
    let path: &'static str = format!("/proc/{pid}/stat").leak();
    let looks = [
        (libc::SYS_kill, vec![Is(pid), Is(0)]),
        (libc::SYS_pidfd_open, vec![Is(pid), Is(0)]),
        (libc::SYS_access, vec![Text(path), Is(0)]),
    ];
    let looks = looks.map(|(number, words)| Op {
        name: String::new(),
        number,
        words,
        fills: Fills::Nothing,
        memory: Vec::new(),
        main: false,
    });
    let touches: Vec<_> = looks.iter().map(|op| world.touches_with(0, op, Some(pid as i32))).collect();
    let before = looks.each_ref().map(|op| world.make(0, op).starts_with('-'));
    child.kill().unwrap();
    child.wait().unwrap();
    let after = looks.each_ref().map(|op| world.make(0, op).starts_with('-'));
    assert_eq!((before, after), ([false; 3], [true; 3]));
    for touches in touches {
        assert!(touches.is_some() && depend(&touches, &end), "{touches:?} {end:?}");
    }
}
