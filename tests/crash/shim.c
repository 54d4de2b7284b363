/*
 * Stands between a process and the disk: for LD_PRELOAD, in tests only.
 *
 * It counts what the process makes safe on the disk (fsync and fdatasync) of one ledger, its logs and their
 * folder, and can end the process, as `kill -9` does, right before or right after one of these. What is safe by then
 * is kept beside: all that power loss is sure to leave. What had only been written is in the files themselves.
 *
 *   CRASH_LEDGER  the ledger's file
 *   CRASH_AT      before:N or after:N, the N-th from 1; without it nothing is ended
 *   CRASH_TRACE   a file that gets one character for each: d(atabase), w(rite-ahead log), j(ournal, of a new ledger), f(older)
 *   CRASH_SAFE    a folder for `db`, `wal` and `journal`, as they were when last made safe
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
static int count = 0;

/* d, w, j or f for what belongs to the ledger; 0 for everything else. */
static char which(int fd)
{
    const char *ledger = getenv("CRASH_LEDGER");
    char link[64], path[PATH_MAX];
    if (!ledger)
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return 0;
    path[length] = 0;
    size_t whole = strlen(ledger);
    if (strncmp(path, ledger, whole) == 0) {
        if (path[whole] == 0)
            return 'd';
        if (strcmp(path + whole, "-wal") == 0)
            return 'w';
        return strcmp(path + whole, "-journal") == 0 ? 'j' : 0;
    }
    const char *name = strrchr(ledger, '/');
    return name && (size_t)length == (size_t)(name - ledger) && strncmp(path, ledger, length) == 0 ? 'f' : 0;
}

static void copy(int fd, const char *to)
{
    char link[64], buffer[65536];
    /* An open of its own: the process's may be for writing only, and has a place of its own in the file. */
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    int from = open(link, O_RDONLY | O_CLOEXEC);
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ssize_t got;
    if (from < 0 || out < 0)
        abort();
    while ((got = read(from, buffer, sizeof buffer)) > 0)
        if (write(out, buffer, got) != got)
            abort();
    close(from);
    close(out);
}

static void forget(const char *safe, const char *suffix, const char *name)
{
    char file[PATH_MAX], kept[PATH_MAX];
    snprintf(file, sizeof file, "%s%s", getenv("CRASH_LEDGER"), suffix);
    snprintf(kept, sizeof kept, "%s/%s", safe, name);
    if (access(file, F_OK) != 0)
        unlink(kept);
}

static void end_at(const char *side)
{
    const char *at = getenv("CRASH_AT");
    size_t length = strlen(side);
    if (at && strncmp(at, side, length) == 0 && at[length] == ':' && atoi(at + length + 1) == count) {
        kill(getpid(), SIGKILL);
        for (;;)
            pause();
    }
}

static int made_safe(int fd, const char *call)
{
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, call);
    char what = which(fd);
    if (!what)
        return real(fd);
    pthread_mutex_lock(&one_at_a_time);
    count++;
    end_at("before");
    const char *safe = getenv("CRASH_SAFE"), *trace = getenv("CRASH_TRACE");
    char next[PATH_MAX], kept[PATH_MAX];
    /* What is written meanwhile by another thread is not promised to be safe: the copy comes first. */
    int keep = safe && what != 'f';
    if (keep) {
        snprintf(next, sizeof next, "%s/next", safe);
        snprintf(kept, sizeof kept, "%s/%s", safe, what == 'd' ? "db" : what == 'w' ? "wal" : "journal");
        copy(fd, next);
    }
    int done = real(fd);
    if (keep && done == 0)
        rename(next, kept);
    /* A log that was removed comes back with the power, until its folder was made safe without it. */
    if (safe && what == 'f' && done == 0) {
        forget(safe, "-wal", "wal");
        forget(safe, "-journal", "journal");
    }
    if (trace) {
        int out = open(trace, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (out < 0 || write(out, &what, 1) != 1)
            abort();
        close(out);
    }
    end_at("after");
    pthread_mutex_unlock(&one_at_a_time);
    return done;
}

int fsync(int fd)
{
    return made_safe(fd, "fsync");
}

int fdatasync(int fd)
{
    return made_safe(fd, "fdatasync");
}
