/*
 * show: a network as tables, JSON or a drawing.
 */
#include "show.h"
#include "op/op.h"
#include "passes.h"
#include "program.h"
#include "watchdog.h"

#include <string.h>

static bool is_layer(const struct node *node)
{
    return !node->backward && !node_sums_gradients(node) && node->outputs[0]->batched;
}

static size_t parameters_of(const struct node *node, enum tensor_kind kind)
{
    size_t sum = 0;
    for (int i = 0; i < node->input_count; i++)
        if (node->inputs[i]->kind == kind)
            sum += tensor_elements(node->inputs[i]);
    return sum;
}

static double flops_of(const struct node *node)
{
    return op_table[node->op]->flops(node);
}

struct totals {
    size_t parameters, buffers;
    double flops;
};

static struct totals sum_up(const struct graph *graph)
{
    struct totals t = {0};
    for (int i = 0; i < graph->nodes.count; i++) {
        const struct node *node = graph->nodes.items[i];
        if (!is_layer(node))
            continue;
        t.parameters += parameters_of(node, TENSOR_PARAMETER);
        t.buffers += parameters_of(node, TENSOR_BUFFER);
        t.flops += flops_of(node);
    }
    return t;
}

static size_t arena_bytes(const struct program *program)
{
    return program ? program->space_offset[SPACE_COUNT] * sizeof(float) : 0;
}

/* ---- text ---- */

/* Columns that the layers' names take. */
static int widest_name(const struct graph *graph)
{
    int width = 28;
    for (int i = 0; i < graph->nodes.count; i++)
        if (is_layer(graph->nodes.items[i]))
            width = max_int(width, (int)strlen(graph->nodes.items[i]->name));
    return width;
}

static void print_layers(struct arena *arena, const struct graph *graph, struct text *out)
{
    int width = widest_name(graph);
    text_printf(out, "%-*s %-14s %-14s %12s %12s %10s\n", width, "layer", "kind", "shape",
                "parameters", "MFLOP", "kB");
    text_printf(out, "%-*s %-14s %-14s\n", width, "input", "",
                tensor_shape_text(arena, graph->input));
    for (int i = 0; i < graph->nodes.count; i++) {
        const struct node *node = graph->nodes.items[i];
        if (!is_layer(node))
            continue;
        text_printf(out, "%-*s %-14s %-14s %12zu %12.3f %10.1f\n", width, node->name,
                    op_name(node->op), tensor_shape_text(arena, node->outputs[0]),
                    parameters_of(node, TENSOR_PARAMETER), flops_of(node) * 1e-6,
                    (double)tensor_elements(node->outputs[0]) * 4e-3);
    }
}

static void print_groups(const struct program *program, struct text *out)
{
    struct text groups = {0};
    groups_print(program->groups, &groups);
    text_printf(out, "%s", groups.data ? groups.data : "");
    text_free(&groups);
}

static void show_text(struct arena *arena, const struct network *network,
                      const struct program *infer, const struct program *train,
                      const struct show_options *show, struct text *out)
{
    struct totals t = sum_up(network->graph);
    print_layers(arena, network->graph, out);
    text_printf(out, "\nparameters: %zu (and %zu running statistics)\n", t.parameters, t.buffers);
    text_printf(out, "forward: %.3f MFLOP a sample\n", t.flops * 1e-6);
    text_printf(out, "\nfused groups (%s, vectors of %d):\n", infer->isa->name, infer->isa->lanes);
    print_groups(train ? train : infer, out);
    text_printf(out, "\nmemory: infer %.1f MB at batch %d", (double)arena_bytes(infer) * 1e-6,
                infer->batch);
    if (train)
        text_printf(out, ", train %.1f MB at batch %d", (double)arena_bytes(train) * 1e-6,
                    train->batch);
    text_printf(out, "\n");
    show_prediction(infer, train, show, out);
}

/* ---- JSON: names hold letters, digits, '.', '_' and '-' only ---- */

static void json_layers(struct arena *arena, const struct graph *graph, struct text *out)
{
    const char *comma = "";
    (void)arena;
    for (int i = 0; i < graph->nodes.count; i++) {
        const struct node *node = graph->nodes.items[i];
        if (!is_layer(node))
            continue;
        const struct tensor *shape = node->outputs[0];
        text_printf(out, "%s\n  {\"name\": \"%s\", \"kind\": \"%s\", \"shape\": [", comma,
                    node->name, op_name(node->op));
        for (int d = 0; d < shape->rank; d++)
            text_printf(out, "%s%d", d ? ", " : "", shape->dims[d]);
        text_printf(out, "], \"parameters\": %zu, \"flops\": %.0f}",
                    parameters_of(node, TENSOR_PARAMETER), flops_of(node));
        comma = ",";
    }
}

static const char *kernel_of(const struct program *program, const struct group *group)
{
    for (int i = 0; i < program->calls.count; i++)
        if (program->calls.items[i]->group == group)
            return program->calls.items[i]->kernel_name;
    return "";
}

static void json_groups(const struct program *program, struct text *out)
{
    for (int i = 0; i < program->groups->list.count; i++) {
        const struct group *group = program->groups->list.items[i];
        const char *comma = "";
        text_printf(out, "%s\n  {\"nodes\": [", i ? "," : "");
        for (int s = 0; group->before && s < group->before->steps.count; s++) {
            text_printf(out, "%s\"%s\"", comma, group->before->steps.items[s]->name);
            comma = ", ";
        }
        if (group->head) {
            text_printf(out, "%s\"%s\"", comma, group->head->name);
            comma = ", ";
        }
        for (int s = 0; s < group->steps.count; s++) {
            text_printf(out, "%s\"%s\"", comma, group->steps.items[s]->name);
            comma = ", ";
        }
        if (group->pool)
            text_printf(out, "%s\"%s\"", comma, group->pool->name);
        text_printf(out, "], \"kernel\": \"%s\"}", kernel_of(program, group));
    }
}

static void show_json(struct arena *arena, const struct network *network,
                      const struct program *infer, const struct program *train, struct text *out)
{
    struct totals t = sum_up(network->graph);
    text_printf(out,
                "{\"name\": \"%s\", \"parameters\": %zu, \"flops_forward\": %.0f,\n\"layers\": [",
                network->name, t.parameters, t.flops);
    json_layers(arena, network->graph, out);
    text_printf(out, "],\n\"groups\": [");
    json_groups(infer, out);
    text_printf(out, "],\n\"memory\": {\"infer_bytes\": %zu, \"train_bytes\": %zu}}\n",
                arena_bytes(infer), arena_bytes(train));
}

/* ---- Graphviz ---- */

static void show_dot(struct arena *arena, const struct graph *graph, struct text *out)
{
    text_printf(out, "digraph \"%s\" {\n  node [shape=box, fontname=\"sans-serif\"];\n",
                graph->name);
    text_printf(out, "  \"input\" [label=\"input\\n%s\"];\n",
                tensor_shape_text(arena, graph->input));
    for (int i = 0; i < graph->nodes.count; i++) {
        const struct node *node = graph->nodes.items[i];
        if (!is_layer(node))
            continue;
        text_printf(out, "  \"%s\" [label=\"%s\\n%s\"];\n", node->name, node->name,
                    tensor_shape_text(arena, node->outputs[0]));
        for (int j = 0; j < node->input_count; j++) {
            const struct tensor *in = node->inputs[j];
            if (in->kind == TENSOR_INPUT || in->producer)
                text_printf(out, "  \"%s\" -> \"%s\";\n",
                            in->producer ? in->producer->name : "input", node->name);
        }
    }
    text_printf(out, "}\n");
}

/* What is asked for. */
struct showing {
    struct arena *arena;
    struct network *network;
    const struct build_options *options;
    const struct show_options *show;
    struct text *out;
};

/* run_bounded's body: CONTEXT is a struct showing. */
static void show_it(void *context)
{
    const struct showing *s = context;
    struct graph *graph = s->network->graph;
    if (s->show->dot) {
        show_dot(s->arena, graph, s->out);
        return;
    }
    tabulate_curves(graph);
    if (graph->loss)
        add_gradients(graph);
    struct program *infer = build_program(s->arena, s->network, s->options, false);
    struct program *train =
        graph->loss ? build_program(s->arena, s->network, s->options, true) : NULL;
    if (s->show->json)
        show_json(s->arena, s->network, infer, train, s->out);
    else
        show_text(s->arena, s->network, infer, train, s->show, s->out);
}

void show_network(struct arena *arena, struct network *network, const struct build_options *options,
                  const struct show_options *show, struct text *out)
{
    struct showing showing = {arena, network, options, show, out};
    run_bounded(network->spec_path, &network->seconds, show_it, &showing);
}
