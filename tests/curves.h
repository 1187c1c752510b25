/*
 * curves: what the tests of curves share: random numbers, curves, and assertions that hold a table
 * against its curve on dense grids.
 */
#ifndef LATHE_TESTS_CURVES_H
#define LATHE_TESTS_CURVES_H

#include "../gen/curve.h"

#include <check.h>
#undef fail /* check's old name for ck_abort_msg */
#include <ctype.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- helpers ---- */

static struct arena *arena;

static inline void make_arena(void)
{
    arena = arena_new();
}

static inline void drop_arena(void)
{
    arena_free(arena);
}

static uint64_t random_state;

/* Start the random numbers of a test and say how to repeat it. */
static inline void start_random(const char *test)
{
    const char *given = getenv("CHECK_SEED");
    random_state = given ? strtoull(given, NULL, 10) : 1;
    printf("%s: CHECK_SEED=%llu\n", test, (unsigned long long)random_state);
}

/* splitmix64, as a number in [low, high) */
static inline double random_between(double low, double high)
{
    uint64_t z = random_state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    z ^= z >> 31;
    return low + (high - low) * (double)(z >> 11) * 0x1p-53;
}

static inline double random_scale(double low, double high)
{
    return exp(random_between(log(low), log(high)));
}

static inline struct curve dynamic(double l, double q, double i, double p)
{
    return (struct curve){.kind = CURVE_DYNAMIC, .parameter = {l, q, i, p, 10}};
}

static const struct curve fitted = {.kind = CURVE_DYNAMIC,
                                    .parameter = {55.9344471040698, 12, 0.0292401773821286, 2, 10}};

/* The seven curves that the source fitted to the layers of ResNet-9. */
static const double layers[7][3] = {
    {18.803015465431965, 1.7782794100389232, 1},
    {7.071067811865475, 1.7782794100389232, 1},
    {13.572088082974531, 0.1, -1},
    {3.6840314986403864, 0.1, -1.4422495703074083},
    {3.6840314986403864, 1, 2.080083823051904},
    {2.6591479484724942, 0.05623413252903491, 1.4422495703074083},
    {7.071067811865475, 0.05623413252903491, 1},
};

static inline struct curve tabulated(struct curve curve, enum table_method method, double k,
                                     double max)
{
    curve.method = method;
    curve.k = k;
    curve.max = max;
    const char *problem = curve_problem(arena, &curve);
    ck_assert_msg(!problem, "%s", problem);
    curve_tabulate(arena, &curve);
    return curve;
}

static inline struct curve tangent(struct curve curve, double k, double max)
{
    return tabulated(curve, TABLE_TANGENT, k, max);
}

static inline struct curve minimax(struct curve curve, double eps, double max)
{
    return tabulated(curve, TABLE_MINIMAX, eps, max);
}

static inline void assert_near(double value, double expected, double tolerance)
{
    ck_assert_msg(fabs(value - expected) <= tolerance, "%.17g is not within %g of %.17g", value,
                  tolerance, expected);
}

static inline struct curve random_dynamic(void)
{
    double p = floor(random_between(1, 4)) * 2;
    double i = random_scale(0.01, 30) * (random_between(0, 1) < 0.4 ? -1 : 1);
    double q = p > 2 ? random_scale(0.001, 10) : random_scale(0.001, 1e4);
    return dynamic(random_scale(0.1, 300), q, i, p);
}

/* The curves that have tables and two sides of their own. */
static inline struct curve lopsided_curve(int i)
{
    static const struct curve curves[] = {
        {.kind = CURVE_SOFTPLUS},
        {.kind = CURVE_SILU},
        {.kind = CURVE_GELU},
        {.kind = CURVE_HARDSWISH},
        {.kind = CURVE_ELU, .parameter = {1}},
        {.kind = CURVE_ELU, .parameter = {-0.3}},
        {.kind = CURVE_ELU, .parameter = {2.7}},
    };
    return curves[i];
}

/* X rounded to a float, through memory: see as_float() in curve.c. */
static inline double to_float(double x)
{
    volatile float rounded = (float)x;
    return rounded;
}

/* Pieces cover the line without a gap, are held by floats, and meet at the break points. */
static inline void assert_well_formed(const struct curve *curve)
{
    const struct table *table = curve->table;
    ck_assert(table->pieces[0].from == -INFINITY);
    ck_assert(table->pieces[table->count - 1].to == INFINITY);
    for (int i = 0; i < table->count; i++) {
        struct piece piece = table->pieces[i];
        ck_assert(piece.from < piece.to);
        ck_assert(piece.slope == to_float(piece.slope));
        ck_assert(piece.intercept == to_float(piece.intercept));
        ck_assert(piece.to == to_float(piece.to));
        if (i + 1 == table->count)
            continue;
        struct piece next = table->pieces[i + 1];
        ck_assert(piece.to == next.from);
        ck_assert(piece.slope != next.slope || piece.intercept != next.intercept);
        double rounding = fabs(piece.slope * piece.to) + fabs(piece.intercept) +
                          fabs(next.slope * piece.to) + fabs(next.intercept);
        if (curve->kind != CURVE_DYNAMIC)
            rounding += 1; /* mirrored, so as fine as on the side where the values are near 1 */
        assert_near(piece.slope * piece.to + piece.intercept,
                    next.slope * piece.to + next.intercept, FLT_EPSILON * rounding);
    }
}

/* The largest differences of value and slope that a dense grid finds. */
struct seen {
    double value, slope;
};

static inline void look(const struct curve *curve, const struct piece *piece, double x,
                        struct seen *seen)
{
    double value = fabs(piece->slope * x + piece->intercept - curve_value(curve, x));
    seen->value = fmax(seen->value, value);
    bool kink = x == 0 || (curve->kind == CURVE_HARDSWISH && fabs(x) == 3);
    if (!kink)
        seen->slope = fmax(seen->slope, fabs(piece->slope - curve_slope(curve, x)));
    const struct table *table = curve->table; /* plain ifs: Check's macros write a file each time */
    if (x > piece->from && x <= piece->to &&
        (curve_applied_slope(curve, x) != piece->slope ||
         curve_applied_value(curve, x) != piece->slope * x + piece->intercept))
        ck_abort_msg("x = %.17g is not taken to piece (%.9g, %.9g]", x, piece->from, piece->to);
    if (value > table->value_error * (1 + 1e-12) + 1e-15 * fabs(x))
        ck_abort_msg("%s: x = %.17g: off by %.17g, bound %.17g", curve_describe(arena, curve), x,
                     value, table->value_error);
    if (seen->slope > table->slope_error * (1 + 1e-12) + 1e-12)
        ck_abort_msg("%s: x = %.17g: slope off by %.17g, bound %.17g", curve_describe(arena, curve),
                     x, seen->slope, table->slope_error);
}

/* The grid: GRID points a piece, its ends from inside, and out to 1e6 and 1e12 on infinite ones. */
static inline struct seen look_everywhere(const struct curve *curve, int grid)
{
    struct seen seen = {0, 0};
    for (int i = 0; i < curve->table->count; i++) {
        const struct piece *piece = &curve->table->pieces[i];
        bool to_left = isinf(piece->from), to_right = isinf(piece->to);
        double anchor = to_left ? piece->to : piece->from;
        if (!to_left)
            look(curve, piece, nextafter(piece->from, INFINITY), &seen);
        if (!to_right)
            look(curve, piece, piece->to, &seen);
        if (!to_right)
            look(curve, piece, nextafter(piece->to, -INFINITY), &seen);
        for (int j = 1; j < grid; j++) {
            double part = (double)j / grid;
            double x = piece->from + part * (piece->to - piece->from);
            if (to_left || to_right)
                x = anchor + (to_left ? -1 : 1) * exp(log(1e-6) + part * log(1e12));
            look(curve, piece, x, &seen);
        }
        if (to_left || to_right)
            look(curve, piece, to_left ? -1e12 : 1e12, &seen);
    }
    if (curve->kind == CURVE_DYNAMIC) /* the bump at |I|, which one long piece may hide */
        for (int i = -2 * grid; i <= 2 * grid; i++) {
            const double *parameter = curve->parameter;
            double width =
                pow(parameter[DYNAMIC_Z] / parameter[DYNAMIC_Q], 1 / parameter[DYNAMIC_P]);
            double x = fabs(parameter[DYNAMIC_I]) + 4.0 * i / grid * width;
            for (int j = 0; x > 0 && j < curve->table->count; j++)
                if (x > curve->table->pieces[j].from && x <= curve->table->pieces[j].to)
                    look(curve, &curve->table->pieces[j], x, &seen);
        }
    static const double kinks[] = {-3, 0, 3}; /* from both sides, where no break point is there */
    for (int i = 0; i < 6; i++) {
        double x = nextafter(kinks[i / 2], i % 2 ? INFINITY : -INFINITY);
        for (int j = 0; j < curve->table->count; j++)
            if (x > curve->table->pieces[j].from && x <= curve->table->pieces[j].to)
                look(curve, &curve->table->pieces[j], x, &seen);
    }
    return seen;
}

/* The bounds hold on the grid, and a curve's distance comes within 1 % of them. */
static inline void assert_bounds(const struct curve *curve, int grid)
{
    assert_well_formed(curve);
    struct seen seen = look_everywhere(curve, grid);
    const struct table *table = curve->table;
    ck_assert_msg(table->value_error <= 1.01 * seen.value + 1e-7, "%s: bound %g, seen %g",
                  curve_describe(arena, curve), table->value_error, seen.value);
    ck_assert_msg(table->slope_error <= 1.01 * seen.slope + 1e-7, "%s: slope bound %g, seen %g",
                  curve_describe(arena, curve), table->slope_error, seen.slope);
}

#endif
