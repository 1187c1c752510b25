/*
 * flatten and reshape: the same numbers in the same order under another shape, one row of C * H * W
 * or another (C, H, W). Input x; output y. A copy here; generated code needs none where the layout
 * stays (layout.c).
 *
 * Gradient: dx is dy in x's shape.
 */
#ifndef REAL
#include "rules.h"

static void shape_flatten(struct graph *graph, struct node *node)
{
    int length = (int)tensor_elements(node->inputs[0]);
    add_activation(graph, node, 1, &length);
}

static void shape_reshape(struct graph *graph, struct node *node)
{
    static const char *const names[] = {"channels", "height", "width"};
    const struct tensor *x = node->inputs[0];
    const int *dims = node->reshape.dims;
    double numbers = 1;
    for (int i = 0; i < 3; i++) {
        check_positive(node, names[i], dims[i]);
        numbers *= dims[i];
    }
    if (numbers != (double)tensor_elements(x))
        fail_node(node, "%dx%dx%d has %.0f numbers, the input %s has %zu", dims[0], dims[1],
                  dims[2], numbers, shape_of(graph, x), tensor_elements(x));
    add_activation(graph, node, 3, dims);
}

static double flops_moves(const struct node *node)
{
    (void)node;
    return 0;
}

static double tolerance_moves(const struct node *node, int count, int output)
{
    (void)node, (void)count, (void)output;
    return 0;
}

#define KERNELS "reshape.c"
#include "both.h"

const struct op_rules op_flatten = {
    .name = "flatten",
    .shape = shape_flatten,
    .flops = flops_moves,
    .forward = {forward_float, forward_double},
    .backward = {backward_float, backward_double},
    .tolerance = tolerance_moves,
};

const struct op_rules op_reshape = {
    .name = "reshape",
    .shape = shape_reshape,
    .flops = flops_moves,
    .forward = {forward_float, forward_double},
    .backward = {backward_float, backward_double},
    .tolerance = tolerance_moves,
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
