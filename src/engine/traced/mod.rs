//! The traced engine: any program, unmodified, held at each system call that touches a watched file.
//!
//! A seccomp filter stops a program at the calls of `table.rs`, ptrace lets one of them go on at a time. Which one,
//! says the scheduler. `doc/run.md` tells how it works, and what it cannot see.

mod call;
mod clock;
mod course;
mod effect;
mod exact;
mod family;
mod fault;
mod handle;
mod memory;
mod nursery;
#[cfg(all(test, target_arch = "x86_64"))]
mod pairs;
mod place;
mod play;
mod program;
mod readback;
mod signals;
mod table;
mod timers;
mod waits;
mod watch;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::{CString, OsString};
use std::fs;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use glob::Pattern;
use tempfile::TempDir;

use super::Engine;
use crate::case::{CallFault, Case, Faults, Placement, Scope};
use crate::check::{Checker, Traced as Laws, Verdict};
use crate::error::{Error, unnamed};
use crate::history::{Absence, History, Missing, What};
use crate::interleave::{Replay, Scheduler};
use crate::job::{Job, OWN};
use crate::lock::Promise;
use crate::schedule::{Command as Asked, Order, Time, Wid, at_once};
use crate::stage::Access;
use crate::sys::tracee::{self, Filter, Start};
use crate::worker::process;

use clock::{Clock, Inode, Of, Stamp};
use family::{End, Family};
use nursery::{Closed, Nursery};
use place::Places;
pub use play::InOrder;
use play::Run;
use program::{Program, pair, text};
use readback::ReadBack;
use table::{Kind, Table};
use watch::Watch;

/// A filter that stops a program where this engine does; without faults and proofs.
///
/// # Errors
/// See [`Filter::all_but`].
pub fn usual_filter() -> io::Result<Filter> {
    filter(&Table::new(false), &Job::default(), false)
}

/// Runs cases of a [`Job`].
pub struct Traced {
    job: Job,
    readback: Option<Pattern>,
    programs: Vec<Program>,
    table: Table,
    filter: Filter,
    /// Programs are held where they say what is done when a signal comes.
    hears_handlers: bool,
    watch: Watch,
    interrupt: Arc<AtomicBool>,
    /// What the folders that are watched besides hold when a run begins.
    watched: Option<BTreeMap<PathBuf, Option<Vec<u8>>>>,
    /// What the folder holds after the workers have run one after another.
    leftovers: Option<BTreeSet<OsString>>,
    /// All of them got the lock then: each ended with 0.
    all_get_it: bool,
    /// How the workers of the run before ended.
    ends: BTreeMap<Wid, End>,
    /// The program has a broken lock, which is the control of a proof: no call that takes one fails.
    pub(crate) deaf: bool,
    /// The workers of its threads and processes.
    tids: HashMap<i32, Wid>,
    /// The private folder as it was made.
    made: Option<fs::Metadata>,
    /// When there was no file of any run yet.
    began: Stamp,
    /// What `--from` has put into the folder, with its times of modification.
    copied: BTreeMap<Inode, Stamp>,
    /// Those who are copied.
    nursery: Nursery,
    /// Of the run before.
    pub facts: Facts,
    /// Last, so that it goes when the workers are gone.
    base: TempDir,
}

/// What else is known of a run than its history.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Two workers wanted the same thing at once.
    pub contended: bool,
    /// How often a program was stopped, at calls on nothing watched as well.
    pub stops: u64,
    /// How many steps each worker took.
    pub steps: BTreeMap<Wid, u32>,
    /// Files that are not watched, and who opened them to write or make them.
    pub outside: BTreeMap<PathBuf, BTreeSet<Wid>>,
    /// Watched files that were mapped: what is done there is not seen.
    pub mapped: BTreeSet<String>,
    /// Whether something was left running that had to be killed.
    pub daemons: bool,
    /// Why a worker was killed that made no call any more.
    pub silenced: bool,
    /// Calls on watched files that are not understood; seen in a proof alone.
    pub strange: BTreeSet<String>,
    /// How often a call was told that it took a lock which it had not.
    pub deafened: u32,
    /// Somebody would have been woken before its time, but had been so often enough.
    pub hurried: bool,
    /// The run was so long that the scheduler was not always obeyed.
    pub overruled: bool,
    /// Each step, with what it touched; in a proof alone.
    pub trail: Vec<(Wid, String, Vec<Access>)>,
    /// How many events there had been at each choice.
    pub marks: Vec<usize>,
    /// Which of the faults that may befall a call could have.
    pub possible: BTreeSet<CallFault>,
    /// How many copies were sent to the end that is known of those who were told the same.
    pub sent: u32,
    /// Who is started anew for each schedule, not copied where it comes to its first point; and why.
    pub plain: BTreeMap<Wid, String>,
}

impl Traced {
    /// An engine whose files lie in a folder of its own inside this one.
    ///
    /// # Errors
    /// [`Error::Program`] where there is no such program, [`Error::Folder`] when its files cannot be put there.
    pub fn new(job: Job, folder: &Path, interrupt: Arc<AtomicBool>) -> Result<Self, Error> {
        let base = tempfile::Builder::new().prefix("run-").tempdir_in(folder);
        let base = base.map_err(|why| Error::Folder { path: folder.to_owned(), source: unnamed(why) })?;
        let failed = |source| Error::Folder { path: base.path().to_owned(), source };
        let programs =
            job.commands.iter().map(|words| Program::of(words, &job.start_dir)).collect::<Result<_, _>>()?;
        let table = Table::new(job.exact);
        let filter = filter(&table, &job, false).map_err(failed)?;
        let readback = match &job.readback {
            None => None,
            Some(text) => Some(Pattern::new(text).map_err(|why| Error::Program {
                program: format!("the pattern {text:?}"),
                source: io::Error::other(why.to_string()),
            })?),
        };
        let watch = Watch::new(job.silence(), Arc::clone(&interrupt));
        let (watched, leftovers, facts) = (None, None, Facts::default());
        Ok(Traced {
            job,
            readback,
            programs,
            table,
            filter,
            hears_handlers: false,
            watch,
            interrupt,
            watched,
            leftovers,
            all_get_it: true,
            ends: BTreeMap::new(),
            deaf: false,
            tids: HashMap::new(),
            made: None,
            began: clock::of_files(),
            copied: BTreeMap::new(),
            nursery: Nursery::default(),
            facts,
            base,
        })
    }

    /// What it runs.
    pub fn job(&self) -> &Job {
        &self.job
    }

    /// From here on each worker is started anew for each run. Else it is brought to its first point once and copied
    /// there, where its state allows that; [`Facts::plain`] says where it does not.
    pub fn start_plainly(&mut self) {
        self.nursery.close(Closed::Asked);
    }

    /// Were there copies among the workers of the run before?
    pub fn has_copied(&self) -> bool {
        self.nursery.copies()
    }

    /// The same as [`Engine::run`], with workers that are all started. If it comes to something else than was `seen`
    /// with copies, there are none from here on.
    ///
    /// # Errors
    /// See [`Engine::run`].
    pub fn confirm(&mut self, case: &Case, seen: &History) -> Result<History, Error> {
        let nursery = std::mem::take(&mut self.nursery);
        self.start_plainly();
        let went = self.run(case);
        self.nursery = nursery;
        if went.as_ref().is_ok_and(|history| history != seen) && self.has_copied() {
            self.nursery.close(Closed::Because("its copies do something else"));
        }
        went
    }

    /// A case of so many workers, without any choices yet.
    pub fn case(job: &Job, workers: u32, faults: Faults) -> Case {
        Case {
            lock: job.name(),
            placement: Placement::Processes,
            scope: Scope::Session,
            order: Order::AsGenerated,
            workers,
            schedule: at_once(workers, Time::from_micros(1000)),
            choices: Some(Vec::new()),
            faults,
        }
    }

    /// The folder that the workers are in.
    pub fn folder(&self) -> PathBuf {
        self.base.path().join("work")
    }

    /// The last lines that a worker wrote, to its standard output and error.
    pub fn last_lines(&self, worker: Wid, lines: usize) -> Vec<String> {
        let mut all = Vec::new();
        for name in ["out", "err"] {
            let bytes = tail(&self.stream(worker, name)).unwrap_or_default();
            all.extend(String::from_utf8_lossy(&bytes).lines().map(str::to_owned));
        }
        let skip = all.len().saturating_sub(lines);
        all.split_off(skip)
    }

    fn stream(&self, worker: Wid, name: &str) -> PathBuf {
        self.base.path().join(format!("{worker}.{name}"))
    }

    /// After a run in which the workers ran one after another: what is there now is no sign of anything wrong.
    pub fn take_leftovers(&mut self) {
        let now = self.names(&self.tids);
        self.leftovers.get_or_insert_default().extend(now);
        self.all_get_it &= self.ends.values().all(|end| *end == End::Code(0));
    }

    /// Runs the workers one after another, in order and reversed, for what there is to be known.
    fn learn(&mut self, workers: u32) -> Result<(), Error> {
        let case = Traced::case(&self.job, workers, Faults::NONE);
        for reversed in [false, true] {
            self.go(&case, &mut InOrder { reversed })?;
            self.take_leftovers();
        }
        Ok(())
    }

    /// What another engine of the same job has learnt.
    pub fn know(&mut self, other: &Traced) {
        self.leftovers.clone_from(&other.leftovers);
        self.all_get_it = other.all_get_it;
    }

    /// What the folder holds; pids are mapped, for they differ from run to run.
    fn names(&self, tids: &HashMap<i32, Wid>) -> BTreeSet<OsString> {
        let entries = fs::read_dir(self.folder()).into_iter().flatten();
        let tame = |name: OsString| call::tame(&name.to_string_lossy(), tids).into();
        entries.filter_map(|entry| Some(tame(entry.ok()?.file_name()))).collect()
    }

    /// A fresh folder, made ready. It is the same one as before, emptied, for whoever is copied is already in it.
    fn lay_out(&mut self) -> Result<(), Error> {
        let folder = self.folder();
        let failed = |source| Error::Folder { path: folder.clone(), source };
        let is_as_made = |now: &fs::Metadata| {
            let rights = |of: &fs::Metadata| (of.dev(), of.ino(), of.mode(), of.uid(), of.gid());
            self.made.as_ref().is_some_and(|made| rights(made) == rights(now))
        };
        if fs::symlink_metadata(&folder).is_ok_and(|now| is_as_made(&now)) {
            empty(&folder).map_err(failed)?;
        } else {
            match fs::remove_dir_all(&folder) {
                Err(why) if why.kind() != io::ErrorKind::NotFound => return Err(failed(why)),
                _ => fs::create_dir(&folder).map_err(failed)?,
            }
            self.made = Some(fs::symlink_metadata(&folder).map_err(failed)?);
        }
        if let Some(from) = &self.job.from {
            let mut copy = Command::new("cp");
            copy.arg("-a").arg("--").arg(from.join(".")).arg(&folder);
            copy.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
            let went = process::spawn(&mut copy).and_then(Child::wait_with_output).map_err(failed)?;
            if !went.status.success() {
                let why = String::from_utf8_lossy(&went.stderr).trim().to_owned();
                return Err(Error::Folder { path: from.clone(), source: io::Error::other(why) });
            }
            let copied = times_of(&folder).map_err(failed)?;
            self.copied = copied.into_iter().map(|(inode, times)| (inode, times.modified)).collect();
        }
        if let Some(line) = &self.job.prepare {
            let (code, said) = self.shell(line, 0).map_err(failed)?;
            if code != Some(0) {
                return Err(Error::Prepare { line: line.clone(), said });
            }
        }
        self.compare_watched()
    }

    /// Does every run begin with the same files in the folders that are watched besides?
    fn compare_watched(&mut self) -> Result<(), Error> {
        let mut now = BTreeMap::new();
        for folder in &self.job.watch {
            let failed = |source| Error::Folder { path: folder.clone(), source };
            for entry in fs::read_dir(folder).map_err(failed)? {
                let path = entry.map_err(failed)?.path();
                let content = fs::read(&path).ok();
                now.insert(path, content);
            }
        }
        let first = self.watched.get_or_insert_with(|| now.clone());
        let differs = |path: &&PathBuf| first.get(*path) != now.get(*path);
        match first.keys().chain(now.keys()).find(differs) {
            Some(path) => Err(Error::Unclean { path: path.clone() }),
            None => Ok(()),
        }
    }

    /// Runs a line of the user's, not traced: its exit code, and what it said.
    fn shell(&self, line: &str, workers: u32) -> io::Result<(Option<i32>, String)> {
        let mut shell = Command::new("sh");
        shell.args(["-c", line]).current_dir(self.folder()).stdin(Stdio::null());
        shell.env("LOCKFUZZ_START_DIR", &self.job.start_dir);
        if workers > 0 {
            shell.env("LOCKFUZZ_WORKERS", workers.to_string());
        }
        shell.stdout(Stdio::piped()).stderr(Stdio::piped());
        let went = process::spawn(&mut shell)?.wait_with_output()?;
        let said = [went.stdout, went.stderr].concat();
        let said = String::from_utf8_lossy(&said).trim().to_owned();
        let last: Vec<&str> = said.lines().rev().take(5).collect();
        Ok((went.status.code(), last.into_iter().rev().collect::<Vec<_>>().join("; ")))
    }

    /// Brings a worker to its first point: as a copy of one that is there, or by a start.
    fn bear(
        &self,
        nursery: &mut Nursery,
        family: &mut Family<'_>,
        worker: Wid,
        workers: u32,
    ) -> Result<(), Error> {
        if nursery.bear(family, worker) {
            return family.settle().map_err(Error::Trace);
        }
        self.start(family, worker, workers).map(drop)
    }

    /// Starts a worker and lets it come to its first point; the files that it writes to.
    fn start(&self, family: &mut Family<'_>, worker: Wid, workers: u32) -> Result<[fs::File; 2], Error> {
        let program = self.programs.get(worker as usize - 1).unwrap_or(&self.programs[0]);
        let failed = |source: io::Error| match source.raw_os_error() {
            Some(libc::EPERM | libc::EACCES | libc::ENOSYS | libc::EINVAL) => {
                Error::Forbidden { hint: forbidden(), source }
            }
            _ => Error::Program { program: program.shown.clone(), source },
        };
        let own = [
            ("LOCKFUZZ_WORKER", worker.to_string().into()),
            ("LOCKFUZZ_WORKERS", workers.to_string().into()),
            ("LOCKFUZZ_START_DIR", self.job.start_dir.clone().into_os_string()),
            ("PWD", self.folder().into_os_string()),
        ];
        let of_test = self.job.own.as_ref().map(|own| (OWN, OsString::from(own)));
        let own: Vec<_> = own.into_iter().chain(of_test).collect();
        let inherited = std::env::vars_os().filter(|(name, _)| own.iter().all(|(mine, _)| name != mine));
        let mine = own.iter().map(|(name, value)| (OsString::from(name), value.clone()));
        let environment: Vec<CString> =
            inherited.chain(mine).filter_map(|(name, value)| pair(&name, &value)).collect();
        let null = fs::File::open("/dev/null").map_err(failed)?;
        let [out, err] = ["out", "err"].map(|name| tracee::text_file(&self.stream(worker, name)));
        let (out, err) = (out.map_err(failed)?, err.map_err(failed)?);
        let folder = text(self.folder().as_os_str());
        // Until it runs its own program it has all files open that this process has; and in a test that may be those of
        // other checks, with their locks.
        let births = self.job.own.as_ref().map(|_| process::alone());
        let newborn = tracee::start(&Start {
            path: &program.path,
            words: &program.words,
            environment: &environment,
            folder: &folder,
            streams: [null.as_raw_fd(), out.as_raw_fd(), err.as_raw_fd()],
            filter: &self.filter,
        });
        let newborn = newborn.map_err(failed)?;
        self.watch.add(newborn.pid);
        family.welcome(worker, newborn.pid);
        if births.is_some() {
            family.begin(worker, newborn.pid).map_err(failed)?;
        }
        drop(births);
        family.settle().map_err(failed)?;
        if family.ends.get(&worker) == Some(&End::Code(127)) && !family.began.contains(&worker) {
            let source = newborn.last_words();
            return Err(Error::Program { program: program.shown.clone(), source });
        }
        Ok([out, err])
    }

    /// Nobody yet, in the folder as it is now.
    fn family(&self, faults: Faults) -> Result<Family<'_>, Error> {
        let folder = self.folder();
        let failed = |source| Error::Folder { path: folder.clone(), source };
        let roots = [folder.as_path()].into_iter().chain(self.job.watch.iter().map(PathBuf::as_path));
        let places = Places::new(roots).map_err(failed)?;
        let mut clock = Clock::new(self.job.began, self.began, Duration::from_millis(self.job.age));
        for root in [&folder].into_iter().chain(&self.job.watch) {
            for (inode, times) in times_of(root).map_err(failed)? {
                clock.found(inode, times.changed);
                if self.copied.get(&inode) == Some(&times.modified) {
                    clock.set(inode, Of::Modify, times.modified);
                }
            }
        }
        let reads = ReadBack::new(self.readback.as_ref(), places.root());
        Ok(Family::new((&self.table, &self.watch), places, clock, faults, reads))
    }

    /// One run.
    fn go(&mut self, case: &Case, scheduler: &mut dyn Scheduler) -> Result<(History, Vec<u32>), Error> {
        self.lay_out()?;
        let mut nursery = std::mem::take(&mut self.nursery);
        let went = self.go_with(&mut nursery, case, scheduler);
        self.facts.plain = nursery.plain();
        self.nursery = nursery;
        went
    }

    fn go_with(
        &mut self,
        nursery: &mut Nursery,
        case: &Case,
        scheduler: &mut dyn Scheduler,
    ) -> Result<(History, Vec<u32>), Error> {
        let folder = self.folder();
        let failed = |source| Error::Folder { path: folder.clone(), source };
        if case.faults.eintr > 0 && !self.hears_handlers {
            self.filter = filter(&self.table, &self.job, true).map_err(failed)?;
            self.hears_handlers = true;
            nursery.forget();
        }
        nursery.meet(case.workers, self.made.as_ref().map(|made| (made.dev(), made.ino())));
        self.raise(nursery)?;
        let mut family = self.family(case.faults)?;
        (family.exact, family.deaf) = (self.job.exact, self.deaf);
        family.real_clock = self.job.real_clock;
        let mut run = Run::default();
        let mut went = Ok(());
        for worker in 1..=case.workers {
            went = self.bear(nursery, &mut family, worker, case.workers);
            if went.is_err() {
                break;
            }
        }
        if went.is_ok() {
            went = run.play(&mut family, scheduler);
        }
        // Can anybody still get the lock?
        let odd = || self.leftovers.as_ref().is_some_and(|known| !self.names(&family.tids).is_subset(known));
        let hurts = |what: &What| matches!(what, What::Crashed | What::Struck(_));
        let hurt = family.events.iter().any(|event| hurts(&event.what));
        let afresh = went.is_ok() && run.missing.is_empty() && family.is_over() && (hurt || odd());
        let mut content = true;
        if afresh {
            // It is asked what came of the others.
            match self.is_content(&mut family, case.workers) {
                Ok(is_so) => content = is_so,
                Err(why) => went = Err(why),
            }
        }
        if afresh && content && went.is_ok() {
            let after = case.workers + 1;
            family.no_more_faults();
            went = self.bear(nursery, &mut family, after, case.workers);
            if went.is_ok() {
                went = run.play(&mut family, &mut Replay::new(Vec::new()));
            }
        }
        let daemons = !family.tasks.is_empty() && run.missing.is_empty();
        nursery.learn(&mut family);
        let ended = family.end_all();
        let silenced = self.watch.rest();
        went?;
        ended.map_err(failed)?;
        if let Some(why) = family.refusal.take() {
            let program = self.programs[0].shown.clone();
            return Err(Error::Program { program, source: io::Error::other(why) });
        }
        if self.interrupt.load(Ordering::Relaxed) {
            return Err(Error::Interrupted);
        }
        if silenced {
            let worker = family.silent().unwrap_or(1);
            run.missing = vec![Missing { worker, command: Asked::Write, why: Absence::Silent }];
        }
        if !afresh && run.missing.is_empty() {
            self.is_content(&mut family, case.workers)?;
        }
        let facts = Facts {
            contended: family.contended,
            stops: family.stops,
            steps: family.taken,
            outside: family.outside,
            mapped: family.mapped,
            daemons,
            silenced,
            strange: family.strange,
            deafened: family.deafened,
            hurried: family.hurried,
            overruled: run.is_overruled(),
            trail: family.trail,
            marks: run.marks,
            possible: family.possible,
            sent: family.sent,
            plain: BTreeMap::new(),
        };
        if family.census {
            // It would see those who are copied.
            nursery.close(Closed::Because("it looks through the list of processes"));
        }
        let history = History { events: family.events, missing: run.missing, late: None };
        (self.ends, self.tids, self.facts) = (family.ends, family.tids, facts);
        let length = run.choices.iter().rposition(|&choice| choice != 0).map_or(0, |last| last + 1);
        run.choices.truncate(length);
        Ok((history, run.choices))
    }
}

impl Traced {
    /// Is the check at the end content? It is not asked where somebody did not end well.
    fn is_content(&self, family: &mut Family<'_>, workers: u32) -> Result<bool, Error> {
        let ends_well = |end: &End| match end {
            End::Code(code) => *code == 0 || self.job.ok_exit.contains(code),
            End::Signal(_) => false,
        };
        let Some(line) = self.job.check.as_ref().filter(|_| family.ends.values().all(ends_well)) else {
            return Ok(true);
        };
        let failed = |source| Error::Folder { path: self.folder(), source };
        let (code, _) = self.shell(line, workers).map_err(failed)?;
        if code != Some(0) {
            let last = family.events.last().map_or(1, |event| event.worker);
            family.log(last, What::CheckFailed(code.unwrap_or(-1)));
        }
        Ok(code == Some(0))
    }
}

impl Engine for Traced {
    fn run(&mut self, case: &Case) -> Result<History, Error> {
        if self.leftovers.is_none() {
            self.learn(case.workers)?;
        }
        let mut replay = Replay::new(case.choices.clone().unwrap_or_default());
        replay.begin();
        Ok(self.go(case, &mut replay)?.0)
    }

    fn explore(&mut self, case: &Case, scheduler: &mut dyn Scheduler) -> Result<(History, Vec<u32>), Error> {
        self.go(case, scheduler)
    }

    fn judge(&self, case: &Case, _: Promise, history: &History) -> Verdict {
        let (ok_exit, contended, all_get_it) = (&self.job.ok_exit, self.facts.contended, self.all_get_it);
        Laws { ok_exit, contended, all_get_it }.check(case, history)
    }
}

/// For all calls at which a program is held; and for those of which nothing is known, which are only seen.
fn filter(table: &Table, job: &Job, hears_handlers: bool) -> io::Result<Filter> {
    let kept = |kind: Kind| match kind {
        Kind::Clock(_) | Kind::Sleep { .. } => !job.real_clock,
        Kind::Handler => hears_handlers,
        _ => true,
    };
    let passed = table.held().filter(|&number| table.of(number).is_some_and(|(_, kind)| !kept(kind)));
    let harmless = table::harmless().filter(|&number| table.of(number).is_none());
    Filter::all_but(passed.chain(harmless))
}

/// Removes all that is in a folder.
fn empty(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        match entry.file_type()?.is_dir() {
            true => fs::remove_dir_all(entry.path())?,
            false => fs::remove_file(entry.path())?,
        }
    }
    Ok(())
}

struct Times {
    modified: Stamp,
    changed: Stamp,
}

/// Of a folder, and of what is in it and in those below it.
fn times_of(folder: &Path) -> io::Result<BTreeMap<Inode, Times>> {
    let mut all = BTreeMap::new();
    let mut add = |of: fs::Metadata| {
        let modified = (of.mtime(), of.mtime_nsec() as u32);
        let changed = (of.ctime(), of.ctime_nsec() as u32);
        all.insert((of.dev(), of.ino()), Times { modified, changed });
    };
    add(fs::symlink_metadata(folder)?);
    let mut below = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        match entry.file_type()?.is_dir() {
            true => below.push(entry.path()),
            false => add(entry.metadata()?),
        }
    }
    for folder in below {
        all.append(&mut times_of(&folder)?);
    }
    Ok(all)
}

/// The end of a file.
fn tail(path: &Path) -> io::Result<Vec<u8>> {
    use std::io::{Read, Seek, SeekFrom};
    const MOST: u64 = 16 << 10;
    let mut file = fs::File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(MOST)))?;
    let mut bytes = Vec::new();
    file.take(MOST).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What may keep us from tracing, and what allows it.
fn forbidden() -> String {
    let says = |path: &str| fs::read_to_string(path).unwrap_or_default().trim().to_owned();
    let status = says("/proc/self/status");
    let of = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key));
        line.map(str::trim).unwrap_or_default().to_owned()
    };
    if says("/proc/sys/kernel/yama/ptrace_scope") == "3" {
        "the kernel forbids all tracing (kernel.yama.ptrace_scope is 3); it takes a restart with another value"
            .to_owned()
    } else if of("Seccomp:") == "2" {
        "a seccomp profile is in force, as containers have one; a container started with \
         --security-opt seccomp=unconfined --cap-add SYS_PTRACE allows it"
            .to_owned()
    } else if of("TracerPid:") != "0" {
        format!("lockfuzz itself is traced by process {}", of("TracerPid:"))
    } else {
        "nobody else may trace the program, and ptrace(2) and seccomp(2) must be allowed".to_owned()
    }
}
