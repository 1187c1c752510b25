/*
 * The program DIR/train, between its files:
 *
 *     train.c           a run: state, steps, epochs
 *     train_options.c   the command line
 *     train_stop.c      SIGINT and SIGTERM
 *     train_numbers.c   steps whose numbers are not finite
 *     train_judge.c     what epochs came to: validation, best weights, plateau, early stopping
 *     train_report.c    what is printed before the first step and after the last
 */
#ifndef LATHE_TRAIN_H
#define LATHE_TRAIN_H

#include <stdio.h>

#include "checkpoint.h"
#include "data.h"
#include "evaluate.h"
#include "lathe.h"
#include "log.h"
#include "profile.h"
#include "progress.h"
#include "split.h"

enum { LATHE_EPOCHS_MAX = 1000000 };

struct lathe_train_options {
    const char *data, *weights, *save, *checkpoint, *log, *recipe, *on_bad_file;
    int64_t epochs, seed, threads, limit_train, limit_test;
    int64_t subset;     /* samples to train on; 0: as the spec has it */
    int64_t validation; /* samples held out; -1: as the spec has it */
    int64_t every;      /* steps, or seconds, between checkpoints; 0: an epoch */
    bool every_is_seconds;
    int64_t skip_bad_steps; /* at most so many in a row; 0: none */
    double lr;
    bool resume, quiet, profile;
    bool no_test;   /* the test set is not read */
    bool keep_last; /* the weights that count are the last epoch's, not the best's */
    bool epochs_given, seed_given, lr_given;
};

/* Read argv into OPTIONS, whose defaults come from MODEL; dies. Returns false when --help was all.
 */
bool lathe_train_read_options(const struct lathe_model *model, int argc, char **argv,
                              struct lathe_train_options *options);
/* MODEL's training with what the recipe of OPTIONS changes; dies. OPTIONS' lr becomes the recipe's.
 */
struct lathe_training lathe_train_recipe(const struct lathe_model *model,
                                         struct lathe_train_options *options);

/* What a run does between its steps, as calls of a profile. */
enum { LATHE_WAIT, LATHE_UPDATE, LATHE_BETWEEN };

struct lathe_trainer {
    const struct lathe_model *model;
    const struct lathe_train_options *options;
    struct lathe_training training;             /* the model's, with the options' changes */
    struct lathe_dataset *train_set, *test_set; /* test_set NULL: held samples are all that judges
                                                 */
    struct lathe_split split; /* of the training set; nothing held: the test set judges */
    unsigned char *arena;
    struct lathe_moving moving;
    struct lathe_run run;
    struct lathe_loader *loader;
    uint64_t steps_per_epoch, total_steps;
    struct lathe_evaluator *evaluator;
    struct lathe_metrics metrics; /* of the last evaluation */
    struct lathe_progress progress;
    struct lathe_log log;
    double saved;   /* when the last checkpoint was written, or the run began */
    bool unsaved;   /* something was done since */
    bool saved_any; /* there is a checkpoint, and of this step: */
    uint64_t saved_step;
    float *statistics;          /* what is no weight of the state before the step */
    double seconds;             /* spent in training steps, by this process */
    uint64_t images;            /* trained in them */
    struct lathe_limits limits; /* with --profile */
    struct lathe_cost costs[LATHE_BETWEEN];
    struct lathe_spent spent[LATHE_BETWEEN];
    struct lathe_profile between;
};

/* The learning rate of the step that STEP steps went before; *MOMENTUM as lathe_schedule_lr. */
double lathe_train_rate(const struct lathe_trainer *t, uint64_t step, double *momentum);

/* ---- train_stop.c ---- */

/* Failed writes are to be told by their results, not by signals. With checkpoints the first SIGINT
 * or SIGTERM asks to stop, the second kills; one that comes before lathe_train_begin_steps ends the
 * process at once, with the line that says how to go on. ARGC and ARGV are main's. */
void lathe_train_catch_signals(const struct lathe_trainer *t, int argc, char **argv);
/* From here on there is something to save before the end. */
void lathe_train_begin_steps(void);
bool lathe_train_asked_to_stop(void);
/* How to go on with a run that was stopped: the command line, once with --resume, to OUT. */
void lathe_train_print_how_to_resume(const struct lathe_trainer *t, int argc, char **argv,
                                     FILE *out);

/* ---- train_numbers.c ---- */

/* Keep what a step moves beside the gradients, before it. */
void lathe_train_keep_statistics(struct lathe_trainer *t);
/* The loss, the gradients and the running statistics that the step left are finite. */
bool lathe_train_numbers_hold(const struct lathe_trainer *t,
                              const struct lathe_step_result *result);
/* They are not, in the step of run.step on BATCH: the state becomes what it was before and the step
 * is counted as left out, where --skip-bad-steps allows; dies elsewhere, with the first place where
 * there is such a number. */
void lathe_train_bad_step(struct lathe_trainer *t, const struct lathe_batch *batch,
                          const struct lathe_step_result *result);
/* Dies where the state has a number that is not finite, which nothing is to be written of. */
void lathe_train_check_weights(const struct lathe_trainer *t);
/* What can be done about it, into TEXT. */
enum { LATHE_ADVICE = 2048 };
void lathe_train_advice(const struct lathe_trainer *t, char text[LATHE_ADVICE]);

/* ---- train_judge.c ---- */

/* Before a run's first step: its plateau and best epoch are none yet. */
void lathe_train_begin_judging(struct lathe_trainer *t);
/* The learning rate that the schedule has from here on: plateaus lower it. */
void lathe_train_take_rate(struct lathe_trainer *t);
/* All steps of an epoch are done, but it is not judged yet. */
bool lathe_train_awaits_judgement(const struct lathe_trainer *t);
/* After an epoch: T's metrics of the validation samples (or the test set), the best weights, the
 * learning rate. Dies where the loss is no number. Returns false, nothing changed, where it was
 * asked to stop. */
bool lathe_train_judge(struct lathe_trainer *t);
/* Whether the run is over: all steps done, or early stopping. */
bool lathe_train_is_over(const struct lathe_trainer *t);
/* After a run: the weights that count, of the best epoch where samples were held out and keep_last
 * is not given, become the state; T's metrics those of the test set, or without one of the samples
 * held out. JUDGED: lathe_train_judge saw the state as it is. Returns false where it was asked to
 * stop; the state is no longer what training left. */
bool lathe_train_conclude(struct lathe_trainer *t, bool judged);

/* ---- train_report.c ---- */

/* What a person at a terminal wants to see first. */
void lathe_train_print_heading(const struct lathe_trainer *t);
/* The best epoch, where there is one, and the result. */
void lathe_train_print_result(const struct lathe_trainer *t);
/* With --profile: measure the machine's limits and begin; print the tables. */
void lathe_train_begin_profile(struct lathe_trainer *t);
void lathe_train_print_profile(const struct lathe_trainer *t);
#endif
