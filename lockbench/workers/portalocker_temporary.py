"""portalocker.TemporaryFileLock: gives back the lock of a file, then removes it (its issue 115). A waiter has then
locked a file without a name, or loses the one that it has locked."""

import contextlib
import sys

import portalocker
from inside import inside

try:
    # Two that release at once may both try to remove the file; that is another bug.
    with contextlib.suppress(FileNotFoundError):
        with portalocker.TemporaryFileLock("lock", timeout=10, fail_when_locked=False):
            inside()
except portalocker.LockException:
    sys.exit(75)
