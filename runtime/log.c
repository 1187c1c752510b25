/*
 * log: a training run as JSON lines. Each line is a single write, and a part of one is taken back,
 * so that readers see whole lines.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "finite.h"
#include "lathe.h"
#include "log.h"

enum { LINE = 512 };

static _Noreturn void cannot(const char *what, const char *path)
{
    lathe_die(LATHE_RESOURCE, "%s: cannot %s: %s", path, what, strerror(errno));
}

/* ---- opening ---- */

/* Bytes FROM .. TO of the log, NUL after them; freed by free(). */
static char *read_bytes(const struct lathe_log *log, uint64_t from, uint64_t to)
{
    int descriptor = open(log->path, O_RDONLY | O_CLOEXEC);
    char *bytes = lathe_alloc(to - from + 1, 1);
    size_t got = 0;
    while (descriptor >= 0 && got < to - from) {
        ssize_t more = pread(descriptor, bytes + got, to - from - got, (off_t)(from + got));
        if (more < 0 && errno == EINTR)
            continue;
        if (more == 0)
            errno = EIO; /* the file became shorter */
        if (more <= 0)
            break;
        got += (size_t)more;
    }
    if (descriptor < 0 || got < to - from)
        cannot("read", log->path);
    close(descriptor);
    return bytes;
}

/* The log, of SIZE bytes, ends with a whole line from here on: half of one of ours is cut off, what
 * somebody else wrote gets its newline. */
static void end_last_line(struct lathe_log *log, uint64_t size)
{
    uint64_t from = size > LINE ? size - LINE : 0;
    char *tail = read_bytes(log, from, size);
    const char *newline = memrchr(tail, '\n', size - from);
    uint64_t whole = newline ? from + (uint64_t)(newline - tail) + 1 : from;
    const char *rest = tail + (whole - from);
    log->length = size;
    if (whole < size && *rest == '{' && (newline || !from)) {
        if (ftruncate(log->descriptor, (off_t)whole) < 0)
            cannot("write", log->path);
        log->length = whole;
    } else if (whole < size) {
        if (!lathe_write_all(log->descriptor, "\n", 1))
            cannot("write", log->path);
        log->length++;
    }
    free(tail);
}

struct lathe_log lathe_log_open(const char *path)
{
    struct lathe_log log = {.path = path};
    struct stat status;
    log.descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (log.descriptor < 0 || fstat(log.descriptor, &status) < 0)
        cannot("write", path);
    if (!S_ISREG(status.st_mode))
        return log;
    if (!lathe_lock(log.descriptor))
        lathe_die(LATHE_USER, "%s: another run that is under way writes this log", path);
    if (fstat(log.descriptor, &status) < 0)
        cannot("write", path);
    if (status.st_size)
        end_last_line(&log, (uint64_t)status.st_size);
    return log;
}

void lathe_log_resume(struct lathe_log *log, uint64_t start)
{
    if (log->length > start)
        log->lines = read_bytes(log, start, log->length);
}

uint64_t lathe_log_begin_again(struct lathe_log *log)
{
    static const char first[] = "{\"epoch\": 1,";
    uint64_t start = log->length;
    if (!log->length)
        return start;
    char *bytes = read_bytes(log, 0, log->length);
    for (const char *line = bytes; line && *line;) {
        if (!strncmp(line, first, sizeof first - 1))
            start = (uint64_t)(line - bytes);
        line = strchr(line, '\n');
        line = line ? line + 1 : NULL;
    }
    free(bytes);
    lathe_log_resume(log, start);
    return start;
}

/* ---- writing ---- */

/* Append ,"NAME": VALUE to LINE, null where there is none. */
static void put_number(char *line, size_t size, const char *name, double value)
{
    size_t length = strlen(line);
    if (lathe_is_finite(value))
        snprintf(line + length, size - length, ", \"%s\": %.9g", name, value);
    else
        snprintf(line + length, size - length, ", \"%s\": null", name);
}

/* A line of the log begins with the LENGTH bytes at START. */
static bool has_line(const struct lathe_log *log, const char *start, size_t length)
{
    for (const char *line = log->lines; line && *line;) {
        if (!strncmp(line, start, length))
            return true;
        line = strchr(line, '\n');
        line = line ? line + 1 : NULL;
    }
    return false;
}

static void append(struct lathe_log *log, const char *line)
{
    size_t length = strlen(line);
    if (lathe_write_all(log->descriptor, line, length)) {
        log->length += length;
        return;
    }
    int reason = errno;
    struct stat status;
    bool plain = fstat(log->descriptor, &status) == 0 && S_ISREG(status.st_mode);
    if (plain && ftruncate(log->descriptor, (off_t)log->length) < 0)
        fprintf(stderr, "%s: ends in a part of a line\n", log->path);
    errno = reason;
    cannot("write", log->path);
}

void lathe_log_write(struct lathe_log *log, const struct lathe_epoch *epoch)
{
    char line[LINE];
    snprintf(line, sizeof line, "{\"epoch\": %d, \"step\": %" PRIu64, epoch->epoch, epoch->step);
    put_number(line, sizeof line, "lr", epoch->lr);
    put_number(line, sizeof line, "train_loss", epoch->train_loss);
    put_number(line, sizeof line, "train_accuracy", epoch->train_accuracy);
    put_number(line, sizeof line, "validation_loss", epoch->validation_loss);
    put_number(line, sizeof line, "validation_accuracy", epoch->validation_accuracy);
    size_t length = strlen(line); /* of what is the same when the epoch comes again */
    if (epoch->skipped_steps >= 0)
        snprintf(line + length, sizeof line - length, ", \"skipped_steps\": %" PRId64,
                 epoch->skipped_steps);
    put_number(line, sizeof line, "images_per_s", epoch->images_per_s);
    put_number(line, sizeof line, "seconds", epoch->seconds);
    strcat(line, "}\n");
    if (!has_line(log, line, length))
        append(log, line);
}

void lathe_log_sync(const struct lathe_log *log)
{
    if (log->descriptor >= 0 && fdatasync(log->descriptor) < 0 && errno != EINVAL &&
        errno != ENOTSUP && errno != EINTR)
        cannot("write", log->path);
}

void lathe_log_close(struct lathe_log *log)
{
    if (log->descriptor >= 0)
        close(log->descriptor);
    free(log->lines);
    *log = (struct lathe_log){.descriptor = -1};
}
