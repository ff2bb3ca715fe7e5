/* What the workers in C do while they have the lock. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Says that it is inside, writes its number into the shared file and reads it back. The exit code: 1 where another's
   was read. */
static int inside(void) {
    const char *me = getenv("LOCKFUZZ_WORKER");
    char seen[16] = "";

    access("lockfuzz:enter", F_OK);
    int cache = open("cache", O_RDWR | O_CREAT | O_TRUNC, 0600);
    write(cache, me, strlen(me));
    pread(cache, seen, sizeof seen - 1, 0);
    close(cache);
    access("lockfuzz:leave", F_OK);

    if (strcmp(seen, me) == 0)
        return 0;
    fprintf(stderr, "worker %s read back %s\n", me, seen);
    return 1;
}
