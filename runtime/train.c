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
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "args.h"
#include "checkpoint.h"
#include "data.h"
#include "evaluate.h"
#include "lathe.h"
#include "loader.h"
#include "log.h"
#include "optimizer.h"
#include "progress.h"
#include "recipe.h"
#include "thread.h"
#include "weights.h"

enum { EPOCHS_MAX = 1000000 };

struct options {
    const char *data, *save, *checkpoint, *log, *recipe, *on_bad_file;
    int64_t epochs, seed, threads, limit_train, limit_test;
    double lr;
    bool resume, quiet;
    bool epochs_given, seed_given, lr_given;
};

struct trainer {
    const struct lathe_model *model;
    const struct options *options;
    struct lathe_training training; /* the model's, with the options' changes */
    struct lathe_dataset *train_set, *test_set;
    unsigned char *arena;
    struct lathe_moving moving;
    struct lathe_run run;
    struct lathe_loader *loader;
    uint64_t steps_per_epoch, total_steps;
    double last_lr;
    struct lathe_evaluator *evaluator;
    struct lathe_metrics metrics; /* after the last epoch */
    struct lathe_progress progress;
    int log;         /* descriptor, -1 without */
    double seconds;  /* spent in training steps, by this process */
    uint64_t images; /* trained in them */
};

/* ---- options ---- */

static void check_options(const struct lathe_model *model, const struct options *o)
{
    if (lathe_needs_folder(&model->data) && !o->data)
        lathe_die(LATHE_USAGE, "--data DIR is needed: the folder with the files of the data set");
    if (o->resume && !o->checkpoint)
        lathe_die(LATHE_USAGE, "--resume needs --checkpoint DIR: where to resume from");
    if (!model->train_arena_bytes || !model->step)
        lathe_die(LATHE_USER, "%s: built for inference alone", model->name);
}

/* What --help says about --recipe: MODEL's own, in lines of about 70 columns. */
static void describe_recipe(const struct lathe_model *model, char *help, size_t size)
{
    char recipe[LATHE_RECIPE_TEXT];
    lathe_recipe_write(&model->training, recipe);
    size_t length = (size_t)snprintf(help, size, "change FIELD=VALUE,... of the recipe, which is");
    int column = 99;
    for (char *state = NULL, *item = strtok_r(recipe, ",", &state); item && length < size;
         item = strtok_r(NULL, ",", &state)) {
        bool fresh = column + (int)strlen(item) > 66;
        column = fresh ? (int)strlen(item) : column + 1 + (int)strlen(item);
        length += (size_t)snprintf(help + length, size - length, "%s%s",
                                   fresh ? "\n                             " : ",", item);
    }
}

/* Read argv into O, whose defaults come from MODEL. Returns false when --help was all. */
static bool parse_options(const struct lathe_model *model, int argc, char **argv, struct options *o)
{
    *o = (struct options){
        .epochs = model->training.epochs, .lr = model->training.schedule.lr, .seed = 1};
    char recipe_help[2 * LATHE_RECIPE_TEXT];
    describe_recipe(model, recipe_help, sizeof recipe_help);
    struct lathe_option table[] = {
        {"data", "DIR", "folder with the data set's files", LATHE_OPTION_TEXT, &o->data, 0, 0, 0},
        {"epochs", "N", "times through the training set", LATHE_OPTION_WHOLE, &o->epochs, 0,
         EPOCHS_MAX, 0},
        {"lr", "X", "learning rate: first, or one-cycle's maximum", LATHE_OPTION_REAL, &o->lr, 0,
         1e6, 0},
        {"recipe", "TEXT", recipe_help, LATHE_OPTION_TEXT, &o->recipe, 0, 0, 0},
        {"seed", "N", "key of everything random", LATHE_OPTION_WHOLE, &o->seed, 0, 0x1p53, 0},
        {"threads", "N", "threads; else OMP_NUM_THREADS, else all cores", LATHE_OPTION_WHOLE,
         &o->threads, 1, 1024, 0},
        {"save", "FILE", "write the weights (safetensors) in the end", LATHE_OPTION_TEXT, &o->save,
         0, 0, 0},
        {"checkpoint", "DIR", "keep checkpoints there: every epoch, at SIGINT and SIGTERM",
         LATHE_OPTION_TEXT, &o->checkpoint, 0, 0, 0},
        {"resume", NULL, "go on from the newest checkpoint, if there is one", LATHE_OPTION_FLAG,
         &o->resume, 0, 0, 0},
        {"log", "FILE", "append one JSON object an epoch", LATHE_OPTION_TEXT, &o->log, 0, 0, 0},
        {"limit-train", "N", "use the first N training samples", LATHE_OPTION_WHOLE,
         &o->limit_train, 1, INT32_MAX, 0},
        {"limit-test", "N", "use the first N test samples", LATHE_OPTION_WHOLE, &o->limit_test, 1,
         INT32_MAX, 0},
        LATHE_BAD_FILE_OPTION(&o->on_bad_file),
        {"quiet", NULL, "print the result alone", LATHE_OPTION_FLAG, &o->quiet, 0, 0, 0},
    };
    const struct lathe_command command = {
        .about = "Train the network and print its test loss and accuracy in the last line.",
        .arguments = lathe_needs_folder(&model->data) ? "--data DIR [options]" : "[options]",
        .examples = lathe_needs_folder(&model->data)
                        ? "--data data --save weights.safetensors\n"
                          "--data data --epochs 20 --checkpoint runs --log run.jsonl\n"
                          "--data data --epochs 20 --checkpoint runs --log run.jsonl --resume\n"
                        : "--save weights.safetensors\n"
                          "--epochs 20 --checkpoint runs --log run.jsonl --resume\n",
        .options = table,
        .option_count = (int)(sizeof table / sizeof *table),
    };
    if (!lathe_parse_arguments(&command, argc, argv, NULL))
        return false;
    o->epochs_given = lathe_option_given(&command, "epochs");
    o->seed_given = lathe_option_given(&command, "seed");
    o->lr_given = lathe_option_given(&command, "lr");
    check_options(model, o);
    return true;
}

/* ---- signals ---- */

static volatile sig_atomic_t stop_asked;

static void ask_to_stop(int signal)
{
    (void)signal;
    stop_asked = 1;
}

/* Failed writes are to be told by their results. With checkpoints the first SIGINT or SIGTERM asks
 * to stop, the second kills. */
static void catch_signals(bool checkpoints)
{
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    if (!checkpoints)
        return;
    struct sigaction action = {.sa_handler = ask_to_stop,
                               .sa_flags = (int)SA_RESETHAND | SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

/* ---- before the first step ---- */

/* See now what would otherwise lose a long run in its end. */
static void prepare_outputs(struct trainer *t)
{
    const struct options *o = t->options;
    struct lathe_error error;
    if (o->save && !lathe_output_possible(o->save, &error))
        lathe_die(error.status, "%s", error.message);
    if (o->checkpoint && lathe_checkpoint_prepare(o->checkpoint) && !o->resume)
        lathe_die(LATHE_USER,
                  "%s: holds the checkpoints of a run: --resume goes on with it, "
                  "another folder begins anew",
                  o->checkpoint);
    t->log = o->log ? lathe_log_open(o->log) : -1;
}

static void open_data(struct trainer *t)
{
    const struct options *o = t->options;
    const struct lathe_data *data = &t->model->data;
    bool skip_bad = lathe_skips_bad_files(o->on_bad_file);
    t->train_set = lathe_open_part(
        data, &(struct lathe_opening){o->data, true, (int)o->limit_train, skip_bad});
    t->test_set = lathe_open_part(
        data, &(struct lathe_opening){o->data, false, (int)o->limit_test, skip_bad});
}

/* A checkpoint's run goes on under its own seed, rate and epochs; what the command line says about
 * them must be the same, but for more epochs where the schedule does not depend on their number. */
static void agree(struct trainer *t, const struct lathe_run *found)
{
    const struct options *o = t->options;
    const char *folder = o->checkpoint;
    bool fixed_end = lathe_schedule_has_end(&t->training.schedule);
    if (found->samples != t->run.samples)
        lathe_die(LATHE_USER, "%s: of a run with %" PRIu64 " training samples, given %" PRIu64,
                  folder, found->samples, t->run.samples);
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

/* The model's training with what --recipe and --lr change. */
static void apply_recipe(struct trainer *t, struct options *o)
{
    struct lathe_error error;
    if (o->recipe && !lathe_recipe_read(o->recipe, &t->training, &error))
        lathe_die(error.status, "--%s", error.message);
    if (o->recipe && !o->lr_given)
        o->lr = t->training.schedule.lr;
    o->lr_given |= o->recipe != NULL;
}

/* Fresh parameters, or those of the newest checkpoint. */
static void begin_run(struct trainer *t)
{
    const struct lathe_model *model = t->model;
    const struct options *o = t->options;
    t->arena = lathe_alloc(model->train_arena_bytes, 1);
    t->moving.state = (float *)(void *)(t->arena + model->state_offset);
    for (int i = 0; i < LATHE_MOMENTS; i++)
        if (lathe_optimizer_keeps(&t->training, i)) {
            t->moving.moments[i] = lathe_alloc(model->trainable_floats, sizeof(float));
            lathe_optimizer_begin(&t->training.optimizer, t->moving.moments[i],
                                  model->trainable_floats);
        }
    uint64_t batch = (uint64_t)t->training.batch, samples = (uint64_t)t->train_set->count;
    t->steps_per_epoch = (samples + batch - 1) / batch;
    t->run = (struct lathe_run){.seed = (uint64_t)o->seed, .samples = samples, .lr = o->lr};
    t->run.epochs = (uint64_t)o->epochs;
    lathe_recipe_write(&t->training, t->run.recipe);
    struct lathe_run found = t->run;
    if (o->resume && lathe_checkpoint_read(model, o->checkpoint, &found, &t->moving)) {
        agree(t, &found);
    } else {
        if (o->resume)
            fprintf(stderr, "%s: no checkpoint yet: begins anew\n", o->checkpoint);
        lathe_initialise_all(model, t->run.seed, t->moving.state);
        lathe_measure_data(model, t->train_set, t->moving.state);
    }
    lathe_normalise_by_state(model, t->moving.state, t->train_set);
    t->training.epochs = (int)t->run.epochs;
    t->training.schedule.lr = t->run.lr;
    t->total_steps = t->run.epochs * t->steps_per_epoch;
    if (t->run.epochs > EPOCHS_MAX || t->run.step > t->total_steps)
        lathe_die(LATHE_USER, "%s: at step %" PRIu64 " of a run of %" PRIu64, o->checkpoint,
                  t->run.step, t->total_steps);
}

static void begin_loading(struct trainer *t)
{
    const struct lathe_journey journey = {.model = t->model,
                                          .dataset = t->train_set,
                                          .batch = t->training.batch,
                                          .seed = t->run.seed,
                                          .total_steps = t->total_steps};
    t->loader = lathe_loader_new(&journey, lathe_loader_helps(&journey));
}

/* ---- steps and epochs ---- */

/* The update that follows the gradients of step run.step. */
static void optimise(struct trainer *t)
{
    const struct lathe_model *model = t->model;
    const struct lathe_optimizer *optimizer = &t->training.optimizer;
    float *gradients = (float *)(void *)(t->arena + model->gradient_offset);
    struct lathe_optimizer_step step = {.t = t->run.step + 1};
    step.momentum = lathe_optimizer_momentum(optimizer);
    step.lr = lathe_schedule_lr(&t->training.schedule, t->run.step, t->steps_per_epoch,
                                t->total_steps, &step.momentum);
    lathe_optimizer_step(optimizer, &step, t->moving.state, gradients, t->moving.moments,
                         model->trainable_floats);
    t->last_lr = step.lr;
}

/* Batch, gradients, update; dies where the loss is no number any more. */
static void train_step(struct trainer *t)
{
    const struct lathe_model *model = t->model;
    struct lathe_run *run = &t->run;
    struct lathe_step_result result = {0};
    const struct lathe_batch *batch = lathe_loader_take(t->loader, run->step);
    model->step(model, batch, run->seed, run->step, &result, t->arena);
    if (!isfinite(result.loss)) {
        lathe_progress_clear(&t->progress);
        lathe_die(LATHE_NUMBERS,
                  "loss is %f at step %" PRIu64 " (epoch %d): a smaller --lr may help", result.loss,
                  run->step + 1, (int)(run->step / t->steps_per_epoch) + 1);
    }
    optimise(t);
    run->step++;
    run->loss_sum += result.loss * batch->count;
    run->correct += (uint64_t)result.correct;
    run->seen += (uint64_t)batch->count;
}

static double accuracy_so_far(const struct trainer *t)
{
    return t->model->data.classes ? (double)t->run.correct / (double)t->run.seen : (double)NAN;
}

/* The steps of the epoch that run.step is in, from there on; fewer when asked to stop. Returns
 * images a second. */
static double train_epoch(struct trainer *t)
{
    struct lathe_run *run = &t->run;
    uint64_t epoch = run->step / t->steps_per_epoch, end = (epoch + 1) * t->steps_per_epoch;
    uint64_t seen_before = run->seen;
    double began = lathe_seconds(), seconds = 0;
    while (run->step < end && !stop_asked) {
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
    }
    t->seconds += seconds;
    t->images += run->seen - seen_before;
    return seconds > 0 ? (double)(run->seen - seen_before) / seconds : 0;
}

/* Metrics of the state as it stands, on the test set. */
static void evaluate(struct trainer *t)
{
    float **logical = lathe_logical_arrays(t->model);
    lathe_unpack_all(t->model, t->moving.state, logical);
    lathe_evaluator_load(t->evaluator, 0, (const float *const *)logical);
    free(logical);
    t->metrics = lathe_evaluate(t->evaluator, t->test_set);
    if (!isfinite(t->metrics.loss)) {
        lathe_progress_clear(&t->progress);
        lathe_die(LATHE_NUMBERS, "test loss is %f after step %" PRIu64, t->metrics.loss,
                  t->run.step);
    }
}

static void checkpoint(const struct trainer *t)
{
    if (t->options->checkpoint)
        lathe_checkpoint_write(t->model, t->options->checkpoint, &t->run, &t->moving);
}

/* What follows an epoch's last step. BEGAN: when the epoch did. */
static void end_epoch(struct trainer *t, double images_per_s, double began)
{
    struct lathe_run *run = &t->run;
    evaluate(t);
    struct lathe_epoch epoch = {
        .epoch = (int)(run->step / t->steps_per_epoch),
        .step = run->step,
        .lr = t->last_lr,
        .train_loss = run->loss_sum / (double)run->seen,
        .train_accuracy = accuracy_so_far(t),
        .validation_loss = t->metrics.loss,
        .validation_accuracy = t->metrics.accuracy,
        .images_per_s = images_per_s,
        .seconds = lathe_seconds() - began,
    };
    lathe_progress_epoch(&t->progress, &epoch);
    if (t->log >= 0)
        lathe_log_write(t->log, t->options->log, &epoch);
    run->loss_sum = 0;
    run->correct = run->seen = 0;
    checkpoint(t);
}

/* All epochs that are left. Returns false when stopped before the end. */
static bool train_epochs(struct trainer *t)
{
    struct lathe_run *run = &t->run;
    bool evaluated = false;
    while (run->step < t->total_steps) {
        double began = lathe_seconds(), images_per_s = train_epoch(t);
        lathe_progress_clear(&t->progress);
        evaluated = run->step % t->steps_per_epoch == 0 && run->seen;
        if (evaluated)
            end_epoch(t, images_per_s, began);
        else
            checkpoint(t);
        if (stop_asked && run->step < t->total_steps)
            return false;
    }
    if (!evaluated)
        evaluate(t);
    return true;
}

/* ---- after the last step ---- */

/* WORD as a shell reads it back. */
static void print_word(const char *word)
{
    if (*word && !word[strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                    "_-+=./:,@%")]) {
        printf(" %s", word);
        return;
    }
    fputs(" '", stdout);
    for (; *word; word++)
        fputs(*word == '\'' ? "'\\''" : (char[2]){*word, '\0'}, stdout);
    putchar('\'');
}

static void print_how_to_resume(const struct trainer *t, int argc, char **argv)
{
    printf("stopped after step %" PRIu64 " of %" PRIu64 "; to go on:", t->run.step, t->total_steps);
    for (int i = 0; i < argc; i++)
        print_word(argv[i]);
    puts(t->options->resume ? "" : " --resume");
}

static void print_result(const struct trainer *t)
{
    fputs("result:", stdout);
    if (t->model->data.classes)
        printf(" test_accuracy=%.4f", t->metrics.accuracy);
    printf(" test_loss=%.4f images_per_s=%.0f\n", t->metrics.loss,
           t->seconds > 0 ? (double)t->images / t->seconds : 0.0);
}

/* What a person at a terminal wants to see first. */
static void print_heading(const struct trainer *t)
{
    if (!t->progress.terminal || t->progress.quiet)
        return;
    size_t parameters = 0;
    for (int i = 0; i < t->model->parameter_count; i++)
        if (t->model->parameters[i].trainable)
            parameters += lathe_parameter_elements(&t->model->parameters[i]);
    printf("%s: %zu parameters; %s: %d training and %d test samples; %d threads\n", t->model->name,
           parameters, t->train_set->name, t->train_set->count, t->test_set->count,
           omp_get_max_threads());
}

static void free_trainer(struct trainer *t)
{
    lathe_loader_free(t->loader);
    lathe_close_dataset(t->train_set);
    lathe_close_dataset(t->test_set);
    free(t->arena);
    for (int i = 0; i < LATHE_MOMENTS; i++)
        free(t->moving.moments[i]);
    lathe_evaluator_free(t->evaluator);
    if (t->log >= 0)
        close(t->log);
}

int lathe_train_main(const struct lathe_model *model, int argc, char **argv)
{
    struct options options;
    lathe_check_model(model);
    if (!parse_options(model, argc, argv, &options))
        return LATHE_DONE;
    if (options.threads)
        omp_set_num_threads((int)options.threads);
    lathe_flush_denormals();
    struct trainer t = {.model = model, .options = &options, .training = model->training};
    apply_recipe(&t, &options);
    prepare_outputs(&t);
    open_data(&t);
    begin_run(&t);
    begin_loading(&t);
    t.evaluator = lathe_evaluator_new(model, 1);
    lathe_progress_start(&t.progress, options.quiet, t.training.epochs, t.steps_per_epoch);
    print_heading(&t);
    catch_signals(options.checkpoint != NULL);
    if (train_epochs(&t)) {
        if (options.save)
            lathe_write_weights(model, t.moving.state, options.save);
        print_result(&t);
    } else {
        print_how_to_resume(&t, argc, argv);
    }
    free_trainer(&t);
    if (fflush(stdout) || ferror(stdout))
        lathe_die(LATHE_RESOURCE, "standard output: cannot write");
    return LATHE_DONE;
}
