/*
 * interp: evaluates a graph node by node with the operators' reference kernels, in float (the
 * honest opponent in speed) or in double (the judge of correctness). No fusion, no shared memory:
 * every tensor has its own array, row-major in logical layout, batch first. Floor 2 of the
 * generator.
 */
#ifndef LATHE_INTERP_H
#define LATHE_INTERP_H

#include "op/op.h"

/*
 * What runs for a purpose, and where the arrays of the tensors it touches stand in one block of
 * memory:
 *
 *     [trainable parameters | running statistics] [their gradients] [everything else]
 *
 * each parameter in logical layout, in the graph's order.
 */
struct interp_layout {
    const struct graph *graph;
    enum precision precision;
    int batch;           /* samples there is room for */
    bool training;       /* runs loss and gradients, else the output */
    struct node **nodes; /* that the purpose needs, in order */
    int node_count;
    size_t *offset;  /* bytes, by tensor id; INTERP_NONE: no array */
    size_t gradient; /* bytes before the gradient block */
    size_t bytes;    /* of the block, which must be aligned to 64 */
};
#define INTERP_NONE SIZE_MAX

/* Lay GRAPH out for BATCH samples, in ARENA. TRAINING needs a graph with gradients. */
struct interp_layout *interp_lay_out(struct arena *arena, const struct graph *graph,
                                     enum precision precision, int batch, bool training);

/* An evaluation with memory of its own. */
struct interp {
    const struct interp_layout *layout;
    void *memory;
    struct run run; /* run.data by tensor id */
};

/* Fresh zeroed memory for LAYOUT; interp_free it. */
struct interp *interp_new(const struct interp_layout *layout);
void interp_free(struct interp *interp);

/* Numbers that TENSOR's array holds for COUNT samples. */
size_t interp_numbers(const struct tensor *tensor, int count);
/* Copy COUNT numbers into or out of TENSOR's array, converting. */
void interp_set(struct interp *interp, const struct tensor *tensor, const double *numbers,
                size_t count);
void interp_set_float(struct interp *interp, const struct tensor *tensor, const float *numbers,
                      size_t count);
void interp_get(const struct interp *interp, const struct tensor *tensor, double *numbers,
                size_t count);

/* The logical arrays WEIGHTS, one a parameter in interp_parameters' order. */
void interp_load(struct interp *interp, const float *const *weights);

/* Evaluate one node with RUN's arrays. */
void interp_node(const struct node *node, struct run *run);

/* Evaluate the layout's nodes in order on COUNT samples of INPUT. Outside training: running
 * statistics, no dropout. */
void interp_infer(struct interp *interp, const float *input, int count);
/* Forward, loss, backward of BATCH; moves the running statistics. Returns the mean loss; the
 * samples that were right are in run.correct. */
double interp_step(struct interp *interp, const struct lathe_batch *batch, uint64_t seed,
                   uint64_t step);

/* ---- as a model of the runtime ---- */

/* GRAPH's parameters and running statistics in the graph's order, as the interpreter packs them
 * (logical layout; running statistics after all that is trained), in ARENA. Returns how many. */
int interp_parameters(struct arena *arena, const struct graph *graph,
                      struct lathe_parameter **parameters, size_t *trainable_floats,
                      size_t *state_floats);

/* The float interpreter of NETWORK as a struct lathe_model in ARENA, for lathe_infer_main,
 * lathe_train_main and comparisons: up to INFER_BATCH samples a call of infer. Trains in batches of
 * TRAIN_BATCH where the graph has gradients, 0: inference only. */
struct lathe_model *interp_model(struct arena *arena, const struct network *network,
                                 int infer_batch, int train_batch);

#endif
