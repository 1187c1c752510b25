/* train_report: what DIR/train prints around a run. See train.h. */
#include <inttypes.h>
#include <omp.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "optimizer.h"
#include "train.h"

/* Which epoch's weights these are, and why there were no more. */
static void print_best(const struct lathe_trainer *t)
{
    const struct lathe_run *run = &t->run;
    if (run->step < t->total_steps)
        printf("stopped early after epoch %" PRIu64 ": no lower validation loss in %d epoch%s\n",
               run->step / t->steps_per_epoch, t->training.early_stopping,
               t->training.early_stopping == 1 ? "" : "s");
    printf("best: epoch %" PRIu64 ", validation_loss=%.4f", run->best_epoch, run->best_loss);
    if (t->model->data.classes)
        printf(" validation_accuracy=%.4f", run->best_accuracy);
    putchar('\n');
}

/* Bytes of SET's samples and what goes with them. */
static double data_bytes(const struct lathe_dataset *set)
{
    size_t numbers = (size_t)set->channels * (size_t)set->height * (size_t)set->width;
    size_t sample = set->images ? numbers : set->points ? numbers * sizeof(float) : 0;
    sample += set->labels ? sizeof *set->labels : 0;
    sample += set->values ? (size_t)set->targets * sizeof *set->values : 0;
    return (double)set->count * (double)sample;
}

/* Bytes of MODEL's largest parameter, which is folded in a copy. */
static double largest_bytes(const struct lathe_model *model)
{
    size_t largest = 0;
    for (int i = 0; i < model->parameter_count; i++) {
        size_t elements = lathe_parameter_elements(&model->parameters[i]);
        largest = elements > largest ? elements : largest;
    }
    return 4.0 * (double)largest;
}

/* What was known beforehand of the memory, and the most that this process has had. */
static void print_memory(const struct lathe_trainer *t)
{
    const struct lathe_model *model = t->model;
    struct rusage usage;
    if (!t->progress.terminal || getrusage(RUSAGE_SELF, &usage) != 0)
        return;
    double optimizer = 0, data = data_bytes(t->train_set);
    data += t->test_set ? data_bytes(t->test_set) : 0;
    for (int i = 0; i < LATHE_MOMENTS; i++)
        optimizer += t->moving.moments[i] ? 4.0 * (double)model->trainable_floats : 0;
    /* to judge: inference's arena, and the weights on their way there */
    double judging = (double)model->infer_arena_bytes + largest_bytes(model);
    judging += 4.0 * (double)model->state_floats;
    judging += t->moving.best ? 4.0 * (double)model->state_floats : 0;
    data +=
        4.0 * (2.0 * t->training.batch + model->infer_batch) * (double)lathe_sample_floats(model);
    double step = (double)model->train_arena_bytes;
    printf("memory: planned %.1f MB (step %.1f, optimizer %.1f, judging %.1f, data %.1f), ",
           (step + optimizer + judging + data) * 1e-6, step * 1e-6, optimizer * 1e-6,
           judging * 1e-6, data * 1e-6);
    printf("at most %.1f MB\n", (double)usage.ru_maxrss * 1024e-6);
}

void lathe_train_print_result(const struct lathe_trainer *t)
{
    if (!t->progress.quiet)
        print_memory(t);
    if (t->run.best_epoch && !t->progress.quiet)
        print_best(t);
    const char *judge = t->test_set ? "test" : "validation";
    fputs("result:", stdout);
    if (t->model->data.classes)
        printf(" %s_accuracy=%.4f", judge, t->metrics.accuracy);
    printf(" %s_loss=%.4f images_per_s=%.0f", judge, t->metrics.loss,
           t->seconds > 0 ? (double)t->images / t->seconds : 0.0);
    if (t->options->skip_bad_steps)
        printf(" skipped_steps=%" PRIu64, t->run.skipped);
    putchar('\n');
}

void lathe_train_print_heading(const struct lathe_trainer *t)
{
    if (!t->progress.terminal || t->progress.quiet)
        return;
    size_t parameters = 0;
    for (int i = 0; i < t->model->parameter_count; i++)
        if (t->model->parameters[i].trainable)
            parameters += lathe_parameter_elements(&t->model->parameters[i]);
    printf("%s: %zu parameters; %s: %d training, ", t->model->name, parameters, t->train_set->name,
           t->split.kept_count);
    if (t->split.held_count)
        printf("%d validation ", t->split.held_count);
    printf("and %d test samples; %d threads\n", t->test_set ? t->test_set->count : 0,
           omp_get_max_threads());
}

void lathe_train_begin_profile(struct lathe_trainer *t)
{
    const struct lathe_model *model = t->model;
    int moments = 0;
    for (int i = 0; i < LATHE_MOMENTS; i++)
        moments += lathe_optimizer_keeps(&t->training, i);
    t->costs[LATHE_WAIT] = (struct lathe_cost){.group = "data", .label = "wait"};
    /* parameters and moments are read and written, gradients read */
    t->costs[LATHE_UPDATE] = (struct lathe_cost){
        .group = "optimizer",
        .label = "update",
        .fixed_bytes = 4.0 * (double)model->trainable_floats * (3 + 2 * moments)};
    t->between =
        (struct lathe_profile){.costs = t->costs, .count = LATHE_BETWEEN, .spent = t->spent};
    t->limits = lathe_begin_profile();
}

void lathe_train_print_profile(const struct lathe_trainer *t)
{
    lathe_print_profile("training steps", t->model->train_profile, &t->limits);
    lathe_print_profile("between the steps", &t->between, &t->limits);
    lathe_print_profile("inference", t->model->infer_profile, &t->limits);
}
