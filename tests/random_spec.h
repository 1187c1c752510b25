/*
 * random_spec: networks as Lua text, drawn by a seed.
 */
#ifndef LATHE_TEST_RANDOM_SPEC_H
#define LATHE_TEST_RANDOM_SPEC_H

#include "../gen/base.h"

/* A stream of random numbers: those of SEED from number NEXT on. */
struct draw {
    uint64_t seed;
    uint32_t next;
};

/* LOW .. HIGH; and true so many times in a hundred. */
int between(struct draw *draw, int low, int high);
bool chance(struct draw *draw, int percent);

/* A spec that lathe takes, a layer a line, as DRAW has it; its batch in a comment. EXACT: one that
 * computes with integers without rounding, where weights and inputs are small integers. The text is
 * to be freed. */
struct text random_spec(struct draw *draw, bool exact);

/* The spec of SEED is a chain of small convolutions from the input to linear layers, and its batch
 * larger than others': what samples in lanes are for. */
bool draws_chain(uint64_t seed);

/* The batch to train SPEC with: 1 where its comment has gone. */
int batch_of(const char *spec);

#endif
