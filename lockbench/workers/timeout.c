/* O_EXCL, tried twice; who gives up comes back once. Broken: who gives up removes the lock as well, another's. */
#include "inside.h"

static int created(void) {
    return open("lock", O_WRONLY | O_CREAT | O_EXCL, 0600) >= 0;
}

int main(int argc, char **argv) {
    (void)argv;
    int broken = argc > 1, code = 75;

    for (int round = 0; code == 75 && round < 2; round++) {
        int mine = created();
        if (!mine) {
            usleep(10000);
            mine = created();
        }
        if (mine)
            code = inside();
        if (mine || broken)
            unlink("lock");
    }
    return code;
}
