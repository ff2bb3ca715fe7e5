"""The rows of the table. The commands are relative to the folder above this one."""

from dataclasses import dataclass, replace


@dataclass
class Row:
    lock: str
    race: bool  # whether the lock is known to break
    command: str
    workers: int = 3
    package: str = ""  # what has the version that the table shows
    program: str = ""  # what the command starts, and must be on the machine
    prepare: str = ""  # a shell line that makes a fresh folder ready
    age: int = 0  # seconds that pass between prepare and the start of the workers
    twin: str = ""  # of one that does not break: what it is called with one line broken, if there is that
    twin_workers: int = 2
    twin_of: str = ""  # of such a one


def twin(row):
    """The same worker with one line broken; its head says which."""
    command, workers = f"{row.command} broken", row.twin_workers
    return replace(row, lock=row.twin, race=True, command=command, workers=workers, twin="", twin_of=row.lock)


PYTHON = "lockbench/.installed/venv/bin/python3"
PYTHON_2 = "lockbench/.installed/venv-2/bin/python3"  # with requirements-2.txt
WORKERS = "lockbench/workers"
BUILT = "lockbench/.installed"
DEAD = "echo 4194304 > lock"  # larger than any pid
COUNTER = f"{PYTHON} {WORKERS}/sqlite_counter.py"


def database(journal):
    return f'cp "$LOCKFUZZ_START_DIR/{BUILT}/{journal}.db" db'


BROKEN = [
    Row("simpleflock", True, f"{PYTHON} {WORKERS}/simple_flock.py", package="simpleflock"),
    Row("ilock", True, f"{PYTHON} {WORKERS}/ilock_lock.py", package="ilock"),
    Row("portalocker-temp", True, f"{PYTHON_2} {WORKERS}/portalocker_temporary.py", package="portalocker"),
    Row("lockfile", True, f"node {WORKERS}/lockfile.js", 2, "lockfile", "node", "touch cache.lock", 3),
    Row("dotlockfile", True, f"sh {WORKERS}/dotlockfile.sh", 2, "liblockfile-bin", "dotlockfile", DEAD),
    Row("exists", True, f"sh {WORKERS}/exists.sh", 2),
    Row("stale-pid", True, f"sh {WORKERS}/stale_pid.sh", 2, prepare=DEAD),
    Row("noclobber", True, f"sh {WORKERS}/noclobber.sh", 2, prepare=DEAD),
    Row("exists-create", True, f"{BUILT}/exists_create", 2),
    Row("pid-late", True, f"{BUILT}/pid_late", 2),
    Row("pid-stale", True, f"{PYTHON} {WORKERS}/pid_stale.py"),
    Row("mtime-stale", True, f"{PYTHON} {WORKERS}/mtime_stale.py", 2, prepare="mkdir lock", age=11),
    Row("node-access", True, f"node {WORKERS}/node_access.js", 2, program="node"),
    Row("experiment-flag", True, f"{PYTHON} {WORKERS}/flag.py", 2, twin_of="experiment-flock"),
]

SOUND = [
    Row(
        "portalocker",
        False,
        f"{PYTHON} {WORKERS}/portalocker_lock.py",
        package="portalocker",
        twin="portalocker-x",
    ),
    Row("filelock", False, f"{PYTHON} {WORKERS}/file_lock.py", package="filelock", twin="filelock-x"),
    Row("fasteners", False, f"{PYTHON} {WORKERS}/fasteners_lock.py", package="fasteners", twin="fasteners-x"),
    Row("fs2", False, f"{BUILT}/fs2_lock", package="fs2", twin="fs2-x"),
    Row("node-wx", False, f"node {WORKERS}/node_wx.js", 2, program="node", twin="node-w"),
    Row("sqlite-rollback", False, COUNTER, prepare=database("delete"), twin="sqlite-rollback-x"),
    Row("sqlite-wal", False, COUNTER, prepare=database("wal"), twin="sqlite-wal-x"),
    Row("mkdir", False, f"sh {WORKERS}/mkdir.sh", twin="mkdir-p"),
    Row("flock", False, f"sh {WORKERS}/flock.sh", 3, "util-linux", "flock", twin="flock-x"),
    Row(
        "flock-pipeline",
        False,
        f"sh {WORKERS}/flock_pipeline.sh",
        3,
        "util-linux",
        "flock",
        twin="flock-shared",
    ),
    Row("excl", False, f"{BUILT}/excl", twin="excl-x"),
    Row("hardlink", False, f"{BUILT}/hardlink", twin="rename-lock"),
    Row("timeout", False, f"{BUILT}/timeout", twin="timeout-release", twin_workers=3),
    Row("fcntl", False, f"{BUILT}/fcntl", twin="fcntl-close"),
    Row("flock-checked", False, f"{BUILT}/flock_checked", twin="flock-unlink", twin_workers=3),
    Row("bakery", False, f"{BUILT}/bakery", twin="bakery-no-choosing"),
    Row("symlink", False, f"{PYTHON} {WORKERS}/symlink.py", twin="symlink-x"),
    Row("flock-reread", False, f"{PYTHON} {WORKERS}/flock_reread.py", twin="flock-upgrade"),
    Row("experiment-flock", False, f"{PYTHON} {WORKERS}/flock.py"),
]

ROWS = [*BROKEN, *SOUND, *(twin(row) for row in SOUND if row.twin)]
