/*
 * Files that are read: plain ones alone, so that nothing waits for a pipe that nobody writes to, or
 * reads a device that has no end.
 */
#ifndef LATHE_INPUT_H
#define LATHE_INPUT_H

#include <stdint.h>

#include "file.h"

/* An open file, and how many bytes it had when it was opened. */
struct lathe_input {
    const char *path;
    int descriptor;
    uint64_t size;
};

/* Open PATH, which must outlive INPUT. A link is followed; what is no plain file is refused. On
 * failure there is nothing to close. */
bool lathe_input_open(struct lathe_input *input, const char *path, struct lathe_error *error);
/* The next LENGTH bytes; an error where there are fewer. */
bool lathe_input_read(const struct lathe_input *input, void *bytes, size_t length,
                      struct lathe_error *error);
/* LENGTH bytes from OFFSET on; does not move what lathe_input_read goes by. */
bool lathe_input_read_at(const struct lathe_input *input, uint64_t offset, void *bytes,
                         size_t length, struct lathe_error *error);
/* Close INPUT, if it is open. */
void lathe_input_close(struct lathe_input *input);

#endif
