/*
 * file: write to a temporary file in the same folder, fsync, rename, fsync of the folder, so that
 * a reader finds the old file or the new one and never a part.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "lathe.h"

bool lathe_fail(struct lathe_error *error, int status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
    lathe_one_line(error->message);
    error->status = status;
    return false;
}

static bool cannot_write(const char *path, struct lathe_error *error)
{
    return lathe_fail(error, LATHE_RESOURCE, "%s: cannot write: %s", path, strerror(errno));
}

/* Split what PATH names into folder and the TRY-th temporary name. */
static bool name_parts(struct lathe_output *output, const char *path, int try)
{
    struct stat status;
    bool link = lstat(path, &status) == 0 && S_ISLNK(status.st_mode);
    output->path = link ? realpath(path, NULL) : strdup(path);
    if (!output->path)
        return false;
    const char *slash = strrchr(output->path, '/');
    const char *name = slash ? slash + 1 : output->path;
    int length = (int)(name - output->path);
    if (asprintf(&output->folder, "%.*s", length ? length : 1, length ? output->path : ".") < 0)
        output->folder = NULL;
    char number[16] = "";
    if (try)
        snprintf(number, sizeof number, ".%d", try);
    if (asprintf(&output->temporary, "%.*s.%s.%ld%s.tmp", length, output->path, name,
                 (long)getpid(), number) < 0)
        output->temporary = NULL;
    return output->folder && output->temporary;
}

static void free_parts(struct lathe_output *output)
{
    free(output->path);
    free(output->folder);
    free(output->temporary);
    *output = (struct lathe_output){.descriptor = -1};
}

/* Outputs on their way; where the program ends before they do, their temporary files go with it. */
static struct lathe_output *on_their_way;

static void remove_temporaries(void)
{
    for (const struct lathe_output *output = on_their_way; output; output = output->next)
        unlink(output->temporary);
}

static void begin(struct lathe_output *output)
{
    static bool asked;
    if (!asked)
        asked = atexit(remove_temporaries) == 0;
    output->next = on_their_way;
    on_their_way = output;
}

/* OUTPUT has its name, or is gone. */
static void end(struct lathe_output *output)
{
    struct lathe_output **at = &on_their_way;
    while (*at && *at != output)
        at = &(*at)->next;
    if (*at)
        *at = output->next;
    free_parts(output);
}

bool lathe_output_open(struct lathe_output *output, const char *path, struct lathe_error *error)
{
    /* a name that is taken is a killed process's, or a living one's of the same number elsewhere */
    enum { FLAGS = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, TRIES = 100 };
    *output = (struct lathe_output){.descriptor = -1};
    struct stat status;
    if (stat(path, &status) == 0 && !S_ISREG(status.st_mode))
        return lathe_fail(error, LATHE_RESOURCE, "%s: cannot write: not a plain file", path);
    for (int try = 0; try < TRIES; try++) {
        if (name_parts(output, path, try))
            output->descriptor = open(output->temporary, FLAGS, 0666);
        if (output->descriptor >= 0) {
            begin(output);
            return true;
        }
        int reason = errno;
        free_parts(output);
        errno = reason;
        if (reason != EEXIST)
            break;
    }
    return cannot_write(path, error);
}

bool lathe_lock(int descriptor)
{
    int result;
    do
        result = flock(descriptor, LOCK_EX | LOCK_NB);
    while (result < 0 && errno == EINTR);
    return result == 0 || errno != EWOULDBLOCK;
}

bool lathe_write_all(int descriptor, const void *bytes, size_t length)
{
    const char *at = bytes;
    while (length) {
        ssize_t written = write(descriptor, at, length < SSIZE_MAX ? length : SSIZE_MAX);
        if (written < 0 && errno == EINTR)
            continue;
        if (written == 0)
            errno = ENOSPC;
        if (written <= 0)
            return false;
        at += written;
        length -= (size_t)written;
    }
    return true;
}

bool lathe_output_write(struct lathe_output *output, const void *bytes, size_t length,
                        struct lathe_error *error)
{
    return lathe_write_all(output->descriptor, bytes, length) || cannot_write(output->path, error);
}

/* fsync; a file system that has none (EINVAL, ENOTSUP) is taken at its word. */
static bool sync_to_disk(int descriptor)
{
    int result;
    do
        result = fsync(descriptor);
    while (result < 0 && errno == EINTR);
    return result == 0 || errno == EINVAL || errno == ENOTSUP;
}

static bool sync_folder(const char *folder)
{
    int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0)
        return errno == EACCES; /* writable but not readable: cannot be asked */
    bool done = sync_to_disk(descriptor);
    close(descriptor);
    return done;
}

bool lathe_output_commit(struct lathe_output *output, struct lathe_error *error)
{
    bool synced = sync_to_disk(output->descriptor);
    int reason = errno;
    if (close(output->descriptor) < 0 && errno != EINTR && synced) {
        synced = false;
        reason = errno;
    }
    output->descriptor = -1;
    errno = reason;
    if (!synced || rename(output->temporary, output->path) < 0) {
        cannot_write(output->path, error);
        lathe_output_discard(output);
        return false;
    }
    bool named = sync_folder(output->folder) || cannot_write(output->path, error);
    end(output);
    return named;
}

void lathe_output_discard(struct lathe_output *output)
{
    if (output->descriptor >= 0)
        close(output->descriptor);
    unlink(output->temporary);
    end(output);
}

bool lathe_output_possible(const char *path, struct lathe_error *error)
{
    struct lathe_output output;
    if (!lathe_output_open(&output, path, error))
        return false;
    lathe_output_discard(&output);
    return true;
}

FILE *lathe_open_text(char **text, size_t *length, const char *what)
{
    FILE *out = open_memstream(text, length);
    if (!out)
        lathe_die(LATHE_RESOURCE, "out of memory: %s", what);
    return out;
}

/* fclose does not say that the memory of the last byte was not to be had: there is no text then. */
void lathe_close_text(FILE *out, char *const *text, const char *what)
{
    bool failed = ferror(out);
    if (fclose(out) != 0 || failed || !*text)
        lathe_die(LATHE_RESOURCE, "out of memory: %s", what);
}
