/*
 * compare: what specialisation is worth. Times the float interpreter against a generated program on
 * the same weights and data. Floor 4 of the generator.
 */
#ifndef LATHE_COMPARE_H
#define LATHE_COMPARE_H

#include "ir.h"

struct compare_options {
    bool train;     /* a training step and its optimizer; else inference */
    int batch;      /* images; 0: the generated program's own batch */
    double seconds; /* roughly how long it may take; 0: 30 */
    uint64_t seed;  /* of weights and data */
    const char
        *data; /* folder of the network's data set: its first test images; NULL: random numbers */
    bool json;
};

/* Run both in turns, at least 7 times each where the time allows, and append the medians to OUT as
 * a table, or as {"interpreted_ms", "generated_ms", "ratio", "max_difference"}. max_difference:
 * largest absolute difference of outputs; for train largest difference of the first step's
 * gradients, as a share of the largest gradient. Returns whether it is a number below 1e-2: more
 * than rounding can explain is a mistake. Fails (STATUS_USER) where NETWORK or GENERATED cannot
 * train but should, or the data cannot be read. */
bool compare_run(const struct network *network, const struct lathe_model *generated,
                 const struct compare_options *options, struct text *out);

#endif
