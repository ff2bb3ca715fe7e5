/* Spins without a call where the lock is taken; with a word on the command line, in any case. */
#include <fcntl.h>
#include <unistd.h>

int main(int count, char **words) {
    (void)words;
    int lock = open("lock", O_WRONLY | O_CREAT | O_EXCL, 0600);
    volatile int forever = lock < 0 || count > 1;
    while (forever)
        ;
    close(lock);
    unlink("lock");
    return 0;
}
