// Moves the wall clock of the process that preloads it by CLOCK_OFFSET seconds. By system calls, and not by the functions it
// stands in front of: allocators ask for the time before those could be looked up.
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long offset(void) {
    const char *text = getenv("CLOCK_OFFSET");
    return text ? atol(text) : 0;
}

static int is_wall(clockid_t clock) {
    return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_TAI;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    long result = syscall(SYS_clock_gettime, clock, time);
    if (result == 0 && is_wall(clock)) time->tv_sec += offset();
    return (int)result;
}

int gettimeofday(struct timeval *time, void *zone) {
    long result = syscall(SYS_gettimeofday, time, zone);
    if (result == 0 && time) time->tv_sec += offset();
    return (int)result;
}

time_t time(time_t *time) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (time) *time = now.tv_sec;
    return now.tv_sec;
}
