"""Makes a symbolic link, which fails where the name is taken, and tries again after a while. Broken: goes on all the
same."""

import contextlib
import os
import time

from inside import broken, inside, me

while True:
    with contextlib.suppress(FileExistsError):
        os.symlink(me, "lock")
        break
    if broken:
        break
    time.sleep(0.01)

inside()
with contextlib.suppress(FileNotFoundError):
    os.unlink("lock")
