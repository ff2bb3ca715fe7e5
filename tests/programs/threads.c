/* Eight threads add one to a counter each, under flock; with a word on the command line, without. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

static int locked;

static void *add(void *nothing) {
    char text[16] = "";
    int file = open("counter", O_RDWR | O_CREAT, 0600);
    if (locked)
        flock(file, LOCK_EX);
    pread(file, text, sizeof text - 1, 0);
    dprintf(file, "%d", atoi(text) + 1);
    close(file);
    return nothing;
}

int main(int count, char **words) {
    pthread_t threads[8];
    (void)words;
    locked = count == 1;
    for (int i = 0; i < 8; i++)
        pthread_create(&threads[i], NULL, add, NULL);
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    return 0;
}
