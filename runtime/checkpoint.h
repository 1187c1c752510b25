/*
 * Checkpoints: all that a training run needs to go on with the same bits, in safetensors files
 *
 *     DIR/checkpoint-0000000120.safetensors      the number: steps that are done
 *         NODE.weight ...                        parameters, logical
 *         optimizer.first.NODE.weight ...        moments, logical
 *         optimizer.best.NODE.weight ...         parameters of the best epoch, where it is kept
 *         __metadata__                           struct lathe_run, and a checksum of the file
 *     DIR/.lock                                  locked by the run that is under way
 *
 * of which the last two are kept. Everything random in training is a function of (seed, step or
 * epoch), so there is no generator's state to keep.
 */
#ifndef LATHE_CHECKPOINT_H
#define LATHE_CHECKPOINT_H

#include "file.h"
#include "lathe.h"
#include "optimizer.h"
#include "recipe.h"
#include "schedule.h"

/* Where a run stands, and what it must be called with to stay the same run. */
struct lathe_run {
    uint64_t seed;
    uint64_t step;    /* steps done, of all epochs */
    uint64_t samples; /* trained on in an epoch */
    uint64_t held;    /* samples held out for validation */
    uint64_t places;  /* which of the training set these are: lathe_split_fingerprint */
    uint64_t epochs;
    uint64_t batch;  /* samples a step */
    uint64_t judged; /* epochs whose validation is done; one less than are trained just before it */
    uint64_t log_start; /* bytes that the log had before the run's first line */
    double lr;
    double loss_sum; /* of the unfinished epoch: its samples' losses */
    uint64_t correct, seen;
    uint64_t skipped; /* steps without an update, their numbers were not finite */
    uint64_t skipped_in_epoch, skipped_in_row;
    char recipe[LATHE_RECIPE_TEXT]; /* lr aside, which is above */
    struct lathe_plateau plateau;
    uint64_t best_epoch;             /* of the lowest validation loss, from 1; 0: none yet */
    double best_loss, best_accuracy; /* the validation's after it */
};

/* The floats that training moves. */
struct lathe_moving {
    float *state;
    float *moments[LATHE_MOMENTS]; /* trainable_floats each, or NULL */
    float *best;                   /* the state after best_epoch, or NULL: not kept */
};

/* Make DIR where it is not there, lock it for as long as this process lives and see that it can be
 * written; dies. Returns how many checkpoints it holds. */
int lathe_checkpoint_prepare(const char *folder);

/* The path of FOLDER's checkpoint of STEP, freed by free(). */
char *lathe_checkpoint_path(const char *folder, uint64_t step);

/* Write a checkpoint, then remove all but the last two and those of later steps; dies, with the
 * older ones in place. */
void lathe_checkpoint_write(const struct lathe_model *model, const char *folder,
                            const struct lathe_run *run, const struct lathe_moving *moving);

/* Read the newest good checkpoint of DIR into RUN, which has the recipe beforehand; a broken one is
 * named on stderr and passed over. Returns false where there is none at all; dies where all are
 * broken or the newest good one is of another network or recipe. */
bool lathe_checkpoint_read(const struct lathe_model *model, const char *folder,
                           struct lathe_run *run, const struct lathe_moving *moving);

#endif
