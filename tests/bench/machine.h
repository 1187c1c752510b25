/*
 * machine: what the machine itself can do, measured beside what runs on it.
 */
#ifndef BENCH_MACHINE_H
#define BENCH_MACHINE_H

/* GFLOP/s of multiply-adds in registers, all threads together. */
double measure_peak(void);

/* GB/s of a[i] = b[i] + s * c[i] over three arrays of 64 MiB, all threads together: 12 bytes an
 * element, as STREAM's triad counts (McCalpin 1995); what a store reads before it writes is not
 * counted. The first call also makes the arrays. */
double measure_bandwidth(void);

double now(void); /* seconds */

/* Wait until threads that spin after a parallel loop, ours or another process's, have gone to
 * sleep: libgomp's do so for some milliseconds, on the processors that the next one measured needs.
 */
void wait_for_quiet(void);

/* Of COUNT values, which are sorted. */
double median(double *values, int count);

#endif
