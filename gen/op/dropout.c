/*
 * dropout: y = x / (1 - p) where the element is kept, 0 where it is dropped (probability p); y = x
 * outside training. Input x; output y. What is kept is a function of (seed, step, layer, sample,
 * element) alone (runtime/random.h), so the backward pass draws it again instead of storing it:
 * dx = dy / (1 - p) where kept. Srivastava et al.: "Dropout" (JMLR 2014), the inverted form.
 */
#ifndef REAL
#include "rules.h"
#include "../../runtime/random.h"

static void shape_dropout(struct graph *graph, struct node *node)
{
    if (!(node->dropout.p >= 0 && node->dropout.p < 1))
        fail_node(node, "p must be at least 0 and below 1, given %g", node->dropout.p);
    shape_same(graph, node);
}

static double tolerance_dropout(const struct node *node, int count, int output)
{
    (void)node, (void)count, (void)output;
    return 4e-6;
}

#define KERNELS "dropout.c"
#include "both.h"

const struct op_rules op_dropout = {
    .name = "dropout",
    .shape = shape_dropout,
    .flops = output_elements,
    .forward = {forward_float, forward_double},
    .backward = {backward_float, backward_double},
    .tolerance = tolerance_dropout,
};
#else

/* Keep or drop the elements of FROM (shaped as TENSOR) into TO. NODE has the attributes. */
static void KERNEL(drop)(const struct node *node, const struct run *run,
                         const struct tensor *tensor, const REAL *from, REAL *to)
{
    size_t elements = tensor_elements(tensor);
    if (!run->training) {
        memcpy(to, from, (size_t)run->count * elements * sizeof *to);
        return;
    }
    uint32_t threshold = lathe_threshold(node->dropout.p);
    uint32_t layer = (uint32_t)node->dropout.layer;
    REAL scale = (REAL)(1 / (1 - node->dropout.p));
#pragma omp parallel for collapse(2)
    for (int n = 0; n < run->count; n++)
        for (size_t i = 0; i < elements; i++) {
            size_t at = (size_t)n * elements + i;
            uint32_t bits =
                lathe_dropout_bits(run->seed, run->step, layer, (uint32_t)n, (uint32_t)i);
            to[at] = bits >= threshold ? from[at] * scale : 0;
        }
}

static void KERNEL(forward)(const struct node *node, struct run *run)
{
    KERNEL(drop)
    (node, run, node->inputs[0], array_of(run, node->inputs[0]), array_of(run, node->outputs[0]));
}

static void KERNEL(backward)(const struct node *node, struct run *run)
{
    if (node->outputs[0])
        KERNEL(drop)
    (node->forward, run, node->outputs[0], array_of(run, output_gradient(node)),
     array_of(run, node->outputs[0]));
}
#endif
