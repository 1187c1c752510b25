/*
 * shrink: see shrink.h.
 */
#include "shrink.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct shrinking {
    struct text best;
    shrink_fails *fails;
    void *context;
};

/* Take CANDIDATE for the best where it fails, too; else free it. */
static bool take(struct shrinking *s, struct text candidate)
{
    bool failed = candidate.data && s->fails(s->context, candidate.data);
    if (failed) {
        text_free(&s->best);
        s->best = candidate;
    } else {
        text_free(&candidate);
    }
    return failed;
}

/* ---- lines ---- */

static int count_lines(const char *text)
{
    int count = 0;
    for (; *text; text++)
        count += *text == '\n';
    return count;
}

/* Where LINE of TEXT begins: its end, for the line after the last. */
static const char *line_at(const char *text, int line)
{
    for (; line > 0 && *text; text++)
        line -= *text == '\n';
    return text;
}

static bool opens(const char *line)
{
    size_t length = strcspn(line, "\n");
    return length > 0 && line[length - 1] == '{';
}

static bool closes(const char *line)
{
    return line[strspn(line, " ")] == '}';
}

/* The line that closes the block of LINE, which opens it; LINE itself where it opens none. */
static int block_end(const char *text, int line)
{
    int depth = 0, count = count_lines(text);
    for (int i = line; i < count; i++) {
        depth += opens(line_at(text, i)) - closes(line_at(text, i));
        if (depth <= 0)
            return i;
    }
    return line;
}

/* Without lines A .. B and C .. D, ends not included. */
static bool take_without(struct shrinking *s, int a, int b, int c, int d)
{
    const char *text = s->best.data, *end = text + s->best.length;
    struct text candidate = {0};
    text_add(&candidate, text, (size_t)(line_at(text, a) - text));
    text_add(&candidate, line_at(text, b), (size_t)(line_at(text, c) - line_at(text, b)));
    text_add(&candidate, line_at(text, d), (size_t)(end - line_at(text, d)));
    return take(s, candidate);
}

static bool drop_lines(struct shrinking *s)
{
    bool smaller = false;
    for (int i = count_lines(s->best.data) - 1; i >= 0; i--) {
        if (i >= count_lines(s->best.data) || closes(line_at(s->best.data, i)))
            continue;
        int end = block_end(s->best.data, i);
        smaller |= take_without(s, i, end + 1, end + 1, end + 1) ||
                   (end > i && take_without(s, i, i + 1, end, end + 1));
    }
    return smaller;
}

/* ---- numbers ---- */

/* NUMBER in the place of the LENGTH digits at AT. */
static bool take_number(struct shrinking *s, size_t at, size_t length, long number)
{
    struct text candidate = {0};
    text_add(&candidate, s->best.data, at);
    text_printf(&candidate, "%ld%s", number, s->best.data + at + length);
    return take(s, candidate);
}

/* The digits at AT are a whole number of their own. */
static bool is_number(const char *text, size_t at, size_t length)
{
    return length > 0 && at > 0 && strchr(" ({", text[at - 1]) && strchr(" ,)}", text[at + length]);
}

static bool halve_numbers(struct shrinking *s)
{
    bool smaller = false;
    for (size_t at = 0; at < s->best.length; at++) {
        size_t length = strspn(s->best.data + at, "0123456789");
        if (!is_number(s->best.data, at, length))
            continue;
        long number = strtol(s->best.data + at, NULL, 10);
        while (number > 1 && (take_number(s, at, length, 1) ||
                              (number > 3 && take_number(s, at, length, number / 2)) ||
                              (number > 2 && take_number(s, at, length, number - 1)))) {
            smaller = true;
            number = strtol(s->best.data + at, NULL, 10);
            length = strspn(s->best.data + at, "0123456789");
        }
        at += length;
    }
    return smaller;
}

struct text shrink(const char *spec, shrink_fails *fails, void *context)
{
    struct shrinking s = {.fails = fails, .context = context};
    text_add(&s.best, spec, strlen(spec));
    bool smaller = true;
    while (smaller) {
        smaller = drop_lines(&s);
        smaller |= halve_numbers(&s);
    }
    return s.best;
}
