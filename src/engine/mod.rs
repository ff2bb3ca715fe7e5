//! Case to history: trait [`Engine`], and the engines.

mod asked;
mod programs;
mod realtime;
mod repeated;
mod stepped;
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
pub mod traced;

use std::fs;
use std::io;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, RwLockReadGuard};
use std::time::Instant;

use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use crate::case::{Case, Faults, MAX_STEPS, Placement};
use crate::error::{Error, unnamed};
use crate::history::{Absence, History, Missing, What};
use crate::interleave::Scheduler;
use crate::lock::Promise;
use crate::schedule::Wid;
use crate::worker::board::{Board, EVENTS, pace};
use crate::worker::{Crew, Staff, case_files, process};

pub use realtime::Realtime;
pub use repeated::Repeated;
pub use stepped::Stepped;

/// Which engine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// [`Stepped`].
    #[default]
    Stepped,
    /// [`Realtime`].
    Realtime,
    /// [`traced`], which runs programs, and no locks.
    Traced,
}

impl Kind {
    /// Those that run locks.
    pub const ALL: [Kind; 2] = [Kind::Stepped, Kind::Realtime];

    /// The word for it, as the command line and saved cases spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Stepped => "stepped",
            Kind::Realtime => "realtime",
            Kind::Traced => "traced",
        }
    }

    /// An engine of this kind.
    ///
    /// # Errors
    /// [`Error::Folder`] when its files cannot be put into the staff's folder.
    pub fn engine(self, staff: &Staff, interrupt: &Arc<AtomicBool>) -> Result<Box<dyn Engine>, Error> {
        Ok(match self {
            Kind::Stepped => Box::new(Stepped::new(staff)?),
            Kind::Realtime => Box::new(Realtime::new(staff, Arc::clone(interrupt))?),
            Kind::Traced => return Err(Error::NoProgram),
        })
    }
}

/// Runs cases.
pub trait Engine {
    /// Runs one case and says what happened.
    ///
    /// # Errors
    /// When lockfuzz itself fails. Whatever a lock does is in the history.
    fn run(&mut self, case: &Case) -> Result<History, Error>;

    /// Runs a case at whose points a scheduler says who goes on. What it chose comes back beside the
    /// history: with these choices [`run`](Engine::run) does the same again. An engine that has no say
    /// in who goes on just runs the case.
    ///
    /// # Errors
    /// When lockfuzz itself fails. Whatever a lock does is in the history.
    fn explore(&mut self, case: &Case, _scheduler: &mut dyn Scheduler) -> Result<(History, Vec<u32>), Error> {
        Ok((self.run(case)?, Vec::new()))
    }

    /// Judges what [`run`](Engine::run) brought back, by what this engine controls.
    fn judge(&self, case: &Case, promise: Promise, history: &History) -> crate::check::Verdict;
}

/// The crews of an engine, one for each placement, and the cases' numbers.
struct Crews {
    staff: Staff,
    crews: [Option<Crew>; Placement::ALL.len()],
    serial: u64,
    starts: programs::Starts,
    /// Counts the crews.
    crew: u64,
    /// Last, so that it goes when the crews are gone.
    folder: TempDir,
}

impl Crews {
    /// Crews whose cases lie in a folder of their own, inside the staff's.
    fn new(staff: &Staff) -> Result<Self, Error> {
        let folder = tempfile::Builder::new().prefix("engine-").tempdir_in(&staff.folder);
        let folder =
            folder.map_err(|why| Error::Folder { path: staff.folder.clone(), source: unnamed(why) })?;
        let staff = Staff { folder: folder.path().to_owned(), ..staff.clone() };
        Ok(Crews {
            staff,
            crews: [const { None }; Placement::ALL.len()],
            serial: 0,
            starts: Default::default(),
            crew: 0,
            folder,
        })
    }

    /// A crew with the case laid out before it, ready to begin.
    fn prepare(&mut self, case: &Case) -> Result<&mut Crew, Error> {
        case.check()?;
        let known = self.staff.doubles.iter().position(|double| double.name == case.lock);
        let double = known.ok_or_else(|| Error::UnknownLock { name: case.lock.clone() })?;
        let patience = self.staff.doubles[double].promised().patience;
        self.serial += 1;
        let serial = self.serial;
        let crew = self.muster(case.placement, case.workers)?;
        crew.semaphore.reset().and_then(|()| crew.robust.reset()).map_err(Error::Memory)?;
        crew.lay_out(serial, double, case.scope, case.workers, patience, &case.plan());
        crew.set_bound(MAX_STEPS);
        match &case.choices {
            None => crew.set_pace(pace::IN_ORDER, &[], Faults::NONE),
            Some(choices) => {
                crew.set_pace(pace::SCRIPTED, choices, case.faults);
            }
        }
        Ok(crew)
    }

    /// To be held while a case runs whose workers live in this process.
    fn undisturbed(placement: Placement) -> Option<RwLockReadGuard<'static, ()>> {
        (placement == Placement::Threads).then(process::no_births)
    }

    /// So many workers at their places.
    fn muster(&mut self, placement: Placement, workers: u32) -> Result<&mut Crew, Error> {
        let slot = &mut self.crews[placement as usize];
        let crew = match slot {
            Some(crew) => crew,
            None => {
                // Each crew has a folder of its own: what a spoilt one still does there harms nobody.
                self.crew += 1;
                let folder = self.folder.path().join(format!("crew-{}", self.crew));
                fs::create_dir(&folder).map_err(|source| Error::Folder { path: folder.clone(), source })?;
                slot.insert(Crew::new(Staff { folder, ..self.staff.clone() }, placement)?)
            }
        };
        if let Err(why) = crew.muster(workers) {
            *slot = None;
            return Err(why);
        }
        Ok(slot.as_mut().expect("filled above"))
    }

    /// Gives up the crew that was last at work in this placement.
    fn discard(&mut self, placement: Placement) {
        if let Some(mut crew) = self.crews[placement as usize].take() {
            crew.spoil();
        }
    }

    /// Takes the history off the board. Workers that are missing make the crew useless; the next run gets
    /// a new one.
    fn take_history(&mut self, placement: Placement, mut missing: Vec<Missing>) -> Result<History, Error> {
        let crew = self.crews[placement as usize].as_mut().expect("at work before");
        let too_long = crew.length() > EVENTS;
        let events = crew.take_events();
        missing.sort_by_key(|m| m.worker);
        if !missing.is_empty() {
            self.discard(placement);
        }
        if too_long { Err(Error::TooLong(EVENTS)) } else { Ok(History { events, missing, late: None }) }
    }

    /// Takes the history off the board and clears the case away.
    fn finish(&mut self, case: &Case, missing: Vec<Missing>) -> Result<History, Error> {
        let crew = self.crews[case.placement as usize].as_ref().expect("prepared before");
        let folder = crew.staff().folder.clone();
        let history = self.take_history(case.placement, missing);
        match case.choices {
            Some(_) => clear_away(&folder)?,
            None => {
                for path in case_files(&folder, Some(self.serial)) {
                    let removed =
                        if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
                    match removed {
                        Err(source) if source.kind() != io::ErrorKind::NotFound => {
                            return Err(Error::Folder { path, source });
                        }
                        _ => {}
                    }
                }
            }
        }
        let history = history?;
        for (nth, event) in history.events.iter().enumerate() {
            if let What::Failed(errno) = event.what {
                if history.events[..nth].iter().any(|before| before.what == What::CallFailed) {
                    // That tells of the lock, and not of the machine.
                    break;
                }
                let folder = folder.clone();
                let source = match history.events[..nth].last().map(|before| &before.what) {
                    Some(What::Note(why)) if errno == 0 => io::Error::other(why.clone()),
                    _ => io::Error::from_raw_os_error(errno),
                };
                return Err(Error::Failed { worker: event.worker, command: event.command, folder, source });
            }
        }
        Ok(history)
    }
}

/// Removes all that a case has made, whatever its name.
fn clear_away(folder: &Path) -> Result<(), Error> {
    let failed = |source| Error::Folder { path: folder.to_owned(), source };
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        let path = entry.path();
        if is_folder { fs::remove_dir_all(path) } else { fs::remove_file(path) }.map_err(failed)?;
    }
    Ok(())
}

/// Who has not finished, and with which command.
fn unfinished(crew: &mut Crew, workers: u32, why: Absence) -> Vec<Missing> {
    let missing = |worker: Wid| {
        let command = crew.head(worker)?.command;
        let why = if crew.is_gone(worker) { Absence::Died } else { why };
        Some(Missing { worker, command, why })
    };
    (1..=workers).filter_map(missing).collect()
}

/// Notices when nothing happens for too long.
struct Watch {
    seen: usize,
    since: Instant,
}

impl Watch {
    fn new() -> Self {
        Watch { seen: 0, since: Instant::now() }
    }

    fn silent_for(&mut self, board: &Board) -> std::time::Duration {
        let length = board.length();
        if length != self.seen {
            (self.seen, self.since) = (length, Instant::now());
        }
        self.since.elapsed()
    }
}
