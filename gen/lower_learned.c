/*
 * lower_learned: activations with trained parameters. A learned node is a step of a chain: forward
 * it reads its parameters (a vector of channels, or one number for all), backward it adds the terms
 * of their gradients to rows of the pass's partial sums, a row a sample, channel block and
 * parameter, which a call of its own then adds up. dynamic_relu runs on its own.
 */
#include "lower.h"

#include <math.h>
#include <string.h>

/* ---- steps ---- */

int trained_parameters(const struct node *learned)
{
    return learned->learned.kind == LEARNED_TABLE ? 0 : learned->input_count - 1;
}

/* The parameter's own name: "weight" of "block1.prelu1.weight". */
static const char *last_part(const struct tensor *parameter)
{
    return strrchr(parameter->name, '.') + 1;
}

/* How the step's functions see their parameters, one after the other: "lathe_load(weight3 + k *
 * 16)", "lathe_splat(L2[0])", "table3"; constants last. */
static const char *arguments_text(struct lowering *l, const struct node *node, int number)
{
    const struct learned_attributes *a = &node->learned;
    const char *text = "";
    if (a->kind == LEARNED_TABLE)
        return arena_printf(l->arena, "table%d, %d", number, a->pieces);
    for (int i = 1; i < node->input_count; i++) {
        const char *name = last_part(node->inputs[i]), *comma = i > 1 ? ", " : "";
        if (a->shared)
            text = arena_printf(l->arena, "%s%slathe_splat(%s%d[0])", text, comma, name, number);
        else
            text = arena_printf(l->arena, "%s%slathe_load(%s%d + k * %d)", text, comma, name,
                                number, l->lanes);
    }
    if (a->kind == LEARNED_DYNAMIC)
        text = arena_printf(l->arena, "%s, %d, %#.9gf, %#.9gf", text, a->power, a->z,
                            exp2(100.0 / a->power));
    return text;
}

void add_learned_step(struct lowering *l, struct call *call, struct value *step,
                      const struct node *node, int number)
{
    static const char *const names[] = {[LEARNED_PRELU] = "prelu",
                                        [LEARNED_ELU] = "elu_learned",
                                        [LEARNED_DYNAMIC] = "dynamic",
                                        [LEARNED_TABLE] = "table"};
    int c = layout_of(l, node->inputs[0])->c;
    value_text(step, "kind", "learned");
    value_text(step, "name", names[node->learned.kind]);
    value_text(step, "arguments", arguments_text(l, node, number));
    value_int(step, "tail", node->learned.kind == LEARNED_TABLE ? c % l->lanes : 0);
    value_int(step, "last", divide_up(c, l->lanes) - 1);
    for (int i = 1; i < node->input_count; i++)
        read_operand(l, call, arena_printf(l->arena, "%s%d", last_part(node->inputs[i]), number),
                     l->of_parameter[node->inputs[i]->id]);
}

void load_learned(struct lowering *l, const struct group *group)
{
    for (int s = 0; s < group->steps.count; s++) {
        const struct node *node = group->steps.items[s];
        for (int i = 1; node->op == OP_learned && i < node->input_count; i++) {
            const struct tensor *parameter = node->inputs[i];
            struct load load = {.weight = -1, .bias = -1, .norm = -1};
            load.vector = l->parameter_index[parameter->id];
            load.packed_vector =
                weights_region(l, node->name, last_part(parameter),
                               lathe_parameter_floats(&l->program->parameters[load.vector]));
            l->of_parameter[parameter->id] = load.packed_vector;
            vector_push(l->arena, &l->program->loads, load);
        }
    }
}

void lower_vector_gradient(struct lowering *l, const struct group *group, const char *name,
                           const struct sums *sums, int row, const struct tensor *vector)
{
    const struct layout *raw = layout_of(l, group->raw);
    bool shared = tensor_elements(vector) == 1 && raw->c > 1;
    struct call *call =
        add_call(l, group, "vector_gradient.c.t",
                 arena_printf(l->arena, "%s_gradient%s_%d", name, shared ? "_shared" : "", raw->c),
                 arena_printf(l->arena, "gradient of the %s", name));
    size_t image = (size_t)layout_blocks(raw) * sums->rows * l->lanes;
    value_int(call->arguments, "C_BLOCKS", layout_blocks(raw));
    value_int(call->arguments, "ROWS", sums->rows);
    value_int(call->arguments, "ROW", row);
    value_int(call->arguments, "IMAGE",
              (long long)(sums->region->image ? sums->region->image : image));
    value_flag(call->arguments, "shared", shared);
    value_flag(call->arguments, "by_sample", raw->samples > 1);
    read_operand(l, call, "sums", sums->region);
    write_operand(l, call, "gradient", l->of_gradient[vector->id]);
    count_operand(l, call);
}

/* ---- dynamic_relu ---- */

static struct call *dynamic_relu_call(struct lowering *l, const struct group *group,
                                      const char *template, const char *label)
{
    const struct layout *in = layout_of(l, group->input);
    const struct node *node = group->head;
    const char *name =
        arena_printf(l->arena, "dynamic_relu_%dx%dx%d_%s", in->c, in->h, in->w, label);
    struct call *call = add_call(l, group, template, name, label);
    value_int(call->arguments, "C", in->c);
    value_int(call->arguments, "C_BLOCKS", layout_blocks(in));
    value_int(call->arguments, "PIXELS", in->h * in->w);
    value_int(call->arguments, "PIECES", node->dynamic_relu.pieces);
    value_int(call->arguments, "RESIDUALS",
              (long long)layout_floats(layout_of(l, node->inputs[1])));
    call->flops = 3.0 * node->dynamic_relu.pieces * (double)tensor_elements(group->output);
    call->bytes = 8.0 * (double)layout_floats(in);
    read_operand(l, call, "in", region_of(l, node->inputs[0]));
    read_operand(l, call, "residuals", region_of(l, node->inputs[1]));
    return call;
}

void lower_dynamic_relu(struct lowering *l, const struct group *group)
{
    struct call *call = dynamic_relu_call(l, group, "dynamic_relu.c.t", "forward");
    write_operand(l, call, "out", region_of(l, group->output));
    count_operand(l, call);
}

void lower_dynamic_relu_backward(struct lowering *l, const struct group *group)
{
    const struct node *backward = backward_of(l, group->head);
    struct tensor *partial = backward->outputs[0], *residuals = backward->outputs[1];
    struct region *accumulate = NULL, *dx = NULL;
    if (partial)
        dx = gradient_destination(l, partial, &accumulate);
    struct call *call = dynamic_relu_call(l, group, "dynamic_relu_backward.c.t", "backward");
    value_flag(call->arguments, "stores", dx != NULL);
    value_flag(call->arguments, "accumulates", accumulate != NULL);
    value_flag(call->arguments, "sums", residuals != NULL);
    read_operand(l, call, "out_gradient", region_of(l, group->output->gradient));
    if (accumulate)
        read_operand(l, call, "accumulate", accumulate);
    if (dx)
        write_operand(l, call, "in_gradient", dx);
    if (residuals) {
        write_operand(l, call, "residual_gradient", region_of(l, residuals));
        mark_there(l, residuals);
    }
    count_operand(l, call);
}
