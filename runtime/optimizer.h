/*
 * Optimizers, as torch.optim's, formula for formula.
 */
#ifndef LATHE_OPTIMIZER_H
#define LATHE_OPTIMIZER_H

#include "lathe.h"

/* Blocks of floats, each as long as the trainable parameters, that an optimizer may keep from step
 * to step. What is kept where:
 *
 *     SGD       velocity, -, -
 *     ADAGRAD   sum of squares, -, -
 *     RMSPROP   mean of squares, velocity, mean of gradients
 *     ADADELTA  mean of squares, mean of squared updates, -
 *     ADAM, ADAMW  mean of gradients, mean of squares, largest mean of squares
 */
enum { LATHE_MOMENTS = 3 };

/* Whether TRAINING needs moment ROLE, 0 .. LATHE_MOMENTS - 1: a velocity, where the optimizer has a
 * momentum or the schedule brings it; the last ones with centered and amsgrad. */
bool lathe_optimizer_keeps(const struct lathe_training *training, int role);

/* What COUNT fresh floats of a moment that is kept begin as: zeros, but for ADAGRAD. */
void lathe_optimizer_begin(const struct lathe_optimizer *optimizer, float *moment, size_t count);

/* What schedules may cycle: the momentum, Adam's beta1; 0 where there is neither. */
double lathe_optimizer_momentum(const struct lathe_optimizer *optimizer);

/* What changes from step to step. */
struct lathe_optimizer_step {
    uint64_t t; /* 1 for the first step */
    double lr;
    double momentum; /* see lathe_optimizer_momentum */
};

/* One step over COUNT floats: PARAMETERS, their GRADIENTS and the MOMENTS that are kept (the others
 * NULL), all aligned to 64 bytes, none overlapping. The same bits for any number of threads. A
 * parameter of 0 with a gradient of 0 stays 0 (the padding of packed layouts). The norm of
 * clip_norm is of all COUNT gradients together, as torch.nn.utils.clip_grad_norm_ has it.
 *
 * SGD: Sutskever et al. (2013) as PyTorch has it; ADAGRAD: Duchi et al. (2011); RMSPROP: Hinton's
 * lecture 6e (2012), centered as Graves (2013) has it; ADADELTA: Zeiler (2012); ADAM: Kingma and Ba
 * (2015), algorithm 1, amsgrad of Reddi et al. (2018); ADAMW: Loshchilov and Hutter (2019). */
void lathe_optimizer_step(const struct lathe_optimizer *optimizer,
                          const struct lathe_optimizer_step *step, float *parameters,
                          const float *gradients, float *const moments[LATHE_MOMENTS],
                          size_t count);

#endif
