/* A fit file, which is Lua that sees nothing, read by specs that use it in one way and another. */
#include "language.h"

#include <string.h>
#include <sys/stat.h>

void fuzz_set_up(void)
{
    static char path[256];
    mkdir(fuzz_path("fits"), 0700);
    language_load(strcpy(path, fuzz_path("net.lua")));
}

static const char plain[] =
    "return network { input = vector(4), linear(3), dynamic(fit 'f'), linear(2) }";
static const char weighted[] = "return network { input = vector(4), linear(3), "
                               "dynamic(fit 'f', { table = weighted(0.01) }), linear(2) }";
static const char layers[] = "local f = fit 'f' return network { input = vector(4), linear(3), "
                             "dynamic(f, { name = 'a' }), linear(3), "
                             "dynamic(f, { name = 'b' }) }";

void fuzz_parse(const uint8_t *bytes, size_t count)
{
    const char *const specs[] = {plain, weighted, layers};
    struct arena *arena = arena_new();
    const char *spec = specs[fuzz_choose(&bytes, &count, 3)];
    fuzz_put("fits/f.lua", bytes, count);
    language_read(arena, spec, strlen(spec));
    arena_free(arena);
}
