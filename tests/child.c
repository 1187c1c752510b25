/* child: see child.h. */
#define _GNU_SOURCE
#include "child.h"

#include <check.h>
#include <errno.h>
#include <ftw.h>
#include <glob.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- files ---- */

char root[64];

void make_root(void)
{
    strcpy(root, "/tmp/lathe-check-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status, (void)kind, (void)walk;
    return remove(path);
}

void remove_root(void)
{
    nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Path of NAME in the test's folder; sixteen are good at a time. */
const char *in_root(const char *name)
{
    static char paths[16][256];
    static int turn;
    char *path = paths[turn++ % 16];
    snprintf(path, 256, "%s/%s", root, name);
    return path;
}

void write_bytes(const char *path, const void *bytes, size_t count)
{
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, count, file), count);
    ck_assert_int_eq(fclose(file), 0);
}

/* The content of PATH, NUL after it; freed by free(). */
char *read_bytes(const char *path, size_t *count)
{
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file, "%s: %s", path, strerror(errno));
    struct stat status;
    ck_assert_int_eq(fstat(fileno(file), &status), 0);
    char *bytes = calloc((size_t)status.st_size + 1, 1);
    *count = fread(bytes, 1, (size_t)status.st_size, file);
    fclose(file);
    return bytes;
}

void assert_same_file(const char *a, const char *b)
{
    size_t x, y;
    char *left = read_bytes(a, &x), *right = read_bytes(b, &y);
    ck_assert_msg(x == y && !memcmp(left, right, x), "%s and %s differ", a, b);
    free(left);
    free(right);
}

int matches(const char *pattern)
{
    glob_t found;
    int result = glob(in_root(pattern), GLOB_PERIOD, NULL, &found);
    int count = result ? 0 : (int)found.gl_pathc;
    globfree(&found);
    return count;
}

/* ---- children ---- */

void outcome_free(struct outcome *o)
{
    free(o->out);
    free(o->err);
}

/* Run FUNCTION in a child that reads the file INPUT (NULL: nothing). */
struct outcome in_child(int (*function)(int argc, char **argv), int argc, char **argv,
                        const char *input)
{
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (!child) {
        alarm(0);
        if (!freopen(input ? input : "/dev/null", "rb", stdin) ||
            !freopen(in_root("stdout"), "wb", stdout) || !freopen(in_root("stderr"), "wb", stderr))
            _exit(99);
        exit(function(argc, argv));
    }
    int status;
    while (waitpid(child, &status, 0) < 0)
        ck_assert_int_eq(errno, EINTR);
    struct outcome o = {.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status)};
    size_t size;
    o.out = read_bytes(in_root("stdout"), &o.out_size);
    o.err = read_bytes(in_root("stderr"), &size);
    return o;
}

/* Words up to a NULL as an argv. */
static int collect(va_list words, char **argv)
{
    int argc = 0;
    argv[argc++] = "program";
    for (char *word; (word = va_arg(words, char *)); argc++)
        argv[argc] = word;
    argv[argc] = NULL;
    return argc;
}

struct outcome run(int (*function)(int argc, char **argv), const char *input, ...)
{
    char *argv[32];
    va_list words;
    va_start(words, input);
    int argc = collect(words, argv);
    va_end(words);
    return in_child(function, argc, argv, input);
}

/* FUNCTION with these words must end with STATUS and say MESSAGE (a part of it) on stderr. */
void assert_dies(int (*function)(int argc, char **argv), int status, const char *message, ...)
{
    char *argv[32];
    va_list words;
    va_start(words, message);
    int argc = collect(words, argv);
    va_end(words);
    struct outcome o = in_child(function, argc, argv, NULL);
    ck_assert_msg(o.status == status, "status %d, expected %d: %s", o.status, status, o.err);
    ck_assert_msg(strstr(o.err, message), "expected '%s', given '%s'", message, o.err);
    const char *line = strchr(o.err, '\n');
    ck_assert_msg(line && !line[1], "more than one line: %s", o.err);
    outcome_free(&o);
}

/* The last line of TEXT. */
const char *last_line(const char *text)
{
    size_t length = strlen(text);
    ck_assert(length && text[length - 1] == '\n');
    const char *at = text + length - 1;
    while (at > text && at[-1] != '\n')
        at--;
    return at;
}

/* A log without what depends on the clock. */
char *timeless(const char *path)
{
    size_t size;
    char *log = read_bytes(path, &size), *to = log;
    for (char *line = log, *end; *line; line = end) {
        end = strchr(line, '\n') + 1;
        char *clock = strstr(line, ", \"images_per_s\"");
        ck_assert(clock && clock < end);
        memmove(to, line, (size_t)(clock - line));
        to += clock - line;
    }
    *to = '\0';
    return log;
}
