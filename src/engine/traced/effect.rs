//! What a call on something watched has come to: what it did to files and their times, and what was told of that.

use std::io;
use std::path::PathBuf;

use crate::schedule::Wid;
use crate::sys::tracee::Stopped;

use super::call::{Call, Subject, surplus, tame_bytes};
use super::clock::{self, Of, length};
use super::family::{Family, Pending};
use super::place;
use super::table::{Form, Kind, TimesForm};

impl Family<'_> {
    /// What a copy is told by a call, besides its result.
    pub(super) fn tell(&mut self, worker: Wid, stopped: &Stopped, pending: &Pending, result: i64) {
        let Some(course) = self.courses.get_mut(&worker).filter(|_| result >= 0) else { return };
        let call = &pending.call;
        let words = call.registers.words();
        let mut read = |at: u64, length: usize| {
            let mut bytes = vec![0; length];
            match stopped.read(at, &mut bytes) {
                Ok(()) => course.hears(tame_bytes(&bytes, &self.tids).as_bytes()),
                Err(_) => course.lose(),
            }
        };
        match (call.kind, call.name) {
            (Kind::FdRead, "read" | "pread64") | (Kind::Look { .. }, "readlink") => {
                read(words[1], result as usize);
            }
            (Kind::Look { .. }, "readlinkat") => read(words[2], result as usize),
            (Kind::Look { .. }, "access" | "faccessat" | "faccessat2") => {}
            (Kind::Stat { form: form @ (Form::Stat(at) | Form::Statx(at)), .. }, _) => {
                let mut bytes = vec![0; length(form)];
                match stopped.read(words[at], &mut bytes) {
                    Ok(()) => course.sees(form, &mut bytes),
                    Err(_) => course.lose(),
                }
            }
            (Kind::FdStat, _) => {
                let mut bytes = vec![0; length(Form::Stat(1))];
                match stopped.read(words[1], &mut bytes) {
                    Ok(()) => course.sees(Form::Stat(1), &mut bytes),
                    Err(_) => course.lose(),
                }
            }
            (Kind::Fcntl, _) if [libc::F_GETLK, libc::F_OFD_GETLK].contains(&(words[1] as i32)) => {
                course.lose()
            }
            (Kind::FdRead | Kind::FdList | Kind::Map | Kind::Look { .. }, _) => course.lose(),
            (_, "fstatfs") => course.lose(),
            _ => {}
        }
    }

    /// How many bytes were read or written, as if pids were the names of their workers: how many digits a pid has
    /// differs from run to run.
    pub(super) fn shown_result(&self, stopped: &Stopped, call: &Call, result: i64) -> i64 {
        const MOST: i64 = 4096;
        let moves = matches!(call.name, "read" | "pread64" | "write" | "pwrite64");
        if !moves || !(1..=MOST).contains(&result) {
            return result;
        }
        let mut bytes = vec![0; result as usize];
        match stopped.read(call.registers.words()[1], &mut bytes) {
            Ok(()) => result - surplus(&bytes, &self.tids),
            Err(_) => result,
        }
    }

    /// What a call that went well has done to the files' times, and to what its process has; how old the file is that it
    /// looked at.
    pub(super) fn take_effect(
        &mut self,
        stopped: &Stopped,
        pending: &Pending,
        process: i32,
    ) -> io::Result<Option<i64>> {
        let call = &pending.call;
        let words = call.registers.words();
        let paths = self.paths_of(call, process);
        // What a descriptor stands for stays the same.
        let by_path = matches!(call.subject, Subject::Paths(_));
        let after: Vec<_> = paths.iter().filter(|_| by_path).map(|path| place::inode(path)).collect();
        let folder_of = |nth: usize| paths.get(nth).and_then(|path| path.parent()).and_then(place::inode);
        let names_changed = [Of::Modify, Of::Change];
        match call.kind {
            Kind::Open { .. } | Kind::Open2 => {
                let Some(inode) = after[0] else { return Ok(None) };
                if pending.before[0].is_none() && call.open_flags() & libc::O_CREAT != 0 {
                    self.clock.create(inode);
                    if let Some(folder) = folder_of(0) {
                        self.clock.touch(folder, &names_changed);
                    }
                } else if call.open_flags() & libc::O_TRUNC != 0 {
                    self.clock.touch(inode, &names_changed);
                }
                if let Some(of) = self.processes.get_mut(&process)
                    && !of.opened.contains(&inode)
                {
                    of.opened.push(inode);
                }
            }
            Kind::Make { .. } | Kind::Symlink { .. } => {
                if let Some(inode) = after[0] {
                    self.clock.create(inode);
                }
                if let Some(folder) = folder_of(0) {
                    self.clock.touch(folder, &names_changed);
                }
            }
            Kind::Remove { .. } | Kind::Rename { .. } | Kind::Link { .. } => {
                for inode in pending.before.iter().flatten() {
                    self.clock.touch(*inode, &[Of::Change]);
                }
                for folder in [folder_of(0), folder_of(1)].into_iter().flatten() {
                    self.clock.touch(folder, &names_changed);
                }
            }
            Kind::Change { .. } => {
                if let Some(inode) = after[0] {
                    let times = if call.name == "truncate" { &names_changed[..] } else { &[Of::Change] };
                    self.clock.touch(inode, times);
                }
            }
            Kind::Times { times, form, .. } => self.set_times(stopped, call, words[times], form, &after),
            Kind::FdWrite { .. } | Kind::FdChange => {
                for (_, inode) in files(call) {
                    let times = if call.name.starts_with("fch") { &[Of::Change][..] } else { &names_changed };
                    self.clock.touch(*inode, times);
                }
            }
            Kind::Copy { .. } => {
                if let Some((_, inode)) = files(call).last() {
                    self.clock.touch(*inode, &names_changed);
                }
            }
            Kind::Map => {
                let names: Vec<_> = files(call).iter().map(|(path, _)| self.places.shown(path)).collect();
                self.mapped.extend(names);
            }
            Kind::Flock | Kind::Fcntl => {
                if let Some(of) = self.processes.get_mut(&process) {
                    of.locks = true;
                }
                if let Some(worker) = self.tids.get(&process).copied() {
                    for &(_, inode) in files(call) {
                        self.locks.note(worker, inode, call.kind);
                    }
                }
            }
            Kind::Stat { form, .. } => {
                let inode = match &call.subject {
                    Subject::Files(files) => files.first().map(|(_, inode)| *inode),
                    _ => after[0],
                };
                return self.amend(stopped, inode, form, words);
            }
            Kind::FdStat => {
                let inode = files(call).first().map(|(_, inode)| *inode);
                return self.amend(stopped, inode, Form::Stat(1), words);
            }
            _ => {}
        }
        Ok(None)
    }

    fn amend(
        &mut self,
        stopped: &Stopped,
        inode: Option<clock::Inode>,
        form: Form,
        words: [u64; 6],
    ) -> io::Result<Option<i64>> {
        let (Some(inode), Form::Stat(at) | Form::Statx(at)) = (inode, form) else { return Ok(None) };
        let mut bytes = vec![0; length(form)];
        stopped.read(words[at], &mut bytes)?;
        let age = self.clock.amend(inode, form, &mut bytes);
        stopped.write(words[at], &bytes)?;
        Ok(Some(age))
    }

    fn set_times(
        &mut self,
        stopped: &Stopped,
        call: &Call,
        at: u64,
        form: TimesForm,
        after: &[Option<clock::Inode>],
    ) {
        let inode = files(call).first().map(|(_, inode)| *inode).or(after.first().copied().flatten());
        let Some(inode) = inode else { return };
        self.clock.touch(inode, &[Of::Change]);
        let now = self.clock.stamp();
        let mut bytes = [0; 32];
        let size = if form == TimesForm::Seconds { 8 } else { 16 };
        if at == 0 || stopped.read(at, &mut bytes[..2 * size]).is_err() {
            return self.clock.touch(inode, &[Of::Access, Of::Modify]);
        }
        for (time, piece) in [Of::Access, Of::Modify].into_iter().zip(bytes.chunks(size)) {
            let part = |from: usize| i64::from_ne_bytes(piece[from..from + 8].try_into().expect("eight"));
            let stamp = match form {
                TimesForm::Seconds => (part(0), 0),
                TimesForm::Val => (part(0), (part(8) * 1000) as u32),
                TimesForm::Spec if part(8) == libc::UTIME_NOW => now,
                TimesForm::Spec if part(8) == libc::UTIME_OMIT => continue,
                TimesForm::Spec => (part(0), part(8) as u32),
            };
            self.clock.set(inode, time, stamp);
        }
    }
}

fn files(call: &Call) -> &[(PathBuf, clock::Inode)] {
    match &call.subject {
        Subject::Files(files) => files,
        _ => &[],
    }
}
