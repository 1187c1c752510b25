/*
 * lrn: local response normalisation across channels, as torch.nn.LocalResponseNorm:
 * y_c = x_c * s_c^-beta, s_c = k + alpha / size * sum of x_j^2 over the channels j within size / 2
 * of c. Input x; output y. Krizhevsky, Sutskever, Hinton: "ImageNet classification with deep
 * convolutional neural networks" (2012), section 3.3, where alpha is not divided by size.
 *
 * Gradient: dx_i = dy_i s_i^-beta - 2 alpha beta / size * x_i * sum of dy_c x_c s_c^(-beta - 1)
 * over the channels c within size / 2 of i.
 */
#ifndef REAL
#include "rules.h"
#include <stdlib.h>
#include <tgmath.h>

static void shape_lrn(struct graph *graph, struct node *node)
{
    int channels = tensor_c(node->inputs[0]), size = node->lrn.size;
    check_positive(node, "size", size);
    if (size % 2 == 0)
        fail_node(node, "size must be odd, a channel and its neighbours on both sides, given %d",
                  size);
    if (size > 2 * channels - 1)
        fail_node(node, "size %d is too wide for %d channel%s, at most %d", size, channels,
                  channels == 1 ? "" : "s", 2 * channels - 1);
    if (!(node->lrn.k > 0) || !(node->lrn.alpha >= 0) || !(node->lrn.beta >= 0))
        fail_node(node, "k must be above 0, alpha and beta at least 0, given %g, %g and %g",
                  node->lrn.k, node->lrn.alpha, node->lrn.beta);
    shape_same(graph, node);
}

static double flops_lrn(const struct node *node)
{
    return (node->lrn.size + 5) * output_elements(node);
}

static double tolerance_lrn(const struct node *node, int count, int output)
{
    (void)node, (void)count, (void)output;
    return 4e-6;
}

#define KERNELS "lrn.c"
#include "both.h"

const struct op_rules op_lrn = {
    .name = "lrn",
    .shape = shape_lrn,
    .flops = flops_lrn,
    .forward = {forward_float, forward_double},
    .backward = {backward_float, backward_double},
    .tolerance = tolerance_lrn,
};
#else

/* Sum of f_j over the channels j within HALF of C; F's channels are PLANE numbers apart. */
static REAL KERNEL(window_sum)(const REAL *f, int c, int half, int channels, size_t plane)
{
    REAL sum = 0;
    for (int j = max_int(0, c - half); j <= min_int(channels - 1, c + half); j++)
        sum += f[(size_t)j * plane];
    return sum;
}

/* For one sample of FORWARD's input X: SUM becomes s. SCRATCH: as many numbers. */
static void KERNEL(find_sums)(const struct node *forward, const REAL *x, REAL *sum, REAL *scratch)
{
    int channels = tensor_c(forward->inputs[0]), half = forward->lrn.size / 2;
    size_t plane = plane_size(forward->inputs[0]), numbers = (size_t)channels * plane;
    REAL k = (REAL)forward->lrn.k, share = (REAL)(forward->lrn.alpha / forward->lrn.size);
    for (size_t i = 0; i < numbers; i++)
        scratch[i] = x[i] * x[i];
    for (int c = 0; c < channels; c++)
        for (size_t i = 0; i < plane; i++)
            sum[(size_t)c * plane + i] =
                k + share * KERNEL(window_sum)(scratch + i, c, half, channels, plane);
}

static void KERNEL(forward)(const struct node *node, struct run *run)
{
    size_t numbers = tensor_elements(node->inputs[0]);
    REAL beta = (REAL)node->lrn.beta;
#pragma omp parallel for
    for (int n = 0; n < run->count; n++) {
        const REAL *x = (const REAL *)array_of(run, node->inputs[0]) + (size_t)n * numbers;
        REAL *y = (REAL *)array_of(run, node->outputs[0]) + (size_t)n * numbers;
        REAL *sum = lathe_alloc(2 * numbers, sizeof *sum);
        KERNEL(find_sums)(node, x, sum, sum + numbers);
        for (size_t i = 0; i < numbers; i++)
            y[i] = x[i] * pow(sum[i], -beta);
        free(sum);
    }
}

/* One sample: DX from X, DY and 3 x its numbers of scratch. */
static void KERNEL(backward_sample)(const struct node *forward, const REAL *x, const REAL *dy,
                                    REAL *dx, REAL *scratch)
{
    int channels = tensor_c(forward->inputs[0]), half = forward->lrn.size / 2;
    size_t plane = plane_size(forward->inputs[0]), numbers = (size_t)channels * plane;
    REAL beta = (REAL)forward->lrn.beta;
    REAL share = (REAL)(2 * forward->lrn.alpha * forward->lrn.beta / forward->lrn.size);
    REAL *sum = scratch, *power = scratch + numbers, *ratio = scratch + 2 * numbers;
    KERNEL(find_sums)(forward, x, sum, ratio);
    for (size_t i = 0; i < numbers; i++) {
        power[i] = pow(sum[i], -beta);
        ratio[i] = dy[i] * x[i] * power[i] / sum[i];
    }
    for (int c = 0; c < channels; c++)
        for (size_t i = 0; i < plane; i++) {
            size_t at = (size_t)c * plane + i;
            dx[at] = dy[at] * power[at] -
                     share * x[at] * KERNEL(window_sum)(ratio + i, c, half, channels, plane);
        }
}

static void KERNEL(backward)(const struct node *node, struct run *run)
{
    const struct tensor *input = node->forward->inputs[0];
    size_t numbers = tensor_elements(input);
    REAL *dx = array_of(run, node->outputs[0]);
#pragma omp parallel for
    for (int n = 0; n < (dx ? run->count : 0); n++) {
        REAL *scratch = lathe_alloc(3 * numbers, sizeof *scratch);
        size_t at = (size_t)n * numbers;
        KERNEL(backward_sample)
        (node->forward, (const REAL *)array_of(run, input) + at,
         (const REAL *)array_of(run, output_gradient(node)) + at, dx + at, scratch);
        free(scratch);
    }
}
#endif
