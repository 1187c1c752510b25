/*
 * curve_tangent: the source's inequality table. From a point of the curve its tangent is followed
 * as far as the curve stays within k of it; there the next one starts. Straight lines through these
 * points are the table.
 */
#include "curve_kind.h"

/* What the walk along one side of a curve needs: points by t. */
struct walk {
    const struct curve *curve;
    int side, boxes;
};

static double value_at(const struct walk *walk, double t)
{
    return curve_value(walk->curve, walk->side * t);
}

/* The slope by x on the outer side of T. */
static double outer_slope(const struct walk *walk, double t)
{
    const struct curve_row *row = row_of(walk->curve);
    struct range slope = row->residue(walk->curve, walk->side, exactly(t)).slope;
    double middle = (slope.low + slope.high) / 2;
    return row->asymptote(walk->curve, walk->side).slope + walk->side * middle;
}

/* Step 5 of the corridor: from the point A the nearest t before END where the curve meets one of
 * the two lines beside its tangent; END where there is none. */
static double next_break(struct walk *walk, struct curve_point a, double end)
{
    double slope = outer_slope(walk, a.x), k = walk->curve->k;
    struct line tangent = {slope, a.y - slope * walk->side * a.x};
    struct gap gap = {walk->curve, walk->side, tangent, false, &walk->boxes};
    double t = gap_exit(&gap, k, a.x, end, false);
    if (isnan(t) || as_float(t) >= end)
        return end;
    if (as_float(t) <= a.x)
        fail_table(walk->curve, " needs break points closer than floats, at x = %.9g",
                   walk->side * a.x);
    return as_float(t);
}

/* Where the tangent at 0 meets the asymptote; 0 where it does not. */
static double tangents_end(const struct walk *walk)
{
    struct line line = row_of(walk->curve)->asymptote(walk->curve, walk->side);
    double t =
        (line.intercept - value_at(walk, 0)) / (walk->side * (outer_slope(walk, 0) - line.slope));
    return t > 0 && t <= LARGEST_X ? as_float(t) : 0;
}

/* The break points from 0 on, the last one on the asymptote.
 *
 * The range ends at curve->max if the curve is near its asymptote from there on. If not, or if max
 * is 0, it ends at the least t that has this property; but then the last piece, which has to close
 * a gap of k, is made at least as long as the one before (and where the curve starts away from its
 * asymptote, as long as the tangent at 0 takes to it), lest it be steep. */
static void walk_corridor(struct arena *arena, const struct curve *curve, int side,
                          struct point_list *chain)
{
    struct walk walk = {curve, side, BOXES_A_TABLE};
    double least = nearest_end(curve, side, curve->k), given = as_float(curve->max);
    bool keep = given > 0 && given >= least;
    double end = keep ? given : fmax(least, tangents_end(&walk)), step = 0;
    struct curve_point last = {0, value_at(&walk, 0)};
    vector_push(arena, chain, last);
    while (last.x < end) {
        double t = next_break(&walk, last, end);
        if (t >= end && !keep && end - last.x < step) {
            end = float_above(last.x + step);
            continue;
        }
        if (t >= end)
            break;
        if (chain->count >= LARGEST_TABLE)
            fail_table(curve, " needs more than %d pieces; choose a larger k", LARGEST_TABLE);
        step = t - last.x;
        last = (struct curve_point){t, value_at(&walk, t)};
        vector_push(arena, chain, last);
    }
    struct line line = row_of(curve)->asymptote(curve, side);
    struct curve_point final = {end, line.slope * side * end + line.intercept};
    if (end > 0)
        vector_push(arena, chain, final);
}

/* The pieces of one side, from 0 outwards. */
static struct piece_list connect_chain(struct arena *arena, const struct curve *curve, int side,
                                       const struct point_list *chain)
{
    struct piece_list list = {0};
    for (int i = 0; i + 1 < chain->count; i++) {
        struct curve_point inner = chain->items[i], outer = chain->items[i + 1];
        inner.x = side * inner.x + 0.0; /* not -0 */
        outer.x = side * outer.x;
        struct piece piece = side > 0 ? line_through(inner, outer) : line_through(outer, inner);
        if (!isfinite(piece.slope) || !isfinite(piece.intercept))
            fail_table(curve, " needs a slope that no float holds, at x = %.9g", inner.x);
        vector_push(arena, &list, piece);
    }
    struct line line = row_of(curve)->asymptote(curve, side);
    double end = chain->items[chain->count - 1].x;
    struct piece last = {end, INFINITY, line.slope, line.intercept};
    if (side < 0) {
        last.from = -INFINITY;
        last.to = end > 0 ? -end : 0;
    }
    vector_push(arena, &list, last);
    return list;
}

/* Piece of a curve with f(-x) = 2 f(0) - f(x), as seen on the other side of 0. */
static struct piece mirrored(struct piece piece, double at_zero)
{
    double from = piece.to == 0 ? 0 : -piece.to, to = piece.from == 0 ? 0 : -piece.from;
    return (struct piece){from, to, piece.slope, as_float(2 * at_zero - piece.intercept)};
}

static struct piece_list side_pieces(struct arena *arena, const struct curve *curve, int side)
{
    struct point_list chain = {0};
    walk_corridor(arena, curve, side, &chain);
    return connect_chain(arena, curve, side, &chain);
}

struct table *tangent_table(struct arena *arena, const struct curve *curve)
{
    struct piece_list right = side_pieces(arena, curve, 1), left = {0}, all = {0};
    if (!row_of(curve)->symmetric)
        left = side_pieces(arena, curve, -1);
    for (int i = right.count - 1; i >= 0 && row_of(curve)->symmetric; i--)
        push_piece(arena, &all, mirrored(right.items[i], curve_value(curve, 0)));
    for (int i = left.count - 1; i >= 0; i--)
        push_piece(arena, &all, left.items[i]);
    for (int i = 0; i < right.count; i++)
        push_piece(arena, &all, right.items[i]);
    return new_table(arena, all);
}
