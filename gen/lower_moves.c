/*
 * lower_moves: groups that move numbers and compute nothing: concat, reshape, flatten.
 */
#include "lower.h"

/* ---- concat ---- */

/* Copy PART to its place from channel FIRST on of WHOLE; BACKWARD: the other way. */
static struct call *concat_call(struct lowering *l, const struct group *group,
                                const struct tensor *part, const struct tensor *whole, int first,
                                bool backward)
{
    const struct layout *layout = layout_of(l, part);
    const char *name = arena_printf(l->arena, "%s_%dx%dx%d_at_%d", backward ? "take" : "put",
                                    layout->c, layout->h, layout->w, first);
    struct call *call = add_call(l, group, "concat.c.t", name, backward ? "backward" : "copy");
    value_int(call->arguments, "C", layout->c);
    value_int(call->arguments, "FIRST", first);
    value_int(call->arguments, "PIXELS", layout->h * layout->w);
    value_flag(call->arguments, "backward", backward);
    read_operand(l, call, "in", region_of(l, backward ? whole : part));
    call->bytes = 8.0 * (double)layout_floats(layout);
    return call;
}

/* Nothing for what its producer wrote to its place. In order of channels: a copy fills its last
 * block with zeros, where the next one goes on. */
void lower_concat(struct lowering *l, const struct group *group)
{
    const struct node *concat = group->head;
    const struct layout *out = layout_of(l, group->output);
    for (int i = 0; i < concat->input_count; i++) {
        const struct tensor *part = concat->inputs[i];
        const struct layout *layout = layout_of(l, part);
        int first;
        if (concat_aligned(concat, i, l->lanes, &first) && layout->root == out->root &&
            layout->first_block == out->first_block + first / l->lanes)
            continue;
        struct call *call = concat_call(l, group, part, group->output, first, false);
        value_flag(call->arguments, "accumulates", false);
        write_operand(l, call, "out", region_of(l, group->output));
        if (layout->root == out->root) /* the same part once more */
            shared_operands(call);
        count_operand(l, call);
    }
}

/* The parts of the gradient that are no slices of it. */
void lower_concat_backward(struct lowering *l, const struct group *group)
{
    const struct node *concat = group->head, *backward = backward_of(l, concat);
    for (int i = 0; i < concat->input_count; i++) {
        struct tensor *partial = backward->outputs[i];
        int first;
        if (concat_aligned(concat, i, l->lanes, &first) || !partial)
            continue;
        struct region *accumulate, *dx = gradient_destination(l, partial, &accumulate);
        struct call *call =
            concat_call(l, group, concat->inputs[i], group->output->gradient, first, true);
        if (accumulate)
            read_operand(l, call, "accumulate", accumulate);
        value_flag(call->arguments, "accumulates", accumulate != NULL);
        write_operand(l, call, "out", dx);
        count_operand(l, call);
    }
}

/* ---- reshape, flatten ---- */

/* The numbers of FROM, in their logical order, to TO; *accumulate is added. */
static void add_reshape_call(struct lowering *l, const struct group *group,
                             const struct tensor *from, const struct tensor *to, bool backward,
                             struct region *out_region, struct region *accumulate)
{
    const struct layout *in = layout_of(l, from), *out = layout_of(l, to);
    const char *name = arena_printf(l->arena, "reshape_%dx%dx%d_to_%dx%dx%d", in->c, in->h, in->w,
                                    out->c, out->h, out->w);
    struct call *call = add_call(l, group, "reshape.c.t", name, backward ? "backward" : "forward");
    value_int(call->arguments, "C", out->c);
    value_int(call->arguments, "C_BLOCKS", layout_blocks(out));
    value_int(call->arguments, "PIXELS", out->h * out->w);
    value_int(call->arguments, "IN_PIXELS", in->h * in->w);
    value_flag(call->arguments, "accumulates", accumulate != NULL);
    call->bytes = 4.0 * (double)(layout_floats(in) + layout_floats(out));
    read_operand(l, call, "in", region_of(l, from));
    if (accumulate)
        read_operand(l, call, "accumulate", accumulate);
    write_operand(l, call, "out", out_region);
    count_operand(l, call);
}

void lower_reshape(struct lowering *l, const struct group *group)
{
    add_reshape_call(l, group, group->input, group->output, false, region_of(l, group->output),
                     NULL);
}

void lower_reshape_backward(struct lowering *l, const struct group *group)
{
    struct tensor *partial = backward_of(l, group->head)->outputs[0];
    if (!partial)
        return;
    struct region *accumulate, *dx = gradient_destination(l, partial, &accumulate);
    add_reshape_call(l, group, group->output->gradient, partial, true, dx, accumulate);
}
