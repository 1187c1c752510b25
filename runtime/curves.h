/*
 * Parameters that shape curves, among those of a model: ones that several nodes share, and steps
 * that fit their size.
 */
#ifndef LATHE_CURVES_H
#define LATHE_CURVES_H

#include "lathe.h"
#include "optimizer.h"

/* Give all parameters of a tie the sum of their gradients, added up in MODEL's order, so that an
 * optimizer moves them alike. GRADIENTS: as a step leaves them. */
void lathe_tie_gradients(const struct lathe_model *model, float *gradients);

/* A training step of MODEL's STATE like lathe_optimizer_step, but that parameters w with a unit u
 * move on the scale of asinh(w / u), relative to their size where they are large: at TRAINING's
 * curve_lr times the rate, without decay, L1 or clipping. With a curve_lr of 0 they are parameters
 * as all others. */
void lathe_model_step(const struct lathe_model *model, const struct lathe_training *training,
                      const struct lathe_optimizer_step *step, float *state, float *gradients,
                      float *const *moments);

#endif
