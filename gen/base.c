/*
 * base: arenas, growable arrays, string building, checked arithmetic and the one way to fail.
 */
#include "base.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- arenas ----
 *
 * A list of chunks, the newest first. Chunks come zeroed from calloc and no byte is handed out
 * twice, so allocations need no clearing and big ones cost no memory until they are touched.
 *
 * Where AddressSanitizer watches, it is told what is handed out, with gaps between.
 */

enum { ARENA_ALIGNMENT = 64, FIRST_CHUNK = 1 << 14, LARGEST_CHUNK = 1 << 22 };

/* AddressSanitizer's, if it is there. */
void __asan_poison_memory_region(const volatile void *from, size_t size) __attribute__((weak));
void __asan_unpoison_memory_region(const volatile void *from, size_t size) __attribute__((weak));

static void close_memory(char *from, size_t size)
{
    if (__asan_poison_memory_region)
        __asan_poison_memory_region(from, size);
}

static void open_memory(char *from, size_t size)
{
    if (__asan_unpoison_memory_region)
        __asan_unpoison_memory_region(from, size);
}

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
        open_memory((char *)(chunk + 1), (size_t)(chunk->end - (char *)(chunk + 1)));
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
    close_memory(chunk->free, room);
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
    size_t gap = __asan_poison_memory_region ? ARENA_ALIGNMENT : 0;
    size_t lines = bytes ? (bytes + ARENA_ALIGNMENT - 1) / ARENA_ALIGNMENT : 1;
    size_t room = lines * ARENA_ALIGNMENT + gap;
    struct chunk *chunk = arena->chunks;
    if (!chunk || (size_t)(chunk->end - chunk->free) < room)
        chunk = add_chunk(arena, room);
    char *memory = chunk->free;
    chunk->free += room;
    open_memory(memory, bytes);
    return memory;
}

char *arena_copy(struct arena *arena, const char *text)
{
    size_t size = strlen(text) + 1;
    return memcpy(arena_alloc(arena, size, 1), text, size);
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    struct text text = {0};
    va_list arguments;
    va_start(arguments, format);
    text_vprintf(&text, format, arguments);
    va_end(arguments);
    char *copy = arena_copy(arena, text.data);
    text_free(&text);
    return copy;
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

void text_blanks(struct text *text, size_t count)
{
    text_reserve(text, count);
    memset(text->data + text->length, ' ', count);
    text->length += count;
    text->data[text->length] = '\0';
}

void text_vprintf(struct text *text, const char *format, va_list arguments)
{
    va_list again;
    check_bug(format);
    va_copy(again, arguments);
    text_reserve(text, 80); /* mostly enough, so that nothing is formatted twice */
    size_t room = text->capacity - text->length;
    int length = vsnprintf(text->data + text->length, room, format, arguments);
    if (length >= 0 && (size_t)length >= room) {
        text_reserve(text, (size_t)length);
        length = vsnprintf(text->data + text->length, (size_t)length + 1, format, again);
    }
    if (length < 0) /* the library takes memory of its own for some numbers */
        fail_memory(text->capacity);
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
        failure->placed = where.file != NULL;
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

_Noreturn void fail_again(const struct failure *failure, struct where where)
{
    struct failure copy = *failure; /* the handler may be about to fill the same one */
    if (!copy.placed)
        fail_at(copy.status, where, "%s", copy.message);
    if (!innermost) {
        fflush(stdout);
        fprintf(stderr, "%s\n", copy.message);
        exit(copy.status);
    }
    struct handler *handler = innermost;
    *handler->failure = copy;
    innermost = handler->outer;
    longjmp(handler->place, 1);
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
