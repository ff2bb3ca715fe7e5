/* A lock file whose name is two lines, with an escape and a byte that is no UTF-8. */
#include <fcntl.h>
#include <unistd.h>

static const char lock[] = "two\nlines \x1b[31m \xff";

int main(void) {
    if (access(lock, F_OK) == 0)
        return 75;
    close(open(lock, O_WRONLY | O_CREAT, 0600));
    access("lockfuzz:enter", F_OK);
    access("lockfuzz:leave", F_OK);
    unlink(lock);
    return 0;
}
