/* What a program makes of a call that fails or does half: `faults KIND`, and with a second word it looks what came of
   its calls. With "restart" its handler has calls begun again. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static int careful;

static void inside(void) {
    access("lockfuzz:enter", F_OK);
    access("lockfuzz:leave", F_OK);
}

static volatile int heard;

static void nothing(int signal) { heard = signal; }

static int locked(void) {
    int fd = open("lock", O_RDWR | O_CREAT, 0600);
    while (flock(fd, LOCK_EX) != 0 && careful && errno == EINTR) {
        /* What interrupts has a handler, and that was run. */
        if (heard != SIGUSR1) abort();
        heard = 0;
    }
    return fd;
}

static int interrupted(int flags) {
    struct sigaction action = {.sa_handler = nothing, .sa_flags = flags};
    sigaction(SIGUSR1, &action, NULL);
    locked();
    inside();
    return 0;
}

static int short_write(int vector) {
    const char *line = "a whole line\n";
    size_t done = 0, length = strlen(line);
    locked();
    int fd = open("log", O_WRONLY | O_CREAT | O_APPEND, 0600);
    struct iovec pieces[2] = {{(char *)line, 2}, {(char *)line + 2, length - 2}};
    do {
        ssize_t more = vector && done == 0 ? writev(fd, pieces, 2) : write(fd, line + done, length - done);
        if (more < 0) return 1;
        done += more;
    } while (careful && done < length);
    return 0;
}

static int short_read(void) {
    char text[64] = "";
    size_t done = 0;
    ssize_t more;
    locked();
    int fd = open("counter", O_RDWR);
    do {
        more = read(fd, text + done, sizeof text - 1 - done);
        if (more < 0) return 1;
        done += more;
    } while (careful && more > 0);
    int length = snprintf(text, sizeof text, "%d\n", atoi(text) + 1);
    return pwrite(fd, text, length, 0) == length ? 0 : 1;
}

/* The lock is a folder, and something is written while it is held. */
static int written(int is_synced) {
    if (mkdir("lock", 0700) != 0) return errno == EEXIST ? 75 : 1;
    int fd = open("data", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    int well = fd >= 0 && write(fd, "data\n", 5) == 5 && (!is_synced || fsync(fd) == 0);
    if (well || careful) rmdir("lock");
    return well ? 0 : 1;
}

/* Whatever is not EEXIST is taken for success. */
static int stale(void) {
    if (mkdir("lock", 0700) != 0 && (careful || errno == EEXIST)) return errno == EEXIST ? 75 : 1;
    inside();
    while (rmdir("lock") != 0 && errno == ESTALE) {}
    return 0;
}

int main(int argc, char **argv) {
    const char *kind = argc > 1 ? argv[1] : "";
    careful = argc > 2;
    if (strcmp(kind, "eintr") == 0) return interrupted(0);
    if (strcmp(kind, "restart") == 0) return interrupted(SA_RESTART);
    if (strcmp(kind, "short-write") == 0) return short_write(0);
    if (strcmp(kind, "vector") == 0) return short_write(1);
    if (strcmp(kind, "short-read") == 0) return short_read();
    if (strcmp(kind, "enospc") == 0) return written(0);
    if (strcmp(kind, "eio") == 0) return written(1);
    if (strcmp(kind, "estale") == 0) return stale();
    return 2;
}
