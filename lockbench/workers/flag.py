"""The original experiment, wrong: a cache guarded by a flag in each instance, so by one in each process."""

import json
import os
import sys
import threading
import time
from pathlib import Path


class Cache:
    path = Path("cache.json")
    locked = False

    def lock(self):
        while self.locked:
            time.sleep(0.001)
        self.locked = True


cache = Cache()
me = {"pid": os.getpid(), "tid": threading.get_native_id(), "wid": int(os.environ["LOCKFUZZ_WORKER"])}
cache.lock()
os.path.exists("lockfuzz:enter")
cache.path.write_text(json.dumps(me))
seen = cache.path.read_text()
os.path.exists("lockfuzz:leave")
cache.locked = False
if seen != json.dumps(me):
    sys.exit(f"{me} read back {seen!r}")
