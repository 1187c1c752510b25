/*
 * grad: training as nodes of the graph (reverse mode). From the loss backwards, each forward node
 * gets a gradient node that turns the gradient of its output into those of its inputs; the
 * operators know how (gen/op). Only what some parameter needs is computed:
 *
 *   needed  [tensor]  a parameter, or computed from a needed tensor;
 *   reached [tensor]  the loss, or read by a node whose output is reached.
 *
 * A tensor that is both has a gradient: the sum over its uses by reached nodes.
 *
 *   one use       conv1.grad
 *   n uses        conv1.grad.from.conv2, conv1.grad.from.add1 (as often as add1 reads it), ...
 *                 and n - 1 add nodes, each as soon as its terms are there; the last makes
 * conv1.grad
 */
#include "passes.h"

#include <string.h>

struct pass {
    struct graph *graph;
    int forward_count; /* nodes before the pass */
    bool *needed, *reached;
    int *uses;               /* by reached nodes */
    int *parts;              /* partial gradients made so far */
    struct tensor **partial; /* their sum */
};

/* Forward along the graph for what is needed, backward for what is reached. */
static void find_gradients(struct pass *pass)
{
    struct graph *graph = pass->graph;
    for (int i = 0; i < graph->tensors.count; i++)
        pass->needed[i] = graph->tensors.items[i]->kind == TENSOR_PARAMETER;
    for (int i = 0; i < pass->forward_count; i++) {
        const struct node *node = graph->nodes.items[i];
        for (int k = 0; k < node->input_count; k++)
            pass->needed[node->outputs[0]->id] |= pass->needed[node->inputs[k]->id];
    }
    pass->reached[graph->loss->id] = true;
    for (int i = pass->forward_count - 1; i >= 0; i--) {
        const struct node *node = graph->nodes.items[i];
        for (int k = 0; k < node->input_count && pass->reached[node->outputs[0]->id]; k++) {
            pass->reached[node->inputs[k]->id] = true;
            pass->uses[node->inputs[k]->id]++;
        }
    }
}

static struct tensor *add_gradient(struct pass *pass, struct tensor *of, const char *name)
{
    struct tensor *gradient =
        graph_add_tensor(pass->graph, TENSOR_GRADIENT, name, of->batched, of->rank, of->dims);
    gradient->of = of;
    return gradient;
}

/* A gradient of INPUT that the gradient node of FORWARD is to write. DUPLICATE: how many times
 * FORWARD has read INPUT before. */
static struct tensor *partial_gradient(struct pass *pass, struct tensor *input,
                                       const struct node *forward, int duplicate)
{
    struct arena *arena = pass->graph->arena;
    if (pass->uses[input->id] == 1)
        return input->gradient =
                   add_gradient(pass, input, arena_printf(arena, "%s.grad", input->name));
    const char *name = arena_printf(arena, "%s.grad.from.%s", input->name, forward->name);
    if (duplicate)
        name = arena_printf(arena, "%s.%d", name, duplicate + 1);
    return add_gradient(pass, input, name);
}

/* Add PART, a partial gradient just computed, to those of its tensor before it. */
static void accumulate(struct pass *pass, struct tensor *part, const struct node *forward)
{
    struct tensor *of = part->of;
    struct tensor **sum = &pass->partial[of->id];
    int parts = ++pass->parts[of->id];
    if (parts == 1) {
        *sum = part;
        return;
    }
    const char *name = arena_printf(pass->graph->arena, "%s.grad", of->name);
    if (parts < pass->uses[of->id])
        name = arena_printf(pass->graph->arena, "%s.grad.sum%d", of->name, parts - 1);
    struct node *add = graph_add_node(pass->graph, OP_add, name, forward->where);
    add->gate = tensor_gate(of);
    node_add_input(add, *sum, pass->graph);
    node_add_input(add, part, pass->graph);
    *sum = add_gradient(pass, of, name);
    node_add_output(add, *sum, pass->graph);
    if (parts == pass->uses[of->id])
        of->gradient = *sum;
}

/* The gradient node of FORWARD, and the sums that its outputs complete. */
static void differentiate(struct pass *pass, struct node *forward)
{
    struct graph *graph = pass->graph;
    const char *name = arena_printf(graph->arena, "%s.backward", forward->name);
    struct node *node = graph_add_node(graph, forward->op, name, forward->where);
    node->backward = true;
    node->forward = forward;
    node->gate = forward->op == OP_drop_path ? forward->drop_path.gate : forward->gate;
    for (int i = 0; i < forward->input_count; i++)
        node_add_input(node, forward->inputs[i], graph);
    for (int i = 0; i < forward->output_count; i++)
        node_add_input(node, forward->outputs[i], graph);
    if (forward->outputs[0] != graph->loss)
        node_add_input(node, forward->outputs[0]->gradient, graph);
    for (int i = 0; i < forward->input_count; i++) {
        struct tensor *input = forward->inputs[i];
        int duplicate = 0;
        for (int k = 0; k < i; k++)
            duplicate += forward->inputs[k] == input;
        struct tensor *partial = NULL;
        if (pass->needed[input->id])
            partial = partial_gradient(pass, input, forward, duplicate);
        node_add_output(node, partial, graph);
    }
    for (int i = 0; i < node->output_count; i++)
        if (node->outputs[i])
            accumulate(pass, node->outputs[i], forward);
}

void add_gradients(struct graph *graph)
{
    check_bug(graph->loss && !graph->training);
    size_t tensors = (size_t)graph->tensors.count;
    struct pass pass = {
        .graph = graph,
        .forward_count = graph->nodes.count,
        .needed = arena_array(graph->arena, tensors, bool),
        .reached = arena_array(graph->arena, tensors, bool),
        .uses = arena_array(graph->arena, tensors, int),
        .parts = arena_array(graph->arena, tensors, int),
        .partial = arena_array(graph->arena, tensors, struct tensor *),
    };
    find_gradients(&pass);
    if (!pass.needed[graph->loss->id])
        fail_at(STATUS_USER, graph->loss->producer->where,
                "nothing before the loss is trained: it takes a layer with weights");
    for (int i = pass.forward_count - 1; i >= 0; i--) {
        struct node *forward = graph->nodes.items[i];
        int output = forward->outputs[0]->id;
        if (pass.needed[output] && pass.reached[output])
            differentiate(&pass, forward);
    }
    graph->training = true;
}
