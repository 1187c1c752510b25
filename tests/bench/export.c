/*
 * export: a network as the peers read it.
 */
#include "export.h"

#include "subject.h"
#include "../../gen/passes.h"
#include "../../runtime/safetensors.h"
#include "../../runtime/weights.h"

#include <math.h>
#include <stdlib.h>

/* JSON has no infinity: the largest break point stands for it. */
static double bounded(double x)
{
    return isinf(x) ? copysign(1e300, x) : x;
}

static void add_curve(struct text *out, const struct curve *curve)
{
    text_printf(out, ", \"curve\": \"%s\", \"table\": %s, \"parameters\": [",
                curve_kind_name(curve->kind), curve->method == TABLE_EXACT ? "false" : "true");
    for (int i = 0; i < CURVE_PARAMETERS; i++)
        text_printf(out, "%s%.17g", i ? ", " : "", curve->parameter[i]);
    text_printf(out, "], \"pieces\": [");
    for (int i = 0; curve->table && i < curve->table->count; i++) {
        const struct piece *piece = &curve->table->pieces[i];
        text_printf(out, "%s[%.17g, %.17g, %.17g]", i ? ", " : "", bounded(piece->to), piece->slope,
                    piece->intercept);
    }
    text_printf(out, "]");
}

static void add_attributes(struct text *out, const struct node *node)
{
    const struct conv_attributes *c = &node->conv;
    const struct pool_attributes *p = &node->pool;
    switch (node->op) {
    case OP_conv:
        text_printf(out, ", \"stride\": [%d, %d], \"dilation\": [%d, %d], \"groups\": %d",
                    c->stride_h, c->stride_w, c->dilation_h, c->dilation_w, c->groups);
        text_printf(out, ", \"pad\": [%d, %d, %d, %d]", c->pad_top, c->pad_left, c->pad_bottom,
                    c->pad_right);
        break;
    case OP_maxpool:
    case OP_avgpool:
        text_printf(out, ", \"kernel\": [%d, %d], \"stride\": [%d, %d]", p->kernel_h, p->kernel_w,
                    p->stride_h, p->stride_w);
        text_printf(out, ", \"pad\": [%d, %d, %d, %d]", p->pad_top, p->pad_left, p->pad_bottom,
                    p->pad_right);
        break;
    case OP_batchnorm:
        text_printf(out, ", \"eps\": %.17g, \"momentum\": %.17g", node->batchnorm.eps,
                    node->batchnorm.momentum);
        break;
    case OP_curve:
        add_curve(out, node->curve);
        break;
    case OP_dropout:
        text_printf(out, ", \"p\": %.17g", node->dropout.p);
        break;
    default:
        break;
    }
}

static void add_node(struct text *out, const struct node *node)
{
    text_printf(out, "{\"op\": \"%s\", \"name\": \"%s\", \"inputs\": [", op_name(node->op),
                node->name);
    for (int i = 0; i < node->input_count; i++)
        text_printf(out, "%s\"%s\"", i ? ", " : "", node->inputs[i]->name);
    text_printf(out, "], \"output\": \"%s\"", node->outputs[0]->name);
    add_attributes(out, node);
    text_printf(out, "}");
}

static void add_training(struct text *out, const struct network *network)
{
    const struct lathe_optimizer *o = &network->training.optimizer;
    text_printf(out, ", \"logits\": \"%s\", \"optimizer\": {\"adam\": %s, \"lr\": %.17g",
                network->graph->loss->producer->inputs[0]->name,
                o->kind == LATHE_ADAM ? "true" : "false", network->training.schedule.lr);
    text_printf(out, ", \"momentum\": %.17g, \"weight_decay\": %.17g, \"clip_value\": %.17g}",
                o->momentum, o->weight_decay, o->clip_value);
}

static void write_graph(struct network *network, int batch, const char *path)
{
    const struct graph *graph = network->graph;
    const struct tensor *input = graph->input;
    struct text out = {0};
    text_printf(
        &out, "{\"name\": \"%s\", \"batch\": %d, \"input\": \"%s\", \"shape\": [%d, %d, %d]",
        network->name, batch, input->name, tensor_c(input), tensor_h(input), tensor_w(input));
    text_printf(&out, ", \"output\": \"%s\", \"outputs\": %zu,\n\"nodes\": [", graph->output->name,
                tensor_elements(graph->output));
    const char *separator = "";
    for (int i = 0; i < graph->nodes.count; i++) {
        const struct node *node = graph->nodes.items[i];
        if (node->backward || !node->outputs[0]->batched)
            continue;
        text_printf(&out, "%s\n", separator);
        add_node(&out, node);
        separator = ",";
    }
    text_printf(&out, "]");
    if (network->has_training && graph->loss)
        add_training(&out, network);
    text_printf(&out, "}\n");
    write_file(path, out.data, out.length);
    text_free(&out);
}

void export_network(struct arena *arena, struct network *network, int batch, const char *folder)
{
    const struct lathe_model *reference;
    tabulate_curves(network->graph);
    make_folder(folder);
    write_graph(network, batch, arena_printf(arena, "%s/network.json", folder));

    float **weights = draw_weights(arena, network, &reference);
    struct lathe_stored *stored =
        arena_array(arena, (size_t)reference->parameter_count, struct lathe_stored);
    for (int i = 0; i < reference->parameter_count; i++) {
        stored[i] = lathe_parameter_stored(&reference->parameters[i]);
        stored[i].data = weights[i];
    }
    struct lathe_error error;
    if (!lathe_tensors_write(arena_printf(arena, "%s/weights.safetensors", folder), stored,
                             reference->parameter_count, NULL, 0, &error))
        fail(STATUS_RESOURCE, "bench: %s", error.message);

    size_t count = (size_t)batch * tensor_elements(network->graph->input);
    float *input = arena_array(arena, count, float);
    fill(input, count, SEED);
    write_file(arena_printf(arena, "%s/input.f32", folder), input, count * sizeof *input);
}
