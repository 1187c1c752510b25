/*
 * curves: see curves.h. A rate that suits weights suits no curve: Dynamic's L is 1 to 50, its Q
 * 0.01 to 10, and weight decay would pull them to 0, which is ReLU. On the scale t = asinh(w / u) a
 * step of t is a share of w where |w| > u, and w may pass through 0. With w = u sinh(t), dw/dt =
 * sqrt(u^2 + w^2).
 */
#include <math.h>
#include <stdlib.h>

#include "curves.h"

/* ---- ties ---- */

/* All from the parameter FIRST on that are of its tie: add up, or take the sum. */
static void tie_from(const struct lathe_model *model, int first, float *gradients)
{
    const struct lathe_parameter *p = &model->parameters[first];
    for (size_t i = 0; i < lathe_parameter_floats(p); i++) {
        double sum = 0;
        for (int k = first; k < model->parameter_count; k++)
            if (model->parameters[k].tie == p->tie)
                sum += (double)gradients[model->parameters[k].offset + i];
        for (int k = first; k < model->parameter_count; k++)
            if (model->parameters[k].tie == p->tie)
                gradients[model->parameters[k].offset + i] = (float)sum;
    }
}

void lathe_tie_gradients(const struct lathe_model *model, float *gradients)
{
    int done = 0; /* ties are numbered from 1, in the order of their first parameters */
    for (int i = 0; i < model->parameter_count; i++)
        if (model->parameters[i].tie > done) {
            tie_from(model, i, gradients);
            done = model->parameters[i].tie;
        }
}

/* ---- steps ---- */

/* The floats of all parameters with a unit, one after the other. */
struct gathered {
    size_t count;
    float *w, *unit, *gradients, *moments[LATHE_MOMENTS];
};

static struct gathered gathered_new(const struct lathe_model *model, float *const *moments)
{
    struct gathered g = {0};
    for (int i = 0; i < model->parameter_count; i++)
        if (model->parameters[i].unit > 0)
            g.count += lathe_parameter_floats(&model->parameters[i]);
    if (!g.count)
        return g;
    g.w = lathe_alloc(g.count, sizeof *g.w);
    g.unit = lathe_alloc(g.count, sizeof *g.unit);
    g.gradients = lathe_alloc(g.count, sizeof *g.gradients);
    for (int m = 0; m < LATHE_MOMENTS; m++)
        g.moments[m] = moments[m] ? lathe_alloc(g.count, sizeof(float)) : NULL;
    return g;
}

static void gathered_free(struct gathered *g)
{
    free(g->w);
    free(g->unit);
    free(g->gradients);
    for (int m = 0; m < LATHE_MOMENTS; m++)
        free(g->moments[m]);
}

/* G's parameters out of the blocks of MODEL, whose gradients become 0. */
static void gather(const struct lathe_model *model, struct gathered *g, const float *state,
                   float *gradients, float *const *moments)
{
    size_t at = 0;
    for (int i = 0; i < model->parameter_count; i++) {
        const struct lathe_parameter *p = &model->parameters[i];
        for (size_t k = 0; p->unit > 0 && k < lathe_parameter_floats(p); k++, at++) {
            size_t from = p->offset + k;
            g->unit[at] = (float)p->unit;
            g->w[at] = state[from];
            g->gradients[at] = gradients[from];
            gradients[from] = 0;
            for (int m = 0; m < LATHE_MOMENTS; m++)
                if (moments[m])
                    g->moments[m][at] = moments[m][from];
        }
    }
}

/* And back, but for the gradients. */
static void scatter(const struct lathe_model *model, const struct gathered *g, float *state,
                    float *const *moments)
{
    size_t at = 0;
    for (int i = 0; i < model->parameter_count; i++) {
        const struct lathe_parameter *p = &model->parameters[i];
        for (size_t k = 0; p->unit > 0 && k < lathe_parameter_floats(p); k++, at++) {
            state[p->offset + k] = g->w[at];
            for (int m = 0; m < LATHE_MOMENTS; m++)
                if (moments[m])
                    moments[m][p->offset + k] = g->moments[m][at];
        }
    }
}

/* The step of G's parameters. */
static void step_gathered(const struct lathe_training *training,
                          const struct lathe_optimizer_step *step, struct gathered *g)
{
    struct lathe_optimizer plain = training->optimizer;
    struct lathe_optimizer_step faster = *step;
    plain.weight_decay = plain.l1 = plain.clip_value = plain.clip_norm = 0;
    faster.lr *= training->curve_lr;
    for (size_t i = 0; i < g->count; i++) {
        g->gradients[i] *= hypotf(g->unit[i], g->w[i]);
        g->w[i] = asinhf(g->w[i] / g->unit[i]);
    }
    lathe_optimizer_step(&plain, &faster, g->w, g->gradients, g->moments, g->count);
    for (size_t i = 0; i < g->count; i++)
        g->w[i] = g->unit[i] * sinhf(g->w[i]);
}

void lathe_model_step(const struct lathe_model *model, const struct lathe_training *training,
                      const struct lathe_optimizer_step *step, float *state, float *gradients,
                      float *const *moments)
{
    struct gathered g = {0};
    if (training->curve_lr > 0)
        g = gathered_new(model, moments);
    if (g.count)
        gather(model, &g, state, gradients, moments);
    lathe_optimizer_step(&training->optimizer, step, state, gradients, moments,
                         model->trainable_floats);
    if (g.count) {
        step_gathered(training, step, &g);
        scatter(model, &g, state, moments);
    }
    gathered_free(&g);
}
