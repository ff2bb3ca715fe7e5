/* Ignores every signal that can be ignored, and never ends once it has found the lock taken. */
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

int main(void) {
    for (int number = 1; number < 32; number++)
        signal(number, SIG_IGN);
    if (open("lock", O_WRONLY | O_CREAT | O_EXCL, 0600) < 0)
        for (;;)
            pause();
    access("lockfuzz:enter", F_OK);
    access("lockfuzz:leave", F_OK);
    unlink("lock");
    return 0;
}
