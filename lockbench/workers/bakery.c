/* Lamport's bakery over files: takes a number larger than all others', and waits for those before it. Broken: nobody
   says that it is choosing, so a small number may come late. */
#include "inside.h"

static char *name(const char *what, int worker) {
    static char name[32];
    snprintf(name, sizeof name, "%s.%d", what, worker);
    return name;
}

/* 0 for none, and for one that is just being written. */
static int number_of(int worker) {
    char text[16] = "";
    int file = open(name("number", worker), O_RDONLY);
    if (file < 0)
        return 0;
    read(file, text, sizeof text - 1);
    close(file);
    return atoi(text);
}

int main(int argc, char **argv) {
    (void)argv;
    int broken = argc > 1, largest = 0;
    int me = atoi(getenv("LOCKFUZZ_WORKER")), all = atoi(getenv("LOCKFUZZ_WORKERS"));

    if (!broken)
        close(open(name("choosing", me), O_WRONLY | O_CREAT, 0600));
    for (int other = 1; other <= all; other++) {
        int number = number_of(other);
        if (number > largest)
            largest = number;
    }
    int mine = largest + 1, file = open(name("number", me), O_WRONLY | O_CREAT, 0600);
    dprintf(file, "%d", mine);
    close(file);
    unlink(name("choosing", me));
    for (int other = 1; other <= all; other++) {
        while (access(name("choosing", other), F_OK) == 0)
            usleep(1000);
        for (int number; (number = number_of(other)) && (number < mine || (number == mine && other < me));)
            usleep(1000);
    }

    int code = inside();
    unlink(name("number", me));
    return code;
}
