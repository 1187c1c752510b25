/*
 * pool_vm: gen/vm.c with all of a state's memory in one piece, so that a state can be put back as
 * it was: a copy of the piece. Loading the spec language takes a hundred times as long as the specs
 * that are tried.
 *
 * Blocks stand between headers that AddressSanitizer guards; those of the copied part alone are not
 * guarded, for the copy does not say which of them are free.
 */
#include "language.h"

#include <sanitizer/asan_interface.h>
#include <stdlib.h>
#include <string.h>

enum { POOL = 64 << 20, HEADER = 16, SMALL = 1024, STEP = 16, CLASSES = SMALL / STEP + 32 };

static _Alignas(16) char pool[POOL];

/* What is given out: pool[0..top), and lists of the free blocks of each class. */
static struct layout {
    size_t top;
    char *free[CLASSES];
} layout;

/* The class of blocks of SIZE bytes, and how many these have: multiples of 16, then powers of 2. */
static int class_of(size_t size, size_t *room)
{
    int class = (int)((size + STEP - 1) / STEP);
    *room = (size_t) class * STEP;
    if (size <= SMALL)
        return class;
    class = SMALL / STEP;
    for (*room = SMALL; *room < size; *room *= 2)
        class ++;
    return class;
}

/* Bytes of BLOCK, which stand before it. */
__attribute__((no_sanitize("address"))) static size_t size_of(const char *block)
{
    return *(const size_t *)(const void *)(block - HEADER);
}

__attribute__((no_sanitize("address"))) static void *pool_malloc(size_t size)
{
    size_t room;
    int class = class_of(size, &room);
    char *block = layout.free[class];
    if (block) {
        layout.free[class] = *(char **)(void *)block;
    } else {
        if (room > POOL || layout.top + HEADER + room > POOL)
            return NULL;
        block = pool + layout.top + HEADER;
        layout.top += HEADER + room;
    }
    *(size_t *)(void *)(block - HEADER) = size;
    ASAN_POISON_MEMORY_REGION(block, room);
    ASAN_UNPOISON_MEMORY_REGION(block, size);
    return block;
}

__attribute__((no_sanitize("address"))) static void pool_free(void *block)
{
    size_t room;
    if (!block)
        return;
    int class = class_of(size_of(block), &room);
    *(char **)block = layout.free[class];
    layout.free[class] = block;
    ASAN_POISON_MEMORY_REGION(block, room);
}

static void *pool_realloc(void *block, size_t size)
{
    char *moved = pool_malloc(size);
    if (block && moved) {
        size_t had = size_of(block);
        memcpy(moved, block, had < size ? had : size);
        pool_free(block);
    }
    return moved;
}

#define realloc pool_realloc
#define free    pool_free
#include "../../gen/vm.c"
#undef realloc
#undef free

static struct {
    struct vm vm;
    struct layout layout;
    char *bytes;
} saved;

void pool_save(const struct vm *vm)
{
    saved.vm = *vm;
    saved.layout = layout;
    saved.bytes = malloc(layout.top);
    ASAN_UNPOISON_MEMORY_REGION(pool, layout.top);
    memcpy(saved.bytes, pool, layout.top);
}

void pool_restore(struct vm *vm, struct arena *arena)
{
    size_t top = saved.layout.top;
    ASAN_UNPOISON_MEMORY_REGION(pool, top);
    memcpy(pool, saved.bytes, top);
    if (layout.top > top)
        ASAN_POISON_MEMORY_REGION(pool + top, layout.top - top);
    layout = saved.layout;
    *vm = saved.vm;
    vm->arena = arena;
    vm->start = clock();
}
