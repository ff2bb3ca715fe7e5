/* Has its lock file made by a child of vfork, so that the worker stands still until the child's exec. */
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void) {
    if (access("lock", F_OK) == 0)
        return 75;
    pid_t child = vfork();
    if (child == 0) {
        execlp("touch", "touch", "lock", (char *)NULL);
        _exit(127);
    }
    waitpid(child, NULL, 0);
    access("lockfuzz:enter", F_OK);
    access("lockfuzz:leave", F_OK);
    unlink("lock");
    return 0;
}
