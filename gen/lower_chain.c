/*
 * lower_chain: a group's element-wise steps as passes over its raw tensor: forward with pool,
 * statistics of a batchnorm, and backward.
 *
 * Backward recomputes each step's value from raw, which costs less than to store it. With batchnorm
 * there are two passes, since the gradient of raw needs two sums over the whole batch:
 *
 *   u = gamma * xhat + beta,  xhat = (raw - mean) * invstd,  g the gradient of u
 *   pass 1: beta.grad = sum g, gamma.grad = sum g * xhat
 *   pass 2: raw.grad = gamma * invstd * (g - mean(g) - xhat * mean(g * xhat))
 *
 * (Ioffe, Szegedy: "Batch Normalization", 2015, section 3, simplified.)
 */
#include "lower.h"

static void chain_arguments(struct lowering *l, struct call *call, const struct group *group)
{
    const struct layout *raw = layout_of(l, group->raw);
    const struct node *pool = group->pool;
    const struct layout *out = pool ? layout_of(l, pool->outputs[0]) : raw;
    struct value *a = call->arguments;
    value_int(a, "C", raw->c);
    value_int(a, "C_BLOCKS", layout_blocks(raw));
    value_int(a, "H", raw->h);
    value_int(a, "W", raw->w);
    value_flag(a, "pooled", pool != NULL);
    value_flag(a, "maximum", pool && pool->op == OP_maxpool);
    value_int(a, "POOL_H", pool ? pool->pool.kernel_h : 1);
    value_int(a, "POOL_W", pool ? pool->pool.kernel_w : 1);
    value_int(a, "POOLED_H", out->h);
    value_int(a, "POOLED_W", out->w);
    call->flops = (double)layout_floats(raw) * 4 * group->steps.count;
    call->bytes = 4.0 * (double)(layout_floats(raw) + layout_floats(out));
}

static const char *chain_name(struct lowering *l, const struct group *group, const char *what)
{
    const struct layout *raw = layout_of(l, group->raw);
    return arena_printf(l->arena, "%s_%dx%dx%d_%s", group->pool ? "steps_pool" : "steps", raw->c,
                        raw->h, raw->w, what);
}

void lower_chain_forward(struct lowering *l, const struct group *group,
                         const struct norm_regions *norm)
{
    int steps = group->steps.count;
    const char *label = group->head ? "steps forward" : "forward"; /* after the head's own call */
    struct call *call = add_call(l, group, "chain.c.t", chain_name(l, group, "forward"), label);
    chain_arguments(l, call, group);
    read_operand(l, call, "raw", region_of(l, group->raw));
    add_steps(l, call, "steps", group, 0, steps_before_pool(group), norm);
    add_steps(l, call, "pooled_steps", group, steps_before_pool(group), steps, norm);
    write_operand(l, call, "out", region_of(l, group->output));
    double floats = (double)l->batch * (double)layout_floats(layout_of(l, group->output));
    value_flag(call->arguments, "streams",
               l->training && leaves_caches(l, floats)); /* kept for later */
    call->repeatable = steps > 0 && !steps_are_random(l, group, 0, steps);
    if (steps_are_random(l, group, 0, steps))
        random_operands(l, call);
    count_operand(l, call);
}

/* ---- batch statistics ---- */

/* Partial moments of a tensor that no convolution of the group has just made. */
static struct region *lower_moments(struct lowering *l, const struct group *group,
                                    struct partials *p)
{
    const struct layout *raw = layout_of(l, group->raw);
    *p = (struct partials){.count = l->batch,
                           .images = 1,
                           .chunks = 1,
                           .chunk_rows = raw->h,
                           .h = raw->h,
                           .w = raw->w};
    size_t floats = (size_t)l->batch * layout_blocks(raw) * 4 * l->lanes;
    struct region *moments =
        scratch(l, arena_printf(l->arena, "%s.moments", group->steps.items[group->norm]->name),
                floats, "shift, sum, sums of distances from the shift and of their squares");
    struct call *call =
        add_call(l, group, "moments.c.t", chain_name(l, group, "moments"), "moments");
    chain_arguments(l, call, group);
    read_operand(l, call, "raw", region_of(l, group->raw));
    add_steps(l, call, "before_moments", group, 0, group->norm, NULL);
    write_operand(l, call, "moments", moments);
    if (steps_are_random(l, group, 0, group->norm))
        random_operands(l, call);
    count_operand(l, call);
    return moments;
}

static struct region *conv_moments(struct lowering *l, const struct group *group,
                                   struct partials *p)
{
    const struct layout *raw = layout_of(l, group->raw);
    *p = conv_partials(l, group);
    size_t floats = (size_t)p->count * layout_blocks(raw) * 4 * l->lanes;
    struct region *moments =
        scratch(l, arena_printf(l->arena, "%s.moments", group->steps.items[group->norm]->name),
                floats, "shift, sum, sums of distances from the shift and of their squares");
    lower_conv_training(l, group, moments);
    return moments;
}

/* A region of a number a channel, that holds TENSOR where verify wants to see it. */
static struct region *channel_region(struct lowering *l, const struct node *norm,
                                     const char *suffix, const struct tensor *tensor)
{
    size_t floats = (size_t)round_up(norm->inputs[1]->dims[0], l->lanes);
    struct region *region =
        scratch(l, arena_printf(l->arena, "%s.%s", norm->name, suffix), floats, "per channel");
    region->tensor = tensor;
    region->layout = (struct layout){
        .block = l->lanes, .samples = 1, .c = norm->inputs[1]->dims[0], .h = 1, .w = 1};
    return region;
}

struct norm_regions lower_norm(struct lowering *l, const struct group *group)
{
    const struct node *node = group->steps.items[group->norm];
    const struct layout *raw = layout_of(l, group->raw);
    struct partials p;
    bool by_conv = group->head && !steps_are_random(l, group, 0, group->norm);
    for (int s = 0; s < group->norm; s++)
        by_conv &= group->steps.items[s]->op != OP_add;
    struct region *moments;
    if (by_conv)
        moments = conv_moments(l, group, &p);
    else {
        if (group->head) {
            struct group *head = arena_new_of(l->arena, struct group);
            *head = *group;
            head->steps.count = 0;
            head->pool = NULL;
            head->output = group->raw;
            head->norm = -1;
            lower_conv_training(l, head, NULL);
        }
        moments = lower_moments(l, group, &p);
    }
    struct norm_regions norm = {
        .mean = channel_region(l, node, "mean", node->outputs[1]),
        .invstd = channel_region(l, node, "invstd", node->outputs[2]),
        .scale = channel_region(l, node, "scale", NULL),
        .beta = l->of_parameter[node->inputs[2]->id],
    };
    struct call *call = add_call(l, group, "norm.c.t",
                                 arena_printf(l->arena, "norm_%dx%dx%d", raw->c, raw->h, raw->w),
                                 "batch statistics");
    struct value *a = call->arguments;
    value_int(a, "C_BLOCKS", layout_blocks(raw));
    value_int(a, "IMAGES", p.images);
    value_int(a, "CHUNKS", p.chunks);
    value_int(a, "CHUNK_ROWS", p.chunk_rows);
    value_int(a, "H", p.h);
    value_int(a, "W", p.w);
    value_text(a, "eps", arena_printf(l->arena, "%.17g", node->batchnorm.eps));
    value_text(a, "momentum", arena_printf(l->arena, "%.17g", node->batchnorm.momentum));
    read_operand(l, call, "moments", moments);
    read_operand(l, call, "gamma", l->of_parameter[node->inputs[1]->id]);
    write_operand(l, call, "running_mean", l->of_parameter[node->inputs[3]->id]);
    write_operand(l, call, "running_var", l->of_parameter[node->inputs[4]->id]);
    write_operand(l, call, "mean", norm.mean);
    write_operand(l, call, "invstd", norm.invstd);
    write_operand(l, call, "scale", norm.scale);
    count_operand(l, call);
    return norm;
}

/* ---- backward ---- */

/* The steps [first, end) reversed, each with the value before it: for slopes, sums and sides. */
struct backward_pass {
    bool reduce;    /* stop at the batchnorm and sum */
    bool store;     /* write the gradient of raw (or of the input) */
    bool bias_sums; /* sum what is stored, for the head's bias */
    struct region *target, *accumulate;
    struct sums sums; /* made by the pass: 2 rows to reduce or 1 of the bias, then learned steps' */
};

/* PASS is the one that sums for the learned step S: a batchnorm's first pass ends at it. */
static bool sums_learned(const struct group *group, const struct backward_pass *pass, int s)
{
    return group->steps.items[s]->op == OP_learned &&
           trained_parameters(group->steps.items[s]) > 0 &&
           pass->reduce == (group->norm >= 0 && s > group->norm);
}

/* The first row of PASS for the learned step S; of the number of steps: how many rows it has. */
static int learned_row(const struct group *group, const struct backward_pass *pass, int s)
{
    int row = pass->reduce ? 2 : pass->bias_sums ? 1 : 0;
    for (int t = 0; t < s; t++)
        if (sums_learned(group, pass, t))
            row += trained_parameters(group->steps.items[t]);
    return row;
}

/* The gradient of ADD's other operand; NULL: none is needed. */
static struct tensor *side_gradient(const struct lowering *l, const struct node *add,
                                    const struct tensor *in)
{
    const struct node *backward = backward_of(l, add);
    return backward ? backward->outputs[add->inputs[0] == in ? 1 : 0] : NULL;
}

/* The last step is an add and no pool follows: its other operand's gradient SIDE is the output's.
 */
static bool last_add(const struct lowering *l, const struct group *group, int s,
                     const struct tensor *side)
{
    return s == group->steps.count - 1 && !group->pool && !leaves_gate(l, group, side);
}

static void add_side(struct lowering *l, struct call *call, struct value *step,
                     const struct group *group, int s, const struct tensor *in)
{
    struct tensor *side = side_gradient(l, group->steps.items[s], in);
    if (!side || last_add(l, group, s, side))
        return;
    value_flag(step, "side", true);
    value_int(step, "side_image", (long long)region_of(l, side)->image);
    write_operand(l, call, arena_printf(l->arena, "side%d", s + 1), region_of(l, side));
    mark_there(l, side);
    note_skipped(l, group, side, region_of(l, side), NULL);
}

/* Some add of GROUP has a gradient that the pass over its steps must write. */
static bool has_sides(const struct lowering *l, const struct group *group)
{
    const struct tensor *in = group->raw;
    for (int s = 0; s < group->steps.count; in = group->steps.items[s]->outputs[0], s++) {
        const struct tensor *side = NULL;
        if (group->steps.items[s]->op == OP_add)
            side = side_gradient(l, group->steps.items[s], in);
        if (side && !last_add(l, group, s, side))
            return true;
    }
    return false;
}

/* The template's list NAME: the steps that were just added, reversed, and what they need besides
 * add_steps' operands. */
static void add_reversed_steps(struct lowering *l, struct call *call, const char *name,
                               const struct group *group, const struct norm_regions *norm,
                               const struct backward_pass *pass)
{
    struct value *reversed = value_table(l->arena);
    struct value *steps = call->arguments->fields.items[call->arguments->fields.count - 1].table;
    int first = pass->reduce ? group->norm : 0;
    for (int i = steps->fields.count - 1; i >= 0; i--) {
        struct value *step = steps->fields.items[i].table;
        int s = (int)step->fields.items[0].integer - 1;
        if (s < first)
            break;
        const struct node *node = group->steps.items[s];
        const struct tensor *in = s ? group->steps.items[s - 1]->outputs[0] : group->raw;
        if (node->op == OP_add && !pass->reduce)
            add_side(l, call, step, group, s, in);
        if (sums_learned(group, pass, s))
            value_int(step, "row", learned_row(group, pass, s));
        if (s == group->norm) {
            value_flag(step, "reduce", pass->reduce);
            read_operand(l, call, arena_printf(l->arena, "invstd%d", s + 1), norm->invstd);
            if (!pass->reduce) {
                read_operand(l, call, "mean_g", norm->mean_g);
                read_operand(l, call, "mean_gx", norm->mean_gx);
            }
        }
        value_child(reversed, NULL, step);
    }
    value_child(call->arguments, name, reversed);
}

/* Room for PASS's sums. */
static void add_sums(struct lowering *l, const struct group *group, struct backward_pass *pass)
{
    const char *name = pass->reduce ? "norm_sums" : pass->bias_sums ? "bias_sums" : "learned_sums";
    int rows = learned_row(group, pass, group->steps.count);
    const struct layout *raw = layout_of(l, group->raw);
    size_t blocks = (size_t)images_of(l, raw) * layout_blocks(raw);
    if (rows > 0)
        pass->sums.region = scratch(l, arena_printf(l->arena, "%s.%s", group->name, name),
                                    blocks * rows * l->lanes, "a sample and channel");
    pass->sums.rows = rows;
}

/* The gradients of the learned steps' parameters that PASS has summed. */
static void lower_learned_gradients(struct lowering *l, const struct group *group,
                                    const struct backward_pass *pass)
{
    for (int s = 0; s < group->steps.count; s++) {
        const struct node *node = group->steps.items[s];
        for (int i = 1; sums_learned(group, pass, s) && i < node->input_count; i++)
            lower_vector_gradient(l, group, "parameter", &pass->sums,
                                  learned_row(group, pass, s) + i - 1, node->inputs[i]);
    }
}

static void lower_backward_pass(struct lowering *l, const struct group *group,
                                const struct norm_regions *norm, struct backward_pass *pass)
{
    const char *what = pass->reduce ? "backward_sums" : "backward";
    int steps = group->steps.count, before_pool = steps_before_pool(group);
    add_sums(l, group, pass);
    struct call *call = add_call(l, group, "chain_backward.c.t", chain_name(l, group, what),
                                 pass->reduce ? "sums for the batchnorm" : "steps backward");
    chain_arguments(l, call, group);
    struct value *a = call->arguments;
    value_flag(a, "reduces", pass->reduce);
    value_flag(a, "stores", pass->store);
    value_flag(a, "sums_bias", pass->bias_sums);
    value_int(a, "ROWS", pass->sums.rows);
    value_flag(a, "accumulates", pass->accumulate != NULL);
    value_flag(a, "gated", steps > 0 && group->steps.items[0]->op == OP_drop_path);
    /* raw and its gradient may be one region: no restrict on either */
    read_operand(l, call, "raw", region_of(l, group->raw));
    call->operands.items[0].type = "const float *";
    add_steps(l, call, "steps", group, 0, before_pool, norm);
    add_reversed_steps(l, call, "reversed", group, norm, pass);
    add_steps(l, call, "pooled_steps", group, before_pool, steps, norm);
    add_reversed_steps(l, call, "pooled_reversed", group, norm, pass);
    read_operand(l, call, "out_gradient", region_of(l, group->output->gradient));
    outer_operands(call, 1);
    if (pass->accumulate)
        read_operand(l, call, "accumulate", pass->accumulate);
    if (pass->store) {
        write_operand(l, call, "raw_gradient", pass->target);
        call->operands.items[call->operands.count - 1].type = "float *";
    }
    if (pass->sums.rows > 0) {
        write_operand(l, call, "sums", pass->sums.region);
        outer_operands(call, 1);
    }
    if (steps_are_random(l, group, 0, steps))
        random_operands(l, call);
    count_operand(l, call);
    lower_learned_gradients(l, group, pass);
}

/* Pass 1 and what comes of it: gamma's and beta's gradients, the two means. A bias right before the
 * batchnorm has no gradient (the mean takes it away): 0. */
static void lower_norm_gradient(struct lowering *l, const struct group *group,
                                struct norm_regions *norm)
{
    const struct node *node = group->steps.items[group->norm];
    const struct layout *raw = layout_of(l, group->raw);
    struct backward_pass pass = {.reduce = true};
    lower_backward_pass(l, group, norm, &pass);
    norm->mean_g = channel_region(l, node, "mean_g", NULL);
    norm->mean_gx = channel_region(l, node, "mean_gx", NULL);
    struct call *call =
        add_call(l, group, "norm_gradient.c.t",
                 arena_printf(l->arena, "norm_gradient_%dx%dx%d", raw->c, raw->h, raw->w),
                 "batchnorm's gradients");
    bool zero_bias = group->norm == 0 && group->head && group->head->input_count > 2;
    value_int(call->arguments, "C_BLOCKS", layout_blocks(raw));
    value_int(call->arguments, "PIXELS", raw->h * raw->w);
    value_int(call->arguments, "ROWS", pass.sums.rows);
    value_flag(call->arguments, "zero_bias", zero_bias);
    read_operand(l, call, "sums", pass.sums.region);
    write_operand(l, call, "gamma_gradient", l->of_gradient[node->inputs[1]->id]);
    write_operand(l, call, "beta_gradient", l->of_gradient[node->inputs[2]->id]);
    write_operand(l, call, "mean_g", norm->mean_g);
    write_operand(l, call, "mean_gx", norm->mean_gx);
    if (zero_bias)
        write_operand(l, call, "bias_gradient", l->of_gradient[group->head->inputs[2]->id]);
    count_operand(l, call);
}

/* The gradient of the group's input that its first node writes; NULL: none is needed. */
static struct tensor *input_gradient(const struct lowering *l, const struct group *group)
{
    const struct node *first = group->head          ? group->head
                               : group->steps.count ? group->steps.items[0]
                                                    : group->pool;
    int place = first->op == OP_add && first->inputs[0] != group->input ? 1 : 0;
    const struct node *backward = backward_of(l, first);
    return backward ? backward->outputs[place] : NULL;
}

/* Where the gradient of raw goes: over raw itself, which nothing needs any more. */
static struct region *raw_gradient(struct lowering *l, const struct group *group)
{
    if (l->program->keep)
        return region_of(l, group->raw->gradient);
    return l->of_tensor[layout_of(l, group->raw->gradient)->root->id] = region_of(l, group->raw);
}

/* Every sample's gradient of raw is one pixel, and is stored. */
static bool is_one_pixel(const struct lowering *l, const struct group *group)
{
    const struct layout *raw = layout_of(l, group->raw);
    bool gated = group->steps.count > 0 && group->steps.items[0]->op == OP_drop_path;
    return raw->h * raw->w == 1 && raw->samples == 1 && !gated;
}

static void lower_head_backward(struct lowering *l, const struct group *group,
                                const struct norm_regions *norm)
{
    bool element_wise = group->steps.count > 0 || group->pool;
    bool bias = group->head->input_count > 2 && group->norm != 0;
    bool summed = is_one_pixel(l, group);
    struct region *dy = region_of(l, group->output->gradient);
    struct backward_pass pass = {.store = element_wise, .bias_sums = bias && !summed};
    if (element_wise)
        pass.target = dy = raw_gradient(l, group);
    if (pass.store || pass.bias_sums)
        lower_backward_pass(l, group, norm, &pass);
    if (bias)
        lower_vector_gradient(l, group, "bias", summed ? &(struct sums){dy, 1} : &pass.sums, 0,
                              group->head->inputs[2]);
    lower_conv_weights(l, group, dy);
    struct tensor *partial = input_gradient(l, group);
    if (partial) {
        struct region *accumulate, *dx = gradient_destination(l, partial, &accumulate);
        lower_conv_data(l, group, dy, dx, accumulate);
    }
}

/* GROUP ends a body and adds it, no more: the gradient of both is that of the sum. */
static bool hands_on(const struct lowering *l, const struct group *group)
{
    return group->steps.count == 2 && group->steps.items[0]->op == OP_drop_path &&
           group->steps.items[1]->op == OP_add && !group->pool && !has_sides(l, group);
}

void lower_chain_backward(struct lowering *l, const struct group *group, struct norm_regions *norm)
{
    int last = group->steps.count - 1;
    if (last >= 0 && group->steps.items[last]->op == OP_add) {
        const struct tensor *in = last ? group->steps.items[last - 1]->outputs[0] : group->raw;
        struct tensor *side = side_gradient(l, group->steps.items[last], in);
        if (side && last_add(l, group, last, side))
            gradient_renamed(l, side, group->output->gradient);
    }
    if (group->norm >= 0)
        lower_norm_gradient(l, group, norm);
    if (group->head) {
        lower_head_backward(l, group, norm);
        return;
    }
    struct tensor *partial = input_gradient(l, group);
    if (partial && hands_on(l, group)) {
        gradient_renamed(l, partial, group->output->gradient);
        return;
    }
    struct backward_pass pass = {.store = partial != NULL};
    if (!partial && !has_sides(l, group) && !learned_row(group, &pass, group->steps.count))
        return;
    if (partial)
        pass.target = gradient_destination(l, partial, &pass.accumulate);
    lower_backward_pass(l, group, norm, &pass);
}
