/* Waits for a file that nobody makes, looking again and again, where the lock is taken. */
#include <fcntl.h>
#include <unistd.h>

int main(int count, char **words) {
    (void)words;
    int lock = open("lock", O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (lock < 0 || count > 1)
        while (access("never", F_OK) != 0)
            ;
    close(lock);
    unlink("lock");
    return 0;
}
