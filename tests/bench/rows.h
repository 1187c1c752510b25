/*
 * rows: the lines of the table.
 */
#ifndef BENCH_ROWS_H
#define BENCH_ROWS_H

#include <stdbool.h>

enum { MOST_ROUNDS = 31 };

/* Ours beside one peer. */
struct row {
    const char *name, *task; /* "resnet9 relu", "train" */
    int batch;
    const char *peer, *variant; /* NULL: ours alone */
    bool memory;                /* the numbers are bytes; else seconds a run */
    double ours[MOST_ROUNDS], theirs[MOST_ROUNDS];
    int rounds;
    double difference; /* of the outputs, relative L2; NAN: not compared */
    double flops;      /* of a run; 0: not known */
    double peak;       /* FMA, GFLOP/s, beside it; 0: not known */
};

void print_head(bool json);
void print_row(const struct row *row, bool json);

/* What the machine did in COUNT measurements, GFLOP/s and GB/s; both are sorted. */
void print_machine(double *peaks, double *bandwidths, int count, int threads, bool json);
/* A peer that is not there, and why. */
void print_missing(const char *peer, const char *why, bool json);
/* A case that could not be run. */
void print_failed(const char *name, const char *task, int batch, const char *peer, const char *why,
                  bool json);

#endif
