//! The program, run as a user runs it: in a folder of its own, watched, and looked after.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};
use serde_json::Value;
use tempfile::TempDir;

pub const LOCKFUZZ: &str = env!("CARGO_BIN_EXE_lockfuzz");

/// Long enough for the slowest machine; whoever needs all of it hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// A folder with room for all that a run of the program leaves: its shared files in `dir`, what it
/// says in `out` and `err`.
pub struct Home(TempDir);

impl Home {
    pub fn new() -> Self {
        let home = Home(super::folder());
        fs::create_dir(home.dir()).unwrap();
        home
    }

    pub fn path(&self, name: impl AsRef<OsStr>) -> PathBuf {
        self.0.path().join(name.as_ref())
    }

    /// What is given as `--dir`.
    pub fn dir(&self) -> PathBuf {
        self.path("dir")
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// lockfuzz at work in this folder.
    pub fn lockfuzz<S: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = S>) -> Command {
        let mut command = self.command(LOCKFUZZ);
        command.args(words);
        command
    }

    /// `lockfuzz fuzz`, with the shared files in [`dir`](Home::dir).
    pub fn fuzz(&self, words: &str) -> Command {
        let mut command = self.lockfuzz(["fuzz", "--dir"]);
        command.arg(self.dir()).args(words.split_whitespace());
        command
    }

    /// Any program, in this folder, with none of the variables that lockfuzz listens to. Were there a
    /// panic, its backtrace would be seen.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.0.path()).stdin(Stdio::null()).env("RUST_BACKTRACE", "1");
        for (name, _) in std::env::vars_os() {
            if name.as_bytes().starts_with(b"PROPTEST_") || name == "NO_COLOR" {
                command.env_remove(name);
            }
        }
        command
    }

    /// Starts it, and lets it speak into files.
    ///
    /// A shell that starts the tests in the background lets them ignore Ctrl-C, and that is inherited.
    pub fn start(&self, mut command: Command) -> Running<'_> {
        // SAFETY: signal(2) may be called between fork and exec, and nothing else is done there.
        unsafe {
            command.pre_exec(|| match libc::signal(libc::SIGINT, libc::SIG_DFL) {
                libc::SIG_ERR => Err(std::io::Error::last_os_error()),
                _ => Ok(()),
            });
        }
        let [out, err] = ["out", "err"].map(|name| File::create(self.path(name)).unwrap());
        let child = command.stdout(out).stderr(err).spawn().unwrap();
        Running { home: self, pidfd: watch(pid(child.id())).unwrap(), child }
    }

    /// All processes that have this folder among their words.
    pub fn processes(&self) -> Vec<Pid> {
        self.processes_with("")
    }

    /// Those among them that also have this word.
    pub fn processes_with(&self, word: &str) -> Vec<Pid> {
        let has = |line: &[u8], text: &[u8]| line.windows(text.len()).any(|part| part == text);
        let ours = |pid: &u32| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let mut words = line.split(|&byte| byte == 0);
            has(&line, self.0.path().as_os_str().as_bytes())
                && (word.is_empty() || words.any(|w| w == word.as_bytes()))
        };
        let numbers =
            fs::read_dir("/proc").unwrap().filter_map(|e| e.ok()?.file_name().to_str()?.parse().ok());
        numbers.filter(ours).map(pid).collect()
    }

    pub fn workers(&self) -> Vec<Pid> {
        self.processes_with("worker")
    }

    /// What lies in [`dir`](Home::dir).
    pub fn left(&self) -> Vec<PathBuf> {
        let mut left: Vec<PathBuf> = fs::read_dir(self.dir()).unwrap().map(|e| e.unwrap().path()).collect();
        left.sort();
        left
    }

    /// Waits until the last of our processes is gone; then nothing may be left in the folder.
    #[track_caller]
    pub fn assert_clean_in_the_end(&self) {
        let deadline = Instant::now() + PATIENCE;
        while let Some(&pid) = self.processes().first() {
            assert!(Instant::now() < deadline, "process {pid:?} stays behind");
            if let Some(pidfd) = watch(pid) {
                ended_within(&pidfd, PATIENCE);
            }
        }
        assert_eq!(self.left(), Vec::<PathBuf>::new(), "left behind");
    }

    /// Nothing is left behind, neither a process nor a file.
    #[track_caller]
    pub fn assert_clean(&self) {
        assert_eq!(self.processes(), [], "left behind");
        assert_eq!(self.left(), Vec::<PathBuf>::new(), "left behind");
    }

    /// A library that, loaded before the C library, lets flock(2) say yes to everybody. None, with the
    /// reason printed, where there is no C compiler.
    pub fn broken_flock(&self) -> Option<PathBuf> {
        self.write("flock.c", "int flock(int file, int how) { return 0; }\n");
        let made = self.command("cc").args(["-shared", "-fPIC", "-o", "flock.so", "flock.c"]).output();
        let works = made.as_ref().is_ok_and(|made| made.status.success());
        if !works {
            eprintln!("skipped, as there is no C compiler: {made:?}");
        }
        works.then(|| self.path("flock.so"))
    }

    /// A case of two workers under a lock that breaks it, or, for a sound lock, would.
    pub fn case(&self, lock: &str, placement: &str) -> PathBuf {
        self.write("case.json", case(lock, placement).to_string())
    }
}

/// A saved case as one writes it by hand: two workers write and then read.
pub fn case(lock: &str, placement: &str) -> Value {
    serde_json::json!({
        "format": "lockfuzz/counterexample/1",
        "case": {
            "lock": lock, "placement": placement, "scope": "session", "order": "as-generated",
            "workers": 2,
            "schedule": [
                {"at": 0.0, "commands": [[1, "write"], [2, "write"]]},
                {"at": 0.5, "commands": [[1, "read"], [2, "read"]]},
            ],
        },
        "history": [],
        "verdict": {
            "verdict": "fail", "law": "read-back", "saw": {"worker": 2}, "wrote": 0,
            "worker": 1, "tick": 1, "command": "read", "event": 4,
        },
    })
}

/// The program while it runs. It is killed if the test ends first.
pub struct Running<'a> {
    home: &'a Home,
    child: Child,
    pidfd: OwnedFd,
}

impl Running<'_> {
    pub fn pid(&self) -> Pid {
        pid(self.child.id())
    }

    /// Waits for something to be seen while the program runs.
    #[track_caller]
    pub fn wait_for<T>(&self, what: &str, mut see: impl FnMut() -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let ended = self.ended_within(Duration::from_millis(5));
            if let Some(seen) = see() {
                return seen;
            }
            assert!(!ended, "ended without {what}: {}", self.err());
            assert!(Instant::now() < deadline, "no {what} yet");
        }
    }

    /// Waits until something has been said on standard output.
    #[track_caller]
    pub fn wait_for_header(&self) {
        self.wait_for("header", || fs::metadata(self.home.path("out")).ok().filter(|m| m.len() > 0));
    }

    /// Waits until a row is finished.
    #[track_caller]
    pub fn wait_for_row(&self) {
        self.wait_for("row", || self.err().contains('\n').then_some(()));
    }

    /// Waits until a case has begun: its shared file is there.
    #[track_caller]
    pub fn wait_for_case(&self) {
        let begun = |engine: PathBuf| {
            let mut files = fs::read_dir(engine).ok()?.filter_map(|e| e.ok()?.file_name().into_string().ok());
            files.find(|name| name.starts_with("case-") && name.ends_with(".json"))
        };
        let engines = || {
            let folder = self.home.left().pop()?;
            let inside =
                |folder: PathBuf| fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.path());
            inside(folder).flat_map(inside).find_map(begun)
        };
        self.wait_for("case", engines);
    }

    /// Waits until there are at least so many worker processes.
    #[track_caller]
    pub fn wait_for_workers(&self, count: usize) -> Vec<Pid> {
        self.wait_for("workers", || Some(self.home.workers()).filter(|workers| workers.len() >= count))
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    pub fn err(&self) -> String {
        fs::read_to_string(self.home.path("err")).unwrap()
    }

    /// Does it end in so much time?
    pub fn ended_within(&self, time: Duration) -> bool {
        ended_within(&self.pidfd, time)
    }

    /// Waits for its end.
    #[track_caller]
    pub fn end(mut self) -> Ran {
        assert!(self.ended_within(PATIENCE), "it hangs: {}", self.err());
        let status = self.child.wait().unwrap();
        let read = |name| fs::read(self.home.path(name)).unwrap();
        Ran::from(Output { status, stdout: read("out"), stderr: read("err") })
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a run of the program left on the screen.
#[derive(Debug)]
pub struct Ran {
    /// The exit code; of a program that a signal ended, as a shell has it.
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let code = output.status.code().or(output.status.signal().map(|signal| 128 + signal)).unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ran { code, out: text(output.stdout), err: text(output.stderr) }
    }
}

impl Ran {
    #[track_caller]
    pub fn assert_code(&self, code: i32) -> &Self {
        assert_eq!(self.code, code, "\n{}\n{}", self.out, self.err);
        assert!(!self.err.contains("panicked") && !self.err.contains("backtrace"), "{}", self.err);
        self
    }
}

/// Runs it to its end.
#[track_caller]
pub fn run(mut command: Command) -> Ran {
    Ran::from(command.output().unwrap())
}

pub fn ended_within(pidfd: &OwnedFd, time: Duration) -> bool {
    let mut fds = [PollFd::new(pidfd, PollFlags::IN)];
    poll(&mut fds, Some(&Timespec::try_from(time).unwrap())).unwrap() > 0
}

/// Something to wait with for the end of a process; none if it has ended.
pub fn watch(pid: Pid) -> Option<OwnedFd> {
    pidfd_open(pid, PidfdFlags::empty()).ok()
}

pub fn pid(id: u32) -> Pid {
    Pid::from_raw(id as i32).unwrap()
}

/// What mounts a small file system over [`Home::dir`] that nobody else sees: the words that come before
/// the command. At the end a list of what lies there is in the file `left`. None, with the reason
/// printed, where mounting is not possible.
pub fn mounted(home: &Home, options: &str) -> Option<Command> {
    let script = "mount -t tmpfs -o \"$0\" tmpfs \"$1\" && dir=$1 && shift && \"$@\"; code=$?; \
                  ls -A \"$dir\" >left; exit $code";
    let unshare = if rustix::process::geteuid().is_root() { "-m" } else { "-rm" };
    let command = || {
        let mut command = home.command("unshare");
        command.args([unshare, "sh", "-c", script, options]).arg(home.dir());
        command
    };
    let tried = command().arg("true").output();
    match tried {
        Ok(tried) if tried.status.success() => Some(command()),
        Ok(tried) => {
            eprintln!("skipped, as nothing can be mounted: {}", String::from_utf8_lossy(&tried.stderr));
            None
        }
        Err(why) => {
            eprintln!("skipped, as nothing can be mounted: unshare: {why}");
            None
        }
    }
}

pub fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|why| panic!("{why}: {text}"))
}
