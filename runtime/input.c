/*
 * input: plain files, read in whole pieces.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "input.h"
#include "lathe.h"

static bool cannot_read(const struct lathe_input *input, const char *reason,
                        struct lathe_error *error)
{
    return lathe_fail(error, LATHE_USER, "%s: cannot read: %s", input->path, reason);
}

bool lathe_input_open(struct lathe_input *input, const char *path, struct lathe_error *error)
{
    struct stat status;
    *input = (struct lathe_input){.path = path};
    do /* not blocking: a pipe opens at once, to be refused */
        input->descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    while (input->descriptor < 0 && errno == EINTR);
    if (input->descriptor < 0 || fstat(input->descriptor, &status) < 0) {
        cannot_read(input, strerror(errno), error);
    } else if (!S_ISREG(status.st_mode)) {
        cannot_read(input, "not a plain file", error);
    } else {
        input->size = (uint64_t)status.st_size;
        return true;
    }
    lathe_input_close(input);
    return false;
}

/* One read, at OFFSET where that is not negative. */
static ssize_t read_some(int descriptor, void *bytes, size_t length, off_t offset)
{
    size_t most = length < SSIZE_MAX ? length : SSIZE_MAX;
    ssize_t got;
    do
        got = offset < 0 ? read(descriptor, bytes, most) : pread(descriptor, bytes, most, offset);
    while (got < 0 && errno == EINTR);
    return got;
}

static bool read_all(const struct lathe_input *input, off_t offset, void *bytes, size_t length,
                     struct lathe_error *error)
{
    for (char *at = bytes; length;) {
        ssize_t got = read_some(input->descriptor, at, length, offset);
        if (got <= 0) {
            cannot_read(input, got ? strerror(errno) : "the file became shorter", error);
            error->status = LATHE_RESOURCE;
            return false;
        }
        at += got;
        length -= (size_t)got;
        offset += offset < 0 ? 0 : got;
    }
    return true;
}

bool lathe_input_read(const struct lathe_input *input, void *bytes, size_t length,
                      struct lathe_error *error)
{
    return read_all(input, -1, bytes, length, error);
}

bool lathe_input_read_at(const struct lathe_input *input, uint64_t offset, void *bytes,
                         size_t length, struct lathe_error *error)
{
    return read_all(input, (off_t)offset, bytes, length, error);
}

void lathe_input_close(struct lathe_input *input)
{
    if (input->descriptor >= 0)
        close(input->descriptor);
    input->descriptor = -1;
}
