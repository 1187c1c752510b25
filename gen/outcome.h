/*
 * outcome: what a run of a train program came to, from the log it writes and what it printed.
 * Floor 3 of the generator.
 */
#ifndef LATHE_OUTCOME_H
#define LATHE_OUTCOME_H

#include "base.h"

/* A log: EPOCHS that ended, each with its numbers, NaN where there is none. */
struct run_log {
    int epochs;
    double seconds; /* of all epochs together */
    double *train_losses, *train_accuracies;
    double *losses, *accuracies; /* of samples held out, or the test set */
    double *images_per_s;
};

/* The log at PATH, of a run of MOST epochs that is under way or over, in ARENA. No epochs where
 * there is no file. Of an epoch that was done again, after a kill, the last line counts. */
struct run_log read_run_log(struct arena *arena, const char *path, int most);

/* Remove the checkpoints in FOLDER, and it, where it holds nothing else. */
void remove_checkpoint(struct arena *arena, const char *folder);

/* The last line of TEXT that is not empty and begins with HEAD, as a copy without its newline; or
 * NULL. */
const char *last_line_said(struct arena *arena, const char *text, const char *head);

/* NAME=NUMBER in the line RESULT, "result: test_accuracy=0.9 test_loss=1.2 ..."; NaN where it is
 * not there. The line has four decimals: FINE, from the log, instead, where it is the same number.
 */
double result_figure(struct arena *arena, const char *result, const char *name, double fine);

#endif
