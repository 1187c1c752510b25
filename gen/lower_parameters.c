/*
 * lower_parameters: how parameters are packed, where they stand, and what inference folds of them
 * when weights are loaded.
 */
#include "lower.h"
#include <string.h>

static void describe_vector(const struct lowering *l, const struct tensor *tensor,
                            struct lathe_parameter *parameter)
{
    parameter->out = (int)tensor_elements(tensor);
    parameter->in = parameter->kh = parameter->kw = 1;
    parameter->groups = parameter->spans = 1;
    parameter->block_out = l->lanes;
    parameter->block_in = 1;
}

static void describe_parameter(const struct lowering *l, const struct tensor *tensor,
                               struct lathe_parameter *parameter)
{
    *parameter = (struct lathe_parameter){
        .name = tensor->name,
        .rank = tensor->rank,
        .trainable = tensor->kind == TENSOR_PARAMETER,
        .init = tensor->init,
        .value = tensor->init_value,
        .list = tensor->init_list,
        .tie = tensor->tie,
        .unit = tensor->unit,
    };
    memcpy(parameter->dims, tensor->dims, sizeof parameter->dims);
    const struct node *user = tensor->consumers.count ? tensor->consumers.items[0] : NULL;
    if (user && (user->op == OP_conv || user->op == OP_linear) && tensor == user->inputs[1])
        pack_head_weight(l, user, parameter);
    else
        describe_vector(l, tensor, parameter);
}

void list_parameters(struct lowering *l)
{
    struct program *p = l->program;
    int total = l->graph->tensors.count;
    p->parameters = arena_array(l->arena, (size_t)total, struct lathe_parameter);
    p->parameter_tensors = arena_array(l->arena, (size_t)total, struct tensor *);
    for (int i = 0; i < total; i++) {
        struct tensor *tensor = l->graph->tensors.items[i];
        if (tensor->kind != TENSOR_PARAMETER && tensor->kind != TENSOR_BUFFER)
            continue;
        l->parameter_index[tensor->id] = p->parameter_count;
        p->parameter_tensors[p->parameter_count] = tensor;
        describe_parameter(l, tensor, &p->parameters[p->parameter_count++]);
    }
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < p->parameter_count; i++) {
            if (p->parameters[i].trainable != (pass == 0))
                continue;
            p->parameters[i].offset = p->state_floats;
            p->state_floats += (lathe_parameter_floats(&p->parameters[i]) + 15) / 16 * 16;
        }
        if (pass == 0)
            p->trainable_floats = p->state_floats;
    }
}

void add_state_regions(struct lowering *l)
{
    for (int i = 0; i < l->program->parameter_count; i++) {
        const struct lathe_parameter *parameter = &l->program->parameters[i];
        int id = l->program->parameter_tensors[i]->id;
        size_t floats = lathe_parameter_floats(parameter);
        l->of_parameter[id] = add_region(l, SPACE_STATE, parameter->name, floats, "packed");
        l->of_parameter[id]->offset = parameter->offset;
        if (!parameter->trainable)
            continue;
        l->of_gradient[id] =
            add_region(l, SPACE_GRADIENT, arena_printf(l->arena, "%s.grad", parameter->name),
                       floats, "packed");
        l->of_gradient[id]->offset = parameter->offset;
    }
}

void load_group(struct lowering *l, const struct group *group, struct norm_regions *norm)
{
    struct load load = {.weight = -1, .bias = -1, .norm = -1};
    const struct node *batchnorm = group->norm >= 0 ? group->steps.items[group->norm] : NULL;
    if (batchnorm) {
        load.norm = l->parameter_index[batchnorm->inputs[1]->id];
        load.eps = batchnorm->batchnorm.eps;
    }
    if (group->head) {
        struct tensor *weight = group->head->inputs[1];
        int index = l->parameter_index[weight->id];
        load.weight = index;
        load.bias =
            group->head->input_count > 2 ? l->parameter_index[group->head->inputs[2]->id] : -1;
        int out = round_up(l->program->parameters[index].out, l->lanes);
        load.packed = weights_region(l, group->head->name, "weight",
                                     lathe_parameter_floats(&l->program->parameters[index]));
        load.packed_bias = weights_region(l, group->head->name, "bias", (size_t)out);
        l->of_parameter[weight->id] = load.packed;
    }
    if (batchnorm && !(group->head && group->norm == 0)) {
        size_t c = (size_t)round_up(batchnorm->inputs[1]->dims[0], l->lanes);
        norm->mean = load.mean = weights_region(l, batchnorm->name, "mean", c);
        norm->scale = load.scale = weights_region(l, batchnorm->name, "scale", c);
        norm->beta = load.shift = weights_region(l, batchnorm->name, "beta", c);
    }
    vector_push(l->arena, &l->program->loads, load);
}
