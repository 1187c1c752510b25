/*
 * add: output = x + y, element by element. Inputs x, y of one shape; output sum. Residual
 * connections, and the sums of gradients that the grad pass makes.
 *
 * Gradients: dx = dy = dsum.
 */
#ifndef REAL
#include "rules.h"

static void shape_add(struct graph *graph, struct node *node)
{
    const struct tensor *x = node->inputs[0], *y = node->inputs[1];
    if (x->rank != y->rank || memcmp(x->dims, y->dims, sizeof *x->dims * (size_t)x->rank))
        fail_node(node, "cannot add %s and %s: the shapes differ", shape_of(graph, x),
                  shape_of(graph, y));
    shape_same(graph, node);
}

static double tolerance_add(const struct node *node, int count, int output)
{
    (void)node, (void)count, (void)output;
    return 4e-6;
}

#define KERNELS "add.c"
#include "both.h"

const struct op_rules op_add = {
    .name = "add",
    .shape = shape_add,
    .flops = output_elements,
    .forward = {forward_float, forward_double},
    .backward = {backward_float, backward_double},
    .tolerance = tolerance_add,
};
#else

static void KERNEL(forward)(const struct node *node, struct run *run)
{
    const REAL *x = array_of(run, node->inputs[0]), *y = array_of(run, node->inputs[1]);
    REAL *sum = array_of(run, node->outputs[0]);
    size_t numbers = numbers_of(run, node->outputs[0]);
#pragma omp parallel for simd
    for (size_t i = 0; i < numbers; i++)
        sum[i] = x[i] + y[i];
}

static void KERNEL(backward)(const struct node *node, struct run *run)
{
    const REAL *from = array_of(run, output_gradient(node));
    for (int output = 0; output < 2; output++) {
        REAL *to = array_of(run, node->outputs[output]);
        if (to)
            memcpy(to, from, numbers_of(run, node->outputs[output]) * sizeof *to);
    }
}
#endif
