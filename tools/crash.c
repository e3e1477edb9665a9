/* A preload that counts a process's file-system calls below some directories and kills or fails it at one of them.
 *
 * crash.py arms it in a child that it has just forked: crash_arm(roots, log, shared, process, call, how, number).
 * Processes are numbered by their forks: the armed one is 0, the first it forks 1, and so on; each counts its own calls
 * from 1. Calls are those of the C library that CPython makes: what looks, what changes and what locks. With `log` every
 * call is written there as "process call function kind path". `how` says what happens before the call of that process
 * and number:
 *
 *   kill   it alone is killed          group   its process group is
 *   once   the call fails              always  it and every later one that can fail so does, in all processes
 *
 * `number` is the errno of the last two. A call fails only with what it may fail with; crash.py asks for no others.
 *
 * A program that is started, not forked, is armed by its surroundings (see arm_started). All of its processes and
 * threads count as one then, in the order in which they come.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum how { NOTHING, KILL, GROUP, ONCE, ALWAYS };

/* What all processes of a run share with whoever started it. */
struct shared {
    int failing; /* from now on every call that can fails */
    int struck;  /* it has happened */
    long calls;  /* of all together, where they count as one */
};

static struct {
    int armed, process, forked, as_one;
    long calls;
    int at_process;
    long at_call;
    enum how how;
    int number, log;
    char roots[2][PATH_MAX];
    struct shared *shared;
} state;

static __thread int inside;

void crash_arm(const char *first, const char *second, int log, struct shared *shared, int process, long call, int how,
               int number)
{
    snprintf(state.roots[0], PATH_MAX, "%s", first);
    snprintf(state.roots[1], PATH_MAX, "%s", second);
    state.shared = shared;
    state.log = log;
    state.at_process = process;
    state.at_call = call;
    state.how = how;
    state.number = number;
    state.forked = 0; /* whatever the arming process has forked before */
    state.armed = 1;
}

/* CRASH_ROOT is the directory, CRASH_SHARED a file of a `struct shared`, CRASH_CALL the call before which the group is
 * killed, 0 for none, CRASH_LOG a file. */
__attribute__((constructor)) static void arm_started(void)
{
    const char *root = getenv("CRASH_ROOT"), *shared = getenv("CRASH_SHARED"), *call = getenv("CRASH_CALL");
    const char *log = getenv("CRASH_LOG");
    if (!root || !shared || !call)
        return;
    int there = syscall(SYS_openat, AT_FDCWD, shared, O_RDWR | O_CLOEXEC);
    void *mapped = mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE, MAP_SHARED, there, 0);
    if (there < 0 || mapped == MAP_FAILED)
        abort();
    syscall(SYS_close, there);
    state.as_one = 1;
    int said = log ? syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_APPEND | O_CLOEXEC) : -1;
    crash_arm(root, "", said, mapped, 0, atol(call), GROUP, 0);
}

/* Write the path that a call is about; `directory` is a descriptor, or AT_FDCWD; no `name`: the descriptor itself. */
static void spell(char *path, int directory, const char *name)
{
    char link[64];
    ssize_t length = 0;
    path[0] = 0;
    if (name == NULL || name[0] != '/') {
        if (directory == AT_FDCWD)
            snprintf(link, sizeof link, "/proc/self/cwd");
        else
            snprintf(link, sizeof link, "/proc/self/fd/%d", directory);
        length = syscall(SYS_readlink, link, path, PATH_MAX - 2);
        if (length < 0)
            length = 0;
        path[length] = 0;
        if (name != NULL && length + 2 < PATH_MAX)
            path[length++] = '/';
    }
    if (name != NULL)
        snprintf(path + length, PATH_MAX - length, "%s", name);
}

static int is_within(const char *path)
{
    for (int one = 0; one < 2; one++) {
        size_t length = strlen(state.roots[one]);
        if (length && strncmp(path, state.roots[one], length) == 0 && (path[length] == '/' || path[length] == 0))
            return 1;
    }
    return 0;
}

/* Which errors a kind of call may fail with. */
enum kind { LOOK = 1, CHANGE = 2, OPEN = 4, ROOM = 8, LOCK = 16, BYTES = 32 };

static int can_fail(int kind, int number)
{
    switch (number) {
    case ENOSPC:
    case EDQUOT: return kind & ROOM;
    case EMFILE: return kind & OPEN;
    case EROFS: return kind & CHANGE;
    case EACCES: return !(kind & (BYTES | LOCK));
    case ENOLCK: return kind & LOCK;
    case EINTR: return kind & (OPEN | LOCK | BYTES);
    default: return 1;
    }
}

/* Take note of a call; 1 where it has to fail, errno set. */
static int strike(const char *function, int kind, int directory, const char *name)
{
    char path[PATH_MAX], line[PATH_MAX + 128];
    if (!state.armed || inside)
        return 0;
    int kept = errno;
    inside = 1;
    spell(path, directory, name);
    int within = is_within(path);
    inside = 0;
    errno = kept;
    if (!within)
        return 0;
    long number = __atomic_add_fetch(state.as_one ? &state.shared->calls : &state.calls, 1, __ATOMIC_SEQ_CST);
    int here = state.process == state.at_process && number == state.at_call;
    if (state.log >= 0) {
        int length = snprintf(line, sizeof line, "%d %ld %s %d %s\n", state.process, number, function, kind, path);
        syscall(SYS_write, state.log, line, length);
    }
    if (here && (state.how < ONCE || can_fail(kind, state.number)))
        state.shared->struck = 1;
    if (here && state.how == KILL)
        syscall(SYS_kill, (int)syscall(SYS_getpid), SIGKILL);
    if (here && state.how == GROUP)
        syscall(SYS_kill, 0, SIGKILL);
    if (here && state.how == ALWAYS)
        state.shared->failing = 1;
    if (((here && state.how == ONCE) || state.shared->failing) && can_fail(kind, state.number)) {
        errno = state.number;
        return 1;
    }
    errno = kept;
    return 0;
}

#define REAL(result, name, ...)                                      \
    static result (*real)(__VA_ARGS__);                              \
    if (real == NULL)                                                \
        real = (result (*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name);

pid_t fork(void)
{
    REAL(pid_t, fork, void)
    int number = state.forked + 1;
    pid_t pid = real();
    if (pid == 0 && state.armed && !state.as_one) {
        state.process = number;
        state.forked = number * 100;
        state.calls = 0;
    } else if (pid > 0) {
        state.forked = number;
    }
    return pid;
}

static int kind_of_open(int flags)
{
    int changes = flags & (O_CREAT | O_TRUNC | O_WRONLY | O_RDWR);
    return OPEN | (changes ? CHANGE : LOOK) | (flags & O_CREAT ? ROOM : 0);
}

#define OPENS(name)                                                            \
    int name(const char *path, int flags, ...)                                 \
    {                                                                          \
        va_list rest;                                                          \
        va_start(rest, flags);                                                 \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0; \
        va_end(rest);                                                          \
        REAL(int, name, const char *, int, ...)                                \
        return strike("open", kind_of_open(flags), AT_FDCWD, path) ? -1 : real(path, flags, mode); \
    }
OPENS(open)
OPENS(open64)

#define OPENATS(name)                                                          \
    int name(int directory, const char *path, int flags, ...)                  \
    {                                                                          \
        va_list rest;                                                          \
        va_start(rest, flags);                                                 \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0; \
        va_end(rest);                                                          \
        REAL(int, name, int, const char *, int, ...)                           \
        return strike("open", kind_of_open(flags), directory, path) ? -1 : real(directory, path, flags, mode); \
    }
OPENATS(openat)
OPENATS(openat64)

#define CALL(result, failed, name, label, kind, directory, path, parameters, ...) \
    result name parameters                                                     \
    {                                                                          \
        static result(*real) parameters;                                       \
        if (real == NULL)                                                      \
            real = (result(*) parameters)dlsym(RTLD_NEXT, #name);              \
        return strike(label, kind, directory, path) ? failed : real(__VA_ARGS__); \
    }

CALL(int, -1, mkdir, "mkdir", CHANGE | ROOM, AT_FDCWD, p, (const char *p, mode_t m), p, m)
CALL(int, -1, mkdirat, "mkdir", CHANGE | ROOM, d, p, (int d, const char *p, mode_t m), d, p, m)
CALL(int, -1, link, "link", CHANGE | ROOM, AT_FDCWD, q, (const char *p, const char *q), p, q)
CALL(int, -1, linkat, "link", CHANGE | ROOM, e, q, (int d, const char *p, int e, const char *q, int f), d, p, e, q, f)
CALL(int, -1, rename, "rename", CHANGE | ROOM, AT_FDCWD, q, (const char *p, const char *q), p, q)
CALL(int, -1, renameat, "rename", CHANGE | ROOM, e, q, (int d, const char *p, int e, const char *q), d, p, e, q)
CALL(int, -1, renameat2, "rename", CHANGE | ROOM, e, q, (int d, const char *p, int e, const char *q, unsigned f), d, p,
     e, q, f)
CALL(int, -1, unlink, "unlink", CHANGE, AT_FDCWD, p, (const char *p), p)
CALL(int, -1, unlinkat, "unlink", CHANGE, d, p, (int d, const char *p, int f), d, p, f)
CALL(int, -1, rmdir, "rmdir", CHANGE, AT_FDCWD, p, (const char *p), p)
CALL(int, -1, symlink, "symlink", CHANGE | ROOM, AT_FDCWD, q, (const char *p, const char *q), p, q)
CALL(int, -1, symlinkat, "symlink", CHANGE | ROOM, d, q, (const char *p, int d, const char *q), p, d, q)
CALL(ssize_t, -1, write, "write", CHANGE | ROOM | BYTES, d, NULL, (int d, const void *b, size_t n), d, b, n)
CALL(ssize_t, -1, pwrite, "write", CHANGE | ROOM | BYTES, d, NULL, (int d, const void *b, size_t n, off_t o), d, b, n, o)
CALL(ssize_t, -1, pwrite64, "write", CHANGE | ROOM | BYTES, d, NULL, (int d, const void *b, size_t n, off64_t o), d, b, n,
     o)
CALL(ssize_t, -1, writev, "write", CHANGE | ROOM | BYTES, d, NULL, (int d, const struct iovec *v, int n), d, v, n)
CALL(ssize_t, -1, read, "read", LOOK | BYTES, d, NULL, (int d, void *b, size_t n), d, b, n)
CALL(ssize_t, -1, pread, "read", LOOK | BYTES, d, NULL, (int d, void *b, size_t n, off_t o), d, b, n, o)
CALL(ssize_t, -1, pread64, "read", LOOK | BYTES, d, NULL, (int d, void *b, size_t n, off64_t o), d, b, n, o)
CALL(int, -1, ftruncate, "truncate", CHANGE | BYTES, d, NULL, (int d, off_t n), d, n)
CALL(int, -1, ftruncate64, "truncate", CHANGE | BYTES, d, NULL, (int d, off64_t n), d, n)
CALL(int, -1, fchmod, "chmod", CHANGE | BYTES, d, NULL, (int d, mode_t m), d, m)
CALL(int, -1, fchmodat, "chmod", CHANGE, d, p, (int d, const char *p, mode_t m, int f), d, p, m, f)
CALL(int, -1, chmod, "chmod", CHANGE, AT_FDCWD, p, (const char *p, mode_t m), p, m)
CALL(int, -1, futimens, "utime", CHANGE | BYTES, d, NULL, (int d, const struct timespec t[2]), d, t)
CALL(int, -1, utimensat, "utime", CHANGE, d, p, (int d, const char *p, const struct timespec t[2], int f), d, p, t, f)
CALL(int, -1, fsync, "fsync", CHANGE | ROOM | BYTES, d, NULL, (int d), d)
CALL(int, -1, fdatasync, "fsync", CHANGE | ROOM | BYTES, d, NULL, (int d), d)
CALL(int, -1, syncfs, "syncfs", CHANGE | ROOM | BYTES, d, NULL, (int d), d)
CALL(int, -1, flock, "flock", LOCK, d, NULL, (int d, int o), d, o)
CALL(int, -1, fstatat, "stat", LOOK, d, p, (int d, const char *p, struct stat *s, int f), d, p, s, f)
CALL(int, -1, fstatat64, "stat", LOOK, d, p, (int d, const char *p, struct stat64 *s, int f), d, p, s, f)
CALL(int, -1, stat, "stat", LOOK, AT_FDCWD, p, (const char *p, struct stat *s), p, s)
CALL(int, -1, stat64, "stat", LOOK, AT_FDCWD, p, (const char *p, struct stat64 *s), p, s)
CALL(int, -1, lstat, "stat", LOOK, AT_FDCWD, p, (const char *p, struct stat *s), p, s)
CALL(int, -1, lstat64, "stat", LOOK, AT_FDCWD, p, (const char *p, struct stat64 *s), p, s)
CALL(int, -1, fstat, "fstat", LOOK | BYTES, d, NULL, (int d, struct stat *s), d, s)
CALL(int, -1, fstat64, "fstat", LOOK | BYTES, d, NULL, (int d, struct stat64 *s), d, s)
CALL(int, -1, __xstat64, "stat", LOOK, AT_FDCWD, p, (int v, const char *p, struct stat64 *s), v, p, s)
CALL(int, -1, __lxstat64, "stat", LOOK, AT_FDCWD, p, (int v, const char *p, struct stat64 *s), v, p, s)
CALL(int, -1, __fxstat64, "fstat", LOOK | BYTES, d, NULL, (int v, int d, struct stat64 *s), v, d, s)
CALL(int, -1, __fxstatat64, "stat", LOOK, d, p, (int v, int d, const char *p, struct stat64 *s, int f), v, d, p, s, f)
CALL(int, -1, statx, "stat", LOOK, d, p, (int d, const char *p, int f, unsigned m, struct statx *s), d, p, f, m, s)
CALL(int, -1, access, "access", LOOK, AT_FDCWD, p, (const char *p, int m), p, m)
CALL(int, -1, faccessat, "access", LOOK, d, p, (int d, const char *p, int m, int f), d, p, m, f)
CALL(DIR *, NULL, opendir, "list", LOOK | OPEN, AT_FDCWD, p, (const char *p), p)
CALL(DIR *, NULL, fdopendir, "list", LOOK | BYTES, d, NULL, (int d), d)
CALL(ssize_t, -1, readlink, "readlink", LOOK, AT_FDCWD, p, (const char *p, char *b, size_t n), p, b, n)
CALL(ssize_t, -1, readlinkat, "readlink", LOOK, d, p, (int d, const char *p, char *b, size_t n), d, p, b, n)
CALL(ssize_t, -1, sendfile64, "copy", CHANGE | ROOM | BYTES, d, NULL, (int d, int e, off64_t *o, size_t n), d, e, o, n)
CALL(ssize_t, -1, copy_file_range, "copy", CHANGE | ROOM | BYTES, e, NULL,
     (int d, off64_t *o, int e, off64_t *q, size_t n, unsigned f), d, o, e, q, n, f)

int ioctl(int descriptor, unsigned long request, ...)
{
    va_list rest;
    va_start(rest, request);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    REAL(int, ioctl, int, unsigned long, ...)
    return strike("ioctl", LOOK | BYTES, descriptor, NULL) ? -1 : real(descriptor, request, argument);
}
