//! What is done at each stop of a program.

use std::io;
use std::path::{Path, PathBuf};

use crate::history::What;
use crate::schedule::Wid;
use crate::sys::tracee::{Registers, Stopped};

use super::call::{
    Call, ENTER, LEAVE, Said, Subject, View, follows, is_lock_command, process_of, result_words,
};
use super::course::Course;
use super::family::{Family, Pending, State, answer};
use super::place;
use super::table::{Kind, is_harmless};

/// The devices that give bytes by chance.
const CHANCE: [&str; 2] = ["/dev/random", "/dev/urandom"];
/// An auxiliary value that is to be passed over, and those that are.
const AT_IGNORE: u64 = 1;
const AT_RANDOM: u64 = 25;
const AT_SYSINFO_EHDR: u64 = 33;

impl Family<'_> {
    /// A program is about to make a call of the filter.
    pub(super) fn on_call(&mut self, stopped: Stopped) -> io::Result<()> {
        let registers = stopped.registers()?;
        self.on_call_of(stopped, registers)
    }

    /// The same, where its registers are known.
    pub(super) fn on_call_of(&mut self, stopped: Stopped, registers: Registers) -> io::Result<()> {
        let tid = stopped.tid();
        let words = registers.words();
        let (worker, process) = {
            let task = &self.tasks[&tid];
            (task.worker, task.process)
        };
        let known = self.table.of(registers.call());
        self.moved |= moves(registers.call());
        if let Some(course) = self.courses.get_mut(&worker) {
            course.calls(known.map(|(_, kind)| kind), words);
        }
        let Some((name, kind)) = known else {
            // It may send a signal: there are more ways than kill.
            self.signalled = true;
            return stopped.go(None);
        };
        let call = |subject, bytes| Call { name, kind, registers, subject, bytes };
        match kind {
            Kind::Clock(form) => return self.tell_time(stopped, worker, form, registers),
            Kind::Sleep { clock, flags, time } => return self.on_sleep(stopped, [clock, flags], time, words),
            Kind::Wait(patience) => return self.on_wait(stopped, patience, registers),
            Kind::Futex => return self.on_futex(stopped, registers),
            Kind::Chance => return self.on_chance(stopped, worker, words[0], words[1]),
            Kind::Timer(form) => return self.on_timer(stopped, process, form, registers),
            Kind::Refused => return answer(stopped, -i64::from(libc::ENOSYS)),
            Kind::Control => {
                if !is_harmless(words[1]) {
                    self.note_strange(&stopped, process, name, [None, None, Some(0)], words);
                }
                return stopped.go(None);
            }
            Kind::Handler => return self.on_handler(stopped, process, words),
            Kind::Strange { at, path, fd } => {
                self.note_strange(&stopped, process, name, [at, path, fd], words);
                return stopped.go(None);
            }
            Kind::Exit => {
                return match self.processes.get(&process) {
                    Some(of) if of.is_root || !of.opened.is_empty() => {
                        let own = Subject::Own(of.is_root.then_some(worker), of.opened.clone());
                        if let Some(course) = self.courses.get_mut(&worker) {
                            course.ends(words[0]);
                        }
                        self.arrive(stopped, call(own, Vec::new()));
                        Ok(())
                    }
                    _ => stopped.go(None),
                };
            }
            // What is closed at an exec gives its locks back.
            Kind::Exec { path, fd } => {
                self.note_strange(&stopped, process, name, [fd, Some(path), fd], words);
                return match self.processes.get(&process) {
                    Some(of) if !of.opened.is_empty() => {
                        let own = Subject::Own(None, of.opened.clone());
                        self.arrive(stopped, call(own, Vec::new()));
                        Ok(())
                    }
                    _ => stopped.go(None),
                };
            }
            Kind::Kill { .. } | Kind::LookAtProcess => {
                let pid = if let Kind::Kill { pid, .. } = kind { words[pid] } else { words[0] } as i32;
                return match self.tids.get(&pid) {
                    Some(&other) if other != worker => {
                        self.arrive(stopped, call(Subject::Worker(other), Vec::new()));
                        Ok(())
                    }
                    _ => {
                        self.lose(worker);
                        self.signalled = true;
                        stopped.go(None)
                    }
                };
            }
            Kind::CloseRange => {
                return match self.processes.get(&process) {
                    Some(of) if !of.opened.is_empty() => {
                        self.arrive(stopped, call(Subject::Files(Vec::new()), Vec::new()));
                        Ok(())
                    }
                    _ => stopped.go(None),
                };
            }
            _ => {}
        }
        if let Some(said) = self.paths_said(&stopped, process, kind, words)? {
            let targets: Vec<_> = said
                .iter()
                .map(|one| self.places.resolve(process, &one.base, &one.path, one.follow))
                .collect();
            if let Some(last) = targets[0].path.file_name() {
                if last == ENTER && self.taken.contains_key(&worker) && !self.exact {
                    // The step that let it in is over, so nothing is chosen here. Where there was none, something has to be:
                    // else all are inside before the first choice.
                    self.log(worker, What::Entered);
                    return stopped.go(None);
                }
                if last == ENTER || last == LEAVE {
                    self.arrive(stopped, call(Subject::Paths(said), Vec::new()));
                    return Ok(());
                }
            }
            let other = |path: &Path| process_of(path).and_then(|pid| self.tids.get(&pid)) != Some(&worker);
            let watched = targets.iter().any(|target| {
                self.places.hold(&target.path)
                    || !target.links.is_empty()
                    || process_of(&target.path).is_some_and(|pid| self.tids.contains_key(&pid))
                        && other(&target.path)
            });
            if !watched {
                self.note_outside(kind, words, worker, &targets[0].path);
                if is_of_the_kernel(&targets[0].path) {
                    self.lose(worker);
                }
                return stopped.go(None);
            }
            let mut bytes = Vec::new();
            match kind {
                Kind::Open2 => {
                    bytes.resize(8, 0);
                    stopped.read(words[2], &mut bytes)?;
                }
                Kind::Symlink { .. } => bytes = stopped.read_text(words[0]).unwrap_or_default(),
                _ => {}
            }
            self.arrive(stopped, call(Subject::Paths(said), bytes));
            return Ok(());
        }
        self.on_descriptor(stopped, process, call(Subject::Files(Vec::new()), Vec::new()))
    }

    /// A call that is not held: does it touch something that is watched?
    fn note_strange(
        &mut self,
        stopped: &Stopped,
        process: i32,
        name: &str,
        [at, path, fd]: [Option<usize>; 3],
        words: [u64; 6],
    ) {
        // The address of a socket begins with two bytes of its own.
        let skip = if matches!(name, "bind" | "connect") { 2 } else { 0 };
        let text = |nth: usize| stopped.read_text(words[nth] + skip).ok();
        let by_path = path.and_then(text).filter(|text| !text.is_empty());
        let touched = match (by_path, fd) {
            (Some(text), _) => {
                let path = place::path(text);
                let base = match at.map(|nth| words[nth] as i32) {
                    None | Some(libc::AT_FDCWD) => self.folder_of(process),
                    Some(fd) => place::descriptor_path(process, fd),
                };
                let base = base.unwrap_or_default();
                let target = self.places.resolve(process, &base, &path, true);
                Some((target.path, !target.links.is_empty()))
            }
            (None, Some(nth)) => place::descriptor_path(process, words[nth] as i32).map(|path| (path, false)),
            (None, None) => None,
        };
        if let Some((path, by_link)) = touched
            && (by_link || self.places.hold(place::without_deleted(&path)))
        {
            self.strange.insert(format!("{name}({:?})", self.places.shown(&path)));
        }
    }

    /// A file that is not watched is opened to be written, or made.
    fn note_outside(&mut self, kind: Kind, words: [u64; 6], worker: Wid, path: &Path) {
        let writes = match kind {
            Kind::Open { flags: Some(nth), .. } => {
                words[nth] as i32 & (libc::O_ACCMODE | libc::O_CREAT) != libc::O_RDONLY
            }
            Kind::Make { .. } => true,
            _ => false,
        };
        let device = path.starts_with("/dev") && !path.starts_with("/dev/shm");
        if writes && !device && !path.starts_with("/proc") {
            self.outside.entry(path.to_owned()).or_default().insert(worker);
            self.strayed = true;
        }
        let alters = matches!(
            kind,
            Kind::Symlink { .. }
                | Kind::Link { .. }
                | Kind::Rename { .. }
                | Kind::Remove { .. }
                | Kind::Change { .. }
                | Kind::Times { .. }
        );
        if alters {
            self.altered.insert(path.to_owned());
            self.strayed = true;
        }
        self.census |= matches!(kind, Kind::Open { .. } | Kind::Open2) && path == Path::new("/proc");
    }

    /// The paths that a call is made with; none where it is made with descriptors alone.
    fn paths_said(
        &mut self,
        stopped: &Stopped,
        process: i32,
        kind: Kind,
        words: [u64; 6],
    ) -> io::Result<Option<Vec<Said>>> {
        let one = |at: Option<usize>, path: usize, follow| vec![(at, path, follow)];
        let flag = |nth: Option<usize>, flag: i32| nth.is_some_and(|nth| words[nth] as i32 & flag != 0);
        let wanted = match kind {
            Kind::Open { at, path, flags } => {
                let never = libc::O_NOFOLLOW;
                let exclusive = libc::O_CREAT | libc::O_EXCL;
                let set = flags.map_or(0, |nth| words[nth] as i32);
                one(at, path, set & never == 0 && set & exclusive != exclusive)
            }
            Kind::Open2 => one(Some(0), 1, true),
            Kind::Stat { at, path, follows: how, .. }
            | Kind::Look { at, path, follows: how }
            | Kind::Change { at, path, follows: how } => one(at, path, follows(how, words)),
            Kind::Times { at, path, .. } => {
                one(at, path, !flag(Some(3), libc::AT_SYMLINK_NOFOLLOW) || at.is_none())
            }
            Kind::Make { at, path } | Kind::Symlink { at, path } | Kind::Remove { at, path, .. } => {
                one(at, path, false)
            }
            Kind::Link { at, paths, flags } => {
                let follow = flag(flags, libc::AT_SYMLINK_FOLLOW);
                let at = at.map_or([None; 2], |at| at.map(Some));
                vec![(at[0], paths[0], follow), (at[1], paths[1], false)]
            }
            Kind::Rename { at, paths, .. } => {
                let at = at.map_or([None; 2], |at| at.map(Some));
                vec![(at[0], paths[0], false), (at[1], paths[1], false)]
            }
            _ => return Ok(None),
        };
        let mut said = Vec::new();
        for (at, path, follow) in wanted {
            // A descriptor alone: futimens.
            if words[path] == 0 {
                return Ok(None);
            }
            let text = match stopped.read_text(words[path]) {
                Ok(text) => text,
                // The kernel says the same.
                Err(why) if why.raw_os_error() == Some(libc::ESRCH) => return Err(why),
                Err(_) => Vec::new(),
            };
            if text.is_empty() && matches!(kind, Kind::Stat { .. }) {
                return Ok(None);
            }
            let path = place::path(text);
            let base = match at.map(|nth| words[nth] as i32) {
                _ if path.is_absolute() => PathBuf::new(),
                None | Some(libc::AT_FDCWD) => self.folder_of(process).unwrap_or_default(),
                Some(fd) => place::descriptor_path(process, fd).unwrap_or_default(),
            };
            said.push(Said { base, path, follow });
        }
        Ok(Some(said))
    }

    fn on_descriptor(&mut self, stopped: Stopped, process: i32, mut call: Call) -> io::Result<()> {
        let words = call.registers.words();
        let fds = match call.kind {
            Kind::Dup2 => vec![words[1] as i32],
            Kind::Copy { from, to } => vec![words[from] as i32, words[to] as i32],
            Kind::Map => vec![words[4] as i32],
            _ => vec![words[0] as i32],
        };
        let matters = match call.kind {
            Kind::Fcntl => is_lock_command(words[1] as i32),
            Kind::Seek => matches!(words[2] as i32, libc::SEEK_END | libc::SEEK_DATA | libc::SEEK_HOLE),
            Kind::Map => words[3] as i32 & libc::MAP_ANONYMOUS == 0,
            _ => true,
        };
        if !matters {
            return stopped.go(None);
        }
        // For each of them the watched file, if it stands for one.
        let (mut held, mut piped) = (Vec::new(), None);
        let worker = self.tasks.get(&stopped.tid()).map_or(0, |task| task.worker);
        for fd in fds {
            held.push(None);
            let Some(path) = place::descriptor_path(process, fd) else { continue };
            if call.name == "read" && CHANCE.iter().any(|chance| path == Path::new(chance)) {
                return self.on_chance(stopped, worker, words[1], words[2]);
            }
            if !path.is_absolute() {
                piped = Some(path);
            } else if self.places.hold(place::without_deleted(&path)) {
                held.pop();
                held.push(place::descriptor_inode(process, fd).map(|inode| (path, inode)));
            } else if is_of_the_kernel(&path) {
                self.lose(worker);
            }
        }
        if held.iter().all(Option::is_none) {
            // A pipe, a socket, and the like: it may wait for somebody.
            if let Some(path) = piped
                && matches!(call.kind, Kind::FdRead | Kind::FdWrite { .. } | Kind::Copy { .. })
            {
                let outside = path.as_os_str().as_encoded_bytes().starts_with(b"socket");
                return self.wait(stopped, call.registers, None, outside);
            }
            // Others who do not watch it either may have to do with it.
            if matches!(call.kind, Kind::Flock | Kind::Fcntl | Kind::FdChange | Kind::Copy { .. }) {
                self.lose(worker);
            }
            return stopped.go(None);
        }
        if let Kind::Copy { .. } = call.kind {
            call.kind = match held[..] {
                [Some(_), None] => Kind::FdRead,
                [None, Some(_)] => Kind::FdWrite { bytes: None },
                _ => call.kind,
            };
        }
        match call.kind {
            Kind::FdWrite { bytes: Some([at, length]) } => {
                call.bytes.resize(words[length].min(64) as usize, 0);
                if stopped.read(words[at], &mut call.bytes).is_err() {
                    call.bytes.clear();
                }
            }
            Kind::Fcntl => {
                call.bytes.resize(32, 0);
                if stopped.read(words[2], &mut call.bytes).is_err() {
                    call.bytes.clear();
                }
            }
            _ => {}
        }
        call.subject = Subject::Files(held.into_iter().flatten().collect());
        self.arrive(stopped, call);
        Ok(())
    }

    /// It says what is done when a signal comes.
    fn on_handler(&mut self, stopped: Stopped, process: i32, words: [u64; 6]) -> io::Result<()> {
        let mut bytes = [0; 16];
        if words[1] != 0
            && stopped.read(words[1], &mut bytes).is_ok()
            && let Some(of) = self.processes.get_mut(&process)
        {
            let word =
                |nth: usize| u64::from_ne_bytes(bytes[8 * nth..][..8].try_into().expect("eight bytes"));
            let (handler, flags) = (word(0), word(1));
            let is_one = ![libc::SIG_DFL as u64, libc::SIG_IGN as u64].contains(&handler);
            let signal = words[0] as i32;
            match is_one && flags & libc::SA_RESTART as u64 == 0 {
                true => of.handlers.insert(signal),
                false => of.handlers.remove(&signal),
            };
        }
        stopped.go(None)
    }

    /// It has become another program: its clock is made visible, its chance the same in each run.
    pub(super) fn on_exec(&mut self, stopped: Stopped) -> io::Result<()> {
        let tid = stopped.tid();
        self.tasks.retain(|&other, task| task.process != tid || other == tid);
        if let Some(task) = self.tasks.get_mut(&tid) {
            task.state = State::Running;
            self.began.insert(task.worker);
        }
        if let Some(of) = self.processes.get_mut(&tid) {
            of.handlers.clear();
            of.timers.exec();
        }
        if let Some(freed) = self.locks.left(tid) {
            self.changed(tid, &freed);
        }
        if let Some(&worker) = self.tids.get(&tid) {
            self.lose(worker);
        }
        let mut class = [0; 5];
        let program = std::fs::File::open(format!("/proc/{tid}/exe"));
        if let Ok(mut program) = program
            && io::Read::read_exact(&mut program, &mut class).is_ok()
            && class == *b"\x7fELF\x01"
        {
            self.refusal
                .get_or_insert_with(|| "it is a 32-bit program, whose calls are not known".to_owned());
            crate::sys::tracee::kill(tid);
        }
        let stack = stopped.registers()?.stack();
        let word = |at: u64| -> io::Result<u64> {
            let mut bytes = [0; 8];
            stopped.read(at, &mut bytes).map(|()| u64::from_ne_bytes(bytes))
        };
        // The number of words, the words, a null, the environment, a null, and then pairs up to a null.
        let mut at = stack + 8 * (word(stack)? + 2);
        while word(at)? != 0 {
            at += 8;
        }
        at += 8;
        loop {
            match word(at)? {
                0 => break,
                AT_SYSINFO_EHDR => stopped.write(at, &AT_IGNORE.to_ne_bytes())?,
                AT_RANDOM => stopped.write(word(at + 8)?, &[0x5a; 16])?,
                _ => {}
            }
            at += 16;
        }
        stopped.go(None)
    }

    /// The chosen call is made.
    pub(super) fn perform(&mut self, stopped: Stopped, mut pending: Pending) -> io::Result<()> {
        let tid = stopped.tid();
        let process = self.tasks[&tid].process;
        let worker = self.tasks[&tid].worker;
        if pending.call.kind == Kind::Exit {
            let code = pending.call.registers.words()[0] as i32 & 0xff;
            let text = format!("exit_group({code})");
            self.log(worker, What::Note(text.clone()));
            let accesses = pending.next().to_vec();
            if self.exact {
                self.locks.leave(process, accesses.clone());
            }
            self.stepped(tid, &accesses, &text, true);
            return stopped.go(None);
        }
        if let Kind::Exec { .. } = pending.call.kind {
            let text = "execve()".to_owned();
            self.log(worker, What::Note(text.clone()));
            let accesses = pending.next().to_vec();
            self.locks.leave(process, accesses.clone());
            self.stepped(tid, &accesses, &text, true);
            return stopped.go(None);
        }
        if let Subject::Paths(said) = &pending.call.subject
            && let Some(last) = said[0].path.file_name()
            && (last == ENTER || last == LEAVE)
        {
            let (what, text) = match last == ENTER {
                true => (What::Entered, "goes inside"),
                false => (What::Left, "comes out"),
            };
            self.log(worker, what);
            let accesses = pending.next().to_vec();
            self.stepped(tid, &accesses, text, true);
            return stopped.go(None);
        }
        self.note_before(&mut pending, process);
        if self.deaf && pending.call.takes_lock() {
            self.deafened += 1;
            return self.pretend(stopped, pending, 0);
        }
        if let Some((nth, count)) = pending.count {
            let mut registers = pending.call.registers;
            registers.set_word(nth, count);
            stopped.set_registers(&registers)?;
        }
        if let Some(registers) = pending.call.without_exclusion().filter(|_| self.deaf) {
            stopped.set_registers(&registers)?;
            self.deafened += 1;
        }
        let waits_for_others = matches!(pending.call.kind, Kind::Open { .. } | Kind::Open2)
            && self.paths_of(&pending.call, process).iter().any(|path| is_fifo(path));
        if let Some(registers) = pending.call.without_waiting() {
            stopped.set_registers(&registers)?;
        }
        if waits_for_others || self.is_piped(&pending.call, process) {
            // Opening a FIFO waits for the other side, and so does whoever copies from a pipe or into one.
            let registers = pending.call.registers;
            let accesses = pending.next().to_vec();
            let (places, numbers, tids) = (&mut self.places, &mut self.numbers, &self.tids);
            let text = pending.call.told(&mut View { places, numbers, tids, process });
            self.log(worker, What::Note(text.clone()));
            self.stepped(tid, &accesses, &text, true);
            if !waits_for_others {
                self.changed(tid, &accesses);
            }
            return self.wait(stopped, registers, None, false);
        }
        if let Some(task) = self.tasks.get_mut(&tid) {
            task.state = State::Acting(pending);
        }
        stopped.finish_call()
    }

    /// Does it copy between a file and a pipe, or the like?
    fn is_piped(&self, call: &Call, process: i32) -> bool {
        let Some((_, Kind::Copy { from, to })) = self.table.of(call.registers.call()) else { return false };
        let words = call.registers.words();
        let path = |nth: usize| place::descriptor_path(process, words[nth] as i32);
        [from, to].into_iter().filter_map(path).any(|path| !path.is_absolute())
    }

    /// A call on something watched is over.
    pub(super) fn on_done(&mut self, stopped: Stopped, pending: Pending) -> io::Result<()> {
        let tid = stopped.tid();
        let (process, worker) = {
            let task = &self.tasks[&tid];
            (task.process, task.worker)
        };
        let mut registers = stopped.registers()?;
        let mut result = registers.result();
        let call = &pending.call;
        if self.deaf && result == -i64::from(libc::EEXIST) && call.makes_lock() {
            result = 0;
            registers.set_result(0);
            stopped.set_registers(&registers)?;
            self.deafened += 1;
        }
        let waits = call.without_waiting().is_some();
        if waits || pending.count.is_some() {
            for (nth, word) in call.registers.words().into_iter().enumerate() {
                registers.set_word(nth, word);
            }
            if waits && [libc::EAGAIN, libc::EACCES].contains(&(-result as i32)) {
                // Back to where it was, and there it stays until somebody gives way.
                let mut again = call.registers;
                again.again(call.registers.call());
                stopped.set_registers(&again)?;
                self.log(worker, What::Blocked);
                if let Some(task) = self.tasks.get_mut(&tid) {
                    task.state = State::Returning(pending);
                }
                return stopped.go(None);
            }
            stopped.set_registers(&registers)?;
        }
        let age = if result >= 0 { self.take_effect(&stopped, &pending, process)? } else { None };
        let shown = self.shown_result(&stopped, call, result);
        let (places, numbers, tids) = (&mut self.places, &mut self.numbers, &self.tids);
        let mut view = View { places, numbers, tids, process };
        let mut text = format!("{} = {}", call.told(&mut view), result_words(shown));
        if let Some(age) = age.filter(|age| *age != 0) {
            text += &format!(", {}", age_words(age));
        }
        self.log(worker, What::Note(text.clone()));
        if result >= 0 && self.reads.is_on() {
            let paths = self.paths_of(&pending.call, process);
            let seen = self.reads.after(worker, &pending.call, &paths, &pending.before);
            if let Some(what) = seen {
                self.log(worker, what);
            }
        }
        self.signalled |= matches!(call.kind, Kind::Kill { .. });
        self.tell(worker, &stopped, &pending, result);
        let effect = result >= 0 && has_effect(call, self.processes.get(&process).is_some_and(|of| of.locks));
        let accesses = pending.next().to_vec();
        self.stepped(tid, &accesses, &text, effect);
        if result >= 0 && has_effect(call, true) {
            self.changed(tid, &accesses);
        }
        if let Some(ending) = self.courses.get(&worker).and_then(Course::ending) {
            registers.set_word(0, ending.code);
            registers.again(libc::SYS_exit_group);
            stopped.set_registers(&registers)?;
            // With the last of which it stops itself.
            self.stops += ending.stops - 1;
            self.sent += 1;
        }
        stopped.go(None)
    }

    /// The call is not made, and the program is told that this has come of it.
    pub(super) fn pretend(&mut self, stopped: Stopped, pending: Pending, result: i64) -> io::Result<()> {
        let tid = stopped.tid();
        let Some(task) = self.tasks.get(&tid) else { return Ok(()) };
        let (process, worker) = (task.process, task.worker);
        let (places, numbers, tids) = (&mut self.places, &mut self.numbers, &self.tids);
        let told = pending.call.told(&mut View { places, numbers, tids, process });
        let text = format!("{told} = {}", result_words(result));
        self.log(worker, What::Note(text.clone()));
        let accesses = pending.next().to_vec();
        self.stepped(tid, &accesses, &text, true);
        answer(stopped, result)
    }
}

/// May the folder that a process is in be another one after this call?
fn moves(call: i64) -> bool {
    [
        libc::SYS_chdir,
        libc::SYS_fchdir,
        libc::SYS_chroot,
        libc::SYS_pivot_root,
        libc::SYS_unshare,
        libc::SYS_setns,
    ]
    .contains(&call)
}

/// Is it something that the kernel makes up, which may be another time?
fn is_of_the_kernel(path: &Path) -> bool {
    path.starts_with("/proc") || path.starts_with("/sys")
}

fn is_fifo(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt;
    std::fs::metadata(path).is_ok_and(|found| found.file_type().is_fifo())
}

/// Does this call, if it goes well, change something that another may wait for?
fn has_effect(call: &Call, locks: bool) -> bool {
    match call.kind {
        Kind::Open { .. } | Kind::Open2 => call.open_flags() & (libc::O_CREAT | libc::O_TRUNC) != 0,
        Kind::Close | Kind::CloseRange | Kind::Dup2 => locks,
        Kind::Make { .. }
        | Kind::Symlink { .. }
        | Kind::Link { .. }
        | Kind::Rename { .. }
        | Kind::Remove { .. }
        | Kind::Change { .. }
        | Kind::Times { .. }
        | Kind::FdWrite { .. }
        | Kind::FdChange
        | Kind::Copy { .. }
        | Kind::Flock
        | Kind::Fcntl
        | Kind::Kill { .. }
        | Kind::Exit => true,
        _ => false,
    }
}

fn age_words(seconds: i64) -> String {
    match seconds {
        ..0 => format!("{} s ahead", -seconds),
        0..120 => format!("{seconds} s old"),
        120..7200 if seconds % 3600 != 0 => format!("{} min old", seconds / 60),
        _ if seconds < 2 * 86400 => format!("{} h old", seconds / 3600),
        _ => format!("{} days old", seconds / 86400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_in_words() {
        let words = [(-3, "3 s ahead"), (59, "59 s old"), (3600, "1 h old"), (3599, "59 min old")];
        for (seconds, said) in words {
            assert_eq!(age_words(seconds), said);
        }
    }
}
