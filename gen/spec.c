/* spec: from what spec.lua makes of a spec file to a struct network. See spec.h. */
#include "spec.h"

#include "embedded.h"
#include "op/op.h"
#include "sha256.h"
#include "training.h"
#include "vm.h"
#include "watchdog.h"

#include <stdio.h>
#include <string.h>

#include <lauxlib.h>
#include <lua.h>

/* What a spec may use. An honest one takes some thousand steps, a megabyte and milliseconds. */
static struct vm_limits spec_limits(void)
{
    return (struct vm_limits){
        .memory = 64 << 20, .string = 1 << 20, .steps = 20000000, .seconds = 0.6 * spec_seconds()};
}

enum { LARGEST_FILE = 1 << 17 };

/* A node of the spec before its shape is known: inputs are nodes by number from 1, 0 the network's
 * input. */
struct layer {
    struct node node; /* op, name, where and the operator's attributes */
    int *inputs;
    int input_count;
    /* A linear layer whose units are the channels of the node units_of, times and over these; 0
     * times: they are given. */
    int units_of, units_times, units_over;
};

/* One reading of a spec. */
struct job {
    struct arena *arena;
    const char *path;
    const struct spec_setting *settings;
    int setting_count;
    const char *text; /* of the spec */
    size_t length;
    struct sha256 digest;
    struct vm *vm;
    struct network *network;
    struct layer *layers;
    int layer_count;
    struct gate **gates; /* from 1 */
    int gate_count;
    struct where where; /* of the network word */
    int input_rank, input_dims[3];
    int output; /* number of the node whose result infer writes */
    int dropout_count;
};

/* ---- from Lua: the table on the top of the stack is what is read ---- */

static double number_field(lua_State *L, const char *name)
{
    lua_getfield(L, -1, name);
    check_bug(lua_type(L, -1) == LUA_TNUMBER);
    double value = lua_tonumber(L, -1);
    lua_pop(L, 1);
    return value;
}

static int whole_field(lua_State *L, const char *name)
{
    return (int)number_field(L, name);
}

/* A number that may be left out. */
static double number_or(lua_State *L, const char *name, double absent)
{
    bool there = lua_getfield(L, -1, name) != LUA_TNIL;
    lua_pop(L, 1);
    return there ? number_field(L, name) : absent;
}

static bool flag_field(lua_State *L, const char *name)
{
    lua_getfield(L, -1, name);
    bool value = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return value;
}

/* A text in the job's arena; NULL where there is none. */
static const char *text_field(lua_State *L, struct job *job, const char *name)
{
    lua_getfield(L, -1, name);
    const char *value =
        lua_type(L, -1) == LUA_TSTRING ? arena_copy(job->arena, lua_tostring(L, -1)) : NULL;
    lua_pop(L, 1);
    return value;
}

static struct where where_field(lua_State *L)
{
    return vm_where(L, (int64_t)number_field(L, "at"));
}

/* Is the field NAME the text WORD? */
static bool text_is(lua_State *L, const char *name, const char *word)
{
    bool is = lua_getfield(L, -1, name) == LUA_TSTRING && strcmp(lua_tostring(L, -1), word) == 0;
    lua_pop(L, 1);
    return is;
}

/* Push the table NAME of the table on the top; false, pushing nothing, where there is none. */
static bool enter(lua_State *L, const char *name)
{
    if (lua_getfield(L, -1, name) == LUA_TTABLE)
        return true;
    lua_pop(L, 1);
    return false;
}

static void leave(lua_State *L)
{
    lua_pop(L, 1);
}

/* Up to MOST numbers of the list NAME into VALUES; returns how many there are, 0 without a list. */
static int numbers_field(lua_State *L, const char *name, double *values, int most)
{
    if (!enter(L, name))
        return 0;
    int count = (int)lua_rawlen(L, -1);
    check_bug(count <= most);
    for (int i = 0; i < count; i++) {
        lua_rawgeti(L, -1, i + 1);
        values[i] = lua_tonumber(L, -1);
        lua_pop(L, 1);
    }
    leave(L);
    return count;
}

static bool pair_field(lua_State *L, const char *name, int *h, int *w)
{
    double values[2];
    if (numbers_field(L, name, values, 2) != 2)
        return false;
    *h = (int)values[0];
    *w = (int)values[1];
    return true;
}

/* Padding of conv and pools: false, leaving all as it is, where it is no list ("same"). */
static bool padding_field(lua_State *L, int *top, int *left, int *bottom, int *right)
{
    double sides[4];
    if (numbers_field(L, "pad", sides, 4) != 4)
        return false;
    *top = (int)sides[0];
    *left = (int)sides[1];
    *bottom = (int)sides[2];
    *right = (int)sides[3];
    return true;
}

/* Which of WORDS[0..COUNT) the field "word" is. */
static int word_field(lua_State *L, const char *const *words, int count)
{
    lua_getfield(L, -1, "word");
    const char *word = lua_tostring(L, -1);
    int found = -1;
    for (int i = 0; i < count; i++)
        if (word && strcmp(word, words[i]) == 0)
            found = i;
    lua_pop(L, 1);
    check_bug(found >= 0);
    return found;
}
#define WORD_FIELD(L, words) word_field((L), (words), (int)(sizeof(words) / sizeof *(words)))

/* ---- layers ---- */

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
    check_bug(enter(L, "list"));
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
    leave(L);
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
    if (!enter(L, "histogram"))
        return NULL;
    struct histogram *histogram = arena_new_of(job->arena, struct histogram);
    histogram->from = number_field(L, "from");
    histogram->to = number_field(L, "to");
    check_bug(enter(L, "counts"));
    int bins = histogram->bins = (int)lua_rawlen(L, -1);
    leave(L);
    double *counts = arena_array(job->arena, (size_t)bins + 1, double);
    numbers_field(L, "counts", counts, bins);
    histogram->counts = counts;
    leave(L);
    return histogram;
}

/* The table on the top, made by one of the table words, into CURVE. */
static void read_method(lua_State *L, struct job *job, struct curve *curve)
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
    if (enter(L, "table")) {
        read_method(L, job, curve);
        leave(L);
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
    if (enter(L, "init")) {
        init.word = (enum init_word)WORD_FIELD(L, words);
        init.value = number_or(L, "bound", number_or(L, "std", 0));
        leave(L);
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
    check_bug(enter(L, "inputs"));
    layer->input_count = (int)lua_rawlen(L, -1);
    layer->inputs = arena_array(job->arena, (size_t)layer->input_count, int);
    for (int i = 0; i < layer->input_count; i++) {
        lua_rawgeti(L, -1, i + 1);
        layer->inputs[i] = (int)lua_tointeger(L, -1);
        lua_pop(L, 1);
    }
    leave(L);
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
    check_bug(enter(L, "fields"));
    read_attributes(L, job, node, init);
    layer->units_of = (int)number_or(L, "units_of", 0);
    layer->units_times = (int)number_or(L, "times", 0);
    layer->units_over = (int)number_or(L, "over", 1);
    leave(L);
}

/* The bodies of stochastic depth; each names the one around it, which comes before. */
static void read_gates(lua_State *L, struct job *job)
{
    check_bug(enter(L, "gates"));
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
    leave(L);
}

static void read_layers(lua_State *L, struct job *job)
{
    check_bug(enter(L, "nodes"));
    job->layer_count = (int)lua_rawlen(L, -1);
    job->layers = arena_array(job->arena, (size_t)job->layer_count, struct layer);
    for (int i = 0; i < job->layer_count; i++) {
        lua_rawgeti(L, -1, i + 1);
        read_layer(L, job, &job->layers[i]);
        lua_pop(L, 1);
    }
    leave(L);
}

/* ---- data and training ---- */

static void read_crop(lua_State *L, struct lathe_augmentation *step)
{
    step->size = whole_field(L, "size");
    step->pad = whole_field(L, "pad");
    lua_getfield(L, -1, "mode");
    step->reflect = strcmp(lua_tostring(L, -1), "reflect") == 0;
    lua_pop(L, 1);
}

/* The fields of each word that go into amount, in their order. */
static void read_amounts(lua_State *L, struct lathe_augmentation *step)
{
    static const char *const names[][4] = {
        [LATHE_RANDOM_RESIZE] = {"low", "high"},
        [LATHE_ROTATE] = {"degrees"},
        [LATHE_SHEAR] = {"degrees"},
        [LATHE_PERSPECTIVE] = {"distortion"},
        [LATHE_COLOR_JITTER] = {"brightness", "contrast", "saturation", "hue"},
        [LATHE_NOISE] = {"std"}};
    for (int i = 0; i < 4 && names[step->kind][i]; i++)
        step->amount[i] = (float)number_field(L, names[step->kind][i]);
    step->p = (float)number_or(L, "p", 1);
}

static struct lathe_augmentation read_augmentation(lua_State *L)
{
    static const char *const words[] = {
        [LATHE_CROP] = "crop",
        [LATHE_HFLIP] = "hflip",
        [LATHE_CENTER_CROP] = "center_crop",
        [LATHE_RESIZE] = "resize",
        [LATHE_RANDOM_RESIZE] = "random_resize",
        [LATHE_ROTATE] = "rotate",
        [LATHE_SHEAR] = "shear",
        [LATHE_PERSPECTIVE] = "perspective",
        [LATHE_COLOR_JITTER] = "color_jitter",
        [LATHE_NOISE] = "noise",
    };
    struct lathe_augmentation step = {.kind = (enum lathe_augmentation_kind)WORD_FIELD(L, words)};
    if (step.kind == LATHE_CROP)
        read_crop(L, &step);
    else if (step.kind == LATHE_HFLIP)
        step.p = (float)number_field(L, "p");
    else if (step.kind == LATHE_CENTER_CROP)
        step.size = whole_field(L, "size");
    else if (step.kind == LATHE_RESIZE)
        check_bug(pair_field(L, "result", &step.size, &step.width));
    else
        read_amounts(L, &step);
    return step;
}

static void read_augmentations(lua_State *L, struct job *job, struct lathe_data *data)
{
    if (!enter(L, "augment"))
        return;
    data->augmentation_count = (int)lua_rawlen(L, -1);
    struct lathe_augmentation *steps =
        arena_array(job->arena, (size_t)data->augmentation_count, struct lathe_augmentation);
    for (int i = 0; i < data->augmentation_count; i++) {
        lua_rawgeti(L, -1, i + 1);
        steps[i] = read_augmentation(L);
        lua_pop(L, 1);
    }
    data->augmentation = steps;
    leave(L);
}

static void read_normalize(lua_State *L, struct lathe_data *data)
{
    double mean[4], deviation[4];
    data->measured = text_is(L, "normalize", "auto");
    if (!enter(L, "normalize"))
        return;
    int count = numbers_field(L, "mean", mean, 4);
    check_bug(numbers_field(L, "std", deviation, 4) == count);
    for (int i = 0; i < count; i++) {
        data->mean[i] = (float)mean[i];
        data->deviation[i] = (float)deviation[i];
    }
    leave(L);
}

static enum lathe_source read_source_word(lua_State *L)
{
    static const char *const words[] = {
        [LATHE_MNIST] = "mnist",     [LATHE_FASHION_MNIST] = "fashion_mnist",
        [LATHE_CIFAR10] = "cifar10", [LATHE_CIFAR100] = "cifar100",
        [LATHE_DIGITS] = "digits",   [LATHE_XOR] = "xor",
        [LATHE_LINEAR] = "linear",   [LATHE_MAX] = "max",
        [LATHE_IMAGES] = "images",   [LATHE_LOGSUMEXP] = "logsumexp",
        [LATHE_ARRAYS] = "arrays"};
    return (enum lathe_source)WORD_FIELD(L, words);
}

/* The shape of the set's samples, before augmentation: the table that is not there for none. */
static void read_load_shape(lua_State *L, struct lathe_data *data)
{
    double shape[3] = {0, 1, 1};
    numbers_field(L, "shape", shape, 3);
    data->load_height = (int)shape[1];
    data->load_width = (int)shape[2];
}

static void read_data(lua_State *L, struct job *job)
{
    static const char *const files[4] = {"x", "y", "test_x", "test_y"};
    struct lathe_data *data = &job->network->data;
    data->channels = job->input_dims[0];
    data->height = job->input_rank == 3 ? job->input_dims[1] : 1;
    data->width = job->input_rank == 3 ? job->input_dims[2] : 1;
    data->subset = 1;
    for (int i = 0; i < 4; i++)
        data->deviation[i] = 1;
    data->source = LATHE_NO_DATA;
    data->target = LATHE_TARGET_NONE;
    data->load_height = data->height;
    data->load_width = data->width;
    job->network->has_data = enter(L, "data");
    if (!job->network->has_data)
        return;
    data->target = LATHE_TARGET_OWN;
    if (text_is(L, "target", "input"))
        data->target = LATHE_TARGET_INPUT;
    if (text_is(L, "target", "none"))
        data->target = LATHE_TARGET_NONE;
    data->classes = whole_field(L, "classes");
    data->targets = whole_field(L, "targets");
    data->subset = number_or(L, "subset", 1);
    for (int i = 0; i < 4; i++)
        data->files[i] = text_field(L, job, files[i]);
    data->validation = number_or(L, "validation", 0);
    read_augmentations(L, job, data);
    read_normalize(L, data);
    read_load_shape(L, data);
    check_bug(enter(L, "source"));
    data->source = read_source_word(L);
    leave(L);
    leave(L);
}

/* The fields of PART that the table on the top has; the others are 0. */
static void read_training_fields(lua_State *L, enum lathe_field_part part,
                                 struct lathe_training *training)
{
    for (int i = 0; i < lathe_training_field_count; i++) {
        const struct lathe_field *field = &lathe_training_fields[i];
        if (field->part != part)
            continue;
        double value = field->type == LATHE_FIELD_FLAG ? flag_field(L, field->name)
                                                       : number_or(L, field->name, 0);
        lathe_field_set(training, field, value);
    }
}

static void read_optimizer(lua_State *L, struct lathe_training *training)
{
    double betas[2];
    read_training_fields(L, LATHE_IN_OPTIMIZER, training);
    training->optimizer.kind = (enum lathe_optimizer_kind)WORD_FIELD(L, lathe_optimizer_words);
    if (numbers_field(L, "betas", betas, 2)) {
        training->optimizer.beta1 = betas[0];
        training->optimizer.beta2 = betas[1];
    }
}

static void read_schedule(lua_State *L, struct lathe_training *training)
{
    if (enter(L, "inner")) {
        read_schedule(L, training);
        leave(L);
        training->schedule.warmup = number_field(L, "epochs");
        return;
    }
    read_training_fields(L, LATHE_IN_SCHEDULE, training);
    training->schedule.kind = (enum lathe_schedule_kind)WORD_FIELD(L, lathe_schedule_words);
    if (training->schedule.kind == LATHE_ONECYCLE)
        training->schedule.lr = number_field(L, "max");
}

static void read_training(lua_State *L, struct network *network)
{
    struct lathe_training *training = &network->training;
    network->has_training = enter(L, "train");
    if (!network->has_training)
        return;
    training->batch = whole_field(L, "batch");
    training->epochs = whole_field(L, "epochs");
    read_training_fields(L, LATHE_IN_TRAIN, training);
    check_bug(enter(L, "optimizer"));
    read_optimizer(L, training);
    leave(L);
    training->optimizer.clip_value = number_or(L, "clip_value", 0);
    training->optimizer.clip_norm = number_or(L, "clip_norm", 0);
    check_bug(enter(L, "lr"));
    read_schedule(L, training);
    leave(L);
    leave(L);
}

static void read_options(lua_State *L, struct job *job)
{
    check_bug(enter(L, "options"));
    int count = (int)lua_rawlen(L, -1);
    for (int i = 0; i < count; i++) {
        lua_rawgeti(L, -1, i + 1);
        vector_push(job->arena, &job->network->options,
                    arena_copy(job->arena, lua_tostring(L, -1)));
        lua_pop(L, 1);
    }
    leave(L);
}

/* The table that spec.lua's finish gives, into the job. */
static void read_network(lua_State *L, struct job *job)
{
    struct network *network = job->network;
    double shape[3];
    network->name = text_field(L, job, "name");
    job->where = where_field(L);
    job->input_rank = numbers_field(L, "input", shape, 3);
    for (int i = 0; i < job->input_rank; i++)
        job->input_dims[i] = (int)shape[i];
    job->output = whole_field(L, "output");
    const char *loss = text_field(L, job, "loss");
    if (loss)
        network->loss = strcmp(loss, "mse") == 0   ? LATHE_MSE
                        : strcmp(loss, "bce") == 0 ? LATHE_BCE
                                                   : LATHE_CROSS_ENTROPY;
    read_gates(L, job);
    read_layers(L, job);
    read_data(L, job);
    read_training(L, network);
    read_options(L, job);
}

/* ---- evaluating ---- */

/* Add LABEL and LENGTH bytes to the digest; the length keeps neighbours apart. */
static void add_digest(struct job *job, const char *label, const char *bytes, size_t length)
{
    char head[96];
    int size = snprintf(head, sizeof head, "%s %zu\n", label, length);
    check_bug(size > 0 && (size_t)size < sizeof head);
    sha256_add(&job->digest, head, (size_t)size);
    sha256_add(&job->digest, bytes, length);
}

/* The file of a fit. */
struct source {
    struct job *job;
    const char *folder, *file; /* the spec's folder, ending in a slash or empty; NAME.lua */
    char *text;
    size_t length;
};

static void read_source(void *context)
{
    struct source *source = context;
    source->text = read_file_within(source->job->arena, source->folder, "fits", source->file,
                                    LARGEST_FILE, &source->length);
}

/* read_fit(name, place): what fits/NAME.lua beside the spec returns; it sees no globals. NAME is of
 * letters, digits, _ and -. Upvalue: the job. */
static int read_fit(lua_State *L)
{
    struct job *job = lua_touserdata(L, lua_upvalueindex(1));
    const char *name = luaL_checkstring(L, 1), *slash = strrchr(job->path, '/');
    int folder = slash ? (int)(slash + 1 - job->path) : 0;
    struct source source = {.job = job,
                            .folder = arena_printf(job->arena, "%.*s", folder, job->path),
                            .file = arena_printf(job->arena, "%s.lua", name)};
    const char *path = arena_printf(job->arena, "%sfits/%s", source.folder, source.file);
    int64_t place = lua_tointeger(L, 2);
    struct failure failure;
    if (protected_call(read_source, &source, &failure) != STATUS_DONE)
        vm_error(L, place, "fit '%s': %s", name, failure.message);
    add_digest(job, arena_printf(job->arena, "fit %s", name), source.text, source.length);
    lua_newtable(L);
    vm_load(L, path, source.text, source.length, false);
    lua_call(L, 0, 1);
    return 1;
}

/* A function of the spec, on the stack at index 1. */
struct function {
    lua_State *L;
    int64_t place; /* of the word that has it */
    int calls;
};

static double call_function(void *context, double x)
{
    struct function *function = context;
    lua_State *L = function->L;
    int64_t place;
    const char *message;
    enum { CALLS = 64, STEPS_A_CALL = 20 }; /* what is not Lua is not counted otherwise */
    if (++function->calls % CALLS == 0)
        vm_charge(L, CALLS * STEPS_A_CALL);
    lua_pushvalue(L, 1);
    lua_pushnumber(L, x);
    if (!vm_call(L, 1, 1, &place, &message))
        vm_error(L, place ? place : function->place, "curve: f(%.9g): %s", x, message);
    if (lua_type(L, -1) != LUA_TNUMBER)
        vm_error(L, function->place, "curve: f(%.9g) must be a number, given %s", x,
                 lua_isnil(L, -1) ? "nothing" : lua_pushfstring(L, "a %s", luaL_typename(L, -1)));
    double y = lua_tonumber(L, -1);
    lua_pop(L, 1);
    return y;
}

/* sample(f, place, method): the struct curve of samples of f for a table by METHOD, a table word's
 * fields. Upvalue: the job. */
static int sample_function(lua_State *L)
{
    struct job *job = lua_touserdata(L, lua_upvalueindex(1));
    struct function function = {L, lua_tointeger(L, 2), 0};
    struct curve *curve = arena_new_of(job->arena, struct curve);
    curve->kind = CURVE_FUNCTION;
    lua_settop(L, 3);
    read_method(L, job, curve);
    const char *problem = curve_problem(job->arena, curve);
    if (!problem)
        problem = curve_sample(job->arena, curve, call_function, &function);
    if (problem)
        vm_error(L, function.place, "curve: %s", problem);
    lua_pushlightuserdata(L, curve);
    return 1;
}

/* The file's name without folder and ".lua", of PATH. */
static void push_stem(lua_State *L, const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    size_t length = strlen(name);
    if (length > 4 && strcmp(name + length - 4, ".lua") == 0)
        length -= 4;
    lua_pushlstring(L, name, length);
}

/* Run spec.lua: pushes the spec's globals, the function finish, the function reference. */
static void push_language(lua_State *L, struct job *job)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
    vm_load(L, "gen/spec.lua", spec_lua, spec_lua_size, true);
    vm_push_host(L);
    lua_pushlightuserdata(L, job);
    lua_pushcclosure(L, read_fit, 1);
    lua_setfield(L, -2, "read_fit");
    lua_pushlightuserdata(L, job);
    lua_pushcclosure(L, sample_function, 1);
    lua_setfield(L, -2, "sample");
    vm_push_sandbox(L);
    lua_newtable(L);
    for (int i = 0; i < job->setting_count; i++) {
        lua_pushstring(L, job->settings[i].value);
        lua_setfield(L, -2, job->settings[i].key);
    }
    push_stem(L, job->path);
    lua_call(L, 4, 3);
}

/* vm_run's body: CONTEXT is the job. */
static int evaluate(lua_State *L)
{
    struct job *job = lua_touserdata(L, 1);
    push_language(L, job);
    lua_pop(L, 1);
    lua_insert(L, -2); /* finish below the spec's globals */
    vm_load(L, job->path, job->text, job->length, false);
    lua_call(L, 0, 1);
    lua_call(L, 1, 1);
    read_network(L, job);
    return 0;
}

static void run_spec(void *context)
{
    struct job *job = context;
    job->text = read_file_to(job->arena, job->path, LARGEST_FILE, &job->length);
    add_digest(job, "spec", job->text, job->length);
    const struct vm_limits limits = spec_limits();
    job->vm = vm_new(job->arena, &limits);
    vm_run(job->vm, evaluate, job);
}

/* Run BODY(JOB) and free the VM it made, whether it fails or not. */
static void run_and_free(struct job *job, void (*body)(void *job))
{
    struct failure failure;
    enum status status = protected_call(body, job, &failure);
    vm_free(job->vm);
    if (status != STATUS_DONE)
        fail_again(&failure, (struct where){0});
}

static void finish_digest(struct job *job)
{
    for (int i = 0; i < job->setting_count; i++) {
        add_digest(job, "set", job->settings[i].key, strlen(job->settings[i].key));
        add_digest(job, "to", job->settings[i].value, strlen(job->settings[i].value));
    }
    sha256_end(&job->digest, job->network->digest);
}

/* ---- the graph ---- */

/* The units of LAYER by the channels of FROM: 1 or more, of what linear's shape rule looks at. */
static int channel_units(const struct layer *layer, const struct tensor *from)
{
    long long units = (long long)tensor_c(from) * layer->units_times / layer->units_over;
    return units < 1 ? 1 : units > INT32_MAX ? INT32_MAX : (int)units;
}

/* Append LAYER to GRAPH and run its shape rule. RESULTS: what the nodes before it computed, by
 * number. */
static struct tensor *add_layer(struct graph *graph, const struct layer *layer,
                                struct tensor *const *results)
{
    const struct node *from = &layer->node;
    struct node *node = graph_add_node(graph, from->op, from->name, from->where);
    const char *name = node->name;
    *node = *from; /* it has no inputs and outputs yet: only attributes are new */
    node->name = name;
    if (node->op == OP_curve) {
        const char *problem = curve_problem(graph->arena, node->curve);
        if (problem)
            fail_at(STATUS_USER, node->where, "%s: %s", node->name, problem);
    }
    for (int i = 0; i < layer->input_count; i++)
        node_add_input(node, results[layer->inputs[i]], graph);
    if (layer->units_times > 0)
        node->linear.units = channel_units(layer, results[layer->units_of]);
    op_table[node->op]->shape(graph, node);
    check_bug(node->output_count > 0);
    return node->outputs[0];
}

static void build_graph(struct job *job)
{
    struct graph *graph = graph_new(job->arena, job->network->name);
    struct tensor **results =
        arena_array(job->arena, (size_t)job->layer_count + 1, struct tensor *);
    job->network->graph = graph;
    results[0] = graph->input =
        graph_add_tensor(graph, TENSOR_INPUT, "input", true, job->input_rank, job->input_dims);
    if (tensor_elements(graph->input) > INT32_MAX)
        fail_at(STATUS_USER, job->where, "input %s is too large: at most %d elements",
                tensor_shape_text(job->arena, graph->input), (int)INT32_MAX);
    for (int i = 1; i <= job->gate_count; i++)
        vector_push(job->arena, &graph->gates, (const struct gate *)job->gates[i]);
    for (int i = 0; i < job->layer_count; i++)
        results[i + 1] = add_layer(graph, &job->layers[i], results);
    graph->output = results[job->output];
}

/* The outputs are what the data ask for: one a class, or the numbers of the target. Two points with
 * one output and mse are a regression: no classes. */
static void check_outputs(struct job *job)
{
    struct network *network = job->network;
    struct lathe_data *data = &network->data;
    const struct tensor *output = network->graph->output;
    size_t outputs = tensor_elements(output);
    if (!network->has_data || data->target == LATHE_TARGET_NONE)
        return;
    if (data->source == LATHE_XOR && network->loss != LATHE_CROSS_ENTROPY && outputs == 1) {
        data->classes = 0;
        data->targets = 1;
    }
    if (data->target == LATHE_TARGET_INPUT)
        data->targets = (int)tensor_elements(network->graph->input);
    if (data->classes && outputs != (size_t)data->classes)
        fail_at(STATUS_USER, job->where,
                "the last layer, %s, has %s outputs, the data have %d classes", output->name,
                tensor_shape_text(job->arena, output), data->classes);
    if (!data->classes && outputs != (size_t)data->targets)
        fail_at(STATUS_USER, job->where,
                "the last layer, %s, has %s outputs, the data's targets are %d number%s",
                output->name, tensor_shape_text(job->arena, output), data->targets,
                data->targets == 1 ? "" : "s");
}

/* Mean and deviation of the training set are kept beside the weights, as buffers that no node
 * reads. */
static void add_normalisation(struct network *network)
{
    struct graph *graph = network->graph;
    const int channels = network->data.channels;
    if (!network->data.measured)
        return;
    graph_add_tensor(graph, TENSOR_BUFFER, "data.mean", false, 1, &channels);
    struct tensor *deviation =
        graph_add_tensor(graph, TENSOR_BUFFER, "data.std", false, 1, &channels);
    deviation->init_value = 1;
}

/* run_bounded's body: CONTEXT is the job. */
static void read_job(void *context)
{
    struct job *job = context;
    sha256_begin(&job->digest);
    run_and_free(job, run_spec);
    finish_digest(job);
    build_graph(job);
    check_outputs(job);
    add_normalisation(job->network);
}

struct network *spec_read(struct arena *arena, const char *path,
                          const struct spec_setting *settings, int setting_count)
{
    struct network *network = arena_new_of(arena, struct network);
    struct job job = {.arena = arena,
                      .path = path,
                      .settings = settings,
                      .setting_count = setting_count,
                      .network = network};
    network->arena = arena;
    network->spec_path = arena_copy(arena, path);
    run_bounded(network->spec_path, &network->seconds, read_job, &job);
    return network;
}

/* ---- the reference ---- */

struct reference {
    struct job job;
    struct text *out;
};

static int call_reference(lua_State *L)
{
    struct reference *reference = lua_touserdata(L, 1);
    push_language(L, &reference->job);
    lua_call(L, 0, 1);
    size_t length;
    const char *text = lua_tolstring(L, -1, &length);
    text_add(reference->out, text, length);
    return 0;
}

static void run_reference(void *context)
{
    struct reference *reference = context;
    const struct vm_limits limits = spec_limits();
    reference->job.vm = vm_new(reference->job.arena, &limits);
    vm_run(reference->job.vm, call_reference, reference);
}

void spec_print_reference(struct text *out)
{
    struct reference reference = {.job = {.path = ""}, .out = out};
    reference.job.arena = arena_new();
    run_and_free(&reference.job, run_reference);
    arena_free(reference.job.arena);
}
