/*
 * train: the program DIR/train.
 *
 *     options -> data -> state (fresh, or of a checkpoint) -> epochs of steps -> weights
 *
 * All that is random is keyed by (seed, step or epoch), and a step's place in the run says which
 * epoch and which batch it is; so a run can stop after any step and go on with the same bits.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "curves.h"
#include "loader.h"
#include "recipe.h"
#include "thread.h"
#include "train.h"
#include "weights.h"

/* ---- before the first step ---- */

/* See now what would otherwise lose a long run in its end. */
static void prepare_outputs(struct lathe_trainer *t)
{
    const struct lathe_train_options *o = t->options;
    struct lathe_error error;
    if (o->save && !lathe_output_possible(o->save, &error))
        lathe_die(error.status, "%s", error.message);
    if (o->checkpoint && lathe_checkpoint_prepare(o->checkpoint) && !o->resume)
        lathe_die(LATHE_USER,
                  "%s: holds the checkpoints of a run: --resume goes on with it, "
                  "another folder begins anew",
                  o->checkpoint);
    t->log = o->log ? lathe_log_open(o->log) : (struct lathe_log){.descriptor = -1};
}

/* Which samples are trained on and which are held out: by the options, or as the spec has it. With
 * --subset alone the spec's share is of that many. */
static void split_data(struct lathe_trainer *t)
{
    const struct lathe_train_options *o = t->options;
    const char *name = t->train_set->name;
    double share = t->model->data.validation, rounding = 1e-6;
    int count = t->train_set->count;
    if (!o->subset && o->validation < 0) {
        t->split = lathe_split_new(name, count, share);
        return;
    }
    int held =
        (int)(o->validation >= 0 ? o->validation : (int64_t)((double)o->subset * share + rounding));
    if (share > 0 && held == 0 && o->validation < 0)
        lathe_die(LATHE_USER, "%s: validation: %g of %" PRId64 " samples leaves none", name, share,
                  o->subset);
    t->split = lathe_split_counts(name, count, (int)o->subset, held);
}

static void open_data(struct lathe_trainer *t)
{
    const struct lathe_train_options *o = t->options;
    const struct lathe_data *data = &t->model->data;
    bool skip_bad = lathe_skips_bad_files(o->on_bad_file);
    struct lathe_data train = *data;
    if (o->subset)
        train.subset = 1;
    t->train_set = lathe_open_part(
        &train, &(struct lathe_opening){o->data, true, (int)o->limit_train, skip_bad});
    if (!o->no_test)
        t->test_set = lathe_open_part(
            data, &(struct lathe_opening){o->data, false, (int)o->limit_test, skip_bad});
    split_data(t);
}

/* A checkpoint's run goes on under its own seed, rate and epochs; what the command line says about
 * them must be the same, but for more epochs where the schedule does not depend on their number. */
static void agree(struct lathe_trainer *t, const struct lathe_run *found)
{
    const struct lathe_train_options *o = t->options;
    const char *folder = o->checkpoint;
    bool fixed_end = lathe_schedule_has_end(&t->training.schedule);
    if (found->samples != t->run.samples)
        lathe_die(LATHE_USER, "%s: of a run with %" PRIu64 " training samples, given %" PRIu64,
                  folder, found->samples, t->run.samples);
    if (found->batch != t->run.batch)
        lathe_die(LATHE_USER, "%s: of a run in batches of %" PRIu64 ", given %" PRIu64, folder,
                  found->batch, t->run.batch);
    if (found->held != t->run.held)
        lathe_die(LATHE_USER, "%s: of a run with %" PRIu64 " validation samples, given %" PRIu64,
                  folder, found->held, t->run.held);
    if (found->places != t->run.places)
        lathe_die(LATHE_USER,
                  "%s: of a run with as many, but other training samples: --subset, --validation "
                  "or --limit-train differ",
                  folder);
    if (o->seed_given && found->seed != t->run.seed)
        lathe_die(LATHE_USER, "%s: of a run with --seed %" PRIu64 ", given %" PRIu64, folder,
                  found->seed, t->run.seed);
    if (o->lr_given && found->lr != t->run.lr)
        lathe_die(LATHE_USER, "%s: of a run with --lr %.9g, given %.9g", folder, found->lr,
                  t->run.lr);
    if (o->epochs_given && found->epochs != t->run.epochs &&
        (fixed_end || t->run.epochs * t->steps_per_epoch < found->step))
        lathe_die(LATHE_USER, "%s: of a run with --epochs %" PRIu64 ", given %" PRIu64, folder,
                  found->epochs, t->run.epochs);
    uint64_t epochs = o->epochs_given ? t->run.epochs : found->epochs;
    t->run = *found;
    t->run.epochs = epochs;
}

/* Fresh parameters, or those of the newest checkpoint. */
static void begin_run(struct lathe_trainer *t)
{
    const struct lathe_model *model = t->model;
    const struct lathe_train_options *o = t->options;
    t->arena = lathe_alloc(model->train_arena_bytes, 1);
    t->moving.state = (float *)(void *)(t->arena + model->state_offset);
    for (int i = 0; i < LATHE_MOMENTS; i++)
        if (lathe_optimizer_keeps(&t->training, i)) {
            t->moving.moments[i] = lathe_alloc(model->trainable_floats, sizeof(float));
            lathe_optimizer_begin(&t->training.optimizer, t->moving.moments[i],
                                  model->trainable_floats);
        }
    if (t->split.held_count)
        t->moving.best = lathe_alloc(model->state_floats, sizeof(float));
    uint64_t batch = (uint64_t)t->training.batch, samples = (uint64_t)t->split.kept_count;
    t->steps_per_epoch = (samples + batch - 1) / batch;
    t->run = (struct lathe_run){.seed = (uint64_t)o->seed, .samples = samples, .lr = o->lr};
    t->run.batch = batch;
    t->run.log_start = t->log.length;
    t->run.held = (uint64_t)t->split.held_count;
    t->run.places = lathe_split_fingerprint(&t->split, t->train_set->count);
    t->run.epochs = (uint64_t)o->epochs;
    lathe_recipe_write(&t->training, t->run.recipe);
    lathe_train_begin_judging(t);
    struct lathe_run found = t->run;
    if (o->resume && lathe_checkpoint_read(model, o->checkpoint, &found, &t->moving)) {
        agree(t, &found);
        t->saved_step = found.step;
        t->saved_any = true;
        lathe_log_resume(&t->log, t->run.log_start);
    } else {
        if (o->resume) {
            fprintf(stderr, "%s: no checkpoint yet: begins anew\n", o->checkpoint);
            t->run.log_start = lathe_log_begin_again(&t->log);
        }
        lathe_initialise_all(model, t->run.seed, t->moving.state);
        lathe_measure_data(model, t->train_set, t->moving.state);
        if (o->weights)
            lathe_begin_weights(model, o->weights, t->moving.state);
    }
    lathe_normalise_by_state(model, t->moving.state, t->train_set);
    t->training.epochs = (int)t->run.epochs;
    lathe_train_take_rate(t);
    t->total_steps = t->run.epochs * t->steps_per_epoch;
    if (t->run.epochs > LATHE_EPOCHS_MAX || t->run.step > t->total_steps)
        lathe_die(LATHE_USER, "%s: at step %" PRIu64 " of a run of %" PRIu64, o->checkpoint,
                  t->run.step, t->total_steps);
}

static void begin_loading(struct lathe_trainer *t)
{
    const struct lathe_journey journey = {.model = t->model,
                                          .dataset = t->train_set,
                                          .batch = t->training.batch,
                                          .seed = t->run.seed,
                                          .total_steps = t->total_steps,
                                          .kept = t->split.kept,
                                          .kept_count = t->split.kept_count};
    t->loader = lathe_loader_new(&journey, lathe_loader_helps(&journey));
}

/* ---- steps and epochs ---- */

double lathe_train_rate(const struct lathe_trainer *t, uint64_t step, double *momentum)
{
    return lathe_schedule_lr(&t->training.schedule, step, t->steps_per_epoch, t->total_steps,
                             momentum);
}

/* The update that follows the gradients of step run.step. */
static void optimise(struct lathe_trainer *t)
{
    const struct lathe_model *model = t->model;
    const struct lathe_optimizer *optimizer = &t->training.optimizer;
    float *gradients = (float *)(void *)(t->arena + model->gradient_offset);
    struct lathe_optimizer_step step = {.t = t->run.step - t->run.skipped + 1};
    step.momentum = lathe_optimizer_momentum(optimizer);
    step.lr = lathe_train_rate(t, t->run.step, &step.momentum);
    lathe_model_step(model, &t->training, &step, t->moving.state, gradients, t->moving.moments);
}

/* Batch, gradients, update; the last is left out where the numbers are not finite, or the run dies.
 */
static void train_step(struct lathe_trainer *t)
{
    const struct lathe_model *model = t->model;
    struct lathe_run *run = &t->run;
    struct lathe_step_result result = {0};
    lathe_mark(&t->between, -1, 0);
    const struct lathe_batch *batch = lathe_loader_take(t->loader, run->step);
    lathe_mark(&t->between, LATHE_WAIT, batch->count);
    lathe_train_keep_statistics(t);
    model->step(model, batch, run->seed, run->step, &result, t->arena);
    lathe_mark(&t->between, -1, 0);
    lathe_tie_gradients(model, (float *)(void *)(t->arena + model->gradient_offset));
    if (lathe_train_numbers_hold(t, &result)) {
        optimise(t);
        run->skipped_in_row = 0;
        run->loss_sum += result.loss * batch->count;
        run->correct += (uint64_t)result.correct;
        run->seen += (uint64_t)batch->count;
    } else {
        lathe_train_bad_step(t, batch, &result);
    }
    lathe_mark(&t->between, LATHE_UPDATE, batch->count);
    run->step++;
    t->unsaved = true;
}

static double accuracy_so_far(const struct lathe_trainer *t)
{
    return t->model->data.classes ? (double)t->run.correct / (double)t->run.seen : (double)NAN;
}

static void checkpoint(struct lathe_trainer *t)
{
    if (!t->options->checkpoint || !t->unsaved)
        return;
    lathe_train_check_weights(t);
    lathe_log_sync(&t->log);
    lathe_checkpoint_write(t->model, t->options->checkpoint, &t->run, &t->moving);
    t->saved = lathe_seconds();
    t->saved_step = t->run.step;
    t->saved_any = true;
    t->unsaved = false;
}

/* Where run.step stands, --every asks for a checkpoint. */
static bool checkpoint_is_due(const struct lathe_trainer *t)
{
    const struct lathe_train_options *o = t->options;
    if (o->every_is_seconds)
        return lathe_seconds() - t->saved >= (double)o->every;
    return o->every && t->run.step % (uint64_t)o->every == 0;
}

/* The steps of the epoch that run.step is in, from there on; fewer when asked to stop. Returns
 * images a second. */
static double train_epoch(struct lathe_trainer *t)
{
    struct lathe_run *run = &t->run;
    uint64_t epoch = run->step / t->steps_per_epoch, end = (epoch + 1) * t->steps_per_epoch;
    uint64_t seen_before = run->seen;
    double began = lathe_seconds(), seconds = 0;
    while (run->step < end && !lathe_train_asked_to_stop()) {
        train_step(t);
        seconds = lathe_seconds() - began;
        struct lathe_running running = {
            .epoch = (int)epoch + 1,
            .step = t->steps_per_epoch - (end - run->step),
            .loss = run->loss_sum / (double)run->seen,
            .accuracy = accuracy_so_far(t),
            .images_per_s = (double)(run->seen - seen_before) / seconds,
        };
        lathe_progress_step(&t->progress, &running);
        if (run->step < end && checkpoint_is_due(t)) /* in the end, after the epoch was judged */
            checkpoint(t);
    }
    t->seconds += seconds;
    t->images += run->seen - seen_before;
    return seconds > 0 ? (double)(run->seen - seen_before) / seconds : 0;
}

/* What follows an epoch's last step; nothing when asked to stop before it is over. BEGAN: when the
 * epoch did. */
static void end_epoch(struct lathe_trainer *t, double images_per_s, double began)
{
    struct lathe_run *run = &t->run;
    double momentum = 0, lr = lathe_train_rate(t, run->step - 1, &momentum);
    if (!lathe_train_judge(t))
        return;
    struct lathe_epoch epoch = {
        .epoch = (int)run->judged,
        .step = run->step,
        .lr = lr,
        .train_loss = run->loss_sum / (double)run->seen,
        .train_accuracy = accuracy_so_far(t),
        .validation_loss = t->metrics.loss,
        .validation_accuracy = t->metrics.accuracy,
        .skipped_steps = t->options->skip_bad_steps ? (int64_t)run->skipped_in_epoch : -1,
        .images_per_s = images_per_s,
        .seconds = lathe_seconds() - began,
    };
    lathe_progress_epoch(&t->progress, &epoch);
    if (t->log.descriptor >= 0)
        lathe_log_write(&t->log, &epoch);
    run->loss_sum = 0;
    run->correct = run->seen = run->skipped_in_epoch = 0;
    t->unsaved = true;
    if (!t->options->every || checkpoint_is_due(t))
        checkpoint(t);
}

/* All epochs that are left, and the weights that count. Returns false when stopped before. */
static bool train_epochs(struct lathe_trainer *t)
{
    bool judged = false;
    while (!lathe_train_is_over(t) && !lathe_train_asked_to_stop()) {
        double began = lathe_seconds(), images_per_s = 0;
        if (!lathe_train_awaits_judgement(t))
            images_per_s = train_epoch(t);
        lathe_progress_clear(&t->progress);
        if (lathe_train_awaits_judgement(t) && !lathe_train_asked_to_stop())
            end_epoch(t, images_per_s, began);
        judged = !lathe_train_awaits_judgement(t);
    }
    checkpoint(t);
    return lathe_train_is_over(t) && lathe_train_conclude(t, judged);
}

static void free_trainer(struct lathe_trainer *t)
{
    lathe_loader_free(t->loader);
    lathe_close_dataset(t->train_set);
    lathe_close_dataset(t->test_set);
    lathe_split_free(&t->split);
    free(t->arena);
    for (int i = 0; i < LATHE_MOMENTS; i++)
        free(t->moving.moments[i]);
    free(t->moving.best);
    free(t->statistics);
    lathe_evaluator_free(t->evaluator);
    lathe_log_close(&t->log);
}

int lathe_train_main(const struct lathe_model *model, int argc, char **argv)
{
    struct lathe_train_options options;
    lathe_hold_standard_streams();
    lathe_check_model(model);
    if (!lathe_train_read_options(model, argc, argv, &options))
        return LATHE_DONE;
    if (options.threads)
        omp_set_num_threads((int)options.threads);
    lathe_flush_denormals();
    struct lathe_trainer t = {
        .model = model, .options = &options, .training = lathe_train_recipe(model, &options)};
    prepare_outputs(&t);
    lathe_train_catch_signals(&t, argc, argv);
    if (options.profile)
        lathe_train_begin_profile(&t);
    open_data(&t);
    begin_run(&t);
    begin_loading(&t);
    t.evaluator = lathe_evaluator_new(model, 1);
    lathe_progress_start(&t.progress, options.quiet, t.training.epochs, t.steps_per_epoch);
    t.progress.judged = t.split.held_count ? "validation" : "test";
    lathe_train_begin_steps();
    t.evaluator->stops = lathe_train_asked_to_stop;
    t.saved = lathe_seconds();
    lathe_train_print_heading(&t);
    if (train_epochs(&t)) {
        if (options.save)
            lathe_train_check_weights(&t);
        if (options.save)
            lathe_write_weights(model, t.moving.state, options.save);
        lathe_train_print_result(&t);
    } else {
        printf("stopped after step %" PRIu64 " of %" PRIu64 "; to go on:", t.run.step,
               t.total_steps);
        lathe_train_print_how_to_resume(&t, argc, argv, stdout);
    }
    if (options.profile)
        lathe_train_print_profile(&t);
    free_trainer(&t);
    if (!lathe_output_arrived())
        lathe_die(LATHE_RESOURCE, "standard output: cannot write");
    return LATHE_DONE;
}
