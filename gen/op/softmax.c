/*
 * softmax: y_c = exp(x_c - max x) / sum_c exp(x_c - max x) over the channels of a flat input. Input
 * x; output y.
 *
 * Gradient: dx_c = y_c * (dy_c - sum_k dy_k * y_k).
 */
#ifndef REAL
#include "rules.h"
#include <tgmath.h>

static void shape_softmax(struct graph *graph, struct node *node)
{
    check_flat(graph, node);
    shape_same(graph, node);
}

static double flops_softmax(const struct node *node)
{
    return 4 * output_elements(node);
}

static double tolerance_softmax(const struct node *node, int count, int output)
{
    (void)node, (void)count, (void)output;
    return 1.2e-6;
}

#define KERNELS "softmax.c"
#include "both.h"

const struct op_rules op_softmax = {
    .name = "softmax",
    .shape = shape_softmax,
    .flops = flops_softmax,
    .forward = {forward_float, forward_double},
    .backward = {backward_float, backward_double},
    .tolerance = tolerance_softmax,
};
#else

static void KERNEL(softmax_row)(const REAL *x, REAL *y, int channels)
{
    REAL largest = x[0];
    for (int c = 1; c < channels; c++)
        largest = x[c] > largest ? x[c] : largest;
    double sum = 0;
    for (int c = 0; c < channels; c++) {
        y[c] = exp(x[c] - largest);
        sum += (double)y[c];
    }
    REAL scale = (REAL)(1 / sum);
    for (int c = 0; c < channels; c++)
        y[c] *= scale;
}

static void KERNEL(forward)(const struct node *node, struct run *run)
{
    const REAL *x = array_of(run, node->inputs[0]);
    REAL *y = array_of(run, node->outputs[0]);
    int channels = tensor_c(node->outputs[0]);
#pragma omp parallel for
    for (int n = 0; n < run->count; n++)
        KERNEL(softmax_row)(x + (size_t)n * channels, y + (size_t)n * channels, channels);
}

static void KERNEL(backward)(const struct node *node, struct run *run)
{
    REAL *dx = array_of(run, node->outputs[0]);
    if (!dx)
        return;
    const REAL *y = array_of(run, node->forward->outputs[0]);
    const REAL *dy = array_of(run, output_gradient(node));
    int channels = tensor_c(node->outputs[0]);
#pragma omp parallel for
    for (int n = 0; n < run->count; n++) {
        size_t row = (size_t)n * channels;
        double sum = 0;
        for (int c = 0; c < channels; c++)
            sum += (double)dy[row + c] * (double)y[row + c];
        for (int c = 0; c < channels; c++)
            dx[row + c] = y[row + c] * (dy[row + c] - (REAL)sum);
    }
}
#endif
