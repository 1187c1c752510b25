/*
 * The log of a training run: JSON lines, one object an epoch, in a file or nowhere.
 */
#ifndef LATHE_LOG_H
#define LATHE_LOG_H

#include <stdint.h>

/* What an epoch came to; a number that is not there is NaN. */
struct lathe_epoch {
    int epoch;     /* from 1 */
    uint64_t step; /* steps done in all */
    double lr;     /* of the last step */
    double train_loss, train_accuracy;
    double validation_loss, validation_accuracy; /* of samples held out, or the test set */
    double images_per_s;                         /* of the training steps */
    double seconds;                              /* of the whole epoch, evaluation included */
};

/* Open PATH to append to, or die. Returns the descriptor. */
int lathe_log_open(const char *path);
/* Append EPOCH as one line, written at once; dies (LATHE_RESOURCE) where that fails. */
void lathe_log_write(int descriptor, const char *path, const struct lathe_epoch *epoch);

#endif
