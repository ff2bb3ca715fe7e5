/* Its number goes into the shared file by way of a pipe, so it writes to that file with no other call. With the word
   `locked` under a flock. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

int main(int argc, char **argv) {
    char me = getenv("LOCKFUZZ_WORKER")[0], seen = 0;
    int ends[2], lock = open("lock", O_RDWR | O_CREAT, 0600);
    if (argc > 1 && flock(lock, LOCK_EX)) return 2;
    int cache = open("cache", O_RDWR | O_CREAT, 0600);
    if (pipe(ends) || write(ends[1], &me, 1) != 1) return 2;
    if (splice(ends[0], 0, cache, &(loff_t){0}, 1, 0) != 1) return 2;
    pread(cache, &seen, 1, 0);
    return seen != me;
}
