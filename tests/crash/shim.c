/* Preloaded into camsync by tests/e2e/kills.rs: counts what the ledger makes durable, and ends the process there.
 *
 * CAMSYNC_KEEP=FOLDER     after each sync of a ledger file, that file is copied here: what a power loss would leave of it.
 * CAMSYNC_KILL_BEFORE=N   the process is killed right before the N-th sync of a ledger file,
 * CAMSYNC_KILL_AFTER=N    or right after it.
 *
 * A ledger file is one whose name begins with camsync.db. Others (the compile cache) are synced as ever.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static long count;

static int wanted(const char *name) {
    const char *text = getenv(name);
    return text != NULL && atol(text) == count;
}

static void end_if(const char *name) {
    if (wanted(name)) {
        kill(getpid(), SIGKILL);
        pause();
    }
}

/* The ledger file behind a descriptor; NULL when it is another file. */
static const char *ledger_file(int fd, char *path, size_t size) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, size - 1);
    if (length < 0) return NULL;
    path[length] = 0;
    const char *name = strrchr(path, '/');
    return name != NULL && strncmp(name + 1, "camsync.db", 10) == 0 ? name + 1 : NULL;
}

static void keep(const char *path, const char *name) {
    const char *folder = getenv("CAMSYNC_KEEP");
    if (folder == NULL) return;
    char fresh[PATH_MAX], place[PATH_MAX], block[65536];
    snprintf(fresh, sizeof fresh, "%s/.%s", folder, name);
    snprintf(place, sizeof place, "%s/%s", folder, name);
    int from = open(path, O_RDONLY | O_CLOEXEC);
    int to = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ssize_t got = -1;
    while (from >= 0 && to >= 0 && (got = read(from, block, sizeof block)) > 0)
        if (write(to, block, (size_t)got) != got) abort();
    if (got != 0) abort();
    close(from);
    close(to);
    if (rename(fresh, place) != 0) abort();
}

static int sync_with(const char *function, int fd) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, function);
    char path[PATH_MAX];
    const char *name = ledger_file(fd, path, sizeof path);
    if (name == NULL) return real(fd);
    __atomic_add_fetch(&count, 1, __ATOMIC_SEQ_CST);
    end_if("CAMSYNC_KILL_BEFORE");
    int done = real(fd);
    if (done == 0) keep(path, name);
    end_if("CAMSYNC_KILL_AFTER");
    return done;
}

int fsync(int fd) { return sync_with("fsync", fd); }
int fdatasync(int fd) { return sync_with("fdatasync", fd); }
