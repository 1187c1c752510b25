/*
 * memory: a library to be loaded before others (LD_PRELOAD) that lets allocations fail, and writes
 * be short.
 *
 *     FAULT_AT=N       the N-th allocation fails, counted from 1
 *     FAULT_STICKY=1   and all after it
 *     FAULT_COUNT=FILE how many there were, written when the process ends
 *     FAULT_SHORT=N    write takes at most N bytes at a time
 *
 * Counted are allocations that the program, libc, Lua and zlib ask for; those of OpenMP, BLAS and
 * the dynamic linker are not the program's to answer for. Of children nothing is counted.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static atomic_long allocations;
static long fault_at, short_write;
static int sticky, ready;
static pid_t process;

__attribute__((constructor)) static void read_environment(void)
{
    const char *at = getenv("FAULT_AT"), *limit = getenv("FAULT_SHORT");
    fault_at = at ? atol(at) : 0;
    short_write = limit ? atol(limit) : 0;
    sticky = getenv("FAULT_STICKY") != NULL;
    process = getpid();
    ready = 1;
}

__attribute__((destructor)) static void write_count(void)
{
    const char *path = getenv("FAULT_COUNT");
    if (!path || process != getpid())
        return;
    long count = allocations;
    ready = 0;
    FILE *file = fopen(path, "w");
    if (file) {
        fprintf(file, "%ld\n", count);
        fclose(file);
    }
}

/* Does the allocation that the code at CALLER asks for fail? */
static int fails(const void *caller)
{
    static _Thread_local int inside; /* dladdr may allocate */
    static const char *const others[] = {"libgomp", "libomp", "libopenblas", "ld-linux",
                                         "libfaults"};
    if (!ready || inside || process != getpid())
        return 0;
    inside = 1;
    Dl_info from;
    int ours = dladdr(caller, &from) && from.dli_fname;
    for (size_t i = 0; ours && i < sizeof others / sizeof *others; i++)
        ours = !strstr(from.dli_fname, others[i]);
    inside = 0;
    if (!ours)
        return 0;
    long number = ++allocations;
    if (!fault_at || (sticky ? number < fault_at : number != fault_at))
        return 0;
    errno = ENOMEM;
    return 1;
}

/* ---- what is replaced ---- */

/* The next definition of NAME. While it is looked for, calloc is asked for a few bytes. */
static void *next(const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);
    if (!found)
        abort();
    return found;
}

static _Alignas(64) char first_bytes[4096];
static size_t first_used;
static int is_first(const void *block)
{
    return (const char *)block >= first_bytes &&
           (const char *)block < first_bytes + sizeof first_bytes;
}

void *malloc(size_t size)
{
    static void *(*real)(size_t);
    if (!real)
        real = (void *(*)(size_t))next("malloc");
    return fails(__builtin_return_address(0)) ? NULL : real(size);
}

void *calloc(size_t count, size_t size)
{
    static void *(*real)(size_t, size_t);
    static int looking;
    if (!real && looking) {
        size_t begin = first_used, bytes = (count * size + 15) / 16 * 16;
        if (bytes > sizeof first_bytes - begin)
            abort();
        first_used += bytes;
        return first_bytes + begin;
    }
    if (!real) {
        looking = 1;
        real = (void *(*)(size_t, size_t))next("calloc");
    }
    return fails(__builtin_return_address(0)) ? NULL : real(count, size);
}

void *realloc(void *block, size_t size)
{
    static void *(*real)(void *, size_t);
    if (!real)
        real = (void *(*)(void *, size_t))next("realloc");
    return size && fails(__builtin_return_address(0)) ? NULL : real(block, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    static void *(*real)(size_t, size_t);
    if (!real)
        real = (void *(*)(size_t, size_t))next("aligned_alloc");
    return fails(__builtin_return_address(0)) ? NULL : real(alignment, size);
}

int posix_memalign(void **block, size_t alignment, size_t size)
{
    static int (*real)(void **, size_t, size_t);
    if (!real)
        real = (int (*)(void **, size_t, size_t))next("posix_memalign");
    return fails(__builtin_return_address(0)) ? ENOMEM : real(block, alignment, size);
}

void free(void *block)
{
    static void (*real)(void *);
    if (is_first(block))
        return;
    if (!real)
        real = (void (*)(void *))next("free");
    real(block);
}

ssize_t write(int descriptor, const void *bytes, size_t length)
{
    if (short_write && length > (size_t)short_write)
        length = (size_t)short_write;
    return syscall(SYS_write, descriptor, bytes, length);
}
