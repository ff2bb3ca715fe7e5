"""filelock.FileLock: flock on a file, asked again every twentieth of a second."""

import os
import sys
from pathlib import Path

from filelock import FileLock, Timeout

me = os.environ["LOCKFUZZ_WORKER"]
cache = Path("cache")

try:
    with FileLock("lock", timeout=10):
        os.path.exists("lockfuzz:enter")
        cache.write_text(me)
        seen = cache.read_text()
        os.path.exists("lockfuzz:leave")
except Timeout:
    sys.exit(75)

if seen != me:
    sys.exit(f"worker {me} read back {seen!r}")
