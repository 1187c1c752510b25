/*
 * verify: is what lathe computes right? Three comparisons, each a table of tensors:
 *
 *   gradients   the double interpreter's against central differences of its own loss;
 *   kernels     each float kernel against the double one, on the same inputs;
 *   generated   each tensor of a generated training step against the double kernel on the generated
 *               program's own inputs, and the output of inference against the double interpreter's.
 *
 * Weights, running statistics and data are random, keyed by a seed. Bounds are section 7's of the
 * design. Floor 4 of the generator.
 */
#ifndef LATHE_VERIFY_H
#define LATHE_VERIFY_H

#include "ir.h"

struct verify_options {
    uint64_t seed;
    int batch;   /* samples */
    int entries; /* gradients: tensors of so many numbers are checked number by number; of larger
                      ones 3 random numbers and a random direction. Of networks with more than 48
                      weights, all have but one number and a direction */
};

/* Each appends its table to OUT and returns whether all of it holds. GRAPH has its gradients (but
 * for networks without a loss: then only inference is compared). */
bool verify_gradients(const struct graph *graph, const struct verify_options *options,
                      struct text *out);
bool verify_kernels(const struct graph *graph, const struct verify_options *options,
                    struct text *out);
/* GENERATED must be built with a list of its tensors, none of them overlapping. Batches larger than
 * its own are cut to these. */
bool verify_generated(const struct graph *graph, const struct lathe_model *generated,
                      const struct verify_options *options, struct text *out);

/* All of it; GENERATED may be NULL. */
bool verify_run(const struct network *network, const struct lathe_model *generated,
                const struct verify_options *options, struct text *out);

#endif
