/*
 * curves: what it takes to find the value and the slope of a table.
 */
#ifndef BENCH_CURVES_H
#define BENCH_CURVES_H

/* Nanoseconds a vector, of numbers in the first-level cache, of each way that generated kernels
 * have (templates/curve.c.t), by turns, medians, for tables of 2 to 32 pieces; then the line of
 * gen/emit_calls.c's `findings` that these make. Of this machine and the lanes that it has. */
void bench_curves(void);

#endif
