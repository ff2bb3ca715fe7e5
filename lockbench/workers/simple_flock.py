"""simpleflock: flock on a file that is removed on release, so that a waiter locks a file without a name."""

import os
import sys
from pathlib import Path

from simpleflock import SimpleFlock

me = os.environ["LOCKFUZZ_WORKER"]
cache = Path("cache")

with SimpleFlock("lock"):
    os.path.exists("lockfuzz:enter")
    cache.write_text(me)
    seen = cache.read_text()
    os.path.exists("lockfuzz:leave")

if seen != me:
    sys.exit(f"worker {me} read back {seen!r}")
