/* Writes a file without a name, and links it into place: whole, or not at all. The lock is sound. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int main(void) {
    char path[32];
    int lock = open(".", O_WRONLY | O_TMPFILE, 0600);
    dprintf(lock, "%d\n", getpid());
    snprintf(path, sizeof path, "/proc/self/fd/%d", lock);
    if (linkat(AT_FDCWD, path, AT_FDCWD, "lock", AT_SYMLINK_FOLLOW) != 0)
        return 75;
    close(lock);
    access("lockfuzz:enter", F_OK);
    access("lockfuzz:leave", F_OK);
    unlink("lock");
    return 0;
}
