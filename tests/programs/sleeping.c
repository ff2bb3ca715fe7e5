/* The same as spinning.c, with a second of sleep between two looks. */
#include <fcntl.h>
#include <unistd.h>

int main(int count, char **words) {
    (void)words;
    int lock = open("lock", O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (lock < 0 || count > 1)
        while (access("never", F_OK) != 0)
            sleep(1);
    close(lock);
    unlink("lock");
    return 0;
}
