"""ilock: flock on a file that is removed on release, so that a waiter locks a file without a name (its issue 11)."""

import contextlib

from ilock import ILock
from inside import inside

# Who has the lock of such a file finds nothing to remove, and its release fails. That is another bug (its issue 4).
with contextlib.suppress(FileNotFoundError):
    with ILock("name", lock_directory="."):
        inside()
