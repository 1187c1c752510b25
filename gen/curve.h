/*
 * curve: activation curves, their slopes, and the inequality tables that replace them.
 *
 * A curve is a function of one number in closed form. A table is its piecewise-linear stand-in: a
 * list of pieces that covers the whole line, with a proven bound on how far it is from the curve.
 * Floor 1 of the generator.
 */
#ifndef LATHE_CURVE_H
#define LATHE_CURVE_H

#include "base.h"

enum curve_kind {
    CURVE_RELU,       /* max(0, x) */
    CURVE_LEAKY_RELU, /* x < 0 ? parameter[0] * x : x */
    CURVE_SIGMOID,    /* 1 / (1 + exp(-x)) */
    CURVE_TANH,
    CURVE_DYNAMIC,  /* x < 0: 0; else x + L/(Q(x+I)^P + Z) - L/(Q(x-I)^P + Z) */
    CURVE_PIECEWISE /* straight lines through points; the end segments' slopes go on for ever */
};

/* Places of Dynamic's parameters in curve.parameter. P is a whole number from 1 to 16. */
enum { DYNAMIC_L, DYNAMIC_Q, DYNAMIC_I, DYNAMIC_P, DYNAMIC_Z, CURVE_PARAMETERS };

struct curve_point {
    double x, y;
};

/* One inequality: for from < x <= to the table is slope * x + intercept. All four are values that a
 * float holds exactly, so that generated code has just these bits; for this the pieces of a table
 * meet at their break points only to a float's rounding. */
struct piece {
    double from, to; /* -INFINITY and INFINITY at the ends */
    double slope, intercept;
};

struct table {
    struct piece *pieces; /* in order, without a gap */
    int count;
    double value_error; /* sup |table(x) - f(x)| over the whole line is at most this: proven */
    double slope_error; /* sup |table'(x) - f'(x)|, away from break points: proven */
};

enum table_method {
    TABLE_EXACT,  /* no table: the closed form */
    TABLE_TANGENT /* the source's corridor of half-width k */
};

struct curve {
    enum curve_kind kind;
    double parameter[CURVE_PARAMETERS];
    const struct curve_point *points; /* CURVE_PIECEWISE: at least two, x increasing */
    int point_count;
    enum table_method method;
    double k;            /* TABLE_TANGENT: half-width of the corridor, > 0 */
    double max;          /* TABLE_TANGENT: end of the corridor's range; 0: chosen here */
    struct table *table; /* NULL until curve_tabulate, and for TABLE_EXACT (but CURVE_PIECEWISE,
                            RELU and LEAKY_RELU, which are tables by nature, always get theirs) */
};

/* The name the spec language has for KIND. */
const char *curve_kind_name(enum curve_kind kind);

/* What is wrong with CURVE's parameters ("dynamic: Q(x-I)^P + Z is 0 at x = 1.2 (Z = 0)", "tangent:
 * k must be above 0, given -1"), allocated in ARENA; NULL when it is sound. Not finite, a
 * denominator that vanishes for some x >= 0, points that do not increase, a discontinuity at 0 (odd
 * P) ... */
const char *curve_problem(struct arena *arena, const struct curve *curve);

/* f(x) and f'(x) in closed form (CURVE_PIECEWISE and LEAKY_RELU: with slopes and intercepts as
 * floats hold them, so that their tables have no error). At a kink the slope is the one on the left
 * (PyTorch's choice for ReLU: slope(0) = 0). */
double curve_value(const struct curve *curve, double x);
double curve_slope(const struct curve *curve, double x);

/* Build curve->table by curve->method. The curve must have no problem. Each piece of the corridor
 * is within 3 k of the curve (most within k; value_error is what holds); beyond the last break
 * point the table is the asymptote. curve->max is moved out where the curve is not within k of it
 * for all x >= max. Fails (STATUS_USER) if k is so small that a table would need thousands of
 * pieces, break points closer than floats, or an end beyond x = 1e6. */
void curve_tabulate(struct arena *arena, struct curve *curve);

/* What the network computes: the table where there is one, else the closed form. A break point
 * belongs to the piece on its left (x <= to), so that ReLU's slope at 0 is 0. */
double curve_applied_value(const struct curve *curve, double x);
double curve_applied_slope(const struct curve *curve, double x);

/* Value at 0 is 0: padded lanes stay 0 without a mask. */
bool curve_keeps_zero(const struct curve *curve);

/* One line that names the curve for comments and reports: "dynamic L=55.9 Q=12 I=0.0292 P=2 Z=10,
 * tangent k=0.1: 6 pieces, value within 0.035". */
char *curve_describe(struct arena *arena, const struct curve *curve);

/* The forms that `lathe table` prints. */
void curve_print_text(struct text *out, const struct curve *curve);
void curve_print_json(struct text *out, const struct curve *curve);
void curve_print_svg(struct text *out, const struct curve *curve);

#endif
