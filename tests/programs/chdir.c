/* Goes into a folder whose name then changes, and reaches the lock from there. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int main(void) {
    char before[32], after[32];
    snprintf(before, sizeof before, "../before.%s", getenv("LOCKFUZZ_WORKER"));
    snprintf(after, sizeof after, "../after.%s", getenv("LOCKFUZZ_WORKER"));
    mkdir(before + 3, 0700);
    int folder = open(before + 3, O_RDONLY | O_DIRECTORY);
    chdir(before + 3);
    rename(before, after);
    if (faccessat(folder, "../lock", F_OK, 0) == 0)
        return 75;
    close(openat(folder, "../lock", O_WRONLY | O_CREAT, 0600));
    access("lockfuzz:enter", F_OK);
    access("lockfuzz:leave", F_OK);
    unlink("../lock");
    return 0;
}
