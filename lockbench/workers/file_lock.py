"""filelock.FileLock: flock on a file, asked again every twentieth of a second. Broken: asked once, and nobody looks
what the answer is."""

import contextlib
import sys

from filelock import FileLock, Timeout
from inside import broken, inside

lock = FileLock("lock", timeout=10)
try:
    if broken:
        with contextlib.suppress(Timeout):
            lock.acquire(timeout=0)
    else:
        lock.acquire()
    inside()
    lock.release()
except Timeout:
    sys.exit(75)
