/*
 * base: arenas, growable arrays, string building, checked arithmetic, files and the one way to
 * fail.
 * Floor 0 of the generator: includes nothing of gen/.
 */
#ifndef LATHE_BASE_H
#define LATHE_BASE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LATHE_VERSION "0.1.0"

/* ---- arenas: memory by lifetime; nothing in an arena is freed alone ---- */

struct arena;
struct arena *arena_new(void);
void arena_free(struct arena *arena);

/* COUNT objects of SIZE bytes, zeroed, aligned to 64 bytes. Fails (status 3) when memory is short
 * or COUNT * SIZE overflows. */
void *arena_alloc(struct arena *arena, size_t count, size_t size);
#define arena_new_of(arena, type)       ((type *)arena_alloc((arena), 1, sizeof(type)))
#define arena_array(arena, count, type) ((type *)arena_alloc((arena), (count), sizeof(type)))

char *arena_copy(struct arena *arena, const char *text);
char *arena_printf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- growable arrays in an arena: struct { T *items; int count, capacity; } ---- */

#define VECTOR(type)                                                                               \
    struct {                                                                                       \
        type *items;                                                                               \
        int count, capacity;                                                                       \
    }
void *vector_grow(struct arena *arena, void *items, int count, int *capacity, size_t size);
#define vector_push(arena, v, item)                                                                \
    ((v)->items =                                                                                  \
         vector_grow((arena), (v)->items, (v)->count, &(v)->capacity, sizeof *(v)->items),         \
     (v)->items[(v)->count++] = (item))

/* ---- text: a string that grows (malloc'd; text_free it) ---- */

struct text {
    char *data; /* always ends in NUL once something was added; NULL while empty */
    size_t length, capacity;
};
void text_add(struct text *text, const char *bytes, size_t length);
void text_blanks(struct text *text, size_t count);
void text_printf(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_vprintf(struct text *text, const char *format, va_list arguments);
void text_free(struct text *text);

/* ---- failing ---- */

/* Where something stands in a spec; file NULL means nowhere, line 0 no line. */
struct where {
    const char *file;
    int line;
};

enum status {
    STATUS_DONE = 0,
    STATUS_USER = 1,     /* the user's error: a spec, a file, weights of another network */
    STATUS_USAGE = 2,    /* the command line */
    STATUS_RESOURCE = 3, /* a failed write, memory, a lost resource */
    STATUS_NUMBERS = 4   /* numbers that stopped being finite */
};

/* The message of the failure last caught, one line without its newline. */
struct failure {
    enum status status;
    bool placed; /* the message begins with a file's name */
    char message[1024];
};

/* Run BODY(CONTEXT); a fail() inside comes back here. Returns the status, STATUS_DONE when BODY
 * returned; the message is in *failure. Protected calls nest. */
enum status protected_call(void (*body)(void *context), void *context, struct failure *failure);

/* Give up with one line "file:line: message" (the place is left out where it is not known). Never
 * returns: goes to the innermost protected_call, or prints and exits where there is none. */
_Noreturn void fail_at(enum status status, struct where where, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
_Noreturn void fail(enum status status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Give up as FAILURE, which was caught, says; WHERE: the place of one that has none. */
_Noreturn void fail_again(const struct failure *failure, struct where where);

/* A bug in lathe, never the user's fault: prints "lathe: bug: ..." and aborts. */
_Noreturn void bug(const char *format, ...) __attribute__((format(printf, 1, 2)));
#define check_bug(condition)                                                                       \
    ((condition) ? (void)0 : bug("%s:%d: %s", __FILE__, __LINE__, #condition))

/* ---- arithmetic ---- */

/* A * B and A + B for sizes; fail (STATUS_USER, "... too large") instead of wrapping around. */
size_t checked_multiply(size_t a, size_t b);
size_t checked_add(size_t a, size_t b);
static inline int divide_up(int a, int b)
{
    return (a + b - 1) / b;
}
static inline int round_up(int a, int b)
{
    return divide_up(a, b) * b;
}
static inline int min_int(int a, int b)
{
    return a < b ? a : b;
}
static inline int max_int(int a, int b)
{
    return a > b ? a : b;
}

/* ---- words ---- */

/* The word of WORDS[0..count) nearest to WORD by edit distance, for "did you mean"; NULL when none
 * is near (more than a third of its letters differ). */
const char *nearest_word(const char *word, const char *const *words, int count);

/* ---- files ---- */

/* The whole plain file in the arena, NUL-terminated, length in *length; fails (STATUS_USER) naming
 * PATH, of pipes, devices and folders too. read_file_to: of MOST bytes at most. */
char *read_file(struct arena *arena, const char *path, size_t *length);
char *read_file_to(struct arena *arena, const char *path, size_t most, size_t *length);
/* The same of text, which holds no NUL: 64 MiB of it at most. */
char *read_text_file(struct arena *arena, const char *path, size_t *length);

/* The same of the file NAME of the folder SUBFOLDER of FOLDER (which ends in a slash, or is empty:
 * the current one). Neither may be a link: what is read is there and nowhere else. */
char *read_file_within(struct arena *arena, const char *folder, const char *subfolder,
                       const char *name, size_t most, size_t *length);

/* Write DATA to PATH only if PATH does not hold these bytes already: temporary file in the same
 * folder, fsync, rename. Returns true if it wrote; fails with STATUS_RESOURCE. */
bool write_file(const char *path, const void *data, size_t length);

/* The same for COUNT files, which take their names when all of them are on the disk: a failure
 * before that leaves all as it was. Returns how many it wrote. */
struct output {
    const char *path;
    const void *data;
    size_t length;
};
int write_files(const struct output *outputs, int count);

/* mkdir -p; fails (STATUS_RESOURCE) naming the folder. */
void make_folder(const char *path);

#endif
