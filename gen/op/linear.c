/*
 * linear: y_o = sum_i weight[o][i] * x_i + bias_o. Inputs x (flat), weight (out, in), bias (out;
 * only where asked for); output y.
 *
 * Gradients: dx = weight^T dy, dweight = sum over the batch of dy x^T, dbias = sum of dy.
 * The float kernels call BLAS, the double kernels are plain loops.
 */
#include "rules.h"

#include <cblas.h>

static void shape_linear(struct graph *graph, struct node *node)
{
    check_flat(graph, node);
    check_positive(node, "units", node->linear.units);
    const int dims[2] = {node->linear.units, tensor_c(node->inputs[0])};
    add_layer_weights(graph, node, 2, dims, node->linear.bias, node->linear.init);
    add_activation(graph, node, 1, dims);
}

static double flops_linear(const struct node *node)
{
    return 2.0 * (double)tensor_elements(node->inputs[1]) +
           (node->linear.bias ? output_elements(node) : 0);
}

static double tolerance_linear(const struct node *node, int count, int output)
{
    const struct tensor *weight = node->inputs[1];
    if (!node->backward)
        return sum_tolerance(weight->dims[1] + 1);
    return sum_tolerance(output == 0 ? weight->dims[0] : count);
}

/* What a kernel works on: N rows of IN and of OUT numbers. */
struct sizes {
    int n, in, out;
};

static struct sizes sizes_of(const struct node *node, const struct run *run)
{
    const struct tensor *weight = node->inputs[1];
    return (struct sizes){run->count, weight->dims[1], weight->dims[0]};
}

/* ---- float ---- */

static void forward_float(const struct node *node, struct run *run)
{
    struct sizes s = sizes_of(node, run);
    const float *x = array_of(run, node->inputs[0]), *weight = array_of(run, node->inputs[1]);
    float *y = array_of(run, node->outputs[0]);
    const float *bias = node->linear.bias ? array_of(run, node->inputs[2]) : NULL;
    for (int n = 0; n < s.n; n++)
        for (int o = 0; o < s.out; o++)
            y[(size_t)n * s.out + o] = bias ? bias[o] : 0;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, s.n, s.out, s.in, 1, x, s.in, weight, s.in,
                1, y, s.out);
}

static void backward_float(const struct node *node, struct run *run)
{
    struct sizes s = sizes_of(node, run);
    const float *x = array_of(run, node->inputs[0]), *weight = array_of(run, node->inputs[1]);
    const float *dy = array_of(run, output_gradient(node));
    float *dx = array_of(run, node->outputs[0]), *dweight = array_of(run, node->outputs[1]);
    float *dbias = node->forward->linear.bias ? array_of(run, node->outputs[2]) : NULL;
    if (dx)
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, s.n, s.in, s.out, 1, dy, s.out,
                    weight, s.in, 0, dx, s.in);
    if (dweight)
        cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, s.out, s.in, s.n, 1, dy, s.out, x,
                    s.in, 0, dweight, s.in);
    for (int o = 0; o < s.out && dbias; o++) {
        double sum = 0;
        for (int n = 0; n < s.n; n++)
            sum += (double)dy[(size_t)n * s.out + o];
        dbias[o] = (float)sum;
    }
}

/* ---- double ---- */

static void forward_double(const struct node *node, struct run *run)
{
    struct sizes s = sizes_of(node, run);
    const double *x = array_of(run, node->inputs[0]), *weight = array_of(run, node->inputs[1]);
    double *y = array_of(run, node->outputs[0]);
    const double *bias = node->linear.bias ? array_of(run, node->inputs[2]) : NULL;
#pragma omp parallel for collapse(2)
    for (int n = 0; n < s.n; n++)
        for (int o = 0; o < s.out; o += DOT_ROWS) {
            int rows = min_int(DOT_ROWS, s.out - o);
            double *to = y + (size_t)n * s.out + o;
            dot_products(weight + (size_t)o * s.in, rows, x + (size_t)n * s.in, (size_t)s.in, to,
                         1);
            for (int r = 0; r < rows && bias; r++)
                to[r] += bias[o + r];
        }
}

static void input_gradient_double(struct sizes s, const double *weight, const double *dy,
                                  double *dx)
{
#pragma omp parallel for
    for (int n = 0; n < s.n; n++) {
        double *sample = dx + (size_t)n * s.in;
        memset(sample, 0, (size_t)s.in * sizeof *sample);
        for (int o = 0; o < s.out; o++)
            for (int i = 0; i < s.in; i++)
                sample[i] += dy[(size_t)n * s.out + o] * weight[(size_t)o * s.in + i];
    }
}

static void weight_gradient_double(struct sizes s, const double *x, const double *dy,
                                   double *dweight)
{
#pragma omp parallel for
    for (int o = 0; o < s.out; o++) {
        double *row = dweight + (size_t)o * s.in;
        memset(row, 0, (size_t)s.in * sizeof *row);
        for (int n = 0; n < s.n; n++)
            for (int i = 0; i < s.in; i++)
                row[i] += dy[(size_t)n * s.out + o] * x[(size_t)n * s.in + i];
    }
}

static void backward_double(const struct node *node, struct run *run)
{
    struct sizes s = sizes_of(node, run);
    const double *x = array_of(run, node->inputs[0]), *weight = array_of(run, node->inputs[1]);
    const double *dy = array_of(run, output_gradient(node));
    double *dx = array_of(run, node->outputs[0]), *dweight = array_of(run, node->outputs[1]);
    double *dbias = node->forward->linear.bias ? array_of(run, node->outputs[2]) : NULL;
    if (dx)
        input_gradient_double(s, weight, dy, dx);
    if (dweight)
        weight_gradient_double(s, x, dy, dweight);
    for (int o = 0; o < s.out && dbias; o++) {
        dbias[o] = 0;
        for (int n = 0; n < s.n; n++)
            dbias[o] += dy[(size_t)n * s.out + o];
    }
}

const struct op_rules op_linear = {
    .name = "linear",
    .shape = shape_linear,
    .flops = flops_linear,
    .forward = {forward_float, forward_double},
    .backward = {backward_float, backward_double},
    .tolerance = tolerance_linear,
    .magnitude = magnitude_of_products,
};
