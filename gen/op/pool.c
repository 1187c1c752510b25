/*
 * pool: maxpool, avgpool and globalpool: the largest or the mean of a window, a channel at a time.
 * Input x, an image; output y. Padding never wins a maximum; it counts as zeros in a mean (the
 * divisor is always kernel_h * kernel_w, PyTorch's count_include_pad). A NaN wins, as in PyTorch.
 * globalpool is the mean of the whole channel: C x 1 x 1.
 *
 * Gradients: of a maximum, to the first largest element of the window in row-major order; of a
 * mean, to all of them in equal shares.
 */
#ifndef REAL
#include "rules.h"

static void shape_pool(struct graph *graph, struct node *node)
{
    check_image(graph, node);
    const struct pool_attributes *pool = &node->pool;
    const struct window window = {
        pool->kernel_h, pool->kernel_w, pool->stride_h,   pool->stride_w, 1, 1,
        pool->pad_top,  pool->pad_left, pool->pad_bottom, pool->pad_right};
    int height, width;
    window_output(graph, node, &window, &height, &width);
    int pad_h = max_int(pool->pad_top, pool->pad_bottom);
    int pad_w = max_int(pool->pad_left, pool->pad_right);
    if (pad_h >= pool->kernel_h)
        fail_node(node, "padding %d must be smaller than the kernel's height %d", pad_h,
                  pool->kernel_h);
    if (pad_w >= pool->kernel_w)
        fail_node(node, "padding %d must be smaller than the kernel's width %d", pad_w,
                  pool->kernel_w);
    add_activation(graph, node, 3, (int[]){tensor_c(node->inputs[0]), height, width});
}

static void shape_globalpool(struct graph *graph, struct node *node)
{
    check_image(graph, node);
    add_activation(graph, node, 3, (int[]){tensor_c(node->inputs[0]), 1, 1});
}

static double flops_pool(const struct node *node)
{
    return output_elements(node) * node->pool.kernel_h * node->pool.kernel_w;
}

static double flops_globalpool(const struct node *node)
{
    return (double)tensor_elements(node->inputs[0]);
}

/* A maximum is exact, its gradient a sum of few. */
static double tolerance_maxpool(const struct node *node, int count, int output)
{
    (void)count, (void)output;
    return node->backward ? 4e-6 : 0;
}

static double tolerance_mean(const struct node *node, int count, int output)
{
    (void)node, (void)count, (void)output;
    return 4e-6;
}

#define KERNELS "pool.c"
#include "both.h"

const struct op_rules op_maxpool = {
    .name = "maxpool",
    .shape = shape_pool,
    .flops = flops_pool,
    .forward = {maxpool_forward_float, maxpool_forward_double},
    .backward = {maxpool_backward_float, maxpool_backward_double},
    .tolerance = tolerance_maxpool,
};

const struct op_rules op_avgpool = {
    .name = "avgpool",
    .shape = shape_pool,
    .flops = flops_pool,
    .forward = {avgpool_forward_float, avgpool_forward_double},
    .backward = {avgpool_backward_float, avgpool_backward_double},
    .tolerance = tolerance_mean,
};

const struct op_rules op_globalpool = {
    .name = "globalpool",
    .shape = shape_globalpool,
    .flops = flops_globalpool,
    .forward = {globalpool_forward_float, globalpool_forward_double},
    .backward = {globalpool_backward_float, globalpool_backward_double},
    .tolerance = tolerance_mean,
};
#else

/* ---- maxpool ---- */

static void KERNEL(maxpool_plane)(const struct node *node, const REAL *x, REAL *y)
{
    const struct pool_attributes *pool = &node->pool;
    const struct tensor *in = node->inputs[0], *out = node->outputs[0];
    int in_h = tensor_h(in), in_w = tensor_w(in), out_w = tensor_w(out);
    for (int oy = 0; oy < tensor_h(out); oy++) {
        REAL *row = y + (size_t)oy * out_w;
        for (int ox = 0; ox < out_w; ox++)
            row[ox] = -(REAL)INFINITY;
        for (int ky = 0; ky < pool->kernel_h; ky++) {
            int iy = oy * pool->stride_h + ky - pool->pad_top;
            if (iy < 0 || iy >= in_h)
                continue;
            for (int kx = 0; kx < pool->kernel_w; kx++) {
                int shift = kx - pool->pad_left, stride = pool->stride_w, from, to;
                const REAL *taps = x + (size_t)iy * in_w;
                taps_inside(out_w, in_w, stride, shift, &from, &to);
#pragma omp simd
                for (int ox = from; ox < to; ox++) {
                    REAL tap = taps[ox * stride + shift];
                    row[ox] = tap > row[ox] || tap != tap ? tap : row[ox]; /* a NaN stays */
                }
            }
        }
    }
}

static void KERNEL(maxpool_forward)(const struct node *node, struct run *run)
{
    const REAL *x = array_of(run, node->inputs[0]);
    REAL *y = array_of(run, node->outputs[0]);
    size_t in_plane = plane_size(node->inputs[0]), out_plane = plane_size(node->outputs[0]);
    int planes = run->count * tensor_c(node->inputs[0]);
#pragma omp parallel for
    for (int plane = 0; plane < planes; plane++)
        KERNEL(maxpool_plane)(node, x + plane * in_plane, y + plane * out_plane);
}

/* Place in the plane X of the first largest element of the window of output (OY, OX). */
static size_t KERNEL(winner)(const struct node *forward, const REAL *x, int oy, int ox)
{
    const struct pool_attributes *pool = &forward->pool;
    int in_h = tensor_h(forward->inputs[0]), in_w = tensor_w(forward->inputs[0]);
    int top = oy * pool->stride_h - pool->pad_top, left = ox * pool->stride_w - pool->pad_left;
    int bottom = min_int(in_h, top + pool->kernel_h), right = min_int(in_w, left + pool->kernel_w);
    top = max_int(top, 0);
    left = max_int(left, 0);
    size_t best = (size_t)top * in_w + left;
    for (int iy = top; iy < bottom; iy++)
        for (int ix = left; ix < right; ix++) {
            size_t at = (size_t)iy * in_w + ix;
            best = x[at] > x[best] ? at : best;
        }
    return best;
}

static void KERNEL(maxpool_backward)(const struct node *node, struct run *run)
{
    const struct node *forward = node->forward;
    const REAL *x = array_of(run, forward->inputs[0]), *dy = array_of(run, output_gradient(node));
    REAL *dx = array_of(run, node->outputs[0]);
    size_t in_plane = plane_size(forward->inputs[0]), out_plane = plane_size(forward->outputs[0]);
    int out_h = tensor_h(forward->outputs[0]), out_w = tensor_w(forward->outputs[0]);
    int planes = run->count * tensor_c(forward->inputs[0]);
    if (!dx)
        return;
#pragma omp parallel for
    for (int plane = 0; plane < planes; plane++) {
        const REAL *from = dy + plane * out_plane;
        REAL *to = dx + plane * in_plane;
        memset(to, 0, in_plane * sizeof *to);
        for (int oy = 0; oy < out_h; oy++)
            for (int ox = 0; ox < out_w; ox++)
                to[KERNEL(winner)(forward, x + plane * in_plane, oy, ox)] += *from++;
    }
}

/* ---- avgpool ---- */

/* Call for each row and each tap of an average: adds SCALE times what the taps of output row OY see
 * into ROW (FORWARD), or SCALE times ROW into the taps. */
static void KERNEL(avgpool_row)(const struct node *forward, REAL *x, REAL *row, int oy, REAL scale,
                                bool backward)
{
    const struct pool_attributes *pool = &forward->pool;
    int in_h = tensor_h(forward->inputs[0]), in_w = tensor_w(forward->inputs[0]);
    int out_w = tensor_w(forward->outputs[0]), stride = pool->stride_w;
    for (int ky = 0; ky < pool->kernel_h; ky++) {
        int iy = oy * pool->stride_h + ky - pool->pad_top;
        if (iy < 0 || iy >= in_h)
            continue;
        for (int kx = 0; kx < pool->kernel_w; kx++) {
            int shift = kx - pool->pad_left, from, to;
            REAL *taps = x + (size_t)iy * in_w;
            taps_inside(out_w, in_w, stride, shift, &from, &to);
            if (backward)
                for (int ox = from; ox < to; ox++)
                    taps[ox * stride + shift] += scale * row[ox];
            else
                for (int ox = from; ox < to; ox++)
                    row[ox] += scale * taps[ox * stride + shift];
        }
    }
}

/* Forward: y from x. Backward: dx (in X) from dy (in Y). */
static void KERNEL(avgpool)(const struct node *forward, const struct run *run, REAL *x, REAL *y,
                            bool backward)
{
    size_t in_plane = plane_size(forward->inputs[0]), out_plane = plane_size(forward->outputs[0]);
    int out_h = tensor_h(forward->outputs[0]), out_w = tensor_w(forward->outputs[0]);
    int planes = run->count * tensor_c(forward->inputs[0]);
    REAL scale = (REAL)(1.0 / ((double)forward->pool.kernel_h * forward->pool.kernel_w));
    size_t plane_numbers = backward ? in_plane : out_plane;
#pragma omp parallel for
    for (int plane = 0; plane < planes; plane++) {
        memset((backward ? x : y) + plane * plane_numbers, 0, plane_numbers * sizeof *x);
        for (int oy = 0; oy < out_h; oy++)
            KERNEL(avgpool_row)
        (forward, x + plane * in_plane, y + plane * out_plane + (size_t)oy * out_w, oy, scale,
         backward);
    }
}

static void KERNEL(avgpool_forward)(const struct node *node, struct run *run)
{
    KERNEL(avgpool)
    (node, run, array_of(run, node->inputs[0]), array_of(run, node->outputs[0]), false);
}

static void KERNEL(avgpool_backward)(const struct node *node, struct run *run)
{
    if (node->outputs[0])
        KERNEL(avgpool)
    (node->forward, run, array_of(run, node->outputs[0]), array_of(run, output_gradient(node)),
     true);
}

/* ---- globalpool ---- */

static void KERNEL(globalpool_forward)(const struct node *node, struct run *run)
{
    const REAL *x = array_of(run, node->inputs[0]);
    REAL *y = array_of(run, node->outputs[0]);
    size_t plane = plane_size(node->inputs[0]);
    int planes = run->count * tensor_c(node->inputs[0]);
#pragma omp parallel for
    for (int p = 0; p < planes; p++) {
        double sum = 0;
        for (size_t i = 0; i < plane; i++)
            sum += (double)x[p * plane + i];
        y[p] = (REAL)(sum / (double)plane);
    }
}

static void KERNEL(globalpool_backward)(const struct node *node, struct run *run)
{
    const REAL *dy = array_of(run, output_gradient(node));
    REAL *dx = array_of(run, node->outputs[0]);
    if (!dx)
        return;
    size_t plane = plane_size(node->outputs[0]);
    int planes = run->count * tensor_c(node->outputs[0]);
#pragma omp parallel for
    for (int p = 0; p < planes; p++)
        for (size_t i = 0; i < plane; i++)
            dx[p * plane + i] = dy[p] / (REAL)plane;
}
#endif
