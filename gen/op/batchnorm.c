/*
 * batchnorm: y = (x - mean) * invstd * weight + bias, a channel at a time; Ioffe, Szegedy: "Batch
 * Normalization" (ICML 2015), with PyTorch's conventions.
 *
 * Inputs x (image or flat), weight (gamma), bias (beta), running_mean, running_var; outputs y,
 * mean, invstd (the inverse deviation), both what y was computed with. Over the M = N * H * W
 * numbers of a channel: training: mean = sum x / M, var = sum (x - mean)^2 / M, invstd = 1 /
 * sqrt(var + eps); running_mean += momentum * (mean - running_mean), running_var += momentum * (var
 * * M / (M - 1) - running_var), in place; not where M = 1. else: mean = running_mean, invstd = 1 /
 * sqrt(running_var + eps).
 *
 * Gradients, with xhat = (x - mean) * invstd: dweight = sum dy * xhat, dbias = sum dy,
 * dx = weight * invstd * (dy - (dbias + xhat * dweight) / M), outside training weight * invstd *
 * dy.
 */
#ifndef REAL
#include "rules.h"

static void shape_batchnorm(struct graph *graph, struct node *node)
{
    int channels = tensor_c(node->inputs[0]);
    if (!(node->batchnorm.eps > 0) || isinf(node->batchnorm.eps))
        fail_node(node, "eps must be above 0, given %g", node->batchnorm.eps);
    if (!(node->batchnorm.momentum >= 0 && node->batchnorm.momentum <= 1))
        fail_node(node, "momentum must be within 0 .. 1, given %g", node->batchnorm.momentum);
    add_weights(graph, node, TENSOR_PARAMETER, "weight", 1, &channels, LATHE_CONSTANT, 1);
    add_weights(graph, node, TENSOR_PARAMETER, "bias", 1, &channels, LATHE_CONSTANT, 0);
    add_weights(graph, node, TENSOR_BUFFER, "running_mean", 1, &channels, LATHE_CONSTANT, 0);
    add_weights(graph, node, TENSOR_BUFFER, "running_var", 1, &channels, LATHE_CONSTANT, 1);
    shape_same(graph, node);
    add_statistic(graph, node, "mean", channels);
    add_statistic(graph, node, "invstd", channels);
}

static double flops_batchnorm(const struct node *node)
{
    return 2 * output_elements(node);
}

static double tolerance_batchnorm(const struct node *node, int count, int output)
{
    (void)count, (void)output;
    return node->backward ? 5e-6 : 6e-7;
}

/* The numbers of a channel: COUNT planes of SIZE, STRIDE apart. */
struct channel {
    int count;
    size_t size, stride;
};

static struct channel channel_of(const struct node *node, const struct run *run)
{
    return (struct channel){run->count, plane_size(node->inputs[0]),
                            tensor_elements(node->inputs[0])};
}

static void forward_magnitude(const struct node *node, struct run *run);
static void backward_magnitude(const struct node *node, struct run *run);

static void magnitude_batchnorm(const struct node *node, struct run *run)
{
    (node->backward ? backward_magnitude : forward_magnitude)(node, run);
}

#define KERNELS "batchnorm.c"
#include "both.h"

const struct op_rules op_batchnorm = {
    .name = "batchnorm",
    .shape = shape_batchnorm,
    .flops = flops_batchnorm,
    .forward = {forward_float, forward_double},
    .backward = {backward_float, backward_double},
    .tolerance = tolerance_batchnorm,
    .magnitude = magnitude_batchnorm,
};

/* Mean of |x|, and of |x| * |z| where Z is given, over a channel. */
static double mean_size(struct channel channel, const double *x, const double *z, double shift)
{
    double sum = 0;
    for (int n = 0; n < channel.count; n++)
        for (size_t i = 0; i < channel.size; i++) {
            size_t at = (size_t)n * channel.stride + i;
            sum += fabs(x[at]) * (z ? fabs(z[at] - shift) : 1);
        }
    return sum / ((double)channel.count * (double)channel.size);
}

/* (|x| + mean |x|) |weight| invstd + |bias|, and so on. The statistics are computed first, by the
 * kernel, into the arrays that then get their magnitudes. */
static void forward_magnitude(const struct node *node, struct run *run)
{
    struct channel channel = channel_of(node, run);
    const double *x = array_of(run, node->inputs[0]);
    const double *weight = array_of(run, node->inputs[1]), *bias = array_of(run, node->inputs[2]);
    double *running_mean = array_of(run, node->inputs[3]), *y = array_of(run, node->outputs[0]);
    double *means = array_of(run, node->outputs[1]), *invstds = array_of(run, node->outputs[2]);
    double momentum = node->batchnorm.momentum;
    forward_double(node, run);
    for (int c = 0; c < tensor_c(node->inputs[0]); c++) {
        means[c] = run->training ? mean_size(channel, x + c * channel.size, NULL, 0)
                                 : fabs(running_mean[c]);
        if (run->training)
            running_mean[c] = (1 - momentum) * fabs(running_mean[c]) + momentum * means[c];
        for (int n = 0; n < channel.count; n++)
            for (size_t i = 0; i < channel.size; i++) {
                size_t at = (size_t)n * channel.stride + c * channel.size + i;
                y[at] = (fabs(x[at]) + means[c]) * fabs(weight[c]) * invstds[c] + fabs(bias[c]);
            }
    }
}

static void backward_magnitude(const struct node *node, struct run *run)
{
    struct channel channel = channel_of(node, run);
    const struct node *forward = node->forward;
    const double *x = array_of(run, node->inputs[0]), *dy = array_of(run, output_gradient(node));
    const double *weight = array_of(run, node->inputs[1]);
    const double *means = array_of(run, forward->outputs[1]);
    const double *invstds = array_of(run, forward->outputs[2]);
    double *dx = array_of(run, node->outputs[0]);
    double *dweight = array_of(run, node->outputs[1]), *dbias = array_of(run, node->outputs[2]);
    double numbers = (double)channel.count * (double)channel.size;
    for (int c = 0; c < tensor_c(node->inputs[0]); c++) {
        size_t first = c * channel.size;
        double plain = mean_size(channel, dy + first, NULL, 0), invstd = invstds[c];
        double product = mean_size(channel, dy + first, x + first, means[c]) * invstd;
        if (dweight)
            dweight[c] = numbers * product;
        if (dbias)
            dbias[c] = numbers * plain;
        for (int n = 0; n < channel.count && dx; n++)
            for (size_t i = 0; i < channel.size; i++) {
                size_t at = (size_t)n * channel.stride + first + i;
                double normal = fabs(x[at] - means[c]) * invstd;
                dx[at] = fabs(weight[c]) * invstd * (fabs(dy[at]) + plain + normal * product);
            }
    }
}
#else

/* Sum of (x - SHIFT)^POWER over a channel. */
static double KERNEL(moment)(struct channel channel, const REAL *x, double shift, int power)
{
    double total = 0;
    for (int n = 0; n < channel.count; n++, x += channel.stride) {
        double sum = 0;
        if (power == 1)
#pragma omp simd reduction(+ : sum)
            for (size_t i = 0; i < channel.size; i++)
                sum += (double)x[i] - shift;
        else
#pragma omp simd reduction(+ : sum)
            for (size_t i = 0; i < channel.size; i++)
                sum += ((double)x[i] - shift) * ((double)x[i] - shift);
        total += sum;
    }
    return total;
}

/* Mean and biased variance of a channel of the batch; moves the running statistics towards them. */
static void KERNEL(batch_statistics)(const struct node *node, struct channel channel, const REAL *x,
                                     REAL *running_mean, REAL *running_var, double *mean,
                                     double *var)
{
    double numbers = (double)channel.count * (double)channel.size;
    *mean = KERNEL(moment)(channel, x, 0, 1) / numbers;
    *var = KERNEL(moment)(channel, x, *mean, 2) / numbers;
    double momentum = node->batchnorm.momentum;
    *running_mean = (REAL)((1 - momentum) * (double)*running_mean + momentum * *mean);
    if (numbers > 1)
        *running_var = (REAL)((1 - momentum) * (double)*running_var +
                              momentum * *var * numbers / (numbers - 1));
}

static void KERNEL(forward)(const struct node *node, struct run *run)
{
    struct channel channel = channel_of(node, run);
    const REAL *x = array_of(run, node->inputs[0]);
    const REAL *weight = array_of(run, node->inputs[1]), *bias = array_of(run, node->inputs[2]);
    REAL *running_mean = array_of(run, node->inputs[3]);
    REAL *running_var = array_of(run, node->inputs[4]);
    REAL *y = array_of(run, node->outputs[0]);
    REAL *means = array_of(run, node->outputs[1]), *invstds = array_of(run, node->outputs[2]);
#pragma omp parallel for
    for (int c = 0; c < tensor_c(node->inputs[0]); c++) {
        double mean = (double)running_mean[c], var = (double)running_var[c];
        const REAL *from = x + c * channel.size;
        REAL *to = y + c * channel.size;
        if (run->training)
            KERNEL(batch_statistics)
        (node, channel, from, running_mean + c, running_var + c, &mean, &var);
        means[c] = (REAL)mean;
        invstds[c] = (REAL)(1 / sqrt(var + node->batchnorm.eps));
        REAL scale = weight[c] * invstds[c], shift = means[c], offset = bias[c];
        for (int n = 0; n < channel.count; n++, from += channel.stride, to += channel.stride)
#pragma omp simd
            for (size_t i = 0; i < channel.size; i++)
                to[i] = (from[i] - shift) * scale + offset;
    }
}

/* Sums of dy and of dy * (x - MEAN) over a channel. */
static void KERNEL(gradient_sums)(struct channel channel, const REAL *x, const REAL *dy, REAL mean,
                                  double *sum_dy, double *sum_dy_x)
{
    *sum_dy = *sum_dy_x = 0;
    for (int n = 0; n < channel.count; n++, x += channel.stride, dy += channel.stride) {
        double plain = 0, product = 0;
#pragma omp simd reduction(+ : plain, product)
        for (size_t i = 0; i < channel.size; i++) {
            plain += (double)dy[i];
            product += (double)dy[i] * (double)(x[i] - mean);
        }
        *sum_dy += plain;
        *sum_dy_x += product;
    }
}

static void KERNEL(backward)(const struct node *node, struct run *run)
{
    struct channel channel = channel_of(node, run);
    const struct node *forward = node->forward;
    const REAL *x = array_of(run, node->inputs[0]), *dy = array_of(run, output_gradient(node));
    const REAL *weight = array_of(run, node->inputs[1]);
    const REAL *means = array_of(run, forward->outputs[1]);
    const REAL *invstds = array_of(run, forward->outputs[2]);
    REAL *dx = array_of(run, node->outputs[0]);
    REAL *dweight = array_of(run, node->outputs[1]), *dbias = array_of(run, node->outputs[2]);
    double share = run->training ? 1 / ((double)channel.count * (double)channel.size) : 0;
#pragma omp parallel for
    for (int c = 0; c < tensor_c(node->inputs[0]); c++) {
        const REAL *values = x + c * channel.size, *from = dy + c * channel.size;
        double sum_dy, sum_dy_x, invstd = (double)invstds[c];
        KERNEL(gradient_sums)(channel, values, from, means[c], &sum_dy, &sum_dy_x);
        if (dweight)
            dweight[c] = (REAL)(sum_dy_x * invstd);
        if (dbias)
            dbias[c] = (REAL)sum_dy;
        if (!dx)
            continue;
        REAL *to = dx + c * channel.size, shift = means[c];
        REAL scale = weight[c] * invstds[c], mean_dy = (REAL)(sum_dy * share);
        REAL slope = (REAL)(sum_dy_x * share * invstd * invstd);
        for (int n = 0; n < channel.count; n++) {
#pragma omp simd
            for (size_t i = 0; i < channel.size; i++)
                to[i] = scale * (from[i] - mean_dy - (values[i] - shift) * slope);
            to += channel.stride, from += channel.stride, values += channel.stride;
        }
    }
}
#endif
