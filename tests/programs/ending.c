/* Takes a last step or none, as it was told by the call that its argument names. All it does besides is the same. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "nothing";
    char me[2] = {getenv("LOCKFUZZ_WORKER")[0]}, seen[32] = "";
    struct stat one = {0}, two = {0};
    int step = 0, cache = open("cache", O_RDWR | O_CREAT | O_APPEND, 0600);
    write(cache, me, 1);
    if (!strcmp(what, "content")) {
        pread(cache, seen, 1, 0);
        step = seen[0] == me[0];
    }
    if (!strcmp(what, "size")) {
        fstat(cache, &one);
        step = one.st_size == 1;
    }
    if (!strcmp(what, "inode")) {
        int mine = open(me, O_RDWR | O_CREAT, 0600);
        fstat(mine, &one);
        rename(me, "last");
        stat("last", &two);
        step = one.st_ino == two.st_ino;
        close(mine);
    }
    if (!strcmp(what, "link")) {
        symlink(me, me);
        rename(me, "last");
        readlink("last", seen, sizeof seen);
        step = seen[0] == me[0];
    }
    if (!strcmp(what, "elsewhere")) {
        int other = open(argv[2], O_RDWR | O_CREAT, 0600);
        pwrite(other, me, 1, 0);
        access("cache", F_OK);
        pread(other, seen, 1, 0);
        step = seen[0] == me[0];
        close(other);
    }
    if (!strcmp(what, "time")) {
        flock(cache, LOCK_EX);
        nanosleep(&(struct timespec){0, 300000000}, 0);
    }
    close(cache);
    if (!strcmp(what, "time")) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        step = now.tv_nsec > 500000000;
    }
    if (!strcmp(what, "late")) nanosleep(&(struct timespec){0, 300000000}, 0);
    if (!strcmp(what, "semaphore")) {
        int of = semget(IPC_PRIVATE, 1, 0600);
        semctl(of, 0, IPC_RMID);
    }
    if (!strcmp(what, "says")) printf("told at the end\n");
    if (step) unlink("mine");
    return 0;
}
