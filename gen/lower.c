/*
 * lower: groups to calls on regions, forward and backward, training and inference.
 *
 * Inference folds batchnorm into the convolution before it, so that a group is one call. Training
 * keeps what the convolution made ("raw") for the backward pass; batch statistics come out of the
 * convolution's epilogue. Backward, a group's element-wise steps run in one pass (two with
 * batchnorm), then come the weights' gradient and the gradient of the input, each group in reverse.
 */
#include "lower.h"

/* ---- borders ---- */

/* Between the caller's (N, C, H, W) and the blocked layout. */
static void lower_border(struct lowering *l, const char *template, const struct tensor *tensor,
                         bool in)
{
    const struct layout *layout = layout_of(l, tensor);
    struct call *call = add_call(l, NULL, template,
                                 arena_printf(l->arena, "%s_%dx%dx%d", in ? "pack" : "unpack",
                                              layout->c, layout->h, layout->w),
                                 in ? "input" : "output");
    value_int(call->arguments, "C", layout->c);
    value_int(call->arguments, "C_BLOCKS", layout_blocks(layout));
    value_int(call->arguments, "H", layout->h);
    value_int(call->arguments, "W", layout->w);
    if (in) {
        text_operand(l, call, "const float *restrict ", "in",
                     l->training ? "batch->input" : "input");
        write_operand(l, call, "out", region_of(l, tensor));
    } else {
        read_operand(l, call, "in", region_of(l, tensor));
        text_operand(l, call, "float *restrict ", "out", "output");
    }
    count_operand(l, call);
}

/* The input batch: the caller's array as it is, or packed first. */
static void lower_input(struct lowering *l)
{
    const struct tensor *input = l->graph->input;
    if (l->samples_end) {
        lower_samples_input(l);
        return;
    }
    if (layout_of(l, input)->block == 1) {
        struct region *region = region_of(l, input);
        region->space = SPACE_CALLER;
        region->name = l->training ? "batch->input" : "input";
        return;
    }
    lower_border(l, "pack.c.t", input, true);
}

/* ---- forward ---- */

/* How groups of one node that is no step are lowered; chains go their own way. */
static const struct {
    void (*forward)(struct lowering *l, const struct group *group);
    void (*backward)(struct lowering *l, const struct group *group); /* NULL: not called */
} kinds[] = {
    [GROUP_POOL] = {lower_pool, lower_pool_backward},
    [GROUP_SOFTMAX] = {lower_softmax, lower_softmax_backward},
    [GROUP_LRN] = {lower_lrn, lower_lrn_backward},
    [GROUP_RESHAPE] = {lower_reshape, lower_reshape_backward},
    [GROUP_CONCAT] = {lower_concat, lower_concat_backward},
    [GROUP_DYNAMIC_RELU] = {lower_dynamic_relu, lower_dynamic_relu_backward},
    [GROUP_LOSS] = {lower_loss, NULL},
};

static void lower_forward_inference(struct lowering *l, const struct group *group)
{
    struct norm_regions norm = {0}, before = {0};
    if (group->kind != GROUP_CHAIN) {
        kinds[group->kind].forward(l, group);
        return;
    }
    load_learned(l, group);
    if (group->before)
        load_group(l, group->before, &before);
    if (group->head || group->norm >= 0)
        load_group(l, group, &norm);
    if (group->head)
        lower_conv_inference(l, group, &norm, &before);
    else
        lower_chain_forward(l, group, &norm);
}

static struct norm_regions lower_forward_training(struct lowering *l, const struct group *group)
{
    struct norm_regions norm = {0};
    if (group->kind != GROUP_CHAIN)
        kinds[group->kind].forward(l, group);
    else if (group->norm >= 0) {
        norm = lower_norm(l, group);
        lower_chain_forward(l, group, &norm);
    } else if (group->head)
        lower_conv_training(l, group, NULL);
    else
        lower_chain_forward(l, group, &norm);
    return norm;
}

/* ---- backward ---- */

static void lower_backward(struct lowering *l, const struct group *group, struct norm_regions *norm)
{
    if (group->kind == GROUP_LOSS || !group->output->gradient)
        return;
    l->group = group;
    if (group->kind == GROUP_CHAIN)
        lower_chain_backward(l, group, norm);
    else
        kinds[group->kind].backward(l, group);
    l->group = NULL;
    lower_skipped(l, group);
    lower_left_sums(l);
}

/* ---- the whole program ---- */

static void lower_training(struct lowering *l, const struct groups *groups)
{
    int count = groups->list.count;
    struct norm_regions *norms = arena_array(l->arena, (size_t)count, struct norm_regions);
    for (int i = 0; i < count; i++) {
        norms[i] = lower_forward_training(l, groups->list.items[i]);
        if (l->samples_end && groups->list.items[i]->output == l->samples_end)
            lower_samples_end(l, groups->list.items[i], false);
    }
    for (int i = count - 1; i >= 0; i--) {
        const struct group *group = groups->list.items[i];
        const struct gate *before = i ? groups->list.items[i - 1]->gate : NULL;
        if (l->samples_end && group->output == l->samples_end)
            lower_samples_end(l, group, true);
        lower_backward(l, group, &norms[i]);
        for (const struct gate *gate = group->gate; !gate_within(before, gate); gate = gate->outer)
            lower_zero_gradients(l, group, gate);
    }
}

static void lower_inference(struct lowering *l, const struct groups *groups)
{
    for (int i = 0; i < groups->list.count; i++)
        lower_forward_inference(l, groups->list.items[i]);
    lower_border(l, "unpack.c.t", l->graph->output, false);
}

struct program *lower(struct arena *arena, struct graph *graph, struct groups *groups,
                      const struct lower_options *options)
{
    int lanes = options->isa->lanes;
    size_t tensors = (size_t)graph->tensors.count;
    struct program *program = arena_new_of(arena, struct program);
    *program = (struct program){.arena = arena,
                                .graph = graph,
                                .isa = options->isa,
                                .batch = options->batch,
                                .training = options->training,
                                .keep = options->keep,
                                .groups = groups};
    struct lowering l = {
        .arena = arena,
        .program = program,
        .graph = graph,
        .layouts = choose_layout(arena, graph, lanes, options->training, NULL),
        .of_tensor = arena_array(arena, tensors, struct region *),
        .slices = arena_array(arena, tensors, struct region *),
        .of_parameter = arena_array(arena, tensors, struct region *),
        .of_gradient = arena_array(arena, tensors, struct region *),
        .of_stride = arena_array(arena, tensors, struct region *),
        .parameter_index = arena_array(arena, tensors, int),
        .there = arena_array(arena, tensors, bool),
        .lanes = lanes,
        .batch = options->batch,
        .typical_batch = options->typical_batch ? options->typical_batch : options->batch,
        .training = options->training,
        .method = options->method,
    };
    list_parameters(&l);
    const bool *by_sample = choose_samples(&l, &l.samples_end);
    if (by_sample)
        l.layouts = choose_layout(arena, graph, lanes, options->training, by_sample);
    if (l.training)
        add_state_regions(&l);
    lower_input(&l);
    if (l.training)
        lower_training(&l, groups);
    else
        lower_inference(&l, groups);
    return program;
}
