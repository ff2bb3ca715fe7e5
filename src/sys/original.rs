//! clone(2), made by a program that is stopped: it is copied where it stands.
//!
//! All of it is for the thread that traces the program.

use std::io;

use super::tracee::{Event, Registers, Stopped, event_of, kill};

/// A file that a program reads, at a place that a copy would share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Its descriptor.
    pub fd: i32,
    /// As it was opened.
    pub flags: i32,
    /// How far it has come.
    pub place: u64,
}

/// A program that stands before a call, to be copied there again and again. It is killed when this is dropped.
#[derive(Debug)]
pub struct Original {
    held: Held,
    /// As they are behind the instruction of the call, with what it is called with.
    registers: Registers,
    call: i64,
    /// Where the kernel is to write a zero when a copy's first thread ends.
    clears: u64,
    /// The list of robust futexes, and its length; not inherited, and set again in each copy.
    robust: (u64, u64),
    /// Opened again in each copy.
    readings: Vec<Reading>,
}

/// A stopped program that is killed, and waited for, when nobody needs it any more.
#[derive(Debug)]
pub struct Held(i32);

impl Held {
    /// Whoever gets it looks after it.
    pub fn released(self) -> Stopped {
        let stopped = self.stopped();
        std::mem::forget(self);
        stopped
    }

    /// Takes it over.
    pub fn new(stopped: Stopped) -> Self {
        Held(stopped.tid())
    }

    /// Its process.
    pub fn pid(&self) -> i32 {
        self.0
    }

    /// For looking at it.
    pub fn stopped(&self) -> Stopped {
        Stopped::known(self.0)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // Where the thread that traced it is gone, it was killed with that one, and somebody else may have waited for it:
        // then its number is not ours any more.
        if is_held(self.0) {
            kill(self.0);
            while event_of(self.0).is_ok_and(|event| !matches!(event, Event::Exited(..) | Event::Killed(..)))
            {
            }
        }
    }
}

/// Is it there, stopped, and traced by this thread?
fn is_held(pid: i32) -> bool {
    Stopped::known(pid).registers().is_ok()
}

impl Original {
    /// A program that is about to make a call of the filter, and will not get to make it; its copies will.
    ///
    /// # Errors
    /// When it was killed meanwhile.
    pub fn new(stopped: Stopped, readings: Vec<Reading>) -> io::Result<Self> {
        let held = Held::new(stopped);
        let registers = held.stopped().registers()?;
        let mut skipped = registers;
        skipped.answer(0);
        held.stopped().set_registers(&skipped)?;
        held.stopped().finish_call()?;
        match event_of(held.pid())? {
            Event::CallDone(_) => {}
            other => return Err(unexpected(&other)),
        }
        let robust = robust_list(held.pid())?;
        let mut original = Original { call: registers.call(), registers, clears: 0, robust, readings, held };
        let scratch = original.scratch();
        let asked = original.step(original.held.pid(), libc::SYS_prctl, &[PR_GET_TID_ADDRESS, scratch]);
        // A kernel without checkpoints does not tell.
        if asked? == 0 {
            let mut address = [0; 8];
            original.held.stopped().read(scratch, &mut address)?;
            original.clears = u64::from_ne_bytes(address);
        }
        Ok(original)
    }

    /// Its process.
    pub fn pid(&self) -> i32 {
        self.held.pid()
    }

    /// A copy, which is a child of ours and traced as it is. Where it is let go, it is about to make the same call.
    ///
    /// # Errors
    /// When the original was killed meanwhile, or there can be no other process.
    pub fn copy(&self) -> io::Result<Stopped> {
        let mut flags = (libc::CLONE_PARENT | libc::SIGCHLD) as u64;
        if self.clears != 0 {
            flags |= libc::CLONE_CHILD_CLEARTID as u64;
        }
        let words = if cfg!(target_arch = "aarch64") {
            [flags, 0, 0, 0, self.clears]
        } else {
            [flags, 0, 0, self.clears, 0]
        };
        let original = self.held.stopped();
        self.set_call(&original, libc::SYS_clone, &words)?;
        original.step()?;
        let child = match event_of(self.pid())? {
            Event::Parent { child: Some(child), .. } if child > 0 => child,
            // Refused: it did not come to that.
            Event::Signal(stopped, Some(libc::SIGTRAP)) => {
                let error = stopped.registers()?.result();
                return Err(io::Error::from_raw_os_error(-error as i32));
            }
            other => return Err(unexpected(&other)),
        };
        let copy = match event_of(child)? {
            Event::Signal(stopped, None) => Held::new(stopped),
            other => {
                kill(child);
                return Err(unexpected(&other));
            }
        };
        self.held.stopped().step()?;
        match event_of(self.pid())? {
            Event::Signal(_, Some(libc::SIGTRAP)) => {}
            other => return Err(unexpected(&other)),
        }
        // As it is for whoever is started: the first of its session and of its group, which kill(0) means.
        self.step(child, libc::SYS_setsid, &[])?;
        if self.robust.0 != 0 {
            self.step(child, libc::SYS_set_robust_list, &[self.robust.0, self.robust.1])?;
        }
        for reading in &self.readings {
            self.open_again(&copy, reading)?;
        }
        self.set_call(&copy.stopped(), self.call, &self.registers.words())?;
        Ok(copy.released())
    }

    /// Memory that nobody uses: below the stack, and below what a handler of signals leaves alone there.
    fn scratch(&self) -> u64 {
        (self.registers.stack() - 1024) & !7
    }

    /// The same file, at the same place, which is the copy's own then.
    fn open_again(&self, copy: &Held, of: &Reading) -> io::Result<()> {
        let call = |call, words: &[u64]| match self.step(copy.pid(), call, words)? {
            error @ ..0 => Err(io::Error::from_raw_os_error(-error as i32)),
            result => Ok(result as u64),
        };
        let path = format!("/proc/self/fd/{}\0", of.fd);
        copy.stopped().write(self.scratch(), path.as_bytes())?;
        let here = libc::AT_FDCWD as u64;
        let another = call(libc::SYS_openat, &[here, self.scratch(), of.flags as u64, 0])?;
        call(libc::SYS_lseek, &[another, of.place, libc::SEEK_SET as u64])?;
        let closes = of.flags & libc::O_CLOEXEC;
        call(libc::SYS_dup3, &[another, of.fd as u64, closes as u64])?;
        call(libc::SYS_close, &[another]).map(drop)
    }

    /// It, or a copy of it, makes this call.
    fn step(&self, pid: i32, call: i64, words: &[u64]) -> io::Result<i64> {
        let stopped = Stopped::known(pid);
        self.set_call(&stopped, call, words)?;
        stopped.step()?;
        let mut event = event_of(pid)?;
        // One of the filter.
        if let Event::Call(stopped) = event {
            stopped.step()?;
            event = event_of(pid)?;
        }
        match event {
            Event::Signal(stopped, Some(libc::SIGTRAP)) => Ok(stopped.registers()?.result()),
            other => Err(unexpected(&other)),
        }
    }

    fn set_call(&self, stopped: &Stopped, call: i64, words: &[u64]) -> io::Result<()> {
        let mut registers = self.registers;
        for (nth, &word) in words.iter().enumerate() {
            registers.set_word(nth, word);
        }
        registers.again(call);
        stopped.set_registers(&registers)
    }
}

const PR_GET_TID_ADDRESS: u64 = 40;

fn unexpected(event: &Event) -> io::Error {
    match event {
        Event::Exited(..) | Event::Killed(..) => io::Error::from_raw_os_error(libc::ESRCH),
        other => io::Error::other(format!("a program that is copied said {other:?}")),
    }
}

/// Where a program keeps its list of robust futexes.
fn robust_list(pid: i32) -> io::Result<(u64, u64)> {
    let (mut head, mut length) = (0_u64, 0_u64);
    // SAFETY: two words of our own are written.
    match unsafe { libc::syscall(libc::SYS_get_robust_list, pid, &raw mut head, &raw mut length) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok((head, length)),
    }
}
