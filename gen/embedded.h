/*
 * embedded: what the build puts into the program, written by gen/embed.c into
 * out/.build/embedded.c. Floor 0 of the generator.
 */
#ifndef LATHE_EMBEDDED_H
#define LATHE_EMBEDDED_H

#include <stddef.h>

/* A file of the source tree. DATA ends in a NUL that SIZE does not count. */
struct embedded_file {
    const char *name; /* without its folder: "conv.c.t", "train.c" */
    const char *data;
    size_t size;
};

/* templates/ *.t, by name. */
extern const struct embedded_file embedded_templates[];
extern const int embedded_template_count;

/* What a generated folder gets copied: runtime/ *.c and *.h, stb_image.h where it was found; by
 * name. */
extern const struct embedded_file embedded_runtime[];
extern const int embedded_runtime_count;

/* gen/spec.lua, ending in a NUL that spec_lua_size does not count. */
extern const char spec_lua[];
extern const size_t spec_lua_size;

#endif
