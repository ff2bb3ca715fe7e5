# Ctrl-C while it waits for the lock ends it. With a word it cleans up even then, and takes away what is not its own.
import fcntl
import os
import sys

careless = len(sys.argv) > 1
fd = os.open('lock', os.O_RDWR | os.O_CREAT)
mine = careless
try:
    fcntl.flock(fd, fcntl.LOCK_EX)
    mine = True
    os.close(os.open('held', os.O_CREAT | os.O_EXCL))
    if not os.path.exists('held'):
        sys.exit(3)
finally:
    if mine and os.path.exists('held'):
        os.unlink('held')
