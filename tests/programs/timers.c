/* Each form of a timer, and signals that come to one who sleeps or waits for a lock. Ends with the line of what is not as
   it should be, or 0. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define EXPECT(what) do { if (!(what)) { fprintf(stderr, "line %d: %s, errno %d\n", __LINE__, #what, errno); _exit(__LINE__); } } while (0)

static volatile int rang, code, value, noted = -1;

static void note(int signal, siginfo_t *from, void *context) {
    (void)signal, (void)context;
    rang++;
    code = from->si_code;
    value = from->si_value.sival_int;
    /* A step in a handler. */
    if (noted >= 0) EXPECT(write(noted, "rang\n", 5) == 5);
}

static void hear(int signal, int flags) {
    struct sigaction action = {.sa_sigaction = note, .sa_flags = SA_SIGINFO | flags};
    EXPECT(sigaction(signal, &action, NULL) == 0);
    rang = code = value = 0;
}

static void alarms(void) {
    struct itimerval in_time = {{0, 0}, {1, 500000}}, is;
    struct timespec ten = {10, 0}, rest = {0, 0};
    hear(SIGALRM, SA_RESTART);
    EXPECT(alarm(5) == 0);
    EXPECT(getitimer(ITIMER_REAL, &is) == 0 && is.it_value.tv_sec + (is.it_value.tv_usec > 0) == 5);
    EXPECT(alarm(0) == 5 && alarm(0) == 0);
    EXPECT(setitimer(ITIMER_REAL, &in_time, &is) == 0 && is.it_value.tv_sec == 0);
    /* A handler ends a sleep, whatever its flags. */
    EXPECT(nanosleep(&ten, &rest) == -1 && errno == EINTR);
    EXPECT(rest.tv_sec == 8 && rest.tv_nsec > 400000000);
    EXPECT(rang == 1);
    EXPECT(getitimer(ITIMER_REAL, &is) == 0 && is.it_value.tv_sec == 0 && is.it_value.tv_usec == 0);
    EXPECT(setitimer(ITIMER_REAL, (void *)8, NULL) == -1);
}

static void own_timers(void) {
    struct sigevent how = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 42};
    struct itimerspec in_time = {{0, 0}, {2, 0}}, often = {{0, 10000000}, {0, 10000000}}, none = {{0, 0}, {0, 0}}, is;
    struct timespec now;
    timer_t timer, other;
    hear(SIGUSR1, 0);
    EXPECT(timer_create(CLOCK_MONOTONIC, &how, &timer) == 0);
    EXPECT(timer_create(CLOCK_REALTIME, NULL, &other) == 0 && other != timer);
    EXPECT(timer_delete(other) == 0);
    EXPECT(timer_settime(timer, 0, &in_time, NULL) == 0);
    EXPECT(timer_gettime(timer, &is) == 0 && is.it_value.tv_sec + (is.it_value.tv_nsec > 0) == 2);
    EXPECT(pause() == -1 && errno == EINTR);
    EXPECT(rang == 1 && code == SI_TIMER && value == 42 && timer_getoverrun(timer) == 0);
    EXPECT(timer_settime(timer, 0, &often, &is) == 0 && is.it_value.tv_sec == 0);
    for (int nth = 2; nth < 5; nth++) EXPECT(pause() == -1 && rang == nth);
    EXPECT(timer_settime(timer, 0, &none, &is) == 0 && is.it_interval.tv_nsec == 10000000);
    /* One that is waited for, at a time that is said. */
    sigset_t signals;
    siginfo_t from;
    sigemptyset(&signals);
    sigaddset(&signals, SIGUSR1);
    EXPECT(sigprocmask(SIG_BLOCK, &signals, NULL) == 0);
    EXPECT(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    in_time.it_value.tv_sec = now.tv_sec + 3;
    EXPECT(timer_settime(timer, TIMER_ABSTIME, &in_time, NULL) == 0);
    EXPECT(timer_gettime(timer, &is) == 0 && is.it_value.tv_sec < 3);
    EXPECT(sigwaitinfo(&signals, &from) == SIGUSR1 && from.si_code == SI_TIMER && from.si_value.sival_int == 42);
    EXPECT(sigprocmask(SIG_UNBLOCK, &signals, NULL) == 0);
    EXPECT(timer_delete(timer) == 0 && rang == 4);
    EXPECT(timer_settime(timer, 0, &in_time, NULL) == -1 && errno == EINVAL);
}

static void kept(char *self) {
    struct itimerval in_time = {{0, 0}, {100, 0}}, is;
    EXPECT(setitimer(ITIMER_REAL, &in_time, NULL) == 0);
    int child = fork(), status;
    if (child == 0) {
        EXPECT(getitimer(ITIMER_REAL, &is) == 0 && is.it_value.tv_sec == 0 && is.it_value.tv_usec == 0);
        EXPECT(setitimer(ITIMER_REAL, &in_time, NULL) == 0);
        execl(self, self, "after", NULL);
        _exit(127);
    }
    EXPECT(waitpid(child, &status, 0) == child && status == 0);
    EXPECT(alarm(0) > 90);
}

static void after_exec(void) {
    struct itimerval is;
    EXPECT(getitimer(ITIMER_REAL, &is) == 0 && is.it_value.tv_sec + (is.it_value.tv_usec > 0) == 100);
    _exit(0);
}

/* Who gets it keeps it for ten seconds; the other gives up after two, and then waits until it has it. */
static void locks(void) {
    struct timespec ten = {10, 0};
    int lock = open("lock", O_RDWR | O_CREAT, 0600);
    noted = open("log", O_WRONLY | O_CREAT | O_APPEND, 0600);
    hear(SIGALRM, 0);
    alarm(2);
    if (flock(lock, LOCK_EX) != 0) {
        EXPECT(errno == EINTR && rang == 1);
        hear(SIGALRM, SA_RESTART);
        alarm(2);
        EXPECT(flock(lock, LOCK_EX) == 0);
    }
    alarm(0);
    nanosleep(&ten, NULL);
    flock(lock, LOCK_UN);
    noted = -1;
}

/* A child's signal, and its end, come to one who waits for a lock, or is about to. */
static void children(int queued) {
    int lock = open("lock", O_RDWR | O_CREAT, 0600), status;
    noted = open("log", O_WRONLY | O_CREAT | O_APPEND, 0600);
    hear(SIGUSR1, 0);
    int child = fork();
    if (child == 0) {
        int mine = open("lock", O_RDWR);
        EXPECT(flock(mine, LOCK_EX) == 0);
        access("lock", F_OK);
        /* Until it has heard, it has no lock; the first may come just before it waits. */
        for (;; sleep(5)) {
            if (queued) sigqueue(getppid(), SIGUSR1, (union sigval){0});
            else kill(getppid(), SIGUSR1);
        }
    }
    if (flock(lock, LOCK_EX) != 0) EXPECT(errno == EINTR && rang > 0);
    flock(lock, LOCK_UN);
    while (!rang) pause();
    kill(child, SIGKILL);
    EXPECT(waitpid(child, &status, 0) == child);
    noted = -1;
}

int main(int count, char **words) {
    if (count > 1 && strcmp(words[1], "after") == 0) after_exec();
    alarms();
    own_timers();
    kept(words[0]);
    locks();
    children(0);
    children(1);
    return 0;
}
