/*
 * conv: y[k][oy][ox] = bias[k] + sum over c, ky, kx of weight[k][c][ky][kx] *
 *       x[g + c][oy * stride_h + ky * dilation_h - pad_top][ox * stride_w + kx * dilation_w -
 * pad_left], x outside the image 0, g the first channel of k's group. Inputs x, weight (out, in /
 * groups, kh, kw), bias (out; only where asked for); output y.
 *
 * Gradients: the same sum, read for x, for weight and for bias.
 *
 * The float kernels unfold each image into a matrix and leave the product to BLAS (im2col:
 * Chellapilla, Puri, Simard: "High Performance Convolutional Neural Networks for Document
 * Processing", 2006; what Caffe does). The double kernels are plain loops over the formula.
 */
#include "rules.h"

#include <cblas.h>
#include <omp.h>
#include <stdlib.h>

/* ---- shape ---- */

/* Padding so that the output has ceil(input / stride) places; the odd pixel at the end. */
static void same_padding(int in, int kernel, int stride, int dilation, int *before, int *after)
{
    int64_t out = divide_up(in, stride), span = (int64_t)dilation * (kernel - 1) + 1;
    int64_t total = (out - 1) * stride + span - in;
    total = total > 0 ? total : 0;
    *before = (int)(total / 2);
    *after = (int)(total - total / 2);
}

static void resolve_padding(struct node *node)
{
    struct conv_attributes *conv = &node->conv;
    const struct tensor *x = node->inputs[0];
    check_positive(node, "kernel", conv->kernel_h);
    check_positive(node, "kernel", conv->kernel_w);
    check_positive(node, "stride", conv->stride_h);
    check_positive(node, "stride", conv->stride_w);
    check_positive(node, "dilation", conv->dilation_h);
    check_positive(node, "dilation", conv->dilation_w);
    if ((int64_t)conv->dilation_h * (conv->kernel_h - 1) >= LARGEST_DIMENSION ||
        (int64_t)conv->dilation_w * (conv->kernel_w - 1) >= LARGEST_DIMENSION)
        fail_node(node, "kernel and dilation must span at most %d pixels", LARGEST_DIMENSION);
    same_padding(tensor_h(x), conv->kernel_h, conv->stride_h, conv->dilation_h, &conv->pad_top,
                 &conv->pad_bottom);
    same_padding(tensor_w(x), conv->kernel_w, conv->stride_w, conv->dilation_w, &conv->pad_left,
                 &conv->pad_right);
}

static void check_groups(const struct node *node)
{
    const struct conv_attributes *conv = &node->conv;
    int in = tensor_c(node->inputs[0]);
    check_positive(node, "groups", conv->groups);
    if (in % conv->groups)
        fail_node(node, "%d groups do not divide %d input channels", conv->groups, in);
    if (conv->channels % conv->groups)
        fail_node(node, "%d groups do not divide %d output channels", conv->groups, conv->channels);
}

static void shape_conv(struct graph *graph, struct node *node)
{
    struct conv_attributes *conv = &node->conv;
    check_image(graph, node);
    check_positive(node, "channels", conv->channels);
    check_groups(node);
    if (conv->pad_same)
        resolve_padding(node);
    const struct window window = {
        conv->kernel_h,   conv->kernel_w, conv->stride_h, conv->stride_w,   conv->dilation_h,
        conv->dilation_w, conv->pad_top,  conv->pad_left, conv->pad_bottom, conv->pad_right};
    int height, width;
    window_output(graph, node, &window, &height, &width);
    const int dims[4] = {conv->channels, tensor_c(node->inputs[0]) / conv->groups, conv->kernel_h,
                         conv->kernel_w};
    add_layer_weights(graph, node, 4, dims, conv->bias, conv->init);
    add_activation(graph, node, 3, (int[]){conv->channels, height, width});
}

/* Terms of a sum: input channels of a group times taps. */
static double terms(const struct node *node)
{
    return (double)tensor_elements(node->inputs[1]) / node->inputs[1]->dims[0];
}

static double flops_conv(const struct node *node)
{
    return output_elements(node) * (2 * terms(node) + node->conv.bias);
}

static double tolerance_conv(const struct node *node, int count, int output)
{
    if (!node->backward)
        return sum_tolerance(terms(node) + node->conv.bias);
    const struct conv_attributes *conv = &node->forward->conv;
    if (output == 0)
        return sum_tolerance((double)conv->channels / conv->groups * conv->kernel_h *
                             conv->kernel_w);
    return sum_tolerance((double)count * (double)plane_size(node->forward->outputs[0]));
}

/* The sizes that every kernel needs, of one group where it says so. */
struct sizes {
    const struct conv_attributes *conv;
    int in_c, in_h, in_w, out_c, out_h, out_w;
    int group_in, group_out; /* channels of a group */
    int taps;                /* kernel_h * kernel_w */
    size_t in_plane, out_plane;
    int columns_h; /* rows of an unfolded group: group_in * taps */
};

/* Of a forward NODE. */
static struct sizes sizes_of(const struct node *node)
{
    const struct conv_attributes *conv = &node->conv;
    const struct tensor *x = node->inputs[0], *y = node->outputs[0];
    struct sizes s = {.conv = conv,
                      .in_c = tensor_c(x),
                      .in_h = tensor_h(x),
                      .in_w = tensor_w(x),
                      .out_c = tensor_c(y),
                      .out_h = tensor_h(y),
                      .out_w = tensor_w(y),
                      .in_plane = plane_size(x),
                      .out_plane = plane_size(y)};
    s.group_in = s.in_c / conv->groups;
    s.group_out = s.out_c / conv->groups;
    s.taps = conv->kernel_h * conv->kernel_w;
    s.columns_h = s.group_in * s.taps;
    return s;
}

/* Where tap (KY, KX) of the kernel reads: input row = output row * stride_h + y, and so for x; and
 * which outputs it is inside of the image for. */
struct tap {
    int y, x, from_y, to_y, from_x, to_x;
};

static struct tap tap_of(const struct sizes *s, int ky, int kx)
{
    const struct conv_attributes *conv = s->conv;
    struct tap tap = {.y = ky * conv->dilation_h - conv->pad_top,
                      .x = kx * conv->dilation_w - conv->pad_left};
    taps_inside(s->out_h, s->in_h, conv->stride_h, tap.y, &tap.from_y, &tap.to_y);
    taps_inside(s->out_w, s->in_w, conv->stride_w, tap.x, &tap.from_x, &tap.to_x);
    return tap;
}

/* Where in its plane the row starts that TAP reads for output row OY, one that it is inside for. */
static size_t row_inside(const struct sizes *s, const struct tap *tap, int oy)
{
    return (size_t)(oy * s->conv->stride_h + tap->y) * (size_t)s->in_w;
}

/* ---- float: unfold and multiply ----
 *
 * Images are unfolded a few at a time, side by side, so that the products of small images are not
 * too thin for BLAS:
 *
 *     columns  [channel of the group, tap][image, output place]
 *     y        [output channel of the group][image, output place]
 */

/* A few images of one group on one thread. */
struct chunk {
    const struct sizes *s;
    int group, images;
    float *columns; /* scratch */
    float *rows;    /* scratch: y or dy with the images side by side; one image needs none */
};

enum { COLUMNS_AT_LEAST = 512 };

/* One channel X under one tap, as a row of the unfolded matrix: what each output place reads. */
static void unfold_row(const struct sizes *s, const struct tap *tap, const float *x, float *row)
{
    int stride = s->conv->stride_w;
    for (int oy = 0; oy < s->out_h; oy++, row += s->out_w) {
        bool inside = oy >= tap->from_y && oy < tap->to_y;
        int from = inside ? tap->from_x : s->out_w, to = inside ? tap->to_x : s->out_w;
        for (int ox = 0; ox < from; ox++)
            row[ox] = 0;
        if (!inside)
            continue;
        const float *in = x + row_inside(s, tap, oy);
        if (stride == 1)
            memcpy(row + from, in + tap->x + from, (size_t)(to - from) * sizeof *row);
        else
            for (int ox = from; ox < to; ox++)
                row[ox] = in[ox * stride + tap->x];
        for (int ox = to; ox < s->out_w; ox++)
            row[ox] = 0;
    }
}

/* The reverse: add the row back to the places it was read from. */
static void fold_row(const struct sizes *s, const struct tap *tap, const float *row, float *x)
{
    int stride = s->conv->stride_w;
    for (int oy = tap->from_y; oy < tap->to_y; oy++) {
        const float *from = row + (size_t)oy * s->out_w;
        float *in = x + row_inside(s, tap, oy);
        if (stride == 1)
#pragma omp simd
            for (int ox = tap->from_x; ox < tap->to_x; ox++)
                in[ox + tap->x] += from[ox];
        else
            for (int ox = tap->from_x; ox < tap->to_x; ox++)
                in[ox * stride + tap->x] += from[ox];
    }
}

/* The group's channels of the first of the chunk's images in X, the input or its gradient. */
static size_t group_input(const struct chunk *chunk)
{
    return (size_t)chunk->group * chunk->s->group_in * chunk->s->in_plane;
}

static size_t group_output(const struct chunk *chunk)
{
    return (size_t)chunk->group * chunk->s->group_out * chunk->s->out_plane;
}

/* The image is its own unfolded matrix. */
static bool needs_no_unfolding(const struct chunk *chunk)
{
    const struct conv_attributes *conv = chunk->s->conv;
    return chunk->images == 1 && conv->kernel_h == 1 && conv->kernel_w == 1 &&
           conv->stride_h == 1 && conv->stride_w == 1 &&
           !(conv->pad_top | conv->pad_left | conv->pad_bottom | conv->pad_right);
}

/* The unfolded images of X, in chunk->columns or in X itself. */
static const float *unfold(const struct chunk *chunk, const float *x)
{
    const struct sizes *s = chunk->s;
    const float *first = x + group_input(chunk);
    float *columns = chunk->columns;
    if (needs_no_unfolding(chunk))
        return first;
    for (int c = 0; c < s->group_in; c++)
        for (int k = 0; k < s->taps; k++) {
            struct tap tap = tap_of(s, k / s->conv->kernel_w, k % s->conv->kernel_w);
            for (int n = 0; n < chunk->images; n++, columns += s->out_plane)
                unfold_row(s, &tap, first + ((size_t)n * s->in_c + c) * s->in_plane, columns);
        }
    return chunk->columns;
}

/* Add chunk->columns up into the images DX. */
static void fold(const struct chunk *chunk, float *dx)
{
    const struct sizes *s = chunk->s;
    float *first = dx + group_input(chunk);
    const float *columns = chunk->columns;
    size_t image = (size_t)s->in_c * s->in_plane;
    for (int n = 0; n < chunk->images; n++)
        memset(first + n * image, 0, (size_t)s->group_in * s->in_plane * sizeof *dx);
    for (int c = 0; c < s->group_in; c++)
        for (int k = 0; k < s->taps; k++) {
            struct tap tap = tap_of(s, k / s->conv->kernel_w, k % s->conv->kernel_w);
            for (int n = 0; n < chunk->images; n++, columns += s->out_plane)
                fold_row(s, &tap, columns, first + n * image + c * s->in_plane);
        }
}

/* The images of DY side by side, in chunk->rows or, a single one, in DY itself. */
static const float *gather(const struct chunk *chunk, const float *dy)
{
    const struct sizes *s = chunk->s;
    const float *first = dy + group_output(chunk);
    float *row = chunk->rows;
    if (chunk->images == 1)
        return first;
    for (int k = 0; k < s->group_out; k++)
        for (int n = 0; n < chunk->images; n++, row += s->out_plane)
            memcpy(row, first + ((size_t)n * s->out_c + k) * s->out_plane,
                   s->out_plane * sizeof *row);
    return chunk->rows;
}

/* The reverse for Y, with BIAS (or NULL) added. */
static void scatter(const struct chunk *chunk, const float *rows, const float *bias, float *y)
{
    const struct sizes *s = chunk->s;
    float *first = y + group_output(chunk);
    if (rows == first && !bias)
        return;
    for (int k = 0; k < s->group_out; k++)
        for (int n = 0; n < chunk->images; n++, rows += s->out_plane) {
            float *row = first + ((size_t)n * s->out_c + k) * s->out_plane;
            float offset = bias ? bias[chunk->group * s->group_out + k] : 0;
#pragma omp simd
            for (size_t i = 0; i < s->out_plane; i++)
                row[i] = rows[i] + offset;
        }
}

/* y = weight * columns + bias. */
static void forward_chunk(const struct chunk *chunk, const float *x, const float *weight,
                          const float *bias, float *y)
{
    const struct sizes *s = chunk->s;
    int width = chunk->images * (int)s->out_plane;
    float *rows = chunk->images == 1 ? y + group_output(chunk) : chunk->rows;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, s->group_out, width, s->columns_h, 1,
                weight + (size_t)chunk->group * s->group_out * s->columns_h, s->columns_h,
                unfold(chunk, x), width, 0, rows, width);
    scatter(chunk, rows, bias, y);
}

/* dcolumns = weight^T dy, folded. */
static void input_gradient_chunk(const struct chunk *chunk, const float *weight, const float *dy,
                                 float *dx)
{
    const struct sizes *s = chunk->s;
    int width = chunk->images * (int)s->out_plane;
    bool direct = needs_no_unfolding(chunk);
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, s->columns_h, width, s->group_out, 1,
                weight + (size_t)chunk->group * s->group_out * s->columns_h, s->columns_h,
                gather(chunk, dy), width, 0, direct ? dx + group_input(chunk) : chunk->columns,
                width);
    if (!direct)
        fold(chunk, dx);
}

/* dweight += dy * columns^T. Behind a global pool the terms of such a sum are much alike, and so
 * are the signs of its rounding errors: sums are taken over few pixels where that costs no time, of
 * weights that are worth a call and stay in the cache. */
static void weight_gradient_chunk(const struct chunk *chunk, const float *x, const float *dy,
                                  float *dweight)
{
    enum { FEW = 64, WORTH = 1 << 12, CACHED = 1 << 16 }; /* pixels; weights */
    const struct sizes *s = chunk->s;
    int width = chunk->images * (int)s->out_plane;
    size_t weights = (size_t)s->group_out * s->columns_h;
    int pixels = weights >= WORTH && weights <= CACHED ? FEW : width;
    const float *rows = gather(chunk, dy), *columns = unfold(chunk, x);
    for (int p = 0; p < width; p += pixels)
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, s->group_out, s->columns_h,
                    min_int(pixels, width - p), 1, rows + p, width, columns + p, width, 1,
                    dweight + chunk->group * weights, s->columns_h);
}

/* How a batch is cut: chunks in parallel, each with BLAS on one thread; where there are fewer
 * images than threads, one chunk with BLAS on all of them. */
struct cut {
    int threads, images, count; /* images of a chunk, chunks */
    size_t columns, rows;       /* scratch of a thread, floats */
    float *scratch;
};

static float *floats(size_t count)
{
    size_t bytes = checked_multiply(count ? count : 1, sizeof(float));
    float *memory = malloc(bytes);
    if (!memory)
        fail(STATUS_RESOURCE, "out of memory: a convolution needs %zu bytes of scratch", bytes);
    return memory;
}

static struct cut cut_batch(const struct sizes *s, int images)
{
    struct cut cut = {.threads = omp_get_max_threads()};
    if (images < cut.threads)
        cut.threads = 1;
    int enough = (int)((COLUMNS_AT_LEAST + s->out_plane - 1) / s->out_plane);
    cut.images = min_int(enough, images / cut.threads);
    cut.count = divide_up(images, cut.images);
    size_t width = (size_t)cut.images * s->out_plane;
    cut.columns = checked_multiply(width, (size_t)s->columns_h);
    cut.rows = checked_multiply(width, (size_t)s->group_out);
    cut.scratch = floats(checked_multiply(cut.columns + cut.rows, (size_t)cut.threads));
    return cut;
}

/* The INDEX-th chunk of a cut of IMAGES, with the calling thread's scratch. */
static struct chunk chunk_of(const struct sizes *s, const struct cut *cut, int images, int index)
{
    float *scratch = cut->scratch + (cut->columns + cut->rows) * (size_t)omp_get_thread_num();
    return (struct chunk){.s = s,
                          .images = min_int(cut->images, images - index * cut->images),
                          .columns = scratch,
                          .rows = scratch + cut->columns};
}

static void forward_float(const struct node *node, struct run *run)
{
    const struct sizes s = sizes_of(node);
    const float *x = array_of(run, node->inputs[0]), *weight = array_of(run, node->inputs[1]);
    const float *bias = s.conv->bias ? array_of(run, node->inputs[2]) : NULL;
    float *y = array_of(run, node->outputs[0]);
    struct cut cut = cut_batch(&s, run->count);
#pragma omp parallel for num_threads(cut.threads) if (cut.threads > 1)
    for (int i = 0; i < cut.count; i++) {
        struct chunk chunk = chunk_of(&s, &cut, run->count, i);
        size_t first = (size_t)i * cut.images;
        for (chunk.group = 0; chunk.group < s.conv->groups; chunk.group++)
            forward_chunk(&chunk, x + first * s.in_c * s.in_plane, weight, bias,
                          y + first * s.out_c * s.out_plane);
    }
    free(cut.scratch);
}

/* Each thread sums the weight gradients of its chunks; these sums are added in the threads' order.
 */
static void gradients_float(const struct sizes *s, const struct run *run, const float *x,
                            const float *weight, const float *dy, float *dx, float *dweight)
{
    struct cut cut = cut_batch(s, run->count);
    size_t weights = dweight ? (size_t)s->out_c * s->columns_h : 0;
    float *sums = floats(checked_multiply(weights, (size_t)cut.threads));
#pragma omp parallel num_threads(cut.threads) if (cut.threads > 1)
    {
        float *own = sums + weights * (size_t)omp_get_thread_num();
        memset(own, 0, weights * sizeof *own);
#pragma omp for schedule(static)
        for (int i = 0; i < cut.count; i++) {
            struct chunk chunk = chunk_of(s, &cut, run->count, i);
            size_t first = (size_t)i * cut.images;
            size_t in = first * s->in_c * s->in_plane, out = first * s->out_c * s->out_plane;
            for (chunk.group = 0; chunk.group < s->conv->groups; chunk.group++) {
                if (dweight)
                    weight_gradient_chunk(&chunk, x + in, dy + out, own);
                if (dx)
                    input_gradient_chunk(&chunk, weight, dy + out, dx + in);
            }
        }
#pragma omp for schedule(static)
        for (size_t i = 0; i < weights; i++) {
            float sum = sums[i];
            for (int t = 1; t < omp_get_num_threads(); t++)
                sum += sums[weights * (size_t)t + i];
            dweight[i] = sum;
        }
    }
    free(cut.scratch);
    free(sums);
}

static void bias_gradient_float(const struct sizes *s, const struct run *run, const float *dy,
                                float *dbias)
{
#pragma omp parallel for
    for (int k = 0; k < s->out_c; k++) {
        double total = 0;
        for (int n = 0; n < run->count; n++) {
            const float *plane = dy + ((size_t)n * s->out_c + k) * s->out_plane;
            double sum = 0;
#pragma omp simd reduction(+ : sum)
            for (size_t i = 0; i < s->out_plane; i++)
                sum += (double)plane[i];
            total += sum;
        }
        dbias[k] = (float)total;
    }
}

static void backward_float(const struct node *node, struct run *run)
{
    const struct sizes s = sizes_of(node->forward);
    const float *dy = array_of(run, output_gradient(node));
    float *dx = array_of(run, node->outputs[0]), *dweight = array_of(run, node->outputs[1]);
    float *dbias = s.conv->bias ? array_of(run, node->outputs[2]) : NULL;
    if (dx || dweight)
        gradients_float(&s, run, array_of(run, node->inputs[0]), array_of(run, node->inputs[1]), dy,
                        dx, dweight);
    if (dbias)
        bias_gradient_float(&s, run, dy, dbias);
}

/* ---- double: the formula ---- */

/* What the kernel covers at output place PLACE of one group, whose first channel X is, in the order
 * of a row of weights; 0 outside of the image. */
static void read_patch(const struct sizes *s, const double *x, size_t place, double *patch)
{
    const struct conv_attributes *conv = s->conv;
    int top = (int)(place / (size_t)s->out_w) * conv->stride_h - conv->pad_top;
    int left = (int)(place % (size_t)s->out_w) * conv->stride_w - conv->pad_left;
    for (int c = 0; c < s->group_in; c++, x += s->in_plane)
        for (int ky = 0; ky < conv->kernel_h; ky++)
            for (int kx = 0; kx < conv->kernel_w; kx++) {
                int row = top + ky * conv->dilation_h, column = left + kx * conv->dilation_w;
                bool inside = row >= 0 && row < s->in_h && column >= 0 && column < s->in_w;
                *patch++ = inside ? x[(size_t)row * (size_t)s->in_w + (size_t)column] : 0;
            }
}

/* Output places FROM to below TO of one group of one image: X and Y are its first channels, WEIGHT
 * its first row. PATCHES: scratch. */
static void multiply_patches(const struct sizes *s, size_t from, size_t to, const double *x,
                             const double *weight, const double *bias, double *patches, double *y)
{
    size_t terms = (size_t)s->columns_h;
    for (size_t place = from; place < to; place++)
        read_patch(s, x, place, patches + (place - from) * terms);
    for (int k = 0; k < s->group_out; k += DOT_ROWS)
        for (size_t place = from; place < to; place++)
            dot_products(weight + (size_t)k * terms, min_int(DOT_ROWS, s->group_out - k),
                         patches + (place - from) * terms, terms,
                         y + (size_t)k * s->out_plane + place, s->out_plane);
    for (int k = 0; k < s->group_out && bias; k++)
        for (size_t place = from; place < to; place++)
            y[(size_t)k * s->out_plane + place] += bias[k];
}

/* Its gradient by x: dx += weight * dy. */
static void add_tap_back(const struct sizes *s, struct tap tap, double weight, const double *dy,
                         double *dx)
{
    int stride = s->conv->stride_w;
    for (int oy = tap.from_y; oy < tap.to_y; oy++) {
        double *in = dx + row_inside(s, &tap, oy);
        const double *out = dy + (size_t)oy * s->out_w;
#pragma omp simd
        for (int ox = tap.from_x; ox < tap.to_x; ox++)
            in[ox * stride + tap.x] += weight * out[ox];
    }
}

/* Its gradient by weight: the sum of dy * x. */
static double tap_product(const struct sizes *s, struct tap tap, const double *x, const double *dy)
{
    double total = 0;
    int stride = s->conv->stride_w;
    for (int oy = tap.from_y; oy < tap.to_y; oy++) {
        const double *in = x + row_inside(s, &tap, oy);
        const double *out = dy + (size_t)oy * s->out_w;
        double sum = 0;
#pragma omp simd reduction(+ : sum)
        for (int ox = tap.from_x; ox < tap.to_x; ox++)
            sum += out[ox] * in[ox * stride + tap.x];
        total += sum;
    }
    return total;
}

static void forward_double(const struct node *node, struct run *run)
{
    enum { PATCH_NUMBERS = 32768 }; /* at once: a quarter of a megabyte stays in the cache */
    const struct sizes s = sizes_of(node);
    const double *x = array_of(run, node->inputs[0]), *weight = array_of(run, node->inputs[1]);
    const double *bias = s.conv->bias ? array_of(run, node->inputs[2]) : NULL;
    double *y = array_of(run, node->outputs[0]);
    size_t places = (size_t)max_int(PATCH_NUMBERS / s.columns_h, 8);
    size_t parts = (s.out_plane + places - 1) / places;
#pragma omp parallel for collapse(2)
    for (int n = 0; n < run->count; n++)
        for (size_t part = 0; part < parts; part++) {
            size_t from = part * places,
                   to = from + places < s.out_plane ? from + places : s.out_plane;
            double *patches = lathe_alloc(places * (size_t)s.columns_h, sizeof *patches);
            for (int g = 0; g < s.conv->groups; g++)
                multiply_patches(&s, from, to,
                                 x + ((size_t)n * s.in_c + (size_t)g * s.group_in) * s.in_plane,
                                 weight + (size_t)g * s.group_out * s.columns_h,
                                 bias ? bias + (size_t)g * s.group_out : NULL, patches,
                                 y + ((size_t)n * s.out_c + (size_t)g * s.group_out) * s.out_plane);
            free(patches);
        }
}

static void input_gradient_double(const struct sizes *s, const struct run *run,
                                  const double *weight, const double *dy, double *dx)
{
#pragma omp parallel for collapse(2)
    for (int n = 0; n < run->count; n++)
        for (int c = 0; c < s->in_c; c++) {
            int first = c / s->group_in * s->group_out; /* output channel of c's group */
            double *in = dx + ((size_t)n * s->in_c + c) * s->in_plane;
            memset(in, 0, s->in_plane * sizeof *in);
            for (int k = first; k < first + s->group_out; k++) {
                const double *w = weight + (size_t)k * s->columns_h + c % s->group_in * s->taps;
                for (int ky = 0; ky < s->conv->kernel_h; ky++)
                    for (int kx = 0; kx < s->conv->kernel_w; kx++)
                        add_tap_back(s, tap_of(s, ky, kx), *w++,
                                     dy + ((size_t)n * s->out_c + k) * s->out_plane, in);
            }
        }
}

static void weight_gradient_double(const struct sizes *s, const struct run *run, const double *x,
                                   const double *dy, double *dweight)
{
#pragma omp parallel for collapse(2)
    for (int k = 0; k < s->out_c; k++)
        for (int c = 0; c < s->group_in; c++) {
            int channel = k / s->group_out * s->group_in + c;
            double *w = dweight + (size_t)k * s->columns_h + (size_t)c * s->taps;
            for (int tap = 0; tap < s->taps; tap++) {
                struct tap place = tap_of(s, tap / s->conv->kernel_w, tap % s->conv->kernel_w);
                w[tap] = 0;
                for (int n = 0; n < run->count; n++)
                    w[tap] +=
                        tap_product(s, place, x + ((size_t)n * s->in_c + channel) * s->in_plane,
                                    dy + ((size_t)n * s->out_c + k) * s->out_plane);
            }
        }
}

static void backward_double(const struct node *node, struct run *run)
{
    const struct sizes s = sizes_of(node->forward);
    const double *dy = array_of(run, output_gradient(node));
    double *dx = array_of(run, node->outputs[0]), *dweight = array_of(run, node->outputs[1]);
    double *dbias = s.conv->bias ? array_of(run, node->outputs[2]) : NULL;
    if (dx)
        input_gradient_double(&s, run, array_of(run, node->inputs[1]), dy, dx);
    if (dweight)
        weight_gradient_double(&s, run, array_of(run, node->inputs[0]), dy, dweight);
    for (int k = 0; k < s.out_c && dbias; k++) {
        dbias[k] = 0;
        for (int n = 0; n < run->count; n++)
            for (size_t i = 0; i < s.out_plane; i++)
                dbias[k] += dy[((size_t)n * s.out_c + k) * s.out_plane + i];
    }
}

const struct op_rules op_conv = {
    .name = "conv",
    .shape = shape_conv,
    .flops = flops_conv,
    .forward = {forward_float, forward_double},
    .backward = {backward_float, backward_double},
    .tolerance = tolerance_conv,
    .magnitude = magnitude_of_products,
};
