/* Creates the lock file with O_EXCL: only one can. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(void) {
    const char *me = getenv("LOCKFUZZ_WORKER");
    char seen[16] = "";

    int lock = open("lock", O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (lock < 0)
        return 75;
    close(lock);

    access("lockfuzz:enter", F_OK);
    int cache = open("cache", O_RDWR | O_CREAT | O_TRUNC, 0600);
    write(cache, me, strlen(me));
    pread(cache, seen, sizeof seen - 1, 0);
    close(cache);
    access("lockfuzz:leave", F_OK);
    unlink("lock");

    if (strcmp(seen, me) != 0) {
        fprintf(stderr, "worker %s read back %s\n", me, seen);
        return 1;
    }
    return 0;
}
