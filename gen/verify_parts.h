/*
 * verify_parts: what the three comparisons of verify share.
 */
#ifndef LATHE_VERIFY_PARTS_H
#define LATHE_VERIFY_PARTS_H

#include "interp.h"
#include "verify.h"

/* ---- sampling: verify_trial.c ---- */

/* What a comparison runs on. */
struct trial {
    struct arena *arena; /* of all that follows */
    const struct graph *graph;
    uint64_t seed;
    int count;
    float **weights; /* logical, in interp_parameters' order */
    struct lathe_batch batch;
};

/* Weights and data keyed by SEED, COUNT samples, in an arena that trial_drop frees. */
struct trial *trial_draw(const struct graph *graph, uint64_t seed, int count);
void trial_drop(struct trial *trial);
/* An interpreter of the trial's graph with the trial's weights. */
struct interp *trial_start(const struct trial *trial, enum precision precision, bool training);
/* The INDEX-th number of stream A, uniform in (-1, 1). Streams from TRIAL_STREAMS on are free. */
double trial_uniform(uint64_t seed, uint32_t a, size_t index);
enum { TRIAL_STREAMS = 1 << 21 };

/* ---- tables and errors: verify.c ---- */

/* What a node changes: its outputs, and batchnorm's running statistics, which it moves in place. */
struct changes {
    const struct tensor **tensors;
    double **magnitudes; /* parallel: see find_magnitudes */
    int count;
};

/* A heading like "float kernels against double (batch 4)". */
void verify_heading(struct text *out, const char *title, int batch);
bool verify_row(struct text *out, const char *name, const struct tensor *tensor, double error,
                double bound);
/* Relative L2 error of MEASURED. Its scale is the norm of REFERENCE; where the sums behind it
 * cancel (MAGNITUDES: of their terms' absolute values; or NULL), no less than what BOUND has to be
 * relative to so that rounding single terms, 6e-8 each, is allowed. */
double relative_error(const double *measured, const double *reference, const double *magnitudes,
                      size_t count, double bound);
struct changes changes_of(const struct node *node, bool training);
/* Place of TENSOR among NODE's outputs; 0 for what it moves in place. */
int output_index(const struct node *node, const struct tensor *tensor);
/* The magnitudes of what NODE changes, run on INTERP's (double) inputs, which keep their values: an
 * array a change; NULLs where the operator needs none. */
void find_magnitudes(const struct node *node, const struct interp *interp,
                     const struct changes *changes);
void free_changes(const struct changes *changes);

#endif
