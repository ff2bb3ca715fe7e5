"""Reads under a shared flock whether somebody has the lock, then makes it an exclusive one to write that. Between the
two it has none, so it reads again. Broken: it does not, and two have read that nobody has it."""

import fcntl
import os
import time

from inside import broken, inside, me

lock = os.open("lock", os.O_RDWR | os.O_CREAT, 0o600)


def taken():
    return os.pread(lock, 16, 0) != b""


while True:
    fcntl.flock(lock, fcntl.LOCK_SH)
    if not taken():
        fcntl.flock(lock, fcntl.LOCK_EX)
        if broken or not taken():
            break
    fcntl.flock(lock, fcntl.LOCK_UN)
    time.sleep(0.01)
os.pwrite(lock, me.encode(), 0)
fcntl.flock(lock, fcntl.LOCK_UN)

inside()
os.ftruncate(lock, 0)
