/*
 * statistics: mean and deviation, and Student's test of paired differences. Floor 0.
 */
#ifndef LATHE_STATISTICS_H
#define LATHE_STATISTICS_H

/* Mean of the COUNT numbers (NaN of none) and, into *DEVIATION, their standard deviation (of a
 * sample: count - 1; NaN for one). */
double mean_of(const double *numbers, int count, double *deviation);

/* The probability that a variable of Student's t distribution with DEGREES > 0 of freedom lies
 * further from 0 than T, on either side. */
double student_tail(double t, double degrees);

/* The t > 0 with student_tail(t, DEGREES) = P, 0 < P < 1. */
double student_quantile(double p, double degrees);

/* What COUNT differences say of their mean being 0 (a paired t-test): the mean, its 95 % interval,
 * and the probability of a mean so far from 0 by chance. One difference, or none, says nothing:
 * low, high and p are NaN. Where all differences are the same, the interval is that number, and p
 * is 0, or 1 where it is 0. */
struct paired_test {
    int count;
    double mean, low, high, p;
};
struct paired_test paired_test(const double *differences, int count);

#endif
