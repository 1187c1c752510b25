/*
 * curve_range: interval arithmetic for proven bounds, each result widened by more than it was
 * rounded, and jets: all values that a function and its first two derivatives take on a range.
 */
#ifndef LATHE_CURVE_RANGE_H
#define LATHE_CURVE_RANGE_H

#include <float.h>
#include <math.h>

struct range {
    double low, high;
};

static const struct range everything = {-INFINITY, INFINITY};

static inline struct range widened(double low, double high)
{
    low -= 2 * DBL_EPSILON * fabs(low) + DBL_MIN;
    high += 2 * DBL_EPSILON * fabs(high) + DBL_MIN;
    return isfinite(low) && isfinite(high) ? (struct range){low, high} : everything;
}

static inline struct range exactly(double x)
{
    return (struct range){x, x};
}

static inline struct range range_negate(struct range a)
{
    return (struct range){-a.high, -a.low};
}

static inline struct range range_add(struct range a, struct range b)
{
    return widened(a.low + b.low, a.high + b.high);
}

static inline struct range range_subtract(struct range a, struct range b)
{
    return widened(a.low - b.high, a.high - b.low);
}

static inline struct range range_multiply(struct range a, struct range b)
{
    double ll = a.low * b.low, lh = a.low * b.high, hl = a.high * b.low, hh = a.high * b.high;
    if (!isfinite(ll + lh + hl + hh))
        return everything;
    return widened(fmin(fmin(ll, lh), fmin(hl, hh)), fmax(fmax(ll, lh), fmax(hl, hh)));
}

/* A / B for a B that does not reach 0. */
static inline struct range range_divide(struct range a, struct range b)
{
    if (b.low <= 0 && b.high >= 0)
        return everything;
    return range_multiply(a, widened(1 / b.high, 1 / b.low));
}

static inline struct range range_scale(double factor, struct range a)
{
    return range_multiply(exactly(factor), a);
}

static inline struct range range_power(struct range x, int n)
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

static inline double range_magnitude(struct range a)
{
    return fmax(-a.low, a.high);
}

struct jet {
    struct range value, slope, bend;
};

#endif
