/*
 * optimizer: one pass over parameters, gradients and moments, bound by memory; the arithmetic of a
 * block is a plain loop that compilers turn into vectors (square roots need -fno-math-errno).
 *
 * An optimizer is a row of the table at the end: which moments it keeps, the numbers of a step, and
 * the step over a block of floats.
 */
#include <math.h>

#include "optimizer.h"
#include "thread.h"

/* Floats that a thread takes at a time; fixed, so that threads never change how a float is met. */
enum { BLOCK = 16384 };

/* The numbers of one step, as floats; what an optimizer does not need is 0. */
struct numbers {
    float clip, scale, decay, l1; /* of the gradient, see the_gradient */
    float lr, eps;
    float momentum;                 /* SGD, RMSPROP */
    float fresh;                    /* SGD: 1 - dampening, 1 in the first step */
    float of_gradient, of_velocity; /* SGD: what the update is a sum of */
    float keep1, fresh1;            /* of a running mean: new = keep * old + fresh * x */
    float keep2, fresh2;
    float spread; /* ADAM: 1 / sqrt(1 - beta2^t) */
    float shrink; /* ADAMW: 1 - lr * weight_decay; else 1 */
};

typedef void block_step(const struct numbers *n, float *restrict w, const float *restrict g,
                        float *restrict const *moments, size_t count);

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

/* The gradient G of the parameter W after clipping and with what decays W. */
static inline float the_gradient(const struct numbers *n, float g, float w)
{
    float sign = (float)((w > 0) - (w < 0));
    return clamp(g, n->clip) * n->scale + n->decay * w + n->l1 * sign;
}

/* ---- stochastic gradient descent ---- */

/* PyTorch's velocity begins as the first gradient, undamped. */
static void sgd_numbers(const struct lathe_optimizer *o, const struct lathe_optimizer_step *step,
                        struct numbers *n)
{
    n->momentum = (float)step->momentum;
    n->fresh = step->t == 1 ? 1.0f : (float)(1.0 - o->dampening);
    n->of_gradient = o->nesterov ? 1.0f : 0.0f;
    n->of_velocity = o->nesterov ? n->momentum : 1.0f;
}

static void sgd_block(const struct numbers *numbers, float *restrict w, const float *restrict g,
                      float *restrict const *moments, size_t count)
{
    const struct numbers n = *numbers;
    float *restrict velocity = moments[0];
    if (!velocity) {
        for (size_t i = 0; i < count; i++)
            w[i] -= n.lr * the_gradient(&n, g[i], w[i]);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        float gradient = the_gradient(&n, g[i], w[i]);
        float v = n.momentum * velocity[i] + n.fresh * gradient;
        velocity[i] = v;
        w[i] -= n.lr * (n.of_gradient * gradient + n.of_velocity * v);
    }
}

/* ---- AdaGrad ---- */

static void adagrad_numbers(const struct lathe_optimizer *o,
                            const struct lathe_optimizer_step *step, struct numbers *n)
{
    n->lr = (float)(step->lr / (1.0 + (double)(step->t - 1) * o->lr_decay));
}

static void adagrad_block(const struct numbers *numbers, float *restrict w, const float *restrict g,
                          float *restrict const *moments, size_t count)
{
    const struct numbers n = *numbers;
    float *restrict squares = moments[0];
    for (size_t i = 0; i < count; i++) {
        float gradient = the_gradient(&n, g[i], w[i]);
        float sum = squares[i] + gradient * gradient;
        squares[i] = sum;
        w[i] -= n.lr * gradient / (sqrtf(sum) + n.eps);
    }
}

/* ---- RMSprop ---- */

static void rmsprop_numbers(const struct lathe_optimizer *o,
                            const struct lathe_optimizer_step *step, struct numbers *n)
{
    n->keep2 = (float)o->alpha;
    n->fresh2 = (float)(1.0 - o->alpha);
    n->momentum = (float)step->momentum;
}

/* With CENTERED the mean of squares loses the square of the mean: a variance, which rounding must
 * not make negative. */
static inline void rmsprop_loop(struct numbers n, float *restrict w, const float *restrict g,
                                float *restrict squares, float *restrict velocity,
                                float *restrict mean, size_t count, const bool moving,
                                const bool centered)
{
    for (size_t i = 0; i < count; i++) {
        float gradient = the_gradient(&n, g[i], w[i]);
        float square = n.keep2 * squares[i] + n.fresh2 * (gradient * gradient);
        squares[i] = square;
        if (centered) {
            mean[i] = n.keep2 * mean[i] + n.fresh2 * gradient;
            square -= mean[i] * mean[i];
            square = square < 0 ? 0 : square;
        }
        float update = gradient / (sqrtf(square) + n.eps);
        if (moving)
            update = velocity[i] = n.momentum * velocity[i] + update;
        w[i] -= n.lr * update;
    }
}

static void rmsprop_block(const struct numbers *n, float *restrict w, const float *restrict g,
                          float *restrict const *moments, size_t count)
{
    if (moments[1] && moments[2])
        rmsprop_loop(*n, w, g, moments[0], moments[1], moments[2], count, true, true);
    else if (moments[1])
        rmsprop_loop(*n, w, g, moments[0], moments[1], NULL, count, true, false);
    else if (moments[2])
        rmsprop_loop(*n, w, g, moments[0], NULL, moments[2], count, false, true);
    else
        rmsprop_loop(*n, w, g, moments[0], NULL, NULL, count, false, false);
}

/* ---- AdaDelta ---- */

static void adadelta_numbers(const struct lathe_optimizer *o,
                             const struct lathe_optimizer_step *step, struct numbers *n)
{
    (void)step;
    n->keep2 = (float)o->rho;
    n->fresh2 = (float)(1.0 - o->rho);
}

static void adadelta_block(const struct numbers *numbers, float *restrict w,
                           const float *restrict g, float *restrict const *moments, size_t count)
{
    const struct numbers n = *numbers;
    float *restrict squares = moments[0], *restrict updates = moments[1];
    for (size_t i = 0; i < count; i++) {
        float gradient = the_gradient(&n, g[i], w[i]);
        float square = n.keep2 * squares[i] + n.fresh2 * (gradient * gradient);
        float update = sqrtf(updates[i] + n.eps) / sqrtf(square + n.eps) * gradient;
        squares[i] = square;
        updates[i] = n.keep2 * updates[i] + n.fresh2 * (update * update);
        w[i] -= n.lr * update;
    }
}

/* ---- Adam ---- */

static void adam_numbers(const struct lathe_optimizer *o, const struct lathe_optimizer_step *step,
                         struct numbers *n)
{
    double t = (double)step->t, beta1 = step->momentum;
    n->keep1 = (float)beta1;
    n->fresh1 = (float)(1.0 - beta1);
    n->keep2 = (float)o->beta2;
    n->fresh2 = (float)(1.0 - o->beta2);
    n->lr = (float)(step->lr / (1.0 - pow(beta1, t)));
    n->spread = (float)(1.0 / sqrt(1.0 - pow(o->beta2, t)));
    if (o->kind == LATHE_ADAMW) {
        n->decay = 0;
        n->shrink = (float)(1.0 - step->lr * o->weight_decay);
    }
}

static inline void adam_loop(struct numbers n, float *restrict w, const float *restrict g,
                             float *restrict first, float *restrict second, float *restrict largest,
                             size_t count, const bool amsgrad)
{
    for (size_t i = 0; i < count; i++) {
        float gradient = the_gradient(&n, g[i], w[i]);
        float m = n.keep1 * first[i] + n.fresh1 * gradient;
        float v = n.keep2 * second[i] + n.fresh2 * (gradient * gradient);
        first[i] = m;
        second[i] = v;
        if (amsgrad)
            v = largest[i] = largest[i] > v ? largest[i] : v;
        w[i] = w[i] * n.shrink - n.lr * m / (sqrtf(v) * n.spread + n.eps);
    }
}

static void adam_block(const struct numbers *n, float *restrict w, const float *restrict g,
                       float *restrict const *moments, size_t count)
{
    if (moments[2])
        adam_loop(*n, w, g, moments[0], moments[1], moments[2], count, true);
    else
        adam_loop(*n, w, g, moments[0], moments[1], NULL, count, false);
}

/* ---- the table ---- */

/* When a moment is kept. */
enum keep { NEVER, ALWAYS, MOVING, CENTERED, AMSGRAD };

static const struct optimizer {
    enum keep moments[LATHE_MOMENTS];
    void (*numbers)(const struct lathe_optimizer *o, const struct lathe_optimizer_step *step,
                    struct numbers *n);
    block_step *block;
} optimizers[] = {
    [LATHE_SGD] = {{MOVING, NEVER, NEVER}, sgd_numbers, sgd_block},
    [LATHE_ADAGRAD] = {{ALWAYS, NEVER, NEVER}, adagrad_numbers, adagrad_block},
    [LATHE_RMSPROP] = {{ALWAYS, MOVING, CENTERED}, rmsprop_numbers, rmsprop_block},
    [LATHE_ADADELTA] = {{ALWAYS, ALWAYS, NEVER}, adadelta_numbers, adadelta_block},
    [LATHE_ADAM] = {{ALWAYS, ALWAYS, AMSGRAD}, adam_numbers, adam_block},
    [LATHE_ADAMW] = {{ALWAYS, ALWAYS, AMSGRAD}, adam_numbers, adam_block},
};

bool lathe_optimizer_keeps(const struct lathe_training *training, int role)
{
    const struct lathe_optimizer *o = &training->optimizer;
    const struct lathe_schedule *s = &training->schedule;
    switch (optimizers[o->kind].moments[role]) {
    case NEVER:
        return false;
    case ALWAYS:
        return true;
    case MOVING:
        return o->momentum != 0 || (s->kind == LATHE_ONECYCLE && s->cycle_momentum);
    case CENTERED:
        return o->centered;
    case AMSGRAD:
        return o->amsgrad;
    }
    return false;
}

void lathe_optimizer_begin(const struct lathe_optimizer *o, float *moment, size_t count)
{
    for (size_t i = 0; i < count; i++)
        moment[i] = o->kind == LATHE_ADAGRAD ? (float)o->initial_accumulator : 0;
}

double lathe_optimizer_momentum(const struct lathe_optimizer *o)
{
    return o->kind == LATHE_ADAM || o->kind == LATHE_ADAMW ? o->beta1 : o->momentum;
}

/* ---- a step ---- */

/* Sum of the squares of G, clamped to +-CLIP. */
static double sum_of_squares(const float *g, float clip, size_t count)
{
    enum { LANES = 8 };
    double lanes[LANES] = {0}, sum = 0;
    size_t whole = count / LANES * LANES;
    for (size_t i = 0; i < whole; i += LANES)
        for (size_t j = 0; j < LANES; j++) {
            double x = (double)clamp(g[i + j], clip);
            lanes[j] += x * x;
        }
    for (size_t i = whole; i < count; i++)
        lanes[i - whole] += (double)clamp(g[i], clip) * (double)clamp(g[i], clip);
    for (size_t j = 0; j < LANES; j++)
        sum += lanes[j];
    return sum;
}

/* The norm of G, clamped to +-CLIP. Its sums are of shares that do not depend on the threads, added
 * in their order. */
static double norm(const float *g, float clip, size_t count)
{
    enum { SHARES = 256 };
    double sums[SHARES], sum = 0;
    size_t share = (count + SHARES - 1) / SHARES;
    struct lathe_team team = {0};
#pragma omp parallel
    {
        lathe_begin(&team);
#pragma omp for nowait schedule(static)
        for (size_t i = 0; i < SHARES; i++) {
            size_t first = at_most(i * share, count);
            sums[i] = sum_of_squares(g + first, clip, at_most(share, count - first));
        }
        lathe_meet();
    }
    for (size_t i = 0; i < SHARES; i++)
        sum += sums[i];
    return sqrt(sum);
}

void lathe_optimizer_step(const struct lathe_optimizer *o, const struct lathe_optimizer_step *step,
                          float *parameters, const float *gradients,
                          float *const moments[LATHE_MOMENTS], size_t count)
{
    struct numbers numbers = {
        .clip = o->clip_value > 0 ? (float)o->clip_value : INFINITY,
        .scale = 1,
        .decay = (float)o->weight_decay,
        .l1 = (float)o->l1,
        .lr = (float)step->lr,
        .eps = (float)o->eps,
        .shrink = 1,
    };
    if (o->clip_norm > 0) {
        double scale = o->clip_norm / (norm(gradients, numbers.clip, count) + 1e-6);
        numbers.scale = scale > 1 ? 1 : (float)scale; /* a NaN stays one */
    }
    optimizers[o->kind].numbers(o, step, &numbers);
    struct lathe_team team = {0};
#pragma omp parallel
    {
        lathe_begin(&team);
#pragma omp for nowait schedule(static)
        for (size_t first = 0; first < count; first += BLOCK) {
            float *block[LATHE_MOMENTS];
            for (int role = 0; role < LATHE_MOMENTS; role++)
                block[role] = moments[role] ? moments[role] + first : NULL;
            optimizers[o->kind].block(&numbers, parameters + first, gradients + first, block,
                                      at_most(BLOCK, count - first));
        }
        lathe_meet();
    }
}
