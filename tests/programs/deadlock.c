/* Two locks, taken in one order by odd workers and in the other by even ones. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

static void take(const char *name) { flock(open(name, O_RDWR | O_CREAT, 0600), LOCK_EX); }

int main(void) {
    int odd = atoi(getenv("LOCKFUZZ_WORKER")) % 2;
    take(odd ? "left" : "right");
    take(odd ? "right" : "left");
    access("lockfuzz:enter", F_OK);
    access("lockfuzz:leave", F_OK);
    return 0;
}
