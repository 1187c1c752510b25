/*
 * base: the runtime's one way to fail, and its memory.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lathe.h"

void (*lathe_die_handler)(int status, const char *message);

/* What the program was called, without folders. */
static const char *program_name(void)
{
#if defined(__linux__)
    return program_invocation_short_name;
#else
    return getprogname();
#endif
}

void lathe_one_line(char *message)
{
    for (char *c = message; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
}

_Noreturn void lathe_die(int status, const char *format, ...)
{
    char message[4096];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    lathe_one_line(message);
    if (lathe_die_handler) {
        lathe_die_handler(status, message);
        abort(); /* a handler must not return */
    }
    fflush(stdout);
    fprintf(stderr, "%s: %s\n", program_name(), message);
    exit(status);
}

void lathe_hold_standard_streams(void)
{
    for (int i = STDIN_FILENO; i <= STDERR_FILENO; i++)
        if (fcntl(i, F_GETFD) < 0 && open("/dev/null", O_RDONLY) != i) /* the lowest that is free */
            exit(LATHE_RESOURCE);                                      /* and nowhere to say it */
}

bool lathe_output_arrived(void)
{
    return fflush(stdout) == 0 && !ferror(stdout);
}

void *lathe_alloc(size_t count, size_t size)
{
    enum { LINE = 64, HUGE_PAGE = 2 << 20 };
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX - HUGE_PAGE)
        lathe_die(LATHE_RESOURCE, "out of memory: %zu x %zu bytes", count, size);
    size_t alignment = bytes >= HUGE_PAGE ? HUGE_PAGE : LINE;
    size_t rounded = (bytes + alignment - 1) / alignment * alignment;
    void *memory = aligned_alloc(alignment, rounded ? rounded : alignment);
    if (!memory)
        lathe_die(LATHE_RESOURCE, "out of memory: %zu bytes", bytes);
#ifdef MADV_HUGEPAGE
    if (alignment == HUGE_PAGE)
        madvise(memory, rounded, MADV_HUGEPAGE); /* a hint: may fail */
#endif
    return memset(memory, 0, rounded ? rounded : alignment);
}
