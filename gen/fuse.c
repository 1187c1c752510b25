/*
 * fuse: group forward nodes that run as one kernel.
 *
 * A chain starts at a convolution or linear layer, or at any element-wise node, and takes the only
 * consumer of its value as long as that is batchnorm (once), add, curve, learned or dropout; a pool
 * whose windows tile the image ends it. An add joins the chain of whichever operand is computed
 * last, so that the other is there already. In inference a batchnorm and curves that a 1 x 1
 * convolution alone reads belong to its group as what comes before.
 */
#include "program.h"

struct fusion {
    struct graph *graph;
    bool training;
    bool *needed;  /* by node index: output or loss depends on it */
    bool *grouped; /* by tensor id: some group has computed it already, or is the input */
    struct groups *groups;
};

/* The only forward node that reads TENSOR; NULL where it is read twice, or is the graph's output.
 * Softmax and loss, of which a program may need one alone, both count: neither joins a chain. */
static struct node *only_consumer(const struct fusion *f, const struct tensor *tensor)
{
    struct node *found = NULL;
    if (tensor == f->graph->output && !f->training)
        return NULL;
    for (int i = 0; i < tensor->consumers.count; i++) {
        struct node *node = tensor->consumers.items[i];
        if (node->backward || node_sums_gradients(node))
            continue;
        if (found)
            return NULL;
        found = node;
    }
    return found;
}

/* The windows of POOL tile its input: each pixel is in one window at most. */
static bool pool_tiles(const struct node *pool)
{
    const struct pool_attributes *p = &pool->pool;
    return (pool->op == OP_maxpool || pool->op == OP_avgpool) && p->stride_h == p->kernel_h &&
           p->stride_w == p->kernel_w && !p->pad_top && !p->pad_left && !p->pad_bottom &&
           !p->pad_right;
}

/* The other operand of ADD is computed by an earlier group. */
static bool other_is_there(const struct fusion *f, const struct node *add, const struct tensor *in)
{
    return add->inputs[0] != add->inputs[1] && f->grouped[add_other(add, in)->id];
}

/* The body that a step may skip, of NODE: in training, no group reaches beyond it. */
static const struct gate *gate_of(const struct fusion *f, const struct node *node)
{
    return f->training ? node->gate : NULL;
}

static bool joins(const struct fusion *f, const struct group *group, const struct node *node)
{
    if (gate_of(f, node) != group->gate)
        return false;
    switch (node->op) {
    case OP_batchnorm:
        return group->norm < 0;
    case OP_add:
        return other_is_there(f, node, group->output);
    case OP_curve:
    case OP_learned:
    case OP_dropout:
    case OP_drop_path:
        return true;
    default:
        return false;
    }
}

static void take(struct fusion *f, struct group *group, struct node *node)
{
    if (node->op == OP_batchnorm)
        group->norm = group->steps.count;
    vector_push(f->graph->arena, &group->steps, node);
    group->output = node->outputs[0];
}

/* TENSOR is computed, and with it what only renames it. */
static void mark_grouped(struct fusion *f, const struct tensor *tensor)
{
    f->grouped[tensor->id] = true;
    for (int i = 0; i < tensor->consumers.count; i++) {
        const struct node *node = tensor->consumers.items[i];
        if (!node->backward && node_renames(node, f->training))
            mark_grouped(f, node->outputs[0]);
    }
}

static void mark_group(struct fusion *f, const struct group *group)
{
    mark_grouped(f, group->raw);
    for (int s = 0; s < group->steps.count; s++)
        mark_grouped(f, group->steps.items[s]->outputs[0]);
    if (group->output)
        mark_grouped(f, group->output);
}

static void extend(struct fusion *f, struct group *group)
{
    struct node *next;
    while ((next = only_consumer(f, group->output)) && joins(f, group, next))
        take(f, group, next);
    if (next && pool_tiles(next) && gate_of(f, next) == group->gate) {
        group->pool = next;
        group->output = next->outputs[0];
    }
}

static struct group *start_group(struct fusion *f, struct node *node, enum group_kind kind)
{
    struct group *group = arena_new_of(f->graph->arena, struct group);
    group->kind = kind;
    group->name = node->name;
    group->norm = -1;
    group->gate = gate_of(f, node);
    group->input = group->raw = group->output = node->inputs[0];
    vector_push(f->graph->arena, &f->groups->list, group);
    return group;
}

/* GROUP is a batchnorm and then curves, nothing else. */
static bool is_norm_and_curves(const struct group *group)
{
    if (group->kind != GROUP_CHAIN || group->head || group->pool || group->norm != 0)
        return false;
    for (int s = 1; s < group->steps.count; s++)
        if (group->steps.items[s]->op != OP_curve)
            return false;
    return true;
}

/* Takes the steps that only HEAD reads out of the list of groups; NULL: there are none, or HEAD
 * would repeat them for each of its taps. */
static struct group *take_before(struct fusion *f, const struct node *head)
{
    const struct conv_attributes *conv = &head->conv;
    struct tensor *in = head->inputs[0];
    bool one_tap = head->op == OP_conv && conv->kernel_h * conv->kernel_w == 1;
    if (f->training || !one_tap || only_consumer(f, in) != head)
        return NULL;
    for (int i = f->groups->list.count - 1; i >= 0; i--) {
        struct group *group = f->groups->list.items[i];
        if (group->output != in)
            continue;
        if (!is_norm_and_curves(group))
            return NULL;
        f->groups->list.count--;
        for (int j = i; j < f->groups->list.count; j++)
            f->groups->list.items[j] = f->groups->list.items[j + 1];
        return group;
    }
    return NULL;
}

static void group_chain(struct fusion *f, struct node *node)
{
    struct group *before = take_before(f, node);
    struct group *group = start_group(f, node, GROUP_CHAIN);
    if (node->op == OP_conv || node->op == OP_linear) {
        group->before = before;
        group->head = node;
        group->raw = group->output = node->outputs[0];
    } else if (pool_tiles(node)) {
        group->pool = node;
        group->output = node->outputs[0];
        return;
    } else {
        take(f, group, node);
    }
    extend(f, group);
}

static void group_alone(struct fusion *f, struct node *node, enum group_kind kind)
{
    struct group *group = start_group(f, node, kind);
    if (kind == GROUP_POOL)
        group->pool = node;
    else
        group->head = node;
    group->output = kind == GROUP_LOSS ? NULL : node->outputs[0];
}

static void group_from(struct fusion *f, struct node *node)
{
    switch (node->op) {
    case OP_softmax:
        group_alone(f, node, GROUP_SOFTMAX);
        break;
    case OP_flatten:
    case OP_reshape:
        group_alone(f, node, GROUP_RESHAPE);
        break;
    case OP_lrn:
        group_alone(f, node, GROUP_LRN);
        break;
    case OP_dynamic_relu:
        group_alone(f, node, GROUP_DYNAMIC_RELU);
        break;
    case OP_concat:
        group_alone(f, node, GROUP_CONCAT);
        break;
    case OP_cross_entropy:
    case OP_mse:
    case OP_bce:
        group_alone(f, node, GROUP_LOSS);
        break;
    case OP_globalpool:
        group_alone(f, node, GROUP_POOL);
        break;
    case OP_maxpool:
    case OP_avgpool:
        if (!pool_tiles(node)) {
            group_alone(f, node, GROUP_POOL);
            break;
        }
        /* fall through */
    default:
        group_chain(f, node);
    }
}

/* Mark the forward nodes that TENSOR is computed from. */
static void mark_needed(struct fusion *f, bool *needed_tensor)
{
    for (int i = f->graph->nodes.count - 1; i >= 0; i--) {
        const struct node *node = f->graph->nodes.items[i];
        if (node->backward || node_sums_gradients(node))
            continue;
        for (int j = 0; j < node->output_count; j++)
            f->needed[i] |= node->outputs[j] && needed_tensor[node->outputs[j]->id];
        for (int j = 0; f->needed[i] && j < node->input_count; j++)
            needed_tensor[node->inputs[j]->id] = true;
    }
}

struct groups *fuse(struct graph *graph, bool training)
{
    struct arena *arena = graph->arena;
    struct fusion f = {.graph = graph, .training = training};
    f.needed = arena_array(arena, graph->nodes.count, bool);
    f.grouped = arena_array(arena, graph->tensors.count, bool);
    f.groups = arena_new_of(arena, struct groups);

    bool *needed_tensor = arena_array(arena, graph->tensors.count, bool);
    needed_tensor[(training ? graph->loss : graph->output)->id] = true;
    mark_needed(&f, needed_tensor);
    mark_grouped(&f, graph->input);

    for (int i = 0; i < graph->nodes.count; i++) {
        struct node *node = graph->nodes.items[i];
        if (!f.needed[i] || f.grouped[node->outputs[0]->id] || node_renames(node, training))
            continue;
        group_from(&f, node);
        mark_group(&f, f.groups->list.items[f.groups->list.count - 1]);
    }
    return f.groups;
}

void groups_print(const struct groups *groups, struct text *out)
{
    for (int i = 0; i < groups->list.count; i++) {
        const struct group *group = groups->list.items[i];
        const char *plus = "";
        text_printf(out, "%s: ", group->name);
        if (group->before) {
            for (int s = 0; s < group->before->steps.count; s++, plus = " + ")
                text_printf(out, "%s%s", plus, group->before->steps.items[s]->name);
            text_printf(out, "%s", plus);
        }
        if (group->head) {
            text_printf(out, "%s", group->head->name);
            plus = " + ";
        }
        for (int s = 0; s < group->steps.count; s++, plus = " + ")
            text_printf(out, "%s%s", plus, group->steps.items[s]->name);
        if (group->pool)
            text_printf(out, "%s%s", plus, group->pool->name);
        text_printf(out, "\n");
    }
}
