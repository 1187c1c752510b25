/*
 * curve_bound: how far a curve is from a straight line, proven by interval arithmetic.
 *
 * A curve's second derivative, enclosed on a box [a, b], says how far the curve can stray there
 * from what its ends show. So a search cannot step over a narrow bump, and bounds on a table are
 * proven, not sampled.
 */
#include "curve_kind.h"

#include <stdio.h>

void fail_table(const struct curve *curve, const char *format, ...)
{
    char message[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    const char *name = curve_method_name(curve->method);
    fail(STATUS_USER, "%s: %s = %g%s", name, curve_method_parameter(curve->method), curve->k,
         message);
}

/* The difference of r(t) from that line which f(x)'s from GAP's line is. */
static struct line turned_line(const struct gap *gap)
{
    double slope = row_of(gap->curve)->asymptote(gap->curve, gap->side).slope;
    return (struct line){gap->side * (slope - gap->line.slope), /* exact: floats, or as good */
                         gap->line.intercept};
}

double gap_at(const struct gap *gap, double t)
{
    struct jet jet = row_of(gap->curve)->residue(gap->curve, gap->side, exactly(t));
    struct line turned = turned_line(gap);
    if (gap->of_slopes)
        return range_magnitude(range_add(jet.slope, exactly(turned.slope)));
    struct range line =
        range_subtract(range_scale(turned.slope, exactly(t)), exactly(turned.intercept));
    return range_magnitude(range_add(jet.value, line));
}

/* By how much the gap on [A, B] can exceed the larger of those at its ends: a value strays from the
 * chord by at most max |f''| h^2 / 8, a slope from the nearer end by at most max |f''| h / 2, and
 * not at all where f'' keeps its sign. */
static double gap_slack(const struct gap *gap, double a, double b)
{
    struct range bend =
        row_of(gap->curve)->residue(gap->curve, gap->side, (struct range){a, b}).bend;
    double most = range_magnitude(bend), h = b - a;
    if (!gap->of_slopes)
        return most * h * h / 8 * (1 + 8 * DBL_EPSILON);
    bool one_sign = bend.low >= 0 || bend.high <= 0;
    return one_sign ? 0 : most * h / 2 * (1 + 8 * DBL_EPSILON);
}

/* Where to cut [A, B] in two: at the curve's kink, or in the middle. */
static double cut_of(const struct gap *gap, double a, double b)
{
    const struct curve_row *row = row_of(gap->curve);
    if (row->cut)
        return row->cut(gap->curve, gap->side, a, b);
    return row->kink > a && row->kink < b ? row->kink : a + (b - a) / 2;
}

/* A, or just beyond the kink that is there. */
static double past_kink(const struct gap *gap, double a, double b)
{
    double kink = row_of(gap->curve)->kink;
    return kink > 0 && a == kink && a < b ? nextafter(a, INFINITY) : a;
}

double gap_exit(const struct gap *gap, double k, double a, double b, bool backward)
{
    if (--*gap->boxes < 0)
        fail_table(gap->curve, ": the curve is too fine to follow; choose a larger %s",
                   curve_method_parameter(gap->curve->method));
    a = past_kink(gap, a, b);
    if (fmax(gap_at(gap, a), gap_at(gap, b)) + gap_slack(gap, a, b) <= k)
        return NAN;
    double middle = cut_of(gap, a, b);
    if (b - a <= ldexp(b, -28) || b - a <= 1e-30 || middle <= a || middle >= b)
        return b;
    double near = backward ? gap_exit(gap, k, middle, b, true) : gap_exit(gap, k, a, middle, false);
    if (!isnan(near))
        return near;
    return backward ? gap_exit(gap, k, a, middle, true) : gap_exit(gap, k, middle, b, false);
}

double nearest_end(const struct curve *curve, int side, double k)
{
    int boxes = BOXES_A_TABLE;
    const struct curve_row *row = row_of(curve);
    struct line line = row->asymptote(curve, side);
    struct gap gap = {curve, side, line, false, &boxes};
    double far =
        row->falling_from ? row->falling_from(curve) : 0; /* from here one look is enough */
    if (far < 1)
        far = 1;
    while (gap_at(&gap, far) > k && far <= LARGEST_X)
        far *= 2;
    double end = gap_at(&gap, far) > k ? far : gap_exit(&gap, k, 0, far, true);
    if (end > LARGEST_X && line.slope != 0)
        fail_table(curve, " is too small: at x = %g %s is still farther from y = x",
                   side * LARGEST_X, row->name);
    if (end > LARGEST_X)
        fail_table(curve, " is too small: at x = %g %s is still farther from y = %g",
                   side * LARGEST_X, row->name, line.intercept);
    return isnan(end) ? 0 : float_above(end);
}

/* What is known of the largest gap: it is at least (about) LOWER and at most UPPER. */
struct bound {
    double lower, upper;
};

/* Let BOUND cover [A, B] too, by branch and bound: a box is split as long as it could raise the
 * upper end by more than 1 in 100,000 (and 1e-9), and counts as it is when no more boxes are left.
 */
static void cover(const struct gap *gap, struct bound *bound, double a, double b)
{
    a = past_kink(gap, a, b);
    double ends = fmax(gap_at(gap, a), gap_at(gap, b));
    double upper = b > a ? ends + gap_slack(gap, a, b) : ends;
    double middle = cut_of(gap, a, b);
    bound->lower = fmax(bound->lower, ends);
    if (upper <= bound->lower * 1.00001 + 1e-9 || middle <= a || middle >= b || --*gap->boxes < 0) {
        bound->upper = fmax(bound->upper, upper);
        return;
    }
    cover(gap, bound, a, middle);
    cover(gap, bound, middle, b);
}

/* The part of PIECE that is on SIDE, as t from *FROM to *TO; false where there is none. Of an
 * infinite piece, which is the asymptote, what is beyond FAR shows no larger gap. */
static bool part_of(const struct piece *piece, int side, double far, double *from, double *to)
{
    *from = fmax(side > 0 ? piece->from : -piece->to, 0);
    *to = side > 0 ? piece->to : -piece->from;
    if (!isinf(*to))
        return *to > *from;
    *to = fmax(*from, far);
    return true;
}

double table_error(const struct curve *curve, const struct table *table, bool of_slopes)
{
    int boxes = BOXES_A_TABLE;
    struct bound bound = {0, 0};
    const struct curve_row *row = row_of(curve);
    double far = row->falling_from ? row->falling_from(curve) : 0, from, to;
    if (curve_is_measured(curve))
        return function_error(curve, table, of_slopes);
    for (int i = 0; i < 2 * table->count; i++) {
        const struct piece *piece = &table->pieces[i / 2];
        struct line line = {piece->slope, piece->intercept};
        struct gap gap = {curve, i % 2 ? 1 : -1, line, of_slopes, &boxes};
        if (part_of(piece, gap.side, far, &from, &to))
            cover(&gap, &bound, from, to);
    }
    if (!isfinite(bound.upper))
        fail_table(curve, ": the table's distance from %s cannot be bounded", row->name);
    return bound.upper;
}

/* Between A and B the slope of SIDE, by x, is nowhere below 0. */
static bool rises(const struct curve *curve, int side, double a, double b, int *boxes)
{
    const struct curve_row *row = row_of(curve);
    struct range range = row->residue(curve, side, (struct range){a, b}).slope;
    double least = -row->asymptote(curve, side).slope, middle = a + (b - a) / 2;
    if (side < 0)
        range = range_negate(range);
    if (range.low >= least || range.high < least || middle <= a || middle >= b || --*boxes < 0)
        return range.low >= least;
    return rises(curve, side, a, middle, boxes) && rises(curve, side, middle, b, boxes);
}

/* From falling_from on the slope comes ever nearer to the asymptote's. */
bool slopes_are_positive(const struct curve *curve)
{
    const struct curve_row *row = row_of(curve);
    int boxes = BOXES_A_SLOPE;
    if (!row->residue || !row->falling_from || row->kink > 0 || curve_is_measured(curve))
        return false;
    double far = row->falling_from(curve);
    for (int side = -1; side <= 1; side += 2) {
        double last = range_magnitude(row->residue(curve, side, exactly(far)).slope);
        if (last > row->asymptote(curve, side).slope || !rises(curve, side, 0, far, &boxes))
            return false;
    }
    return true;
}
