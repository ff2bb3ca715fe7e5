//! Workers that were brought to their first points once, and stand there to be copied for each schedule.
//!
//! A copy must be what a start would have come to. So a worker is started twice for it, and the two are compared: what
//! differs in their memory is their pid, which each copy is given its own of, or it is chance, and then there are no copies.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{Seek, Write};
use std::path::{Path, PathBuf};

use crate::case::Faults;
use crate::error::Error;
use crate::schedule::Wid;
use crate::sys::original::{Held, Original, Reading};
use crate::sys::tracee::Stopped;

use super::Traced;
use super::clock::Inode;
use super::course::{Course, Endings};
use super::family::{Family, State};
use super::memory;
use super::place;

/// Who can be copied, and who cannot and why.
#[derive(Default)]
pub(super) struct Nursery {
    /// Nobody is to be copied.
    closed: Option<Closed>,
    /// Of how many workers they are, and in which folder.
    of: (u32, Option<Inode>),
    cots: BTreeMap<Wid, Cot>,
}

/// Why nobody is copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Closed {
    /// It was asked for.
    Asked,
    Because(&'static str),
}

/// What there is of a worker.
enum Cot {
    /// It was started once; whoever is started once only is not worth copying.
    Known,
    Ready(Box<Template>),
    /// It has to be started, because of this.
    Plain(String),
}

/// A worker before its first point.
struct Template {
    original: Original,
    /// Where its memory holds its own pid.
    pids: Vec<u64>,
    chance: Option<u64>,
    looks: Option<u32>,
    handlers: BTreeSet<i32>,
    /// Files that are not watched, which it made and removed.
    outside: BTreeSet<PathBuf>,
    /// It went into another folder.
    moved: bool,
    stops: u64,
    /// Where it writes, and what it has written.
    streams: [(File, Vec<u8>); 2],
    /// How its copies have ended.
    endings: Option<Endings>,
}

impl Nursery {
    /// From here on all are started.
    pub(super) fn close(&mut self, why: Closed) {
        self.closed.get_or_insert(why);
        self.cots.clear();
    }

    /// From here on it takes others.
    pub(super) fn forget(&mut self) {
        self.cots.clear();
    }

    /// Workers of another number, or in another folder, are others.
    pub(super) fn meet(&mut self, workers: u32, folder: Option<Inode>) {
        if self.of != (workers, folder) {
            self.of = (workers, folder);
            self.cots.clear();
        }
    }

    /// Who is started for each schedule, and why.
    pub(super) fn plain(&self) -> BTreeMap<Wid, String> {
        if let Some(Closed::Because(why)) = self.closed {
            return (1..=self.of.0).map(|worker| (worker, why.to_owned())).collect();
        }
        let plain = |(&worker, cot): (&Wid, &Cot)| match cot {
            Cot::Plain(why) => Some((worker, why.clone())),
            _ => None,
        };
        self.cots.iter().filter_map(plain).collect()
    }

    /// Is anybody a copy?
    pub(super) fn copies(&self) -> bool {
        self.cots.values().any(|cot| matches!(cot, Cot::Ready(_)))
    }

    /// Brings this worker into the family as a copy, if it can be copied.
    pub(super) fn bear(&mut self, family: &mut Family<'_>, worker: Wid) -> bool {
        if self.closed.is_some() {
            return false;
        }
        let Some(Cot::Ready(template)) = self.cots.get_mut(&worker) else {
            self.cots.entry(worker).or_insert(Cot::Known);
            return false;
        };
        match template.copied() {
            Ok(copy) => {
                family.watch.add(template.original.pid());
                family.watch.add(copy.tid());
                family.stops += template.stops;
                family.looks.extend(template.looks.map(|looks| (worker, looks)));
                family.chances.extend(template.chance.map(|chance| (worker, chance)));
                family.began.insert(worker);
                family.moved |= template.moved;
                for path in &template.outside {
                    family.outside.entry(path.clone()).or_default().insert(worker);
                }
                family.welcome(worker, copy.tid());
                family.courses.insert(worker, Course::new(std::mem::take(&mut template.endings)));
                if let Some(of) = family.processes.get_mut(&copy.tid()) {
                    of.handlers.clone_from(&template.handlers);
                }
                // Whoever was killed meanwhile tells of that by its end.
                let _ = copy.go(None);
                true
            }
            // It was killed: there is another one from the next schedule on.
            Err(_) => {
                self.cots.insert(worker, Cot::Known);
                false
            }
        }
    }
}

impl Nursery {
    /// The run is over. Where files were changed that are not watched, nobody knows what was told to whoever read them.
    pub(super) fn learn(&mut self, family: &mut Family<'_>) {
        for (worker, course) in family.courses.drain() {
            if let Some(Cot::Ready(template)) = self.cots.get_mut(&worker) {
                template.endings = course.endings().filter(|_| !family.strayed);
            }
        }
    }
}

impl Template {
    fn copied(&mut self) -> std::io::Result<Stopped> {
        for (file, said) in &mut self.streams {
            file.set_len(0)?;
            // The place in it is one for all copies.
            file.rewind()?;
            file.write_all(said)?;
        }
        let copy = Held::new(self.original.copy()?);
        for &at in &self.pids {
            copy.stopped().write(at, &copy.pid().to_ne_bytes())?;
        }
        Ok(copy.released())
    }
}

/// A worker before its first point, and what it did on its way.
struct Infant {
    held: Held,
    streams: [(File, Vec<u8>); 2],
    chance: Option<u64>,
    looks: Option<u32>,
    handlers: BTreeSet<i32>,
    outside: BTreeSet<PathBuf>,
    moved: bool,
    stops: u64,
    readings: Vec<Reading>,
}

impl Traced {
    /// Makes whoever was started before ready to be copied.
    pub(super) fn raise(&self, nursery: &mut Nursery) -> Result<(), Error> {
        if self.job.real_clock {
            nursery.close(Closed::Because("the clock is real"));
        }
        if self.job.exact {
            // What a worker executes is a point then, long before its first file.
            nursery.close(Closed::Asked);
        }
        if nursery.closed.is_some() {
            return Ok(());
        }
        let workers = nursery.of.0;
        for (&worker, cot) in &mut nursery.cots {
            if !matches!(cot, Cot::Known) {
                continue;
            }
            *cot = match self.template(worker, workers)? {
                Ok(template) => Cot::Ready(Box::new(template)),
                Err(why) => Cot::Plain(why),
            };
        }
        Ok(())
    }

    fn template(&self, worker: Wid, workers: u32) -> Result<Result<Template, String>, Error> {
        let twins = [self.infant(worker, workers)?, self.infant(worker, workers)?];
        let fired = self.watch.rest();
        let [twin, infant] = match twins {
            [Err(why), _] | [_, Err(why)] => return Ok(Err(why)),
            [Ok(twin), Ok(infant)] => [twin, infant],
        };
        if fired {
            return Ok(Err("it makes no call for a long time".to_owned()));
        }
        let pids = match memory::compare(&twin.held, &infant.held, |path| self.is_watched(path)) {
            Ok(pids) => pids,
            Err(why) => return Ok(Err(why)),
        };
        let way = |of: &Infant| {
            (of.chance, of.looks, of.handlers.clone(), of.outside.clone(), of.stops, of.readings.clone())
        };
        if way(&twin) != way(&infant) {
            return Ok(Err("it starts otherwise each time".to_owned()));
        }
        drop(twin);
        let Infant { held, streams, chance, looks, handlers, outside, moved, stops, readings } = infant;
        Ok(match Original::new(held.released(), readings) {
            // It comes to its first point once more, in each copy.
            Ok(original) => Ok(Template {
                original,
                pids,
                chance,
                looks,
                handlers,
                outside,
                moved,
                stops: stops - 1,
                streams,
                endings: Some(Endings::new()),
            }),
            Err(why) => Err(format!("it cannot be copied ({why})")),
        })
    }

    fn is_watched(&self, path: &Path) -> bool {
        let folder = self.folder();
        [&folder].into_iter().chain(&self.job.watch).any(|root| path.starts_with(root))
    }

    /// Starts a worker and keeps it before its first point, where its state allows that it is copied.
    fn infant(&self, worker: Wid, workers: u32) -> Result<Result<Infant, String>, Error> {
        let mut family = self.family(Faults::NONE)?;
        let streams = self.start(&mut family, worker, workers)?;
        let looked = self.objection(&family, worker);
        let (pid, readings) = match looked {
            Ok(found) => found,
            Err(why) => {
                family.end_all().map_err(Error::Trace)?;
                return Ok(Err(why));
            }
        };
        let Some(State::AtPoint(stopped, _)) = family.tasks.remove(&pid).map(|task| task.state) else {
            unreachable!("it stands before its first point");
        };
        let said = |nth: usize| fs::read(self.stream(worker, ["out", "err"][nth])).unwrap_or_default();
        let [out, err] = streams;
        Ok(Ok(Infant {
            held: Held::new(stopped),
            streams: [(out, said(0)), (err, said(1))],
            chance: family.chances.get(&worker).copied(),
            looks: family.looks.get(&worker).copied(),
            handlers: family.processes.get(&pid).map(|of| of.handlers.clone()).unwrap_or_default(),
            outside: family.outside.into_keys().collect(),
            moved: family.moved,
            stops: family.stops,
            readings,
        }))
    }

    /// Why this worker, which stands before its first point, cannot be copied; or the files that it reads.
    fn objection(&self, family: &Family<'_>, worker: Wid) -> Result<(i32, Vec<Reading>), String> {
        let said = |text: &str| Err(text.to_owned());
        if family.tids.len() > 1 {
            return said("it has a thread or a child before its first point");
        }
        let Some((&pid, task)) = family.tasks.iter().next() else {
            return said("it ends before its first point");
        };
        if !matches!(task.state, State::AtPoint(..)) {
            return said("it waits before its first point");
        }
        // What is made and gone again leaves everything as it was: libraries try like that where files can be.
        let is_there = |path: &&PathBuf| fs::symlink_metadata(path).is_ok();
        if let Some(path) = family.outside.keys().find(is_there) {
            return Err(format!("it writes {} before its first point", path.display()));
        }
        let of_others = |path: &&PathBuf| is_there(path) || !family.outside.contains_key(*path);
        if let Some(path) = family.altered.iter().find(of_others) {
            return Err(format!("it changes {} before its first point", path.display()));
        }
        if family.processes.get(&pid).is_some_and(|process| !process.timers.is_empty()) {
            return said("it sets a timer before its first point");
        }
        let places = &family.places;
        if place::folder(pid).is_none_or(|folder| folder != places.root() && places.hold(&folder)) {
            return said("it is in another watched folder before its first point");
        }
        let own = ["out", "err"].map(|name| self.stream(worker, name));
        let harmless = |path: &Path| {
            let devices = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"];
            devices.iter().any(|device| path == Path::new(device)) || own.iter().any(|own| path == own)
        };
        // What lockfuzz itself was given by whoever started it, all workers share; a place in a file would matter.
        let inherited = |fd: &OsStr, path: &Path| {
            let ours = Path::new("/proc/self/fd").join(fd);
            let of_ours = fs::metadata(&ours);
            fs::read_link(&ours).is_ok_and(|ours| ours == path)
                && of_ours.is_ok_and(|of| !of.is_file() && !of.is_dir())
        };
        let mut readings = BTreeMap::new();
        for link in fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten() {
            let Ok(path) = fs::read_link(link.path()) else { continue };
            if harmless(&path) || inherited(&link.file_name(), &path) {
                continue;
            }
            let reading = reading(pid, &link.file_name()).filter(|_| !places.hold(&path));
            // Two descriptors of one file may share a place.
            if reading.is_none_or(|reading| readings.insert(path.clone(), reading).is_some()) {
                return Err(format!("it holds {} open before its first point", path.display()));
            }
        }
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let own = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let of = |status: &str, key: &str| -> Option<u64> {
            let line = status.lines().find_map(|line| line.strip_prefix(key))?;
            u64::from_str_radix(line.trim(), 16).ok()
        };
        if ["SigPnd:", "ShdPnd:"].iter().any(|key| of(&status, key) != Some(0)) {
            return said("a signal is on its way to it before its first point");
        }
        let filters = |status: &str| of(status, "Seccomp_filters:").unwrap_or_default();
        if filters(&status) > filters(&own) + 1 {
            return said("it has a filter of its own for its calls");
        }
        Ok((pid, readings.into_values().collect()))
    }
}

/// A plain file that is read, and nothing else.
fn reading(pid: i32, fd: &OsStr) -> Option<Reading> {
    let fd: i32 = fd.to_str()?.parse().ok()?;
    if !fs::metadata(format!("/proc/{pid}/fd/{fd}")).ok()?.is_file() {
        return None;
    }
    let said = fs::read_to_string(format!("/proc/{pid}/fdinfo/{fd}")).ok()?;
    let of = |key: &str| said.lines().find_map(|line| line.strip_prefix(key)).map(str::trim);
    let flags = i32::from_str_radix(of("flags:")?, 8).ok()?;
    let reads = flags & (libc::O_ACCMODE | libc::O_PATH | libc::O_ASYNC) == libc::O_RDONLY;
    let place = of("pos:")?.parse().ok()?;
    (reads && of("lock:").is_none()).then_some(Reading { fd, flags, place })
}
