/* A record lock of POSIX. Broken: looks at the lock file while it has it, and closing that gives the lock back. */
#include "inside.h"

int main(int argc, char **argv) {
    (void)argv;
    int broken = argc > 1;
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    int lock = open("lock", O_RDWR | O_CREAT, 0600);
    if (fcntl(lock, F_SETLKW, &whole) < 0)
        return 75;
    if (broken)
        close(open("lock", O_RDONLY));

    int code = inside();
    close(lock);
    return code;
}
