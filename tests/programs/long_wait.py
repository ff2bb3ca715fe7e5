"""Holds a lock for half an hour, and waits for it up to two: no time at all, on a clock that need not tick."""

import os
import sys
import time

deadline = time.monotonic() + 2 * 3600
while True:
    try:
        os.mkdir("lock")
        break
    except FileExistsError:
        if time.monotonic() > deadline:
            sys.exit(75)
        time.sleep(60)
os.path.exists("lockfuzz:enter")
time.sleep(1800)
os.path.exists("lockfuzz:leave")
os.rmdir("lock")
