/*
 * ir: building, checking and printing the graph.
 */
#include "ir.h"

#include <stdlib.h>
#include <string.h>

static const char *const op_names[OP_COUNT] = {
#define OP(name, file) [OP_##name] = #name,
#include "ops.def"
#undef OP
};

bool graph_gives_probabilities(const struct graph *graph)
{
    const struct node *last = graph->output->producer;
    const struct node *loss = graph->loss ? graph->loss->producer : NULL;
    return last && (last->op == OP_softmax ||
                    (loss && loss->op == OP_bce && loss->inputs[0] != graph->output));
}

const char *op_name(enum op op)
{
    check_bug((unsigned)op < OP_COUNT);
    return op_names[op];
}

struct graph *graph_new(struct arena *arena, const char *name)
{
    struct graph *graph = arena_new_of(arena, struct graph);
    graph->arena = arena;
    graph->name = arena_copy(arena, name);
    return graph;
}

struct tensor *graph_add_tensor(struct graph *graph, enum tensor_kind kind, const char *name,
                                bool batched, int rank, const int *dims)
{
    check_bug(rank >= 1 && rank <= 4);
    struct tensor *tensor = arena_new_of(graph->arena, struct tensor);
    tensor->name = arena_copy(graph->arena, name);
    tensor->id = graph->tensors.count;
    tensor->kind = kind;
    tensor->batched = batched;
    tensor->rank = rank;
    for (int i = 0; i < rank; i++)
        tensor->dims[i] = dims[i];
    vector_push(graph->arena, &graph->tensors, tensor);
    return tensor;
}

void graph_remove_tensor(struct graph *graph, const struct tensor *tensor)
{
    check_bug(!tensor->producer && tensor->consumers.count == 0);
    check_bug(graph->tensors.items[tensor->id] == tensor);
    graph->tensors.count--;
    for (int i = tensor->id; i < graph->tensors.count; i++) {
        graph->tensors.items[i] = graph->tensors.items[i + 1];
        graph->tensors.items[i]->id = i;
    }
}

struct node *graph_add_node(struct graph *graph, enum op op, const char *name, struct where where)
{
    struct node *node = arena_new_of(graph->arena, struct node);
    node->op = op;
    node->name = arena_copy(graph->arena, name);
    node->where = where;
    vector_push(graph->arena, &graph->nodes, node);
    return node;
}

void node_add_input(struct node *node, struct tensor *tensor, struct graph *graph)
{
    check_bug(tensor);
    node->inputs = vector_grow(graph->arena, node->inputs, node->input_count, &node->input_room,
                               sizeof *node->inputs);
    node->inputs[node->input_count++] = tensor;
    vector_push(graph->arena, &tensor->consumers, node);
}

struct tensor *node_drop_input(struct node *node)
{
    struct tensor *tensor = node->inputs[--node->input_count];
    struct node **readers = tensor->consumers.items;
    int i = tensor->consumers.count - 1;
    while (readers[i] != node)
        check_bug(--i >= 0);
    for (tensor->consumers.count--; i < tensor->consumers.count; i++)
        readers[i] = readers[i + 1];
    return tensor;
}

void node_add_output(struct node *node, struct tensor *tensor, struct graph *graph)
{
    node->outputs = vector_grow(graph->arena, node->outputs, node->output_count, &node->output_room,
                                sizeof *node->outputs);
    node->outputs[node->output_count++] = tensor;
    if (!tensor)
        return;
    check_bug(!tensor->producer);
    tensor->producer = node;
}

size_t tensor_elements(const struct tensor *tensor)
{
    size_t elements = 1;
    for (int i = 0; i < tensor->rank; i++)
        elements = checked_multiply(elements, (size_t)tensor->dims[i]);
    return elements;
}

char *tensor_shape_text(struct arena *arena, const struct tensor *tensor)
{
    char *text = arena_printf(arena, "%d", tensor->dims[0]);
    for (int i = 1; i < tensor->rank; i++)
        text = arena_printf(arena, "%sx%d", text, tensor->dims[i]);
    return text;
}

/* ---- verify ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* No two tensors have one name. */
static void verify_names(const struct graph *graph)
{
    size_t count = (size_t)graph->tensors.count;
    const char **names = calloc(count + 1, sizeof *names);
    if (!names)
        fail(STATUS_RESOURCE, "out of memory");
    for (size_t i = 0; i < count; i++)
        names[i] = graph->tensors.items[i]->name;
    qsort(names, count, sizeof *names, by_name);
    for (size_t i = 1; i < count; i++)
        if (strcmp(names[i - 1], names[i]) == 0)
            bug("two tensors are called %s", names[i]);
    free(names);
}

static void verify_tensor(const struct tensor *tensor)
{
    for (int i = 0; i < tensor->rank; i++)
        if (tensor->dims[i] < 1)
            bug("tensor %s has a dimension of %d", tensor->name, tensor->dims[i]);
    bool given = tensor->kind == TENSOR_INPUT || tensor->kind == TENSOR_PARAMETER ||
                 tensor->kind == TENSOR_BUFFER;
    if (given != !tensor->producer)
        bug("tensor %s has %s producer", tensor->name, given ? "a" : "no");
    if ((tensor->kind == TENSOR_GRADIENT) != (tensor->of != NULL))
        bug("tensor %s is of kind %d, but it is %s gradient", tensor->name, tensor->kind,
            tensor->of ? "a" : "no");
    if (tensor->of &&
        (tensor->of->batched != tensor->batched || tensor->of->rank != tensor->rank ||
         memcmp(tensor->of->dims, tensor->dims, sizeof tensor->dims[0] * (size_t)tensor->rank)))
        bug("gradient %s has another shape than %s", tensor->name, tensor->of->name);
    if (tensor->gradient && tensor->gradient->of != tensor)
        bug("tensor %s has the gradient of another", tensor->name);
}

/* The tensors that NODE reads are there by now (READY by id), and those it writes were not. */
static void verify_order(const struct graph *graph, const struct node *node, bool *ready)
{
    for (int i = 0; i < node->input_count; i++) {
        const struct tensor *tensor = node->inputs[i];
        if (tensor->id >= graph->tensors.count || graph->tensors.items[tensor->id] != tensor)
            bug("%s reads %s, which is of another graph", node->name, tensor->name);
        if (tensor->producer && !ready[tensor->id])
            bug("%s reads %s before it is computed", node->name, tensor->name);
    }
    for (int i = 0; i < node->output_count; i++) {
        const struct tensor *tensor = node->outputs[i];
        if (!tensor)
            continue;
        if (tensor->producer != node || ready[tensor->id])
            bug("%s writes %s, which is another's", node->name, tensor->name);
        ready[tensor->id] = true;
    }
}

static void verify_backward(const struct node *node)
{
    const struct node *forward = node->forward;
    if (!node->backward) {
        if (forward)
            bug("%s is no gradient node, but has a forward node", node->name);
        return;
    }
    int plain = forward->input_count + forward->output_count;
    if (forward->op != node->op || node->output_count != forward->input_count ||
        node->input_count < plain || node->input_count > plain + 1)
        bug("%s does not match its forward node %s", node->name, forward->name);
    for (int i = 0; i < forward->input_count; i++) {
        check_bug(node->inputs[i] == forward->inputs[i]);
        check_bug(!node->outputs[i] || node->outputs[i]->of == forward->inputs[i]);
    }
    for (int i = 0; i < forward->output_count; i++)
        check_bug(node->inputs[forward->input_count + i] == forward->outputs[i]);
    if (node->input_count > plain)
        check_bug(node->inputs[plain]->of == forward->outputs[0]);
}

void graph_verify(const struct graph *graph)
{
    bool *ready = calloc((size_t)graph->tensors.count + 1, sizeof *ready);
    int *uses = calloc((size_t)graph->tensors.count + 1, sizeof *uses); /* by tensor id */
    if (!ready || !uses)
        fail(STATUS_RESOURCE, "out of memory");
    for (int i = 0; i < graph->nodes.count; i++) {
        const struct node *node = graph->nodes.items[i];
        verify_order(graph, node, ready);
        verify_backward(node);
        for (int k = 0; k < node->input_count; k++)
            uses[node->inputs[k]->id]++;
    }
    for (int i = 0; i < graph->tensors.count; i++) {
        const struct tensor *tensor = graph->tensors.items[i];
        check_bug(tensor->id == i);
        verify_tensor(tensor);
        if (tensor->producer && !ready[i])
            bug("the producer of %s is not in the graph", tensor->name);
        if (uses[i] != tensor->consumers.count)
            bug("%s has %d uses, but %d consumers", tensor->name, uses[i], tensor->consumers.count);
    }
    free(ready);
    free(uses);
    verify_names(graph);
    check_bug(graph->input && graph->input->kind == TENSOR_INPUT);
    check_bug(graph->output && graph->output->batched);
    check_bug(!graph->loss || graph->loss->dims[0] == 1);
    check_bug(!graph->training || graph->loss);
}

/* ---- print ---- */

/* The names of COUNT tensors; "-" for an output that is not needed. */
static void print_names(struct tensor *const *tensors, int count, struct text *out)
{
    for (int i = 0; i < count; i++)
        text_printf(out, "%s%s", i ? ", " : "", tensors[i] ? tensors[i]->name : "-");
}

static void print_shape(const struct tensor *tensor, struct text *out)
{
    for (int i = 0; i < tensor->rank; i++)
        text_printf(out, "%c%d", i ? 'x' : ' ', tensor->dims[i]);
}

void graph_print(const struct graph *graph, struct text *out)
{
    for (int i = 0; i < graph->nodes.count; i++) {
        const struct node *node = graph->nodes.items[i];
        if (node->output_count)
            print_names(node->outputs, node->output_count, out);
        else
            text_printf(out, "%s", node->name);
        text_printf(out, " = %s%s(", op_name(node->op), node->backward ? ".backward" : "");
        print_names(node->inputs, node->input_count, out);
        text_printf(out, ")");
        for (int k = 0; k < node->output_count; k++)
            if (node->outputs[k]) {
                print_shape(node->outputs[k], out);
                break;
            }
        text_printf(out, "\n");
    }
}
