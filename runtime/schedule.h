/*
 * Learning rates: what each step of a run has.
 */
#ifndef LATHE_SCHEDULE_H
#define LATHE_SCHEDULE_H

#include "lathe.h"

/* The learning rate of the step that STEP steps went before, of TOTAL_STEPS. *MOMENTUM becomes the
 * cycled momentum where SCHEDULE cycles it and stays as it is elsewhere.
 *
 * With W steps of warm-up (epochs * STEPS_PER_EPOCH, a part of a step is one), step i < W has (i +
 * 1) / W of the schedule's first rate, and the schedule begins with the last of these steps.
 * ONECYCLE: the first step has lr / div_factor, the last lr / div_factor / final_div_factor.
 * COSINE: as CosineAnnealingLR(T_max = all steps), moved on every step. PLATEAU: lr as it stands.
 */
double lathe_schedule_lr(const struct lathe_schedule *schedule, uint64_t step,
                         uint64_t steps_per_epoch, uint64_t total_steps, double *momentum);

/* Whether the rates of a run depend on how many epochs it has. */
bool lathe_schedule_has_end(const struct lathe_schedule *schedule);

/* Where a plateau schedule stands. */
struct lathe_plateau {
    double lr;        /* begins as the schedule's */
    double best;      /* lowest loss; begins as INFINITY */
    uint64_t bad;     /* epochs since */
    uint64_t cooling; /* epochs that are still not counted */
};

struct lathe_plateau lathe_plateau_new(const struct lathe_schedule *schedule);

/* An epoch ended with the validation loss LOSS: as torch.optim.lr_scheduler.ReduceLROnPlateau (mode
 * min, threshold rel, eps 1e-8). */
void lathe_plateau_step(const struct lathe_schedule *schedule, struct lathe_plateau *plateau,
                        double loss);

#endif
