/*
 * curve: what the network computes with a curve: its table where there is one, else its closed
 * form.
 */
#include "curve_kind.h"

#include <string.h>

const char *curve_kind_name(enum curve_kind kind)
{
    return curve_rows[kind].name;
}

bool curve_kind_find(const char *name, enum curve_kind *kind)
{
    for (int i = 0; i < CURVE_KINDS; i++)
        if (strcmp(curve_rows[i].name, name) == 0) {
            *kind = (enum curve_kind)i;
            return true;
        }
    return false;
}

const char *curve_kind_parameters(enum curve_kind kind)
{
    return curve_rows[kind].parameters;
}

bool curve_kind_is_listed(enum curve_kind kind)
{
    return kind == CURVE_PIECEWISE || kind == CURVE_FUNCTION;
}

bool curve_is_measured(const struct curve *curve)
{
    return curve->kind == CURVE_FUNCTION;
}

static bool same_histogram(const struct histogram *a, const struct histogram *b)
{
    return a == b || (a && b && a->from == b->from && a->to == b->to && a->bins == b->bins &&
                      memcmp(a->counts, b->counts, (size_t)a->bins * sizeof *a->counts) == 0);
}

bool curve_same(const struct curve *a, const struct curve *b)
{
    if (a->kind != b->kind || a->method != b->method || a->k != b->k || a->max != b->max ||
        memcmp(a->parameter, b->parameter, sizeof a->parameter) != 0 ||
        a->point_count != b->point_count)
        return false;
    for (int side = 0; side < 2; side++)
        if (a->tails[side].slope != b->tails[side].slope ||
            a->tails[side].intercept != b->tails[side].intercept)
            return false;
    for (int i = 0; i < a->point_count; i++)
        if (a->points[i].x != b->points[i].x || a->points[i].y != b->points[i].y)
            return false;
    return a->method != TABLE_WEIGHTED || same_histogram(a->histogram, b->histogram);
}

const char *curve_method_name(enum table_method method)
{
    static const char *const names[] = {
        [TABLE_EXACT] = "exact",
        [TABLE_TANGENT] = "tangent",
        [TABLE_MINIMAX] = "minimax",
        [TABLE_WEIGHTED] = "weighted",
    };
    return names[method];
}

const char *curve_method_parameter(enum table_method method)
{
    return method == TABLE_TANGENT ? "k" : "eps";
}

/* ---- problems ---- */

const char *histogram_problem(struct arena *arena, const struct histogram *histogram)
{
    enum { MOST_BINS = 4096 };
    double sum = 0;
    if (!(histogram->from < histogram->to && fabs(histogram->from) <= LARGEST_X &&
          fabs(histogram->to) <= LARGEST_X))
        return arena_printf(arena, "from must be below to, both within %g, given %g and %g",
                            LARGEST_X, histogram->from, histogram->to);
    if (histogram->bins < 1 || histogram->bins > MOST_BINS)
        return arena_printf(arena, "needs 1 to %d counts, given %d", MOST_BINS, histogram->bins);
    for (int i = 0; i < histogram->bins; i++) {
        double count = histogram->counts[i];
        if (!(count >= 0 && isfinite(sum += count)))
            return arena_printf(arena, "counts must be from 0 up, the one at place %d is %g", i + 1,
                                count);
    }
    return sum > 0 ? NULL : "all counts are 0";
}

static const char *table_problem(struct arena *arena, const struct curve *curve)
{
    const char *name = curve_method_name(curve->method);
    if (curve->method == TABLE_EXACT)
        return NULL;
    if (!(curve->k > 0 && isfinite(curve->k)))
        return arena_printf(arena, "%s: %s must be above 0, given %g", name,
                            curve_method_parameter(curve->method), curve->k);
    if (!(curve->max >= 0 && curve->max <= LARGEST_X))
        return arena_printf(arena, "%s: max must be from 0 (lathe chooses) to %g, given %g", name,
                            LARGEST_X, curve->max);
    if (curve->method != TABLE_WEIGHTED)
        return NULL;
    if (!curve->histogram)
        return "weighted: needs the histogram of what the curve sees: a fit's, or weighted(eps, { "
               "histogram = { from = .., to = .., counts = { .. } } })";
    const char *problem = histogram_problem(arena, curve->histogram);
    return problem ? arena_printf(arena, "weighted: histogram: %s", problem) : NULL;
}

const char *curve_problem(struct arena *arena, const struct curve *curve)
{
    const struct curve_row *row = row_of(curve);
    for (int i = 0; row->parameters[i]; i++)
        if (!(fabs(curve->parameter[i]) <= FLT_MAX))
            return arena_printf(arena, "%s: %c must be a finite float, given %g", row->name,
                                row->parameters[i], curve->parameter[i]);
    const char *problem = row->problem ? row->problem(arena, curve) : NULL;
    return problem ? problem : table_problem(arena, curve);
}

/* ---- closed forms ---- */

double curve_value(const struct curve *curve, double x)
{
    return row_of(curve)->value(curve, x);
}

double curve_slope(const struct curve *curve, double x)
{
    return row_of(curve)->slope(curve, x);
}

void curve_parameter_slopes(const struct curve *curve, double x, double *slopes)
{
    for (int i = 0; i < CURVE_PARAMETERS; i++)
        slopes[i] = 0;
    if (row_of(curve)->parameter_slopes)
        row_of(curve)->parameter_slopes(curve, x, slopes);
}

/* ---- tables ---- */

struct piece line_through(struct curve_point a, struct curve_point b)
{
    struct curve_point anchor = fabs(a.x) <= fabs(b.x) ? a : b;
    double slope = as_float((b.y - a.y) / (b.x - a.x));
    return (struct piece){a.x, b.x, slope, as_float(anchor.y - slope * anchor.x)};
}

void push_piece(struct arena *arena, struct piece_list *list, struct piece piece)
{
    struct piece *last = list->count ? &list->items[list->count - 1] : NULL;
    if (last && last->slope == piece.slope && last->intercept == piece.intercept)
        last->to = piece.to;
    else
        vector_push(arena, list, piece);
}

struct table *new_table(struct arena *arena, struct piece_list list)
{
    struct table *table = arena_new_of(arena, struct table);
    table->pieces = list.items;
    table->count = list.count;
    return table;
}

void curve_tabulate(struct arena *arena, struct curve *curve)
{
    curve->table = NULL;
    if (row_of(curve)->pieces) {
        curve->table = row_of(curve)->pieces(arena, curve);
    } else if (curve->method != TABLE_EXACT) {
        curve->table = curve->method == TABLE_TANGENT   ? tangent_table(arena, curve)
                       : curve->method == TABLE_MINIMAX ? minimax_table(arena, curve)
                                                        : weighted_table(arena, curve);
        curve->table->value_error = table_error(curve, curve->table, false);
        curve->table->slope_error = table_error(curve, curve->table, true);
    }
}

bool curve_recall(const struct curve_memory *memory, struct curve *curve)
{
    for (int i = 0; i < memory->asked.count; i++)
        if (curve_same(&memory->asked.items[i], curve)) {
            *curve = memory->made.items[i];
            return true;
        }
    return false;
}

void curve_remember(struct arena *arena, struct curve_memory *memory, const struct curve *asked,
                    const struct curve *made)
{
    vector_push(arena, &memory->asked, *asked);
    vector_push(arena, &memory->made, *made);
}

/* The piece that X belongs to: the first that does not end before it (the last for a NaN). */
static const struct piece *piece_at(const struct table *table, double x)
{
    int low = 0, high = table->count - 1;
    while (low < high) {
        int middle = (low + high) / 2;
        if (x <= table->pieces[middle].to)
            high = middle;
        else
            low = middle + 1;
    }
    return &table->pieces[low];
}

double curve_applied_value(const struct curve *curve, double x)
{
    return curve->table ? piece_value(piece_at(curve->table, x), x) : curve_value(curve, x);
}

double curve_applied_slope(const struct curve *curve, double x)
{
    return curve->table ? piece_at(curve->table, x)->slope : curve_slope(curve, x);
}

bool curve_never_falls(const struct curve *curve)
{
    if (!curve->table)
        return row_of(curve)->never_falls || slopes_are_positive(curve);
    for (int i = 0; i < curve->table->count; i++)
        if (curve->table->pieces[i].slope < 0)
            return false;
    return true;
}

bool curve_keeps_zero(const struct curve *curve)
{
    return curve_applied_value(curve, 0) == 0;
}
