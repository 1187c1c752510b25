/*
 * The rules of an operator: what its file in gen/op/ gives to the passes and to the interpreter.
 * Floor 2 of the generator.
 */
#ifndef LATHE_OP_H
#define LATHE_OP_H

#include "../ir.h"
#include "../../runtime/random.h"

enum precision { PRECISION_FLOAT, PRECISION_DOUBLE };

/* What a node sees while it is evaluated. Arrays are row-major in logical layout, batch first:
 * (N, C, H, W), float or double by precision. */
struct run {
    enum precision precision;
    bool training;         /* batch statistics and dropout, else running statistics and identity */
    int count;             /* samples N in this batch */
    void **data;           /* by tensor id; every tensor a node touches has its array */
    const int32_t *labels; /* N, or NULL */
    const float *targets;  /* N x outputs, or NULL */
    uint64_t seed, step;   /* key dropout */
    int correct;           /* set by the loss node: samples whose largest output is the label's */
};

/* The step that RUN evaluates keeps the body of GATE, and those around it; evaluation keeps all. */
static inline bool gate_kept(const struct gate *gate, const struct run *run)
{
    for (; gate && run->training; gate = gate->outer)
        if (!lathe_kept(run->seed, run->step, (uint32_t)gate->number, lathe_threshold(gate->p)))
            return false;
    return true;
}

struct op_rules {
    const char *name;
    /* Given inputs[0..] (activations) and attributes: check that they fit (fail_at with the node's
     * where and name: "block2.conv: kernel 7 does not fit input 128x4x4"), then add parameters,
     * buffers and outputs. */
    void (*shape)(struct graph *graph, struct node *node);
    /* Multiply-adds count 2; a sample, forward. */
    double (*flops)(const struct node *node);
    /* Reference kernels [PRECISION_FLOAT: an honest, parallel one, PRECISION_DOUBLE: plain loops].
     */
    void (*forward[2])(const struct node *node, struct run *run);
    void (*backward[2])(const struct node *node, struct run *run);
    /* Relative L2 error that a float kernel of this node may have against double, forward
     * (section 7 of the design): of the outputs, and of the gradients by output index. */
    double (*tolerance)(const struct node *node, int count, int output);
    /* Where the node adds up terms that may cancel: into its output arrays (and batchnorm's running
     * statistics) the sums of the terms' absolute values, which rounding errors are a share of
     * however small the outputs come out. In double; NULL: the outputs' own size serves. */
    void (*magnitude)(const struct node *node, struct run *run);
};

extern const struct op_rules *const op_table[OP_COUNT];

/* learned.c: check NODE's attributes, and add its parameters, or its table, to its inputs. */
void learned_add_parameters(struct graph *graph, struct node *node);

#endif
