/* Creates the lock file with O_EXCL: only one can. Broken: without it everybody can. */
#include "inside.h"

int main(int argc, char **argv) {
    (void)argv;
    int broken = argc > 1;

    int lock = open("lock", O_WRONLY | O_CREAT | (broken ? 0 : O_EXCL), 0600);
    if (lock < 0)
        return 75;
    close(lock);

    int code = inside();
    unlink("lock");
    return code;
}
