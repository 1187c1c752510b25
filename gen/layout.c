/*
 * layout: how each tensor's numbers stand in memory.
 *
 * Activations are blocked by channels, (N, C/V, H, W, V) with V the lanes of a vector, channels
 * padded to V with zeros. A gradient stands as its tensor does. Dropout outside training and most
 * flattens rename a tensor and move nothing.
 *
 * Whatever decides how weights are packed must not depend on whether the program trains: training
 * and inference share one table of parameters.
 */
#include "program.h"

/* Linear layers alone read TENSOR, perhaps flattened once more. */
static bool read_by_linear_only(const struct tensor *tensor)
{
    for (int i = 0; i < tensor->consumers.count; i++) {
        const struct node *node = tensor->consumers.items[i];
        if (node->backward || node_sums_gradients(node) || node->op == OP_linear)
            continue;
        if (node->op != OP_flatten || !read_by_linear_only(node->outputs[0]))
            return false;
    }
    return true;
}

bool node_renames(const struct node *node, bool training)
{
    if (node->op == OP_dropout)
        return !training;
    if (node->op != OP_flatten)
        return false;
    const struct tensor *image = node->inputs[0];
    return tensor_h(image) * tensor_w(image) == 1 || read_by_linear_only(node->outputs[0]);
}

static struct tensor *find_root(struct tensor *tensor, bool training)
{
    const struct node *producer = tensor->producer;
    while (producer && !producer->backward && node_renames(producer, training)) {
        tensor = producer->inputs[0];
        producer = tensor->producer;
    }
    return tensor;
}

/* The gradient that GRADIENT is another name of: flatten's gradient node renames too. */
static struct tensor *find_gradient_root(struct tensor *gradient)
{
    const struct node *producer = gradient->producer;
    while (producer && producer->backward && node_renames(producer->forward, true)) {
        gradient = producer->inputs[producer->input_count - 1];
        producer = gradient->producer;
    }
    return gradient;
}

/* Only convolutions and linear layers read TENSOR, perhaps under other names (in training). */
static bool read_by_heads_only(const struct tensor *tensor)
{
    for (int i = 0; i < tensor->consumers.count; i++) {
        const struct node *node = tensor->consumers.items[i];
        if (node->backward || node->op == OP_conv || node->op == OP_linear)
            continue;
        if (!node_renames(node, true) || !read_by_heads_only(node->outputs[0]))
            return false;
    }
    return true;
}

struct layout *choose_layout(struct arena *arena, const struct graph *graph, int lanes,
                             bool training)
{
    struct layout *layouts = arena_array(arena, graph->tensors.count, struct layout);
    bool planar = read_by_heads_only(graph->input);

    for (int i = 0; i < graph->tensors.count; i++) {
        struct tensor *tensor = graph->tensors.items[i];
        struct tensor *like = tensor->kind == TENSOR_GRADIENT ? tensor->of : tensor;
        if (!tensor->batched)
            continue;
        struct tensor *root = find_root(like, training);
        layouts[i] = (struct layout){
            .block = root == graph->input && planar ? 1 : lanes,
            .c = tensor_c(root),
            .h = tensor_h(root),
            .w = tensor_w(root),
            .root = tensor->kind == TENSOR_GRADIENT ? find_gradient_root(tensor) : root,
        };
    }
    return layouts;
}
