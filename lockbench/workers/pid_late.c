/* Creates the lock file with O_EXCL, then writes its pid. An empty file is taken for one that a crash left, and
   removed; but every lock is empty until its pid is written. */
#include "inside.h"

int main(void) {
    for (;;) {
        char holder[16];
        int lock = open("lock", O_WRONLY | O_CREAT | O_EXCL, 0600);
        if (lock >= 0) {
            dprintf(lock, "%d", (int)getpid());
            close(lock);
            break;
        }
        lock = open("lock", O_RDONLY);
        if (lock < 0)
            continue;
        ssize_t length = read(lock, holder, sizeof holder);
        close(lock);
        if (length > 0)
            return 75;
        unlink("lock");
    }

    int code = inside();
    unlink("lock");
    return code;
}
