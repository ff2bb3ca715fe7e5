/* Each worker has a file of its own, so that no two ever want the same. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

int main(void) {
    close(open(getenv("LOCKFUZZ_WORKER"), O_WRONLY | O_CREAT, 0600));
    return 0;
}
