/* Prints 100 MB, then fails when somebody else was inside. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int main(void) {
    if (access("lock", F_OK) == 0)
        return 75;
    int lock = open("lock", O_RDWR | O_CREAT | O_TRUNC, 0600), seen = 0, me = getpid();
    for (int i = 0; i < 1000 * 1000; i++)
        printf("%099d\n", i);
    pwrite(lock, &me, sizeof me, 0);
    pread(lock, &seen, sizeof seen, 0);
    unlink("lock");
    if (seen == me)
        return 0;
    puts("the last line");
    return 1;
}
