/* train_judge: what epochs came to, and what follows from it. See train.h. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "train.h"
#include "weights.h"

static bool validates(const struct lathe_trainer *t)
{
    return t->split.held_count > 0;
}

/* Metrics of the state as it stands: of the samples held out where HELD, else of the test set. */
static void evaluate(struct lathe_trainer *t, bool held)
{
    float **logical = lathe_logical_arrays(t->model);
    lathe_unpack_all(t->model, t->moving.state, logical);
    lathe_evaluator_load(t->evaluator, 0, (const float *const *)logical);
    free(logical);
    t->metrics =
        held ? lathe_evaluate_part(t->evaluator, t->train_set, t->split.held, t->split.held_count)
             : lathe_evaluate(t->evaluator, t->test_set);
    if (!isfinite(t->metrics.loss)) {
        lathe_progress_clear(&t->progress);
        lathe_die(LATHE_NUMBERS, "%s loss is %f after step %" PRIu64, held ? "validation" : "test",
                  t->metrics.loss, t->run.step);
    }
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

void lathe_train_judge(struct lathe_trainer *t)
{
    struct lathe_run *run = &t->run;
    const struct lathe_schedule *schedule = &t->training.schedule;
    evaluate(t, validates(t));
    if (validates(t) && (!run->best_epoch || t->metrics.loss < run->best_loss)) {
        run->best_epoch = run->step / t->steps_per_epoch;
        run->best_loss = t->metrics.loss;
        run->best_accuracy = t->metrics.accuracy;
        memcpy(t->moving.best, t->moving.state, t->model->state_floats * sizeof(float));
    }
    bool warm = (double)run->step > schedule->warmup * (double)t->steps_per_epoch;
    if (schedule->kind == LATHE_PLATEAU && warm) {
        lathe_plateau_step(schedule, &run->plateau, t->metrics.loss);
        lathe_train_take_rate(t);
    }
}

/* As many epochs as early_stopping allows have come after the best one. */
static bool stops_early(const struct lathe_trainer *t)
{
    uint64_t epochs = t->run.step / t->steps_per_epoch;
    return t->training.early_stopping && t->run.best_epoch &&
           epochs - t->run.best_epoch >= (uint64_t)t->training.early_stopping;
}

bool lathe_train_is_over(const struct lathe_trainer *t)
{
    return t->run.step >= t->total_steps || stops_early(t);
}

void lathe_train_conclude(struct lathe_trainer *t, bool judged)
{
    bool best = t->run.best_epoch && !t->options->keep_last;
    if (best)
        memcpy(t->moving.state, t->moving.best, t->model->state_floats * sizeof(float));
    if (!t->test_set && best) {
        t->metrics.loss = t->run.best_loss;
        t->metrics.accuracy = t->run.best_accuracy;
    } else if (!judged || (validates(t) && t->test_set)) {
        evaluate(t, !t->test_set);
    }
}
