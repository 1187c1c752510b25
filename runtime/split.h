/*
 * Which samples of a training set are trained on, and which are held out to judge the result.
 */
#ifndef LATHE_SPLIT_H
#define LATHE_SPLIT_H

#include "lathe.h"

/* Places in the training set, both in its order; NULL where the whole set is kept. */
struct lathe_split {
    uint32_t *kept, *held;
    int kept_count, held_count;
};

/* Hold SHARE (0 .. below 1) of COUNT samples out: sample i is held where a multiple of 1 / SHARE
 * lies in (i, i + 1], so that they are spread evenly and the same in every run. Dies, naming NAME,
 * where none are held or none are left; with a SHARE of 0 all are kept. */
struct lathe_split lathe_split_new(const char *name, int count, double share);
/* Keep SUBSET of COUNT samples, every so-manieth, and hold HELD of the others out, spread evenly
 * over those; with a SUBSET of 0 the held ones are of all, and all others are kept. Dies, naming
 * NAME, where there are not so many. */
struct lathe_split lathe_split_counts(const char *name, int count, int subset, int held);
/* A number that tells splits of COUNT samples apart. */
uint64_t lathe_split_fingerprint(const struct lathe_split *split, int count);
void lathe_split_free(struct lathe_split *split);

#endif
