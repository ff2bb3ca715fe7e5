/* Prints 100 MB, or so many lines of 100 bytes, then fails when somebody else was inside. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int count, char **words) {
    int lines = count > 1 ? atoi(words[1]) : 1000 * 1000;
    if (access("lock", F_OK) == 0)
        return 75;
    int lock = open("lock", O_RDWR | O_CREAT | O_TRUNC, 0600), seen = 0, me = getpid();
    for (int i = 0; i < lines; i++)
        printf("%099d\n", i);
    pwrite(lock, &me, sizeof me, 0);
    pread(lock, &seen, sizeof seen, 0);
    unlink("lock");
    if (seen == me)
        return 0;
    puts("the last line");
    return 1;
}
