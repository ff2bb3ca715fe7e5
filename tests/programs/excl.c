/* Creates the lock file with O_EXCL. */
#include <fcntl.h>
#include <unistd.h>

int main(void) {
    int lock = open("lock", O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (lock < 0)
        return 75;
    close(lock);
    access("lockfuzz:enter", F_OK);
    access("lockfuzz:leave", F_OK);
    unlink("lock");
    return 0;
}
