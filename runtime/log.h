/*
 * The log of a training run: JSON lines, one object an epoch, in a file or nowhere.
 */
#ifndef LATHE_LOG_H
#define LATHE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What an epoch came to; a number that is not there is NaN. */
struct lathe_epoch {
    int epoch;     /* from 1 */
    uint64_t step; /* steps done in all */
    double lr;     /* of the last step */
    double train_loss, train_accuracy;
    double validation_loss, validation_accuracy; /* of samples held out, or the test set */
    int64_t skipped_steps; /* updates left out; -1: the log does not have them */
    double images_per_s;   /* of the training steps */
    double seconds;        /* of the whole epoch, evaluation included */
};

/* An open log. */
struct lathe_log {
    int descriptor; /* -1: there is none */
    const char *path;
    uint64_t length; /* bytes of whole lines, where it is a plain file */
    char *lines;     /* what a run that goes on has written already; NULL: nothing */
};

/* Open PATH to append to, for this process alone; dies. What a killed run left of a line is cut
 * off. PATH must outlive the log. */
struct lathe_log lathe_log_open(const char *path);
/* The run goes on whose first line began at byte START: its epochs that come again are the same,
 * to the bit, and are not written again. */
void lathe_log_resume(struct lathe_log *log, uint64_t start);
/* A run begins that a killed one may have begun before it: the last first epoch and what follows it
 * are taken as its lines, which are not written again where they come again. Returns where they
 * begin. */
uint64_t lathe_log_begin_again(struct lathe_log *log);
/* Append EPOCH as one line, written at once; dies (LATHE_RESOURCE) where that fails, with the log
 * as it was. */
void lathe_log_write(struct lathe_log *log, const struct lathe_epoch *epoch);
/* Have the lines on the disk, before a checkpoint says that they are there. */
void lathe_log_sync(const struct lathe_log *log);
void lathe_log_close(struct lathe_log *log);

#endif
