/*
 * emit_wrap: lines of generated C to at most 100 columns. Templates are written narrow, but names
 * and numbers that fill their holes are as long as the spec makes them.
 *
 * Code breaks after a comma, a semicolon or an operator, preferably outside of brackets and far to
 * the right, or else after a bracket, and goes on under the innermost bracket that is open;
 * comments break between words.
 */
#include "emit.h"

#include <string.h>

enum { WIDTH = 100, FARTHEST = 64, DEEPEST = 32 };

/* The line under way: where in it the brackets stand that are open. */
struct brackets {
    int column[DEEPEST];
    int count;
};

static size_t indent_of(const char *line, size_t length)
{
    size_t indent = 0;
    while (indent < length && line[indent] == ' ')
        indent++;
    return indent;
}

/* ---- comments ---- */

/* Words of LINE, which stands in a comment, to lines that start with PREFIX but for the first. */
static void fill_words(const char *line, size_t length, const char *prefix, struct text *out)
{
    while (length > WIDTH) {
        size_t cut = WIDTH, indent = indent_of(line, length);
        while (cut > indent + 4 && (line[cut] != ' ' || strncmp(line + cut, " */", 3) == 0))
            cut--;
        if (line[cut] != ' ')
            break;
        text_add(out, line, cut);
        text_add(out, "\n", 1);
        struct text rest = {0};
        text_printf(&rest, "%s%.*s", prefix, (int)(length - cut - 1), line + cut + 1);
        fill_words(rest.data, rest.length, prefix, out);
        text_free(&rest);
        return;
    }
    text_add(out, line, length);
    text_add(out, "\n", 1);
}

/* A line that is a comment from COLUMN on, or within one. */
static void wrap_comment(const char *line, size_t length, size_t column, struct text *out)
{
    struct text prefix = {0};
    text_printf(&prefix, "%*s* ", (int)column + (line[column] == '/'), "");
    fill_words(line, length, prefix.data, out);
    text_free(&prefix);
}

/* ---- code ---- */

/* The place after the string or character constant that opens at AT. */
static size_t skip_quoted(const char *line, size_t length, size_t at)
{
    size_t i = at + 1;
    while (i < length && line[i] != line[at])
        i += line[i] == '\\' ? 2 : 1;
    return i + 1;
}

static void follow_bracket(struct brackets *open, char c, size_t column)
{
    if (strchr("([{", c) && open->count < DEEPEST)
        open->column[open->count++] = (int)column;
    else if (strchr(")]}", c) && open->count > 0)
        open->count--;
}

/* How much a break at the blank AT is disliked, in columns; -1: no break there. */
static int dislike(const char *line, size_t at)
{
    static const struct {
        const char *operators;
        int dislike;
    } kinds[] = {{";", 0}, {",", 4}, {"|&", 6}, {"?:", 8}, {"<>", 12}, {"+-", 14}, {"*/%", 20}};
    char before = line[at - 1];
    if (before == '=') /* an assignment, or a comparison */
        return line[at - 2] == ' ' ? 30 : 12;
    if (before != ';' && before != ',' && at >= 2 && line[at - 2] != ' ' && line[at - 2] != before)
        return -1; /* a pointer's star, a unary minus */
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strchr(kinds[i].operators, before))
            return kinds[i].dislike;
    return -1;
}

/* The best place to end LINE before WIDTH, 0 where there is none; *open: before and after it. */
static size_t find_cut(const char *line, size_t length, struct brackets *open)
{
    size_t best = 0, indent = indent_of(line, length);
    int best_score = -1000;
    struct brackets now = *open, then = *open;
    for (size_t i = indent; i < length && (i <= WIDTH || best == 0);) {
        if (line[i] == '"' || line[i] == '\'') {
            i = skip_quoted(line, length, i);
            continue;
        }
        int score = line[i] == ' ' ? dislike(line, i) : -1;
        if (score >= 0 && (score = (int)i - score - 20 * now.count) >= best_score) {
            best = i;
            best_score = score;
            then = now;
        }
        follow_bracket(&now, line[i], i);
        i++;
        if (best == 0 && line[i - 1] == '(' && i > indent + 8 && i <= WIDTH) {
            best = i;
            then = now;
            then.column[then.count - 1] = WIDTH;
        }
    }
    *open = then;
    return best;
}

/* LINE from CUT on, indented by COLUMN. */
static struct text go_on(const struct text *line, size_t cut, int column)
{
    struct text next = {0};
    text_printf(&next, "%*s%s", column, "", line->data + cut + (line->data[cut] == ' '));
    return next;
}

/* Whether what stands before the first place to break LINE, or all of it, is too wide. */
static bool overflows(const struct text *line, struct brackets open)
{
    if (line->length <= WIDTH)
        return false;
    size_t cut = find_cut(line->data, line->length, &open);
    return cut == 0 || cut > WIDTH;
}

static void wrap_code(const char *line, size_t length, struct text *out)
{
    struct brackets open = {.count = 0};
    struct text rest = {0};
    size_t indent = indent_of(line, length), cut;
    text_add(&rest, line, length);
    while (indent >= 4 && overflows(&rest, open)) { /* a name as long as a line: further left */
        indent -= 4;
        rest.length -= 4;
        memmove(rest.data, rest.data + 4, rest.length + 1);
    }
    while (rest.length > WIDTH && (cut = find_cut(rest.data, rest.length, &open)) > 0) {
        text_add(out, rest.data, cut);
        text_add(out, "\n", 1);
        int column = open.count ? open.column[open.count - 1] + 1 : (int)indent + 4;
        if (column > FARTHEST)
            column = (int)indent + 8;
        struct text next = go_on(&rest, cut, column);
        if (column > (int)indent + 8 && overflows(&next, open)) {
            text_free(&next);
            next = go_on(&rest, cut, (int)indent + 8);
        }
        text_free(&rest);
        rest = next;
    }
    text_add(out, rest.data, rest.length);
    text_add(out, "\n", 1);
    text_free(&rest);
}

/* Code with a comment behind it: the comment goes on under itself, or before the code. */
static void wrap_commented(const char *line, size_t length, size_t comment, struct text *out)
{
    size_t indent = indent_of(line, length), end = comment;
    if (comment <= FARTHEST) {
        wrap_comment(line, length, comment, out);
        return;
    }
    struct text above = {0};
    text_printf(&above, "%*s%.*s", (int)indent, "", (int)(length - comment), line + comment);
    wrap_comment(above.data, above.length, indent, out);
    text_free(&above);
    while (end > indent && line[end - 1] == ' ')
        end--;
    wrap_code(line, end, out);
}

/* ---- lines ---- */

/* Where a comment starts in LINE, which ends with it; LENGTH: nowhere. */
static size_t find_comment(const char *line, size_t length)
{
    if (length < 4 || memcmp(line + length - 2, "*/", 2) != 0)
        return length;
    for (size_t i = 0; i + 1 < length; i++) {
        if (line[i] == '"' || line[i] == '\'')
            i = skip_quoted(line, length, i) - 1;
        else if (line[i] == '/' && line[i + 1] == '*')
            return i;
    }
    return length;
}

void emit_wrap(const char *text, size_t length, struct text *out)
{
    for (const char *line = text, *end = text + length; line < end;) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        size_t size = (size_t)((newline ? newline : end) - line);
        size_t indent = indent_of(line, size), comment = find_comment(line, size);
        if (size <= WIDTH || line[indent] == '#') {
            text_add(out, line, size);
            text_add(out, "\n", 1);
        } else if (strncmp(line + indent, "/*", 2) == 0 || strncmp(line + indent, "* ", 2) == 0)
            wrap_comment(line, size, indent, out);
        else if (comment < size)
            wrap_commented(line, size, comment, out);
        else
            wrap_code(line, size, out);
        line += size + 1;
    }
}
