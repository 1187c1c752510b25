/* fit_space: the L, Q and I that a search goes through. */
#include "fit_parts.h"

#include <stdlib.h>
#include <string.h>

enum { COUNT_MAX = 1000, POINTS_MAX = 100000 };

static const char axis_names[] = "LQI";

/* The source's grids: one curve for all layers, and a curve a layer. And a space that holds both,
 * and what was found with them, for methods that do not count its points. */
static const struct {
    const char *name, *ranges[3];
} presets[] = {
    {"global", {"1:50:6", "0.01:10:7", "1:10:4"}},
    {"layers", {"1:50:4", "0.01:10:4", "-1:-3:3"}},
    {"wide", {"1:60:6", "0.01:20:6", "0.03:10:3,-0.03:-10:3"}},
};

/* ---- reading ---- */

static void check_range(char axis, const char *text, struct fit_range range)
{
    const char *wrong = NULL;
    if (!isfinite(range.from) || !isfinite(range.to) || range.from * range.to <= 0)
        wrong = "FROM and TO must be both above 0 or both below: steps are factors";
    else if (fabs(range.from) > fabs(range.to))
        wrong = "it runs backwards: FROM must be nearer to 0 than TO";
    else if (range.count < 1 || range.count > COUNT_MAX)
        wrong = "the grid is empty, or too large: COUNT is from 1 to 1000";
    else if (range.from == range.to && range.count > 1)
        wrong = "FROM and TO are the same: COUNT must be 1";
    if (wrong)
        fail(STATUS_USER, "--%c %s: %s", axis, text, wrong);
}

/* "FROM:TO:COUNT,...". */
static void read_axis(struct arena *arena, char name, const char *text, struct fit_axis *axis)
{
    *axis = (struct fit_axis){0};
    for (const char *at = text;; at++) {
        char *end;
        struct fit_range range = {.from = strtod(at, &end)};
        bool right = end > at && *end == ':';
        if (right) {
            at = end + 1;
            range.to = strtod(at, &end);
            right = end > at && *end == ':';
        }
        if (right) {
            at = end + 1;
            double count = strtod(at, &end);
            right = end > at && (*end == ',' || *end == '\0') && count == floor(count);
            range.count = fabs(count) <= COUNT_MAX ? (int)count : COUNT_MAX + 1;
        }
        if (!right)
            fail(STATUS_USAGE, "--%c needs FROM:TO:COUNT, or several with commas, given '%s'", name,
                 text);
        check_range(name, text, range);
        vector_push(arena, &axis->ranges, range);
        at = end;
        if (!*at)
            return;
    }
}

struct fit_space fit_space_of(struct arena *arena, const struct fit_options *options)
{
    bool counts = strcmp(options->method, "grid") == 0;
    const char *preset = options->grid        ? options->grid
                         : !counts            ? "wide"
                         : options->per_layer ? "layers"
                                              : "global";
    struct fit_space space;
    size_t count = sizeof presets / sizeof *presets, p = 0;
    while (p < count && strcmp(presets[p].name, preset) != 0)
        p++;
    if (p == count)
        fail(STATUS_USAGE, "--grid is global, layers or wide, given '%s'", preset);
    double points = 1;
    for (int i = 0; i < 3; i++) {
        int values = 0;
        read_axis(arena, axis_names[i],
                  options->ranges[i] ? options->ranges[i] : presets[p].ranges[i], &space.axes[i]);
        for (int r = 0; r < space.axes[i].ranges.count; r++)
            values += space.axes[i].ranges.items[r].count;
        points *= values;
    }
    if (points > POINTS_MAX)
        fail(STATUS_USER, "the grid has %.0f points, at most %d", points, (int)POINTS_MAX);
    return space;
}

const char *fit_space_text(struct arena *arena, const struct fit_space *space)
{
    const char *text = "";
    for (int i = 0; i < 3; i++)
        for (int r = 0; r < space->axes[i].ranges.count; r++) {
            const struct fit_range *range = &space->axes[i].ranges.items[r];
            const char *before =
                r ? "," : arena_printf(arena, "%s%c=", i ? " " : "", axis_names[i]);
            text = arena_printf(arena, "%s%s%.10g:%.10g:%d", text, before, range->from, range->to,
                                range->count);
        }
    return text;
}

/* ---- points ---- */

struct fit_point fit_own_point(const struct node *node)
{
    const double *parameter = node->curve->parameter;
    return (struct fit_point){parameter[DYNAMIC_L], parameter[DYNAMIC_Q], parameter[DYNAMIC_I]};
}

static double range_at(const struct fit_range *range, double share)
{
    return range->from * pow(range->to / range->from, share);
}

/* All values of AXIS. */
static int axis_values(struct arena *arena, const struct fit_axis *axis, double **values)
{
    VECTOR(double) list = {0};
    for (int r = 0; r < axis->ranges.count; r++) {
        const struct fit_range *range = &axis->ranges.items[r];
        for (int j = 0; j < range->count; j++)
            vector_push(arena, &list, range_at(range, (double)j / range->count));
    }
    *values = list.items;
    return list.count;
}

fit_points fit_space_grid(struct arena *arena, const struct fit_space *space)
{
    double *values[3];
    int counts[3];
    fit_points points = {0};
    for (int i = 0; i < 3; i++)
        counts[i] = axis_values(arena, &space->axes[i], &values[i]);
    for (int i = 0; i < counts[2]; i++)
        for (int l = 0; l < counts[0]; l++)
            for (int q = 0; q < counts[1]; q++) {
                struct fit_point point = {values[0][l], values[1][q], values[2][i]};
                vector_push(arena, &points, point);
            }
    return points;
}

/* The value of AXIS at SHARE, 0 .. below 1; several ranges get equal parts of it. */
static double axis_at(const struct fit_axis *axis, double share)
{
    double place = share * axis->ranges.count;
    int r = min_int((int)place, axis->ranges.count - 1);
    return range_at(&axis->ranges.items[r], place - r);
}

/* The additive recurrence of Roberts' R3 sequence ("The Unreasonable Effectiveness of Quasirandom
 * Sequences", 2018): steps of 1/g, 1/g^2, 1/g^3 modulo 1, where g^4 = g + 1. The beginning is the
 * middle of the space. */
struct fit_point fit_space_spread(const struct fit_space *space, int index)
{
    const double g = 1.2207440846057596;
    double values[3], step = 1;
    for (int i = 0; i < 3; i++) {
        step /= g;
        double share = 0.5 + index * step;
        values[i] = axis_at(&space->axes[i], share - floor(share));
    }
    return (struct fit_point){values[0], values[1], values[2]};
}
