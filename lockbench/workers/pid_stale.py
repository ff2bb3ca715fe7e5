"""O_EXCL with the holder's pid inside. Who finds the pid of one that has ended removes the file, and by then it may be
that of a third."""

import os
import time
from pathlib import Path

from inside import inside

lock = Path("lock")


def lives(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


while True:
    try:
        with open(lock, "x") as file:
            file.write(str(os.getpid()))
        break
    except FileExistsError:
        pass
    try:
        holder = lock.read_text()
    except FileNotFoundError:
        continue
    if holder == "" or lives(int(holder)):
        time.sleep(0.01)
    else:
        lock.unlink(missing_ok=True)

inside()
lock.unlink(missing_ok=True)
