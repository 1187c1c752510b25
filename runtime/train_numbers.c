/*
 * train_numbers: a step's loss, gradients and running statistics are looked at before the update.
 * A step that is not finite is left out (--skip-bad-steps), its running statistics taken back, or
 * ends the run. Then it is taken once more, by one thread, and whatever each kernel wrote looked at
 * for the first number that is not finite: the same bits come again.
 */
#include <inttypes.h>
#include <omp.h>
#include <stdlib.h>

#include "finite.h"
#include "profile.h"
#include "train.h"

enum { PLACE = 256 };

static size_t statistics_count(const struct lathe_model *model)
{
    return model->state_floats - model->trainable_floats;
}

static float *gradients_of(const struct lathe_trainer *t)
{
    return (float *)(void *)(t->arena + t->model->gradient_offset);
}

void lathe_train_keep_statistics(struct lathe_trainer *t)
{
    size_t count = statistics_count(t->model);
    if (!t->statistics)
        t->statistics = lathe_alloc(count, sizeof(float));
    memcpy(t->statistics, t->moving.state + t->model->trainable_floats, count * sizeof(float));
}

static void take_statistics_back(struct lathe_trainer *t)
{
    memcpy(t->moving.state + t->model->trainable_floats, t->statistics,
           statistics_count(t->model) * sizeof(float));
}

bool lathe_train_numbers_hold(const struct lathe_trainer *t, const struct lathe_step_result *result)
{
    const struct lathe_model *model = t->model;
    return lathe_is_finite(result->loss) &&
           lathe_are_finite(gradients_of(t), model->trainable_floats) &&
           lathe_are_finite(t->moving.state + model->trainable_floats, statistics_count(model));
}

/* ---- the first number that is not finite ---- */

/* The first of MODEL's parameters that has one in PACKED, the first FLOATS of a state; or NULL. */
static const char *bad_parameter(const struct lathe_model *model, const float *packed,
                                 size_t floats)
{
    for (int i = 0; i < model->parameter_count; i++) {
        const struct lathe_parameter *p = &model->parameters[i];
        if (p->offset < floats && !lathe_are_finite(packed + p->offset, lathe_parameter_floats(p)))
            return p->name;
    }
    return NULL;
}

/* The call of the step on BATCH that writes the first one, in memory that holds 0 but for the
 * parameters; or NULL. */
static const struct lathe_cost *bad_call(struct lathe_trainer *t, const struct lathe_batch *batch)
{
    const struct lathe_model *model = t->model;
    struct lathe_profile *profile = model->train_profile;
    struct lathe_step_result result = {0};
    if (!profile || !profile->writes)
        return NULL;
    memset(t->arena + model->gradient_offset, 0, model->train_arena_bytes - model->gradient_offset);
    omp_set_num_threads(1); /* what a call wrote stays until it was looked at */
    lathe_begin_watching(profile, (const float *)(void *)t->arena);
    model->step(model, batch, t->run.seed, t->run.step, &result, t->arena);
    return profile->bad_call < 0 ? NULL : &profile->costs[profile->bad_call];
}

/* Where the bad numbers of the step on BATCH come from, into PLACE, a text that goes on after what
 * is bad. */
static void find_place(struct lathe_trainer *t, const struct lathe_batch *batch, char place[PLACE])
{
    const struct lathe_model *model = t->model;
    size_t inputs = (size_t)batch->count * (size_t)model->channels * (size_t)model->height *
                    (size_t)model->width;
    const char *gradient = bad_parameter(model, gradients_of(t), model->trainable_floats);
    take_statistics_back(t);
    const char *weights = bad_parameter(model, t->moving.state, model->state_floats);
    const struct lathe_cost *call = NULL;
    place[0] = '\0';
    if (weights)
        snprintf(place, PLACE, ", because %s was not finite before it", weights);
    else if (!lathe_are_finite(batch->input, inputs))
        snprintf(place, PLACE, ", because its samples are not");
    else if ((call = bad_call(t, batch)))
        snprintf(place, PLACE, ", first of all in %s (%s)", call->group, call->label);
    else if (gradient)
        snprintf(place, PLACE, ", first in the gradient of %s", gradient);
}

/* ---- leaving out and ending ---- */

/* What is bad, into TEXT. */
static void describe(const struct lathe_trainer *t, const struct lathe_step_result *result,
                     char text[PLACE])
{
    const char *what = lathe_are_finite(gradients_of(t), t->model->trainable_floats)
                           ? "a running statistic"
                           : "a gradient";
    if (lathe_is_finite(result->loss))
        snprintf(text, PLACE, "%s is not finite", what);
    else
        snprintf(text, PLACE, "loss is %s", lathe_not_finite_text(result->loss));
}

void lathe_train_advice(const struct lathe_trainer *t, char text[LATHE_ADVICE])
{
    const char *folder = t->options->checkpoint;
    if (!folder || !t->saved_any) {
        snprintf(text, LATHE_ADVICE, "%sa smaller --lr may help",
                 folder ? "there is no checkpoint yet; " : "");
        return;
    }
    char *path = lathe_checkpoint_path(folder, t->saved_step);
    snprintf(text, LATHE_ADVICE,
             "%s is the last good checkpoint: --resume --skip-bad-steps N goes on from it without "
             "such updates, --weights with it and a smaller --lr begins anew",
             path);
    free(path);
}

void lathe_train_bad_step(struct lathe_trainer *t, const struct lathe_batch *batch,
                          const struct lathe_step_result *result)
{
    struct lathe_run *run = &t->run;
    int epoch = (int)(run->step / t->steps_per_epoch) + 1;
    char what[PLACE], place[PLACE], advice[LATHE_ADVICE], before[64] = "";
    describe(t, result, what);
    if (run->skipped_in_row < (uint64_t)t->options->skip_bad_steps) {
        take_statistics_back(t);
        run->skipped++;
        run->skipped_in_row++;
        run->skipped_in_epoch++;
        if (t->options->quiet)
            return;
        lathe_progress_clear(&t->progress);
        fprintf(stderr, "step %" PRIu64 " (epoch %d) is left out: %s\n", run->step + 1, epoch,
                what);
        return;
    }
    lathe_progress_clear(&t->progress);
    find_place(t, batch, place);
    lathe_train_advice(t, advice);
    if (run->skipped_in_row)
        snprintf(before, sizeof before, " after %" PRIu64 " left out in a row",
                 run->skipped_in_row);
    lathe_die(LATHE_NUMBERS, "%s at step %" PRIu64 " (epoch %d)%s%s: %s", what, run->step + 1,
              epoch, before, place, advice);
}

void lathe_train_check_weights(const struct lathe_trainer *t)
{
    const struct lathe_model *model = t->model;
    char advice[LATHE_ADVICE];
    if (lathe_are_finite(t->moving.state, model->state_floats))
        return;
    lathe_progress_clear((struct lathe_progress *)&t->progress);
    lathe_train_advice(t, advice);
    lathe_die(LATHE_NUMBERS, "%s is not finite after step %" PRIu64 ": %s",
              bad_parameter(model, t->moving.state, model->state_floats), t->run.step, advice);
}
