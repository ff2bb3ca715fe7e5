/* Does something before its first point, by which it cannot be copied there; or nothing, and then it can. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static int me, parity;
static char *text, unknown[4];
static volatile int quit;

static void *idle(void *of) {
    while (!quit) usleep(1000);
    return of;
}

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "nothing";
    char line[64];
    pthread_t thread;
    me = getpid();
    printf("before\n");
    fflush(stdout);
    printf("kept, ");
    if (!strcmp(what, "thread")) pthread_create(&thread, 0, idle, 0);
    if (!strcmp(what, "child") && !fork()) _exit(0);
    if (!strcmp(what, "timer")) setitimer(ITIMER_REAL, &(struct itimerval){{0, 0}, {3600, 0}}, 0);
    if (!strcmp(what, "sleep")) usleep(1000);
    if (!strcmp(what, "shares")) *(char *)mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0) = 1;
    if (!strcmp(what, "wipes")) madvise(mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 4096, MADV_WIPEONFORK);
    if (!strcmp(what, "pipe")) { int ends[2]; if (pipe(ends)) return 2; }
    if (!strcmp(what, "tries")) { close(open(argv[2], O_RDWR | O_CREAT | O_EXCL, 0600)); unlink(argv[2]); }
    if (!strcmp(what, "writes")) open(argv[2], O_RDWR | O_CREAT, 0600);
    if (!strcmp(what, "text")) { text = malloc(16); snprintf(text, 16, "%d", me); }
    if (!strcmp(what, "uuid")) { int fd = open("/proc/sys/kernel/random/uuid", O_RDONLY); read(fd, unknown, 4); close(fd); }
    if (!strcmp(what, "list")) open("/proc", O_RDONLY | O_DIRECTORY);
    int file = !strcmp(what, "reads") ? open(argv[2], O_RDONLY) : -1;
    if (file >= 0) read(file, line, 3);
    char dice[2];
    if (getrandom(dice, 2, 0) != 2) return 2;

    int lock = open("lock", O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (lock < 0) return 0;
    /* Its own pid, by the kernel and from before; chance that goes on; the clock; and a file from where it was. */
    dprintf(lock, "%d %d", me, getpid() == me && getpgrp() == me && getsid(0) == me);
    close(lock);
    if (getrandom(dice, 1, 0) != 1) return 2;
    snprintf(line, sizeof line, "%02x", dice[0] & 255);
    access(line, F_OK);
    snprintf(line, sizeof line, "%ld", (long)time(0));
    access(line, F_OK);
    if (file >= 0) {
        memset(line, 0, sizeof line);
        read(file, line, 5);
        access(line, F_OK);
    }
    if (text) access(text, F_OK);
    printf("after\n");
    unlink("lock");
    quit = 1;
    return 0;
}
