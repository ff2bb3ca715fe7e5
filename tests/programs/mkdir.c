/* A folder is the lock: only one can make it. Who cannot leaves without. */
#include <sys/stat.h>
#include <unistd.h>

int main(void) {
    if (mkdir("lock", 0700) != 0)
        return 75;
    access("lockfuzz:enter", F_OK);
    access("lockfuzz:leave", F_OK);
    return rmdir("lock") != 0;
}
