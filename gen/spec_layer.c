/* spec_layer: the layers of a network, with their attributes and curves. See spec_parts.h. */
#include "spec_parts.h"

#include <string.h>

static void read_conv(lua_State *L, struct conv_attributes *conv, struct init_choice init)
{
    conv->channels = whole_field(L, "channels");
    pair_field(L, "kernel", &conv->kernel_h, &conv->kernel_w);
    pair_field(L, "stride", &conv->stride_h, &conv->stride_w);
    pair_field(L, "dilation", &conv->dilation_h, &conv->dilation_w);
    conv->groups = whole_field(L, "groups");
    conv->pad_same =
        !padding_field(L, &conv->pad_top, &conv->pad_left, &conv->pad_bottom, &conv->pad_right);
    conv->bias = flag_field(L, "bias");
    conv->init = init;
}

static void read_pool(lua_State *L, struct pool_attributes *pool)
{
    pair_field(L, "kernel", &pool->kernel_h, &pool->kernel_w);
    pool->stride_h = pool->kernel_h;
    pool->stride_w = pool->kernel_w;
    pair_field(L, "stride", &pool->stride_h, &pool->stride_w);
    padding_field(L, &pool->pad_top, &pool->pad_left, &pool->pad_bottom, &pool->pad_right);
}

static void read_points(lua_State *L, struct job *job, struct curve *curve)
{
    check_bug(enter_table(L, "list"));
    curve->point_count = (int)lua_rawlen(L, -1);
    struct curve_point *points =
        arena_array(job->arena, (size_t)curve->point_count, struct curve_point);
    for (int i = 0; i < curve->point_count; i++) {
        lua_rawgeti(L, -1, i + 1);
        lua_rawgeti(L, -1, 1);
        lua_rawgeti(L, -2, 2);
        points[i] = (struct curve_point){lua_tonumber(L, -2), lua_tonumber(L, -1)};
        lua_pop(L, 3);
    }
    curve->points = points;
    leave_table(L);
}

/* Parameters are fields of one letter. */
static void read_curve_parameters(lua_State *L, struct curve *curve)
{
    const char *letters = curve_kind_parameters(curve->kind);
    for (int i = 0; letters[i]; i++)
        curve->parameter[i] = number_field(L, (char[]){letters[i], '\0'});
}

/* The field "histogram"; NULL where there is none. */
static const struct histogram *read_histogram(lua_State *L, struct job *job)
{
    if (!enter_table(L, "histogram"))
        return NULL;
    struct histogram *histogram = arena_new_of(job->arena, struct histogram);
    histogram->from = number_field(L, "from");
    histogram->to = number_field(L, "to");
    check_bug(enter_table(L, "counts"));
    int bins = histogram->bins = (int)lua_rawlen(L, -1);
    leave_table(L);
    double *counts = arena_array(job->arena, (size_t)bins + 1, double);
    numbers_field(L, "counts", counts, bins);
    histogram->counts = counts;
    leave_table(L);
    return histogram;
}

void read_method(lua_State *L, struct job *job, struct curve *curve)
{
    static const char *const words[] = {
        [TABLE_EXACT] = "exact",
        [TABLE_TANGENT] = "tangent",
        [TABLE_MINIMAX] = "minimax",
        [TABLE_WEIGHTED] = "weighted",
    };
    curve->method = (enum table_method)WORD_FIELD(L, words);
    curve->k = number_or(L, curve_method_parameter(curve->method), 0);
    curve->max = number_or(L, "max", 0);
    const struct histogram *histogram = read_histogram(L, job);
    if (histogram)
        curve->histogram = histogram;
}

static struct curve *read_curve(lua_State *L, struct job *job)
{
    struct curve *curve = arena_new_of(job->arena, struct curve);
    check_bug(curve_kind_find(text_field(L, job, "word"), &curve->kind));
    if (curve->kind == CURVE_FUNCTION) { /* with all that is asked below */
        lua_getfield(L, -1, "samples");
        *curve = *(const struct curve *)lua_touserdata(L, -1);
        lua_pop(L, 1);
        return curve;
    }
    read_curve_parameters(L, curve);
    if (curve->kind == CURVE_PIECEWISE)
        read_points(L, job, curve);
    curve->histogram = read_histogram(L, job);
    if (enter_table(L, "table")) {
        read_method(L, job, curve);
        leave_table(L);
    }
    return curve;
}

/* The node's "init". */
static struct init_choice read_init(lua_State *L)
{
    static const char *const words[] = {
        [INIT_DEFAULT] = "",      [INIT_UNIFORM] = "uniform", [INIT_NORMAL] = "normal",
        [INIT_XAVIER] = "xavier", [INIT_HE] = "he",           [INIT_ZEROS] = "zeros"};
    struct init_choice init = {INIT_DEFAULT, 0};
    if (enter_table(L, "init")) {
        init.word = (enum init_word)WORD_FIELD(L, words);
        init.value = number_or(L, "bound", number_or(L, "std", 0));
        leave_table(L);
    }
    return init;
}

static void read_learned(lua_State *L, struct learned_attributes *learned)
{
    static const char *const words[] = {
        [LEARNED_PRELU] = "prelu", [LEARNED_ELU] = "elu_learned", [LEARNED_DYNAMIC] = "dynamic"};
    learned->kind = (enum learned_kind)WORD_FIELD(L, words);
    if (learned->kind != LEARNED_DYNAMIC) {
        learned->shared = flag_field(L, "shared");
        learned->initial[0] = number_field(L, learned->kind == LEARNED_PRELU ? "init" : "a");
        return;
    }
    learned->shared = true;
    learned->initial[0] = number_field(L, "L");
    learned->initial[1] = number_field(L, "Q");
    learned->initial[2] = number_field(L, "I");
    learned->power = whole_field(L, "P");
    learned->z = number_field(L, "Z");
}

/* The attributes of NODE's operator, from the fields of the word. */
static void read_attributes(lua_State *L, struct job *job, struct node *node,
                            struct init_choice init)
{
    switch (node->op) {
    case OP_conv:
        read_conv(L, &node->conv, init);
        break;
    case OP_linear:
        node->linear.units = whole_field(L, "units");
        node->linear.bias = flag_field(L, "bias");
        node->linear.init = init;
        break;
    case OP_batchnorm:
        node->batchnorm.eps = number_field(L, "eps");
        node->batchnorm.momentum = number_field(L, "momentum");
        break;
    case OP_cross_entropy:
        node->loss.smoothing = job->network->smoothing = number_or(L, "smoothing", 0);
        break;
    case OP_curve:
        node->curve = read_curve(L, job);
        break;
    case OP_learned:
        read_learned(L, &node->learned);
        break;
    case OP_dynamic_relu:
        node->dynamic_relu.pieces = whole_field(L, "k");
        break;
    case OP_maxpool:
    case OP_avgpool:
        read_pool(L, &node->pool);
        break;
    case OP_drop_path:
        node->drop_path.gate = job->gates[whole_field(L, "gate")];
        break;
    case OP_lrn:
        node->lrn.size = whole_field(L, "size");
        node->lrn.alpha = number_field(L, "alpha");
        node->lrn.beta = number_field(L, "beta");
        node->lrn.k = number_field(L, "k");
        break;
    case OP_reshape:
        node->reshape.dims[0] = whole_field(L, "channels");
        node->reshape.dims[1] = whole_field(L, "height");
        node->reshape.dims[2] = whole_field(L, "width");
        break;
    case OP_dropout:
        node->dropout.p = number_field(L, "p");
        node->dropout.layer = job->dropout_count++;
        break;
    default: /* no attributes */
        break;
    }
}

/* The numbers of the nodes that the layer reads. */
static void read_inputs(lua_State *L, struct job *job, struct layer *layer)
{
    check_bug(enter_table(L, "inputs"));
    layer->input_count = (int)lua_rawlen(L, -1);
    layer->inputs = arena_array(job->arena, (size_t)layer->input_count, int);
    for (int i = 0; i < layer->input_count; i++) {
        lua_rawgeti(L, -1, i + 1);
        layer->inputs[i] = (int)lua_tointeger(L, -1);
        lua_pop(L, 1);
    }
    leave_table(L);
}

/* One entry of the network's nodes. */
static void read_layer(lua_State *L, struct job *job, struct layer *layer)
{
    struct node *node = &layer->node;
    const char *op = text_field(L, job, "op");
    node->op = OP_COUNT;
    for (int i = 0; i < OP_COUNT; i++)
        if (strcmp(op, op_name((enum op)i)) == 0)
            node->op = (enum op)i;
    check_bug(node->op < OP_COUNT);
    node->name = text_field(L, job, "name");
    node->where = where_field(L);
    node->gate = job->gates[whole_field(L, "gate")];
    read_inputs(L, job, layer);
    struct init_choice init = read_init(L);
    check_bug(enter_table(L, "fields"));
    read_attributes(L, job, node, init);
    layer->units_of = (int)number_or(L, "units_of", 0);
    layer->units_times = (int)number_or(L, "times", 0);
    layer->units_over = (int)number_or(L, "over", 1);
    leave_table(L);
}

/* The bodies of stochastic depth; each names the one around it, which comes before. */
void read_gates(lua_State *L, struct job *job)
{
    check_bug(enter_table(L, "gates"));
    int count = (int)lua_rawlen(L, -1);
    job->gates = arena_array(job->arena, (size_t)count + 1, struct gate *); /* [0]: none */
    for (int i = 1; i <= count; i++) {
        lua_rawgeti(L, -1, i);
        struct gate *gate = job->gates[i] = arena_new_of(job->arena, struct gate);
        gate->name = text_field(L, job, "name");
        gate->p = number_field(L, "p");
        gate->number = i - 1;
        gate->outer = job->gates[whole_field(L, "outer")];
        lua_pop(L, 1);
    }
    job->gate_count = count;
    leave_table(L);
}

void read_layers(lua_State *L, struct job *job)
{
    check_bug(enter_table(L, "nodes"));
    job->layer_count = (int)lua_rawlen(L, -1);
    job->layers = arena_array(job->arena, (size_t)job->layer_count, struct layer);
    for (int i = 0; i < job->layer_count; i++) {
        lua_rawgeti(L, -1, i + 1);
        read_layer(L, job, &job->layers[i]);
        lua_pop(L, 1);
    }
    leave_table(L);
}
