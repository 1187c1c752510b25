/*
 * Optimizers and learning-rate schedules, as torch.optim's, formula for formula.
 */
#ifndef LATHE_OPTIMIZER_H
#define LATHE_OPTIMIZER_H

#include "lathe.h"

/* How many blocks of moments training keeps beside the parameters: 0, 1 (momentum, also where only
 * the schedule brings it) or 2 (Adam). They begin as zeros. */
int lathe_optimizer_moments(const struct lathe_training *training);

/* What changes from step to step. */
struct lathe_optimizer_step {
    uint64_t t; /* 1 for the first step */
    double lr;
    double momentum; /* SGD's momentum, Adam's beta1: schedules may cycle it */
};

/* One step over COUNT floats: PARAMETERS, their GRADIENTS and as many MOMENTS as OPTIMIZER keeps
 * (the others NULL), all aligned to 64 bytes, none overlapping. The same bits for any number of
 * threads. SGD: Sutskever et al. (2013) as PyTorch has it; Adam: Kingma and Ba (2015), algorithm 1.
 */
void lathe_optimizer_step(const struct lathe_optimizer *optimizer,
                          const struct lathe_optimizer_step *step, float *parameters,
                          const float *gradients, float *const moments[2], size_t count);

/* The learning rate of the step that STEP steps went before. *MOMENTUM becomes the cycled momentum
 * where SCHEDULE cycles it and stays as it is elsewhere. The first step of ONECYCLE has lr /
 * div_factor, the last lr / div_factor / final_div_factor. */
double lathe_schedule_lr(const struct lathe_schedule *schedule, uint64_t step,
                         uint64_t steps_per_epoch, uint64_t total_steps, double *momentum);

#endif
