/*
 * lower_lrn: local response normalisation, a pixel's channels at a time.
 */
#include "lower.h"

static struct call *lrn_call(struct lowering *l, const struct group *group, bool backward)
{
    const struct layout *in = layout_of(l, group->input);
    const struct node *node = group->head;
    const char *name = arena_printf(l->arena, "lrn%d_%dx%dx%d%s", node->lrn.size, in->c, in->h,
                                    in->w, backward ? "_backward" : "");
    struct call *call = add_call(l, group, backward ? "lrn_backward.c.t" : "lrn.c.t", name,
                                 backward ? "backward" : "forward");
    struct value *a = call->arguments;
    double share = node->lrn.alpha / node->lrn.size;
    value_int(a, "C_BLOCKS", layout_blocks(in));
    value_int(a, "PIXELS", in->h * in->w);
    value_int(a, "SIZE", node->lrn.size);
    value_real(a, "share", share);
    value_real(a, "slope_share", 2 * node->lrn.beta * share);
    value_real(a, "K", node->lrn.k);
    value_real(a, "beta", node->lrn.beta);
    call->flops = (double)layout_floats(in) * (node->lrn.size + 5);
    call->bytes = 4.0 * (double)layout_floats(in) * (backward ? 3 : 2);
    read_operand(l, call, "in", region_of(l, group->input));
    return call;
}

void lower_lrn(struct lowering *l, const struct group *group)
{
    struct call *call = lrn_call(l, group, false);
    write_operand(l, call, "out", region_of(l, group->output));
    count_operand(l, call);
}

void lower_lrn_backward(struct lowering *l, const struct group *group)
{
    struct tensor *partial = backward_of(l, group->head)->outputs[0];
    if (!partial)
        return;
    struct region *accumulate, *dx = gradient_destination(l, partial, &accumulate);
    struct call *call = lrn_call(l, group, true);
    read_operand(l, call, "out_gradient", region_of(l, group->output->gradient));
    if (accumulate)
        read_operand(l, call, "accumulate", accumulate);
    value_flag(call->arguments, "accumulates", accumulate != NULL);
    write_operand(l, call, "in_gradient", dx);
    count_operand(l, call);
}
