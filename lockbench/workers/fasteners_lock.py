"""fasteners.InterProcessLock: a record lock of POSIX, asked again after a while. Broken: asks once, and does not look
what the answer is."""

import sys

import fasteners
from inside import broken, inside

lock = fasteners.InterProcessLock("lock")
if broken:
    lock.acquire(blocking=False)
elif not lock.acquire(timeout=10):
    sys.exit(75)
inside()
if lock.acquired:
    lock.release()
