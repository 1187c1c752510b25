/*
 * curve: activation curves, their slopes, and the inequality tables that replace them.
 *
 * The tables rest on interval arithmetic: a curve's second derivative, enclosed on a box [a, b],
 * says how far the curve can stray there from what its ends show. So the search for the next break
 * point cannot step over a narrow bump, and the bounds on a table are proven, not sampled.
 */
#include "curve.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

enum { LARGEST_POWER = 16, LARGEST_TABLE = 4096, BOXES_A_TABLE = 1000000 };
static const double LARGEST_X = 1e6; /* where a corridor has to end, and where I may lie */

const char *curve_kind_name(enum curve_kind kind)
{
    static const char *const names[] = {
        [CURVE_RELU] = "relu", [CURVE_LEAKY_RELU] = "leaky_relu", [CURVE_SIGMOID] = "sigmoid",
        [CURVE_TANH] = "tanh", [CURVE_DYNAMIC] = "dynamic",       [CURVE_PIECEWISE] = "piecewise",
    };
    return names[kind];
}

/* ---- problems ---- */

static const char parameter_names[] = "LQIPZ";

/* Where Q t^P + Z vanishes for a t >= START: the nearest such t, or NAN. */
static double vanishing_point(double q, double p, double z, double start)
{
    if (q == 0)
        return z == 0 ? start : (double)NAN;
    double ratio = -z / q; /* t^P = ratio */
    double root = pow(fabs(ratio), 1 / p);
    if (fmod(p, 2) != 0)
        root = copysign(root, ratio);
    else if (ratio < 0)
        return NAN;
    else if (-root >= start)
        return -root;
    return root >= start ? root : (double)NAN;
}

/* A denominator of Dynamic that vanishes for some x >= 0. */
static const char *denominator_problem(struct arena *arena, const double *parameter)
{
    double q = parameter[DYNAMIC_Q], i = parameter[DYNAMIC_I], z = parameter[DYNAMIC_Z];
    double plus = vanishing_point(q, parameter[DYNAMIC_P], z, i) - i;
    double minus = vanishing_point(q, parameter[DYNAMIC_P], z, -i) + i;
    if (isnan(plus) && isnan(minus))
        return NULL;
    bool first = !(minus < plus); /* the one that is met first, or that is met at all */
    char sign = first && !isnan(plus) ? '+' : '-';
    double x = sign == '+' ? plus : minus;
    if (z == 0 && q != 0)
        return arena_printf(arena, "dynamic: Q(x%cI)^P + Z is 0 at x = %g (Z = 0)", sign, x);
    return arena_printf(arena, "dynamic: Q(x%cI)^P + Z is 0 at x = %g (Q = %g, Z = %g)", sign, x, q,
                        z);
}

/* Is Dynamic just ReLU, its two fractions being equal? */
static bool dynamic_is_relu(const double *parameter)
{
    return parameter[DYNAMIC_L] == 0 || parameter[DYNAMIC_Q] == 0 || parameter[DYNAMIC_I] == 0;
}

static const char *dynamic_problem(struct arena *arena, const double *parameter)
{
    for (int i = 0; i < CURVE_PARAMETERS; i++)
        if (!(fabs(parameter[i]) <= FLT_MAX))
            return arena_printf(arena, "dynamic: %c must be a finite float, given %g",
                                parameter_names[i], parameter[i]);
    double l = parameter[DYNAMIC_L], q = parameter[DYNAMIC_Q], i = parameter[DYNAMIC_I];
    double p = parameter[DYNAMIC_P], z = parameter[DYNAMIC_Z];
    if (p != floor(p) || p < 1 || p > LARGEST_POWER)
        return arena_printf(arena, "dynamic: P must be a whole number from 1 to %d, given %g",
                            LARGEST_POWER, p);
    if (fabs(i) > LARGEST_X)
        return arena_printf(arena, "dynamic: I must be within %g of 0, given %g", LARGEST_X, i);
    const char *vanishes = denominator_problem(arena, parameter);
    if (vanishes || dynamic_is_relu(parameter))
        return vanishes;
    if (fmod(p, 2) != 0)
        return arena_printf(arena, "dynamic: P = %g is odd, so the curve jumps at x = 0 (to %g)", p,
                            l / (q * pow(i, p) + z) - l / (q * pow(-i, p) + z));
    if (!(fabs(l / z) <= FLT_MAX))
        return arena_printf(arena, "dynamic: L / Z must be a finite float, given %g / %g", l, z);
    if (!(fabs(q / z) >= 1e-30 && fabs(q / z) <= 1e30))
        return arena_printf(arena, "dynamic: Q / Z must be 0 or from 1e-30 to 1e30, given %g / %g",
                            q, z);
    return NULL;
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

const char *curve_problem(struct arena *arena, const struct curve *curve)
{
    const char *problem = NULL;
    if (curve->kind == CURVE_DYNAMIC)
        problem = dynamic_problem(arena, curve->parameter);
    else if (curve->kind == CURVE_PIECEWISE)
        problem = piecewise_problem(arena, curve);
    else if (curve->kind == CURVE_LEAKY_RELU && !(fabs(curve->parameter[0]) <= FLT_MAX))
        problem = arena_printf(arena, "leaky_relu: the slope must be a finite float, given %g",
                               curve->parameter[0]);
    if (problem || curve->method != TABLE_TANGENT)
        return problem;
    if (!(curve->k > 0 && isfinite(curve->k)))
        return arena_printf(arena, "tangent: k must be above 0, given %g", curve->k);
    if (!(curve->max >= 0 && curve->max <= LARGEST_X))
        return arena_printf(arena, "tangent: max must be from 0 (lathe chooses) to %g, given %g",
                            LARGEST_X, curve->max);
    return NULL;
}

/* ---- closed forms ---- */

static double power(double x, int n)
{
    double result = 1;
    for (; n > 0; n >>= 1, x *= x)
        if (n & 1)
            result *= x;
    return result;
}

/* f(x) - x of Dynamic and its derivative, for x >= 0. With A = Q(x+I)^P + Z, B = Q(x-I)^P + Z the
 * two fractions are brought to one, L/A - L/B = -2LQ S/(AB), where
 * S = ((x+I)^P - (x-I)^P)/2 = sum over odd j of binomial(P, j) I^j x^(P-j)
 * has terms of one sign only, so that nothing cancels (P = 2: S = 2Ix). */
static double dynamic_gap(const double *parameter, double x, double *derivative)
{
    double l = parameter[DYNAMIC_L], q = parameter[DYNAMIC_Q], i = parameter[DYNAMIC_I];
    double z = parameter[DYNAMIC_Z];
    int p = (int)parameter[DYNAMIC_P];
    *derivative = 0;
    if (dynamic_is_relu(parameter))
        return 0;
    double a = q * power(x + i, p) + z, b = q * power(x - i, p) + z;
    double a_slope = q * p * power(x + i, p - 1), b_slope = q * p * power(x - i, p - 1);
    double s = 0, s_slope = 0, coefficient = 1; /* coefficient: binomial(p, j) i^j */
    for (int j = 1; j <= p; j++) {
        coefficient *= i * (p - j + 1) / j;
        if (j % 2 == 0)
            continue;
        s += coefficient * power(x, p - j);
        if (j < p)
            s_slope += coefficient * (p - j) * power(x, p - j - 1);
    }
    double gap = -2 * l * (q * s / a) / b;
    double slope = -2 * l * (q * s_slope / a) / b - gap * (a_slope / a + b_slope / b);
    if (!isfinite(gap)) /* the powers overflow: far out, where the fractions do not cancel */
        gap = l / a - l / b;
    if (isfinite(slope))
        *derivative = slope;
    return gap;
}

static double logistic(double x)
{
    if (x >= 0)
        return 1 / (1 + exp(-x));
    double e = exp(x);
    return e / (1 + e);
}

/* X rounded to a float. Through memory: gcc 12 takes two such conversions side by side for a vector
 * that "(double)(float)" leaves as it is, and drops both. */
static double as_float(double x)
{
    volatile float rounded = (float)x;
    return rounded;
}

/* The straight line through two points as floats hold it, true at the one nearer to x = 0. */
static struct piece line_through(struct curve_point a, struct curve_point b)
{
    struct curve_point anchor = fabs(a.x) <= fabs(b.x) ? a : b;
    double slope = as_float((b.y - a.y) / (b.x - a.x));
    return (struct piece){a.x, b.x, slope, as_float(anchor.y - slope * anchor.x)};
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

/* piece(x); flat pieces reach to infinity, and not-a-number stays what it is. */
static double piece_value(const struct piece *piece, double x)
{
    if (piece->slope == 0)
        return isnan(x) ? x : piece->intercept;
    return piece->slope * x + piece->intercept;
}

double curve_value(const struct curve *curve, double x)
{
    double unused;
    switch (curve->kind) {
    case CURVE_RELU:
        return x < 0 ? 0 : x;
    case CURVE_LEAKY_RELU:
        return x < 0 ? as_float(curve->parameter[0]) * x : x;
    case CURVE_SIGMOID:
        return logistic(x);
    case CURVE_TANH:
        return tanh(x);
    case CURVE_DYNAMIC:
        if (x < 0)
            return 0;
        return isinf(x) ? x : x + dynamic_gap(curve->parameter, x, &unused);
    case CURVE_PIECEWISE: {
        struct piece segment = piecewise_at(curve, x);
        return piece_value(&segment, x);
    }
    }
    bug("curve of kind %d", (int)curve->kind);
}

double curve_slope(const struct curve *curve, double x)
{
    double slope;
    switch (curve->kind) {
    case CURVE_RELU:
        return x > 0;
    case CURVE_LEAKY_RELU:
        return x > 0 ? 1 : as_float(curve->parameter[0]);
    case CURVE_SIGMOID:
        return logistic(x) * logistic(-x);
    case CURVE_TANH:
        return 4 * logistic(2 * x) * logistic(-2 * x);
    case CURVE_DYNAMIC:
        if (x <= 0)
            return 0;
        dynamic_gap(curve->parameter, x, &slope);
        return 1 + slope;
    case CURVE_PIECEWISE:
        return piecewise_at(curve, x).slope;
    }
    bug("curve of kind %d", (int)curve->kind);
}

/* ---- ranges: interval arithmetic, each result widened by more than it was rounded ---- */

struct range {
    double low, high;
};

static const struct range everything = {-INFINITY, INFINITY};

static struct range widened(double low, double high)
{
    low -= 2 * DBL_EPSILON * fabs(low) + DBL_MIN;
    high += 2 * DBL_EPSILON * fabs(high) + DBL_MIN;
    return isfinite(low) && isfinite(high) ? (struct range){low, high} : everything;
}

static struct range exactly(double x)
{
    return (struct range){x, x};
}

static struct range range_add(struct range a, struct range b)
{
    return widened(a.low + b.low, a.high + b.high);
}

static struct range range_subtract(struct range a, struct range b)
{
    return widened(a.low - b.high, a.high - b.low);
}

static struct range range_multiply(struct range a, struct range b)
{
    double ll = a.low * b.low, lh = a.low * b.high, hl = a.high * b.low, hh = a.high * b.high;
    if (!isfinite(ll + lh + hl + hh))
        return everything;
    return widened(fmin(fmin(ll, lh), fmin(hl, hh)), fmax(fmax(ll, lh), fmax(hl, hh)));
}

/* A / B for a B that does not reach 0. */
static struct range range_divide(struct range a, struct range b)
{
    if (b.low <= 0 && b.high >= 0)
        return everything;
    return range_multiply(a, widened(1 / b.high, 1 / b.low));
}

static struct range range_scale(double factor, struct range a)
{
    return range_multiply(exactly(factor), a);
}

static struct range range_power(struct range x, int n)
{
    struct range result = exactly(1), base = x;
    bool even = n % 2 == 0 && n > 0;
    if (even) { /* |x| */
        double least = x.low > 0 ? x.low : x.high < 0 ? -x.high : 0;
        base = (struct range){least, fmax(-x.low, x.high)};
    }
    for (; n > 0; n--)
        result = range_multiply(result, base);
    if (even && result.low < 0)
        result.low = 0;
    return result;
}

static double range_magnitude(struct range a)
{
    return fmax(-a.low, a.high);
}

/* ---- what a curve does on a range of x ----
 *
 * The residue of a curve is r(x) = f(x) - s x, with s the slope of its asymptote on the right: 1
 * for Dynamic, 0 for sigmoid and tanh. Far out it is small, and so are its rounding errors.
 */

/* All values that r, r' and r'' take on a range. */
struct jet {
    struct range value, slope, bend;
};

/* The jet of Q t^P + 1. */
static struct jet denominator_jet(struct range q, struct range t, int p)
{
    struct range first = range_multiply(q, range_power(t, p));
    struct range second = range_multiply(q, range_power(t, p - 1));
    struct range third = range_multiply(q, range_power(t, p - 2));
    return (struct jet){
        range_add(first, exactly(1)),
        range_scale(p, second),
        range_scale(p * (p - 1), third),
    };
}

static struct jet jet_multiply(struct jet a, struct jet b)
{
    struct range crossed = range_scale(2, range_multiply(a.slope, b.slope));
    return (struct jet){
        range_multiply(a.value, b.value),
        range_add(range_multiply(a.slope, b.value), range_multiply(a.value, b.slope)),
        range_add(crossed,
                  range_add(range_multiply(a.bend, b.value), range_multiply(a.value, b.bend))),
    };
}

/* From a = c b follow a' = c'b + cb' and a'' = c''b + 2c'b' + cb'': solved for c. */
static struct jet jet_divide(struct jet a, struct jet b)
{
    struct jet c;
    c.value = range_divide(a.value, b.value);
    c.slope = range_divide(range_subtract(a.slope, range_multiply(c.value, b.slope)), b.value);
    struct range crossed = range_scale(2, range_multiply(c.slope, b.slope));
    struct range rest = range_subtract(a.bend, range_multiply(c.value, b.bend));
    c.bend = range_divide(range_subtract(rest, crossed), b.value);
    return c;
}

/* Dynamic for x >= 0, P even and Q, Z of one sign (curve_problem lets no other pass, but ReLU): the
 * form of dynamic_gap with numerator and denominators divided by Z. */
static struct jet dynamic_jet(const double *parameter, struct range x)
{
    if (dynamic_is_relu(parameter))
        return (struct jet){exactly(0), exactly(0), exactly(0)};
    int p = (int)parameter[DYNAMIC_P];
    struct range i = exactly(parameter[DYNAMIC_I]), z = exactly(parameter[DYNAMIC_Z]);
    struct range q = range_divide(exactly(parameter[DYNAMIC_Q]), z);
    struct range l = range_divide(exactly(parameter[DYNAMIC_L]), z);
    struct range coefficient = range_scale(-2, range_multiply(l, q));
    struct jet s = {exactly(0), exactly(0), exactly(0)}; /* the numerator -2LQ S */
    for (int j = 1; j < p; j++) {
        struct range ratio = range_divide(exactly(p - j + 1), exactly(j));
        coefficient = range_multiply(coefficient, range_multiply(i, ratio));
        int n = p - j;
        if (j % 2 == 0)
            continue;
        s.value = range_add(s.value, range_multiply(coefficient, range_power(x, n)));
        struct range first = range_scale(n, range_power(x, n - 1));
        s.slope = range_add(s.slope, range_multiply(coefficient, first));
        if (n < 2)
            continue;
        struct range second = range_scale(n * (n - 1), range_power(x, n - 2));
        s.bend = range_add(s.bend, range_multiply(coefficient, second));
    }
    struct jet a = denominator_jet(q, range_add(x, i), p);
    struct jet b = denominator_jet(q, range_subtract(x, i), p);
    return jet_divide(s, jet_multiply(a, b));
}

/* 1 / (1 + exp(-x)) on a range, allowing libm's exp an error of 4 units in the last place. */
static struct range logistic_range(struct range x)
{
    double margin = 16 * DBL_EPSILON;
    return (struct range){logistic(x.low) * (1 - margin), logistic(x.high) * (1 + margin)};
}

/* s = logistic(x): s' = s(1 - s), s'' = s'(1 - 2s), with 1 - s = logistic(-x). */
static struct jet logistic_jet(struct range x)
{
    struct range s = logistic_range(x), t = logistic_range((struct range){-x.high, -x.low});
    struct range slope = range_multiply(s, t);
    return (struct jet){s, slope, range_multiply(slope, range_subtract(t, s))};
}

/* The residue of a curve that has no table by nature; for Dynamic, x >= 0. */
static struct jet residue_jet(const struct curve *curve, struct range x)
{
    if (curve->kind == CURVE_DYNAMIC)
        return dynamic_jet(curve->parameter, x);
    if (curve->kind == CURVE_SIGMOID)
        return logistic_jet(x);
    check_bug(curve->kind == CURVE_TANH); /* tanh(x) = 2 logistic(2x) - 1 */
    struct jet s = logistic_jet((struct range){2 * x.low, 2 * x.high});
    return (struct jet){
        range_subtract(range_scale(2, s.value), exactly(1)),
        range_scale(4, s.slope),
        range_scale(8, s.bend),
    };
}

/* The line that the curve approaches on the right. */
static struct piece asymptote(const struct curve *curve)
{
    bool rising = curve->kind == CURVE_DYNAMIC;
    return (struct piece){0, INFINITY, rising ? 1 : 0, rising ? 0 : 1};
}

/* An x from which on the distance to the asymptote, and that of the slopes, only falls.
 *
 * Dynamic: with c = |I|, q = Q/Z, r(t) = 1/(q t^P + 1) the distance is |L/Z| (r(x-c) - r(x+c)). For
 * u = q t^P, t^3 r''' = -P u ((P+1)(P+2) u^2 - 4(P^2-1) u + (P-1)(P-2)) / (1+u)^4. Where u is above
 * the larger root U of that quadratic (which is above (P-1)/(P+1), the zero of r''), r'' > 0 and
 * r''' < 0: r' rises and r'' falls, so distance and slope, whose derivatives are differences of r'
 * and of r'' taken 2c apart, shrink. x - c >= (U/q)^(1/P) suffices. */
static double falling_from(const struct curve *curve)
{
    const double *parameter = curve->parameter;
    if (curve->kind != CURVE_DYNAMIC || dynamic_is_relu(parameter))
        return 0;
    double p = parameter[DYNAMIC_P], square = p * p - 1;
    double root = sqrt(4 * square * square - square * (p * p - 4));
    double u = (2 * square + root) / ((p + 1) * (p + 2));
    double t = pow(u * parameter[DYNAMIC_Z] / parameter[DYNAMIC_Q], 1 / p);
    return (fabs(parameter[DYNAMIC_I]) + t) * (1 + 1e-9);
}

/* ---- the gap between a curve and a line, or between their slopes ---- */

struct gap {
    const struct curve *curve;
    double slope, intercept; /* the line */
    bool of_slopes;
    int *boxes; /* left to be looked at */
};

/* The size of the gap at X, rounded up. */
static double gap_at(const struct gap *gap, double x)
{
    struct jet jet = residue_jet(gap->curve, exactly(x));
    double turned = asymptote(gap->curve).slope - gap->slope; /* exact: floats, or as good */
    if (gap->of_slopes)
        return range_magnitude(range_add(jet.slope, exactly(turned)));
    struct range line = range_subtract(range_scale(turned, exactly(x)), exactly(gap->intercept));
    return range_magnitude(range_add(jet.value, line));
}

/* By how much the gap on [A, B] can exceed the larger of those at its ends: a value strays from the
 * chord by at most max |f''| h^2 / 8, a slope from the nearer end by at most max |f''| h / 2, and
 * not at all where f'' keeps its sign. */
static double gap_slack(const struct gap *gap, double a, double b)
{
    struct range bend = residue_jet(gap->curve, (struct range){a, b}).bend;
    double most = range_magnitude(bend), h = b - a;
    if (!gap->of_slopes)
        return most * h * h / 8 * (1 + 8 * DBL_EPSILON);
    bool one_sign = bend.low >= 0 || bend.high <= 0;
    return one_sign ? 0 : most * h / 2 * (1 + 8 * DBL_EPSILON);
}

/* The nearest place to A in [A, B] (BACKWARD: to B) where the gap reaches K, or NAN: all before it
 * is proven to stay below. Found to a sixteenth of a float's last place. */
static double find_exit(const struct gap *gap, double k, double a, double b, bool backward)
{
    if (--*gap->boxes < 0)
        fail(STATUS_USER, "tangent: k = %g: the corridor is too fine to follow; choose a larger k",
             k);
    if (fmax(gap_at(gap, a), gap_at(gap, b)) + gap_slack(gap, a, b) <= k)
        return NAN;
    double middle = a + (b - a) / 2;
    if (b - a <= ldexp(b, -28) || b - a <= 1e-30 || middle <= a || middle >= b)
        return b;
    double near =
        backward ? find_exit(gap, k, middle, b, true) : find_exit(gap, k, a, middle, false);
    if (!isnan(near))
        return near;
    return backward ? find_exit(gap, k, a, middle, true) : find_exit(gap, k, middle, b, false);
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
    double ends = fmax(gap_at(gap, a), gap_at(gap, b));
    double upper = b > a ? ends + gap_slack(gap, a, b) : ends;
    double middle = a + (b - a) / 2;
    bound->lower = fmax(bound->lower, ends);
    if (upper <= bound->lower * 1.00001 + 1e-9 || middle <= a || middle >= b || --*gap->boxes < 0) {
        bound->upper = fmax(bound->upper, upper);
        return;
    }
    cover(gap, bound, a, middle);
    cover(gap, bound, middle, b);
}

/* ---- the tangent corridor ---- */

static double float_above(double x)
{
    float f = (float)x;
    return f < x ? nextafterf(f, INFINITY) : f;
}

/* The least x >= 0 from which on the curve stays within k of its asymptote. */
static double smallest_end(const struct curve *curve)
{
    int boxes = BOXES_A_TABLE;
    struct piece line = asymptote(curve);
    struct gap gap = {curve, line.slope, line.intercept, false, &boxes};
    double far = falling_from(curve); /* from here on one look is enough */
    if (far < 1)
        far = 1;
    while (gap_at(&gap, far) > curve->k && far <= LARGEST_X)
        far *= 2;
    double end = gap_at(&gap, far) > curve->k ? far : find_exit(&gap, curve->k, 0, far, true);
    if (end > LARGEST_X)
        fail(STATUS_USER, "tangent: k = %g is too small: at x = %g %s is still farther from y = %s",
             curve->k, LARGEST_X, curve_kind_name(curve->kind), line.slope > 0 ? "x" : "1");
    return isnan(end) ? 0 : float_above(end);
}

struct chain {
    struct curve_point *items;
    int count, capacity;
};

/* Step 5 of the corridor: from the point A the nearest x before END where the curve meets one of
 * the two lines beside its tangent; END where there is none. */
static double next_break(const struct curve *curve, struct curve_point a, double end, int *boxes)
{
    struct range right = residue_jet(curve, exactly(a.x)).slope; /* not the left one at a kink */
    double slope = asymptote(curve).slope + (right.low + right.high) / 2;
    struct gap gap = {curve, slope, a.y - slope * a.x, false, boxes};
    double x = find_exit(&gap, curve->k, a.x, end, false);
    if (isnan(x) || as_float(x) >= end)
        return end;
    if (as_float(x) <= a.x)
        fail(STATUS_USER, "tangent: k = %g needs break points closer than floats, at x = %.9g",
             curve->k, a.x);
    return as_float(x);
}

/* The break points from 0 on, the last one on the asymptote.
 *
 * The range ends at curve->max if the curve is near its asymptote from there on. If not, or if max
 * is 0, it ends at the least x that has this property; but then the last piece, which has to close
 * a gap of k, is made at least as long as the one before (and for sigmoid and tanh as long as the
 * tangent at 0 takes to the asymptote), lest it be steep. */
static void walk_corridor(struct arena *arena, const struct curve *curve, struct chain *chain)
{
    int boxes = BOXES_A_TABLE;
    double least = smallest_end(curve), given = as_float(curve->max);
    bool keep = given > 0 && given >= least;
    double hard = curve->kind == CURVE_SIGMOID ? 2 : curve->kind == CURVE_TANH ? 1 : 0;
    double end = keep ? given : fmax(least, hard), step = 0;
    struct curve_point last = {0, curve_value(curve, 0)};
    vector_push(arena, chain, last);
    while (last.x < end) {
        double x = next_break(curve, last, end, &boxes);
        if (x >= end && !keep && end - last.x < step) {
            end = float_above(last.x + step);
            continue;
        }
        if (x >= end)
            break;
        if (chain->count >= LARGEST_TABLE)
            fail(STATUS_USER, "tangent: k = %g needs more than %d pieces; choose a larger k",
                 curve->k, LARGEST_TABLE);
        step = x - last.x;
        last = (struct curve_point){x, curve_value(curve, x)};
        vector_push(arena, chain, last);
    }
    struct piece line = asymptote(curve);
    struct curve_point final = {end, line.slope * end + line.intercept};
    if (end > 0)
        vector_push(arena, chain, final);
}

/* ---- tables ---- */

struct piece_list {
    struct piece *items;
    int count, capacity;
};

/* Add PIECE on the right; where it goes on along the same line, the last one grows. */
static void push_piece(struct arena *arena, struct piece_list *list, struct piece piece)
{
    struct piece *last = list->count ? &list->items[list->count - 1] : NULL;
    if (last && last->slope == piece.slope && last->intercept == piece.intercept)
        last->to = piece.to;
    else
        vector_push(arena, list, piece);
}

/* Piece of a curve with f(-x) = 2 f(0) - f(x), as seen on the other side of 0. */
static struct piece mirrored(struct piece piece, double at_zero)
{
    double from = piece.to == 0 ? 0 : -piece.to, to = piece.from == 0 ? 0 : -piece.from;
    return (struct piece){from, to, piece.slope, as_float(2 * at_zero - piece.intercept)};
}

/* The pieces through CHAIN, the asymptote after it, and what lies to the left of 0. */
static struct piece_list connect_chain(struct arena *arena, const struct curve *curve,
                                       const struct chain *chain)
{
    struct piece_list right = {0}, all = {0};
    for (int i = 0; i + 1 < chain->count; i++) {
        struct piece piece = line_through(chain->items[i], chain->items[i + 1]);
        if (!isfinite(piece.slope) || !isfinite(piece.intercept))
            fail(STATUS_USER, "tangent: k = %g needs a slope that no float holds, at x = %.9g",
                 curve->k, piece.from);
        vector_push(arena, &right, piece);
    }
    struct piece last = asymptote(curve);
    last.from = chain->items[chain->count - 1].x;
    vector_push(arena, &right, last);
    if (curve->kind == CURVE_DYNAMIC)
        push_piece(arena, &all, (struct piece){-INFINITY, 0, 0, 0});
    else
        for (int i = right.count - 1; i >= 0; i--)
            push_piece(arena, &all, mirrored(right.items[i], curve_value(curve, 0)));
    for (int i = 0; i < right.count; i++)
        push_piece(arena, &all, right.items[i]);
    return all;
}

/* The largest gap between CURVE and the pieces, of values or of slopes, rounded up. The infinite
 * pieces are the asymptotes: beyond falling_from() their gap is largest where it begins. */
static double table_error(const struct curve *curve, const struct table *table, bool of_slopes)
{
    int boxes = BOXES_A_TABLE;
    struct bound bound = {0, 0};
    double far = falling_from(curve);
    for (int i = 0; i < table->count; i++) {
        const struct piece *piece = &table->pieces[i];
        if (curve->kind == CURVE_DYNAMIC && piece->to <= 0)
            continue; /* both are 0 */
        double from = curve->kind == CURVE_DYNAMIC ? fmax(piece->from, 0) : piece->from;
        double to = piece->to;
        if (isinf(from))
            from = fmin(to, -far);
        if (isinf(to))
            to = fmax(from, far);
        struct gap gap = {curve, piece->slope, piece->intercept, of_slopes, &boxes};
        cover(&gap, &bound, from, to);
    }
    if (!isfinite(bound.upper))
        fail(STATUS_USER, "tangent: k = %g: the table's distance from %s cannot be bounded",
             curve->k, curve_kind_name(curve->kind));
    return bound.upper;
}

static struct table *new_table(struct arena *arena, struct piece_list list)
{
    struct table *table = arena_new_of(arena, struct table);
    table->pieces = list.items;
    table->count = list.count;
    return table;
}

static struct table *tangent_table(struct arena *arena, const struct curve *curve)
{
    struct chain chain = {0};
    walk_corridor(arena, curve, &chain);
    struct table *table = new_table(arena, connect_chain(arena, curve, &chain));
    table->value_error = table_error(curve, table, false);
    table->slope_error = table_error(curve, table, true);
    return table;
}

/* Is the curve a table by nature, without an error? */
static bool is_natural(const struct curve *curve)
{
    return curve->kind == CURVE_RELU || curve->kind == CURVE_LEAKY_RELU ||
           curve->kind == CURVE_PIECEWISE;
}

static struct table *natural_table(struct arena *arena, const struct curve *curve)
{
    struct piece_list list = {0};
    if (curve->kind == CURVE_PIECEWISE) {
        for (int i = 0; i + 1 < curve->point_count; i++)
            push_piece(arena, &list, piecewise_segment(curve, i));
    } else {
        bool leaky = curve->kind == CURVE_LEAKY_RELU;
        double slope = leaky ? as_float(curve->parameter[0]) : 0;
        push_piece(arena, &list, (struct piece){-INFINITY, 0, slope, 0});
        push_piece(arena, &list, (struct piece){0, INFINITY, 1, 0});
    }
    return new_table(arena, list);
}

void curve_tabulate(struct arena *arena, struct curve *curve)
{
    curve->table = NULL;
    if (is_natural(curve))
        curve->table = natural_table(arena, curve);
    else if (curve->method == TABLE_TANGENT)
        curve->table = tangent_table(arena, curve);
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

bool curve_keeps_zero(const struct curve *curve)
{
    return curve_applied_value(curve, 0) == 0;
}

/* ---- printing ---- */

/* X rounded up to four digits: a bound stays one when it is printed with %.4g. */
static double bound_to_print(double x)
{
    if (!(x > 0))
        return x;
    double unit = pow(10, floor(log10(x)) - 3);
    return ceil(x / unit * (1 - 1e-15)) * unit;
}

static void describe(struct text *out, const struct curve *curve)
{
    const double *parameter = curve->parameter;
    const struct table *table = curve->table;
    text_printf(out, "%s", curve_kind_name(curve->kind));
    if (curve->kind == CURVE_LEAKY_RELU)
        text_printf(out, " %g", parameter[0]);
    if (curve->kind == CURVE_DYNAMIC)
        for (int i = 0; i < CURVE_PARAMETERS; i++)
            text_printf(out, " %c=%g", parameter_names[i], parameter[i]);
    if (is_natural(curve)) {
        if (table)
            text_printf(out, ": %d pieces", table->count);
        return;
    }
    if (curve->method == TABLE_EXACT) {
        text_printf(out, ", exact");
        return;
    }
    text_printf(out, ", tangent k=%g", curve->k);
    if (curve->max > 0)
        text_printf(out, " max=%g", curve->max);
    if (table)
        text_printf(out, ": %d pieces, value within %.4g", table->count,
                    bound_to_print(table->value_error));
}

char *curve_describe(struct arena *arena, const struct curve *curve)
{
    struct text text = {0};
    describe(&text, curve);
    char *copy = arena_copy(arena, text.data);
    text_free(&text);
    return copy;
}

/* "2 x - 0.5", without what is 0. */
static void print_line(struct text *out, const struct piece *piece)
{
    if (piece->slope == 0) {
        text_printf(out, "%.6g", piece->intercept + 0.0);
        return;
    }
    if (piece->slope != 1)
        text_printf(out, "%.6g ", piece->slope);
    text_printf(out, "x");
    if (piece->intercept != 0)
        text_printf(out, " %c %.6g", piece->intercept < 0 ? '-' : '+', fabs(piece->intercept));
}

void curve_print_text(struct text *out, const struct curve *curve)
{
    const struct table *table = curve->table;
    describe(out, curve);
    text_printf(out, "\n");
    if (!table)
        return;
    for (int i = 0; i < table->count; i++) {
        const struct piece *piece = &table->pieces[i];
        char from[32] = "", to[32] = "";
        if (isfinite(piece->from))
            snprintf(from, sizeof from, "%.6g <", piece->from);
        if (isfinite(piece->to))
            snprintf(to, sizeof to, "<= %.6g", piece->to);
        text_printf(out, "%15s x %-16s  y = ", from, to);
        print_line(out, piece);
        text_printf(out, "\n");
    }
    text_printf(out, "value within %.4g, slope within %.4g of the curve, for every x\n",
                bound_to_print(table->value_error), bound_to_print(table->slope_error));
}

/* A number as JSON has it: the infinite ends of a table are null. */
static void print_end(struct text *out, const char *name, double x)
{
    if (isfinite(x))
        text_printf(out, "\"%s\": %.9g, ", name, x);
    else
        text_printf(out, "\"%s\": null, ", name);
}

void curve_print_json(struct text *out, const struct curve *curve)
{
    const struct table *table = curve->table;
    if (!table) {
        text_printf(out, "{\"pieces\": [], \"value_error\": null, \"slope_error\": null}\n");
        return;
    }
    text_printf(out, "{\"pieces\": [");
    for (int i = 0; i < table->count; i++) {
        const struct piece *piece = &table->pieces[i];
        text_printf(out, i ? ",\n  {" : "\n  {");
        print_end(out, "from", piece->from);
        print_end(out, "to", piece->to);
        text_printf(out, "\"slope\": %.9g, \"intercept\": %.9g}", piece->slope, piece->intercept);
    }
    text_printf(out, "],\n \"value_error\": %.17g, \"slope_error\": %.17g}\n", table->value_error,
                table->slope_error);
}
