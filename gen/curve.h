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
    CURVE_RELU_AT,    /* max(t, x) */
    CURVE_LEAKY_RELU, /* x < 0 ? a x : x */
    CURVE_PIECEWISE,  /* straight lines through points; the end segments' slopes go on for ever */
    CURVE_SIGMOID,    /* 1 / (1 + exp(-x)) */
    CURVE_TANH,
    CURVE_SOFTPLUS,  /* log(1 + exp(x)) */
    CURVE_ELU,       /* x > 0 ? x : a (exp(x) - 1) */
    CURVE_SILU,      /* x / (1 + exp(-x)) */
    CURVE_GELU,      /* x (1 + erf(x / sqrt(2))) / 2 */
    CURVE_HARDSWISH, /* x min(max(x + 3, 0), 6) / 6 */
    CURVE_FUNCTION,  /* samples of any function, joined by straight lines */
    CURVE_DYNAMIC,   /* x < 0: 0; else x + L/(Q(x+I)^P + Z) - L/(Q(x-I)^P + Z) */
    CURVE_KINDS
};

/* Places of Dynamic's parameters in curve.parameter. P is a whole number from 1 to 16. */
enum { DYNAMIC_L, DYNAMIC_Q, DYNAMIC_I, DYNAMIC_P, DYNAMIC_Z, CURVE_PARAMETERS };

struct curve_point {
    double x, y;
};

struct line {
    double slope, intercept;
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
    double mean_error;  /* TABLE_WEIGHTED: root of the mean square distance under the histogram */
    double value_error; /* sup |table(x) - f(x)| over the whole line is at most this: proven */
    double slope_error; /* sup |table'(x) - f'(x)|, away from break points: proven */
    /* (of CURVE_FUNCTION: as samples show it) */
};

enum table_method {
    TABLE_EXACT,   /* no table: the closed form */
    TABLE_TANGENT, /* the source's corridor of half-width k */
    TABLE_MINIMAX, /* the fewest pieces within k of the curve */
    TABLE_WEIGHTED /* the fewest whose root-mean-square distance from it, where the curve's numbers
                      are, is at most k */
};

/* How many numbers fell into each of BINS equal stretches of from .. to. */
struct histogram {
    double from, to;
    const double *counts;
    int bins;
};

struct curve {
    enum curve_kind kind;
    double parameter[CURVE_PARAMETERS];
    const struct curve_point *points; /* CURVE_PIECEWISE, _FUNCTION: at least two, x increasing */
    int point_count;
    struct line tails[2]; /* CURVE_FUNCTION: before the first point, after the last; floats */
    double deviation, tail_deviation; /* CURVE_FUNCTION: how far the function was seen from the
                                         lines between points, and from the tails */
    enum table_method method;
    double k;   /* > 0; TABLE_TANGENT: half-width of the corridor; the others: eps */
    double max; /* break points are within +- this; 0: chosen here */
    const struct histogram *histogram; /* TABLE_WEIGHTED: of what the curve sees */
    struct table *table; /* NULL until curve_tabulate, and for TABLE_EXACT (but CURVE_PIECEWISE,
                            RELU ..., which are tables by nature, always get theirs) */
};

/* The name the spec language has for KIND; and the kind of that name, false where there is none. */
const char *curve_kind_name(enum curve_kind kind);
bool curve_kind_find(const char *name, enum curve_kind *kind);

/* KIND's parameters by place in curve.parameter, a letter each: "LQIPZ", "a", "". */
const char *curve_kind_parameters(enum curve_kind kind);

/* Is a curve of KIND more than its parameters: points that a spec lists or samples? */
bool curve_kind_is_listed(enum curve_kind kind);

/* Are both the same curve, to be made the same table? */
bool curve_same(const struct curve *a, const struct curve *b);

/* "tangent", and what the spec language calls curve.k there: "k". */
const char *curve_method_name(enum table_method method);
const char *curve_method_parameter(enum table_method method);

/* What is wrong with HISTOGRAM ("from must be below to"); NULL when it is sound. Bins: 1 to 4096.
 */
const char *histogram_problem(struct arena *arena, const struct histogram *histogram);

/* What is wrong with CURVE's parameters ("dynamic: Q(x-I)^P + Z is 0 at x = 1.2 (Z = 0)", "tangent:
 * k must be above 0, given -1"), allocated in ARENA; NULL when it is sound. Not finite, a
 * denominator that vanishes for some x >= 0, points that do not increase, a discontinuity at 0 (odd
 * P) ... */
const char *curve_problem(struct arena *arena, const struct curve *curve);

/* f(x) and f'(x) in closed form (CURVE_PIECEWISE, RELU_AT, LEAKY_RELU and ELU: with parameters as
 * floats hold them, so that tables have no error from that). At a kink the slope is PyTorch's: the
 * one on the left (ReLU: slope(0) = 0), but for HARDSWISH, where it is the one on the right. */
double curve_value(const struct curve *curve, double x);
double curve_slope(const struct curve *curve, double x);

/* Make CURVE, of which kind, method, k and max are set, from samples of the function F. Between
 * samples the straight lines are as near to F as k / 1000, as far as samples can tell: an error
 * bound of the table is measured, not proven. Kinks are found by bisection. The range is -max ..
 * max, beyond which the curve goes on along its last slope; where max is 0, it is as far out as F
 * takes to become straight, which samples out to x = 1048576 must show. Beyond, slopes are as
 * floats hold them. Returns what is wrong with F ("f jumps, or is too steep, at x = 0.5 (from 0 to
 * 1)") in ARENA; NULL when it is sound. F may leave by a jump. */
const char *curve_sample(struct arena *arena, struct curve *curve,
                         double (*f)(void *context, double x), void *context);

/* Is the curve's table error measured on samples (CURVE_FUNCTION), not proven? */
bool curve_is_measured(const struct curve *curve);

/* The derivatives of f(x) by each parameter, into SLOPES[CURVE_PARAMETERS] by place in
 * curve.parameter: of DYNAMIC by L, Q, I and Z, of LEAKY_RELU and ELU by a; 0 for all others. Those
 * of the closed form, whatever the table. At a kink that on its left. */
void curve_parameter_slopes(const struct curve *curve, double x, double *slopes);

/* Build curve->table by curve->method. The curve must have no problem. Each piece of a TANGENT
 * table is within 3 k of the curve (most within k; value_error is what holds); a MINIMAX table is
 * within k everywhere, and no table with its range of break points is so with fewer pieces (but for
 * a share of 3e-5 of k); what a WEIGHTED one is, see curve_weighted.c. Beyond the outermost break
 * points tables are the asymptotes. curve->max is moved out where the curve is not within k of them
 * for all x >= max and x <= -max. Fails (STATUS_USER) if k is so small that a table would need
 * thousands of pieces, break points closer than floats, or an end beyond x = 1e6. */
void curve_tabulate(struct arena *arena, struct curve *curve);

/* Make CURVE, in closed form, the minimax table of at most PIECES >= 2 pieces that is nearest to
 * it: eps by bisection to 2 %, but no finer than 1/1024. */
void curve_tabulate_pieces(struct arena *arena, struct curve *curve, int pieces);

/* What curves became, for equal ones: ASKED[i], as it was, became MADE[i]. */
struct curve_memory {
    VECTOR(struct curve) asked, made;
};

/* Let CURVE become what an equal one became; false where none did. */
bool curve_recall(const struct curve_memory *memory, struct curve *curve);
void curve_remember(struct arena *arena, struct curve_memory *memory, const struct curve *asked,
                    const struct curve *made);

/* TABLE as NUMBERS, three rows of PIECES: from, slope, intercept; gen/op/learned.c says how. TABLE
 * has no more pieces than that. */
void curve_pack_table(const struct table *table, int pieces, float *numbers);

/* What the network computes: the table where there is one, else the closed form. A break point
 * belongs to the piece on its left (x <= to), so that ReLU's slope at 0 is 0. */
double curve_applied_value(const struct curve *curve, double x);
double curve_applied_slope(const struct curve *curve, double x);

/* It is proven that what the network computes falls nowhere as x rises, so that the largest of
 * several values is the value of the largest. */
bool curve_never_falls(const struct curve *curve);

/* The larger or the smaller of two operands: below the table's count, the line of that piece; else
 * the result of the step of number operand - count. */
struct lattice_step {
    bool maximum;
    int a, b; /* a flat line is a, so that a NaN of b can be what remains */
};

/* TABLE as maxima and minima of its pieces' lines, the last of *STEPS its value: the same function,
 * but that near a break point it is that of the two pieces which counts the more, where rounding
 * lets them meet elsewhere. Returns the number of steps, one less than the pieces; -1 where none
 * was found, or the pieces are too many to search. */
int table_lattice(struct arena *arena, const struct table *table, struct lattice_step **steps);

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
