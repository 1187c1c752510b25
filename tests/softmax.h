/*
 * softmax: a network written by hand as a generated program has it, softmax regression on the
 * digits, and its training stopped and resumed.
 */
#ifndef LATHE_TEST_SOFTMAX_H
#define LATHE_TEST_SOFTMAX_H

#include "child.h"
#include "../runtime/lathe.h"

enum { PIXELS = 28 * 28, CLASSES = 10, BATCH = 32 };
enum { W_FLOATS = PIXELS * 16, STATE = W_FLOATS + 32, GRADIENT_AT = 64 * ((STATE * 4 + 63) / 64) };

/* 300 samples make 10 steps an epoch, the last of 12 samples. */
#define SMALL "--limit-train", "300", "--limit-test", "100"

/* What the network does beside learning. */
extern struct mischief {
    uint64_t signal_step;
    int signal;        /* raised in that step */
    int signal_batch;  /* > 0: raised in inference instead, in this batch of the run's, from 1 */
    int nap;           /* microseconds that a step takes longer */
    const char *every; /* --every of runs with checkpoints in stop_and_resume; NULL: without */
    bool no_number;
    uint64_t bad_from, bad_to; /* steps whose gradient and running mean are not finite */
    float bad;                 /* what they are instead */
    bool alone;                /* the gradient is the weights minus 1, whatever the batch is */
} mischief;

/* Three epochs of Adam under one-cycle. */
struct lathe_model softmax_model(void);

/* Stop TRAIN, which trains a softmax_model(), with SIGNAL in step STEP, then resume: weights and
 * log end as if nothing had been. */
void stop_and_resume(program *train, int signal, uint64_t step);

#endif
