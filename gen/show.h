/*
 * show: what a network is: shapes, parameters and costs a layer, groups and memory. Floor 4.
 */
#ifndef LATHE_SHOW_H
#define LATHE_SHOW_H

#include "build.h"
#include "program.h"

struct show_options {
    bool json, dot;
    double peak, bandwidth; /* of the machine to predict for: GFLOP/s, GB/s */
};

/* Append to OUT a table for people, or JSON {"name", "parameters", "flops_forward", "layers",
 * "groups", "memory"}, or the graph in Graphviz's language. */
void show_network(struct arena *arena, struct network *network, const struct build_options *options,
                  const struct show_options *show, struct text *out);

/* show_predict.c: append what each group of INFER and of TRAIN (NULL: none) takes at least, by
 * the roofline model (Williams, Waterman and Patterson, "Roofline", 2009): a call's flops at the
 * peak or its operands' bytes at the bandwidth, whichever takes longer. A machine whose caches
 * hold the operands can be faster, kernels that miss the peak are slower. */
void show_prediction(const struct program *infer, const struct program *train,
                     const struct show_options *show, struct text *out);

#endif
