/* Two that hand a file on by pauses: the one that pauses first may find the other's file at any of its steps. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int main(void) {
    if (strcmp(getenv("LOCKFUZZ_WORKER"), "1") == 0) {
        access("nothing", F_OK);
        usleep(20000);
        /* Fails only if it wakes between the other's two steps, none of which it has looked at. */
        return access("one", F_OK) == 0 && access("two", F_OK) != 0;
    }
    close(open("one", O_WRONLY | O_CREAT, 0600));
    close(open("two", O_WRONLY | O_CREAT, 0600));
    return 0;
}
