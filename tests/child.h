/*
 * child: a folder for each test, and programs that run in children of it, their output in files.
 *
 * The process that forks must not enter a parallel region (libgomp does not survive it), and Check
 * forks a process a test: not for CK_FORK=no.
 */
#ifndef LATHE_TEST_CHILD_H
#define LATHE_TEST_CHILD_H

#include <stddef.h>

/* ---- files ---- */

extern char root[64]; /* a fresh folder for each test, of this fixture */
void make_root(void);
void remove_root(void);
/* Path of NAME in the test's folder; sixteen are good at a time. */
const char *in_root(const char *name);
/* How many files PATTERN, in the test's folder, matches. */
int matches(const char *pattern);

void write_bytes(const char *path, const void *bytes, size_t count);
/* The content of PATH, NUL after it; freed by free(). */
char *read_bytes(const char *path, size_t *count);
void assert_same_file(const char *a, const char *b);

/* ---- children ---- */

typedef int program(int argc, char **argv);

struct outcome {
    int status; /* of exit; 128 + signal */
    char *out, *err;
    size_t out_size;
};

/* Run FUNCTION in a child that reads the file INPUT (NULL: nothing). */
struct outcome in_child(program *function, int argc, char **argv, const char *input);
/* The same with words up to a NULL. */
struct outcome run(program *function, const char *input, ...);
/* FUNCTION with these words must end with STATUS and say MESSAGE (a part of it) on stderr. */
void assert_dies(program *function, int status, const char *message, ...);
void outcome_free(struct outcome *o);

/* The last line of TEXT. */
const char *last_line(const char *text);
/* The log PATH of DIR/train without what depends on the clock; freed by free(). */
char *timeless(const char *path);

#endif
