/* record: folders that remember. See record.h. */
#define _GNU_SOURCE
#include "record.h"
#include "json.h"
#include "../runtime/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* ---- what a folder is of ---- */

const char *trait_text(struct arena *arena, const char *text)
{
    struct text out = {0};
    json_put_text(&out, text);
    const char *copy = arena_copy(arena, out.data);
    text_free(&out);
    return copy;
}

const char *trait_number(struct arena *arena, int64_t number)
{
    return number ? arena_printf(arena, "%lld", (long long)number) : "\"\"";
}

/* VALUE as messages show it: without quotes; "none" where there is nothing. */
static const char *shown(struct arena *arena, const char *value)
{
    size_t length = strlen(value);
    if (length >= 2 && value[0] == '"')
        value = arena_printf(arena, "%.*s", (int)length - 2, value + 1);
    return *value ? value : "none";
}

/* The JSON of the field NAME in FOUND, a field a line. */
static const char *value_in(struct arena *arena, const char *found, const char *name)
{
    const char *at = json_field(arena, found, name);
    size_t length = at ? strcspn(at, "\n") : 0;
    return length ? arena_printf(arena, "%.*s", (int)length - 1, at) : "\"\""; /* , or } */
}

bool record_is_ours(struct arena *arena, const char *folder, const char *file,
                    const struct trait *traits, int count)
{
    size_t length;
    const char *path = arena_printf(arena, "%s/%s", folder, file);
    if (access(path, F_OK) < 0)
        return false;
    const char *found = read_text_file(arena, path, &length);
    for (int i = 0; i < count; i++) {
        const char *theirs = value_in(arena, found, traits[i].name);
        if (strcmp(theirs, traits[i].value) != 0)
            fail(STATUS_USER, "%s: holds %s %s, given %s", folder, traits[i].said,
                 shown(arena, theirs), shown(arena, traits[i].value));
    }
    return true;
}

void record_claim(struct arena *arena, const char *folder, const char *file,
                  const struct trait *traits, int count)
{
    struct text out = {0};
    for (int i = 0; i < count; i++)
        text_printf(&out, "%s\"%s\": %s", i ? ",\n " : "{", traits[i].name, traits[i].value);
    text_printf(&out, "}\n");
    write_file(arena_printf(arena, "%s/%s", folder, file), out.data, out.length);
    text_free(&out);
}

bool record_lock(struct arena *arena, const char *folder, const char *file, bool inherited,
                 bool wait)
{
    const char *path = arena_printf(arena, "%s/%s", folder, file);
    int lock = open(path, O_RDWR | O_CREAT | (inherited ? 0 : O_CLOEXEC), 0666); /* stays open */
    if (lock < 0)
        fail(STATUS_RESOURCE, "cannot write %s: %s", path, strerror(errno));
    if (flock(lock, LOCK_EX | LOCK_NB) == 0)
        return true;
    if (!wait) {
        close(lock);
        return false;
    }
    fprintf(stderr, "%s: waits for what is under way there, or a run that it left\n", folder);
    if (flock(lock, LOCK_EX) < 0)
        fail(STATUS_RESOURCE, "cannot lock %s: %s", path, strerror(errno));
    return false;
}

/* ---- lines ---- */

int record_open(struct arena *arena, const char *path,
                void (*take)(void *context, const char *line), void *context)
{
    enum { LONGEST = 1 << 28 };
    size_t length = 0;
    char *text = access(path, F_OK) == 0 ? read_file_to(arena, path, LONGEST, &length) : "";
    while (length && text[length - 1] != '\n')
        length--;
    for (char *line = text, *end; line < text + length; line = end + 1) {
        end = memchr(line, '\n', (size_t)(text + length - line));
        *end = '\0';
        if (strlen(line) == (size_t)(end - line)) /* no NUL, which a loss of power leaves */
            take(context, line);
    }
    int descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (descriptor < 0 || ftruncate(descriptor, (off_t)length) < 0)
        fail(STATUS_RESOURCE, "cannot write %s: %s", path, strerror(errno));
    return descriptor;
}

void record_append(int descriptor, const char *path, const struct text *line)
{
    if (!lathe_write_all(descriptor, line->data, line->length) || fsync(descriptor) < 0)
        fail(STATUS_RESOURCE, "cannot write %s: %s", path, strerror(errno));
}
