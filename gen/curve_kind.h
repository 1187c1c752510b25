/*
 * curve_kind: what a kind of curve is made of. A kind is a row of curve_rows (curve_kind.c): its
 * functions, and for kinds that are not straight pieces already, what the tables need to know.
 * Inside room `curve`.
 *
 * Tables look at the two halves of a curve apart: seen from 0, side +1 is x = t and side -1 is
 * x = -t, both for t >= 0. The residue of a side is r(t) = f(x) - s x, with s the slope of the line
 * that f approaches there (its asymptote). Far out it is nearly constant, and so its rounding
 * errors are small.
 */
#ifndef LATHE_CURVE_KIND_H
#define LATHE_CURVE_KIND_H

#include "curve.h"

#include "curve_range.h"

struct curve_row {
    const char *name;       /* the spec language's word */
    const char *parameters; /* a letter each, by place in curve.parameter */
    /* What no parameter alone tells (NULL: nothing can be wrong), as curve_problem. */
    const char *(*problem)(struct arena *arena, const struct curve *curve);
    double (*value)(const struct curve *curve, double x);
    double (*slope)(const struct curve *curve, double x);
    /* As curve_parameter_slopes; NULL: there are none. */
    void (*parameter_slopes)(const struct curve *curve, double x, double *slopes);
    /* The curve's own pieces, without an error; NULL: it has none, and needs what follows. */
    struct table *(*pieces)(struct arena *arena, const struct curve *curve);
    /* r, r' and r'' by t on a range of t >= 0 that has no kink inside. */
    struct jet (*residue)(const struct curve *curve, int side, struct range t);
    struct line (*asymptote)(const struct curve *curve, int side); /* y by x, of floats */
    /* A t from which on the distance to the asymptote, and that of the slopes, only falls; NULL: 0.
     */
    double (*falling_from)(const struct curve *curve);
    /* Where to look at [a, b] in two parts; NULL: in the middle. */
    double (*cut)(const struct curve *curve, int side, double a, double b);
    double kink; /* a t > 0 where f' jumps, on both sides; 0: there is none but, perhaps, x = 0 */
    bool symmetric;   /* f(-x) = 2 f(0) - f(x) */
    bool never_falls; /* for all parameters */
};

extern const struct curve_row curve_rows[];

static inline const struct curve_row *row_of(const struct curve *curve)
{
    return &curve_rows[curve->kind];
}

/* X rounded to a float. Through memory: gcc 12 takes two such conversions side by side for a vector
 * that "(double)(float)" leaves as it is, and drops both. */
static inline double as_float(double x)
{
    volatile float rounded = (float)x;
    return rounded;
}

static inline double float_above(double x)
{
    float f = (float)x;
    return (double)f < x ? nextafterf(f, INFINITY) : f;
}

/* piece(x); flat pieces reach to infinity, and not-a-number stays what it is. */
static inline double piece_value(const struct piece *piece, double x)
{
    if (piece->slope == 0)
        return isnan(x) ? x : piece->intercept;
    return piece->slope * x + piece->intercept;
}

/* The straight line through two points as floats hold it, true at the one nearer to x = 0. */
struct piece line_through(struct curve_point a, struct curve_point b);

/* A list of pieces on its way to a table. */
struct piece_list {
    struct piece *items;
    int count, capacity;
};

/* Add PIECE on the right; where it goes on along the same line, the last one grows. */
void push_piece(struct arena *arena, struct piece_list *list, struct piece piece);
struct table *new_table(struct arena *arena, struct piece_list list);

/* A list of points, x increasing. */
struct point_list {
    struct curve_point *items;
    int count, capacity;
};

/* curve_dynamic.c: the functions of CURVE_DYNAMIC's row. */
const char *dynamic_problem(struct arena *arena, const struct curve *curve);
double dynamic_value(const struct curve *curve, double x);
double dynamic_slope(const struct curve *curve, double x);
void dynamic_parameter_slopes(const struct curve *curve, double x, double *slopes);
struct jet dynamic_residue(const struct curve *curve, int side, struct range t);
double dynamic_falling_from(const struct curve *curve);

/* curve_function.c: those of CURVE_FUNCTION's row; and its table_error, of the samples and what is
 * between them. */
double function_value(const struct curve *curve, double x);
double function_slope(const struct curve *curve, double x);
struct jet function_residue(const struct curve *curve, int side, struct range t);
struct line function_asymptote(const struct curve *curve, int side);
double function_falling_from(const struct curve *curve);
double function_cut(const struct curve *curve, int side, double a, double b);
double function_error(const struct curve *curve, const struct table *table, bool of_slopes);

/* ---- curve_bound.c: proven bounds ---- */

enum { LARGEST_POWER = 16, LARGEST_TABLE = 4096, BOXES_A_TABLE = 1000000, BOXES_A_SLOPE = 10000 };
#define LARGEST_X 1e6 /* where a table's last break point has to be, and where I may lie */

/* The gap between a side of a curve and a line, or between their slopes. */
struct gap {
    const struct curve *curve;
    int side;
    struct line line;
    bool of_slopes;
    int *boxes; /* left to be looked at */
};

/* The size of the gap at T, rounded up. */
double gap_at(const struct gap *gap, double t);

/* The nearest place to A in [A, B] (BACKWARD: to B) where the gap of values reaches K, or NAN: all
 * before it is proven to stay below. Found to a sixteenth of a float's last place. */
double gap_exit(const struct gap *gap, double k, double a, double b, bool backward);

/* The least t >= 0, as a float, from which on SIDE stays within K of its asymptote. Fails where it
 * is beyond LARGEST_X. */
double nearest_end(const struct curve *curve, int side, double k);

/* The largest gap between CURVE and TABLE, of values or of slopes, rounded up. The infinite pieces
 * must be the asymptotes. */
double table_error(const struct curve *curve, const struct table *table, bool of_slopes);

/* It is proven that CURVE's slope is nowhere below 0; false where that is not found out. */
bool slopes_are_positive(const struct curve *curve);

/* Fail (STATUS_USER) with "tangent: k = 0.1" and what FORMAT says of it. */
_Noreturn void fail_table(const struct curve *curve, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- curve_tangent.c, curve_minimax.c, curve_weighted.c: the methods; pieces without their errors
 * ---- */

struct table *tangent_table(struct arena *arena, const struct curve *curve);
struct table *minimax_table(struct arena *arena, const struct curve *curve);
struct table *weighted_table(struct arena *arena, const struct curve *curve);

/* How many pieces minimax_table has, found from few samples, without making it: now and then more,
 * never for an eps that is 0.4 % larger; more than LARGEST_TABLE where there is none. */
int minimax_count(const struct curve *curve);

/* The table of the fewest pieces within curve->k of the chain of POINTS that goes on along LEFT and
 * RIGHT, with break points among its x, and value_error within curve->k. */
struct table *shortest_table(struct arena *arena, const struct curve *curve,
                             const struct point_list *points, struct line left, struct line right);

#endif
