/*
 * optimizer: one pass over parameters, gradients and moments, bound by memory; the arithmetic of a
 * block is a plain loop that compilers turn into vectors (square roots need -fno-math-errno).
 */
#include <math.h>

#include "optimizer.h"
#include "thread.h"

/* Floats that a thread takes at a time; fixed, so that threads never change how a float is met. */
enum { BLOCK = 16384 };

static size_t at_most(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Clamp to +-LIMIT; a NaN stays one. */
static inline float clamp(float x, float limit)
{
    x = limit < x ? limit : x;
    return -limit > x ? -limit : x;
}

/* ---- stochastic gradient descent ---- */

struct sgd {
    float clip, decay, lr, momentum, fresh; /* fresh: 1 - dampening */
    bool nesterov;
};

static void sgd_plain(const struct sgd *s, float *restrict w, const float *restrict g, size_t count)
{
    const float clip = s->clip, decay = s->decay, lr = s->lr;
    for (size_t i = 0; i < count; i++)
        w[i] -= lr * (clamp(g[i], clip) + decay * w[i]);
}

static void sgd_momentum(const struct sgd *s, float *restrict w, const float *restrict g,
                         float *restrict velocity, size_t count)
{
    const float clip = s->clip, decay = s->decay, lr = s->lr, momentum = s->momentum;
    const float fresh = s->fresh, of_gradient = s->nesterov ? 1.0f : 0.0f;
    const float of_velocity = s->nesterov ? s->momentum : 1.0f;
    for (size_t i = 0; i < count; i++) {
        float gradient = clamp(g[i], clip) + decay * w[i];
        float v = momentum * velocity[i] + fresh * gradient;
        velocity[i] = v;
        w[i] -= lr * (of_gradient * gradient + of_velocity * v);
    }
}

/* PyTorch's velocity begins as the first gradient, undamped. */
static void sgd_step(const struct lathe_optimizer *o, const struct lathe_optimizer_step *step,
                     float *w, const float *g, float *velocity, size_t count)
{
    const struct sgd s = {
        .clip = o->clip_value > 0 ? (float)o->clip_value : INFINITY,
        .decay = (float)o->weight_decay,
        .lr = (float)step->lr,
        .momentum = (float)step->momentum,
        .fresh = step->t == 1 ? 1.0f : (float)(1.0 - o->dampening),
        .nesterov = o->nesterov,
    };
#pragma omp parallel
    {
        lathe_flush_denormals();
#pragma omp for schedule(static)
        for (size_t first = 0; first < count; first += BLOCK) {
            size_t block = at_most(BLOCK, count - first);
            if (velocity)
                sgd_momentum(&s, w + first, g + first, velocity + first, block);
            else
                sgd_plain(&s, w + first, g + first, block);
        }
    }
}

/* ---- Adam ---- */

struct adam {
    float clip, decay;
    float beta1, fresh1, beta2, fresh2; /* fresh: 1 - beta */
    float rate;                         /* lr / (1 - beta1^t) */
    float spread;                       /* 1 / sqrt(1 - beta2^t) */
    float eps;
};

static void adam_block(const struct adam *a, float *restrict w, const float *restrict g,
                       float *restrict first, float *restrict second, size_t count)
{
    const struct adam c = *a;
    for (size_t i = 0; i < count; i++) {
        float gradient = clamp(g[i], c.clip) + c.decay * w[i];
        float m = c.beta1 * first[i] + c.fresh1 * gradient;
        float v = c.beta2 * second[i] + c.fresh2 * (gradient * gradient);
        first[i] = m;
        second[i] = v;
        w[i] -= c.rate * m / (sqrtf(v) * c.spread + c.eps);
    }
}

static void adam_step(const struct lathe_optimizer *o, const struct lathe_optimizer_step *step,
                      float *w, const float *g, float *const moments[2], size_t count)
{
    double t = (double)step->t, beta1 = step->momentum;
    const struct adam a = {
        .clip = o->clip_value > 0 ? (float)o->clip_value : INFINITY,
        .decay = (float)o->weight_decay,
        .beta1 = (float)beta1,
        .fresh1 = (float)(1.0 - beta1),
        .beta2 = (float)o->beta2,
        .fresh2 = (float)(1.0 - o->beta2),
        .rate = (float)(step->lr / (1.0 - pow(beta1, t))),
        .spread = (float)(1.0 / sqrt(1.0 - pow(o->beta2, t))),
        .eps = (float)o->eps,
    };
#pragma omp parallel
    {
        lathe_flush_denormals();
#pragma omp for schedule(static)
        for (size_t first = 0; first < count; first += BLOCK)
            adam_block(&a, w + first, g + first, moments[0] + first, moments[1] + first,
                       at_most(BLOCK, count - first));
    }
}

int lathe_optimizer_moments(const struct lathe_training *training)
{
    if (training->optimizer.kind == LATHE_ADAM)
        return 2;
    const struct lathe_schedule *schedule = &training->schedule;
    bool cycled = schedule->kind == LATHE_ONECYCLE && schedule->cycle_momentum;
    return training->optimizer.momentum != 0 || cycled;
}

void lathe_optimizer_step(const struct lathe_optimizer *o, const struct lathe_optimizer_step *step,
                          float *parameters, const float *gradients, float *const moments[2],
                          size_t count)
{
    if (o->kind == LATHE_ADAM)
        adam_step(o, step, parameters, gradients, moments, count);
    else
        sgd_step(o, step, parameters, gradients, moments[0], count);
}

/* ---- schedules ---- */

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

double lathe_schedule_lr(const struct lathe_schedule *s, uint64_t step, uint64_t steps_per_epoch,
                         uint64_t total_steps, double *momentum)
{
    switch (s->kind) {
    case LATHE_ONECYCLE:
        return onecycle(s, (double)step, (double)total_steps, momentum);
    case LATHE_STEPS:
        return s->lr * pow(s->gamma, floor((double)step / (s->every * (double)steps_per_epoch)));
    case LATHE_FIXED:
        break;
    }
    return s->lr;
}
