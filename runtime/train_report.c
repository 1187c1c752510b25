/* train_report: what DIR/train prints around a run. See train.h. */
#include <inttypes.h>
#include <omp.h>
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "train.h"

void lathe_train_print_how_to_resume(const struct lathe_trainer *t, int argc, char **argv)
{
    printf("stopped after step %" PRIu64 " of %" PRIu64 "; to go on:", t->run.step, t->total_steps);
    for (int i = 0; i < argc; i++)
        lathe_print_word(argv[i]);
    puts(t->options->resume ? "" : " --resume");
}

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

void lathe_train_print_result(const struct lathe_trainer *t)
{
    if (t->run.best_epoch && !t->progress.quiet)
        print_best(t);
    fputs("result:", stdout);
    if (t->model->data.classes)
        printf(" test_accuracy=%.4f", t->metrics.accuracy);
    printf(" test_loss=%.4f images_per_s=%.0f\n", t->metrics.loss,
           t->seconds > 0 ? (double)t->images / t->seconds : 0.0);
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
    printf("and %d test samples; %d threads\n", t->test_set->count, omp_get_max_threads());
}
