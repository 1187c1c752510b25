/* train_judge: what epochs came to, and what follows from it. See train.h. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "finite.h"
#include "train.h"
#include "weights.h"

static bool validates(const struct lathe_trainer *t)
{
    return t->split.held_count > 0;
}

/* Metrics of the state as it stands: of the samples held out where HELD, else of the test set.
 * False where it was asked to stop before the last. */
static bool evaluate(struct lathe_trainer *t, bool held)
{
    float **logical = lathe_logical_arrays(t->model);
    lathe_unpack_all(t->model, t->moving.state, logical);
    lathe_evaluator_load(t->evaluator, 0, (const float *const *)logical);
    free(logical);
    int samples = held ? t->split.held_count : t->test_set->count;
    t->metrics = lathe_evaluate_part(t->evaluator, held ? t->train_set : t->test_set,
                                     held ? t->split.held : NULL, samples);
    if (t->metrics.count < samples)
        return false;
    if (!lathe_is_finite(t->metrics.loss)) {
        char advice[LATHE_ADVICE];
        lathe_progress_clear(&t->progress);
        lathe_train_check_weights(t);
        lathe_train_advice(t, advice);
        lathe_die(LATHE_NUMBERS, "%s loss is %s after step %" PRIu64 ": %s",
                  held ? "validation" : "test", lathe_not_finite_text(t->metrics.loss), t->run.step,
                  advice);
    }
    return true;
}

void lathe_train_begin_judging(struct lathe_trainer *t)
{
    struct lathe_schedule schedule = t->training.schedule;
    schedule.lr = t->run.lr;
    t->run.plateau = lathe_plateau_new(&schedule);
    t->run.best_epoch = 0;
    t->run.best_loss = t->run.best_accuracy = 0;
}

void lathe_train_take_rate(struct lathe_trainer *t)
{
    bool plateau = t->training.schedule.kind == LATHE_PLATEAU;
    t->training.schedule.lr = plateau ? t->run.plateau.lr : t->run.lr;
}

bool lathe_train_awaits_judgement(const struct lathe_trainer *t)
{
    return t->run.step >= (t->run.judged + 1) * t->steps_per_epoch;
}

bool lathe_train_judge(struct lathe_trainer *t)
{
    struct lathe_run *run = &t->run;
    const struct lathe_schedule *schedule = &t->training.schedule;
    if (!evaluate(t, validates(t)))
        return false;
    run->judged++;
    if (validates(t) && (!run->best_epoch || t->metrics.loss < run->best_loss)) {
        run->best_epoch = run->judged;
        run->best_loss = t->metrics.loss;
        run->best_accuracy = t->metrics.accuracy;
        memcpy(t->moving.best, t->moving.state, t->model->state_floats * sizeof(float));
    }
    bool warm = (double)run->step > schedule->warmup * (double)t->steps_per_epoch;
    if (schedule->kind == LATHE_PLATEAU && warm) {
        lathe_plateau_step(schedule, &run->plateau, t->metrics.loss);
        lathe_train_take_rate(t);
    }
    return true;
}

/* As many epochs as early_stopping allows have come after the best one. */
static bool stops_early(const struct lathe_trainer *t)
{
    return t->training.early_stopping && t->run.best_epoch &&
           t->run.judged - t->run.best_epoch >= (uint64_t)t->training.early_stopping;
}

bool lathe_train_is_over(const struct lathe_trainer *t)
{
    bool done = t->run.step >= t->total_steps && !lathe_train_awaits_judgement(t);
    return done || stops_early(t);
}

bool lathe_train_conclude(struct lathe_trainer *t, bool judged)
{
    bool best = t->run.best_epoch && !t->options->keep_last;
    if (best)
        memcpy(t->moving.state, t->moving.best, t->model->state_floats * sizeof(float));
    if (!t->test_set && best) {
        t->metrics.loss = t->run.best_loss;
        t->metrics.accuracy = t->run.best_accuracy;
        return true;
    }
    bool fresh = judged && !(validates(t) && t->test_set);
    return fresh || evaluate(t, !t->test_set);
}
