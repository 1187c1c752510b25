/*
 * rules: helpers of the operators' shape rules.
 */
#include "rules.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fail_node(const struct node *node, const char *format, ...)
{
    char message[900];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    fail_at(STATUS_USER, node->where, "%s: %s", node->name, message);
}

const char *shape_of(struct graph *graph, const struct tensor *tensor)
{
    return tensor_shape_text(graph->arena, tensor);
}

void check_at_least(const struct node *node, const char *what, int value, int least)
{
    if (value < least)
        fail_node(node, "%s must be at least %d, given %d", what, least, value);
    if (value > LARGEST_DIMENSION)
        fail_node(node, "%s must be at most %d, given %d", what, LARGEST_DIMENSION, value);
}

void check_positive(const struct node *node, const char *what, int value)
{
    check_at_least(node, what, value, 1);
}

void check_flat(struct graph *graph, const struct node *node)
{
    if (node->inputs[0]->rank != 1)
        fail_node(node, "%s takes a flat input, given %s: put flatten() before it",
                  op_name(node->op), shape_of(graph, node->inputs[0]));
}

void check_image(struct graph *graph, const struct node *node)
{
    if (node->inputs[0]->rank != 3)
        fail_node(node, "%s takes an image (channels x height x width), given a flat %s",
                  op_name(node->op), shape_of(graph, node->inputs[0]));
}

/* DIMS multiply to less than 2^31, so that an int counts the elements. */
static void check_elements(struct graph *graph, const struct node *node, const char *what, int rank,
                           const int *dims)
{
    size_t elements = 1;
    for (int i = 0; i < rank; i++) {
        elements *= (size_t)dims[i]; /* both below 2^31: no overflow */
        if (elements > INT_MAX) {
            struct tensor shape = {.rank = rank};
            memcpy(shape.dims, dims, sizeof *dims * (size_t)rank);
            fail_node(node, "%s %s is too large: at most %d elements, without the batch", what,
                      shape_of(graph, &shape), INT_MAX);
        }
    }
}

struct tensor *add_weights(struct graph *graph, struct node *node, enum tensor_kind kind,
                           const char *suffix, int rank, const int *dims, enum lathe_init init,
                           double value)
{
    check_elements(graph, node, suffix, rank, dims);
    const char *name = arena_printf(graph->arena, "%s.%s", node->name, suffix);
    struct tensor *tensor = graph_add_tensor(graph, kind, name, false, rank, dims);
    tensor->init = init;
    tensor->init_value = value;
    node_add_input(node, tensor, graph);
    return tensor;
}

void add_layer_weights(struct graph *graph, struct node *node, int rank, const int *dims, bool bias,
                       struct init_choice choice)
{
    double fan_in = 1;
    for (int i = 1; i < rank; i++)
        fan_in *= dims[i];
    enum lathe_init init = LATHE_UNIFORM, bias_init = LATHE_UNIFORM;
    double value = 1 / sqrt(fan_in), bias_value = value;
    if (choice.word == INIT_UNIFORM && choice.value > 0) {
        value = bias_value = choice.value;
    } else if (choice.word != INIT_DEFAULT && choice.word != INIT_UNIFORM) {
        init = choice.word == INIT_ZEROS ? LATHE_CONSTANT : LATHE_NORMAL;
        value = choice.word == INIT_ZEROS    ? 0
                : choice.word == INIT_NORMAL ? choice.value
                                             : sqrt((choice.word == INIT_HE ? 2 : 1) / fan_in);
        bias_init = LATHE_CONSTANT;
        bias_value = 0;
    }
    add_weights(graph, node, TENSOR_PARAMETER, "weight", rank, dims, init, value);
    if (bias)
        add_weights(graph, node, TENSOR_PARAMETER, "bias", 1, dims, bias_init, bias_value);
}

struct tensor *add_activation(struct graph *graph, struct node *node, int rank, const int *dims)
{
    check_elements(graph, node, "output", rank, dims);
    struct tensor *tensor =
        graph_add_tensor(graph, TENSOR_ACTIVATION, node->name, true, rank, dims);
    node_add_output(node, tensor, graph);
    return tensor;
}

struct tensor *add_statistic(struct graph *graph, struct node *node, const char *suffix, int count)
{
    const char *name =
        suffix ? arena_printf(graph->arena, "%s.%s", node->name, suffix) : node->name;
    struct tensor *tensor = graph_add_tensor(graph, TENSOR_STATISTIC, name, false, 1, &count);
    node_add_output(node, tensor, graph);
    return tensor;
}

void shape_same(struct graph *graph, struct node *node)
{
    add_activation(graph, node, node->inputs[0]->rank, node->inputs[0]->dims);
}

/* ---- windows ---- */

/* "3", or "3x5" where height and width differ. */
static const char *pair_text(struct arena *arena, int h, int w)
{
    return h == w ? arena_printf(arena, "%d", h) : arena_printf(arena, "%dx%d", h, w);
}

_Noreturn static void fail_window(struct graph *graph, const struct node *node,
                                  const struct window *window)
{
    struct arena *arena = graph->arena;
    const char *kernel = pair_text(arena, window->kernel_h, window->kernel_w);
    const char *dilation = "";
    if (window->dilation_h > 1 || window->dilation_w > 1)
        dilation = arena_printf(arena, ", dilation %s",
                                pair_text(arena, window->dilation_h, window->dilation_w));
    const char *padding = arena_printf(arena, "%d", window->pad_top);
    if (window->pad_left != window->pad_top || window->pad_bottom != window->pad_top ||
        window->pad_right != window->pad_top)
        padding = arena_printf(arena, "%d,%d,%d,%d", window->pad_top, window->pad_left,
                               window->pad_bottom, window->pad_right);
    fail_node(node, "kernel %s does not fit input %s (padding %s%s)", kernel,
              shape_of(graph, node->inputs[0]), padding, dilation);
}

void window_output(struct graph *graph, const struct node *node, const struct window *window,
                   int *height, int *width)
{
    check_positive(node, "kernel", window->kernel_h);
    check_positive(node, "kernel", window->kernel_w);
    check_positive(node, "stride", window->stride_h);
    check_positive(node, "stride", window->stride_w);
    check_positive(node, "dilation", window->dilation_h);
    check_positive(node, "dilation", window->dilation_w);
    check_at_least(node, "padding", window->pad_top, 0);
    check_at_least(node, "padding", window->pad_left, 0);
    check_at_least(node, "padding", window->pad_bottom, 0);
    check_at_least(node, "padding", window->pad_right, 0);
    const struct tensor *x = node->inputs[0];
    int64_t span_h = (int64_t)window->dilation_h * (window->kernel_h - 1) + 1;
    int64_t span_w = (int64_t)window->dilation_w * (window->kernel_w - 1) + 1;
    int64_t room_h = (int64_t)tensor_h(x) + window->pad_top + window->pad_bottom - span_h;
    int64_t room_w = (int64_t)tensor_w(x) + window->pad_left + window->pad_right - span_w;
    if (room_h < 0 || room_w < 0)
        fail_window(graph, node, window);
    *height = (int)(room_h / window->stride_h + 1);
    *width = (int)(room_w / window->stride_w + 1);
}

/* ---- costs and tolerances ---- */

double output_elements(const struct node *node)
{
    return (double)tensor_elements(node->outputs[0]);
}

double sum_tolerance(double terms)
{
    return sqrt(terms) * 6e-8;
}

void magnitude_of_products(const struct node *node, struct run *run)
{
    const struct op_rules *rules = op_table[node->op];
    void **given = malloc((size_t)node->input_count * sizeof *given);
    if (!given)
        fail(STATUS_RESOURCE, "out of memory: %d arrays", node->input_count);
    for (int i = 0; i < node->input_count; i++) {
        size_t numbers = numbers_of(run, node->inputs[i]);
        const double *from = given[i] = array_of(run, node->inputs[i]);
        double *to = malloc(numbers * sizeof *to);
        if (!to)
            fail(STATUS_RESOURCE, "out of memory: %zu numbers", numbers);
        for (size_t k = 0; k < numbers; k++)
            to[k] = fabs(from[k]);
        run->data[node->inputs[i]->id] = to;
    }
    (node->backward ? rules->backward : rules->forward)[PRECISION_DOUBLE](node, run);
    for (int i = 0; i < node->input_count; i++) {
        free(run->data[node->inputs[i]->id]);
        run->data[node->inputs[i]->id] = given[i];
    }
    free(given);
}

/* ---- kernels ---- */

/* A sum is eight side by side, added up in one order: the same bits however wide the vectors are
 * and however many ROWS there are. Several rows at once do not wait for their own sums. */
__attribute__((always_inline)) static inline void
sum_products(const double *a, int rows, const double *b, size_t count, double *to, size_t step)
{
    typedef double quad __attribute__((vector_size(32)));
    enum { QUAD = sizeof(quad) / sizeof(double), QUADS = 2 };
    quad sums[DOT_ROWS][QUADS] = {{{0}}};
    size_t whole = count / (QUAD * QUADS) * (QUAD * QUADS);
    for (size_t i = 0; i < whole; i += QUAD * QUADS)
#pragma GCC unroll 2
        for (int k = 0; k < QUADS; k++) {
            quad x, y;
            memcpy(&y, b + i + k * QUAD, sizeof y);
#pragma GCC unroll 4
            for (int r = 0; r < rows; r++) {
                memcpy(&x, a + r * count + i + k * QUAD, sizeof x);
                sums[r][k] += x * y;
            }
        }
#pragma GCC unroll 4
    for (int r = 0; r < rows; r++) {
        double sum = 0;
        for (size_t i = whole; i < count; i++)
            sum += a[r * count + i] * b[i];
#pragma GCC unroll 2
        for (int k = 0; k < QUADS; k++)
            for (int lane = 0; lane < QUAD; lane++)
                sum += sums[r][k][lane];
        to[r * step] = sum;
    }
}

__attribute__((always_inline)) static inline void
sum_rows(const double *a, int rows, const double *b, size_t count, double *to, size_t step)
{
    if (rows == DOT_ROWS)
        sum_products(a, DOT_ROWS, b, count, to, step);
    else
        for (int r = 0; r < rows; r++)
            sum_products(a + r * count, 1, b, count, to + r * step, step);
}

#ifdef __x86_64__
__attribute__((target("avx2"))) static void
sum_rows_avx2(const double *a, int rows, const double *b, size_t count, double *to, size_t step)
{
    sum_rows(a, rows, b, count, to, step);
}
#endif

void dot_products(const double *a, int rows, const double *b, size_t count, double *to, size_t step)
{
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx2")) {
        sum_rows_avx2(a, rows, b, count, to, step);
        return;
    }
#endif
    sum_rows(a, rows, b, count, to, step);
}
