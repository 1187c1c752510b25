/*
 * tabulate: every activation curve checked, and turned into its inequality table; equal ones once.
 */
#include "passes.h"
#include "watchdog.h"

/* A node with a curve, and the arena of its table. */
struct task {
    struct arena *arena;
    const struct node *node;
    struct curve_memory *memory;
};

static void tabulate(void *context)
{
    const struct task *task = context;
    struct curve *curve = task->node->curve, asked = *curve;
    if (curve_recall(task->memory, curve))
        return;
    curve_tabulate(task->arena, curve);
    curve_remember(task->arena, task->memory, &asked, curve);
}

void tabulate_curves(struct graph *graph)
{
    struct curve_memory memory = {0};
    for (int i = 0; i < graph->nodes.count; i++) {
        const struct node *node = graph->nodes.items[i];
        if (node->op != OP_curve || node->backward || node->curve->table)
            continue;
        const char *problem = curve_problem(graph->arena, node->curve);
        if (problem)
            fail_at(STATUS_USER, node->where, "%s: %s", node->name, problem);
        struct task task = {graph->arena, node, &memory};
        struct failure failure;
        enum status status = protected_call(tabulate, &task, &failure);
        if (status == STATUS_USER)
            fail_at(status, node->where, "%s: %s", node->name, failure.message);
        if (status != STATUS_DONE)
            fail_again(&failure, (struct where){0});
    }
}

/* run_bounded's body: CONTEXT is the graph. */
static void tabulate_graph(void *context)
{
    tabulate_curves(context);
}

void tabulate_network(struct network *network)
{
    run_bounded(network->spec_path, &network->seconds, tabulate_graph, network->graph);
}
