/*
 * embed: a program of the build, not a part of lathe. Writes the tables that embedded.h declares as
 * C, so that lathe is one file to copy. The same files in any order give the same bytes.
 *
 *     embed OUTPUT gen/spec.lua templates/conv.c.t ... runtime/train.c ... stb_image.h
 *
 * What ends in .t is a template, what ends in .lua the spec vocabulary, the rest is runtime.
 */
#include "base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct source {
    const char *path, *name;
};

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool ends_in(const char *name, const char *ending)
{
    size_t length = strlen(name), ending_length = strlen(ending);
    return length >= ending_length && strcmp(name + length - ending_length, ending) == 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct source *)a)->name, ((const struct source *)b)->name);
}

/* LENGTH bytes as C string literals, a line of the file each, whatever the bytes are. */
static void add_literals(struct text *out, const char *bytes, size_t length)
{
    text_printf(out, "    \"");
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)bytes[i];
        if (c == '\n')
            text_printf(out, i + 1 < length ? "\\n\"\n    \"" : "\\n");
        else if (c == '"' || c == '\\' || c == '?') /* ? may start a trigraph */
            text_printf(out, "\\%c", c);
        else if (c < ' ' || c > '~')
            text_printf(out, "\\%03o", c);
        else
            text_add(out, bytes + i, 1);
    }
    text_printf(out, "\"");
}

/* The table of COUNT files, called TABLE, and their NUMBER. */
static void add_table(struct text *out, struct arena *arena, const char *table, const char *number,
                      const struct source *sources, int count)
{
    text_printf(out, "\nconst struct embedded_file %s[] = {\n", table);
    for (int i = 0; i < count; i++) {
        size_t length;
        const char *bytes = read_file(arena, sources[i].path, &length);
        text_printf(out, "    {\"%s\",\n", sources[i].name);
        add_literals(out, bytes, length);
        text_printf(out, ",\n     %zu},\n", length);
    }
    text_printf(out, "    {0, 0, 0}};\nconst int %s = %d;\n", number, count);
}

static void add_spec(struct text *out, struct arena *arena, const char *path)
{
    size_t length;
    const char *bytes = read_file(arena, path, &length);
    text_printf(out, "\nconst char spec_lua[] =\n");
    add_literals(out, bytes, length);
    text_printf(out, ";\nconst size_t spec_lua_size = %zu;\n", length);
}

int main(int argc, char **argv)
{
    if (argc < 3)
        fail(STATUS_USAGE, "usage: embed OUTPUT FILE...");
    struct arena *arena = arena_new();
    struct source *sources = arena_array(arena, (size_t)argc, struct source);
    struct source *templates = arena_array(arena, (size_t)argc, struct source);
    const char *spec = NULL;
    int count = 0, template_count = 0;
    for (int i = 2; i < argc; i++) {
        struct source source = {argv[i], base_name(argv[i])};
        if (ends_in(source.name, ".t"))
            templates[template_count++] = source;
        else if (ends_in(source.name, ".lua"))
            spec = source.path;
        else
            sources[count++] = source;
    }
    if (!spec)
        fail(STATUS_USAGE, "embed: no spec.lua among the files");
    qsort(templates, (size_t)template_count, sizeof *templates, by_name);
    qsort(sources, (size_t)count, sizeof *sources, by_name);
    struct text out = {0};
    text_printf(&out, "/* Written by gen/embed.c. */\n#include \"embedded.h\"\n");
    add_table(&out, arena, "embedded_templates", "embedded_template_count", templates,
              template_count);
    add_table(&out, arena, "embedded_runtime", "embedded_runtime_count", sources, count);
    add_spec(&out, arena, spec);
    write_file(argv[1], out.data, out.length);
    text_free(&out);
    arena_free(arena);
    return STATUS_DONE;
}
