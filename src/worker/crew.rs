//! All workers of one placement: started once, serving many cases.

use std::io;
use std::ops::Deref;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::Child;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::pipe::{PipeFlags, pipe_with};

use super::board::{Board, DRIVER, bell};
use super::local::Local;
use super::{Launch, process, thread};
use crate::case::Placement;
use crate::error::Error;
use crate::lock::{ALL, Double};
use crate::schedule::Wid;
use crate::sys::mapping::Mapping;

/// How often a waiting driver looks whether its workers still live.
pub(crate) const LOOK: Duration = Duration::from_millis(50);

/// What a crew is made from.
#[derive(Clone, Debug)]
pub struct Staff {
    /// Where the files of the cases lie.
    pub folder: PathBuf,
    /// The locks that a case may name.
    pub doubles: &'static [&'static Double],
    /// How a worker process is started.
    pub launch: Launch,
    /// For how long a worker may say nothing before it is given up.
    pub silence: Duration,
}

impl Staff {
    /// The locks that lockfuzz comes with, in this folder.
    pub fn new(folder: impl Into<PathBuf>, launch: Launch) -> Self {
        Staff { folder: folder.into(), doubles: &ALL, launch, silence: Duration::from_secs(20) }
    }
}

/// Workers of one placement, and the board that they share with their driver. They leave when it is
/// dropped.
pub struct Crew {
    board: Arc<Mapping<Board>>,
    staff: Staff,
    local: Arc<Local>,
    hands: Hands,
    /// Something went wrong here: who does not leave is left behind.
    spoilt: bool,
}

enum Hands {
    Threads {
        workers: Vec<JoinHandle<()>>,
        mutex: &'static Mutex<()>,
    },
    /// So many workers live in each of the processes.
    Processes {
        each: u32,
        processes: Vec<Child>,
        for_them: OwnedFd,
        _lifeline: OwnedFd,
    },
}

impl Crew {
    /// A crew without workers yet.
    ///
    /// # Errors
    /// [`Error::Memory`] when there is none.
    pub fn new(staff: Staff, placement: Placement) -> Result<Self, Error> {
        let board = Arc::new(Mapping::<Board>::new("lockfuzz board").map_err(Error::Memory)?);
        let hands = match placement.to_a_process() {
            // A worker that never comes back may hold it for ever, so it is never freed: a few bytes
            // for each crew.
            None => {
                board.keep_private();
                Hands::Threads { workers: Vec::new(), mutex: Box::leak(Box::default()) }
            }
            Some(each) => {
                let (for_them, lifeline) =
                    pipe_with(PipeFlags::CLOEXEC).map_err(|why| Error::Memory(why.into()))?;
                Hands::Processes { each, processes: Vec::new(), for_them, _lifeline: lifeline }
            }
        };
        Ok(Crew { board, staff, local: Arc::default(), hands, spoilt: false })
    }

    /// The locks that these workers know.
    pub fn staff(&self) -> &Staff {
        &self.staff
    }

    /// What it shares with those workers that are threads.
    pub(crate) fn local(&self) -> &Arc<Local> {
        &self.local
    }

    /// Sees to it that there are at least so many workers, all at their places. A process is always
    /// full: who has no part in a case sleeps through it.
    ///
    /// # Errors
    /// [`Error::Start`] names the first that could not be started.
    pub fn muster(&mut self, workers: u32) -> Result<(), Error> {
        let had = self.size();
        let each = self.each();
        let full = workers.next_multiple_of(each).max(had);
        let new: Vec<Wid> = (1..=full).filter(|&w| w > had || self.board.take_dead(w)).collect();
        for &worker in new.iter().filter(|&worker| (worker - 1) % each == 0) {
            self.start(worker).map_err(|source| Error::Start { worker, source })?;
        }
        for worker in new {
            let deadline = Instant::now() + self.staff.silence;
            while self.board.identity(worker).is_none() {
                self.board.hear_within(DRIVER, Some(LOOK));
                if self.is_gone(worker) || Instant::now() > deadline {
                    self.spoilt = true;
                    let source = io::Error::other("it ended, or did not answer, before its first case");
                    return Err(Error::Start { worker, source });
                }
            }
        }
        Ok(())
    }

    fn size(&self) -> u32 {
        match &self.hands {
            Hands::Threads { workers, .. } => workers.len() as u32,
            Hands::Processes { each, processes, .. } => processes.len() as u32 * each,
        }
    }

    /// How many workers are started at a time.
    fn each(&self) -> u32 {
        match &self.hands {
            Hands::Threads { .. } => 1,
            Hands::Processes { each, .. } => *each,
        }
    }

    /// Starts this worker, and who else lives in its process.
    fn start(&mut self, wid: Wid) -> io::Result<()> {
        match &mut self.hands {
            Hands::Threads { workers, mutex } => {
                workers.push(thread::start(&self.staff, &self.board, &self.local, mutex, wid)?);
            }
            Hands::Processes { each, processes, for_them, .. } => {
                let workers = wid..=wid + *each - 1;
                let new = process::start(&self.staff, &self.board, for_them, workers)?;
                match processes.get_mut(((wid - 1) / *each) as usize) {
                    Some(dead) => *dead = new,
                    None => processes.push(new),
                }
            }
        }
        Ok(())
    }

    /// Kills the process of this worker, which sleeps at a point, and waits until it is gone: whoever
    /// looks for it finds nobody, and the kernel has taken back what it held. All who live there die.
    ///
    /// # Errors
    /// [`Error::Start`] when that cannot be done.
    pub fn kill(&mut self, wid: Wid) -> Result<(), Error> {
        let each = self.each();
        let nth = (wid - 1) / each;
        if let Hands::Processes { processes, .. } = &mut self.hands
            && let Some(child) = processes.get_mut(nth as usize)
        {
            let killed = child.kill().and_then(|()| child.wait());
            killed.map_err(|source| Error::Start { worker: wid, source })?;
        }
        (nth * each + 1..=nth * each + each).for_each(|wid| self.board.bury(wid));
        Ok(())
    }

    /// Has this worker left without being told to, alone or with its process?
    pub fn is_gone(&mut self, wid: Wid) -> bool {
        self.board.has_left(wid)
            || match &mut self.hands {
                Hands::Threads { .. } => false,
                Hands::Processes { each, processes, .. } => {
                    let process = processes.get_mut((wid - 1) as usize / *each as usize);
                    process.is_none_or(|child| !matches!(child.try_wait(), Ok(None)))
                }
            }
    }

    /// The process ids of the processes that were started for the workers.
    pub fn pids(&self) -> Vec<u32> {
        match &self.hands {
            Hands::Threads { .. } => Vec::new(),
            Hands::Processes { processes, .. } => processes.iter().map(Child::id).collect(),
        }
    }

    /// Some worker of this crew will never be heard of again. Threads cannot be stopped from outside,
    /// so they are not waited for.
    pub fn spoil(&mut self) {
        self.spoilt = true;
    }
}

impl Deref for Crew {
    type Target = Board;
    fn deref(&self) -> &Board {
        &self.board
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        for lane in 1..=self.size() as usize {
            self.board.ring(lane, bell::LEAVE);
        }
        match &mut self.hands {
            Hands::Threads { workers, .. } if !self.spoilt => {
                for worker in workers.drain(..) {
                    let _ = worker.join();
                }
            }
            Hands::Threads { .. } => {}
            Hands::Processes { processes, .. } => {
                for process in processes {
                    let _ = process.kill();
                    let _ = process.wait();
                }
            }
        }
    }
}
