/* Leaves a daemon behind, which goes on writing after the worker has ended. The lock is sound. */
#include <fcntl.h>
#include <unistd.h>

int main(void) {
    int lock = open("lock", O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (lock < 0)
        return 75;
    if (fork() == 0) {
        setsid();
        if (fork() != 0)
            _exit(0);
        close(lock);
        for (;;) {
            close(open("heartbeat", O_WRONLY | O_CREAT | O_TRUNC, 0600));
            sleep(1);
        }
    }
    close(lock);
    access("lockfuzz:enter", F_OK);
    access("lockfuzz:leave", F_OK);
    unlink("lock");
    return 0;
}
