//! ptrace(2) and seccomp(2): a program that is held at its calls.
//!
//! All of it is for one thread: the one that starts the programs is the one that waits for them.

use std::ffi::{CStr, CString};
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::sys::ptrace::{self, Options};
use nix::sys::uio::{RemoteIoVec, process_vm_readv, process_vm_writev};
use nix::unistd::Pid;
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};

pub use self::registers::Registers;

/// The calls at which a program stops.
#[derive(Clone)]
pub struct Filter(BpfProgram);

impl Filter {
    /// A filter that stops a program at all calls but these, by number.
    ///
    /// # Errors
    /// Where the kernel's filters are not known for this processor.
    pub fn all_but(calls: impl IntoIterator<Item = i64>) -> io::Result<Self> {
        let rules = calls.into_iter().map(|call| (call, Vec::new())).collect();
        let arch = std::env::consts::ARCH.try_into().map_err(io::Error::other)?;
        let filter = SeccompFilter::new(rules, SeccompAction::Trace(0), SeccompAction::Allow, arch);
        let program = filter.and_then(BpfProgram::try_from).map_err(io::Error::other)?;
        Ok(Filter(program))
    }
}

/// A program to be started, with all that it takes made ready beforehand.
pub struct Start<'a> {
    /// The file that is executed.
    pub path: &'a CStr,
    /// Its words, the first its own name.
    pub words: &'a [CString],
    /// `NAME=value`.
    pub environment: &'a [CString],
    /// Where it is started.
    pub folder: &'a CStr,
    /// Standard input, output, and error.
    pub streams: [RawFd; 3],
    /// Where it stops.
    pub filter: &'a Filter,
}

/// A program on its way: what it says if it could not be executed.
pub struct Newborn {
    /// Its process.
    pub pid: i32,
    said: OwnedFd,
}

impl Newborn {
    /// Why it ended before it was executed.
    pub fn last_words(&self) -> io::Error {
        let mut errno = [0; 4];
        match rustix::io::read(&self.said, &mut errno) {
            Ok(4) => io::Error::from_raw_os_error(i32::from_ne_bytes(errno)),
            _ => io::Error::other("it ended before it began"),
        }
    }
}

/// Starts a program that is traced from its first call on, and is killed when this thread ends.
///
/// # Errors
/// When there can be no other process, or it may not be traced.
pub fn start(start: &Start<'_>) -> io::Result<Newborn> {
    let words = pointers(start.words);
    let environment = pointers(start.environment);
    let (go, ready) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
    let (said, say) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
    let parent = std::process::id();
    // SAFETY: the child makes async-signal-safe calls alone, allocates nothing, and never returns.
    let pid = match unsafe { libc::fork() } {
        -1 => return Err(io::Error::last_os_error()),
        0 => {
            let error = become_program(start, &words, &environment, go.as_raw_fd(), parent);
            let errno = error.to_ne_bytes();
            // SAFETY: four bytes of our own; then this process is over.
            unsafe {
                libc::write(say.as_raw_fd(), errno.as_ptr().cast(), errno.len());
                libc::_exit(127)
            }
        }
        pid => pid,
    };
    let options = Options::PTRACE_O_EXITKILL
        | Options::PTRACE_O_TRACESECCOMP
        | Options::PTRACE_O_TRACESYSGOOD
        | Options::PTRACE_O_TRACEEXEC
        | Options::PTRACE_O_TRACEFORK
        | Options::PTRACE_O_TRACEVFORK
        | Options::PTRACE_O_TRACEVFORKDONE
        | Options::PTRACE_O_TRACECLONE;
    if let Err(why) = ptrace::seize(Pid::from_raw(pid), options) {
        kill(pid);
        let _ = rustix::process::waitpid(
            rustix::process::Pid::from_raw(pid),
            rustix::process::WaitOptions::empty(),
        );
        return Err(why.into());
    }
    rustix::io::write(&ready, b"!")?;
    Ok(Newborn { pid, said })
}

/// What execve(2) wants: the addresses, and a null.
fn pointers(words: &[CString]) -> Vec<*const libc::c_char> {
    words.iter().map(|word| word.as_ptr()).chain([std::ptr::null()]).collect()
}

/// In the child. Comes back with an error only.
fn become_program(
    start: &Start<'_>,
    words: &[*const libc::c_char],
    environment: &[*const libc::c_char],
    go: RawFd,
    parent: u32,
) -> i32 {
    // SAFETY: plain system calls on descriptors and strings that live until the program is executed;
    // nothing is allocated. The filter is installed by one prctl and one seccomp call.
    unsafe {
        // Until it is traced nobody else would end it: other children that are on their way hold the pipe open as well.
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
        if libc::getppid() as u32 != parent {
            return libc::ESRCH;
        }
        let mut byte = 0_u8;
        if libc::read(go, (&raw mut byte).cast(), 1) != 1 {
            return libc::ESRCH;
        }
        libc::prctl(libc::PR_SET_PDEATHSIG, 0);
        libc::setsid();
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &none, std::ptr::null_mut());
        libc::signal(libc::SIGPIPE, libc::SIG_DFL);
        for (wanted, have) in (0..).zip(start.streams) {
            if libc::dup2(have, wanted) < 0 {
                return *libc::__errno_location();
            }
        }
        let core = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        libc::setrlimit(libc::RLIMIT_CORE, &core);
        libc::personality(libc::ADDR_NO_RANDOMIZE as libc::c_ulong);
        if libc::chdir(start.folder.as_ptr()) != 0 {
            return *libc::__errno_location();
        }
        if seccompiler::apply_filter(&start.filter.0).is_err() {
            return *libc::__errno_location();
        }
        libc::execve(start.path.as_ptr(), words.as_ptr(), environment.as_ptr());
        *libc::__errno_location()
    }
}

/// Ends a process with all its threads.
pub fn kill(pid: i32) {
    // SAFETY: a plain system call.
    unsafe { libc::kill(pid, libc::SIGKILL) };
}

/// Sends a signal to a thread of a process, or to any of them, as a timer would: with the timer's number, and what it brings along.
///
/// # Errors
/// ESRCH when it is gone.
pub fn ring(process: i32, thread: Option<i32>, signal: i32, timer: i32, value: u64) -> io::Result<()> {
    // siginfo_t: the signal, an error, the code, a gap; then the timer, how often it was late, the value.
    let mut info = [0_u64; 16];
    info[0] = u64::from(signal as u32);
    info[1] = u64::from(libc::SI_TIMER as u32);
    info[2] = u64::from(timer as u32);
    info[3] = value;
    // SAFETY: the kernel reads the 128 bytes of a siginfo_t, and there are as many.
    let went = unsafe {
        match thread {
            Some(tid) => libc::syscall(libc::SYS_rt_tgsigqueueinfo, process, tid, signal, info.as_ptr()),
            None => libc::syscall(libc::SYS_rt_sigqueueinfo, process, signal, info.as_ptr()),
        }
    };
    if went == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Sends a signal to a thread of a process.
///
/// # Errors
/// ESRCH when it is gone.
pub fn signal(process: i32, thread: i32, signal: i32) -> io::Result<()> {
    // SAFETY: a plain system call.
    let went = unsafe { libc::tgkill(process, thread, signal) };
    if went == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// What has become of a program that was let go.
#[derive(Debug)]
pub enum Event {
    /// It is about to make a call of the filter.
    Call(Stopped),
    /// The call that it was [let go to the end of](Stopped::finish_call) is over.
    CallDone(Stopped),
    /// It has become another program.
    Exec(Stopped),
    /// It has made a process or a thread, or is done waiting for one (vfork).
    Parent {
        /// The one that has.
        parent: Stopped,
        /// The one that is made; none when a vfork is over.
        child: Option<i32>,
        /// It does not go on before the child has its own program (vfork).
        waits: bool,
    },
    /// A signal is on its way to it; or it was made just now, or [interrupted](interrupt): then there is none.
    Signal(Stopped, Option<i32>),
    /// It is stopped by a signal of its own (SIGSTOP and its kind).
    Halted(Stopped),
    /// It is over, by its own will, with this code.
    Exited(i32, i32),
    /// It is over, by this signal.
    Killed(i32, i32),
}

/// The next event of any program that this thread has started. `None`: nothing has happened yet, if it may
/// not wait; or nobody is left.
///
/// # Errors
/// What waitpid(2) fails with.
pub fn next_event(may_wait: bool) -> io::Result<Option<Event>> {
    wait(-1, may_wait)
}

/// The next event of this one, for which it waits.
///
/// # Errors
/// ESRCH when it is gone, and somebody was told.
pub(super) fn event_of(tid: i32) -> io::Result<Event> {
    wait(tid, true)?.ok_or_else(|| io::Error::from_raw_os_error(libc::ESRCH))
}

fn wait(whom: i32, may_wait: bool) -> io::Result<Option<Event>> {
    let mut status = 0;
    let options = libc::__WALL | libc::__WNOTHREAD | if may_wait { 0 } else { libc::WNOHANG };
    let pid = loop {
        // SAFETY: the status is written to a variable of our own.
        match unsafe { libc::waitpid(whom, &mut status, options) } {
            -1 => match Errno::last() {
                Errno::EINTR => {}
                Errno::ECHILD => return Ok(None),
                why => return Err(why.into()),
            },
            0 => return Ok(None),
            pid => break pid,
        }
    };
    if libc::WIFEXITED(status) {
        return Ok(Some(Event::Exited(pid, libc::WEXITSTATUS(status))));
    }
    if libc::WIFSIGNALED(status) {
        return Ok(Some(Event::Killed(pid, libc::WTERMSIG(status))));
    }
    let stopped = Stopped(pid);
    let signal = libc::WSTOPSIG(status);
    Ok(Some(match status >> 16 {
        libc::PTRACE_EVENT_SECCOMP => Event::Call(stopped),
        libc::PTRACE_EVENT_EXEC => Event::Exec(stopped),
        made @ (libc::PTRACE_EVENT_FORK | libc::PTRACE_EVENT_VFORK | libc::PTRACE_EVENT_CLONE) => {
            let child = Some(stopped.message()? as i32);
            Event::Parent { parent: stopped, child, waits: made == libc::PTRACE_EVENT_VFORK }
        }
        libc::PTRACE_EVENT_VFORK_DONE => Event::Parent { parent: stopped, child: None, waits: false },
        libc::PTRACE_EVENT_STOP if signal == libc::SIGTRAP => Event::Signal(stopped, None),
        libc::PTRACE_EVENT_STOP => Event::Halted(stopped),
        _ if signal == libc::SIGTRAP | 0x80 => Event::CallDone(stopped),
        _ => Event::Signal(stopped, Some(signal)),
    }))
}

/// A thread that stands still. Letting it go uses this up, so that nobody can ask a running one.
///
/// All of it fails with ESRCH when the thread was killed meanwhile; its end is an event like others.
#[must_use]
#[derive(Debug)]
pub struct Stopped(i32);

impl Stopped {
    /// Who.
    pub fn tid(&self) -> i32 {
        self.0
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.0)
    }

    /// For tests: of a thread that is not traced. It can be read, and not let go on.
    #[cfg(test)]
    pub fn pretended(tid: i32) -> Self {
        Stopped(tid)
    }

    fn message(&self) -> io::Result<libc::c_long> {
        match ptrace::getevent(self.pid()) {
            // Killed while it told us: its child will tell of itself.
            Err(Errno::ESRCH) => Ok(0),
            other => Ok(other?),
        }
    }

    /// Its registers.
    ///
    /// # Errors
    /// See [`Stopped`].
    pub fn registers(&self) -> io::Result<Registers> {
        Ok(Registers::of(ptrace::getregs(self.pid())?))
    }

    /// Sets them.
    ///
    /// # Errors
    /// See [`Stopped`].
    pub fn set_registers(&self, registers: &Registers) -> io::Result<()> {
        Ok(ptrace::setregs(self.pid(), registers.raw())?)
    }

    /// Copies its memory.
    ///
    /// # Errors
    /// EFAULT where it has none.
    pub fn read(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        let remote = [RemoteIoVec { base: at as usize, len: into.len() }];
        let wanted = into.len();
        let got = process_vm_readv(self.pid(), &mut [io::IoSliceMut::new(into)], &remote)?;
        if got == wanted { Ok(()) } else { Err(io::Error::from_raw_os_error(libc::EFAULT)) }
    }

    /// Changes its memory.
    ///
    /// # Errors
    /// EFAULT where it has none, or may not write.
    pub fn write(&self, at: u64, bytes: &[u8]) -> io::Result<()> {
        let remote = [RemoteIoVec { base: at as usize, len: bytes.len() }];
        let put = process_vm_writev(self.pid(), &[io::IoSlice::new(bytes)], &remote)?;
        if put == bytes.len() { Ok(()) } else { Err(io::Error::from_raw_os_error(libc::EFAULT)) }
    }

    /// A text that ends with a zero, without it.
    ///
    /// # Errors
    /// EFAULT where there is none, ENAMETOOLONG where it is longer than a path may be.
    pub fn read_text(&self, at: u64) -> io::Result<Vec<u8>> {
        let mut text = Vec::new();
        while text.len() < libc::PATH_MAX as usize {
            // Never over the edge of a page: the next one may not be there.
            let from = at + text.len() as u64;
            let mut piece = [0; 256];
            let piece = &mut piece[..(4096 - from % 4096).min(256) as usize];
            self.read(from, piece)?;
            match piece.iter().position(|&byte| byte == 0) {
                Some(end) => {
                    text.extend_from_slice(&piece[..end]);
                    return Ok(text);
                }
                None => text.extend_from_slice(piece),
            }
        }
        Err(io::Error::from_raw_os_error(libc::ENAMETOOLONG))
    }

    /// Lets it go on to the next call of the filter, with this signal if there is one.
    ///
    /// # Errors
    /// See [`Stopped`].
    pub fn go(self, signal: Option<i32>) -> io::Result<()> {
        self.resume(libc::PTRACE_CONT, signal)
    }

    /// Lets it make the call that it is about to make, and stops it when that is over.
    ///
    /// # Errors
    /// See [`Stopped`].
    pub fn finish_call(self) -> io::Result<()> {
        self.resume(libc::PTRACE_SYSCALL, None)
    }

    /// Where the kernel keeps what restartable sequences are told (rseq); empty where there are none.
    pub fn restartable(&self) -> std::ops::Range<u64> {
        const PTRACE_GET_RSEQ_CONFIGURATION: libc::c_uint = 0x420f;
        // The address, the size and the signature in one word, flags.
        let mut said = [0_u64; 3];
        // SAFETY: the kernel writes at most as many bytes as it is told there are.
        let got = unsafe {
            libc::ptrace(
                PTRACE_GET_RSEQ_CONFIGURATION,
                self.0,
                size_of_val(&said) as *mut libc::c_void,
                said.as_mut_ptr(),
            )
        };
        if got <= 0 || said[0] == 0 { 0..0 } else { said[0]..said[0] + (said[1] & 0xffff_ffff) }
    }

    /// Lets it take one instruction, with the call that this may be.
    pub(super) fn step(self) -> io::Result<()> {
        self.resume(libc::PTRACE_SINGLESTEP, None)
    }

    /// One that is known to stand still.
    pub(super) fn known(tid: i32) -> Self {
        Stopped(tid)
    }

    /// Leaves it halted, until a signal ends that.
    ///
    /// # Errors
    /// See [`Stopped`].
    pub fn stay_halted(self) -> io::Result<()> {
        self.resume(libc::PTRACE_LISTEN, None)
    }

    // nix knows no real-time signals.
    fn resume(self, how: libc::c_uint, signal: Option<i32>) -> io::Result<()> {
        let signal = signal.unwrap_or(0) as usize as *mut libc::c_void;
        // SAFETY: these requests take a number and touch no memory of ours.
        let went = unsafe { libc::ptrace(how, self.0, std::ptr::null_mut::<libc::c_void>(), signal) };
        if went == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}

/// Stops a thread that runs, or is in a call that waits: that call then ends early.
///
/// # Errors
/// ESRCH when it is gone.
pub fn interrupt(tid: i32) -> io::Result<()> {
    Ok(ptrace::interrupt(Pid::from_raw(tid))?)
}

/// Where a program's text goes: a file, emptied.
///
/// # Errors
/// When it cannot be made.
pub fn text_file(path: &std::path::Path) -> io::Result<File> {
    File::options().create(true).append(true).read(true).open(path).and_then(|file| {
        file.set_len(0)?;
        Ok(file)
    })
}

#[cfg(target_arch = "x86_64")]
mod registers {
    /// The registers of a thread that is at a call.
    #[derive(Clone, Copy, Debug)]
    pub struct Registers(libc::user_regs_struct);

    impl Registers {
        pub(super) fn of(raw: libc::user_regs_struct) -> Self {
            Registers(raw)
        }

        /// For tests: those of a thread before this call.
        #[cfg(test)]
        pub fn pretended(call: i64, words: [u64; 6]) -> Self {
            // SAFETY: it consists of numbers.
            let mut registers = Registers(unsafe { std::mem::zeroed() });
            registers.0.orig_rax = call as u64;
            (0..).zip(words).for_each(|(nth, word)| registers.set_word(nth, word));
            registers
        }

        pub(super) fn raw(&self) -> libc::user_regs_struct {
            self.0
        }

        /// The number of the call.
        pub fn call(&self) -> i64 {
            self.0.orig_rax as i64
        }

        /// What it is called with.
        pub fn words(&self) -> [u64; 6] {
            let r = &self.0;
            [r.rdi, r.rsi, r.rdx, r.r10, r.r8, r.r9]
        }

        /// Calls with something else.
        pub fn set_word(&mut self, nth: usize, word: u64) {
            let r = &mut self.0;
            *[&mut r.rdi, &mut r.rsi, &mut r.rdx, &mut r.r10, &mut r.r8, &mut r.r9][nth] = word;
        }

        /// What the call has returned; an error is below zero.
        pub fn result(&self) -> i64 {
            self.0.rax as i64
        }

        /// The call is not made, or not begun again, and this is what it returns.
        pub fn answer(&mut self, result: i64) {
            self.0.orig_rax = u64::MAX;
            self.0.rax = result as u64;
        }

        /// Returns something else than the kernel said.
        pub fn set_result(&mut self, result: i64) {
            self.0.rax = result as u64;
        }

        /// The call that is over is made once more, with the same words.
        pub fn again(&mut self, call: i64) {
            // `syscall` is two bytes long.
            self.0.rip -= 2;
            self.0.rax = call as u64;
        }

        /// Where its stack begins.
        pub fn stack(&self) -> u64 {
            self.0.rsp
        }

        /// Do two programs that stand at a call go on in the same way?
        pub fn is_same(&self, other: &Registers) -> bool {
            let all = |of: &Registers| {
                let r = &of.0;
                let kept = [r.rbx, r.rbp, r.r12, r.r13, r.r14, r.r15, r.rip, r.rsp, r.orig_rax];
                (kept, of.words(), [r.fs_base, r.gs_base, r.eflags])
            };
            all(self) == all(other)
        }
    }
}

#[cfg(target_arch = "aarch64")]
mod registers {
    /// The registers of a thread that is at a call.
    #[derive(Clone, Copy, Debug)]
    pub struct Registers {
        raw: libc::user_regs_struct,
    }

    #[allow(missing_docs)]
    impl Registers {
        pub(super) fn of(raw: libc::user_regs_struct) -> Self {
            Registers { raw }
        }

        pub(super) fn raw(&self) -> libc::user_regs_struct {
            self.raw
        }

        pub fn call(&self) -> i64 {
            self.raw.regs[8] as i64
        }

        pub fn words(&self) -> [u64; 6] {
            std::array::from_fn(|nth| self.raw.regs[nth])
        }

        pub fn set_word(&mut self, nth: usize, word: u64) {
            self.raw.regs[nth] = word;
        }

        pub fn result(&self) -> i64 {
            self.raw.regs[0] as i64
        }

        /// A number that no call has: the kernel answers with ENOSYS, and leaves the result to whoever traces.
        pub fn answer(&mut self, result: i64) {
            self.raw.regs[8] = u64::MAX;
            self.raw.regs[0] = result as u64;
        }

        pub fn set_result(&mut self, result: i64) {
            self.raw.regs[0] = result as u64;
        }

        pub fn again(&mut self, call: i64) {
            self.raw.pc -= 4;
            self.raw.regs[8] = call as u64;
        }

        pub fn stack(&self) -> u64 {
            self.raw.sp
        }

        pub fn is_same(&self, other: &Registers) -> bool {
            let all = |of: &Registers| (of.raw.regs, of.raw.sp, of.raw.pc, of.raw.pstate);
            all(self) == all(other)
        }
    }
}
