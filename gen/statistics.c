/* statistics: see statistics.h. */
#include "statistics.h"

#include <float.h>
#include <math.h>

double mean_of(const double *numbers, int count, double *deviation)
{
    double sum = 0, squares = 0;
    for (int i = 0; i < count; i++)
        sum += numbers[i];
    double mean = count ? sum / count : (double)NAN;
    for (int i = 0; i < count; i++)
        squares += (numbers[i] - mean) * (numbers[i] - mean);
    *deviation = count > 1 ? sqrt(squares / (count - 1)) : (double)NAN;
    return mean;
}

/* The continued fraction of the incomplete beta function (DLMF 8.17.22), summed by the modified
 * Lentz method; it converges fast for x < (a + 1) / (a + b + 2). */
static double beta_fraction(double a, double b, double x)
{
    const double tiny = 1e-300;
    double c = 1, d = 1 - (a + b) * x / (a + 1);
    d = 1 / (fabs(d) < tiny ? tiny : d);
    double fraction = d;
    for (int m = 1; m <= 1000; m++) {
        const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        double factor = 1;
        for (int part = 0; part < 2; part++) {
            const double term = part ? odd : even;
            d = 1 + term * d;
            c = 1 + term / c;
            d = 1 / (fabs(d) < tiny ? tiny : d);
            c = fabs(c) < tiny ? tiny : c;
            factor = c * d;
            fraction *= factor;
        }
        if (fabs(factor - 1) < 4 * DBL_EPSILON)
            break;
    }
    return fraction;
}

/* The regularised incomplete beta function I_x(a, b), where COMPLEMENT is 1 - x. */
static double incomplete_beta(double a, double b, double x, double complement)
{
    if (x <= 0 || complement <= 0)
        return x <= 0 ? 0 : 1;
    double scale = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log(complement));
    return x < (a + 1) / (a + b + 2) ? scale * beta_fraction(a, b, x) / a
                                     : 1 - scale * beta_fraction(b, a, complement) / b;
}

double student_tail(double t, double degrees)
{
    double whole = degrees + t * t;
    return incomplete_beta(degrees / 2, 0.5, degrees / whole, t * t / whole);
}

double student_quantile(double p, double degrees)
{
    double low = 0, high = 1;
    while (student_tail(high, degrees) > p)
        high *= 2;
    for (int i = 0; i < 200 && low < high; i++) { /* halving: the tail falls all the way */
        double middle = low + (high - low) / 2;
        *(student_tail(middle, degrees) > p ? &low : &high) = middle;
    }
    return high;
}

struct paired_test paired_test(const double *differences, int count)
{
    double deviation;
    struct paired_test test = {.count = count, .low = NAN, .high = NAN, .p = NAN};
    test.mean = mean_of(differences, count, &deviation);
    if (count < 2)
        return test;
    double error = deviation / sqrt(count);
    double half = student_quantile(0.05, count - 1) * error;
    test.low = test.mean - half;
    test.high = test.mean + half;
    test.p = error > 0 ? student_tail(test.mean / error, count - 1) : test.mean == 0;
    return test;
}
