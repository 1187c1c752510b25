/*
 * layout: how each tensor's numbers stand in memory.
 *
 * Activations are blocked by channels, (N, C/V, H, W, V) with V the lanes of a vector, channels
 * padded to V with zeros. A gradient stands as its tensor does. Flatten (and dropout outside
 * training) renames a tensor and moves nothing.
 */
#include "program.h"

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
    while (producer && producer->backward && producer->forward->op == OP_flatten) {
        gradient = producer->inputs[producer->input_count - 1];
        producer = gradient->producer;
    }
    return gradient;
}

/* Only convolutions and linear layers read TENSOR, perhaps under other names. */
static bool read_by_heads_only(const struct tensor *tensor, bool training)
{
    for (int i = 0; i < tensor->consumers.count; i++) {
        const struct node *node = tensor->consumers.items[i];
        if (node->backward || node->op == OP_conv || node->op == OP_linear)
            continue;
        if (!node_renames(node, training) || !read_by_heads_only(node->outputs[0], training))
            return false;
    }
    return true;
}

struct layout *choose_layout(struct arena *arena, const struct graph *graph, int lanes,
                             bool training)
{
    struct layout *layouts = arena_array(arena, graph->tensors.count, struct layout);
    bool planar = read_by_heads_only(graph->input, training);

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
