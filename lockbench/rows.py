"""The rows of the table. The commands are relative to the folder above this one."""

from dataclasses import dataclass


@dataclass
class Row:
    lock: str
    race: bool  # whether the lock is known to break
    command: str
    workers: int = 3
    package: str = ""  # what has the version that the table shows
    prepare: str = ""  # a shell line that makes a fresh folder ready
    age: int = 0  # seconds that pass between prepare and the start of the workers


PYTHON = "lockbench/.installed/venv/bin/python3"

ROWS = [
    Row("simpleflock", True, f"{PYTHON} lockbench/workers/simple_flock.py", package="simpleflock"),
    Row("lockfile", True, "node lockbench/workers/lockfile.js", 2, "lockfile", "touch cache.lock", 3),
    Row("exists", True, "sh lockbench/workers/exists.sh", 2),
    Row("stale-pid", True, "sh lockbench/workers/stale_pid.sh", 2, prepare="echo 4194304 > lock"),
    Row("exists-create", True, "lockbench/.installed/exists_create", 2),
    Row("experiment-flag", True, f"{PYTHON} lockbench/workers/flag.py", 2),
    Row("portalocker", False, f"{PYTHON} lockbench/workers/portalocker_lock.py", package="portalocker"),
    Row("filelock", False, f"{PYTHON} lockbench/workers/file_lock.py", package="filelock"),
    Row("mkdir", False, "sh lockbench/workers/mkdir.sh"),
    Row("flock", False, "sh lockbench/workers/flock.sh", package="util-linux"),
    Row("excl", False, "lockbench/.installed/excl"),
    Row("experiment-flock", False, f"{PYTHON} lockbench/workers/flock.py"),
]
