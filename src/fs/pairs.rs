//! Every two calls, in both orders, for real: what cannot be told apart may be swapped, all else must be
//! marked dependent by what the two say they touch. A search that leaves something out stands on this.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;

use super::*;
use crate::stage::{Access, Object, Stage, enter};

/// A folder with two handles of the file `a` in it, if that is one.
struct World {
    folder: tempfile::TempDir,
    handles: [Option<File>; 2],
    /// What the calls have opened. Closing it would be a step of its own.
    opened: Vec<File>,
    /// The inodes that were there at the beginning, by number.
    inodes: Rc<RefCell<Vec<(u64, u64)>>>,
}

/// What there is at the beginning, by name, and how it comes there.
type Beginning = (&'static str, fn(&World));

const BEGINNINGS: [Beginning; 11] = [
    ("nothing", |_| {}),
    ("a file", |world| world.put("a", "xy")),
    ("a file of two names", |world| {
        world.put("a", "xy");
        std::fs::hard_link(world.at("a"), world.at("b")).unwrap();
    }),
    ("two files", |world| {
        world.put("a", "xy");
        world.put("b", "");
    }),
    ("a link to nowhere", |world| std::os::unix::fs::symlink("none", world.at("a")).unwrap()),
    ("a link to a file", |world| {
        world.put("b", "xy");
        std::os::unix::fs::symlink("b", world.at("a")).unwrap();
    }),
    ("an empty folder", |world| std::fs::create_dir(world.at("a")).unwrap()),
    ("a folder and a file", |world| {
        std::fs::create_dir(world.at("a")).unwrap();
        world.put("a/in", "xy");
        world.put("b", "");
    }),
    ("a link to a folder", |world| {
        std::fs::create_dir(world.at("b")).unwrap();
        std::os::unix::fs::symlink("b", world.at("a")).unwrap();
    }),
    ("a file with a lock", |world| {
        world.put("a", "xy");
    }),
    ("a file with a shared lock", |world| {
        world.put("a", "xy");
    }),
];

impl World {
    fn new(beginning: usize) -> World {
        let memory = Path::new("/dev/shm");
        let parent = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let folder = tempfile::Builder::new().prefix("lockfuzz-test-").tempdir_in(parent).unwrap();
        let mut world = World { folder, handles: [None, None], opened: Vec::new(), inodes: Rc::default() };
        let (name, make) = BEGINNINGS[beginning];
        make(&world);
        if std::fs::symlink_metadata(world.at("a")).is_ok_and(|at| at.is_file()) {
            let open = || File::options().read(true).write(true).open(world.at("a")).unwrap();
            world.handles = [Some(open()), Some(open())];
            match name {
                "a file with a lock" => world.handle(0).try_lock().unwrap(),
                "a file with a shared lock" => world.handle(0).try_lock_shared().unwrap(),
                _ => {}
            }
        }
        for path in ["", "a", "b", "a/in"] {
            if let Ok(at) = std::fs::symlink_metadata(world.at(path)) {
                world.number(at.dev(), at.ino());
            }
        }
        world
    }

    fn at(&self, path: &str) -> PathBuf {
        if path.is_empty() { self.folder.path().to_owned() } else { self.folder.path().join(path) }
    }

    fn put(&self, path: &str, content: &str) {
        std::fs::write(self.at(path), content).unwrap();
    }

    fn handle(&self, nth: usize) -> &File {
        self.handles[nth].as_ref().unwrap()
    }

    fn number(&self, device: u64, inode: u64) -> u64 {
        number(&self.inodes, device, inode)
    }

    /// What somebody who comes afterwards could see.
    fn look(&self) -> BTreeMap<String, String> {
        let mut seen = BTreeMap::new();
        let mut names: BTreeMap<(u64, u64), String> = BTreeMap::new();
        // Closing any of them gives up the record locks, so they stay open until all is seen.
        let mut others = Vec::new();
        let mut opened = Vec::new();
        for path in ["a", "b", "a/in", "b/in"] {
            let Ok(at) = std::fs::symlink_metadata(self.at(path)) else { continue };
            let first = names.entry((at.dev(), at.ino())).or_insert_with(|| path.to_owned()).clone();
            let content = match () {
                () if at.is_symlink() => format!("{:?}", std::fs::read_link(self.at(path))),
                () if at.is_dir() => "folder".to_owned(),
                () => format!("{:?}", std::fs::read(self.at(path)).unwrap()),
            };
            // A folder's links are its folders; its listing is here anyway.
            seen.insert(path.to_owned(), format!("{content}, {} links, as {first}", at.nlink()));
        }
        let handles = self.handles.iter().enumerate().filter_map(|(nth, file)| Some((nth, file.as_ref()?)));
        for (nth, file) in handles.chain(self.opened.iter().enumerate().map(|(nth, file)| (nth + 2, file))) {
            let mut plain: &std::fs::File = file.file();
            let at = plain.metadata().unwrap();
            let position = plain.stream_position().unwrap_or(0);
            let through = format!("/proc/self/fd/{}", plain.as_raw_fd());
            let locks = std::fs::File::options().read(true).write(true).open(through).map(|other| {
                let ofd = crate::sys::ofd::try_lock(std::os::fd::AsFd::as_fd(&other)).is_ok();
                let shared = other.try_lock_shared().is_ok();
                let exclusive = other.try_lock().is_ok();
                others.push(other);
                (ofd, shared, exclusive)
            });
            let words = format!("at {position}, {} B, {} links, {:?}", at.len(), at.nlink(), locks.ok());
            if nth < 2 {
                seen.insert(format!("handle {nth}"), words);
            } else {
                opened.push(words);
            }
        }
        opened.sort();
        seen.insert("opened".to_owned(), opened.join("; "));
        seen
    }
}

fn number(inodes: &RefCell<Vec<(u64, u64)>>, device: u64, inode: u64) -> u64 {
    let mut inodes = inodes.borrow_mut();
    let known = inodes.iter().position(|known| *known == (device, inode));
    known.unwrap_or_else(|| {
        inodes.push((device, inode));
        inodes.len() - 1
    }) as u64
}

/// Numbers inodes as the world does, and leaves a call at its point, with what it would touch.
struct Peek {
    inodes: Rc<RefCell<Vec<(u64, u64)>>>,
    next: RefCell<Option<Vec<Access>>>,
}

impl Stage for Peek {
    fn point(&self, next: &dyn Fn() -> Vec<Access>) {
        let next = next();
        *self.next.borrow_mut() = Some(next);
        resume_unwind(Box::new("seen enough"));
    }
    fn note(&self, _: fmt::Arguments<'_>) {}
    fn changed(&self) {}
    fn block(&self) {}
    fn now(&self) -> std::time::SystemTime {
        crate::time::at(std::time::Duration::ZERO)
    }
    fn sleep(&self, _: std::time::Duration) {}
    fn due(&self, _: std::time::SystemTime) {}
    fn sight(&self, device: u64, inode: u64) -> u64 {
        number(&self.inodes, device, inode)
    }
}

type Call = Box<dyn Fn(&mut World) -> String>;

struct Op {
    name: String,
    call: Call,
}

impl Op {
    /// What it would touch now. The world is of no use afterwards.
    fn peek(&self, world: &mut World) -> Vec<Access> {
        let peek = Rc::new(Peek { inodes: Rc::clone(&world.inodes), next: RefCell::default() });
        enter(Some(peek.clone()));
        let _ = catch_unwind(AssertUnwindSafe(|| (self.call)(world)));
        enter(None);
        peek.next.take().unwrap_or_else(|| panic!("{} has no point", self.name))
    }
}

fn ended<T>(result: io::Result<T>, show: impl FnOnce(T) -> String) -> String {
    result.map_or_else(|why| format!("{:?}", why.kind()), show)
}

fn locked(result: Result<(), std::fs::TryLockError>) -> String {
    format!("{result:?}")
}

fn shown(world: &World, at: &Metadata) -> String {
    let old = world.inodes.borrow().iter().position(|known| *known == (at.dev(), at.ino()));
    // The length of a folder is the file system's affair.
    let length = if at.is_dir() { 0 } else { at.len() };
    format!("{:?}, {length} B, {} links, {old:?}", at.file_type(), at.nlink())
}

fn keep(world: &mut World, file: io::Result<File>) -> String {
    ended(file, |file| {
        world.opened.push(file);
        "ok".to_owned()
    })
}

/// All functions of this module, on all names; with the handles, if there are any.
fn ops(with_handles: bool) -> Vec<Op> {
    let mut ops: Vec<Op> = Vec::new();
    let mut add = |name: String, call: Call| ops.push(Op { name, call });
    macro_rules! add {
        ($name:expr, |$world:ident| $act:expr) => {
            add($name.to_string(), Box::new(move |$world: &mut World| $act))
        };
    }
    for path in ["a", "b", "a/in"] {
        add!(format!("exists {path}"), |w| ended(exists(w.at(path)), |there| there.to_string()));
        add!(format!("metadata {path}"), |w| ended(metadata(w.at(path)), |at| shown(w, &at)));
        add!(format!("symlink_metadata {path}"), |w| ended(symlink_metadata(w.at(path)), |at| shown(w, &at)));
        add!(format!("read {path}"), |w| ended(read(w.at(path)), |bytes| format!("{bytes:?}")));
        add!(format!("read_link {path}"), |w| ended(read_link(w.at(path)), |to| format!("{to:?}")));
        add!(format!("read_dir {path}"), |w| ended(read_dir(w.at(path)), |names| {
            format!("{:?}", names.map(|name| name.unwrap().file_name()).collect::<Vec<_>>())
        }));
        add!(format!("write {path}"), |w| ended(write(w.at(path), "123"), |()| String::new()));
        add!(format!("remove_file {path}"), |w| ended(remove_file(w.at(path)), |()| String::new()));
        add!(format!("create_dir {path}"), |w| ended(create_dir(w.at(path)), |()| String::new()));
        add!(format!("remove_dir {path}"), |w| ended(remove_dir(w.at(path)), |()| String::new()));
        add!(format!("symlink b {path}"), |w| ended(symlink("b", w.at(path)), |()| String::new()));
        add!(format!("create_new {path}"), |w| {
            let file = File::create_new(w.at(path));
            keep(w, file)
        });
        add!(format!("create {path}"), |w| {
            let file = File::create(w.at(path));
            keep(w, file)
        });
        add!(format!("open {path}"), |w| {
            let file = File::open(w.at(path));
            keep(w, file)
        });
        add!(format!("open or create {path}"), |w| {
            let file = File::options().write(true).create(true).open(w.at(path));
            keep(w, file)
        });
        for other in ["a", "b", "a/in"].into_iter().filter(|other| *other != path) {
            add!(format!("hard_link {path} {other}"), |w| {
                ended(hard_link(w.at(path), w.at(other)), |()| String::new())
            });
            add!(format!("rename {path} {other}"), |w| {
                ended(rename(w.at(path), w.at(other)), |()| String::new())
            });
        }
    }
    for nth in if with_handles { 0..2 } else { 0..0 } {
        add!(format!("metadata of {nth}"), |w| ended(w.handle(nth).metadata(), |at| shown(w, &at)));
        add!(format!("set_len of {nth}"), |w| ended(w.handle(nth).set_len(1), |()| String::new()));
        add!(format!("read of {nth}"), |w| {
            let mut byte = [0];
            ended(w.handle(nth).read(&mut byte), |count| format!("{count} {byte:?}"))
        });
        add!(format!("read_to_end of {nth}"), |w| {
            let mut bytes = Vec::new();
            ended(w.handle(nth).read_to_end(&mut bytes), |count| format!("{count} {bytes:?}"))
        });
        add!(format!("write of {nth}"), |w| ended(w.handle(nth).write_all(b"w"), |()| String::new()));
        add!(format!("seek of {nth}"), |w| ended(w.handle(nth).seek(SeekFrom::End(0)), |at| at.to_string()));
        add!(format!("try_lock of {nth}"), |w| locked(w.handle(nth).try_lock()));
        add!(format!("try_lock_shared of {nth}"), |w| locked(w.handle(nth).try_lock_shared()));
        add!(format!("unlock of {nth}"), |w| ended(w.handle(nth).unlock(), |()| String::new()));
        add!(format!("try_lock_ofd of {nth}"), |w| locked(w.handle(nth).try_lock_ofd()));
        add!(format!("unlock_ofd of {nth}"), |w| ended(w.handle(nth).unlock_ofd(), |()| String::new()));
        add!(format!("try_lock_record of {nth}"), |w| locked(w.handle(nth).try_lock_record()));
        add!(format!("unlock_record of {nth}"), |w| ended(w.handle(nth).unlock_record(), |()| String::new()));
        add!(format!("close {nth}"), |w| {
            drop(w.handles[nth].take());
            String::new()
        });
    }
    ops
}

fn depend(one: &[Access], two: &[Access]) -> bool {
    one.is_empty() || two.is_empty() || one.iter().any(|one| two.iter().any(|two| one.depends_on(*two)))
}

/// Takes something off the list of the call of this name.
type Alter<'a> = dyn Fn(&str, Vec<Access>) -> Vec<Access> + 'a;

/// The pairs of calls that are not marked dependent although somebody could tell which came first, or
/// although one changes what the other would touch; and how many were tried. `alter` may take something
/// off a list; then only those pairs are tried that are dependent without it.
fn mistaken(alter: Option<&Alter>) -> (Vec<String>, usize) {
    let (mut mistaken, mut tried) = (Vec::new(), 0);
    for (beginning, (name, _)) in BEGINNINGS.iter().enumerate() {
        let mut ops = ops(World::new(beginning).handles[0].is_some());
        if name.ends_with("lock") {
            // What concerns names is tried without locks.
            ops.retain(|op| op.name.ends_with(" 0") || op.name.ends_with(" 1"));
        }
        let touches: Vec<Vec<Access>> = ops.iter().map(|op| op.peek(&mut World::new(beginning))).collect();
        let said = |nth: usize| match alter {
            Some(alter) => alter(&ops[nth].name, touches[nth].clone()),
            None => touches[nth].clone(),
        };
        let said: Vec<Vec<Access>> = (0..ops.len()).map(said).collect();
        for i in 0..ops.len() {
            for j in i..ops.len() {
                let known = alter.is_some() && !depend(&touches[i], &touches[j]);
                // One handle is never closed by one worker and used by another.
                let closed = |i: usize, j: usize| {
                    let handle = ops[i].name.strip_prefix("close");
                    handle.is_some_and(|handle| ops[j].name.ends_with(handle))
                };
                if depend(&said[i], &said[j]) || known || closed(i, j) || closed(j, i) {
                    continue;
                }
                tried += 1;
                let run = |first: usize, then: usize| {
                    let mut world = World::new(beginning);
                    let one = (ops[first].call)(&mut world);
                    // To look at a call that closes something closes it.
                    let steady =
                        ops[then].name.starts_with("close") || ops[then].peek(&mut world) == touches[then];
                    let two = (ops[then].call)(&mut world);
                    ([one, two], world.look(), steady)
                };
                let ([one, two], after, steady) = run(i, j);
                let ([other_two, other_one], other_after, too) = run(j, i);
                let what = if (one, two, after) != (other_one, other_two, other_after) {
                    "tells the order"
                } else if !(steady && too) {
                    "touches something else afterwards"
                } else {
                    continue;
                };
                mistaken.push(format!("{name}: {} / {}: {what}", ops[i].name, ops[j].name));
            }
        }
    }
    (mistaken, tried)
}

#[test]
fn whatever_can_be_told_apart_is_dependent() {
    let (mistaken, independent) = mistaken(None);
    assert_eq!(mistaken, [""; 0]);
    // Otherwise everything could be dependent, and nothing was tried.
    assert!(independent > 1000, "{independent}");
}

/// The test above sees it when an entry is forgotten.
#[test]
fn each_entry_is_needed() {
    let without = |call: &'static str, forgotten: fn(&Access) -> bool, witness: &str| {
        let forget = |name: &str, mut touches: Vec<Access>| {
            if name == call && !touches.is_empty() {
                touches.retain(|access| !forgotten(access));
                // Nothing at all would stand for anything.
                touches.push(Access::Look(Object::memory("nothing")));
            }
            touches
        };
        let (mistaken, _) = mistaken(Some(&forget));
        let seen = mistaken.iter().any(|pair| pair.contains(witness));
        assert!(seen, "{call} without an entry: {witness} is not among {mistaken:#?}");
    };
    let looks = |access: &Access| matches!(access, Access::Look(_));
    let changes = |access: &Access| matches!(access, Access::Change(_));
    // Looking for a file reads the folder.
    without("exists a", looks, "nothing: exists a / create_new a: tells the order");
    without("read a", looks, "a file: read a / remove_file a: tells the order");
    without("metadata a", looks, "a file of two names: metadata a / remove_file b: tells the order");
    without("create_new a", changes, "nothing: exists a / create_new a: tells the order");
    without("metadata of 0", looks, "a file: remove_file a / metadata of 0: tells the order");
    without("try_lock of 0", changes, "a file: try_lock of 0 / try_lock of 1: tells the order");
    without("close 0", changes, "a file with a lock: close 0 / try_lock of 1: tells the order");
}
