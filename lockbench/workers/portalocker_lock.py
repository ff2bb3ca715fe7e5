"""portalocker.Lock: flock on a file that stays, asked again every quarter of a second. Broken: the lock is shared."""

import os
import sys
from pathlib import Path

import portalocker

me = os.environ["LOCKFUZZ_WORKER"]
cache = Path("cache")
options = {"flags": portalocker.LOCK_SH | portalocker.LOCK_NB} if sys.argv[1:] == ["broken"] else {}

try:
    with portalocker.Lock("lock", timeout=10, **options):
        os.path.exists("lockfuzz:enter")
        cache.write_text(me)
        seen = cache.read_text()
        os.path.exists("lockfuzz:leave")
except portalocker.LockException:
    sys.exit(75)

if seen != me:
    sys.exit(f"worker {me} read back {seen!r}")
