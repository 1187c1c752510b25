/*
 * layout: how each tensor's numbers stand in memory.
 *
 * Activations are blocked by channels, (N, C/V, H, W, V) with V the lanes of a vector, channels
 * padded to V with zeros. A gradient is blocked as its tensor is. Dropout outside training and most
 * flattens rename a tensor and move nothing.
 *
 * In training a chain of small convolutions may have a sample in each lane instead, (N/V, C, H, W,
 * V): lower_samples.c chooses it. The flatten that ends it moves numbers then, to where they would
 * stand without.
 *
 * What is concatenated is computed in its place: the first concat that reads a tensor has it as a
 * slice, and concats nest (DenseNet's features, x = concat(x, new) again and again, are one array).
 * A tensor that is not aligned, or that another concat has already, is copied.
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
    if (node->op != OP_flatten && node->op != OP_reshape)
        return false;
    const struct tensor *from = node->inputs[0], *to = node->outputs[0];
    if (tensor_gate(from) != node->gate)
        return false;
    return tensor_c(from) == tensor_c(to) || (node->op == OP_flatten && read_by_linear_only(to));
}

/* NODE, which renames, has its input's samples in lanes, and not its output's. */
static bool leaves_lanes(const struct node *node, const bool *by_sample)
{
    return by_sample && by_sample[node->inputs[0]->id] && !by_sample[node->outputs[0]->id];
}

/* The tensor that TENSOR is another name of; SHAPED: in the same shape, or flattened, wherever it
 * stands. */
static struct tensor *find_root(struct tensor *tensor, bool training, bool shaped,
                                const bool *by_sample)
{
    const struct node *producer = tensor->producer;
    while (producer && !producer->backward && node_renames(producer, training) &&
           (shaped ? producer->op != OP_reshape : !leaves_lanes(producer, by_sample))) {
        tensor = producer->inputs[0];
        producer = tensor->producer;
    }
    return tensor;
}

bool concat_aligned(const struct node *concat, int input, int lanes, int *first)
{
    *first = 0;
    for (int i = 0; i < input; i++)
        *first += tensor_c(concat->inputs[i]);
    bool last = input == concat->input_count - 1;
    if (tensor_gate(concat->inputs[input]) != concat->gate)
        return false;
    return *first % lanes == 0 && (last || tensor_c(concat->inputs[input]) % lanes == 0);
}

/* The gradient whose memory GRADIENT is, or is blocks of from *first_block on: flatten's gradient
 * node renames, and concat's gives slices. */
static struct tensor *find_gradient_root(struct tensor *gradient, int lanes, const bool *by_sample,
                                         int *first_block)
{
    *first_block = 0;
    for (;;) {
        const struct node *producer = gradient->producer;
        if (!producer || !producer->backward)
            return gradient;
        int output = 0, first = 0;
        while (producer->outputs[output] != gradient)
            output++;
        bool slice =
            producer->op == OP_concat && concat_aligned(producer->forward, output, lanes, &first);
        if (!slice &&
            (!node_renames(producer->forward, true) || leaves_lanes(producer->forward, by_sample)))
            return gradient;
        *first_block += first / lanes;
        gradient = producer->inputs[producer->input_count - 1];
    }
}

/* Let the inputs of CONCAT stand in its output's memory. PLACES, by tensor id: the output that a
 * root is a slice of, and where. */
static void place_inputs(struct layout *places, const struct layout *layouts,
                         const struct node *concat, int lanes)
{
    for (int i = 0; i < concat->input_count; i++) {
        const struct layout *in = &layouts[concat->inputs[i]->id];
        int first;
        if (!concat_aligned(concat, i, lanes, &first) || in->root->kind == TENSOR_INPUT ||
            places[in->root->id].root)
            continue;
        places[in->root->id] =
            (struct layout){.root = concat->outputs[0], .first_block = first / lanes};
    }
}

/* Roots that are slices give way to what they are slices of, and those again. */
static void find_wholes(struct arena *arena, const struct graph *graph, struct layout *layouts,
                        int lanes)
{
    struct layout *places = arena_array(arena, graph->tensors.count, struct layout);
    for (int i = 0; i < graph->nodes.count; i++)
        if (graph->nodes.items[i]->op == OP_concat && !graph->nodes.items[i]->backward)
            place_inputs(places, layouts, graph->nodes.items[i], lanes);
    for (int i = 0; i < graph->tensors.count; i++) {
        struct layout *layout = &layouts[i];
        while (layout->root && places[layout->root->id].root) {
            layout->first_block += places[layout->root->id].first_block;
            layout->root = places[layout->root->id].root;
        }
    }
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
                             bool training, const bool *by_sample)
{
    struct layout *layouts = arena_array(arena, graph->tensors.count, struct layout);
    bool planar = read_by_heads_only(graph->input);

    for (int i = 0; i < graph->tensors.count; i++) {
        struct tensor *tensor = graph->tensors.items[i];
        struct tensor *like = tensor->kind == TENSOR_GRADIENT ? tensor->of : tensor;
        if (!tensor->batched)
            continue;
        struct tensor *root = find_root(like, training, false, by_sample);
        const struct tensor *shaped = find_root(like, training, true, by_sample);
        bool in_lanes = by_sample && by_sample[like->id];
        layouts[i] = (struct layout){
            .block = root == graph->input && planar && !in_lanes ? 1 : lanes,
            .samples = in_lanes ? lanes : 1,
            .c = tensor_c(shaped),
            .h = tensor_h(shaped),
            .w = tensor_w(shaped),
            .root = root,
        };
        if (tensor->kind == TENSOR_GRADIENT)
            layouts[i].root = find_gradient_root(tensor, lanes, by_sample, &layouts[i].first_block);
    }
    find_wholes(arena, graph, layouts, lanes);
    return layouts;
}
