/*
 * lower_pool: pools that are groups of their own: they overlap, are padded or global.
 */
#include "lower.h"

static void pool_arguments(struct lowering *l, struct call *call, const struct group *group)
{
    const struct node *pool = group->pool;
    const struct layout *in = layout_of(l, group->input), *out = layout_of(l, group->output);
    struct value *a = call->arguments;
    bool global = pool->op == OP_globalpool;
    value_flag(a, "maximum", pool->op == OP_maxpool);
    value_int(a, "C_BLOCKS", layout_blocks(in));
    value_int(a, "IN_H", in->h);
    value_int(a, "IN_W", in->w);
    value_int(a, "OUT_H", out->h);
    value_int(a, "OUT_W", out->w);
    value_int(a, "KERNEL_H", global ? in->h : pool->pool.kernel_h);
    value_int(a, "KERNEL_W", global ? in->w : pool->pool.kernel_w);
    value_int(a, "STRIDE_H", global ? 1 : pool->pool.stride_h);
    value_int(a, "STRIDE_W", global ? 1 : pool->pool.stride_w);
    value_int(a, "PAD_TOP", global ? 0 : pool->pool.pad_top);
    value_int(a, "PAD_LEFT", global ? 0 : pool->pool.pad_left);
    call->flops = (double)tensor_elements(group->output) *
                  (global ? in->h * in->w : pool->pool.kernel_h * pool->pool.kernel_w);
    call->bytes = 4.0 * (double)(layout_floats(in) + layout_floats(out));
}

static const char *pool_name(struct lowering *l, const struct group *group)
{
    const struct layout *in = layout_of(l, group->input);
    return arena_printf(l->arena, "%s_%dx%dx%d", op_name(group->pool->op), in->c, in->h, in->w);
}

void lower_pool(struct lowering *l, const struct group *group)
{
    struct call *call = add_call(l, group, "pool.c.t", pool_name(l, group), "forward");
    pool_arguments(l, call, group);
    read_operand(l, call, "in", region_of(l, group->input));
    write_operand(l, call, "out", region_of(l, group->output));
    count_operand(l, call);
}

void lower_pool_backward(struct lowering *l, const struct group *group)
{
    struct tensor *partial = backward_of(l, group->pool)->outputs[0];
    if (!partial)
        return;
    struct region *accumulate, *dx = gradient_destination(l, partial, &accumulate);
    struct call *call =
        add_call(l, group, "pool_backward.c.t",
                 arena_printf(l->arena, "%s_backward", pool_name(l, group)), "backward");
    pool_arguments(l, call, group);
    read_operand(l, call, "in", region_of(l, group->input));
    read_operand(l, call, "out_gradient", region_of(l, group->output->gradient));
    if (accumulate)
        read_operand(l, call, "accumulate", accumulate);
    value_flag(call->arguments, "accumulates", accumulate != NULL);
    write_operand(l, call, "in_gradient", dx);
    count_operand(l, call);
}
