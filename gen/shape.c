/*
 * shape: what every node computes, from what it reads.
 */
#include "passes.h"
#include "op/op.h"

void infer_shapes(struct graph *graph)
{
    for (int i = 0; i < graph->nodes.count; i++) {
        struct node *node = graph->nodes.items[i];
        if (!node->output_count)
            op_table[node->op]->shape(graph, node);
    }
}
