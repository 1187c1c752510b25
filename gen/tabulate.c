/*
 * tabulate: every activation curve checked, and turned into its inequality table.
 */
#include "passes.h"

void tabulate_curves(struct graph *graph)
{
    for (int i = 0; i < graph->nodes.count; i++) {
        const struct node *node = graph->nodes.items[i];
        if (node->op != OP_curve || node->backward || node->curve->table)
            continue;
        const char *problem = curve_problem(graph->arena, node->curve);
        if (problem)
            fail_at(STATUS_USER, node->where, "%s: %s", node->name, problem);
        curve_tabulate(graph->arena, node->curve);
    }
}
