/*
 * What generated programs call once a step or once a load: sums of losses, and batch norm folded
 * into the layer before it.
 */
#ifndef LATHE_FOLD_H
#define LATHE_FOLD_H

#include "lathe.h"

/* result: the mean of the samples' losses and the number of correct ones, in their order. */
void lathe_sum_losses(const float *loss, const float *correct, int count,
                      struct lathe_step_result *result);

/*
 * Fold parameter WEIGHT (with BIAS and the batchnorm whose gamma is parameter NORM, beta, running
 * mean and variance behind it; -1: none) and pack it:
 *
 *   weight * gamma / sqrt(var + eps),   (bias - mean) * gamma / sqrt(var + eps) + beta
 */
void lathe_fold(const struct lathe_parameter *parameters, const float *const *logical, int weight,
                int bias, int norm, double eps, float *packed, float *packed_bias);

/* mean, scale = gamma / sqrt(var + eps) and beta of a batchnorm that stays on its own. */
void lathe_affine(const struct lathe_parameter *parameters, const float *const *logical, int norm,
                  double eps, float *mean, float *scale, float *beta);

#endif
