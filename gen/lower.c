/*
 * lower: groups to calls on regions, forward and backward, training and inference.
 *
 * Inference folds batchnorm into the convolution before it, so that a group is one call. Training
 * keeps what the convolution made ("raw") for the backward pass; batch statistics come out of the
 * convolution's epilogue. Backward, a group's element-wise steps run in one pass (two with
 * batchnorm), then come the weights' gradient and the gradient of the input, each group in reverse.
 */
#include "lower.h"
#include <string.h>

/* ---- regions ---- */

static struct region *add_region(struct lowering *l, enum space space, const char *name,
                                 size_t floats, const char *note)
{
    struct region *region = arena_new_of(l->arena, struct region);
    *region = (struct region){
        .name = name, .space = space, .floats = floats, .first = -1, .last = -1, .note = note};
    vector_push(l->arena, &l->program->regions, region);
    return region;
}

struct region *scratch(struct lowering *l, const char *name, size_t floats, const char *note)
{
    return add_region(l, SPACE_WORK, name, floats, note);
}

static const char *layout_note(struct lowering *l, const struct layout *layout)
{
    return arena_printf(l->arena, "%d x %d x %d x %d x %d", l->batch, layout_blocks(layout),
                        layout->h, layout->w, layout->block);
}

static struct region *region_of_root(struct lowering *l, const struct tensor *root)
{
    if (!l->of_tensor[root->id]) {
        const struct layout *layout = layout_of(l, root);
        size_t image = layout_floats(layout);
        struct region *region =
            add_region(l, SPACE_WORK, root->name, checked_multiply((size_t)l->batch, image),
                       layout_note(l, layout));
        region->tensor = root;
        region->layout = *layout;
        region->image = image;
        l->of_tensor[root->id] = region;
    }
    return l->of_tensor[root->id];
}

/* The part of FROM, which may be a slice itself, that TENSOR is. */
static struct region *slice_of(struct lowering *l, const struct tensor *tensor, struct region *from)
{
    const struct layout *layout = layout_of(l, tensor);
    struct region *whole = from->whole ? from->whole : from;
    size_t start =
        from->start + (size_t)layout->first_block * layout->h * layout->w * layout->block;
    struct region *slice = l->slices[tensor->id];
    if (slice && slice->whole == whole && slice->start == start)
        return slice;
    slice = add_region(l, whole->space, tensor->name, whole->floats - start,
                       arena_printf(l->arena, "%s, of %s", layout_note(l, layout), whole->name));
    slice->tensor = tensor;
    slice->layout = *layout;
    slice->image = whole->image;
    slice->whole = whole;
    slice->start = start;
    return l->slices[tensor->id] = slice;
}

struct region *region_of(struct lowering *l, const struct tensor *tensor)
{
    const struct layout *layout = layout_of(l, tensor), *root = layout_of(l, layout->root);
    struct region *region = region_of_root(l, layout->root);
    if (layout->first_block == 0 && layout_blocks(layout) == layout_blocks(root))
        return region;
    return slice_of(l, tensor, region);
}

/* ---- calls and operands ---- */

struct call *add_call(struct lowering *l, const struct group *group, const char *template_name,
                      const char *kernel_name, const char *label)
{
    struct call *call = arena_new_of(l->arena, struct call);
    *call = (struct call){.template_name = template_name,
                          .kernel_name = kernel_name,
                          .label = label,
                          .group = group,
                          .gate = group ? group->gate : NULL,
                          .arguments = value_table(l->arena)};
    vector_push(l->arena, &l->program->calls, call);
    value_int(call->arguments, "V", l->lanes);
    return call;
}

static void add_operand(struct lowering *l, struct call *call, const char *type, const char *name,
                        struct region *region)
{
    struct operand operand = {.name = name, .type = type, .region = region};
    vector_push(l->arena, &call->operands, operand);
    if (region->image)
        value_int(call->arguments, arena_printf(l->arena, "%s_image", name),
                  (long long)region->image);
    int index = l->program->calls.count - 1;
    for (struct region *r = region; r; r = r->whole) {
        if (r->first < 0)
            r->first = index;
        r->last = index;
    }
}

void read_operand(struct lowering *l, struct call *call, const char *name, struct region *region)
{
    add_operand(l, call, "const float *restrict ", name, region);
}

void write_operand(struct lowering *l, struct call *call, const char *name, struct region *region)
{
    add_operand(l, call, "float *restrict ", name, region);
    call->operands.items[call->operands.count - 1].writes = true;
}

void text_operand(struct lowering *l, struct call *call, const char *type, const char *name,
                  const char *text)
{
    struct operand operand = {.name = name, .type = type, .text = text};
    vector_push(l->arena, &call->operands, operand);
}

void outer_operands(struct call *call, int count)
{
    for (int i = call->operands.count - count; i < call->operands.count; i++)
        call->operands.items[i].outer = true;
}

void count_operand(struct lowering *l, struct call *call)
{
    text_operand(l, call, "int ", "count", "count");
    outer_operands(call, 1);
}

void random_operands(struct lowering *l, struct call *call)
{
    text_operand(l, call, "uint64_t ", "seed", "seed");
    text_operand(l, call, "uint64_t ", "step", "step");
}

/* ---- steps ---- */

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
    int c = layout_of(l, node->inputs[0])->c;
    value_text(step, "kind", "curve");
    value_curve(step, "curve", node->curve, node->name);
    value_int(step, "tail", curve_keeps_zero(node->curve) ? 0 : c % l->lanes);
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

/* ---- parameters ---- */

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

/* Describe all parameters; trained ones first in the state block, running statistics behind. */
static void list_parameters(struct lowering *l)
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

/* Regions of the state and gradient blocks, whose offsets the parameters fix. */
static void add_state_regions(struct lowering *l)
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

/* ---- inference ---- */

void prepare_call(struct lowering *l, struct call *call)
{
    check_bug(l->program->calls.items[l->program->calls.count - 1] == call);
    l->program->calls.count--;
    for (int i = 0; i < call->operands.count; i++)
        call->operands.items[i].region->first = call->operands.items[i].region->last = -1;
    vector_push(l->arena, &l->program->prepares, call);
}

struct region *weights_region(struct lowering *l, const char *owner, const char *suffix,
                              size_t floats)
{
    return add_region(l, SPACE_WEIGHTS, arena_printf(l->arena, "%s.%s", owner, suffix), floats,
                      "packed");
}

/* What load makes for GROUP: folded weights and bias, and mean, scale and shift of a batchnorm that
 * can't be folded. */
static void load_group(struct lowering *l, const struct group *group, struct norm_regions *norm)
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

/* ---- pools, softmax, loss, borders ---- */

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

static void lower_pool(struct lowering *l, const struct group *group)
{
    struct call *call = add_call(l, group, "pool.c.t", pool_name(l, group), "forward");
    pool_arguments(l, call, group);
    read_operand(l, call, "in", region_of(l, group->input));
    write_operand(l, call, "out", region_of(l, group->output));
    count_operand(l, call);
}

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

static void lower_softmax(struct lowering *l, const struct group *group)
{
    struct call *call = softmax_call(l, group, "softmax.c.t", "forward");
    read_operand(l, call, "in", region_of(l, group->input));
    write_operand(l, call, "out", region_of(l, group->output));
    count_operand(l, call);
}

/* What the target of a sample's label and those of all classes are made of. */
static void smoothing_arguments(struct value *arguments, const struct node *loss, int classes)
{
    double smoothing = loss->loss.smoothing;
    value_flag(arguments, "smooths", smoothing > 0);
    value_real(arguments, "mostly", 1 - smoothing);
    value_real(arguments, "small", smoothing / classes);
}

/* Loss and its gradient at once: the sums over the batch go to *result. */
static void lower_loss(struct lowering *l, const struct group *group)
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
    if (layout_of(l, input)->block == 1) {
        struct region *region = region_of(l, input);
        region->space = SPACE_CALLER;
        region->name = l->training ? "batch->input" : "input";
        return;
    }
    lower_border(l, "pack.c.t", input, true);
}

/* ---- forward ---- */

static void lower_pool_backward(struct lowering *l, const struct group *group);
static void lower_softmax_backward(struct lowering *l, const struct group *group);

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
    struct norm_regions norm = {0};
    if (group->kind != GROUP_CHAIN) {
        kinds[group->kind].forward(l, group);
        return;
    }
    load_learned(l, group);
    if (group->head || group->norm >= 0)
        load_group(l, group, &norm);
    if (group->head)
        lower_conv_inference(l, group, &norm);
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

/* Sums that no kernel could take along become calls of their own as soon as both terms are there.
 */
static void lower_left_sums(struct lowering *l)
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

static void lower_pool_backward(struct lowering *l, const struct group *group)
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

static void lower_softmax_backward(struct lowering *l, const struct group *group)
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
    for (int i = 0; i < count; i++)
        norms[i] = lower_forward_training(l, groups->list.items[i]);
    for (int i = count - 1; i >= 0; i--) {
        const struct group *group = groups->list.items[i];
        const struct gate *before = i ? groups->list.items[i - 1]->gate : NULL;
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
        .layouts = choose_layout(arena, graph, lanes, options->training),
        .of_tensor = arena_array(arena, tensors, struct region *),
        .slices = arena_array(arena, tensors, struct region *),
        .of_parameter = arena_array(arena, tensors, struct region *),
        .of_gradient = arena_array(arena, tensors, struct region *),
        .parameter_index = arena_array(arena, tensors, int),
        .there = arena_array(arena, tensors, bool),
        .lanes = lanes,
        .batch = options->batch,
        .typical_batch = options->typical_batch ? options->typical_batch : options->batch,
        .training = options->training,
        .method = options->method,
    };
    list_parameters(&l);
    if (l.training)
        add_state_regions(&l);
    lower_input(&l);
    if (l.training)
        lower_training(&l, groups);
    else
        lower_inference(&l, groups);
    return program;
}
