/*
 * dynamic_relu: y = max over j < k of a_j x + b_j, a_j and b_j one a sample and channel; Chen et
 * al.: "Dynamic ReLU" (ECCV 2020), DY-ReLU-B. Inputs x (image or flat, C channels) and the
 * residuals that a small network makes of x's channel means (spec.lua), flat, 2 k C: those of a_0,
 * C numbers, a_1 ..., b_0, b_1 ... Output y.
 *
 *   a_j = (j = 0 ? 1 : 0) + 1.0 (2 sigmoid(residual) - 1)
 *   b_j =                   0.5 (2 sigmoid(residual) - 1),      2 sigmoid(r) - 1 = tanh(r / 2)
 *
 * Gradients: where j is the first with the largest value, dx = dy a_j, da_j = sum of dy x and db_j
 * = sum of dy over the channel's pixels; of a residual these times its factor (1 - tanh^2) / 2.
 */
#ifndef REAL
#include "rules.h"
#include <tgmath.h>

enum { MOST_PIECES = 8 };

static void shape_dynamic_relu(struct graph *graph, struct node *node)
{
    int pieces = node->dynamic_relu.pieces, channels = tensor_c(node->inputs[0]);
    const struct tensor *residuals = node->inputs[1];
    if (pieces < 1 || pieces > MOST_PIECES)
        fail_node(node, "k must be within 1 .. %d, given %d", MOST_PIECES, pieces);
    if (residuals->rank != 1 || tensor_c(residuals) != 2 * pieces * channels)
        fail_node(node, "%d pieces of %d channels take %d residuals, given %s", pieces, channels,
                  2 * pieces * channels, shape_of(graph, residuals));
    shape_same(graph, node);
}

static double flops_dynamic_relu(const struct node *node)
{
    return 3.0 * node->dynamic_relu.pieces * output_elements(node);
}

/* The coefficients are made of exp. */
static double tolerance_dynamic_relu(const struct node *node, int count, int output)
{
    (void)node, (void)count, (void)output;
    return 4e-5;
}

static void magnitude_dynamic_relu(const struct node *node, struct run *run);

#define KERNELS "dynamic_relu.c"
#include "both.h"

const struct op_rules op_dynamic_relu = {
    .name = "dynamic_relu",
    .shape = shape_dynamic_relu,
    .flops = flops_dynamic_relu,
    .forward = {forward_float, forward_double},
    .backward = {backward_float, backward_double},
    .tolerance = tolerance_dynamic_relu,
    .magnitude = magnitude_dynamic_relu,
};

/* |a x| + |b| of the piece that was chosen; backward, the sums over pixels of absolute terms. */
static void magnitude_dynamic_relu(const struct node *node, struct run *run)
{
    const struct node *forward = node->backward ? node->forward : node;
    int channels = tensor_c(node->inputs[0]), pieces = forward->dynamic_relu.pieces;
    size_t plane = plane_size(node->inputs[0]);
    const double *residuals = array_of(run, node->inputs[1]);
    (node->backward ? backward_double : forward_double)(node, run);
    for (int p = 0; p < run->count * channels; p++) {
        int c = p % channels;
        size_t row = (size_t)(p / channels) * 2 * pieces * channels + c;
        struct coefficients_double at = coefficients_of_double(forward, residuals + row);
        const double *x = (const double *)array_of(run, node->inputs[0]) + p * plane;
        if (!node->backward) {
            double *y = (double *)array_of(run, node->outputs[0]) + p * plane;
            for (size_t i = 0; i < plane; i++) {
                int j = chosen_double(&at, x[i]);
                y[i] = fabs(at.slope[j] * x[i]) + fabs(at.shift[j]);
            }
            continue;
        }
        const double *dy = (const double *)array_of(run, output_gradient(node)) + p * plane;
        double *sums = (double *)array_of(run, node->outputs[1]) + row;
        for (int j = 0; j < 2 * pieces; j++)
            sums[(size_t)j * channels] = 0;
        for (size_t i = 0; i < plane; i++) {
            int j = chosen_double(&at, x[i]);
            sums[(size_t)j * channels] += fabs(dy[i] * x[i] * at.slope_factor[j]);
            sums[(size_t)(pieces + j) * channels] += fabs(dy[i] * at.shift_factor[j]);
        }
    }
}
#else

/* Of one sample and channel; the factors turn their gradients into those of the residuals. */
struct KERNEL(coefficients) {
    int pieces;
    REAL slope[MOST_PIECES], shift[MOST_PIECES];
    REAL slope_factor[MOST_PIECES], shift_factor[MOST_PIECES];
};

/* RESIDUALS: the channel's first; the others are C numbers apart. */
static struct KERNEL(coefficients)
    KERNEL(coefficients_of)(const struct node *forward, const REAL *residuals)
{
    size_t channels = (size_t)tensor_c(forward->inputs[0]);
    struct KERNEL(coefficients) at = {.pieces = forward->dynamic_relu.pieces};
    for (int j = 0; j < at.pieces; j++) {
        REAL slope = tanh(residuals[j * channels] / 2);
        REAL shift = tanh(residuals[(at.pieces + j) * channels] / 2);
        at.slope[j] = (j == 0 ? 1 : 0) + slope;
        at.shift[j] = shift / 2;
        at.slope_factor[j] = (1 - slope) * (1 + slope) / 2;
        at.shift_factor[j] = (1 - shift) * (1 + shift) / 4;
    }
    return at;
}

/* The first piece with the largest value at X. */
static int KERNEL(chosen)(const struct KERNEL(coefficients) * at, REAL x)
{
    int best = 0;
    for (int j = 1; j < at->pieces; j++)
        if (at->slope[j] * x + at->shift[j] > at->slope[best] * x + at->shift[best])
            best = j;
    return best;
}

static void KERNEL(forward)(const struct node *node, struct run *run)
{
    const REAL *from = array_of(run, node->inputs[0]), *residuals = array_of(run, node->inputs[1]);
    REAL *to = array_of(run, node->outputs[0]);
    int channels = tensor_c(node->inputs[0]), pieces = node->dynamic_relu.pieces;
    size_t plane = plane_size(node->inputs[0]);
#pragma omp parallel for
    for (int p = 0; p < run->count * channels; p++) {
        size_t row = (size_t)(p / channels) * 2 * pieces * channels + p % channels;
        struct KERNEL(coefficients) at = KERNEL(coefficients_of)(node, residuals + row);
        const REAL *x = from + p * plane;
        REAL *y = to + p * plane;
        for (size_t i = 0; i < plane; i++)
            y[i] = at.slope[0] * x[i] + at.shift[0];
        for (int j = 1; j < pieces; j++)
            for (size_t i = 0; i < plane; i++) {
                REAL value = at.slope[j] * x[i] + at.shift[j];
                y[i] = value > y[i] ? value : y[i];
            }
    }
}

/* One sample and channel: dx (or NULL), and the gradients of its residuals, C numbers apart. */
static void KERNEL(plane_backward)(const struct KERNEL(coefficients) * at, const REAL *x,
                                   const REAL *dy, REAL *dx, size_t plane, REAL *sums,
                                   size_t channels)
{
    double by_slope[MOST_PIECES] = {0}, by_shift[MOST_PIECES] = {0};
    for (size_t i = 0; i < plane; i++) {
        int j = KERNEL(chosen)(at, x[i]);
        by_slope[j] += (double)dy[i] * (double)x[i];
        by_shift[j] += (double)dy[i];
        if (dx)
            dx[i] = dy[i] * at->slope[j];
    }
    for (int j = 0; j < at->pieces && sums; j++) {
        sums[j * channels] = (REAL)(by_slope[j] * (double)at->slope_factor[j]);
        sums[(at->pieces + j) * channels] = (REAL)(by_shift[j] * (double)at->shift_factor[j]);
    }
}

static void KERNEL(backward)(const struct node *node, struct run *run)
{
    const REAL *x = array_of(run, node->inputs[0]), *residuals = array_of(run, node->inputs[1]);
    const REAL *dy = array_of(run, output_gradient(node));
    REAL *dx = array_of(run, node->outputs[0]), *sums = array_of(run, node->outputs[1]);
    int channels = tensor_c(node->inputs[0]), pieces = node->forward->dynamic_relu.pieces;
    size_t plane = plane_size(node->inputs[0]);
#pragma omp parallel for
    for (int p = 0; p < run->count * channels; p++) {
        size_t row = (size_t)(p / channels) * 2 * pieces * channels + p % channels;
        struct KERNEL(coefficients) at = KERNEL(coefficients_of)(node->forward, residuals + row);
        KERNEL(plane_backward)
        (&at, x + p * plane, dy + p * plane, dx ? dx + p * plane : NULL, plane,
         sums ? sums + row : NULL, (size_t)channels);
    }
}
#endif
