/*
 * base_file: files read whole, and written so that the old one stays until the new one is whole.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* POSIX.1-2008, realpath, sync_file_range */
#endif

#include "base.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* read(), again when a signal interrupts it. */
static ssize_t read_some(int descriptor, void *data, size_t length)
{
    ssize_t got;
    do
        got = read(descriptor, data, length);
    while (got < 0 && errno == EINTR);
    return got;
}

static int open_again(const char *path, int flags)
{
    int descriptor;
    do
        descriptor = open(path, flags | O_CLOEXEC, 0666);
    while (descriptor < 0 && errno == EINTR);
    return descriptor;
}

_Noreturn static void fail_to_read(int descriptor, const char *path)
{
    int error = errno;
    if (descriptor >= 0)
        close(descriptor);
    fail(STATUS_USER, "cannot read %s: %s", path, strerror(error));
}

/* DESCRIPTOR of the file PATH is a plain file of at most MOST bytes; its size. Fails otherwise. */
static size_t plain_size(int descriptor, const char *path, size_t most)
{
    struct stat about;
    if (descriptor < 0 || fstat(descriptor, &about) < 0)
        fail_to_read(descriptor, path);
    size_t size = (size_t)about.st_size;
    if (S_ISREG(about.st_mode) && size <= most)
        return size;
    close(descriptor);
    if (!S_ISREG(about.st_mode))
        fail(STATUS_USER, "cannot read %s: not a plain file", path);
    fail(STATUS_USER, "cannot read %s: %zu bytes, at most %zu are read", path, size, most);
}

/* The whole plain file that DESCRIPTOR is, which PATH names; closes it. */
static char *read_open_file(struct arena *arena, int descriptor, const char *path, size_t most,
                            size_t *length)
{
    size_t size = plain_size(descriptor, path, most); /* what is added meanwhile is not read */
    char *data = arena_alloc(arena, size + 1, 1);
    ssize_t got = 1;
    for (*length = 0; *length < size && got > 0; *length += (size_t)got)
        if ((got = read_some(descriptor, data + *length, size - *length)) < 0)
            fail_to_read(descriptor, path);
    close(descriptor);
    return data; /* arenas are zeroed */
}

enum { PLAIN = O_RDONLY | O_NONBLOCK | O_NOCTTY }; /* a pipe opens at once, to be refused */

char *read_file_to(struct arena *arena, const char *path, size_t most, size_t *length)
{
    return read_open_file(arena, open_again(path, PLAIN), path, most, length);
}

char *read_file(struct arena *arena, const char *path, size_t *length)
{
    return read_file_to(arena, path, SIZE_MAX - 1, length);
}

char *read_text_file(struct arena *arena, const char *path, size_t *length)
{
    enum { LONGEST = 1 << 26 };
    char *text = read_file_to(arena, path, LONGEST, length);
    if (memchr(text, '\0', *length))
        fail(STATUS_USER, "cannot read %s: it holds a NUL, as no text does", path);
    return text;
}

/* openat() of what is no link. */
static int open_below(int folder, const char *name, int flags)
{
    int descriptor;
    do
        descriptor = openat(folder, name, O_NOFOLLOW | O_CLOEXEC | flags);
    while (descriptor < 0 && errno == EINTR);
    if (descriptor < 0 && errno == ENOTDIR) /* what O_DIRECTORY makes of a link */
        errno = ELOOP;
    return descriptor;
}

char *read_file_within(struct arena *arena, const char *folder, const char *subfolder,
                       const char *name, size_t most, size_t *length)
{
    const char *path = arena_printf(arena, "%s%s/%s", folder, subfolder, name);
    int outer = open_again(*folder ? folder : ".", O_PATH | O_DIRECTORY);
    int inner = outer < 0 ? -1 : open_below(outer, subfolder, O_PATH | O_DIRECTORY);
    int descriptor = inner < 0 ? -1 : open_below(inner, name, PLAIN);
    int error = errno;
    if (outer >= 0)
        close(outer);
    if (inner >= 0)
        close(inner);
    if (descriptor < 0 && error == ELOOP)
        fail(STATUS_USER, "%s is a link, or below one", path);
    if (descriptor < 0 && error == ENOENT)
        fail(STATUS_USER, "there is no file %s", path);
    errno = error;
    return read_open_file(arena, descriptor, path, most, length);
}

/* Is PATH a plain file of just these bytes? */
static bool file_holds(const char *path, const void *data, size_t length)
{
    struct stat about;
    int descriptor = open_again(path, O_RDONLY);
    if (descriptor < 0)
        return false;
    size_t seen = 0;
    bool same = fstat(descriptor, &about) == 0 && (size_t)about.st_size == length;
    while (same && seen < length) {
        char block[8192];
        ssize_t got = read_some(descriptor, block, sizeof block);
        same = got > 0 && (size_t)got <= length - seen &&
               memcmp(block, (const char *)data + seen, (size_t)got) == 0;
        seen += got > 0 ? (size_t)got : 0;
    }
    close(descriptor);
    return same;
}

/* All of DATA into DESCRIPTOR; false with errno set if that fails. */
static bool write_all(int descriptor, const char *data, size_t length)
{
    while (length > 0) {
        ssize_t written = write(descriptor, data, length);
        if (written < 0 && errno != EINTR)
            return false;
        if (written > 0) {
            data += written;
            length -= (size_t)written;
        }
    }
    return true;
}

/* Do the paths A and B name files of one folder, in the same words? */
static bool same_folder(const char *a, const char *b)
{
    const char *end_a = strrchr(a, '/'), *end_b = strrchr(b, '/');
    return end_a && end_b && end_a - a == end_b - b && memcmp(a, b, (size_t)(end_a - a)) == 0;
}

/* fsync the folder that holds PATH, so that a new name in it lasts; false with errno set. */
static bool sync_folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash ? strdup(path) : strdup(".");
    if (!folder)
        return false;
    if (slash)
        folder[slash == path ? 1 : slash - path] = '\0';
    int descriptor = open_again(folder, O_RDONLY | O_DIRECTORY);
    free(folder);
    if (descriptor < 0)
        return errno == EACCES; /* a folder to write in but not to read: nothing more to be done */
    /* EINVAL: a file system that has no fsync for folders */
    bool done = fsync(descriptor) == 0 || errno == EINVAL || errno == ENOTSUP;
    int error = errno;
    close(descriptor);
    errno = error;
    return done;
}

/* Create a file beside PATH under a name nobody has; its name, malloc'd, or NULL with errno set.
 * Unlike mkstemp it leaves the permissions to the umask. */
static char *open_temporary(const char *path, int *descriptor)
{
    enum { TRIES = 100 };
    size_t size = strlen(path) + 48;
    char *name = malloc(size);
    if (!name)
        return NULL;
    for (int i = 0; i < TRIES; i++) {
        snprintf(name, size, "%s.%ld-%d.tmp", path, (long)getpid(), i);
        *descriptor = open_again(name, O_WRONLY | O_CREAT | O_EXCL);
        if (*descriptor >= 0)
            return name;
        if (errno != EEXIST)
            break;
    }
    int error = errno;
    free(name);
    errno = error;
    return NULL;
}

/* A file on its way: the temporary that is to become TARGET. What is malloc'd is freed by forget().
 */
struct pending {
    char *target, *temporary; /* temporary NULL: there is nothing to rename */
    int descriptor;
};

/* DATA into a temporary beside PENDING's target, its way to the disk begun; false with errno. */
static bool begin_file(struct pending *pending, const void *data, size_t length)
{
    pending->temporary = open_temporary(pending->target, &pending->descriptor);
    if (!pending->temporary || !write_all(pending->descriptor, data, length))
        return false;
#ifdef SYNC_FILE_RANGE_WRITE
    sync_file_range(pending->descriptor, 0, 0, SYNC_FILE_RANGE_WRITE); /* a hint: may fail */
#endif
    return true;
}

/* fsync and close what begin_file wrote; false with errno. */
static bool finish_file(struct pending *pending)
{
    bool synced = fsync(pending->descriptor) == 0;
    int error = errno;
    int closed = close(pending->descriptor);
    pending->descriptor = -1;
    if (!synced)
        errno = error;
    return synced && closed == 0;
}

/* Rename PENDING's temporary to its target. */
static bool place_file(struct pending *pending)
{
    if (rename(pending->temporary, pending->target) < 0)
        return false;
    free(pending->temporary);
    pending->temporary = NULL;
    return true;
}

/* Undo what is left of PENDING; errno stays. */
static void forget(struct pending *pending)
{
    int error = errno;
    if (pending->descriptor >= 0)
        close(pending->descriptor);
    if (pending->temporary)
        unlink(pending->temporary);
    free(pending->temporary);
    free(pending->target);
    errno = error;
}

/* Devices and pipes have no contents to keep: write into them, for a rename would replace them. */
static bool write_through(const char *path, const void *data, size_t length)
{
    int descriptor = open_again(path, O_WRONLY);
    if (descriptor < 0)
        return false;
    bool written = write_all(descriptor, data, length);
    int error = errno;
    if (close(descriptor) < 0 && written)
        return false;
    errno = error;
    return written;
}

/* OUTPUT as far as its temporary; *pending stays empty where that is all. False with errno. */
static bool begin_output(const struct output *output, struct pending *pending, bool *changed)
{
    struct stat about;
    bool exists = stat(output->path, &about) == 0;
    bool plain = !exists || S_ISREG(about.st_mode);
    *changed = !(exists && plain && file_holds(output->path, output->data, output->length));
    if (!*changed)
        return true;
    if (!plain)
        return write_through(output->path, output->data, output->length);
    /* a link stays a link */
    pending->target = exists ? realpath(output->path, NULL) : strdup(output->path);
    return pending->target && begin_file(pending, output->data, output->length);
}

/* All of OUTPUTS as far as synced temporaries; the number of those that changed, or -1 with errno
 * and *failed. */
static int begin_outputs(const struct output *outputs, int count, struct pending *pending,
                         int *failed)
{
    int written = 0;
    for (*failed = 0; *failed < count; ++*failed) {
        bool changed;
        if (!begin_output(&outputs[*failed], &pending[*failed], &changed))
            return -1;
        written += changed;
    }
    for (*failed = 0; *failed < count; ++*failed)
        if (pending[*failed].temporary && !finish_file(&pending[*failed]))
            return -1;
    return written;
}

/* Rename all temporaries and fsync their folders, each once where neighbours share it. */
static bool place_outputs(struct pending *pending, int count, int *failed)
{
    const char *last = NULL; /* a target in the folder to sync */
    for (*failed = 0; *failed < count; ++*failed) {
        struct pending *p = &pending[*failed];
        if (!p->temporary)
            continue;
        if (!place_file(p) || (last && !same_folder(last, p->target) && !sync_folder_of(last)))
            return false;
        last = p->target;
    }
    *failed = count - 1;
    return !last || sync_folder_of(last);
}

int write_files(const struct output *outputs, int count)
{
    struct pending *pending = calloc((size_t)count + 1, sizeof *pending);
    if (!pending)
        fail(STATUS_RESOURCE, "out of memory");
    for (int i = 0; i < count; i++)
        pending[i].descriptor = -1;
    int failed, written = begin_outputs(outputs, count, pending, &failed);
    bool placed = written >= 0 && place_outputs(pending, count, &failed);
    for (int i = 0; i < count; i++)
        forget(&pending[i]);
    int error = errno;
    free(pending);
    if (!placed)
        fail(STATUS_RESOURCE, "cannot write %s: %s", outputs[failed].path, strerror(error));
    return written;
}

bool write_file(const char *path, const void *data, size_t length)
{
    return write_files(&(struct output){path, data, length}, 1) > 0;
}

/* mkdir of one folder whose parent is there; an existing folder is as good. */
static bool make_one_folder(const char *path)
{
    struct stat about;
    if (mkdir(path, 0777) == 0)
        return sync_folder_of(path);
    if (errno != EEXIST)
        return false;
    if (stat(path, &about) == 0 && S_ISDIR(about.st_mode))
        return true;
    errno = ENOTDIR;
    return false;
}

void make_folder(const char *path)
{
    char *prefix = strdup(path);
    if (!prefix)
        fail(STATUS_RESOURCE, "out of memory");
    bool made = true;
    for (char *end = prefix; made && *end; end++) {
        /* a prefix ends before a slash (but the root's) and where the path does */
        if (end[1] != '/' && end[1] != '\0')
            continue;
        char keep = end[1];
        end[1] = '\0';
        made = make_one_folder(prefix);
        end[1] = keep;
    }
    int error = errno;
    free(prefix);
    if (!made)
        fail(STATUS_RESOURCE, "cannot make folder %s: %s", path, strerror(error));
}
