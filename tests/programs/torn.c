/* Worker 1 writes a file in place, in two halves; the others read it, and look at nothing. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

int main(void) {
    char seen[64];
    if (atoi(getenv("LOCKFUZZ_WORKER")) == 1) {
        int file = open("data", O_WRONLY | O_CREAT | O_TRUNC, 0600);
        write(file, "first half, ", 12);
        write(file, "second half\n", 12);
        close(file);
    } else {
        int file = open("data", O_RDONLY);
        if (file >= 0)
            read(file, seen, sizeof seen);
        close(file);
    }
    return 0;
}
