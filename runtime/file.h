/*
 * Files that are written whole or not at all, and errors that the caller may survive.
 */
#ifndef LATHE_FILE_H
#define LATHE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* What went wrong, as one line, and the exit status that it deserves. */
struct lathe_error {
    int status;
    char message[1024];
};

/* Fill ERROR, control characters as question marks; returns false, so that a failing function can
 * return it. */
bool lathe_fail(struct lathe_error *error, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A file on its way: a temporary file beside PATH that takes PATH's name in the end. It stays where
 * it is until then (others know it by its address). */
struct lathe_output {
    int descriptor;
    char *path, *folder, *temporary;
    struct lathe_output *next; /* of those on their way */
};

/* Begin to write PATH. A link is followed; what is there and not a plain file (a device, a folder)
 * is refused. After success, commit or discard must follow; a program that ends before removes the
 * temporary file (exit; not where a signal kills it). Not for several threads at once. */
bool lathe_output_open(struct lathe_output *output, const char *path, struct lathe_error *error);
/* Append. After a failure OUTPUT is still to be discarded. */
bool lathe_output_write(struct lathe_output *output, const void *bytes, size_t length,
                        struct lathe_error *error);
/* Everything to the disk, then the name, then the folder. On failure PATH is what it was and the
 * temporary file is gone. Ends OUTPUT either way. */
bool lathe_output_commit(struct lathe_output *output, struct lathe_error *error);
/* Remove what was written; PATH stays what it was. */
void lathe_output_discard(struct lathe_output *output);

/* Could PATH be written now? Leaves nothing behind. */
bool lathe_output_possible(const char *path, struct lathe_error *error);

/* Have the open file DESCRIPTOR to ourselves until it is closed or this process ends, however it
 * ends. False where another has it. A file system that knows no locks is taken at its word. */
bool lathe_lock(int descriptor);

/* A stream that writes to memory, *TEXT of *LENGTH bytes once it is closed, to be freed. Where
 * there is no memory, either dies: "out of memory: WHAT" (LATHE_RESOURCE). */
FILE *lathe_open_text(char **text, size_t *length, const char *what);
void lathe_close_text(FILE *out, char *const *text, const char *what);

/* Do all of BYTES go to DESCRIPTOR? Interrupted and short writes go on. errno tells why not. */
bool lathe_write_all(int descriptor, const void *bytes, size_t length);

#endif
