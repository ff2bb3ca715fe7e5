"""What many of the workers in Python do while they have the lock."""

import os
import sys

me = os.environ["LOCKFUZZ_WORKER"]
broken = sys.argv[1:] == ["broken"]  # one line of the worker is then wrong


def inside():
    """Says that it is inside, writes its number into the shared file and reads it back."""
    os.path.exists("lockfuzz:enter")
    with open("cache", "w") as cache:
        cache.write(me)
    with open("cache") as cache:
        seen = cache.read()
    os.path.exists("lockfuzz:leave")
    if seen != me:
        sys.exit(f"worker {me} read back {seen!r}")
