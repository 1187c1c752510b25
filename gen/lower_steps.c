/*
 * lower_steps: the element-wise steps of a group, as templates see them.
 */
#include "lower.h"

int steps_before_pool(const struct group *group)
{
    int count = group->steps.count;
    while (group->pool && group->pool->op == OP_maxpool && count > 0 &&
           group->steps.items[count - 1]->op == OP_curve &&
           curve_never_falls(group->steps.items[count - 1]->curve))
        count--;
    return count;
}

bool steps_are_random(const struct lowering *l, const struct group *group, int first, int end)
{
    for (int s = first; s < end; s++)
        if (group->steps.items[s]->op == OP_dropout && l->training)
            return true;
    return false;
}

static void add_norm_step(struct lowering *l, struct call *call, struct value *step, int number,
                          const struct norm_regions *norm)
{
    value_text(step, "kind", "norm");
    read_operand(l, call, arena_printf(l->arena, "mean%d", number), norm->mean);
    read_operand(l, call, arena_printf(l->arena, "scale%d", number), norm->scale);
    read_operand(l, call, arena_printf(l->arena, "beta%d", number), norm->beta);
}

static void add_add_step(struct lowering *l, struct call *call, struct value *step, int number,
                         struct region *other)
{
    value_text(step, "kind", "add");
    value_int(step, "image", (long long)other->image);
    read_operand(l, call, arena_printf(l->arena, "other%d", number), other);
}

static void add_curve_step(struct lowering *l, struct value *step, const struct node *node)
{
    const struct layout *layout = layout_of(l, node->inputs[0]);
    int c = layout->c;
    bool idle = layout->samples == 1 && !curve_keeps_zero(node->curve); /* lanes that must stay 0 */
    value_text(step, "kind", "curve");
    value_curve(step, "curve", node->curve, node->name);
    value_int(step, "tail", idle ? c % l->lanes : 0);
    value_int(step, "last", divide_up(c, l->lanes) - 1);
}

/* In training the first step of its group, which starts from the body's result. */
static void add_drop_path_step(struct lowering *l, struct call *call, struct value *step,
                               int number, const struct gate *gate)
{
    value_text(step, "kind", l->training ? "gate" : "scale");
    value_real(step, "scale", 1 - gate->p);
    if (l->training)
        kept_operand(l, call, arena_printf(l->arena, "kept%d", number), gate);
}

static void add_dropout_step(struct lowering *l, struct value *step, const struct node *node)
{
    const struct layout *layout = layout_of(l, node->inputs[0]);
    value_text(step, "kind", "dropout");
    value_int(step, "layer", node->dropout.layer);
    value_int(step, "threshold", (long long)(node->dropout.p * 4294967296.0 + 0.5));
    value_real(step, "keep_scale", 1.0 / (1.0 - node->dropout.p));
    value_int(step, "h", layout->h);
    value_int(step, "w", layout->w);
}

void add_steps(struct lowering *l, struct call *call, const char *list, const struct group *group,
               int first, int end, const struct norm_regions *norm)
{
    struct value *steps = value_table(l->arena);
    const struct tensor *in = group->raw;
    for (int s = 0; s < end; in = group->steps.items[s]->outputs[0], s++) {
        const struct node *node = group->steps.items[s];
        if (s < first || (node->op == OP_dropout && !l->training))
            continue;
        struct value *step = value_table(l->arena);
        value_int(step, "number", s + 1);
        switch (node->op) {
        case OP_batchnorm:
            add_norm_step(l, call, step, s + 1, norm);
            break;
        case OP_add:
            add_add_step(l, call, step, s + 1, region_of(l, add_other(node, in)));
            break;
        case OP_curve:
            add_curve_step(l, step, node);
            break;
        case OP_learned:
            add_learned_step(l, call, step, node, s + 1);
            break;
        case OP_drop_path:
            add_drop_path_step(l, call, step, s + 1, node->drop_path.gate);
            break;
        case OP_dropout:
            add_dropout_step(l, step, node);
            break;
        default:
            bug("%s is no step", op_name(node->op));
        }
        value_child(steps, NULL, step);
    }
    value_child(call->arguments, list, steps);
}
