/* A preload whose wall clock jumps: seconds to add stand as text in the file that CLOCK_JUMPS names, read at each call.
 *
 * stress.py writes that file while commands run, so that a jump meets them in the middle. It covers what asks the C
 * library for the time of day (clock_gettime of CLOCK_REALTIME, gettimeofday, time); the monotonic clock cannot jump,
 * and the times that the kernel gives to files do not. Fields are of one width, and a shared mapping shows them at once.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define WIDTH 16

static const char *jump;

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("CLOCK_JUMPS");
    int descriptor = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (descriptor < 0)
        return;
    void *found = mmap(NULL, WIDTH, PROT_READ, MAP_SHARED, descriptor, 0);
    if (found != MAP_FAILED)
        jump = found;
    close(descriptor);
}

static long seconds(void)
{
    return jump ? strtol(jump, NULL, 10) : 0;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    static int (*real)(clockid_t, struct timespec *);
    if (!real)
        real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int code = real(clock, now);
    if (code == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += seconds();
    return code;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec found;
    (void)zone;
    int code = clock_gettime(CLOCK_REALTIME, &found);
    if (code == 0 && now) {
        now->tv_sec = found.tv_sec;
        now->tv_usec = found.tv_nsec / 1000;
    }
    return code;
}

time_t time(time_t *where)
{
    struct timespec found;
    if (clock_gettime(CLOCK_REALTIME, &found) != 0)
        return -1;
    if (where)
        *where = found.tv_sec;
    return found.tv_sec;
}
