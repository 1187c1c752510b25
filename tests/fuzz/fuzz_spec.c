/* A spec, as far as its graph; there is a fit file beside it. */
#include "language.h"

#include <string.h>
#include <sys/stat.h>

void fuzz_set_up(void)
{
    static char path[256];
    mkdir(fuzz_path("fits"), 0700);
    fuzz_put_text("fits/f.lua", "return { L = 50, Q = 10, I = 0.03, P = 2, Z = 10, histogram = "
                                "{ from = -1, to = 1, counts = { 1, 2, 3 } } }");
    language_load(strcpy(path, fuzz_path("net.lua")));
}

void fuzz_parse(const uint8_t *bytes, size_t count)
{
    struct arena *arena = arena_new();
    language_read(arena, bytes, count);
    arena_free(arena);
}
