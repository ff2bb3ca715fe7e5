/* Closes every descriptor, as daemons do, its standard three and those it knows nothing of. */
#include <fcntl.h>
#include <unistd.h>

int main(void) {
    for (int fd = 0; fd < 4096; fd++)
        close(fd);
    if (access("lock", F_OK) == 0)
        return 75;
    close(open("lock", O_WRONLY | O_CREAT, 0600));
    access("lockfuzz:enter", F_OK);
    access("lockfuzz:leave", F_OK);
    unlink("lock");
    return 0;
}
