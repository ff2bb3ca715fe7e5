/* A lock for ten seconds: older than that, it counts as left behind. A holder needs one second.
 * It breaks only if a holder stands still for the other nine. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

int main(void) {
    char mine[32];
    struct stat lock;
    snprintf(mine, sizeof mine, "taken.%d", getpid());
    for (int tries = 0; tries < 60; tries++) {
        if (open("lock", O_WRONLY | O_CREAT | O_EXCL, 0600) >= 0) {
            access("lockfuzz:enter", F_OK);
            sleep(1);
            access("lockfuzz:leave", F_OK);
            unlink("lock");
            return 0;
        }
        if (stat("lock", &lock) == 0 && time(NULL) - lock.st_mtime > 10)
            rename("lock", mine);
        sleep(1);
    }
    return 75;
}
