/*
 * The spec language: graphs of small specs, defaults, options, fits, the sandbox. Bad and hostile
 * specs are in tests/bad, NAME.lua with its one line of message in NAME.expected; a first line
 * "-- set: K=V" is a --set. LATHE_BLESS=1 writes the messages instead. Runs in the source folder.
 */
#include "../gen/sha256.h"
#include "../gen/spec.h"
#include "../runtime/recipe.h"
#include "../runtime/training.h"

#include <check.h>
#include <dirent.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct arena *arena;
static struct network *network;
static struct failure failure;
static char folder[32];

static void set_up(void)
{
    arena = arena_new();
    strcpy(folder, "/tmp/lathe-spec-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void tear_down(void)
{
    const char *const names[] = {"fits/curve.lua", "fits", "net.lua", "deep-net.lua", ""};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        remove(arena_printf(arena, "%s/%s", folder, names[i]));
    arena_free(arena);
}

/* A spec and at most two settings, read under protection. */
struct reading {
    const char *path;
    struct spec_setting settings[2];
    int count;
};

static void read_it(void *context)
{
    struct reading *reading = context;
    network = spec_read(arena, reading->path, reading->settings, reading->count);
}

static const char *write_spec(const char *name, const char *text)
{
    const char *path = arena_printf(arena, "%s/%s", folder, name);
    write_file(path, text, strlen(text));
    return path;
}

/* Read TEXT as net.lua, with a setting where KEY is not NULL. */
static void read_set(const char *text, const char *key, const char *value)
{
    struct reading reading = {write_spec("net.lua", text), {{key, value}}, key != NULL};
    if (protected_call(read_it, &reading, &failure) != STATUS_DONE)
        ck_abort_msg("%s", failure.message);
    graph_verify(network->graph);
}

static void read_text(const char *text)
{
    read_set(text, NULL, NULL);
}

/* A network of an image 3x8x8 with LAYERS and what else is given. */
static void read_layers(const char *layers)
{
    read_text(arena_printf(arena, "return network { input = image(3, 8, 8), %s }", layers));
}

static void expect_graph(const char *expected)
{
    struct text out = {0};
    graph_print(network->graph, &out);
    ck_assert_str_eq(out.data, expected);
    text_free(&out);
}

/* TEXT fails with MESSAGE, that of net.lua without its path. */
static void expect_failure(const char *text, const char *message)
{
    struct reading reading = {.path = write_spec("net.lua", text)};
    ck_assert_int_eq(protected_call(read_it, &reading, &failure), STATUS_USER);
    const char *expected = arena_printf(arena, "%s%s", reading.path, message);
    ck_assert_str_eq(failure.message, expected);
}

static const struct node *node_called(const char *name)
{
    for (int i = 0; i < network->graph->nodes.count; i++)
        if (strcmp(network->graph->nodes.items[i]->name, name) == 0)
            return network->graph->nodes.items[i];
    ck_abort_msg("no node %s", name);
}

/* ---- structure and names ---- */

START_TEST(layers_follow_each_other)
{
    read_layers("conv(6, 3), relu(), maxpool(2), flatten(), linear(10)");
    expect_graph("conv1 = conv(input, conv1.weight, conv1.bias) 6x8x8\n"
                 "relu1 = curve(conv1) 6x8x8\n"
                 "maxpool1 = maxpool(relu1) 6x4x4\n"
                 "flatten1 = flatten(maxpool1) 96\n"
                 "linear1 = linear(flatten1, linear1.weight, linear1.bias) 10\n");
    ck_assert_str_eq(network->graph->output->name, "linear1");
    ck_assert_ptr_null(network->graph->loss);
    ck_assert(!network->has_data && !network->has_training);
    ck_assert_int_eq(network->data.channels, 3);
    ck_assert_int_eq(network->data.classes, 0);
}
END_TEST

START_TEST(lists_nest_and_false_is_skipped)
{
    read_layers("{ relu(), { nil, false, tanh() }, {} }, nil, false, sigmoid(), nil");
    expect_graph("relu1 = curve(input) 3x8x8\n"
                 "tanh1 = curve(relu1) 3x8x8\n"
                 "sigmoid1 = curve(tanh1) 3x8x8\n");
}
END_TEST

START_TEST(chains_are_transparent_unless_named)
{
    read_layers("relu(), chain { relu(), chain { relu() } }, chain { relu(), name = 'block' },"
                "chain { relu(), relu { name = 'last' }, name = 'other' }, relu()");
    expect_graph("relu1 = curve(input) 3x8x8\n"
                 "relu2 = curve(relu1) 3x8x8\n"
                 "relu3 = curve(relu2) 3x8x8\n"
                 "block.relu1 = curve(relu3) 3x8x8\n"
                 "other.relu1 = curve(block.relu1) 3x8x8\n"
                 "other.last = curve(other.relu1) 3x8x8\n"
                 "relu4 = curve(other.last) 3x8x8\n");
}
END_TEST

START_TEST(residual_adds_its_input)
{
    read_layers("residual { tanh(), residual { tanh() } }, residual { tanh(), name = 'tail' }");
    expect_graph("residual1.tanh1 = curve(input) 3x8x8\n"
                 "residual1.residual1.tanh1 = curve(residual1.tanh1) 3x8x8\n"
                 "residual1.residual1 = add(residual1.residual1.tanh1, residual1.tanh1) 3x8x8\n"
                 "residual1 = add(residual1.residual1, input) 3x8x8\n"
                 "tail.tanh1 = curve(residual1) 3x8x8\n"
                 "tail = add(tail.tanh1, residual1) 3x8x8\n");
}
END_TEST

START_TEST(concat_has_branches)
{
    read_layers("concat { chain {}, false, { tanh(), relu() }, chain { tanh(), name = 'a' } },"
                "concat { concat { tanh() }, name = 'b' }");
    expect_graph("concat1.branch2.tanh1 = curve(input) 3x8x8\n"
                 "concat1.branch2.relu1 = curve(concat1.branch2.tanh1) 3x8x8\n"
                 "concat1.branch3.a.tanh1 = curve(input) 3x8x8\n"
                 "concat1 = concat(input, concat1.branch2.relu1, concat1.branch3.a.tanh1) 9x8x8\n"
                 "b.branch1.concat1.branch1.tanh1 = curve(concat1) 9x8x8\n"
                 "b.branch1.concat1 = concat(b.branch1.concat1.branch1.tanh1) 9x8x8\n"
                 "b = concat(b.branch1.concat1) 9x8x8\n");
}
END_TEST

START_TEST(residual_may_be_dropped)
{
    read_layers("residual { residual { tanh(), drop = 0.5 }, relu(), drop = 0.25 },"
                "residual { tanh(), drop = 0 }");
    expect_graph("residual1.residual1.tanh1 = curve(input) 3x8x8\n"
                 "residual1.residual1.drop = drop_path(residual1.residual1.tanh1) 3x8x8\n"
                 "residual1.residual1 = add(residual1.residual1.drop, input) 3x8x8\n"
                 "residual1.relu1 = curve(residual1.residual1) 3x8x8\n"
                 "residual1.drop = drop_path(residual1.relu1) 3x8x8\n"
                 "residual1 = add(residual1.drop, input) 3x8x8\n"
                 "residual2.tanh1 = curve(residual1) 3x8x8\n"
                 "residual2 = add(residual2.tanh1, residual1) 3x8x8\n");
    const struct gate *outer = node_called("residual1.relu1")->gate;
    const struct gate *inner = node_called("residual1.residual1.tanh1")->gate;
    ck_assert(outer && outer->p == 0.25 && outer->number == 0 && !outer->outer);
    ck_assert(inner && inner->p == 0.5 && inner->number == 1 && inner->outer == outer);
    ck_assert_ptr_eq(node_called("residual1.residual1.drop")->gate, outer);
    ck_assert_ptr_eq(node_called("residual1.drop")->drop_path.gate, outer);
    ck_assert_ptr_null(node_called("residual1.drop")->gate);
    ck_assert_ptr_null(node_called("residual2.tanh1")->gate);
}
END_TEST

START_TEST(residual_takes_a_shortcut)
{
    const char *body = "conv(4, 3, { stride = 2, bias = false })";
    read_layers(arena_printf(arena,
                             "residual { %s, shortcut = %s },"
                             "residual { relu(), shortcut = { tanh(), false, sigmoid() } }",
                             body, body));
    expect_graph("residual1.conv1 = conv(input, residual1.conv1.weight) 4x4x4\n"
                 "residual1.shortcut.conv1 = conv(input, residual1.shortcut.conv1.weight) 4x4x4\n"
                 "residual1 = add(residual1.conv1, residual1.shortcut.conv1) 4x4x4\n"
                 "residual2.relu1 = curve(residual1) 4x4x4\n"
                 "residual2.shortcut.tanh1 = curve(residual1) 4x4x4\n"
                 "residual2.shortcut.sigmoid1 = curve(residual2.shortcut.tanh1) 4x4x4\n"
                 "residual2 = add(residual2.relu1, residual2.shortcut.sigmoid1) 4x4x4\n");
}
END_TEST

START_TEST(nodes_carry_their_lines)
{
    read_text("local function block(n)\n"
              "  return conv(n, 3)\n"
              "end\n"
              "return network {\n"
              "  input = image(3, 8, 8),\n"
              "  block(4),\n"
              "  residual {\n"
              "    relu() },\n"
              "  loss = mse(),\n"
              "}\n");
    ck_assert_int_eq(node_called("conv1")->where.line, 2);
    ck_assert_int_eq(node_called("residual1")->where.line, 7);
    ck_assert_int_eq(node_called("residual1.relu1")->where.line, 8);
    ck_assert_int_eq(node_called("loss")->where.line, 9);
    ck_assert_str_eq(node_called("loss")->where.file, network->spec_path);
}
END_TEST

START_TEST(bce_takes_logits)
{
    read_layers("flatten(), linear(10), sigmoid(), loss = bce()");
    ck_assert_int_eq(network->loss, LATHE_BCE);
    ck_assert_str_eq(network->graph->loss->producer->inputs[0]->name, "linear1");
    ck_assert_str_eq(network->graph->output->name, "sigmoid1");
    ck_assert(graph_gives_probabilities(network->graph));
    read_layers("flatten(), linear(10), loss = bce()");
    ck_assert_str_eq(network->graph->loss->producer->inputs[0]->name, "linear1");
    ck_assert(!graph_gives_probabilities(network->graph));
    read_layers("flatten(), linear(10), sigmoid(), loss = mse()");
    ck_assert_str_eq(network->graph->loss->producer->inputs[0]->name, "sigmoid1");
    ck_assert(!graph_gives_probabilities(network->graph));
    read_layers("flatten(), linear(10), loss = cross_entropy { smoothing = 0.1 }");
    ck_assert(network->smoothing == 0.1);
    ck_assert(network->graph->loss->producer->loss.smoothing == 0.1);
    read_layers(
        "flatten(), linear(10, { init = zeros() }), linear(3), init = normal { std = 0.2 }");
    ck_assert_int_eq(node_called("linear1")->linear.init.word, INIT_ZEROS);
    ck_assert_int_eq(node_called("linear2")->linear.init.word, INIT_NORMAL);
    ck_assert(node_called("linear2")->linear.init.value == 0.2);
}
END_TEST

START_TEST(cross_entropy_takes_logits)
{
    read_layers("flatten(), linear(10), softmax(), loss = cross_entropy()");
    ck_assert_str_eq(network->graph->output->name, "softmax1");
    ck_assert_str_eq(network->graph->loss->producer->inputs[0]->name, "linear1");
    read_layers("flatten(), linear(10), softmax(), loss = mse()");
    ck_assert_str_eq(network->graph->loss->producer->inputs[0]->name, "softmax1");
    read_layers("flatten(), linear(10), loss = cross_entropy()");
    ck_assert_str_eq(network->graph->loss->producer->inputs[0]->name, "linear1");
}
END_TEST

START_TEST(networks_are_named)
{
    read_layers("relu(), name = 'Deep-Net_2'");
    ck_assert_str_eq(network->name, "deep_net_2");
    read_layers("relu()");
    ck_assert_str_eq(network->name, "net");
    struct reading reading = {
        .path = write_spec("deep-net.lua", "return network { input = vector(2), relu() }")};
    ck_assert_int_eq(protected_call(read_it, &reading, &failure), STATUS_DONE);
    ck_assert_str_eq(network->name, "deep_net");
    ck_assert_str_eq(network->graph->name, "deep_net");
}
END_TEST

START_TEST(a_layer_may_be_used_twice)
{
    read_text("local act, c = relu(), conv(3, 3)\n"
              "return network { input = image(3, 8, 8), c, act, c, act }");
    expect_graph("conv1 = conv(input, conv1.weight, conv1.bias) 3x8x8\n"
                 "relu1 = curve(conv1) 3x8x8\n"
                 "conv2 = conv(relu1, conv2.weight, conv2.bias) 3x8x8\n"
                 "relu2 = curve(conv2) 3x8x8\n");
}
END_TEST

/* ---- attributes and defaults ---- */

START_TEST(conv_has_pytorchs_defaults_but_same_padding)
{
    read_layers("conv(6, 3), conv(8, { 3, 5 }, { stride = { 1, 2 }, pad = { 1, 2, 3, 4 },"
                "dilation = 2, groups = 2, bias = false, init = uniform { bound = 0.5 } }),"
                "conv(2, 3, { pad = 0 }), init = he()");
    const struct conv_attributes *plain = &node_called("conv1")->conv;
    ck_assert(plain->channels == 6 && plain->kernel_h == 3 && plain->kernel_w == 3);
    ck_assert(plain->stride_h == 1 && plain->dilation_w == 1 && plain->groups == 1);
    ck_assert(plain->pad_same && plain->bias && plain->pad_top == 1);
    ck_assert_int_eq(plain->init.word, INIT_HE);
    const struct conv_attributes *full = &node_called("conv2")->conv;
    ck_assert(full->kernel_h == 3 && full->kernel_w == 5);
    ck_assert(full->stride_h == 1 && full->stride_w == 2 && full->dilation_h == 2);
    ck_assert(full->pad_top == 1 && full->pad_left == 2);
    ck_assert(full->pad_bottom == 3 && full->pad_right == 4);
    ck_assert(!full->pad_same && !full->bias && full->groups == 2);
    ck_assert(full->init.word == INIT_UNIFORM && full->init.value == 0.5);
    ck_assert(!node_called("conv3")->conv.pad_same);
}
END_TEST

START_TEST(other_layers_have_pytorchs_defaults)
{
    read_layers("maxpool(2), avgpool(2, { stride = 1, pad = 1 }), batchnorm(), dropout(),"
                "dropout(0.2), globalpool(), flatten(), linear(4, { init = xavier() }),"
                "linear(3, { bias = false })");
    const struct pool_attributes *pool = &node_called("maxpool1")->pool;
    ck_assert(pool->kernel_h == 2 && pool->stride_w == 2 && pool->pad_top == 0);
    pool = &node_called("avgpool1")->pool;
    ck_assert(pool->stride_h == 1 && pool->pad_left == 1 && pool->pad_bottom == 1);
    ck_assert(node_called("batchnorm1")->batchnorm.eps == 1e-5);
    ck_assert(node_called("batchnorm1")->batchnorm.momentum == 0.1);
    ck_assert(node_called("dropout1")->dropout.p == 0.5);
    ck_assert(node_called("dropout2")->dropout.p == 0.2);
    ck_assert_int_eq(node_called("dropout1")->dropout.layer, 0);
    ck_assert_int_eq(node_called("dropout2")->dropout.layer, 1);
    ck_assert_int_eq(node_called("linear1")->linear.init.word, INIT_XAVIER);
    ck_assert(!node_called("linear2")->linear.bias);
    ck_assert_int_eq(node_called("linear2")->linear.init.word, INIT_DEFAULT);
}
END_TEST

START_TEST(curves_keep_their_parameters)
{
    read_layers("relu(), leaky_relu(), leaky_relu(0.2), leaky_relu { a = 0.3 }, sigmoid(),"
                "tanh { table = tangent(0.01, { max = 4 }) }, dynamic { L = 1, Q = 2, I = 3 },"
                "dynamic({ L = 1, Q = 2, I = 3 }, { P = 4, Z = 5, table = exact() }),"
                "piecewise { { -1, 0 }, { 0, 0 }, { 2, 1 } }");
    ck_assert_int_eq(node_called("relu1")->curve->kind, CURVE_RELU);
    ck_assert(node_called("leaky_relu1")->curve->parameter[0] == 0.01);
    ck_assert(node_called("leaky_relu2")->curve->parameter[0] == 0.2);
    ck_assert(node_called("leaky_relu3")->curve->parameter[0] == 0.3);
    ck_assert_int_eq(node_called("sigmoid1")->curve->method, TABLE_EXACT);
    const struct curve *curve = node_called("tanh1")->curve;
    ck_assert(curve->method == TABLE_TANGENT && curve->k == 0.01 && curve->max == 4);
    const double first[] = {1, 2, 3, 2, 10}, second[] = {1, 2, 3, 4, 5};
    curve = node_called("dynamic1")->curve;
    ck_assert(curve->method == TABLE_EXACT && !memcmp(curve->parameter, first, sizeof first));
    ck_assert(!memcmp(node_called("dynamic2")->curve->parameter, second, sizeof second));
    curve = node_called("piecewise1")->curve;
    ck_assert_int_eq(curve->point_count, 3);
    ck_assert(curve->points[0].x == -1 && curve->points[2].x == 2 && curve->points[2].y == 1);
}
END_TEST

START_TEST(weighted_tables_have_histograms)
{
    read_layers("tanh { table = weighted(0.1, { histogram = { from = -2, to = 3, "
                "counts = { 1, 0, 2.5 } } }) },"
                "dynamic { L = 5, Q = 1, I = 1, table = weighted { eps = 0.2, max = 5 }, "
                "histogram = { from = 0, to = 1, counts = { 4 } } },"
                "curve { f = function(x) return x < 0 and 0 or x end, table = weighted(0.1, { "
                "histogram = { from = -1, to = 1, counts = { 1 } } }) }");
    const struct curve *curve = node_called("tanh1")->curve;
    ck_assert(curve->method == TABLE_WEIGHTED && curve->k == 0.1 && curve->max == 0);
    const struct histogram *histogram = curve->histogram;
    ck_assert(histogram->from == -2 && histogram->to == 3 && histogram->bins == 3);
    ck_assert(histogram->counts[0] == 1 && histogram->counts[2] == 2.5);
    curve = node_called("dynamic1")->curve;
    ck_assert(curve->k == 0.2 && curve->max == 5 && curve->histogram->counts[0] == 4);
    curve = node_called("curve1")->curve;
    ck_assert(curve->kind == CURVE_FUNCTION && curve->histogram->bins == 1);
}
END_TEST

START_TEST(activations_have_their_defaults)
{
    read_layers(
        "relu_at(-0.5), elu(), elu(0.5), softplus(), silu { table = tangent(0.1) },"
        "gelu(), gelu { table = minimax(0.1) }, tanh { table = minimax(0.01, { max = 5 }) },"
        " hardswish { table = exact() }, elu { a = 2, table = tangent(0.1) }");
    ck_assert(node_called("relu_at1")->curve->parameter[0] == -0.5);
    ck_assert(node_called("elu1")->curve->parameter[0] == 1);
    ck_assert(node_called("elu2")->curve->parameter[0] == 0.5);
    ck_assert_int_eq(node_called("softplus1")->curve->kind, CURVE_SOFTPLUS);
    ck_assert_int_eq(node_called("silu1")->curve->method, TABLE_TANGENT);
    ck_assert_int_eq(node_called("gelu1")->curve->kind, CURVE_GELU);
    ck_assert_int_eq(node_called("hardswish1")->curve->method, TABLE_EXACT);
    const struct curve *curve = node_called("gelu2")->curve;
    ck_assert(curve->method == TABLE_MINIMAX && curve->k == 0.1 && curve->max == 0);
    curve = node_called("tanh1")->curve;
    ck_assert(curve->method == TABLE_MINIMAX && curve->k == 0.01 && curve->max == 5);
    ck_assert(node_called("elu3")->curve->parameter[0] == 2 &&
              node_called("elu3")->curve->k == 0.1);
}
END_TEST

/* What trains, as specs say it: what stands for optimizer (and other attributes of train), for lr,
 * and what becomes of both. */
static const struct training_case {
    const char *optimizer, *lr;
    struct lathe_training expected;
} training_cases[] = {
    {"adagrad()", "0.1", {.optimizer = {.kind = LATHE_ADAGRAD, .eps = 1e-10}}},
    {"adagrad { lr_decay = 0.5, initial_accumulator = 2, eps = 1, weight_decay = 3, l1 = 4 }",
     "0.1",
     {.optimizer = {.kind = LATHE_ADAGRAD,
                    .lr_decay = 0.5,
                    .initial_accumulator = 2,
                    .eps = 1,
                    .weight_decay = 3,
                    .l1 = 4}}},
    {"rmsprop()", "0.1", {.optimizer = {.kind = LATHE_RMSPROP, .alpha = 0.99, .eps = 1e-8}}},
    {"rmsprop { alpha = 0.5, eps = 1, momentum = 0.25, centered = true, weight_decay = 3, l1 = 4 }",
     "0.1",
     {.optimizer = {.kind = LATHE_RMSPROP,
                    .alpha = 0.5,
                    .eps = 1,
                    .momentum = 0.25,
                    .centered = true,
                    .weight_decay = 3,
                    .l1 = 4}}},
    {"adadelta()", "0.1", {.optimizer = {.kind = LATHE_ADADELTA, .rho = 0.9, .eps = 1e-6}}},
    {"adadelta { rho = 0.5, eps = 1, weight_decay = 3, l1 = 4 }",
     "0.1",
     {.optimizer = {.kind = LATHE_ADADELTA, .rho = 0.5, .eps = 1, .weight_decay = 3, .l1 = 4}}},
    {"adam { amsgrad = true, l1 = 4 }",
     "0.1",
     {.optimizer = {.kind = LATHE_ADAM,
                    .beta1 = 0.9,
                    .beta2 = 0.999,
                    .eps = 1e-8,
                    .amsgrad = true,
                    .l1 = 4}}},
    {"adamw()",
     "0.1",
     {.optimizer =
          {.kind = LATHE_ADAMW, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8, .weight_decay = 0.01}}},
    {"adamw { betas = { 0.5, 0.25 }, eps = 1, weight_decay = 0, amsgrad = true, l1 = 4 }",
     "0.1",
     {.optimizer =
          {.kind = LATHE_ADAMW, .beta1 = 0.5, .beta2 = 0.25, .eps = 1, .amsgrad = true, .l1 = 4}}},
    {"sgd { l1 = 4 }, clip_norm = 5, clip_value = 6",
     "0.1",
     {.optimizer = {.l1 = 4, .clip_norm = 5, .clip_value = 6}}},
    {"sgd()",
     "exponential { lr = 0.5, k = 0.25 }",
     {.schedule = {.kind = LATHE_EXPONENTIAL, .lr = 0.5, .k = 0.25}}},
    {"sgd()",
     "inverse { lr = 0.5, k = 0.25 }",
     {.schedule = {.kind = LATHE_INVERSE, .lr = 0.5, .k = 0.25}}},
    {"sgd()", "cosine { lr = 0.5 }", {.schedule = {.kind = LATHE_COSINE, .lr = 0.5}}},
    {"sgd()",
     "cosine { lr = 0.5, min = 0.25 }",
     {.schedule = {.kind = LATHE_COSINE, .lr = 0.5, .min = 0.25}}},
    {"sgd(), early_stopping = 7", "0.1", {.early_stopping = 7}},
    {"sgd(), curve_lr = 3", "0.1", {.curve_lr = 3}},
    {"sgd()",
     "plateau { lr = 0.5 }",
     {.schedule =
          {.kind = LATHE_PLATEAU, .lr = 0.5, .factor = 0.1, .patience = 10, .threshold = 1e-4}}},
    {"sgd()",
     "warmup(1, plateau { lr = 0.5, factor = 0.25, patience = 0, threshold = 0, cooldown = 2, min "
     "= "
     "0.125 })",
     {.schedule = {.kind = LATHE_PLATEAU,
                   .lr = 0.5,
                   .factor = 0.25,
                   .cooldown = 2,
                   .min = 0.125,
                   .warmup = 1}}},
    {"sgd()", "warmup(2.5, 0.5)", {.schedule = {.lr = 0.5, .warmup = 2.5}}},
    {"sgd()",
     "warmup(3, cosine { lr = 0.5, min = 0.25 })",
     {.schedule = {.kind = LATHE_COSINE, .lr = 0.5, .min = 0.25, .warmup = 3}}},
};

START_TEST(words_of_training_are_read)
{
    const struct training_case *c = &training_cases[_i];
    struct lathe_training expected = c->expected;
    expected.batch = 64;
    expected.epochs = 5;
    if (expected.schedule.lr == 0)
        expected.schedule.lr = 0.1;
    read_text(
        arena_printf(arena,
                     "return network { flatten(), linear(10), data = mnist { validation = 0.1 },"
                     "train = { batch = 64, epochs = 5, optimizer = %s, lr = %s } }",
                     c->optimizer, c->lr));
    const struct lathe_training *given = &network->training;
    ck_assert_int_eq(given->optimizer.kind, expected.optimizer.kind);
    ck_assert_int_eq(given->schedule.kind, expected.schedule.kind);
    for (int i = 0; i < lathe_training_field_count; i++) {
        const struct lathe_field *field = &lathe_training_fields[i];
        double value = lathe_field_get(given, field), wanted = lathe_field_get(&expected, field);
        ck_assert_msg(value == wanted, "%s, %s: %s is %g, expected %g", c->optimizer, c->lr,
                      field->name, value, wanted);
    }
}
END_TEST

START_TEST(learned_activations_keep_their_parameters)
{
    read_layers("prelu(), prelu { init = 0.1, shared = true }, elu_learned { a = 2 },"
                "dynamic { L = 1, Q = 2, I = 3, P = 4, Z = 5, learn = true, table = exact() },"
                "dynamic { L = 1, Q = 2, I = 3, learn = false }");
    expect_graph("prelu1 = learned(input, prelu1.weight) 3x8x8\n"
                 "prelu2 = learned(prelu1, prelu2.weight) 3x8x8\n"
                 "elu_learned1 = learned(prelu2, elu_learned1.weight) 3x8x8\n"
                 "dynamic1 = learned(elu_learned1, dynamic1.L, dynamic1.Q, dynamic1.I) 3x8x8\n"
                 "dynamic2 = curve(dynamic1) 3x8x8\n");
    const struct node *node = node_called("prelu1");
    ck_assert_int_eq(node->inputs[1]->dims[0], 3);
    ck_assert(node->inputs[1]->init_value == 0.25);
    node = node_called("prelu2");
    ck_assert_int_eq(node->inputs[1]->dims[0], 1);
    ck_assert(node->inputs[1]->init_value == 0.1);
    ck_assert(node_called("elu_learned1")->inputs[1]->init_value == 2);
    node = node_called("dynamic1");
    for (int i = 1; i <= 3; i++)
        ck_assert(node->inputs[i]->init_value == i && node->inputs[i]->dims[0] == 1);
    ck_assert(node->learned.power == 4 && node->learned.z == 5);
}
END_TEST

START_TEST(dynamic_relu_brings_its_layers)
{
    read_layers("conv(20, 3), dynamic_relu(),"
                "dynamic_relu { k = 3, reduction = 100, name = 'act' }");
    expect_graph(
        "conv1 = conv(input, conv1.weight, conv1.bias) 20x8x8\n"
        "dynamic_relu1.globalpool1 = globalpool(conv1) 20x1x1\n"
        "dynamic_relu1.flatten1 = flatten(dynamic_relu1.globalpool1) 20\n"
        "dynamic_relu1.linear1 = linear(dynamic_relu1.flatten1, dynamic_relu1.linear1.weight, "
        "dynamic_relu1.linear1.bias) 2\n"
        "dynamic_relu1.relu1 = curve(dynamic_relu1.linear1) 2\n"
        "dynamic_relu1.linear2 = linear(dynamic_relu1.relu1, dynamic_relu1.linear2.weight, "
        "dynamic_relu1.linear2.bias) 80\n"
        "dynamic_relu1 = dynamic_relu(conv1, dynamic_relu1.linear2) 20x8x8\n"
        "act.globalpool1 = globalpool(dynamic_relu1) 20x1x1\n"
        "act.flatten1 = flatten(act.globalpool1) 20\n"
        "act.linear1 = linear(act.flatten1, act.linear1.weight, act.linear1.bias) 1\n"
        "act.relu1 = curve(act.linear1) 1\n"
        "act.linear2 = linear(act.relu1, act.linear2.weight, act.linear2.bias) 120\n"
        "act = dynamic_relu(dynamic_relu1, act.linear2) 20x8x8\n");
}
END_TEST

/* A function is sampled once, where the word stands, and not kept. */
START_TEST(functions_are_sampled)
{
    read_text("local calls = 0\n"
              "local act = curve { f = function(x)\n"
              "  calls = calls + 1\n"
              "  return math.max(0.1 * x, x) - 0.2 / (1 + x * x)\n"
              "end }\n"
              "local counted = calls\n"
              "assert(calls > 1000)\n"
              "local other = curve { f = math.abs, table = tangent(0.1, { max = 3 }) }\n"
              "return network { input = image(3, 8, 8), act, other, act, softplus(),\n"
              "  relu_at(counted == calls and 2 or 1) }");
    const struct curve *act = node_called("curve1")->curve, *other = node_called("curve2")->curve;
    ck_assert_int_eq(act->kind, CURVE_FUNCTION);
    ck_assert(act->method == TABLE_MINIMAX && act->k == 0.01 && act->max == 0);
    ck_assert(other->method == TABLE_TANGENT && other->k == 0.1 && other->max == 3);
    ck_assert(act->points == node_called("curve3")->curve->points);
    ck_assert(node_called("relu_at1")->curve->parameter[0] == 2);
    ck_assert(fabs(curve_value(act, 1) - 0.9) < 1e-4 && fabs(curve_value(act, -9) + 0.9024) < 1e-4);
    ck_assert(curve_value(other, -100) == 100);
}
END_TEST

START_TEST(training_is_read)
{
    const char *spec = "return network { flatten(), linear(10), data = mnist(),"
                       "train = { batch = 64, epochs = 5, optimizer = %s, lr = %s } }";
    read_text(arena_printf(arena, spec, "adam()", "0.1"));
    const struct lathe_training *train = &network->training;
    ck_assert(network->has_training && train->batch == 64 && train->epochs == 5);
    ck_assert(train->optimizer.kind == LATHE_ADAM && train->optimizer.beta1 == 0.9);
    ck_assert(train->optimizer.beta2 == 0.999 && train->optimizer.eps == 1e-8);
    ck_assert(train->optimizer.weight_decay == 0 && train->optimizer.clip_value == 0);
    ck_assert(train->schedule.kind == LATHE_FIXED && train->schedule.lr == 0.1);

    read_text(arena_printf(arena, spec, "sgd { momentum = 0.9, nesterov = true }, clip_value = 2",
                           "onecycle { max = 0.01 }"));
    train = &network->training;
    ck_assert(train->optimizer.kind == LATHE_SGD && train->optimizer.momentum == 0.9);
    ck_assert(train->optimizer.nesterov && train->optimizer.clip_value == 2);
    ck_assert(train->schedule.kind == LATHE_ONECYCLE && train->schedule.lr == 0.01);
    ck_assert(train->schedule.pct_start == 0.3 && train->schedule.div_factor == 25);
    ck_assert(train->schedule.final_div_factor == 1e4 && train->schedule.cycle_momentum);
    ck_assert(train->schedule.base_momentum == 0.85 && train->schedule.max_momentum == 0.95);

    read_text(arena_printf(arena, spec, "sgd()", "steps { lr = 1, every = 20 }"));
    train = &network->training;
    ck_assert(train->schedule.kind == LATHE_STEPS && train->schedule.gamma == 0.1);
    ck_assert(train->schedule.every == 20 && train->optimizer.momentum == 0);
}
END_TEST

START_TEST(data_are_read)
{
    read_text("return network { flatten(), linear(100), data = cifar100 { subset = 0.1,"
              "augment = { crop(24, { pad = 4, mode = 'reflect' }), hflip() },"
              "normalize = { mean = { 0.25, 0.5, 0.75 }, std = { 1, 2, 4 } } } }");
    const struct lathe_data *data = &network->data;
    ck_assert(network->has_data && data->source == LATHE_CIFAR100 && data->classes == 100);
    ck_assert(data->channels == 3 && data->height == 24 && data->width == 24);
    ck_assert(data->mean[1] == 0.5f && data->deviation[2] == 4 && data->subset == 0.1);
    ck_assert_int_eq(data->augmentation_count, 2);
    ck_assert(data->augmentation[0].kind == LATHE_CROP && data->augmentation[0].reflect);
    ck_assert(data->augmentation[0].size == 24 && data->augmentation[0].pad == 4);
    ck_assert(data->augmentation[1].kind == LATHE_HFLIP && data->augmentation[1].p == 0.5f);
    ck_assert_int_eq(network->loss, LATHE_CROSS_ENTROPY);
    ck_assert_ptr_nonnull(network->graph->loss);
    ck_assert_str_eq(tensor_shape_text(arena, network->graph->input), "3x24x24");

    read_text("return network { flatten(), linear(10), data = digits() }");
    ck_assert(network->data.mean[0] == 0 && network->data.deviation[0] == 1);
    ck_assert(network->data.subset == 1 && network->data.classes == 10);
    ck_assert(network->data.validation == 0);
    read_text("return network { flatten(), linear(10), data = digits { validation = 0.25 } }");
    ck_assert(network->data.validation == 0.25);
}
END_TEST

START_TEST(points_are_a_regression_with_one_output)
{
    read_text("return network { linear(1), data = points 'xor', loss = mse() }");
    ck_assert_int_eq(network->data.classes, 0);
    ck_assert_int_eq(network->loss, LATHE_MSE);
    read_text("return network { linear(1), sigmoid(), data = points 'xor', loss = bce() }");
    ck_assert_int_eq(network->data.classes, 0);
    read_text("return network { linear(2), data = points 'xor' }");
    ck_assert_int_eq(network->data.classes, 2);
    ck_assert_str_eq(tensor_shape_text(arena, network->graph->input), "2");
}
END_TEST

/* ---- recipes: the same training as text ---- */

/* Every word with fields that are not their defaults, and as it is alone; what a recipe says. */
static const struct {
    const char *full, *plain, *recipe;
} optimizer_words[] =
    {
        {"sgd { momentum = 0.9, dampening = 0.1, weight_decay = 0.01 }", "sgd()", "optimizer=sgd"},
        {"sgd { momentum = 0.7, nesterov = true }", "sgd()", "optimizer=sgd"},
        {"adagrad { lr_decay = 0.5, initial_accumulator = 2, eps = 1, l1 = 4 }", "adagrad()",
         "optimizer=adagrad"},
        {"rmsprop { alpha = 0.5, eps = 1, momentum = 0.25, centered = true }", "rmsprop()",
         "optimizer=rmsprop"},
        {"adadelta { rho = 0.5, eps = 1, weight_decay = 3 }", "adadelta()", "optimizer=adadelta"},
        {"adam { betas = { 0.7, 0.8 }, eps = 0.1, weight_decay = 1/3 }", "adam()",
         "optimizer=adam"},
        {"adamw { betas = { 0.7, 0.8 }, eps = 0.1, amsgrad = true, weight_decay = 1/3 }", "adamw()",
         "optimizer=adamw"},
},
  schedule_words[] = {
      {"0.7", "0.1", "schedule=fixed,lr=0.1"},
      {"steps { lr = 0.3, every = 7, gamma = 0.5 }", "steps { lr = 0.1, every = 3 }",
       "schedule=steps,lr=0.1,every=3"},
      {"exponential { lr = 0.3, k = 0.5 }", "exponential { lr = 0.1, k = 3 }",
       "schedule=exponential,lr=0.1,k=3"},
      {"inverse { lr = 0.3, k = 0.5 }", "inverse { lr = 0.1, k = 3 }",
       "schedule=inverse,lr=0.1,k=3"},
      {"cosine { lr = 0.3, min = 0.2 }", "cosine { lr = 0.1 }", "schedule=cosine,lr=0.1"},
      {"warmup(2.5, 0.7)", "warmup(2, 0.1)", "schedule=fixed,lr=0.1,warmup=2"},
      {"plateau { lr = 0.3, factor = 0.5, patience = 0, threshold = 0.01, cooldown = 2, min = 0.1 "
       "}",
       "plateau { lr = 0.1 }", "schedule=plateau,lr=0.1"},
      {"onecycle { max = 0.3, pct_start = 0.7, div_factor = 3, final_div_factor = 7, "
       "cycle_momentum "
       "= false, base_momentum = 0.3, max_momentum = 0.7 }",
       "onecycle { max = 0.1 }", "schedule=onecycle,lr=0.1"},
};
enum {
    OPTIMIZER_WORDS = sizeof optimizer_words / sizeof *optimizer_words,
    SCHEDULE_WORDS = sizeof schedule_words / sizeof *schedule_words
};

static struct lathe_training training_of(const char *optimizer, const char *schedule,
                                         const char *more)
{
    read_text(
        arena_printf(arena,
                     "return network { flatten(), linear(10), data = digits { validation = 0.5 }, "
                     "train = { batch = 4, "
                     "epochs = 2, optimizer = %s, lr = %s%s } }",
                     optimizer, schedule, more));
    return network->training;
}

/* Struct for struct: there is no field that the recipe forgets. */
START_TEST(recipes_carry_every_field)
{
    enum { ALL = OPTIMIZER_WORDS * SCHEDULE_WORDS };
    struct lathe_training all[ALL], plain[ALL];
    for (int i = 0; i < ALL; i++) {
        const char *optimizer = optimizer_words[i / SCHEDULE_WORDS].full;
        const char *schedule = schedule_words[i % SCHEDULE_WORDS].full;
        all[i] = training_of(optimizer, schedule,
                             ", clip_value = 3, clip_norm = 4, early_stopping = 5, curve_lr = 6");
        plain[i] = training_of(optimizer, schedule, "");
    }
    for (int i = 0; i < ALL; i++)
        for (int k = 0; k < ALL; k++) {
            char text[LATHE_RECIPE_TEXT];
            struct lathe_error error;
            struct lathe_training given = plain[k];
            lathe_recipe_write(&all[i], text);
            ck_assert_msg(lathe_recipe_read(text, &given, &error), "%s", error.message);
            ck_assert_mem_eq(&given, &all[i], sizeof given);
        }
}
END_TEST

START_TEST(recipes_have_the_words_defaults)
{
    for (int i = 0; i < OPTIMIZER_WORDS; i++)
        for (int j = 0; j < SCHEDULE_WORDS; j++) {
            struct lathe_error error;
            struct lathe_training expected =
                training_of(optimizer_words[i].plain, schedule_words[j].plain, "");
            struct lathe_training given = training_of(i ? "sgd()" : "adam()", "0.5", "");
            const char *text =
                arena_printf(arena, "%s,%s", schedule_words[j].recipe, optimizer_words[i].recipe);
            ck_assert_msg(lathe_recipe_read(text, &given, &error), "%s", error.message);
            ck_assert_mem_eq(&given, &expected, sizeof given);
        }
}
END_TEST

/* How many words of KIND the language has: the rows of its table. */
static int words_of_kind(const char *kind)
{
    struct text out = {0};
    spec_print_reference(&out);
    const char *row = strstr(out.data, arena_printf(arena, "### %s\n", kind));
    ck_assert_ptr_nonnull(row);
    int rows = 0;
    for (row = strstr(row, "\n|---"); row && strncmp(row, "\n|", 2) == 0;
         row = strchr(row + 1, '\n'))
        rows++;
    text_free(&out);
    return rows - 1;
}

START_TEST(no_word_is_missing_above)
{
    ck_assert_int_eq(words_of_kind("optimizer"), OPTIMIZER_WORDS - 1); /* sgd twice */
    ck_assert_int_eq(words_of_kind("schedule"), SCHEDULE_WORDS - 1);   /* a number is no word */
}
END_TEST

START_TEST(wrong_recipes_are_refused)
{
    static const char *const wrong[][2] = {
        {"momentun=1", "no field 'momentun' (there are early_stopping, *"},
        {"momentum", "expected FIELD=VALUE, given 'momentum'"},
        {"lr=", "expected FIELD=VALUE, given 'lr='"},
        {",lr=1", "expected FIELD=VALUE, given ''"},
        {"lr=high", "lr: expected a number, given 'high'"},
        {"lr=-1", "lr: expected 0 to 1e+06, given -1"},
        {"lr=nan", "lr: expected 0 to 1e+06, given nan"},
        {"eps=1", "eps is not of sgd with schedule fixed"},
        {"optimizer=sdg", "optimizer: expected one of sgd, *, given 'sdg'"},
        {"nesterov=1", "nesterov: expected true or false, given '1'"},
        {"schedule=steps", "sgd with schedule steps needs every=..."},
        {"schedule=exponential", "sgd with schedule exponential needs k=..."},
        {"early_stopping=1.5", "early_stopping: expected a whole number, 0 to 1e+06, given 1.5"},
        {"momentum=0.5,optimizer=adam", "momentum is not of adam with schedule fixed"},
    };
    const struct lathe_training before = training_of("sgd()", "0.1", "");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct lathe_error error;
        struct lathe_training training = before;
        ck_assert(!lathe_recipe_read(wrong[i][0], &training, &error));
        const char *expected = arena_printf(arena, "recipe: %s", wrong[i][1]);
        ck_assert_msg(fnmatch(expected, error.message, 0) == 0, "%s", error.message);
        ck_assert_mem_eq(&training, &before, sizeof before);
    }
}
END_TEST

START_TEST(recipes_tell_what_differs)
{
    char a[80], b[80];
    const char *one = "optimizer=sgd,momentum=0,schedule=fixed,lr=1";
    ck_assert(!lathe_recipe_difference(one, "optimizer=sgd,momentum=0,schedule=fixed,lr=2", a, b));
    ck_assert(lathe_recipe_difference(one, "optimizer=sgd,momentum=0.5,schedule=fixed,lr=1", a, b));
    ck_assert_str_eq(a, "momentum=0");
    ck_assert_str_eq(b, "momentum=0.5");
    ck_assert(lathe_recipe_difference(one, "optimizer=sgd,momentum=0,lr=1", a, b));
    ck_assert_str_eq(b, "no schedule");
}
END_TEST

/* ---- options, fits, digest ---- */

static const char with_options[] =
    "local o = options { units = 4, scale = 0.5, deep = false, act = choice { 'relu', 'tanh' },"
    "                    word = 'none' }\n"
    "return network { input = vector(2), name = o.word, o.deep and linear(7),"
    "                 linear(o.units), dropout(o.scale), o.act == 'tanh' and tanh() }";

START_TEST(settings_replace_defaults)
{
    read_text(with_options);
    ck_assert_int_eq(network->graph->nodes.count, 2);
    ck_assert_int_eq(node_called("linear1")->linear.units, 4);
    ck_assert(node_called("dropout1")->dropout.p == 0.5);
    read_set(with_options, "units", "9");
    ck_assert_int_eq(node_called("linear1")->linear.units, 9);
    read_set(with_options, "scale", "0.25");
    ck_assert(node_called("dropout1")->dropout.p == 0.25);
    read_set(with_options, "deep", "true");
    ck_assert_int_eq(node_called("linear1")->linear.units, 7);
    read_set(with_options, "act", "tanh");
    ck_assert_ptr_nonnull(node_called("tanh1"));
    read_set(with_options, "word", "some");
    ck_assert_str_eq(network->name, "some");
}
END_TEST

START_TEST(the_last_of_equal_settings_holds)
{
    struct reading reading = {
        write_spec("net.lua", with_options), {{"units", "5"}, {"units", "6"}}, 2};
    ck_assert_int_eq(protected_call(read_it, &reading, &failure), STATUS_DONE);
    ck_assert_int_eq(node_called("linear1")->linear.units, 6);
}
END_TEST

static const char with_fit[] = "return network { input = vector(2), dynamic(fit 'curve') }";

START_TEST(fits_are_read_beside_the_spec)
{
    make_folder(arena_printf(arena, "%s/fits", folder));
    write_spec("fits/curve.lua", "return { L = 2 * 2, Q = 5, I = 6 }");
    read_text(with_fit);
    ck_assert(node_called("dynamic1")->curve->parameter[DYNAMIC_L] == 4);
}
END_TEST

START_TEST(a_fit_gives_each_layer_the_curve_of_its_name)
{
    make_folder(arena_printf(arena, "%s/fits", folder));
    write_spec("fits/curve.lua",
               "return { layers = { dynamic1 = { L = 1, Q = 2, I = 3, P = 4, Z = 5 },"
               "  ['body.dynamic1'] = { L = 6, Q = 7, I = 8 } },"
               "  found = { score = 0.5 }, histogram = { from = 0, to = 1, counts = { 3 } } }");
    read_text("local act = dynamic(fit 'curve', { table = tangent(0.5) })"
              "return network { input = vector(2), act, chain { act, name = 'body' } }");
    const struct curve *first = node_called("dynamic1")->curve;
    const struct curve *second = node_called("body.dynamic1")->curve;
    const double own[] = {1, 2, 3, 4, 5}, other[] = {6, 7, 8, 2, 10};
    for (int i = 0; i < CURVE_PARAMETERS; i++) {
        ck_assert(first->parameter[i] == own[i]);
        ck_assert(second->parameter[i] == other[i]);
    }
    ck_assert(second->method == TABLE_TANGENT && second->k == 0.5);
}
END_TEST

START_TEST(what_a_fit_says_of_itself_is_no_attribute)
{
    make_folder(arena_printf(arena, "%s/fits", folder));
    write_spec("fits/curve.lua", "return { L = 1, Q = 2, I = 3, found = { L = 4 },"
                                 "         histogram = { from = 0, to = 1, counts = { 3 } } }");
    read_text(with_fit);
    ck_assert(node_called("dynamic1")->curve->parameter[DYNAMIC_L] == 1);
}
END_TEST

START_TEST(a_fit_is_a_plain_file)
{
    make_folder(arena_printf(arena, "%s/fits", folder));
    ck_assert_int_eq(symlink("/etc/passwd", arena_printf(arena, "%s/fits/curve.lua", folder)), 0);
    const char *path = arena_printf(arena, "%s/fits/curve.lua is a link, or below one", folder);
    expect_failure(with_fit, arena_printf(arena, ":1: fit 'curve': %s", path));
}
END_TEST

START_TEST(digest_depends_on_all_that_was_read)
{
    char digests[4][65];
    make_folder(arena_printf(arena, "%s/fits", folder));
    write_spec("fits/curve.lua", "return { L = 4, Q = 5, I = 6 }");
    read_text(with_fit);
    strcpy(digests[0], network->digest);
    read_text(with_fit);
    ck_assert_str_eq(digests[0], network->digest);
    write_spec("fits/curve.lua", "return { L = 4, Q = 5, I = 7 }");
    read_text(with_fit);
    strcpy(digests[1], network->digest);
    read_text(with_options);
    strcpy(digests[2], network->digest);
    read_set(with_options, "units", "4");
    strcpy(digests[3], network->digest);
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < i; j++)
            ck_assert_str_ne(digests[i], digests[j]);
    ck_assert_uint_eq(strspn(digests[0], "0123456789abcdef"), 64);
}
END_TEST

/* FIPS 180-4's own examples (NIST: SHA256.pdf, SHA2_Additional.pdf), and a million times "a". */
START_TEST(sha256_is_the_standards)
{
    static const struct {
        const char *text;
        int times;
        const char *digest;
    } examples[] = {
        {"abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {"a", 1000000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
    };
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        struct sha256 hash;
        char hex[65];
        sha256_begin(&hash);
        for (int n = 0; n < examples[i].times; n++)
            sha256_add(&hash, examples[i].text, strlen(examples[i].text));
        sha256_end(&hash, hex);
        ck_assert_str_eq(hex, examples[i].digest);
    }
}
END_TEST

/* ---- what specs can do ---- */

START_TEST(the_sandbox_computes)
{
    read_text("local t = { 3, 1, 2 }\n"
              "table.sort(t, function(a, b) return a > b end)\n"
              "assert(table.concat(t, ',') == '3,2,1' and #t == 3)\n"
              "assert(select('#', table.unpack(t)) == 3 and math.max(table.unpack(t)) == 3)\n"
              "table.insert(t, 4); assert(table.remove(t, 1) == 3)\n"
              "assert(('%d-%5.2f-%s'):format(1, 2.5, 'x') == '1- 2.50-x')\n"
              "assert(('ab'):rep(2, ',') == 'ab,ab' and (''):rep(5) == '')\n"
              "assert(('x'):rep(-1) == '' and ('abc'):sub(2, 2):upper() == 'B')\n"
              "assert(tonumber('0x10') == 16 and type(nil) == 'nil' and math.pi > 3)\n"
              "assert(tostring({}) == 'table' and tostring(conv(1, 1)) == 'conv')\n"
              "assert(('%s %s'):format({}, true) == 'table true')\n"
              "return network { input = vector(2), relu() }");
}
END_TEST

START_TEST(globals_of_the_spec_work)
{
    read_text("function layer(n) return linear(n) end\n"
              "units = 3\n"
              "return network { input = vector(2), layer(units) }");
    ck_assert_int_eq(node_called("linear1")->linear.units, 3);
}
END_TEST

/* Lua seeds its hashes anew in each state: without an order these would differ between runs. */
START_TEST(pairs_and_next_are_in_order)
{
    read_text(
        "local t, seen = { 10, 20, zeta = 1, alpha = 2, [true] = 3, [1.5] = 4, [-1] = 5 }, {}\n"
        "for k, v in pairs(t) do seen[#seen + 1] = tostring(k) .. '=' .. v end\n"
        "local all = table.concat(seen, ' ')\n"
        "assert(all == '-1=5 1=10 1.5=4 2=20 alpha=2 zeta=1 true=3', all)\n"
        "local again, k, v = {}, next(t)\n"
        "while k ~= nil do\n"
        "  again[#again + 1] = tostring(k) .. '=' .. v\n"
        "  k, v = next(t, k)\n"
        "end\n"
        "assert(table.concat(again, ' ') == all)\n"
        "for k in pairs(t) do t[k] = nil end\n"
        "assert(next(t) == nil and next({}) == nil)\n"
        "return network { input = vector(2), relu() }");
}
END_TEST

START_TEST(data_sets_tell_their_classes)
{
    read_text("local set = cifar100()\n"
              "return network { flatten(), linear(set.classes), data = set }");
    ck_assert_int_eq(node_called("linear1")->linear.units, 100);
}
END_TEST

START_TEST(errors_have_the_line_of_the_call)
{
    expect_failure("\nreturn network {\n  input = image(1, 8, 8),\n"
                   "  maxpool(2, { pad = { 2, 1, 0, 1 } }),\n}",
                   ":4: maxpool1: padding 2 must be smaller than the kernel's height 2");
    expect_failure("\nreturn network {\n  input = image(1, 8, 8),\n"
                   "  avgpool(2, { pad = { 1, 0, 1, 2 } }),\n}",
                   ":4: avgpool1: padding 2 must be smaller than the kernel's width 2");
    expect_failure("local function f(n)\n  return conv(n, 3)\nend\nlocal g = f(-1)\n",
                   ":2: conv: channels must be a whole number from 1 to 65536, given -1");
    expect_failure("\nreturn network {\n  input = vector(2),\n  linear(2,\n    { units = 3 }),\n}",
                   ":4: linear: units is given twice");
}
END_TEST

START_TEST(specs_are_files)
{
    struct reading reading = {.path = "/nowhere/net.lua"};
    ck_assert_int_eq(protected_call(read_it, &reading, &failure), STATUS_USER);
    ck_assert_str_eq(failure.message, "cannot read /nowhere/net.lua: No such file or directory");
    reading.path = "/dev/null";
    ck_assert_int_eq(protected_call(read_it, &reading, &failure), STATUS_USER);
    ck_assert_str_eq(failure.message, "cannot read /dev/null: not a plain file");
    char *large = arena_alloc(arena, (1 << 17) + 2, 1);
    memset(large, ' ', (1 << 17) + 1);
    reading.path = write_spec("net.lua", large);
    ck_assert_int_eq(protected_call(read_it, &reading, &failure), STATUS_USER);
    ck_assert_str_eq(
        failure.message,
        arena_printf(arena, "cannot read %s: 131073 bytes, at most 131072 are read", reading.path));
}
END_TEST

START_TEST(the_reference_has_every_word)
{
    static const char *const words[] = {"network",   "conv(",      "residual {",
                                        "dynamic {", "onecycle {", "crop(",
                                        "fit",       "choice",     "`eps` = 1e-05"};
    struct text out = {0};
    spec_print_reference(&out);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        ck_assert_msg(strstr(out.data, words[i]), "%s", words[i]);
    text_free(&out);
}
END_TEST

/* ---- the specs that come with lathe ---- */

static void read_spec(const char *path, const char *key, const char *value)
{
    struct reading reading = {path, {{key, value}}, key != NULL};
    if (protected_call(read_it, &reading, &failure) != STATUS_DONE)
        ck_abort_msg("%s", failure.message);
    graph_verify(network->graph);
    ck_assert(network->has_data && network->has_training);
}

static size_t parameters(void)
{
    size_t sum = 0;
    for (int i = 0; i < network->graph->tensors.count; i++)
        if (network->graph->tensors.items[i]->kind == TENSOR_PARAMETER)
            sum += tensor_elements(network->graph->tensors.items[i]);
    return sum;
}

START_TEST(our_specs_are_what_they_say)
{
    read_spec("specs/xor.lua", NULL, NULL);
    ck_assert_int_eq(network->data.classes, 0);
    read_spec("specs/mlp.lua", "data", "digits");
    ck_assert_uint_eq(parameters(), 784 * 800 + 800 + 800 * 10 + 10);
    read_spec("specs/lenet5.lua", "data", "fashion_mnist");
    ck_assert_uint_eq(parameters(), 61706);
    read_spec("specs/resnet9.lua", "data", "cifar10");
    ck_assert_uint_eq(parameters(), 6575370);
    static const char *const acts[] = {"relu", "tanh", "sigmoid", "dynamic", "table"};
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++)
        read_spec("specs/lenet5.lua", "act", acts[i]);
}
END_TEST

START_TEST(resnet9_has_the_published_curves)
{
    read_spec("specs/resnet9.lua", "act", "layers");
    ck_assert(node_called("dynamic1")->curve->parameter[DYNAMIC_L] == 18.803015465431965);
    ck_assert(node_called("residual1.dynamic1")->curve->parameter[DYNAMIC_I] == -1);
    ck_assert(node_called("dynamic4")->curve->parameter[DYNAMIC_Q] == 0.05623413251903491);
    ck_assert(node_called("residual2.dynamic2")->curve->parameter[DYNAMIC_L] == 0);
    read_spec("specs/resnet9.lua", "act", "exact");
    ck_assert(node_called("dynamic1")->curve->parameter[DYNAMIC_L] == 55.9344471040698);
    ck_assert_int_eq(node_called("dynamic1")->curve->method, TABLE_EXACT);
    read_spec("specs/resnet9.lua", "k", "0.02");
    ck_assert(node_called("dynamic1")->curve->k == 0.02);
    ck_assert_int_eq(network->data.classes, 100);
}
END_TEST

/* What the bench calls a curve of 16 pieces. */
START_TEST(resnet9_has_mish_as_16_pieces)
{
    read_spec("specs/resnet9.lua", "act", "mish");
    struct curve *curve = node_called("curve1")->curve;
    if (!curve->table)
        curve_tabulate(network->arena, curve);
    ck_assert_int_eq(curve->table->count, 16);
    for (double x = -8; x <= 8; x += 0.01) {
        double softplus = log1p(exp(x));
        ck_assert_double_eq_tol(curve_value(curve, x), x * tanh(softplus), 1e-4);
    }
}
END_TEST

/* ---- tests/bad ---- */

static struct dirent **bad;
static int bad_count;

static int is_spec(const struct dirent *entry)
{
    const char *end = strrchr(entry->d_name, '.');
    return end && strcmp(end, ".lua") == 0;
}

/* The setting of a spec whose first line is "-- set: K=V". */
static int first_line_setting(const char *path, struct spec_setting *setting)
{
    size_t length;
    char *text = read_file(arena, path, &length);
    if (strncmp(text, "-- set: ", 8) != 0)
        return 0;
    text[strcspn(text, "\n")] = '\0';
    char *equals = strchr(text, '=');
    ck_assert_ptr_nonnull(equals);
    *equals = '\0';
    *setting = (struct spec_setting){text + 8, equals + 1};
    return 1;
}

START_TEST(bad_specs_are_refused)
{
    const char *name = bad[_i]->d_name;
    setenv("LATHE_SPEC_SECONDS", "1.75", 0); /* the bound without sanitizers */
    struct reading reading = {.path = arena_printf(arena, "tests/bad/%s", name)};
    reading.count = first_line_setting(reading.path, reading.settings);
    clock_t start = clock();
    ck_assert_int_eq(protected_call(read_it, &reading, &failure), STATUS_USER);
    double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
    ck_assert_msg(seconds < 2, "%s took %.1f s", name, seconds);

    const char *line = arena_printf(arena, "%s\n", failure.message);
    const char *path = arena_printf(arena, "tests/bad/%.*s.expected", (int)strlen(name) - 4, name);
    if (getenv("LATHE_BLESS"))
        write_file(path, line, strlen(line));
    size_t length;
    ck_assert_str_eq(line, read_file(arena, path, &length));
}
END_TEST

START_TEST(there_are_bad_specs)
{
    ck_assert_int_ge(bad_count, 60);
}
END_TEST

static TCase *language_tests(void)
{
    TCase *tests = tcase_create("language");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, layers_follow_each_other);
    tcase_add_test(tests, lists_nest_and_false_is_skipped);
    tcase_add_test(tests, chains_are_transparent_unless_named);
    tcase_add_test(tests, residual_adds_its_input);
    tcase_add_test(tests, concat_has_branches);
    tcase_add_test(tests, residual_may_be_dropped);
    tcase_add_test(tests, residual_takes_a_shortcut);
    tcase_add_test(tests, nodes_carry_their_lines);
    tcase_add_test(tests, cross_entropy_takes_logits);
    tcase_add_test(tests, bce_takes_logits);
    tcase_add_test(tests, networks_are_named);
    tcase_add_test(tests, a_layer_may_be_used_twice);
    tcase_add_test(tests, conv_has_pytorchs_defaults_but_same_padding);
    tcase_add_test(tests, other_layers_have_pytorchs_defaults);
    tcase_add_test(tests, curves_keep_their_parameters);
    tcase_add_test(tests, weighted_tables_have_histograms);
    tcase_add_test(tests, activations_have_their_defaults);
    tcase_add_test(tests, learned_activations_keep_their_parameters);
    tcase_add_test(tests, dynamic_relu_brings_its_layers);
    tcase_add_test(tests, functions_are_sampled);
    tcase_add_test(tests, training_is_read);
    tcase_add_loop_test(tests, words_of_training_are_read, 0,
                        (int)(sizeof training_cases / sizeof *training_cases));
    tcase_add_test(tests, data_are_read);
    tcase_add_test(tests, points_are_a_regression_with_one_output);
    tcase_add_test(tests, recipes_carry_every_field);
    tcase_add_test(tests, recipes_have_the_words_defaults);
    tcase_add_test(tests, no_word_is_missing_above);
    tcase_add_test(tests, wrong_recipes_are_refused);
    tcase_add_test(tests, recipes_tell_what_differs);
    tcase_add_test(tests, settings_replace_defaults);
    tcase_add_test(tests, the_last_of_equal_settings_holds);
    tcase_add_test(tests, fits_are_read_beside_the_spec);
    tcase_add_test(tests, a_fit_gives_each_layer_the_curve_of_its_name);
    tcase_add_test(tests, what_a_fit_says_of_itself_is_no_attribute);
    tcase_add_test(tests, a_fit_is_a_plain_file);
    tcase_add_test(tests, digest_depends_on_all_that_was_read);
    return tests;
}

static TCase *room_tests(void)
{
    TCase *tests = tcase_create("room");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, sha256_is_the_standards);
    tcase_add_test(tests, the_sandbox_computes);
    tcase_add_test(tests, globals_of_the_spec_work);
    tcase_add_test(tests, pairs_and_next_are_in_order);
    tcase_add_test(tests, data_sets_tell_their_classes);
    tcase_add_test(tests, errors_have_the_line_of_the_call);
    tcase_add_test(tests, specs_are_files);
    tcase_add_test(tests, the_reference_has_every_word);
    tcase_add_test(tests, our_specs_are_what_they_say);
    tcase_add_test(tests, resnet9_has_the_published_curves);
    tcase_add_test(tests, resnet9_has_mish_as_16_pieces);
    return tests;
}

Suite *spec_suite(void);

Suite *spec_suite(void)
{
    Suite *suite = suite_create("spec");
    suite_add_tcase(suite, language_tests());
    suite_add_tcase(suite, room_tests());
    bad_count = scandir("tests/bad", &bad, is_spec, alphasort);
    TCase *tests = tcase_create("bad");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_set_timeout(tests, 30);
    tcase_add_test(tests, there_are_bad_specs);
    if (bad_count > 0)
        tcase_add_loop_test(tests, bad_specs_are_refused, 0, bad_count);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(spec_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    for (int i = 0; i < bad_count; i++)
        free(bad[i]);
    free(bad);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
