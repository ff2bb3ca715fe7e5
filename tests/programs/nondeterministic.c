/* A race behind a coin that nobody can seed: the program is not the same twice. */
#include <fcntl.h>
#include <unistd.h>

int main(void) {
    unsigned char coin = 0;
    int random = open("/proc/sys/kernel/random/uuid", O_RDONLY);
    read(random, &coin, 1);
    close(random);
    close(open(coin % 2 ? "heads" : "tails", O_WRONLY | O_CREAT, 0600));
    if (access("lock", F_OK) == 0)
        return 75;
    close(open("lock", O_WRONLY | O_CREAT, 0600));
    access("lockfuzz:enter", F_OK);
    access("lockfuzz:leave", F_OK);
    unlink("lock");
    return 0;
}
