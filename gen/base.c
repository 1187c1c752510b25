/*
 * base: arenas, growable arrays, string building, checked arithmetic, files and the one way to
 * fail.
 */
#ifndef _XOPEN_SOURCE
#define _XOPEN_SOURCE 700 /* POSIX.1-2008 and realpath */
#endif

#include "base.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- arenas ----
 *
 * A list of chunks, the newest first. Chunks come zeroed from calloc and no byte is handed out
 * twice, so allocations need no clearing and big ones cost no memory until they are touched.
 */

enum { ARENA_ALIGNMENT = 64, FIRST_CHUNK = 1 << 14, LARGEST_CHUNK = 1 << 22 };

struct chunk {
    struct chunk *next;
    char *free, *end; /* what is left of this chunk; free is aligned */
};

struct arena {
    struct chunk *chunks;
    size_t chunk_size; /* of the next chunk; doubles up to LARGEST_CHUNK */
};

_Noreturn static void fail_memory(size_t size)
{
    fail(STATUS_RESOURCE, "out of memory: cannot have %zu more bytes", size);
}

struct arena *arena_new(void)
{
    struct arena *arena = calloc(1, sizeof *arena);
    if (!arena)
        fail_memory(sizeof *arena);
    arena->chunk_size = FIRST_CHUNK;
    return arena;
}

void arena_free(struct arena *arena)
{
    if (!arena)
        return;
    for (struct chunk *chunk = arena->chunks, *next; chunk; chunk = next) {
        next = chunk->next;
        free(chunk);
    }
    free(arena);
}

/* A new chunk at the head of the list with room for SIZE bytes, a multiple of the alignment. */
static struct chunk *add_chunk(struct arena *arena, size_t size)
{
    size_t room = size > arena->chunk_size ? size : arena->chunk_size;
    size_t overhead = sizeof(struct chunk) + ARENA_ALIGNMENT;
    struct chunk *chunk = room <= SIZE_MAX - overhead ? calloc(1, overhead + room) : NULL;
    if (!chunk)
        fail_memory(room);
    uintptr_t start = (uintptr_t)(chunk + 1);
    size_t skip = (size_t)(-start % ARENA_ALIGNMENT);
    chunk->free = (char *)(chunk + 1) + skip;
    chunk->end = chunk->free + room;
    chunk->next = arena->chunks;
    arena->chunks = chunk;
    if (arena->chunk_size < LARGEST_CHUNK)
        arena->chunk_size *= 2;
    return chunk;
}

void *arena_alloc(struct arena *arena, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX / 2)
        fail(STATUS_RESOURCE, "out of memory: cannot have %zu objects of %zu bytes", count, size);
    bytes =
        bytes ? (bytes + ARENA_ALIGNMENT - 1) / ARENA_ALIGNMENT * ARENA_ALIGNMENT : ARENA_ALIGNMENT;
    struct chunk *chunk = arena->chunks;
    if (!chunk || (size_t)(chunk->end - chunk->free) < bytes)
        chunk = add_chunk(arena, bytes);
    void *memory = chunk->free;
    chunk->free += bytes;
    return memory;
}

char *arena_copy(struct arena *arena, const char *text)
{
    size_t size = strlen(text) + 1;
    return memcpy(arena_alloc(arena, size, 1), text, size);
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list arguments, again;
    check_bug(format);
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    check_bug(length >= 0);
    char *text = arena_alloc(arena, (size_t)length + 1, 1);
    vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}

/* ITEMS, moved and *capacity doubled where there is no room for one more than COUNT. */
void *vector_grow(struct arena *arena, void *items, int count, int *capacity, size_t size)
{
    if (count < *capacity)
        return items;
    if (*capacity > INT32_MAX / 2)
        fail(STATUS_RESOURCE, "out of memory: a list of more than %d entries", *capacity);
    *capacity = *capacity ? 2 * *capacity : 8;
    void *larger = arena_alloc(arena, (size_t)*capacity, size);
    if (count)
        memcpy(larger, items, (size_t)count * size);
    return larger;
}

/* ---- text ---- */

/* Room for LENGTH more bytes and the NUL. */
static void text_reserve(struct text *text, size_t length)
{
    if (length > SIZE_MAX / 4 || text->length > SIZE_MAX / 4)
        fail_memory(length);
    size_t needed = text->length + length + 1;
    if (needed <= text->capacity)
        return;
    size_t capacity = 2 * text->capacity > needed ? 2 * text->capacity : needed;
    if (capacity < 256)
        capacity = 256;
    char *data = realloc(text->data, capacity);
    if (!data)
        fail_memory(capacity);
    text->data = data;
    text->capacity = capacity;
}

void text_add(struct text *text, const char *bytes, size_t length)
{
    text_reserve(text, length);
    if (length)
        memcpy(text->data + text->length, bytes, length);
    text->length += length;
    text->data[text->length] = '\0';
}

void text_vprintf(struct text *text, const char *format, va_list arguments)
{
    va_list again;
    check_bug(format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    check_bug(length >= 0);
    text_reserve(text, (size_t)length);
    vsnprintf(text->data + text->length, (size_t)length + 1, format, again);
    va_end(again);
    text->length += (size_t)length;
}

void text_printf(struct text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    text_vprintf(text, format, arguments);
    va_end(arguments);
}

void text_free(struct text *text)
{
    free(text->data);
    *text = (struct text){0};
}

/* ---- failing ---- */

struct handler {
    jmp_buf place;
    struct failure *failure;
    struct handler *outer;
};

static _Thread_local struct handler *innermost;

enum status protected_call(void (*body)(void *context), void *context, struct failure *failure)
{
    struct handler handler = {.failure = failure, .outer = innermost};
    *failure = (struct failure){.status = STATUS_DONE};
    innermost = &handler;
    if (setjmp(handler.place) == 0) {
        body(context);
        innermost = handler.outer;
    }
    return failure->status; /* fail_va has left the handler and filled *failure */
}

/* Write "file:line: message" into FAILURE, cut off where it is full; newlines and other control
 * characters (a spec's strings may hold them) become blanks. */
__attribute__((format(printf, 3, 0))) static void
compose_message(struct failure *failure, struct where where, const char *format, va_list arguments)
{
    char *message = failure->message;
    size_t size = sizeof failure->message;
    int used = 0;
    if (where.file && where.line > 0)
        used = snprintf(message, size, "%s:%d: ", where.file, where.line);
    else if (where.file)
        used = snprintf(message, size, "%s: ", where.file);
    if (used >= 0 && (size_t)used < size)
        vsnprintf(message + used, size - (size_t)used, format, arguments);
    for (char *c = message; *c; c++)
        if (iscntrl((unsigned char)*c))
            *c = ' ';
}

__attribute__((format(printf, 3, 0))) _Noreturn static void
fail_va(enum status status, struct where where, const char *format, va_list arguments)
{
    struct handler *handler = innermost;
    if (handler) {
        struct failure *failure = handler->failure;
        failure->status = status;
        compose_message(failure, where, format, arguments);
        innermost = handler->outer;
        longjmp(handler->place, 1);
    }
    struct failure failure = {.status = status};
    compose_message(&failure, where, format, arguments);
    fflush(stdout);
    fprintf(stderr, "%s%s\n", where.file ? "" : "lathe: ", failure.message);
    exit(status);
}

_Noreturn void fail_at(enum status status, struct where where, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fail_va(status, where, format, arguments);
}

_Noreturn void fail(enum status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fail_va(status, (struct where){0}, format, arguments);
}

_Noreturn void bug(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fflush(stdout);
    fputs("lathe: bug: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    abort();
}

/* ---- arithmetic ---- */

size_t checked_multiply(size_t a, size_t b)
{
    size_t product;
    if (__builtin_mul_overflow(a, b, &product))
        fail(STATUS_USER, "a size of %zu x %zu is too large", a, b);
    return product;
}

size_t checked_add(size_t a, size_t b)
{
    size_t sum;
    if (__builtin_add_overflow(a, b, &sum))
        fail(STATUS_USER, "a size of %zu + %zu is too large", a, b);
    return sum;
}

/* ---- words ---- */

enum { LONGEST_WORD = 64 };

static bool same_letter(char a, char b)
{
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* Insertions, deletions, substitutions and swaps of neighbours that lead from A to B, capitals
 * aside (optimal string alignment). Both lengths are at most LONGEST_WORD. */
static int edit_distance(const char *a, int a_length, const char *b, int b_length)
{
    int row[3][LONGEST_WORD + 1]; /* row i % 3: distances of a's first i letters */
    for (int j = 0; j <= b_length; j++)
        row[0][j] = j;
    for (int i = 1; i <= a_length; i++) {
        int *now = row[i % 3], *before = row[(i + 2) % 3], *two_before = row[(i + 1) % 3];
        now[0] = i;
        for (int j = 1; j <= b_length; j++) {
            int change = before[j - 1] + !same_letter(a[i - 1], b[j - 1]);
            now[j] = min_int(change, 1 + min_int(before[j], now[j - 1]));
            if (i > 1 && j > 1 && same_letter(a[i - 1], b[j - 2]) &&
                same_letter(a[i - 2], b[j - 1]))
                now[j] = min_int(now[j], two_before[j - 2] + 1);
        }
    }
    return row[a_length % 3][b_length];
}

const char *nearest_word(const char *word, const char *const *words, int count)
{
    size_t length = strlen(word);
    if (length > LONGEST_WORD)
        return NULL;
    const char *nearest = NULL;
    int least = (int)length / 3 + 1;
    for (int i = 0; i < count; i++) {
        size_t other = strlen(words[i]);
        if (other > LONGEST_WORD)
            continue;
        int distance = edit_distance(word, (int)length, words[i], (int)other);
        if (distance < least) {
            least = distance;
            nearest = words[i];
        }
    }
    return nearest;
}

/* ---- files ---- */

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

char *read_file(struct arena *arena, const char *path, size_t *length)
{
    struct stat about;
    int descriptor = open_again(path, O_RDONLY);
    if (descriptor < 0 || fstat(descriptor, &about) < 0)
        fail_to_read(descriptor, path);
    /* A pipe has no size and a file may grow meanwhile: the size is where to start from. */
    size_t capacity = about.st_size > 0 ? (size_t)about.st_size + 1 : 4096;
    char *data = arena_alloc(arena, capacity, 1);
    *length = 0;
    ssize_t got;
    while ((got = read_some(descriptor, data + *length, capacity - *length)) > 0) {
        *length += (size_t)got;
        if (*length == capacity) {
            char *larger = arena_alloc(arena, capacity, 2);
            data = memcpy(larger, data, capacity);
            capacity *= 2;
        }
    }
    if (got < 0)
        fail_to_read(descriptor, path);
    close(descriptor);
    data[*length] = '\0';
    return data;
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

/* Put DATA in the place of the plain file TARGET, or leave all as it was: false with errno set. */
static bool replace_file(const char *target, const void *data, size_t length)
{
    int descriptor;
    char *temporary = open_temporary(target, &descriptor);
    if (!temporary)
        return false;
    bool written = write_all(descriptor, data, length) && fsync(descriptor) == 0;
    int error = errno;
    if (close(descriptor) < 0 && written) {
        written = false;
        error = errno;
    }
    if (written && rename(temporary, target) < 0) {
        written = false;
        error = errno;
    }
    if (!written)
        unlink(temporary);
    free(temporary);
    errno = error;
    return written && sync_folder_of(target);
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

bool write_file(const char *path, const void *data, size_t length)
{
    struct stat about;
    bool exists = stat(path, &about) == 0;
    bool plain = !exists || S_ISREG(about.st_mode);
    if (exists && plain && file_holds(path, data, length))
        return false;
    char *target = exists ? realpath(path, NULL) : strdup(path); /* a link stays a link */
    bool written = target && (plain ? replace_file(target, data, length)
                                    : write_through(target, data, length));
    int error = errno;
    free(target);
    if (!written)
        fail(STATUS_RESOURCE, "cannot write %s: %s", path, strerror(error));
    return true;
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
        fail_memory(strlen(path) + 1);
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
