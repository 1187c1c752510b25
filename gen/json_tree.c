/*
 * json_tree: a reader by recursive descent (RFC 8259).
 */
#include "json_tree.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DEEPEST = 64 };

struct reader {
    struct arena *arena;
    const char *path, *at;
    int line, depth;
};

static const struct tree nothing = {.kind = TREE_NULL, .number = NAN, .text = ""};

_Noreturn static void complain(const struct reader *r, const char *what)
{
    fail_at(STATUS_USER, (struct where){r->path, r->line}, "not JSON: %s", what);
}

static void skip_blanks(struct reader *r)
{
    for (; *r->at && strchr(" \t\r\n", *r->at); r->at++)
        r->line += *r->at == '\n';
}

/* Take WORD where it is next. */
static bool take(struct reader *r, const char *word)
{
    skip_blanks(r);
    size_t length = strlen(word);
    if (strncmp(r->at, word, length) != 0)
        return false;
    r->at += length;
    return true;
}

/* ---- texts ---- */

static unsigned hex4(struct reader *r)
{
    unsigned code = 0;
    for (int i = 0; i < 4; i++) {
        const char *digits = "0123456789abcdef", *found = NULL;
        char c = *r->at >= 'A' && *r->at <= 'F' ? (char)(*r->at + 32) : *r->at;
        if (c)
            found = strchr(digits, c);
        if (!found)
            complain(r, "\\u needs four hexadecimal digits");
        code = code * 16 + (unsigned)(found - digits);
        r->at++;
    }
    return code;
}

/* CODE as UTF-8. */
static char *put_code(char *to, unsigned code)
{
    if (code < 0x80) {
        *to++ = (char)code;
        return to;
    }
    int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    static const unsigned char leads[] = {0, 0xc0, 0xe0, 0xf0};
    *to++ = (char)(leads[more] | code >> 6 * more);
    while (more--)
        *to++ = (char)(0x80 | (code >> 6 * more & 0x3f));
    return to;
}

/* What follows a backslash. Halves of pairs that stand alone become U+FFFD. */
static char *put_escape(struct reader *r, char *to)
{
    static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    char letter = *r->at++;
    const char *found = letter ? strchr(letters, letter) : NULL;
    if (found) {
        *to++ = meant[found - letters];
        return to;
    }
    if (letter != 'u')
        complain(r, "an unknown escape in a text");
    unsigned code = hex4(r);
    if (code >= 0xd800 && code < 0xdc00 && strncmp(r->at, "\\u", 2) == 0) {
        r->at += 2;
        unsigned low = hex4(r);
        bool pair = low >= 0xdc00 && low < 0xe000;
        code = pair ? 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00) : 0xfffd;
    }
    return put_code(to, code >= 0xd800 && code < 0xe000 ? 0xfffd : code);
}

static const char *read_text(struct reader *r)
{
    size_t most = 0; /* a text is never longer than what stands for it */
    for (const char *c = r->at; *c && *c != '"'; c++) {
        if (*c == '\\' && c[1])
            c++, most++;
        most++;
    }
    char *text = arena_array(r->arena, most + 1, char), *to = text;
    while (*r->at != '"') {
        if ((unsigned char)*r->at < ' ')
            complain(r, "a text without its end");
        if (*r->at == '\\') {
            r->at++;
            to = put_escape(r, to);
        } else
            *to++ = *r->at++;
    }
    r->at++;
    return text;
}

/* ---- values ---- */

static void read_value(struct reader *r, struct tree *value);

/* The rest of a list or object; CLOSE ends it. */
static void read_items(struct reader *r, struct tree *value, const char *close)
{
    if (++r->depth > DEEPEST)
        complain(r, "too many levels");
    for (bool first = true; !take(r, close); first = false) {
        struct tree item = nothing;
        if (!first && !take(r, ","))
            complain(r, "a comma or an end of the list is missing");
        if (value->kind == TREE_OBJECT) {
            if (!take(r, "\""))
                complain(r, "the name of a member is missing");
            item.name = read_text(r);
            if (!take(r, ":"))
                complain(r, "a colon is missing");
        }
        read_value(r, &item);
        vector_push(r->arena, value, item);
    }
    r->depth--;
}

/* strtod's grammar is wider (hexadecimal, inf): digits decide. */
static void read_number(struct reader *r, struct tree *value)
{
    size_t length = strspn(r->at, "+-.0123456789eE");
    char *end = NULL;
    if (length && *r->at != '+' && *r->at != '.')
        value->number = strtod(r->at, &end);
    if (!length || end != r->at + length)
        complain(r, "neither a value nor an end");
    value->kind = TREE_NUMBER;
    r->at = end;
}

static void read_value(struct reader *r, struct tree *value)
{
    const char *name = value->name;
    *value = nothing;
    value->name = name;
    if (take(r, "{")) {
        value->kind = TREE_OBJECT;
        read_items(r, value, "}");
    } else if (take(r, "[")) {
        value->kind = TREE_LIST;
        read_items(r, value, "]");
    } else if (take(r, "\"")) {
        value->kind = TREE_TEXT;
        value->text = read_text(r);
    } else if (take(r, "true") || take(r, "false")) {
        value->kind = TREE_FLAG;
        value->flag = r->at[-2] == 'u';
    } else if (!take(r, "null"))
        read_number(r, value);
}

/* The value at LINE of PATH, to the end of TEXT. */
static struct tree *read_at(struct arena *arena, const char *path, int line, const char *text)
{
    struct reader reader = {.arena = arena, .path = path, .at = text, .line = line};
    struct tree *value = arena_new_of(arena, struct tree);
    read_value(&reader, value);
    skip_blanks(&reader);
    if (*reader.at)
        complain(&reader, "something after the value");
    return value;
}

const struct tree *tree_read(struct arena *arena, const char *path, const char *text)
{
    return read_at(arena, path, 1, text);
}

const struct tree *tree_read_file(struct arena *arena, const char *path)
{
    size_t length;
    return tree_read(arena, path, read_text_file(arena, path, &length));
}

const struct tree *tree_read_lines(struct arena *arena, const char *path)
{
    size_t length;
    struct tree *list = arena_new_of(arena, struct tree);
    *list = nothing;
    list->kind = TREE_LIST;
    char *line = read_text_file(arena, path, &length), *end;
    for (int number = 1; (end = strchr(line, '\n')); line = end + 1, number++) {
        *end = '\0';
        if (line[strspn(line, " \t\r")])
            vector_push(arena, list, *read_at(arena, path, number, line));
    }
    return list;
}

const struct tree *tree_get(const struct tree *object, const char *name)
{
    for (int i = 0; object->kind == TREE_OBJECT && i < object->count; i++)
        if (strcmp(object->items[i].name, name) == 0)
            return &object->items[i];
    return &nothing;
}

double tree_number(const struct tree *object, const char *name)
{
    return tree_get(object, name)->number;
}

const char *tree_text(const struct tree *object, const char *name, const char *otherwise)
{
    const struct tree *value = tree_get(object, name);
    return value->kind == TREE_TEXT ? value->text : otherwise;
}
