/* Its file has the pid in its name, so that no two runs name the same files. The lock is broken. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int main(void) {
    char mine[32];
    snprintf(mine, sizeof mine, "mine.%d", getpid());
    close(open(mine, O_WRONLY | O_CREAT, 0600));
    if (access("lock", F_OK) == 0)
        return 75;
    rename(mine, "lock");
    access("lockfuzz:enter", F_OK);
    access("lockfuzz:leave", F_OK);
    unlink("lock");
    return 0;
}
