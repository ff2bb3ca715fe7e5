//! The calls at which a program is held, and what each is about.

/// What a call is about. Numbers are places among its words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// open: the path, its folder, the flags.
    Open { at: Option<usize>, path: usize, flags: Option<usize> },
    /// openat2: the flags are in memory.
    Open2,
    /// Looks at the attributes of a path; where they are put.
    Stat { at: Option<usize>, path: usize, follows: Follows, form: Form },
    /// Looks whether there is one, or what it says of itself.
    Look { at: Option<usize>, path: usize, follows: Follows },
    /// Makes a name.
    Make { at: Option<usize>, path: usize },
    /// Makes a symbolic link: the text and the path.
    Symlink { at: Option<usize>, path: usize },
    /// Makes another name: folders and paths, the flags.
    Link { at: Option<[usize; 2]>, paths: [usize; 2], flags: Option<usize> },
    /// Moves a name.
    Rename { at: Option<[usize; 2]>, paths: [usize; 2], flags: Option<usize> },
    /// Removes a name.
    Remove { at: Option<usize>, path: usize, flags: Option<usize> },
    /// Changes what is behind a path.
    Change { at: Option<usize>, path: usize, follows: Follows },
    /// Sets its times: where they are, and of which form.
    Times { at: Option<usize>, path: usize, times: usize, form: TimesForm },
    /// Looks at what is behind a descriptor.
    FdLook,
    /// Reads from a descriptor; may wait, where it is a pipe or the like.
    FdRead,
    /// Writes to a descriptor; the bytes.
    FdWrite { bytes: Option<[usize; 2]> },
    /// Changes what is behind a descriptor.
    FdChange,
    /// fstat.
    FdStat,
    /// Lists a folder.
    FdList,
    /// lseek: matters where it looks at the size.
    Seek,
    /// Closes a descriptor.
    Close,
    /// Closes many.
    CloseRange,
    /// Makes the second descriptor stand for the first's, and so closes it.
    Dup2,
    /// flock.
    Flock,
    /// fcntl.
    Fcntl,
    /// Maps a file.
    Map,
    /// From one descriptor to another: the one that is read and the one that is written. Where only one of them is
    /// watched it counts as reading from that, or writing to it.
    Copy { from: usize, to: usize },
    /// kill and its kind: which word is the pid, and which the signal.
    Kill { pid: usize, signal: usize },
    /// pidfd_open.
    LookAtProcess,
    /// The end of a process.
    Exit,
    /// Tells the time.
    Clock(ClockForm),
    /// Sleeps for, or until, a time.
    Sleep { clock: Option<usize>, flags: Option<usize>, time: usize },
    /// Waits for others; where its patience is, and in which form.
    Wait(Patience),
    /// futex.
    Futex,
    /// Bytes by chance.
    Chance,
    /// Sets a timer, looks at one, and so on.
    Timer(TimerForm),
    /// ioctl.
    Control,
    /// Refused, so that programs do without.
    Refused,
    /// Says what is done when a signal comes; held where calls may be interrupted.
    Handler,
    /// execve, at which descriptors are closed; held in a proof alone.
    Exec { path: usize, fd: Option<usize> },
    /// A call of which nothing is known but what it touches: a folder, a path, a descriptor; seen in a proof alone.
    Strange { at: Option<usize>, path: Option<usize>, fd: Option<usize> },
}

/// What a result looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// struct stat, behind this word.
    Stat(usize),
    /// struct statx.
    Statx(usize),
}

/// Is a symbolic link at the end of a path followed?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Follows {
    Always,
    Never,
    /// Unless this word has AT_SYMLINK_NOFOLLOW.
    Unless(usize),
}

/// Two times in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TimesForm {
    /// Of seconds and nanoseconds.
    Spec,
    /// Of seconds and microseconds.
    Val,
    /// Of seconds.
    Seconds,
}

/// How the time is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ClockForm {
    Spec,
    Val,
    Seconds,
}

/// What is done with a timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TimerForm {
    /// The one of the process is set, in seconds.
    Alarm,
    /// The same, with a struct itimerval.
    Interval,
    LookAtInterval,
    /// timer_create.
    Make,
    Set,
    Look,
    Overrun,
    Remove,
}

/// For how long a call waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    /// For ever, unless the second word has the bit of the third (WNOHANG).
    Forever,
    /// So many milliseconds in this word; below zero for ever.
    Millis(usize),
    /// A timespec behind this word; without it for ever.
    Spec(usize),
    /// A timeval behind this word.
    Val(usize),
    /// wait4, waitid: the word with WNOHANG.
    Child(usize),
}

type Entry = (i64, &'static str, Kind);

use Kind::*;

/// Of every processor.
const COMMON: &[Entry] = &[
    (libc::SYS_openat, "openat", Open { at: Some(0), path: 1, flags: Some(2) }),
    (libc::SYS_openat2, "openat2", Open2),
    (
        libc::SYS_newfstatat,
        "newfstatat",
        Stat { at: Some(0), path: 1, follows: Follows::Unless(3), form: Form::Stat(2) },
    ),
    (
        libc::SYS_statx,
        "statx",
        Stat { at: Some(0), path: 1, follows: Follows::Unless(2), form: Form::Statx(4) },
    ),
    (libc::SYS_faccessat, "faccessat", Look { at: Some(0), path: 1, follows: Follows::Always }),
    (libc::SYS_faccessat2, "faccessat2", Look { at: Some(0), path: 1, follows: Follows::Unless(3) }),
    (libc::SYS_readlinkat, "readlinkat", Look { at: Some(0), path: 1, follows: Follows::Never }),
    (libc::SYS_getxattr, "getxattr", Look { at: None, path: 0, follows: Follows::Always }),
    (libc::SYS_mkdirat, "mkdirat", Make { at: Some(0), path: 1 }),
    (libc::SYS_mknodat, "mknodat", Make { at: Some(0), path: 1 }),
    (libc::SYS_symlinkat, "symlinkat", Symlink { at: Some(1), path: 2 }),
    (libc::SYS_linkat, "linkat", Link { at: Some([0, 2]), paths: [1, 3], flags: Some(4) }),
    (libc::SYS_renameat, "renameat", Rename { at: Some([0, 2]), paths: [1, 3], flags: None }),
    (libc::SYS_renameat2, "renameat2", Rename { at: Some([0, 2]), paths: [1, 3], flags: Some(4) }),
    (libc::SYS_unlinkat, "unlinkat", Remove { at: Some(0), path: 1, flags: Some(2) }),
    (libc::SYS_fchmodat, "fchmodat", Change { at: Some(0), path: 1, follows: Follows::Always }),
    (libc::SYS_fchownat, "fchownat", Change { at: Some(0), path: 1, follows: Follows::Unless(4) }),
    (libc::SYS_truncate, "truncate", Change { at: None, path: 0, follows: Follows::Always }),
    (libc::SYS_setxattr, "setxattr", Change { at: None, path: 0, follows: Follows::Always }),
    (libc::SYS_utimensat, "utimensat", Times { at: Some(0), path: 1, times: 2, form: TimesForm::Spec }),
    (libc::SYS_read, "read", FdRead),
    (libc::SYS_readv, "readv", FdRead),
    (libc::SYS_pread64, "pread64", FdRead),
    (libc::SYS_preadv, "preadv", FdRead),
    (libc::SYS_preadv2, "preadv2", FdRead),
    (libc::SYS_recvfrom, "recvfrom", FdRead),
    (libc::SYS_recvmsg, "recvmsg", FdRead),
    (libc::SYS_accept, "accept", FdRead),
    (libc::SYS_accept4, "accept4", FdRead),
    (libc::SYS_write, "write", FdWrite { bytes: Some([1, 2]) }),
    (libc::SYS_writev, "writev", FdWrite { bytes: None }),
    (libc::SYS_pwrite64, "pwrite64", FdWrite { bytes: Some([1, 2]) }),
    (libc::SYS_pwritev, "pwritev", FdWrite { bytes: None }),
    (libc::SYS_pwritev2, "pwritev2", FdWrite { bytes: None }),
    (libc::SYS_ftruncate, "ftruncate", FdChange),
    (libc::SYS_fallocate, "fallocate", FdChange),
    (libc::SYS_fchmod, "fchmod", FdChange),
    (libc::SYS_fchown, "fchown", FdChange),
    (libc::SYS_fsync, "fsync", FdLook),
    (libc::SYS_fdatasync, "fdatasync", FdLook),
    (libc::SYS_sync_file_range, "sync_file_range", FdLook),
    (libc::SYS_fstatfs, "fstatfs", FdLook),
    (libc::SYS_fstat, "fstat", FdStat),
    (libc::SYS_getdents64, "getdents64", FdList),
    (libc::SYS_lseek, "lseek", Seek),
    (libc::SYS_close, "close", Close),
    (libc::SYS_close_range, "close_range", CloseRange),
    (libc::SYS_dup3, "dup3", Dup2),
    (libc::SYS_flock, "flock", Flock),
    (libc::SYS_fcntl, "fcntl", Fcntl),
    (libc::SYS_mmap, "mmap", Map),
    (libc::SYS_sendfile, "sendfile", Copy { from: 1, to: 0 }),
    (libc::SYS_copy_file_range, "copy_file_range", Copy { from: 0, to: 2 }),
    (libc::SYS_splice, "splice", Copy { from: 0, to: 2 }),
    (libc::SYS_kill, "kill", Kill { pid: 0, signal: 1 }),
    (libc::SYS_tkill, "tkill", Kill { pid: 0, signal: 1 }),
    (libc::SYS_tgkill, "tgkill", Kill { pid: 1, signal: 2 }),
    (libc::SYS_pidfd_open, "pidfd_open", LookAtProcess),
    (libc::SYS_exit_group, "exit_group", Exit),
    (libc::SYS_clock_gettime, "clock_gettime", Clock(ClockForm::Spec)),
    (libc::SYS_gettimeofday, "gettimeofday", Clock(ClockForm::Val)),
    (libc::SYS_nanosleep, "nanosleep", Sleep { clock: None, flags: None, time: 0 }),
    (libc::SYS_clock_nanosleep, "clock_nanosleep", Sleep { clock: Some(0), flags: Some(1), time: 2 }),
    (libc::SYS_wait4, "wait4", Wait(Patience::Child(2))),
    (libc::SYS_waitid, "waitid", Wait(Patience::Child(3))),
    (libc::SYS_ppoll, "ppoll", Wait(Patience::Spec(2))),
    (libc::SYS_pselect6, "pselect6", Wait(Patience::Spec(4))),
    (libc::SYS_epoll_pwait, "epoll_pwait", Wait(Patience::Millis(3))),
    (libc::SYS_epoll_pwait2, "epoll_pwait2", Wait(Patience::Spec(3))),
    (libc::SYS_rt_sigsuspend, "rt_sigsuspend", Wait(Patience::Forever)),
    (libc::SYS_rt_sigtimedwait, "rt_sigtimedwait", Wait(Patience::Spec(2))),
    (libc::SYS_futex, "futex", Futex),
    (libc::SYS_getrandom, "getrandom", Chance),
    (libc::SYS_setitimer, "setitimer", Timer(TimerForm::Interval)),
    (libc::SYS_getitimer, "getitimer", Timer(TimerForm::LookAtInterval)),
    (libc::SYS_timer_create, "timer_create", Timer(TimerForm::Make)),
    (libc::SYS_timer_settime, "timer_settime", Timer(TimerForm::Set)),
    (libc::SYS_timer_gettime, "timer_gettime", Timer(TimerForm::Look)),
    (libc::SYS_timer_getoverrun, "timer_getoverrun", Timer(TimerForm::Overrun)),
    (libc::SYS_timer_delete, "timer_delete", Timer(TimerForm::Remove)),
    (libc::SYS_ioctl, "ioctl", Control),
    (libc::SYS_io_uring_setup, "io_uring_setup", Refused),
];

/// What a proof must know of besides: descriptors that are closed by an exec, and calls on files that are not
/// understood. Where one of these touches a watched path, nothing is proved.
const BESIDES: &[Entry] = &[
    (libc::SYS_execve, "execve", Exec { path: 0, fd: None }),
    (libc::SYS_execveat, "execveat", Exec { path: 1, fd: Some(0) }),
    (libc::SYS_chdir, "chdir", Strange { at: None, path: Some(0), fd: None }),
    (libc::SYS_fchdir, "fchdir", Strange { at: None, path: None, fd: Some(0) }),
    (libc::SYS_chroot, "chroot", Strange { at: None, path: Some(0), fd: None }),
    (libc::SYS_statfs, "statfs", Strange { at: None, path: Some(0), fd: None }),
    (libc::SYS_lgetxattr, "lgetxattr", Strange { at: None, path: Some(0), fd: None }),
    (libc::SYS_fgetxattr, "fgetxattr", Strange { at: None, path: None, fd: Some(0) }),
    (libc::SYS_listxattr, "listxattr", Strange { at: None, path: Some(0), fd: None }),
    (libc::SYS_llistxattr, "llistxattr", Strange { at: None, path: Some(0), fd: None }),
    (libc::SYS_flistxattr, "flistxattr", Strange { at: None, path: None, fd: Some(0) }),
    (libc::SYS_lsetxattr, "lsetxattr", Strange { at: None, path: Some(0), fd: None }),
    (libc::SYS_fsetxattr, "fsetxattr", Strange { at: None, path: None, fd: Some(0) }),
    (libc::SYS_removexattr, "removexattr", Strange { at: None, path: Some(0), fd: None }),
    (libc::SYS_lremovexattr, "lremovexattr", Strange { at: None, path: Some(0), fd: None }),
    (libc::SYS_fremovexattr, "fremovexattr", Strange { at: None, path: None, fd: Some(0) }),
    (FCHMODAT2, "fchmodat2", Strange { at: Some(0), path: Some(1), fd: Some(0) }),
    (libc::SYS_inotify_add_watch, "inotify_add_watch", Strange { at: None, path: Some(1), fd: None }),
    (libc::SYS_fanotify_mark, "fanotify_mark", Strange { at: Some(3), path: Some(4), fd: None }),
    (libc::SYS_name_to_handle_at, "name_to_handle_at", Strange { at: Some(0), path: Some(1), fd: Some(0) }),
    (libc::SYS_open_by_handle_at, "open_by_handle_at", Strange { at: None, path: None, fd: Some(0) }),
    (libc::SYS_open_tree, "open_tree", Strange { at: Some(0), path: Some(1), fd: Some(0) }),
    (libc::SYS_bind, "bind", Strange { at: None, path: Some(1), fd: None }),
    (libc::SYS_connect, "connect", Strange { at: None, path: Some(1), fd: None }),
    (libc::SYS_mount, "mount", Strange { at: None, path: Some(1), fd: None }),
    (libc::SYS_umount2, "umount2", Strange { at: None, path: Some(0), fd: None }),
    (libc::SYS_acct, "acct", Strange { at: None, path: Some(0), fd: None }),
    (libc::SYS_swapon, "swapon", Strange { at: None, path: Some(0), fd: None }),
    (libc::SYS_readahead, "readahead", Strange { at: None, path: None, fd: Some(0) }),
    (libc::SYS_syncfs, "syncfs", Strange { at: None, path: None, fd: Some(0) }),
];

/// What is held besides where calls may be interrupted.
const HANDLER: &[Entry] = &[(libc::SYS_rt_sigaction, "rt_sigaction", Handler)];

/// Calls that change nothing but who makes them, and tell it nothing that might be another time.
const HARMLESS: &[i64] = &[
    libc::SYS_brk,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_mprotect,
    libc::SYS_madvise,
    libc::SYS_mlock,
    libc::SYS_munlock,
    libc::SYS_fadvise64,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_restart_syscall,
    libc::SYS_getpid,
    libc::SYS_getppid,
    libc::SYS_gettid,
    libc::SYS_getuid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getegid,
    libc::SYS_getresuid,
    libc::SYS_getresgid,
    libc::SYS_getgroups,
    libc::SYS_getpgid,
    libc::SYS_getsid,
    libc::SYS_setsid,
    libc::SYS_setpgid,
    libc::SYS_capget,
    libc::SYS_set_tid_address,
    libc::SYS_set_robust_list,
    libc::SYS_get_robust_list,
    libc::SYS_rseq,
    libc::SYS_membarrier,
    libc::SYS_prctl,
    libc::SYS_prlimit64,
    libc::SYS_personality,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_setaffinity,
    libc::SYS_sched_getparam,
    libc::SYS_sched_getscheduler,
    libc::SYS_sched_setscheduler,
    libc::SYS_sched_get_priority_max,
    libc::SYS_sched_get_priority_min,
    libc::SYS_getpriority,
    libc::SYS_uname,
    libc::SYS_umask,
    libc::SYS_getcwd,
    libc::SYS_dup,
    libc::SYS_pipe2,
    libc::SYS_eventfd2,
    libc::SYS_epoll_create1,
    libc::SYS_epoll_ctl,
    libc::SYS_socket,
    libc::SYS_socketpair,
    // Of these the tracer is told in another way.
    libc::SYS_clone,
    libc::SYS_clone3,
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_exit,
];

/// Of which the C library knows nothing yet.
const FCHMODAT2: i64 = 452;

/// The older forms, which newer processors do without.
#[cfg(target_arch = "x86_64")]
const OLD: &[Entry] = &[
    (libc::SYS_open, "open", Open { at: None, path: 0, flags: Some(1) }),
    (libc::SYS_creat, "creat", Open { at: None, path: 0, flags: None }),
    (libc::SYS_stat, "stat", Stat { at: None, path: 0, follows: Follows::Always, form: Form::Stat(1) }),
    (libc::SYS_lstat, "lstat", Stat { at: None, path: 0, follows: Follows::Never, form: Form::Stat(1) }),
    (libc::SYS_access, "access", Look { at: None, path: 0, follows: Follows::Always }),
    (libc::SYS_readlink, "readlink", Look { at: None, path: 0, follows: Follows::Never }),
    (libc::SYS_mkdir, "mkdir", Make { at: None, path: 0 }),
    (libc::SYS_mknod, "mknod", Make { at: None, path: 0 }),
    (libc::SYS_symlink, "symlink", Symlink { at: None, path: 1 }),
    (libc::SYS_link, "link", Link { at: None, paths: [0, 1], flags: None }),
    (libc::SYS_rename, "rename", Rename { at: None, paths: [0, 1], flags: None }),
    (libc::SYS_unlink, "unlink", Remove { at: None, path: 0, flags: None }),
    (libc::SYS_rmdir, "rmdir", Remove { at: None, path: 0, flags: None }),
    (libc::SYS_chmod, "chmod", Change { at: None, path: 0, follows: Follows::Always }),
    (libc::SYS_chown, "chown", Change { at: None, path: 0, follows: Follows::Always }),
    (libc::SYS_lchown, "lchown", Change { at: None, path: 0, follows: Follows::Never }),
    (libc::SYS_utime, "utime", Times { at: None, path: 0, times: 1, form: TimesForm::Seconds }),
    (libc::SYS_utimes, "utimes", Times { at: None, path: 0, times: 1, form: TimesForm::Val }),
    (libc::SYS_futimesat, "futimesat", Times { at: Some(0), path: 1, times: 2, form: TimesForm::Val }),
    (libc::SYS_getdents, "getdents", FdList),
    (libc::SYS_dup2, "dup2", Dup2),
    (libc::SYS_time, "time", Clock(ClockForm::Seconds)),
    (libc::SYS_poll, "poll", Wait(Patience::Millis(2))),
    (libc::SYS_select, "select", Wait(Patience::Val(4))),
    (libc::SYS_epoll_wait, "epoll_wait", Wait(Patience::Millis(3))),
    (libc::SYS_alarm, "alarm", Timer(TimerForm::Alarm)),
    (libc::SYS_pause, "pause", Wait(Patience::Forever)),
];

/// The same of these.
#[cfg(target_arch = "x86_64")]
const HARMLESS_OLD: &[i64] = &[
    libc::SYS_fork,
    libc::SYS_vfork,
    libc::SYS_getpgrp,
    libc::SYS_getrlimit,
    libc::SYS_setrlimit,
    libc::SYS_arch_prctl,
    libc::SYS_pipe,
    libc::SYS_epoll_create,
];

#[cfg(not(target_arch = "x86_64"))]
const HARMLESS_OLD: &[i64] = &[];

#[cfg(not(target_arch = "x86_64"))]
const OLD: &[Entry] = &[];

/// Does this command of ioctl do no more than those?
pub(super) fn is_harmless(command: u64) -> bool {
    [libc::TCGETS, libc::TIOCGWINSZ, libc::FIOCLEX].contains(&command)
}

/// The numbers of calls that need not be seen.
pub(super) fn harmless() -> impl Iterator<Item = i64> {
    HARMLESS.iter().chain(HARMLESS_OLD).copied()
}

/// Each by its number.
pub(super) struct Table(Vec<Option<(&'static str, Kind)>>);

impl Table {
    /// For a proof, or for plain runs.
    pub(super) fn new(exact: bool) -> Self {
        let besides = if exact { BESIDES } else { &[] };
        let all = || COMMON.iter().chain(OLD).chain(HANDLER).chain(besides);
        let most = all().map(|&(number, ..)| number).max().expect("there are calls") as usize;
        let mut table = vec![None; most + 1];
        for &(number, name, kind) in all() {
            table[number as usize] = Some((name, kind));
        }
        Table(table)
    }

    /// The numbers of all that are in it.
    pub(super) fn held(&self) -> impl Iterator<Item = i64> {
        (0..).zip(&self.0).filter_map(|(number, entry)| entry.map(|_| number))
    }

    /// What this call is called and what it is about.
    pub(super) fn of(&self, number: i64) -> Option<(&'static str, Kind)> {
        *self.0.get(usize::try_from(number).ok()?)?
    }
}
