"""The original experiment, right: the same cache, guarded by flock."""

import fcntl
import json
import os
import sys
import threading
from pathlib import Path


class Cache:
    path = Path("cache.json")

    def lock(self):
        self.file = open("cache.lock", "w")
        fcntl.flock(self.file, fcntl.LOCK_EX)


cache = Cache()
me = {"pid": os.getpid(), "tid": threading.get_native_id(), "wid": int(os.environ["LOCKFUZZ_WORKER"])}
cache.lock()
os.path.exists("lockfuzz:enter")
cache.path.write_text(json.dumps(me))
seen = cache.path.read_text()
os.path.exists("lockfuzz:leave")
cache.file.close()
if seen != json.dumps(me):
    sys.exit(f"{me} read back {seen!r}")
