/*
 * report_svg: gnuplot's pictures, made fit for a page: colours become those of the page's style,
 * and names those of one picture among many.
 */
#define _GNU_SOURCE
#include "report_parts.h"

#include "cc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The colour "rgb(r, g, b)" at AT as the page calls it, into OUT; returns what follows it. */
static const char *put_colour(struct text *out, const char *at)
{
    int red, green, blue, length = 0;
    if (sscanf(at, "rgb( %d , %d , %d )%n", &red, &green, &blue, &length) != 3 || length == 0) {
        text_add(out, at, 1);
        return at + 1;
    }
    if (red == 1)
        text_printf(out, "currentColor");
    else if (red == 2)
        text_printf(out, "var(--grid)");
    else if (red == 10)
        text_printf(out, "var(--c%d)", blue);
    else
        text_add(out, at, (size_t)length);
    return at + length;
}

/* What begins with WORD at AT is left out up to END; returns what follows, or NULL. */
static const char *skip_part(const char *at, const char *word, const char *end)
{
    if (strncmp(at, word, strlen(word)) != 0)
        return NULL;
    const char *last = strstr(at, end);
    return last ? last + strlen(end) : at + strlen(at);
}

/* What is left out, up to its end; names that get the picture's NUMBER; and other words. */
static const char *const left_out[][2] = {
    {"<title>", "</title>"}, {"<desc>", "</desc>"}, {"<filter", "</filter>"}};
static const char *const names[] = {"gpDot", "gpPt", "gnuplot_canvas", "gnuplot_plot_"};
static const char *const replaced[][2] = {{" color=\"black\"", ""},
                                          {" xmlns:xlink=\"http://www.w3.org/1999/xlink\"", ""},
                                          {"xlink:href", "href"},
                                          {"font-family=\"sans-serif\"", ""}};

/* The next piece of gnuplot's SVG at AT; returns what follows it. */
static const char *put_token(struct text *out, const char *at, int number)
{
    for (size_t i = 0; i < sizeof left_out / sizeof *left_out; i++) {
        const char *next = skip_part(at, left_out[i][0], left_out[i][1]);
        if (next)
            return next;
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strncmp(at, names[i], strlen(names[i])) == 0) {
            text_printf(out, "p%d%s", number, names[i]);
            return at + strlen(names[i]);
        }
    for (size_t i = 0; i < sizeof replaced / sizeof *replaced; i++)
        if (strncmp(at, replaced[i][0], strlen(replaced[i][0])) == 0) {
            text_printf(out, "%s", replaced[i][1]);
            return at + strlen(replaced[i][0]);
        }
    if (strncmp(at, "rgb(", 4) == 0)
        return put_colour(out, at);
    text_add(out, at, 1);
    return at + 1;
}

/* gnuplot's SVG as an element of the page. */
static char *adopt_svg(struct arena *arena, const char *svg, int number, const char *title)
{
    struct text out = {0};
    const char *at = strstr(svg, "<svg");
    if (!at)
        fail(STATUS_RESOURCE, "gnuplot: wrote no picture");
    text_printf(&out, "<svg role=\"img\" aria-label=\"");
    put_escaped(&out, title);
    text_printf(&out, "\"");
    for (at += 4; *at;)
        at = put_token(&out, at, number);
    char *copy = arena_copy(arena, out.data);
    text_free(&out);
    return copy;
}

/* ---- gnuplot ---- */

struct drawing {
    struct arena *arena;
    struct picture *const *pictures;
    int count;
    const char *folder;
    struct text output;
    int status;
};

static void run_gnuplot(void *context)
{
    struct drawing *d = context;
    const char *words[] = {"gnuplot", "report.gp", NULL};
    d->status = run_program(words, d->folder, &d->output);
}

static void write_script(const struct drawing *d)
{
    struct text script = {0};
    for (int i = 0; i < d->count; i++)
        text_printf(&script,
                    "set terminal svg size 480,320 dynamic font 'sans-serif,17'\n"
                    "set output '%d.svg'\n%s",
                    i, d->pictures[i]->script);
    write_file(arena_printf(d->arena, "%s/report.gp", d->folder), script.data, script.length);
    text_free(&script);
}

/* The first line that gnuplot said. */
static const char *said(const struct drawing *d)
{
    const char *text = d->output.data ? d->output.data : "";
    text += strspn(text, " \t\n");
    return arena_printf(d->arena, "gnuplot ends with status %d: %.*s", d->status,
                        (int)strcspn(text, "\n"), text);
}

/* The pictures that gnuplot drew. */
static void read_pictures(void *context)
{
    struct drawing *d = context;
    for (int i = 0; i < d->count; i++) {
        size_t length;
        const char *path = arena_printf(d->arena, "%s/%d.svg", d->folder, i);
        const char *svg = read_file(d->arena, path, &length);
        d->pictures[i]->svg = adopt_svg(d->arena, svg, i + 1, d->pictures[i]->title);
    }
}

/* Draw in the folder, which is new; returns why nothing could be. */
static const char *draw_in(struct drawing *d)
{
    struct failure failure;
    write_script(d);
    if (protected_call(run_gnuplot, d, &failure) != STATUS_DONE)
        return arena_printf(d->arena, "%s (make deps installs it)", failure.message);
    if (d->status != 0)
        return said(d);
    if (protected_call(read_pictures, d, &failure) != STATUS_DONE)
        return arena_copy(d->arena, failure.message);
    return NULL;
}

const char *draw_pictures(struct arena *arena, struct picture *const *pictures, int count)
{
    const char *temporary = getenv("TMPDIR");
    char *folder =
        arena_printf(arena, "%s/lathe-report-XXXXXX", temporary && *temporary ? temporary : "/tmp");
    if (count == 0)
        return NULL;
    if (!mkdtemp(folder))
        fail(STATUS_RESOURCE, "cannot make the folder %s: %s", folder, strerror(errno));
    struct drawing drawing = {
        .arena = arena, .pictures = pictures, .count = count, .folder = folder};
    const char *lack = draw_in(&drawing);
    text_free(&drawing.output);
    for (int i = 0; i < count; i++)
        unlink(arena_printf(arena, "%s/%d.svg", folder, i));
    unlink(arena_printf(arena, "%s/report.gp", folder));
    rmdir(folder);
    return lack;
}
