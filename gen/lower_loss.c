/*
 * lower_loss: softmax, and losses with the gradient they begin.
 */
#include "lower.h"

/* ---- softmax ---- */

static struct call *softmax_call(struct lowering *l, const struct group *group,
                                 const char *template, const char *label)
{
    const struct layout *out = layout_of(l, group->input);
    struct call *call =
        add_call(l, group, template, arena_printf(l->arena, "softmax_%d", out->c), label);
    value_int(call->arguments, "C", out->c);
    value_int(call->arguments, "C_PADDED", layout_blocks(out) * out->block);
    return call;
}

void lower_softmax(struct lowering *l, const struct group *group)
{
    struct call *call = softmax_call(l, group, "softmax.c.t", "forward");
    read_operand(l, call, "in", region_of(l, group->input));
    write_operand(l, call, "out", region_of(l, group->output));
    count_operand(l, call);
}

void lower_softmax_backward(struct lowering *l, const struct group *group)
{
    struct tensor *partial = backward_of(l, group->head)->outputs[0];
    if (!partial)
        return;
    struct region *accumulate, *dx = gradient_destination(l, partial, &accumulate);
    struct call *call = softmax_call(l, group, "softmax_backward.c.t", "backward");
    call->kernel_name = arena_printf(l->arena, "%s_backward", call->kernel_name);
    read_operand(l, call, "out", region_of(l, group->output));
    read_operand(l, call, "out_gradient", region_of(l, group->output->gradient));
    if (accumulate)
        read_operand(l, call, "accumulate", accumulate);
    value_flag(call->arguments, "accumulates", accumulate != NULL);
    write_operand(l, call, "in_gradient", dx);
    count_operand(l, call);
}

/* ---- losses ---- */

/* What the target of a sample's label and those of all classes are made of. */
static void smoothing_arguments(struct value *arguments, const struct node *loss, int classes)
{
    double smoothing = loss->loss.smoothing;
    value_flag(arguments, "smooths", smoothing > 0);
    value_real(arguments, "mostly", 1 - smoothing);
    value_real(arguments, "small", smoothing / classes);
}

void lower_loss(struct lowering *l, const struct group *group)
{
    const struct node *loss = group->head;
    bool entropy = loss->op == OP_cross_entropy;
    const char *const template = entropy              ? "cross_entropy.c.t"
                                 : loss->op == OP_bce ? "bce.c.t"
                                                      : "mse.c.t";
    const struct layout *in = layout_of(l, loss->inputs[0]);
    struct call *call =
        add_call(l, group, template,
                 arena_printf(l->arena, "%s_%dx%dx%d", op_name(loss->op), in->c, in->h, in->w),
                 "forward and backward");
    value_int(call->arguments, "C", in->c);
    value_int(call->arguments, "C_BLOCKS", layout_blocks(in));
    value_int(call->arguments, "H", in->h);
    value_int(call->arguments, "W", in->w);
    if (entropy)
        smoothing_arguments(call->arguments, loss, in->c);
    read_operand(l, call, "out", region_of(l, loss->inputs[0]));
    struct tensor *gradient = loss->inputs[0]->gradient;
    write_operand(l, call, "gradient", region_of(l, gradient));
    mark_there(l, gradient);
    write_operand(l, call, "loss", scratch(l, "sample_loss", (size_t)l->batch, "per sample"));
    write_operand(l, call, "correct", scratch(l, "sample_correct", (size_t)l->batch, "per sample"));
    if (entropy)
        text_operand(l, call, "const int32_t *restrict ", "labels", "batch->labels");
    else
        text_operand(l, call, "const float *restrict ", "targets", "batch->targets");
    if (!entropy)
        text_operand(l, call, "const int32_t *restrict ", "labels", "batch->labels");
    text_operand(l, call, "struct lathe_step_result *", "result", "result");
    count_operand(l, call);
}
