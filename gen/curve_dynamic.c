/*
 * curve_dynamic: the fitted Dynamic curve. For x < 0 it is 0, else x + L/A - L/B with A = Q(x+I)^P
 * + Z, B = Q(x-I)^P + Z.
 */
#include "curve_kind.h"

/* ---- problems ---- */

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

const char *dynamic_problem(struct arena *arena, const struct curve *curve)
{
    const double *parameter = curve->parameter;
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

/* ---- closed form ---- */

static double power(double x, int n)
{
    double result = 1;
    for (; n > 0; n >>= 1, x *= x)
        if (n & 1)
            result *= x;
    return result;
}

/* The parts that Dynamic and its derivatives are made of, at x >= 0: the powers (x+I)^P and
 * (x-I)^P, the denominators A and B, and half of the powers' difference, S = ((x+I)^P - (x-I)^P)/2
 * = sum over odd j of binomial(P, j) I^j x^(P-j), whose terms have one sign, so that nothing
 * cancels (P = 2: S = 2Ix); and its derivative. */
struct parts {
    double plus, minus, a, b, s, s_slope;
};

static struct parts parts_at(const double *parameter, double x)
{
    double q = parameter[DYNAMIC_Q], i = parameter[DYNAMIC_I], z = parameter[DYNAMIC_Z];
    int p = (int)parameter[DYNAMIC_P];
    struct parts parts = {.plus = power(x + i, p), .minus = power(x - i, p)};
    parts.a = q * parts.plus + z;
    parts.b = q * parts.minus + z;
    double coefficient = 1; /* binomial(p, j) i^j */
    for (int j = 1; j <= p; j++) {
        coefficient *= i * (p - j + 1) / j;
        if (j % 2 == 0)
            continue;
        parts.s += coefficient * power(x, p - j);
        if (j < p)
            parts.s_slope += coefficient * (p - j) * power(x, p - j - 1);
    }
    return parts;
}

/* f(x) - x and its derivative, for x >= 0. Brought to one, the two fractions are
 * L/A - L/B = -2LQ S/(AB). */
static double gap_to_identity(const double *parameter, double x, double *derivative)
{
    double l = parameter[DYNAMIC_L], q = parameter[DYNAMIC_Q], i = parameter[DYNAMIC_I];
    int p = (int)parameter[DYNAMIC_P];
    *derivative = 0;
    if (dynamic_is_relu(parameter))
        return 0;
    struct parts at = parts_at(parameter, x);
    double a_slope = q * p * power(x + i, p - 1), b_slope = q * p * power(x - i, p - 1);
    double gap = -2 * l * (q * at.s / at.a) / at.b;
    double slope =
        -2 * l * (q * at.s_slope / at.a) / at.b - gap * (a_slope / at.a + b_slope / at.b);
    if (!isfinite(gap)) /* the powers overflow: far out, where the fractions do not cancel */
        gap = l / at.a - l / at.b;
    if (isfinite(slope))
        *derivative = slope;
    return gap;
}

double dynamic_value(const struct curve *curve, double x)
{
    double unused;
    if (x < 0)
        return 0;
    return isinf(x) ? x : x + gap_to_identity(curve->parameter, x, &unused);
}

double dynamic_slope(const struct curve *curve, double x)
{
    double slope;
    if (x <= 0)
        return 0;
    gap_to_identity(curve->parameter, x, &slope);
    return 1 + slope;
}

/* With a = (x+I)^P, b = (x-I)^P, so that a - b = 2S:
 *     df/dL = 1/A - 1/B = -2Q S/(AB)
 *     df/dQ = L (b/B^2 - a/A^2) = 2L S (Q^2 ab - Z^2)/(AB)^2
 *     df/dI = -LQP ((x+I)^(P-1)/A^2 + (x-I)^(P-1)/B^2)
 *     df/dZ = L (1/B^2 - 1/A^2) = 2LQ S (A + B)/(AB)^2
 * P is a whole number and has none. */
void dynamic_parameter_slopes(const struct curve *curve, double x, double *slopes)
{
    const double *parameter = curve->parameter;
    double l = parameter[DYNAMIC_L], q = parameter[DYNAMIC_Q], i = parameter[DYNAMIC_I];
    double z = parameter[DYNAMIC_Z];
    int p = (int)parameter[DYNAMIC_P];
    if (!(x > 0) || isinf(x))
        return;
    struct parts at = parts_at(parameter, x);
    double share = 2 * at.s / at.a / at.b, qa = q * at.plus / at.a, qb = q * at.minus / at.b;
    slopes[DYNAMIC_L] = -q * share;
    slopes[DYNAMIC_Q] = l * share * (qa * qb - z / at.a * (z / at.b));
    slopes[DYNAMIC_I] =
        -l * q * p * (power(x + i, p - 1) / at.a / at.a + power(x - i, p - 1) / at.b / at.b);
    slopes[DYNAMIC_Z] = l * q * share * (1 / at.a + 1 / at.b);
    for (int k = 0; k < CURVE_PARAMETERS; k++)
        if (!isfinite(slopes[k])) /* far out, where powers overflow */
            slopes[k] = 0;
}

/* ---- for tables ---- */

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

/* P is even and Q, Z have one sign (dynamic_problem lets no other pass, but ReLU): the form of
 * gap_to_identity with numerator and denominators divided by Z. */
struct jet dynamic_residue(const struct curve *curve, int side, struct range x)
{
    const double *parameter = curve->parameter;
    if (side < 0 || dynamic_is_relu(parameter))
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

/* With c = |I|, q = Q/Z, r(t) = 1/(q t^P + 1) the distance is |L/Z| (r(x-c) - r(x+c)). For
 * u = q t^P, t^3 r''' = -P u ((P+1)(P+2) u^2 - 4(P^2-1) u + (P-1)(P-2)) / (1+u)^4. Where u is above
 * the larger root U of that quadratic (which is above (P-1)/(P+1), the zero of r''), r'' > 0 and
 * r''' < 0: r' rises and r'' falls, so distance and slope, whose derivatives are differences of r'
 * and of r'' taken 2c apart, shrink. x - c >= (U/q)^(1/P) suffices. */
double dynamic_falling_from(const struct curve *curve)
{
    const double *parameter = curve->parameter;
    if (dynamic_is_relu(parameter))
        return 0;
    double p = parameter[DYNAMIC_P], square = p * p - 1;
    double root = sqrt(4 * square * square - square * (p * p - 4));
    double u = (2 * square + root) / ((p + 1) * (p + 2));
    double t = pow(u * parameter[DYNAMIC_Z] / parameter[DYNAMIC_Q], 1 / p);
    return (fabs(parameter[DYNAMIC_I]) + t) * (1 + 1e-9);
}
