/* flock on a file that its holder removes. Who gets the lock looks whether the name still stands for that file. Broken:
   nobody looks, so a waiter may hold the lock of a file without a name, and another that of a new one. */
#include <sys/file.h>
#include <sys/stat.h>

#include "inside.h"

static int named(int lock) {
    struct stat mine, there;
    return fstat(lock, &mine) == 0 && stat("lock", &there) == 0 && mine.st_ino == there.st_ino;
}

int main(int argc, char **argv) {
    (void)argv;
    int broken = argc > 1, lock;

    for (;;) {
        lock = open("lock", O_RDWR | O_CREAT, 0600);
        flock(lock, LOCK_EX);
        if (broken || named(lock))
            break;
        close(lock);
    }

    int code = inside();
    unlink("lock");
    close(lock);
    return code;
}
