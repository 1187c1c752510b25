/* spec_graph: from the layers to a graph with shapes. See spec_parts.h. */
#include "spec_parts.h"

#include "op/op.h"

/* The units of LAYER by the channels of FROM: 1 or more, of what linear's shape rule looks at. */
static int channel_units(const struct layer *layer, const struct tensor *from)
{
    long long units = (long long)tensor_c(from) * layer->units_times / layer->units_over;
    return units < 1 ? 1 : units > INT32_MAX ? INT32_MAX : (int)units;
}

/* Append LAYER to GRAPH and run its shape rule. RESULTS: what the nodes before it computed, by
 * number. */
static struct tensor *add_layer(struct graph *graph, const struct layer *layer,
                                struct tensor *const *results)
{
    const struct node *from = &layer->node;
    struct node *node = graph_add_node(graph, from->op, from->name, from->where);
    const char *name = node->name;
    *node = *from; /* it has no inputs and outputs yet: only attributes are new */
    node->name = name;
    if (node->op == OP_curve) {
        const char *problem = curve_problem(graph->arena, node->curve);
        if (problem)
            fail_at(STATUS_USER, node->where, "%s: %s", node->name, problem);
    }
    for (int i = 0; i < layer->input_count; i++)
        node_add_input(node, results[layer->inputs[i]], graph);
    if (layer->units_times > 0)
        node->linear.units = channel_units(layer, results[layer->units_of]);
    op_table[node->op]->shape(graph, node);
    check_bug(node->output_count > 0);
    return node->outputs[0];
}

static void add_layers(struct job *job)
{
    struct graph *graph = graph_new(job->arena, job->network->name);
    struct tensor **results =
        arena_array(job->arena, (size_t)job->layer_count + 1, struct tensor *);
    job->network->graph = graph;
    results[0] = graph->input =
        graph_add_tensor(graph, TENSOR_INPUT, "input", true, job->input_rank, job->input_dims);
    if (tensor_elements(graph->input) > INT32_MAX)
        fail_at(STATUS_USER, job->where, "input %s is too large: at most %d elements",
                tensor_shape_text(job->arena, graph->input), (int)INT32_MAX);
    for (int i = 1; i <= job->gate_count; i++)
        vector_push(job->arena, &graph->gates, (const struct gate *)job->gates[i]);
    for (int i = 0; i < job->layer_count; i++)
        results[i + 1] = add_layer(graph, &job->layers[i], results);
    graph->output = results[job->output];
}

/* The outputs are what the data ask for: one a class, or the numbers of the target. Two points with
 * one output and mse are a regression: no classes. */
static void check_outputs(struct job *job)
{
    struct network *network = job->network;
    struct lathe_data *data = &network->data;
    const struct tensor *output = network->graph->output;
    size_t outputs = tensor_elements(output);
    if (!network->has_data || data->target == LATHE_TARGET_NONE)
        return;
    if (data->source == LATHE_XOR && network->loss != LATHE_CROSS_ENTROPY && outputs == 1) {
        data->classes = 0;
        data->targets = 1;
    }
    if (data->target == LATHE_TARGET_INPUT)
        data->targets = (int)tensor_elements(network->graph->input);
    if (data->classes && outputs != (size_t)data->classes)
        fail_at(STATUS_USER, job->where,
                "the last layer, %s, has %s outputs, the data have %d classes", output->name,
                tensor_shape_text(job->arena, output), data->classes);
    if (!data->classes && outputs != (size_t)data->targets)
        fail_at(STATUS_USER, job->where,
                "the last layer, %s, has %s outputs, the data's targets are %d number%s",
                output->name, tensor_shape_text(job->arena, output), data->targets,
                data->targets == 1 ? "" : "s");
}

/* Mean and deviation of the training set are kept beside the weights, as buffers that no node
 * reads. */
static void add_normalisation(struct network *network)
{
    struct graph *graph = network->graph;
    const int channels = network->data.channels;
    if (!network->data.measured)
        return;
    graph_add_tensor(graph, TENSOR_BUFFER, "data.mean", false, 1, &channels);
    struct tensor *deviation =
        graph_add_tensor(graph, TENSOR_BUFFER, "data.std", false, 1, &channels);
    deviation->init_value = 1;
}

void build_graph(struct job *job)
{
    add_layers(job);
    check_outputs(job);
    add_normalisation(job->network);
}
