/* Links a private file to the lock's name, which fails where it is taken. Broken: renames it, which replaces what came
   after the look. */
#include "inside.h"

int main(int argc, char **argv) {
    (void)argv;
    int broken = argc > 1;
    char private[32];

    snprintf(private, sizeof private, "lock.%s", getenv("LOCKFUZZ_WORKER"));
    close(open(private, O_WRONLY | O_CREAT, 0600));
    if (access("lock", F_OK) == 0) {
        unlink(private);
        return 75;
    }
    int went = broken ? rename(private, "lock") : link(private, "lock");
    unlink(private);
    if (went < 0)
        return 75;

    int code = inside();
    unlink("lock");
    return code;
}
