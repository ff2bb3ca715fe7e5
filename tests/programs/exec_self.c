/* Takes the lock, then executes itself: the descriptor and its flock go over. */
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

int main(int count, char **words) {
    if (count == 1) {
        flock(open("lock", O_RDWR | O_CREAT, 0600), LOCK_EX);
        execl("/proc/self/exe", words[0], "held", (char *)NULL);
        return 1;
    }
    access("lockfuzz:enter", F_OK);
    access("lockfuzz:leave", F_OK);
    return 0;
}
