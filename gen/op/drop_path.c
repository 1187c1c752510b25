/*
 * drop_path: the end of a residual's body under stochastic depth. In training y = x where the step
 * keeps the body (its gate), 0 where not; then nothing of the body is computed, forward or
 * backward, and what it would have given is 0. Outside training y = (1 - p) x. Input x; output y.
 * Huang, Sun, Liu, Sedra, Weinberger: "Deep networks with stochastic depth" (ECCV 2016), section 3.
 *
 * Gradient: dx = dy; the gradient node belongs to the gate, so dx is 0 where the body is skipped.
 */
#ifndef REAL
#include "rules.h"

static void shape_drop_path(struct graph *graph, struct node *node)
{
    double p = node->drop_path.gate->p;
    if (!(p >= 0 && p < 1))
        fail_node(node, "drop must be at least 0 and below 1, given %g", p);
    shape_same(graph, node);
}

static double tolerance_drop_path(const struct node *node, int count, int output)
{
    (void)node, (void)count, (void)output;
    return 4e-6;
}

#define KERNELS "drop_path.c"
#include "both.h"

const struct op_rules op_drop_path = {
    .name = "drop_path",
    .shape = shape_drop_path,
    .flops = output_elements,
    .forward = {forward_float, forward_double},
    .backward = {backward_float, backward_double},
    .tolerance = tolerance_drop_path,
};
#else

static void KERNEL(forward)(const struct node *node, struct run *run)
{
    const struct gate *gate = node->drop_path.gate;
    const REAL *x = array_of(run, node->inputs[0]);
    REAL *y = array_of(run, node->outputs[0]);
    REAL scale = run->training ? gate_kept(gate, run) : (REAL)(1 - gate->p);
    size_t numbers = numbers_of(run, node->outputs[0]);
#pragma omp parallel for simd
    for (size_t i = 0; i < numbers; i++)
        y[i] = scale * x[i];
}

static void KERNEL(backward)(const struct node *node, struct run *run)
{
    if (node->outputs[0])
        memcpy(array_of(run, node->outputs[0]), array_of(run, output_gradient(node)),
               numbers_of(run, node->outputs[0]) * sizeof(REAL));
}
#endif
