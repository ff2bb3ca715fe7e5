/* Looks for the lock file, then creates it. */
#include <fcntl.h>
#include <unistd.h>

int main(void) {
    if (access("lock", F_OK) == 0)
        return 75;
    close(open("lock", O_WRONLY | O_CREAT, 0600));
    access("lockfuzz:enter", F_OK);
    access("lockfuzz:leave", F_OK);
    unlink("lock");
    return 0;
}
