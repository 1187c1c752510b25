/*
 * loss: what training makes small. Input x, what the network computed; output the loss, one number
 * for the batch. Nothing comes after a loss: its own gradient is 1.
 *
 * cross_entropy: mean over the batch of log(sum_c exp(x_c)) - sum_c t_c x_c; x are logits, t_c = (1
 * - smoothing) [c = label] + smoothing / C, the labels come from the run. dx = (softmax(x) - t) /
 * N.
 *
 * bce: mean over the batch and all outputs of max(0, x) - t x + log(1 + exp(-|x|)), which is -t log
 * p
 * - (1 - t) log(1 - p) for p = 1 / (1 + exp(-x)); dx = (p - t) / (N * outputs). mse: mean over the
 * batch and all outputs of (x - t)^2; targets t come from the run. dx = 2 (x - t) / (N * outputs).
 */
#ifndef REAL
#include "rules.h"
#include <tgmath.h>

static void shape_cross_entropy(struct graph *graph, struct node *node)
{
    check_flat(graph, node);
    graph->loss = add_statistic(graph, node, NULL, 1);
}

static void shape_numbers(struct graph *graph, struct node *node)
{
    graph->loss = add_statistic(graph, node, NULL, 1);
}

static double flops_loss(const struct node *node)
{
    return 4 * (double)tensor_elements(node->inputs[0]);
}

/* A softmax and a logarithm. */
static double tolerance_cross_entropy(const struct node *node, int count, int output)
{
    (void)node, (void)count, (void)output;
    return 4e-6;
}

static double tolerance_mse(const struct node *node, int count, int output)
{
    (void)node, (void)count, (void)output;
    return 4e-6;
}

#define KERNELS "loss.c"
#include "both.h"

const struct op_rules op_cross_entropy = {
    .name = "cross_entropy",
    .shape = shape_cross_entropy,
    .flops = flops_loss,
    .forward = {cross_entropy_forward_float, cross_entropy_forward_double},
    .backward = {cross_entropy_backward_float, cross_entropy_backward_double},
    .tolerance = tolerance_cross_entropy,
};

const struct op_rules op_mse = {
    .name = "mse",
    .shape = shape_numbers,
    .flops = flops_loss,
    .forward = {mse_forward_float, mse_forward_double},
    .backward = {mse_backward_float, mse_backward_double},
    .tolerance = tolerance_mse,
};

const struct op_rules op_bce = {
    .name = "bce",
    .shape = shape_numbers,
    .flops = flops_loss,
    .forward = {bce_forward_float, bce_forward_double},
    .backward = {bce_backward_float, bce_backward_double},
    .tolerance = tolerance_cross_entropy,
};
#else

/* Place of the first of the largest numbers of a row. */
static int KERNEL(first_largest)(const REAL *x, int channels)
{
    int best = 0;
    for (int c = 1; c < channels; c++)
        best = x[c] > x[best] ? c : best;
    return best;
}

/* Samples whose largest output is their label's. */
static int KERNEL(count_correct)(const struct run *run, const REAL *x, int channels)
{
    int correct = 0;
    for (int n = 0; n < run->count && run->labels; n++)
        correct += KERNEL(first_largest)(x + (size_t)n * channels, channels) == run->labels[n];
    return correct;
}

/* exp(x - LARGEST), summed over a row. */
static REAL KERNEL(sum_of_exp)(const REAL *x, int channels, REAL largest)
{
    double sum = 0;
    for (int c = 0; c < channels; c++)
        sum += (double)exp(x[c] - largest);
    return (REAL)sum;
}

/* What class C's probability is to become in a sample of LABEL. */
static REAL KERNEL(target_of)(const struct node *node, int c, int label, int channels)
{
    double smoothing = (node->backward ? node->forward : node)->loss.smoothing;
    return (REAL)((1 - smoothing) * (c == label) + smoothing / channels);
}

static void KERNEL(cross_entropy_forward)(const struct node *node, struct run *run)
{
    const REAL *x = array_of(run, node->inputs[0]);
    int channels = tensor_c(node->inputs[0]);
    double loss = 0;
    for (int n = 0; n < run->count; n++) {
        const REAL *row = x + (size_t)n * channels;
        REAL largest = row[KERNEL(first_largest)(row, channels)];
        REAL sum = KERNEL(sum_of_exp)(row, channels, largest);
        double below = 0; /* how far the outputs are below the largest, as the target weighs them */
        for (int c = 0; c < channels; c++) {
            REAL target = KERNEL(target_of)(node, c, run->labels[n], channels);
            below += target > 0 ? (double)(target * (largest - row[c])) : 0;
        }
        loss += (double)log(sum) + below;
    }
    *(REAL *)array_of(run, node->outputs[0]) = (REAL)(loss / run->count);
    run->correct = KERNEL(count_correct)(run, x, channels);
}

static void KERNEL(cross_entropy_backward)(const struct node *node, struct run *run)
{
    REAL *dx = array_of(run, node->outputs[0]);
    if (!dx)
        return;
    const REAL *x = array_of(run, node->inputs[0]);
    int channels = tensor_c(node->inputs[0]);
    REAL share = 1 / (REAL)run->count;
#pragma omp parallel for
    for (int n = 0; n < run->count; n++) {
        const REAL *row = x + (size_t)n * channels;
        REAL *out = dx + (size_t)n * channels;
        REAL largest = row[KERNEL(first_largest)(row, channels)];
        REAL scale = 1 / KERNEL(sum_of_exp)(row, channels, largest);
        for (int c = 0; c < channels; c++)
            out[c] = (exp(row[c] - largest) * scale -
                      KERNEL(target_of)(node, c, run->labels[n], channels)) *
                     share;
    }
}

static void KERNEL(mse_forward)(const struct node *node, struct run *run)
{
    const REAL *x = array_of(run, node->inputs[0]);
    size_t elements = tensor_elements(node->inputs[0]);
    size_t numbers = (size_t)run->count * elements;
    double sum = 0;
    for (size_t i = 0; i < numbers; i++) {
        double difference = (double)x[i] - (double)run->targets[i];
        sum += difference * difference;
    }
    *(REAL *)array_of(run, node->outputs[0]) = (REAL)(sum / (double)numbers);
    run->correct = KERNEL(count_correct)(run, x, (int)elements);
}

static void KERNEL(mse_backward)(const struct node *node, struct run *run)
{
    REAL *dx = array_of(run, node->outputs[0]);
    if (!dx)
        return;
    const REAL *x = array_of(run, node->inputs[0]);
    size_t numbers = numbers_of(run, node->inputs[0]);
    REAL scale = (REAL)(2 / (double)numbers);
    for (size_t i = 0; i < numbers; i++)
        dx[i] = scale * (x[i] - (REAL)run->targets[i]);
}

static void KERNEL(bce_forward)(const struct node *node, struct run *run)
{
    const REAL *x = array_of(run, node->inputs[0]);
    size_t elements = tensor_elements(node->inputs[0]);
    size_t numbers = (size_t)run->count * elements;
    double sum = 0;
    for (size_t i = 0; i < numbers; i++) {
        REAL target = (REAL)run->targets[i];
        sum += (double)((x[i] > 0 ? x[i] : 0) - target * x[i] + log1p(exp(-fabs(x[i]))));
    }
    *(REAL *)array_of(run, node->outputs[0]) = (REAL)(sum / (double)numbers);
    run->correct = KERNEL(count_correct)(run, x, (int)elements);
}

static void KERNEL(bce_backward)(const struct node *node, struct run *run)
{
    REAL *dx = array_of(run, node->outputs[0]);
    if (!dx)
        return;
    const REAL *x = array_of(run, node->inputs[0]);
    size_t numbers = numbers_of(run, node->inputs[0]);
    REAL share = (REAL)(1 / (double)numbers);
    for (size_t i = 0; i < numbers; i++) {
        REAL small = exp(-fabs(x[i])); /* of 1 / (1 + exp(-x)), which it keeps from overflowing */
        REAL probability = (x[i] > 0 ? 1 : small) / (1 + small);
        dx[i] = share * (probability - (REAL)run->targets[i]);
    }
}
#endif
