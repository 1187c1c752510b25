/*
 * curve_kind: the kinds of curves, a row each, and the functions of the plain ones.
 */
#include "curve_kind.h"

/* ---- straight ones ---- */

static double relu_value(const struct curve *curve, double x)
{
    (void)curve;
    return x < 0 ? 0 : x;
}

static double relu_slope(const struct curve *curve, double x)
{
    (void)curve;
    return x > 0;
}

/* The two lines that meet at x = T. */
static struct table *two_pieces(struct arena *arena, double t, struct line left, struct line right)
{
    struct piece_list list = {0};
    push_piece(arena, &list, (struct piece){-INFINITY, t, left.slope, left.intercept});
    push_piece(arena, &list, (struct piece){t, INFINITY, right.slope, right.intercept});
    return new_table(arena, list);
}

static struct table *relu_pieces(struct arena *arena, const struct curve *curve)
{
    (void)curve;
    return two_pieces(arena, 0, (struct line){0, 0}, (struct line){1, 0});
}

/* The parameter of a curve that has one, as a float holds it. */
static double only_parameter(const struct curve *curve)
{
    return as_float(curve->parameter[0]);
}

static double relu_at_value(const struct curve *curve, double x)
{
    double t = only_parameter(curve);
    return x < t ? t : x;
}

static double relu_at_slope(const struct curve *curve, double x)
{
    return x > only_parameter(curve);
}

static struct table *relu_at_pieces(struct arena *arena, const struct curve *curve)
{
    double t = only_parameter(curve);
    return two_pieces(arena, t, (struct line){0, t}, (struct line){1, 0});
}

static double leaky_value(const struct curve *curve, double x)
{
    return x < 0 ? only_parameter(curve) * x : x;
}

static double leaky_slope(const struct curve *curve, double x)
{
    return x > 0 ? 1 : only_parameter(curve);
}

static void leaky_parameter_slopes(const struct curve *curve, double x, double *slopes)
{
    (void)curve;
    slopes[0] = x < 0 ? x : 0;
}

static struct table *leaky_pieces(struct arena *arena, const struct curve *curve)
{
    struct line left = {only_parameter(curve), 0};
    return two_pieces(arena, 0, left, (struct line){1, 0});
}

/* Segment I of a piecewise curve. The curve is what these rounded lines say, so that its table has
 * no error. */
static struct piece piecewise_segment(const struct curve *curve, int i)
{
    struct curve_point a = curve->points[i], b = curve->points[i + 1];
    a.x = as_float(a.x);
    b.x = as_float(b.x);
    struct piece piece = line_through(a, b);
    if (i == 0)
        piece.from = -INFINITY;
    if (i == curve->point_count - 2)
        piece.to = INFINITY;
    return piece;
}

static struct piece piecewise_at(const struct curve *curve, double x)
{
    int low = 0, high = curve->point_count - 2; /* the segment is among low..high */
    while (low < high) {
        int middle = (low + high) / 2;
        if (x <= as_float(curve->points[middle + 1].x))
            high = middle;
        else
            low = middle + 1;
    }
    return piecewise_segment(curve, low);
}

static double piecewise_value(const struct curve *curve, double x)
{
    struct piece segment = piecewise_at(curve, x);
    return piece_value(&segment, x);
}

static double piecewise_slope(const struct curve *curve, double x)
{
    return piecewise_at(curve, x).slope;
}

static struct table *piecewise_pieces(struct arena *arena, const struct curve *curve)
{
    struct piece_list list = {0};
    for (int i = 0; i + 1 < curve->point_count; i++)
        push_piece(arena, &list, piecewise_segment(curve, i));
    return new_table(arena, list);
}

static const char *piecewise_problem(struct arena *arena, const struct curve *curve)
{
    if (curve->point_count < 2)
        return arena_printf(arena, "piecewise: at least two points are needed, given %d",
                            curve->point_count);
    for (int i = 0; i < curve->point_count; i++) {
        double x = curve->points[i].x, y = curve->points[i].y;
        if (!(fabs(x) <= FLT_MAX && fabs(y) <= FLT_MAX))
            return arena_printf(arena, "piecewise: point %d must be finite floats, given (%g, %g)",
                                i + 1, x, y);
        if (i == 0)
            continue;
        struct curve_point before = curve->points[i - 1];
        if ((float)x <= (float)before.x)
            return arena_printf(arena,
                                "piecewise: x must increase, but point %d has x = %.9g after %.9g",
                                i + 1, x, before.x);
        double slope = (y - before.y) / ((double)(float)x - (double)(float)before.x);
        if (!(fabs(slope) <= FLT_MAX && fabs(slope * x) <= FLT_MAX))
            return arena_printf(arena, "piecewise: the line to point %d is too steep: slope %g",
                                i + 1, slope);
    }
    return NULL;
}

/* ---- sigmoid, tanh, softplus: made of s = 1 / (1 + exp(-x)) ---- */

static double logistic(double x)
{
    if (x >= 0)
        return 1 / (1 + exp(-x));
    double e = exp(x);
    return e / (1 + e);
}

static double sigmoid_value(const struct curve *curve, double x)
{
    (void)curve;
    return logistic(x);
}

static double sigmoid_slope(const struct curve *curve, double x)
{
    (void)curve;
    return logistic(x) * logistic(-x);
}

static double tanh_value(const struct curve *curve, double x)
{
    (void)curve;
    return tanh(x);
}

static double tanh_slope(const struct curve *curve, double x)
{
    (void)curve;
    return 4 * logistic(2 * x) * logistic(-2 * x);
}

static double softplus_value(const struct curve *curve, double x)
{
    (void)curve;
    return x < 0 ? log1p(exp(x)) : x + log1p(exp(-x));
}

static double softplus_slope(const struct curve *curve, double x)
{
    (void)curve;
    return logistic(x);
}

/* What rounding and the errors of libm, of which 4 units in the last place are allowed, make of a
 * positive function that rises from LOW to HIGH. */
static struct range risen(double low, double high)
{
    double margin = 16 * DBL_EPSILON;
    return widened(low * (1 - margin), high * (1 + margin));
}

static struct range logistic_range(struct range x)
{
    return risen(logistic(x.low), logistic(x.high));
}

/* s = logistic(x): s' = s(1 - s), s'' = s'(1 - 2s), with 1 - s = logistic(-x). */
static struct jet logistic_jet(struct range x)
{
    struct range s = logistic_range(x), t = logistic_range(range_negate(x));
    struct range slope = range_multiply(s, t);
    return (struct jet){s, slope, range_multiply(slope, range_subtract(t, s))};
}

/* The range of x that T is, seen from SIDE; and a jet by x as one by t. */
static struct range of_side(struct range t, int side)
{
    return side > 0 ? t : range_negate(t);
}

static struct jet seen_from(struct jet jet, int side)
{
    if (side < 0)
        jet.slope = range_negate(jet.slope);
    return jet;
}

static struct jet sigmoid_residue(const struct curve *curve, int side, struct range t)
{
    (void)curve;
    return seen_from(logistic_jet(of_side(t, side)), side);
}

/* tanh(x) = 2 logistic(2x) - 1 */
static struct jet tanh_residue(const struct curve *curve, int side, struct range t)
{
    (void)curve;
    struct jet s = logistic_jet(of_side((struct range){2 * t.low, 2 * t.high}, side));
    struct jet jet = {
        range_subtract(range_scale(2, s.value), exactly(1)),
        range_scale(4, s.slope),
        range_scale(8, s.bend),
    };
    return seen_from(jet, side);
}

/* On both sides log(1 + exp(-t)). */
static struct jet softplus_residue(const struct curve *curve, int side, struct range t)
{
    (void)curve, (void)side;
    struct jet s = logistic_jet(range_negate(t));
    return (struct jet){risen(log1p(exp(-t.high)), log1p(exp(-t.low))), range_negate(s.value),
                        s.slope};
}

static struct line sigmoid_asymptote(const struct curve *curve, int side)
{
    (void)curve;
    return (struct line){0, side > 0 ? 1 : 0};
}

static struct line tanh_asymptote(const struct curve *curve, int side)
{
    (void)curve;
    return (struct line){0, side};
}

/* Of all curves between 0 and x. */
static struct line relu_asymptote(const struct curve *curve, int side)
{
    (void)curve;
    return (struct line){side > 0 ? 1 : 0, 0};
}

/* ---- elu ---- */

static double elu_value(const struct curve *curve, double x)
{
    return x > 0 ? x : only_parameter(curve) * expm1(x);
}

static double elu_slope(const struct curve *curve, double x)
{
    return x > 0 ? 1 : only_parameter(curve) * exp(x);
}

static void elu_parameter_slopes(const struct curve *curve, double x, double *slopes)
{
    (void)curve;
    slopes[0] = x > 0 ? 0 : expm1(x);
}

static struct jet elu_residue(const struct curve *curve, int side, struct range t)
{
    if (side > 0)
        return (struct jet){exactly(0), exactly(0), exactly(0)};
    double a = only_parameter(curve);
    struct range e = risen(exp(-t.high), exp(-t.low)),
                 fallen = risen(-expm1(-t.low), -expm1(-t.high));
    return (struct jet){range_scale(-a, fallen), range_scale(-a, e), range_scale(a, e)};
}

static struct line elu_asymptote(const struct curve *curve, int side)
{
    return side > 0 ? (struct line){1, 0} : (struct line){0, -only_parameter(curve)};
}

/* ---- silu, gelu, hardswish: x times a step from 0 to 1, so that f(-x) = f(x) - x ---- */

static double silu_value(const struct curve *curve, double x)
{
    (void)curve;
    return isinf(x) && x < 0 ? 0 : x * logistic(x);
}

static double silu_slope(const struct curve *curve, double x)
{
    (void)curve;
    if (isinf(x))
        return x > 0;
    return logistic(x) * (1 + x * logistic(-x));
}

/* With u = logistic(-t), on both sides r = -t u; u' = -u(1-u) gives r' = -u(1 - t(1-u)) and
 * r'' = u(1-u) (2 - t(1-2u)). */
static struct jet silu_residue(const struct curve *curve, int side, struct range t)
{
    (void)curve, (void)side;
    struct range u = logistic_range(range_negate(t)), v = logistic_range(t); /* v = 1 - u */
    struct range difference = range_subtract(v, u);
    struct range first = range_subtract(exactly(1), range_multiply(t, v));
    struct range second = range_subtract(exactly(2), range_multiply(t, difference));
    return (struct jet){
        range_negate(range_multiply(t, u)),
        range_negate(range_multiply(u, first)),
        range_multiply(range_multiply(u, v), second),
    };
}

/* r < 0, and past t = 2.5 r' > 0 > r'': both fall, since t(1-2u) = t tanh(t/2) rises, and is 2.12
 * there. */
static double silu_falling_from(const struct curve *curve)
{
    (void)curve;
    return 2.5;
}

/* The normal distribution's P(X > t). */
static double normal_tail(double t)
{
    return erfc(t * sqrt(0.5)) / 2;
}

static double normal_density(double t)
{
    return exp(-t * t / 2) * 0.3989422804014327; /* 1 / sqrt(2 pi) */
}

static double gelu_value(const struct curve *curve, double x)
{
    (void)curve;
    return isinf(x) && x < 0 ? 0 : x * normal_tail(-x);
}

static double gelu_slope(const struct curve *curve, double x)
{
    (void)curve;
    return isinf(x) ? x > 0 : normal_tail(-x) + x * normal_density(x);
}

/* RISEN for functions of exp(-t^2/2), whose argument is rounded too. */
static struct range bell_range(double low, double high, double t)
{
    double margin = (32 + 2 * t * t) * DBL_EPSILON;
    return widened(low * (1 - margin), high * (1 + margin));
}

/* On both sides r = -t N(t), N = normal_tail; N' = -n, the density, and n' = -t n: r' = t n - N,
 * r'' = n (2 - t^2). */
static struct jet gelu_residue(const struct curve *curve, int side, struct range t)
{
    (void)curve, (void)side;
    struct range tail = bell_range(normal_tail(t.high), normal_tail(t.low), t.high);
    struct range density = bell_range(normal_density(t.high), normal_density(t.low), t.high);
    return (struct jet){
        range_negate(range_multiply(t, tail)),
        range_subtract(range_multiply(t, density), tail),
        range_multiply(density, range_subtract(exactly(2), range_power(t, 2))),
    };
}

/* r < 0, and past the square root of 2, r' > 0 > r''. */
static double gelu_falling_from(const struct curve *curve)
{
    (void)curve;
    return 1.5;
}

static double hardswish_value(const struct curve *curve, double x)
{
    (void)curve;
    return x < -3 ? 0 : x > 3 ? x : x * (x + 3) / 6;
}

/* At -3 and 3 the slope on the right, as in PyTorch (where it is vectorised). */
static double hardswish_slope(const struct curve *curve, double x)
{
    (void)curve;
    return x < -3 ? 0 : x >= 3 ? 1 : x / 3 + 0.5;
}

/* On both sides r = t(t-3)/6 as far as the kink, then 0. */
static struct jet hardswish_residue(const struct curve *curve, int side, struct range t)
{
    (void)curve, (void)side;
    if (t.low > 3)
        return (struct jet){exactly(0), exactly(0), exactly(0)};
    struct range less = range_subtract(t, exactly(3));
    struct jet jet = {
        range_divide(range_multiply(t, less), exactly(6)),
        range_divide(range_add(t, less), exactly(6)),
        range_divide(exactly(1), exactly(3)),
    };
    if (t.high > 3)
        jet.bend = everything;
    return jet;
}

static double hardswish_falling_from(const struct curve *curve)
{
    (void)curve;
    return 3.125; /* past the kink, so that a piece from there is looked at on its right */
}

/* ---- the rows ---- */

const struct curve_row curve_rows[] = {
    [CURVE_RELU] = {.name = "relu",
                    .parameters = "",
                    .value = relu_value,
                    .slope = relu_slope,
                    .pieces = relu_pieces},
    [CURVE_RELU_AT] = {.name = "relu_at",
                       .parameters = "t",
                       .value = relu_at_value,
                       .slope = relu_at_slope,
                       .pieces = relu_at_pieces},
    [CURVE_LEAKY_RELU] = {.name = "leaky_relu",
                          .parameters = "a",
                          .value = leaky_value,
                          .slope = leaky_slope,
                          .parameter_slopes = leaky_parameter_slopes,
                          .pieces = leaky_pieces},
    [CURVE_PIECEWISE] = {.name = "piecewise",
                         .parameters = "",
                         .problem = piecewise_problem,
                         .value = piecewise_value,
                         .slope = piecewise_slope,
                         .pieces = piecewise_pieces},
    [CURVE_SIGMOID] = {.name = "sigmoid",
                       .parameters = "",
                       .value = sigmoid_value,
                       .slope = sigmoid_slope,
                       .residue = sigmoid_residue,
                       .asymptote = sigmoid_asymptote,
                       .symmetric = true,
                       .never_falls = true},
    [CURVE_TANH] = {.name = "tanh",
                    .parameters = "",
                    .value = tanh_value,
                    .slope = tanh_slope,
                    .residue = tanh_residue,
                    .asymptote = tanh_asymptote,
                    .symmetric = true,
                    .never_falls = true},
    [CURVE_SOFTPLUS] = {.name = "softplus",
                        .parameters = "",
                        .value = softplus_value,
                        .slope = softplus_slope,
                        .residue = softplus_residue,
                        .asymptote = relu_asymptote,
                        .never_falls = true},
    [CURVE_ELU] = {.name = "elu",
                   .parameters = "a",
                   .value = elu_value,
                   .slope = elu_slope,
                   .parameter_slopes = elu_parameter_slopes,
                   .residue = elu_residue,
                   .asymptote = elu_asymptote},
    [CURVE_SILU] = {.name = "silu",
                    .parameters = "",
                    .value = silu_value,
                    .slope = silu_slope,
                    .residue = silu_residue,
                    .asymptote = relu_asymptote,
                    .falling_from = silu_falling_from},
    [CURVE_GELU] = {.name = "gelu",
                    .parameters = "",
                    .value = gelu_value,
                    .slope = gelu_slope,
                    .residue = gelu_residue,
                    .asymptote = relu_asymptote,
                    .falling_from = gelu_falling_from},
    [CURVE_HARDSWISH] = {.name = "hardswish",
                         .parameters = "",
                         .value = hardswish_value,
                         .slope = hardswish_slope,
                         .residue = hardswish_residue,
                         .asymptote = relu_asymptote,
                         .falling_from = hardswish_falling_from,
                         .kink = 3},
    [CURVE_FUNCTION] = {.name = "curve",
                        .parameters = "",
                        .value = function_value,
                        .slope = function_slope,
                        .residue = function_residue,
                        .asymptote = function_asymptote,
                        .falling_from = function_falling_from,
                        .cut = function_cut},
    [CURVE_DYNAMIC] = {.name = "dynamic",
                       .parameters = "LQIPZ",
                       .problem = dynamic_problem,
                       .value = dynamic_value,
                       .slope = dynamic_slope,
                       .parameter_slopes = dynamic_parameter_slopes,
                       .residue = dynamic_residue,
                       .asymptote = relu_asymptote,
                       .falling_from = dynamic_falling_from},
};
_Static_assert(sizeof curve_rows / sizeof *curve_rows == CURVE_KINDS, "a row a kind");
