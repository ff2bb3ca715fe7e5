/* Its lock lies outside the private folder: nothing is scheduled without --watch. */
#include <fcntl.h>
#include <unistd.h>

int main(int count, char **words) {
    if (count != 2)
        return 2;
    if (access(words[1], F_OK) == 0)
        return 75;
    close(open(words[1], O_WRONLY | O_CREAT, 0600));
    access("lockfuzz:enter", F_OK);
    access("lockfuzz:leave", F_OK);
    unlink(words[1]);
    return 0;
}
