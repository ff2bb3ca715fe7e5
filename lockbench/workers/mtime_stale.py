"""A folder is the lock, and one that is old is removed. By then it may be one that somebody has just made."""

import contextlib
import os
import sys
import time

from inside import inside

STALE = 10  # seconds

while True:
    with contextlib.suppress(FileExistsError):
        os.mkdir("lock")
        break
    with contextlib.suppress(FileNotFoundError):
        if time.time() - os.stat("lock").st_mtime < STALE:
            sys.exit(75)
        os.rmdir("lock")

inside()
with contextlib.suppress(FileNotFoundError):
    os.rmdir("lock")
