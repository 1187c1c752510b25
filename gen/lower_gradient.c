/*
 * lower_gradient: where gradients of activations go, and the sums of those that come from several
 * places.
 */
#include "lower.h"

void mark_there(struct lowering *l, const struct tensor *partial)
{
    l->there[partial->id] = true;
    for (int i = 0; i < partial->consumers.count; i++) {
        const struct node *node = partial->consumers.items[i];
        if (!node->backward)
            continue;
        if (node_renames(node->forward, true) && node->outputs[0])
            mark_there(l, node->outputs[0]);
        int first;
        for (int k = 0; node->op == OP_concat && k < node->output_count; k++)
            if (node->outputs[k] && concat_aligned(node->forward, k, l->lanes, &first))
                mark_there(l, node->outputs[k]);
    }
}

/* The node that sums PARTIAL with another gradient; NULL: none does. */
static struct node *sum_of(const struct tensor *partial)
{
    for (int i = 0; i < partial->consumers.count; i++)
        if (node_sums_gradients(partial->consumers.items[i]))
            return partial->consumers.items[i];
    return NULL;
}

struct region *gradient_destination(struct lowering *l, struct tensor *partial,
                                    struct region **accumulate)
{
    struct node *sum = sum_of(partial);
    const struct tensor *from = partial;
    *accumulate = NULL;
    mark_there(l, partial);
    if (sum && !l->program->keep && l->there[add_other(sum, partial)->id]) {
        *accumulate = region_of(l, add_other(sum, partial));
        partial = sum->outputs[0];
        mark_there(l, partial);
    }
    note_skipped(l, l->group, from, region_of(l, partial), *accumulate);
    return region_of(l, partial);
}

void gradient_renamed(struct lowering *l, const struct tensor *partial, const struct tensor *same)
{
    l->of_tensor[layout_of(l, partial)->root->id] = region_of(l, same);
    mark_there(l, partial);
}

void lower_left_sums(struct lowering *l)
{
    for (int i = 0; i < l->graph->nodes.count; i++) {
        struct node *sum = l->graph->nodes.items[i];
        if (!node_sums_gradients(sum) || l->there[sum->outputs[0]->id] ||
            !l->there[sum->inputs[0]->id] || !l->there[sum->inputs[1]->id])
            continue;
        struct group *group = arena_new_of(l->arena, struct group);
        *group = (struct group){
            .kind = GROUP_CHAIN, .name = sum->outputs[0]->name, .norm = -1, .gate = sum->gate};
        group->input = group->raw = sum->inputs[0];
        group->output = sum->outputs[0];
        vector_push(l->arena, &group->steps, sum);
        lower_chain_forward(l, group, &(struct norm_regions){0});
        mark_there(l, sum->outputs[0]);
    }
}

struct node *backward_of(const struct lowering *l, const struct node *forward)
{
    for (int i = 0; i < l->graph->nodes.count; i++)
        if (l->graph->nodes.items[i]->backward && l->graph->nodes.items[i]->forward == forward)
            return l->graph->nodes.items[i];
    return NULL;
}
