/*
 * lower_gate: what is left to do in place of a skipped body (stochastic depth).
 *
 * Calls of the body's groups, forward and backward, run where its gate is kept. Otherwise: the
 * gradients of the body's weights are 0, and so is its part in the gradients of what it reads from
 * outside; its result is not read.
 */
#include "lower.h"

bool gate_within(const struct gate *inner, const struct gate *outer)
{
    for (; inner; inner = inner->outer)
        if (inner == outer)
            return true;
    return outer == NULL;
}

void kept_operand(struct lowering *l, struct call *call, const char *name, const struct gate *gate)
{
    text_operand(l, call, "bool ", name, gate_variable(l->arena, gate));
}

bool leaves_gate(const struct lowering *l, const struct group *group, const struct tensor *partial)
{
    const struct gate *outside = tensor_gate(partial->of);
    return l->training && group->gate != outside && gate_within(group->gate, outside);
}

void note_skipped(struct lowering *l, const struct group *group, const struct tensor *partial,
                  struct region *to, struct region *from)
{
    struct skipped skipped = {.partial = partial, .to = to, .from = from};
    if (group && leaves_gate(l, group, partial))
        vector_push(l->arena, &l->skipped, skipped);
}

void lower_skipped(struct lowering *l, const struct group *group)
{
    for (int i = 0; i < l->skipped.count; i++) {
        const struct skipped *s = &l->skipped.items[i];
        const struct layout *layout = layout_of(l, s->partial);
        struct call *call =
            add_call(l, group, "skip.c.t",
                     arena_printf(l->arena, "%s_%dx%dx%d", s->from ? "pass" : "zero", layout->c,
                                  layout->h, layout->w),
                     "gradient past a skipped body");
        call->gate = tensor_gate(s->partial->of);
        call->unless = group->gate;
        value_int(call->arguments, "FLOATS", (long long)layout_floats(layout));
        value_flag(call->arguments, "accumulates", s->from != NULL);
        if (s->from)
            read_operand(l, call, "accumulate", s->from);
        write_operand(l, call, "out", s->to);
        count_operand(l, call);
    }
    l->skipped.count = 0;
}

/* The body of GATE has the parameter INDEX. */
static bool gate_has(const struct lowering *l, const struct gate *gate, int index)
{
    const struct program *p = l->program;
    return p->parameters[index].trainable &&
           gate_within(p->parameter_tensors[index]->consumers.items[0]->gate, gate);
}

/* Zeros from the gradient of parameter FIRST to that of parameter LAST, which lie side by side. */
static void add_zero_call(struct lowering *l, const struct group *group, const struct gate *gate,
                          int first, int last)
{
    const struct lathe_parameter *parameters = l->program->parameters;
    size_t floats = parameters[last].offset + lathe_parameter_floats(&parameters[last]) -
                    parameters[first].offset;
    struct call *call = add_call(l, group, "zero.c.t", arena_printf(l->arena, "zero_%zu", floats),
                                 "gradients of a skipped body");
    call->gate = gate->outer;
    call->unless = gate;
    value_int(call->arguments, "FLOATS", (long long)floats);
    write_operand(l, call, "gradient", l->of_gradient[l->program->parameter_tensors[first]->id]);
}

void lower_zero_gradients(struct lowering *l, const struct group *group, const struct gate *gate)
{
    int first = -1, last = -1; /* of a row of neighbours */
    for (int i = 0; i < l->program->parameter_count; i++) {
        if (!gate_has(l, gate, i) && l->program->parameters[i].trainable && first >= 0) {
            add_zero_call(l, group, gate, first, last);
            first = -1;
        }
        if (!gate_has(l, gate, i))
            continue;
        first = first < 0 ? i : first;
        last = i;
    }
    if (first >= 0)
        add_zero_call(l, group, gate, first, last);
}
