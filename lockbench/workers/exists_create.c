/* Looks for the lock file, then creates it. Two can look before either creates. */
#include "inside.h"

int main(void) {
    if (access("lock", F_OK) == 0)
        return 75;
    close(open("lock", O_WRONLY | O_CREAT, 0600));

    int code = inside();
    unlink("lock");
    return code;
}
