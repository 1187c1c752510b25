/*
 * flatten: (C, H, W) becomes one row of C * H * W numbers, in that order. Input x; output y. A copy
 * here; generated code needs none.
 */
#ifndef REAL
#include "rules.h"

static void shape_flatten(struct graph *graph, struct node *node)
{
    int length = (int)tensor_elements(node->inputs[0]);
    add_activation(graph, node, 1, &length);
}

static double flops_flatten(const struct node *node)
{
    (void)node;
    return 0;
}

static double tolerance_flatten(const struct node *node, int count, int output)
{
    (void)node, (void)count, (void)output;
    return 0;
}

#define KERNELS "flatten.c"
#include "both.h"

const struct op_rules op_flatten = {
    .name = "flatten",
    .shape = shape_flatten,
    .flops = flops_flatten,
    .forward = {forward_float, forward_double},
    .backward = {backward_float, backward_double},
    .tolerance = tolerance_flatten,
};
#else

static void KERNEL(forward)(const struct node *node, struct run *run)
{
    memcpy(array_of(run, node->outputs[0]), array_of(run, node->inputs[0]),
           numbers_of(run, node->inputs[0]) * sizeof(REAL));
}

static void KERNEL(backward)(const struct node *node, struct run *run)
{
    if (node->outputs[0])
        memcpy(array_of(run, node->outputs[0]), array_of(run, output_gradient(node)),
               numbers_of(run, node->outputs[0]) * sizeof(REAL));
}
#endif
