/*
 * rules: what the operators' files share. Helpers of shape rules, and of kernels that are written
 * once for float and double (both.h).
 */
#ifndef LATHE_RULES_H
#define LATHE_RULES_H

#include "op.h"

#include <math.h>
#include <string.h>

/* ---- shape rules ---- */

enum { LARGEST_DIMENSION = 65536 }; /* of what a spec asks for */

/* Fail at the node's line with "NAME: message". */
_Noreturn void fail_node(const struct node *node, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The shape of a tensor as text, for messages. */
const char *shape_of(struct graph *graph, const struct tensor *tensor);

/* VALUE, an attribute called WHAT, is within 1 .. LARGEST_DIMENSION (LEAST .. for the second), or
 * fail. */
void check_positive(const struct node *node, const char *what, int value);
void check_at_least(const struct node *node, const char *what, int value, int least);

/* The only activation of NODE is flat (rank 1), or an image (rank 3), or fail. */
void check_flat(struct graph *graph, const struct node *node);
void check_image(struct graph *graph, const struct node *node);

/* Append to NODE's inputs the parameter or buffer (KIND) "NODE.SUFFIX", drawn as INIT and VALUE. */
struct tensor *add_weights(struct graph *graph, struct node *node, enum tensor_kind kind,
                           const char *suffix, int rank, const int *dims, enum lathe_init init,
                           double value);

/* Append "NODE.weight" and, where BIAS, "NODE.bias" (one a row of the weight), drawn as CHOICE asks
 * with the fan_in of a row. */
void add_layer_weights(struct graph *graph, struct node *node, int rank, const int *dims, bool bias,
                       struct init_choice choice);

/* Append to NODE's outputs the activation "NODE". */
struct tensor *add_activation(struct graph *graph, struct node *node, int rank, const int *dims);
/* Append to NODE's outputs the statistic "NODE.SUFFIX" ("NODE" for NULL) of COUNT numbers. */
struct tensor *add_statistic(struct graph *graph, struct node *node, const char *suffix, int count);

/* Like add_activation, with the shape of the first input: what element-wise operators have. */
void shape_same(struct graph *graph, struct node *node);

/* A window that slides over an image: kernels of convolution and pooling. */
struct window {
    int kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w;
    int pad_top, pad_left, pad_bottom, pad_right;
};

/* Check the numbers of WINDOW and that it fits NODE's input; the output's height and width. */
void window_output(struct graph *graph, const struct node *node, const struct window *window,
                   int *height, int *width);

/* ---- costs and tolerances ---- */

double output_elements(const struct node *node); /* of the first output */

/* Relative L2 error of sums of TERMS products in float: sqrt(terms) * 6e-8. */
double sum_tolerance(double terms);

/* The magnitude of an operator that is a sum of products: its double kernel on |inputs|. */
void magnitude_of_products(const struct node *node, struct run *run);

/* ---- kernels ---- */

static inline void *array_of(const struct run *run, const struct tensor *tensor)
{
    return tensor ? run->data[tensor->id] : NULL;
}

/* Numbers that TENSOR has in RUN: the batch counts. */
static inline size_t numbers_of(const struct run *run, const struct tensor *tensor)
{
    return tensor_elements(tensor) * (tensor->batched ? (size_t)run->count : 1);
}

/* Of a backward node: the gradient of forward->outputs[0], its last input. */
static inline const struct tensor *output_gradient(const struct node *node)
{
    return node->inputs[node->input_count - 1];
}

/* Numbers of one channel. */
static inline size_t plane_size(const struct tensor *tensor)
{
    return (size_t)tensor_h(tensor) * (size_t)tensor_w(tensor);
}

/* Places o in [*from, *to), out of OUT, whose tap o * STRIDE + SHIFT falls within [0, IN). */
static inline void taps_inside(int out, int in, int stride, int shift, int *from, int *to)
{
    *from = shift >= 0 ? 0 : min_int(out, divide_up(-shift, stride));
    *to = in <= shift ? *from : max_int(*from, min_int(out, divide_up(in - shift, stride)));
}

/* to[r * step] = the sum of COUNT products a[r * count + i] * b[i], for each of up to DOT_ROWS
 * ROWS, in an order that depends on nothing but COUNT. */
enum { DOT_ROWS = 4 };
void dot_products(const double *a, int rows, const double *b, size_t count, double *to,
                  size_t step);

#endif
