/* schedule: learning rates, step by step. See schedule.h. */
#include <math.h>

#include "schedule.h"

/* Half a cosine from FROM (share 0) to TO (share 1). */
static double anneal(double from, double to, double share)
{
    return to + (from - to) / 2.0 * (cos(3.14159265358979323846 * share) + 1.0);
}

/* Smith and Topin, "Super-convergence" (2018), in PyTorch's two phases: they end at steps
 * pct_start * total - 1 and total - 1, which need not be whole. A phase of no length (but for what
 * a fused multiply-add leaves of it) is skipped. */
static double onecycle(const struct lathe_schedule *s, double step, double total, double *momentum)
{
    const double nothing = 1e-9;
    double first = s->lr / s->div_factor, last = first / s->final_div_factor;
    double peak = s->pct_start * total - 1.0, end = total - 1.0;
    bool rising = step <= peak && peak > nothing;
    double share = rising ? step / peak : end - peak > nothing ? (step - peak) / (end - peak) : 1.0;
    if (s->cycle_momentum)
        *momentum = rising ? anneal(s->max_momentum, s->base_momentum, share)
                           : anneal(s->base_momentum, s->max_momentum, share);
    return rising ? anneal(first, s->lr, share) : anneal(s->lr, last, share);
}

/* The rate of step STEP of TOTAL without warm-up. */
static double rate(const struct lathe_schedule *s, uint64_t step, uint64_t steps_per_epoch,
                   uint64_t total, double *momentum)
{
    double epoch = (double)(step / steps_per_epoch);
    switch (s->kind) {
    case LATHE_ONECYCLE:
        return onecycle(s, (double)step, (double)total, momentum);
    case LATHE_STEPS:
        return s->lr * pow(s->gamma, floor((double)step / (s->every * (double)steps_per_epoch)));
    case LATHE_EXPONENTIAL:
        return s->lr * exp(-s->k * epoch);
    case LATHE_INVERSE:
        return s->lr / (1.0 + s->k * epoch);
    case LATHE_COSINE:
        return anneal(s->lr, s->min, (double)step / (double)total);
    case LATHE_FIXED:
    case LATHE_PLATEAU:
        break;
    }
    return s->lr;
}

double lathe_schedule_lr(const struct lathe_schedule *s, uint64_t step, uint64_t steps_per_epoch,
                         uint64_t total_steps, double *momentum)
{
    double rise = ceil(s->warmup * (double)steps_per_epoch);
    uint64_t before = rise > 1 ? (uint64_t)rise - 1 : 0; /* steps below the first rate */
    uint64_t left = total_steps > before ? total_steps - before : 1;
    if (step >= before)
        return rate(s, step - before, steps_per_epoch, left, momentum);
    return rate(s, 0, steps_per_epoch, left, momentum) * (double)(step + 1) / rise;
}

bool lathe_schedule_has_end(const struct lathe_schedule *s)
{
    return s->kind == LATHE_ONECYCLE || s->kind == LATHE_COSINE;
}

struct lathe_plateau lathe_plateau_new(const struct lathe_schedule *s)
{
    return (struct lathe_plateau){.lr = s->lr, .best = INFINITY};
}

void lathe_plateau_step(const struct lathe_schedule *s, struct lathe_plateau *p, double loss)
{
    const double least_change = 1e-8; /* PyTorch's eps */
    if (loss < p->best * (1.0 - s->threshold)) {
        p->best = loss;
        p->bad = 0;
    } else {
        p->bad++;
    }
    if (p->cooling > 0) {
        p->cooling--;
        p->bad = 0;
    }
    if (p->bad <= (uint64_t)s->patience)
        return;
    double lower = fmax(p->lr * s->factor, s->min);
    if (p->lr - lower > least_change)
        p->lr = lower;
    p->cooling = (uint64_t)s->cooldown;
    p->bad = 0;
}
