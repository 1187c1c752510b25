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

/* Wait until threads that spin after their work, ours or another process's, have gone to sleep, as
 * they would take the processors that the next one measured needs: libgomp's spin for some
 * milliseconds, ONNX Runtime's for more than 20. 0.2 s at most, where other programs run. */
void wait_for_quiet(void);

/* Of COUNT values, which are sorted. */
double median(double *values, int count);

#endif
