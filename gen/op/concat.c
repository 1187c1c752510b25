/*
 * concat: the inputs one after the other along the channels. Inputs x1, x2 ... of one height and
 * width, or all flat; output y. Generated code copies only what cannot be computed in its place
 * (layout.c).
 *
 * Gradients: dx1, dx2 ... are the parts of dy.
 */
#ifndef REAL
#include "rules.h"

#include <limits.h>

static void shape_concat(struct graph *graph, struct node *node)
{
    const struct tensor *first = node->inputs[0];
    int dims[3] = {0, tensor_h(first), tensor_w(first)};
    for (int i = 0; i < node->input_count; i++) {
        const struct tensor *x = node->inputs[i];
        if (x->rank != first->rank || tensor_h(x) != dims[1] || tensor_w(x) != dims[2])
            fail_node(node, "branch %d gives %s, branch 1 %s: they may differ in channels alone",
                      i + 1, shape_of(graph, x), shape_of(graph, first));
        if (tensor_c(x) > INT_MAX - dims[0])
            fail_node(node, "more than %d channels", INT_MAX);
        dims[0] += tensor_c(x);
    }
    add_activation(graph, node, first->rank, dims);
}

static double flops_concat(const struct node *node)
{
    (void)node;
    return 0;
}

static double tolerance_concat(const struct node *node, int count, int output)
{
    (void)node, (void)count, (void)output;
    return 0;
}

#define KERNELS "concat.c"
#include "both.h"

const struct op_rules op_concat = {
    .name = "concat",
    .shape = shape_concat,
    .flops = flops_concat,
    .forward = {forward_float, forward_double},
    .backward = {backward_float, backward_double},
    .tolerance = tolerance_concat,
};
#else

static void KERNEL(forward)(const struct node *node, struct run *run)
{
    REAL *y = array_of(run, node->outputs[0]);
    size_t row = tensor_elements(node->outputs[0]);
    for (int i = 0; i < node->input_count; i++) {
        const REAL *x = array_of(run, node->inputs[i]);
        size_t part = tensor_elements(node->inputs[i]);
#pragma omp parallel for
        for (int n = 0; n < run->count; n++)
            memcpy(y + (size_t)n * row, x + (size_t)n * part, part * sizeof *y);
        y += part;
    }
}

static void KERNEL(backward)(const struct node *node, struct run *run)
{
    const REAL *dy = array_of(run, output_gradient(node));
    size_t row = tensor_elements(output_gradient(node));
    for (int i = 0; i < node->output_count; i++) {
        REAL *dx = array_of(run, node->outputs[i]);
        size_t part = tensor_elements(node->forward->inputs[i]);
#pragma omp parallel for
        for (int n = 0; n < (dx ? run->count : 0); n++)
            memcpy(dx + (size_t)n * part, dy + (size_t)n * row, part * sizeof *dx);
        dy += part;
    }
}
#endif
