/* Takes a flock, which is sound; with a word it does not care whether it got it, which is not. */
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

int main(int count, char **words) {
    int lock = open("lock", O_RDWR | O_CREAT, 0600);
    flock(lock, count > 1 ? LOCK_EX | LOCK_NB : LOCK_EX);
    access("lockfuzz:enter", F_OK);
    access("lockfuzz:leave", F_OK);
    close(lock);
    return 0;
}
