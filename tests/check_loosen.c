/*
 * check_loosen: Dynamic curves that are numbers of the running program: the pass, tables as rows of
 * numbers, their value and slope, ties, steps of curves, and programs that are built so.
 */
#define _GNU_SOURCE
#include "../gen/build.h"
#include "../gen/cc.h"
#include "../gen/curve_weights.h"
#include "../gen/interp.h"
#include "../gen/spec.h"
#include "../gen/verify.h"
#include "../runtime/curves.h"
#include "../runtime/safetensors.h"
#include "child.h"
#include "curves.h"
#include "kernels.h"

#include <dlfcn.h>
#include <float.h>
#include <unistd.h>

static const char spec[] = "tests/num/loose.lua";

static struct network *read_spec(const char *table)
{
    const struct spec_setting setting = {"table", table};
    return spec_read(arena, spec, &setting, 1);
}

static struct node *node_of(const struct network *network, const char *name)
{
    for (int i = 0; i < network->graph->nodes.count; i++)
        if (strcmp(network->graph->nodes.items[i]->name, name) == 0)
            return network->graph->nodes.items[i];
    ck_abort_msg("no node %s", name);
}

/* ---- the pass ---- */

static const char *const plain_parameters[] = {"conv1.weight",
                                               "conv1.bias",
                                               "batchnorm1.weight",
                                               "batchnorm1.bias",
                                               "batchnorm1.running_mean",
                                               "batchnorm1.running_var",
                                               "residual1.conv1.weight",
                                               "residual1.conv1.bias"};

/* What is drawn is drawn as without the pass: new parameters stand last, L, Q, I are gone. */
START_TEST(new_parameters_stand_last)
{
    static const char *const last[][9] = {
        [CURVES_TABLES] = {"dynamic1.table", "residual1.dynamic1.table", "dynamic2.table"},
        [CURVES_LEARNED] = {"dynamic1.L", "dynamic1.Q", "dynamic1.I", "residual1.dynamic1.L",
                            "residual1.dynamic1.Q", "residual1.dynamic1.I", "dynamic2.L",
                            "dynamic2.Q", "dynamic2.I"}};
    int added = _i == CURVES_TABLES ? 3 : 9;
    struct network *network = read_spec(_i == CURVES_TABLES ? "tangent" : "none");
    loosen_curves(network->graph, (enum curves)_i, 16);
    for (int again = 0; again < 2; again++) {
        struct lathe_parameter *parameters;
        size_t trainable, state;
        int count = interp_parameters(arena, network->graph, &parameters, &trainable, &state);
        for (int i = 0; i < (int)(sizeof plain_parameters / sizeof *plain_parameters); i++)
            ck_assert_str_eq(parameters[i].name, plain_parameters[i]);
        for (int i = 0; i < added; i++) {
            const struct lathe_parameter *p = &parameters[count - added + i];
            ck_assert_str_eq(p->name, last[_i == CURVES_TIED ? CURVES_LEARNED : _i][i]);
            ck_assert_int_eq(p->trainable, _i != CURVES_TABLES);
            ck_assert_int_eq(p->tie, _i == CURVES_TIED ? i % 3 + 1 : 0);
            ck_assert_int_eq(p->unit > 0, _i != CURVES_TABLES);
        }
        ck_assert_int_eq(count, 16 + added);
        graph_verify(network->graph);
        loosen_curves(network->graph, (enum curves)_i, 16); /* once is enough */
    }
}
END_TEST

START_TEST(tables_begin_as_the_specs)
{
    struct network *network = read_spec("tangent");
    loosen_curves(network->graph, CURVES_TABLES, 7);
    const struct tensor *table = node_of(network, "dynamic1")->inputs[1];
    struct curve expected = tangent(dynamic(55.9344, 12, 0.02924, 2), 0.1, 0);
    ck_assert(table->kind == TENSOR_BUFFER && table->dims[0] == 3 && table->dims[1] == 7);
    ck_assert_int_eq(expected.table->count, 5);
    for (int i = 0; i < 7; i++) {
        const struct piece *piece = &expected.table->pieces[min_int(i, 4)];
        ck_assert_float_eq(table->init_list[i],
                           i < 5 ? (float)fmax(piece->from, -FLT_MAX) : FLT_MAX);
        ck_assert_float_eq(table->init_list[7 + i], (float)piece->slope);
        ck_assert_float_eq(table->init_list[14 + i], (float)piece->intercept);
    }
    float drawn[21];
    const struct lathe_parameter parameter = {
        .rank = 2, .dims = {3, 7}, .init = LATHE_LISTED, .list = table->init_list};
    lathe_initialise(&parameter, 5, 1, drawn);
    ck_assert_mem_eq(drawn, table->init_list, sizeof drawn);
}
END_TEST

/* Tied nodes begin as the first; each keeps its P and Z. */
START_TEST(tied_curves_begin_alike)
{
    struct network *network = read_spec("none");
    loosen_curves(network->graph, CURVES_TIED, 16);
    const struct learned_attributes *a = &node_of(network, "dynamic2")->learned;
    ck_assert_double_eq(a->initial[0], 55.9344);
    ck_assert_double_eq(a->initial[1], 12);
    ck_assert_double_eq(a->initial[2], 0.02924);
    ck_assert(a->power == 4 && a->z == 7);
    network = read_spec("none");
    loosen_curves(network->graph, CURVES_LEARNED, 16);
    ck_assert_double_eq(node_of(network, "dynamic2")->learned.initial[0], 30);
}
END_TEST

struct loosening {
    const char *lua;
    enum curves curves;
    int pieces;
};

static void loosen_text(void *context)
{
    const struct loosening *l = context;
    const char *text =
        arena_printf(arena, "return network { input = image(1, 4, 4), conv(3, 3), %s }", l->lua);
    write_file(in_root("net.lua"), text, strlen(text));
    loosen_curves(spec_read(arena, in_root("net.lua"), NULL, 0)->graph, l->curves, l->pieces);
}

START_TEST(what_cannot_be_loosened_is_said)
{
    static const struct {
        struct loosening loosening;
        const char *message;
    } cases[] = {
        {{"relu()", CURVES_TABLES, 16},
         "net: --curves needs a Dynamic activation: dynamic { L = .., Q = .., I = .. }"},
        {{"dynamic { L = 55.9344, Q = 12, I = 0.02924, table = tangent(0.1) }", CURVES_TABLES, 4},
         "net.lua:1: dynamic1: the table has 5 pieces, and there is room for 4: --pieces says"},
        {{"dynamic { L = 1, Q = -1, I = 1 }", CURVES_TABLES, 16}, "net.lua:1: dynamic1: dynamic: "},
        {{"dynamic { L = 1, Q = -1, I = 1 }", CURVES_TIED, 16}, "net.lua:1: dynamic1: dynamic: "},
        {{"dynamic { L = 1, Q = 1, I = 0, P = 3 }", CURVES_LEARNED, 16},
         "net.lua:1: dynamic1: with learn, P must be even"},
    };
    for (int i = 0; i < (int)(sizeof cases / sizeof *cases); i++) {
        struct failure failure;
        struct loosening loosening = cases[i].loosening;
        ck_assert_int_eq(protected_call(loosen_text, &loosening, &failure), STATUS_USER);
        ck_assert_msg(strstr(failure.message, cases[i].message), "%s", failure.message);
    }
}
END_TEST

/* ---- tables of so many pieces ---- */

START_TEST(tables_fit_their_room)
{
    for (int n = 0; n < 9; n++) {
        struct curve curve = n == 7   ? fitted
                             : n == 8 ? dynamic(0, 0, 0, 2)
                                      : dynamic(layers[n][0], layers[n][1], layers[n][2], 2);
        double before = INFINITY;
        for (int pieces = 4; pieces <= 16; pieces *= 2) {
            struct curve table = curve;
            curve_tabulate_pieces(arena, &table, pieces);
            ck_assert_int_le(table.table->count, pieces);
            ck_assert(table.table->value_error <= before && isfinite(table.table->value_error));
            before = table.table->value_error;
            if (before < 0x1p-9)
                continue;
            struct curve finer = minimax(curve, 0.95 * table.k, 0); /* hardly less would fit */
            ck_assert_msg(finer.table->count > pieces, "%d: %d pieces, eps %g", n, pieces, table.k);
        }
        ck_assert(before < 0.05);
    }
}
END_TEST

/* ---- value and slope ---- */

enum { NUMBERS = 4096 };

static const char harness[] =
    "#include \"vector.h\"\n"
    "#include \"learned.h\"\n"
    "#define ADD(pieces) \\\n"
    "    void table_##pieces(const float *table, const float *x, float *y, float *slope, int n) "
    "\\\n"
    "    { \\\n"
    "        for (int i = 0; i < n; i += LATHE_LANES) { \\\n"
    "            lathe_store(y + i, lathe_table(lathe_load(x + i), table, pieces)); \\\n"
    "            lathe_store(slope + i, lathe_table_slope(lathe_load(x + i), table, pieces)); \\\n"
    "        } \\\n"
    "    } \\\n"
    "    void plain_##pieces(const float *table, const float *x, float *y, float *slope, int n) "
    "\\\n"
    "    { \\\n"
    "        for (int i = 0; i < n; i++) { \\\n"
    "            int k = 0; \\\n"
    "            for (int j = 1; j < pieces; j++) \\\n"
    "                k = x[i] > table[j] ? j : k; \\\n"
    "            slope[i] = table[pieces + k]; \\\n"
    "            y[i] = slope[i] * x[i] + table[2 * pieces + k]; \\\n"
    "        } \\\n"
    "    }\n"
    "ADD(1) ADD(4) ADD(8) ADD(16) ADD(23) ADD(32) ADD(64)\n";

typedef void table_function(const float *table, const float *x, float *y, float *slope, int n);

/* The harness as a library for ISA. */
static void *load_harness(const struct isa *isa)
{
    const char *source = in_root("tables.c");
    const char *library = arena_printf(arena, "%s/tables_%s.so", root, isa->name);
    write_file(source, harness, strlen(harness));
    const char *command = arena_printf(
        arena,
        "cc -O3 -std=gnu11 -Wno-psabi -ffp-contract=fast -fno-trapping-math -shared -fPIC %s "
        "-DLATHE_LANES=%d -Iruntime %s -o %s",
        isa->flags, isa->lanes, source, library);
    ck_assert_int_eq(system(command), 0);
    void *handle = dlopen(library, RTLD_NOW);
    ck_assert_msg(handle != NULL, "%s", dlerror());
    return handle;
}

static table_function *function_of(void *handle, const char *name, int pieces)
{
    table_function *function;
    *(void **)&function = dlsym(handle, arena_printf(arena, "%s_%d", name, pieces));
    ck_assert(function != NULL);
    return function;
}

/* Numbers around the break points of TABLE, on them, and far away. */
static void fill_numbers(float *x, const float *table, int pieces)
{
    static const float special[] = {0, -0.0f, INFINITY, -INFINITY, NAN, 3e38f, -3e38f, 1e-40f};
    for (int i = 0; i < NUMBERS; i++) {
        float at = table[1 + i % (pieces > 1 ? pieces - 1 : 1)];
        x[i] = (float)random_between(-6, 6);
        if (i % 3 == 0 && pieces > 1 && isfinite(at))
            x[i] = i % 2 ? at : nextafterf(at, i % 4 ? INFINITY : -INFINITY);
        if (i % 100 == 1)
            x[i] = special[i / 100 % 8];
    }
}

START_TEST(tables_have_the_bits_of_their_pieces)
{
    static const char *const isas[] = {"avx512", "avx2", "portable"};
    static const int rooms[] = {1, 4, 8, 16, 23, 32, 64};
    if (!runs_here(isas[_i]))
        return;
    start_random("tables_have_the_bits_of_their_pieces");
    void *handle = load_harness(isa_find(isas[_i]));
    float *x = lathe_alloc(5 * NUMBERS, sizeof *x), *y = x + NUMBERS, *slope = y + NUMBERS;
    float *expected = slope + NUMBERS, *expected_slope = expected + NUMBERS;
    for (int n = 0; n < 70; n++) {
        int pieces = rooms[n % 7], used = 1 + (int)random_between(0, pieces);
        float *table = lathe_alloc(3 * (size_t)pieces, sizeof *table);
        for (int i = 0; i < pieces; i++) {
            float next = i ? table[i - 1] + (float)random_between(0.01, 10.0 / pieces) : -INFINITY;
            table[i] = i == 1 ? -4 : i < used ? next : INFINITY;
            int k = min_int(i, used - 1);
            table[pieces + i] = k < i ? table[pieces + k] : (float)random_between(-2, 2);
            table[2 * pieces + i] = k < i ? table[2 * pieces + k] : (float)random_between(-3, 3);
        }
        fill_numbers(x, table, pieces);
        function_of(handle, "table", pieces)(table, x, y, slope, NUMBERS);
        function_of(handle, "plain", pieces)(table, x, expected, expected_slope, NUMBERS);
        for (int i = 0; i < NUMBERS; i++) {
            ck_assert_msg(memcmp(&slope[i], &expected_slope[i], sizeof *x) == 0,
                          "%d pieces: slope(%.9g) = %.9g, not %.9g", pieces, (double)x[i],
                          (double)slope[i], (double)expected_slope[i]);
            ck_assert_msg((isnan(y[i]) && isnan(expected[i])) ||
                              memcmp(&y[i], &expected[i], sizeof *x) == 0,
                          "%d pieces: f(%.9g) = %.9g, not %.9g", pieces, (double)x[i], (double)y[i],
                          (double)expected[i]);
        }
        free(table);
    }
    free(x);
}
END_TEST

/* ---- ties and steps ---- */

/* Parameters of one number, padded to 16 as packed ones are. */
static struct lathe_parameter number_parameter(const char *name, int index, int tie, double unit)
{
    return (struct lathe_parameter){.name = name,
                                    .rank = 1,
                                    .dims = {1},
                                    .trainable = true,
                                    .offset = 16 * (size_t)index,
                                    .out = 1,
                                    .in = 1,
                                    .kh = 1,
                                    .kw = 1,
                                    .groups = 1,
                                    .spans = 1,
                                    .block_out = 16,
                                    .block_in = 1,
                                    .tie = tie,
                                    .unit = unit};
}

START_TEST(ties_sum_gradients)
{
    const struct lathe_parameter parameters[] = {
        number_parameter("w", 0, 0, 0),   number_parameter("a.L", 1, 1, 1),
        number_parameter("a.Q", 2, 2, 1), number_parameter("b.L", 3, 1, 1),
        number_parameter("b.Q", 4, 2, 1), number_parameter("c.L", 5, 1, 1)};
    const struct lathe_model model = {.parameters = parameters, .parameter_count = 6};
    float gradients[96] = {0};
    for (int i = 0; i < 6; i++)
        gradients[16 * i] = 0.1f * (float)(1 << i);
    lathe_tie_gradients(&model, gradients);
    float l = (float)((double)0.2f + (double)0.8f + (double)3.2f);
    float q = (float)((double)0.4f + (double)1.6f);
    const float expected[] = {0.1f, l, q, l, q, l};
    for (int i = 0; i < 96; i++)
        ck_assert_float_eq(gradients[i], i % 16 ? 0 : expected[i / 16]);
}
END_TEST

/* Plain SGD: w' = u sinh(asinh(w / u) - lr g sqrt(u^2 + w^2)); decay and clipping are for the
 * others. */
START_TEST(curves_step_on_their_scale)
{
    const struct lathe_parameter parameters[] = {
        number_parameter("w", 0, 0, 0), number_parameter("L", 1, 0, 1),
        number_parameter("Q", 2, 0, 0.01), number_parameter("I", 3, 0, 0.1)};
    const struct lathe_model model = {
        .parameters = parameters, .parameter_count = 4, .trainable_floats = 64};
    struct lathe_training training = {.curve_lr = 5};
    training.optimizer = (struct lathe_optimizer){
        .kind = LATHE_SGD, .weight_decay = 0.5, .l1 = 0.1, .clip_value = 0.2};
    const struct lathe_optimizer_step step = {.lr = 0.01, .t = 1};
    float w[64] = {[0] = 2, [16] = 55, [32] = 0.002f, [48] = -1.5f};
    float g[64] = {[0] = -3, [16] = 0.3f, [32] = -7, [48] = 2}, *moments[LATHE_MOMENTS] = {NULL};
    const double before[] = {2, 55, 0.002, -1.5}, gradients[] = {-3, 0.3, -7, 2};
    lathe_model_step(&model, &training, &step, w, g, moments);
    assert_near((double)w[0], 2 - 0.01 * (-0.2 + 0.5 * 2 + 0.1), 1e-6);
    for (int i = 1; i < 4; i++) {
        double u = parameters[i].unit, at = before[i];
        double t = asinh(at / u) - 0.05 * gradients[i] * sqrt(u * u + at * at);
        assert_near((double)w[16 * i], u * sinh(t), 2e-6 * (fabs(u * sinh(t)) + fabs(at)));
    }
    training.curve_lr = 0; /* as any other */
    float v[64] = {[16] = 55}, h[64] = {[16] = 3};
    lathe_model_step(&model, &training, &step, v, h, moments);
    assert_near((double)v[16], 55 - 0.01 * (0.2 + 0.5 * 55 + 0.1), 1e-5);
}
END_TEST

/* ---- files ---- */

START_TEST(files_hold_curves)
{
    const char *const nodes[] = {"a", "b.c"};
    const struct dynamic_numbers numbers[] = {{1.5, -2.25, -3}, {0, 1e-3f, 7}};
    struct dynamic_numbers found[2];
    curve_weights_write_learned(arena, in_root("learned"), nodes, numbers, 2);
    curve_weights_read_learned(arena, in_root("learned"), nodes, found, 2);
    for (int i = 0; i < 2; i++) {
        ck_assert_double_eq(found[i].l, numbers[i].l);
        ck_assert_double_eq(found[i].q, fabs(numbers[i].q));
        ck_assert_double_eq(found[i].i, numbers[i].i);
    }
}
END_TEST

static void read_others(void *context)
{
    struct dynamic_numbers found;
    curve_weights_read_learned(arena, in_root(context), (const char *const[]){"z"}, &found, 1);
}

START_TEST(files_of_other_curves_are_refused)
{
    struct failure failure;
    curve_weights_write_learned(arena, in_root("w"), (const char *const[]){"a"},
                                &(struct dynamic_numbers){1, 2, 3}, 1);
    ck_assert_int_eq(protected_call(read_others, "w", &failure), STATUS_USER);
    ck_assert_str_eq(failure.message, arena_printf(arena, "%s: has no z.L", in_root("w")));
    ck_assert_int_eq(protected_call(read_others, "nosuch", &failure), STATUS_USER);
    ck_assert_msg(strstr(failure.message, "nosuch: cannot read: No such file"), "%s",
                  failure.message);
}
END_TEST

/* ---- programs ---- */

static struct build_options options_of(const char *isa, enum curves curves)
{
    return (struct build_options){.isa = isa_find(isa),
                                  .batch = 8,
                                  .infer_batch = 4,
                                  .curves = curves,
                                  .pieces = strcmp(isa, "avx2") == 0 ? 11 : 16,
                                  .cc = "cc",
                                  .verify = true};
}

static const struct {
    const char *isa, *table;
    enum curves curves;
} programs[] = {
    {"avx512", "tangent", CURVES_TABLES},
    {"avx2", "minimax", CURVES_TABLES},
    {"portable", "none", CURVES_TIED},
};

START_TEST(generated_is_interpreted)
{
    const char *isa = programs[_i].isa;
    if (!runs_here(isa))
        return;
    struct build_options options = options_of(isa, programs[_i].curves);
    struct network *network = read_spec(programs[_i].table);
    const struct lathe_model *model =
        build_and_load(arena, network, &options, arena_printf(arena, "%s/p", root));
    const struct verify_options verify = {.seed = 1, .batch = 8, .entries = 8};
    struct text out = {0};
    ck_assert_msg(verify_run(network, model, &verify, &out), "%s", out.data);
    check_threads(arena, model, 8, (int[]){1, 2, 3, 4}, 4);
    text_free(&out);
}
END_TEST

/* Outputs of MODEL, freshly drawn, and the gradient of its first weight. */
static void run_model(const struct lathe_model *model, float *outputs, float *gradients)
{
    size_t pixels = (size_t)model->channels * model->height * model->width;
    struct lathe_batch batch = {.count = 8};
    struct lathe_step_result result;
    float *memory = lathe_alloc(model->train_arena_bytes, 1);
    float *state = memory + model->state_offset / sizeof(float);
    float **logical = arena_array(arena, (size_t)model->parameter_count, float *);
    batch.input = arena_array(arena, 8 * pixels, float);
    batch.labels = arena_array(arena, 8, int32_t);
    random_state = 7;
    for (size_t i = 0; i < 8 * pixels; i++)
        batch.input[i] = (float)random_between(-2, 2);
    for (int i = 0; i < model->parameter_count; i++) {
        const struct lathe_parameter *p = &model->parameters[i];
        int key = 0; /* the same for the same name: other builds have other places */
        for (const char *letter = p->name; *letter; letter++)
            key = (31 * key + *letter) % 65536;
        logical[i] = arena_array(arena, lathe_parameter_elements(p), float);
        lathe_initialise(p, key, 1, logical[i]);
        lathe_pack(p, logical[i], state + p->offset);
    }
    void *small = lathe_alloc(model->infer_arena_bytes, 1);
    model->load(model, (const float *const *)logical, small);
    model->infer(model, batch.input, outputs, 4, small);
    model->step(model, &batch, 1, 0, &result, memory);
    const float *packed = memory + model->gradient_offset / sizeof(float);
    lathe_unpack(&model->parameters[0], packed + model->parameters[0].offset, gradients);
    free(small);
    free(memory);
}

static void assert_alike(const float *a, const float *b, int count, double tolerance)
{
    double difference = 0, size = 0;
    for (int i = 0; i < count; i++) {
        difference = fmax(difference, fabs((double)(a[i] - b[i])));
        size = fmax(size, fabs((double)b[i]));
    }
    ck_assert_msg(size > 0 && difference <= tolerance * size, "%g of %g", difference, size);
}

/* The same network with tables compiled in, and read. Where pieces meet only to a float's rounding
 * the one that counts may be the other. */
START_TEST(tables_are_as_if_compiled_in)
{
    const char *isa = programs[_i].isa, *table = programs[_i].table;
    if (!runs_here(isa))
        return;
    float outputs[2][40], gradients[2][54];
    for (int loose = 0; loose < 2; loose++) {
        struct build_options options = options_of(isa, loose ? CURVES_TABLES : CURVES_FIXED);
        struct network *network = read_spec(table);
        node_of(network, "dynamic2")->learned.initial[0] = 0; /* ReLU, in both */
        node_of(network, "dynamic2")->inputs[1]->init_value = 0;
        const struct lathe_model *model =
            build_and_load(arena, network, &options, arena_printf(arena, "%s/%d", root, loose));
        run_model(model, outputs[loose], gradients[loose]);
    }
    assert_alike(outputs[0], outputs[1], 40, 2e-6);
    assert_alike(gradients[0], gradients[1], 54, 2e-5);
}
END_TEST

/* The program that run_loose trains: of a build. */
static const struct lathe_model *trained_model;

static int run_loose(int argc, char **argv)
{
    return lathe_train_main(trained_model, argc, argv);
}

static const struct lathe_model *train_model(enum curves curves)
{
    struct build_options options = options_of("portable", curves);
    options.verify = false;
    return build_and_load(arena, read_spec("none"), &options, arena_printf(arena, "%s/t", root));
}

#define TRAIN(...)                                                                                 \
    run(run_loose, NULL, "--limit-train", "96", "--limit-test", "20", "--quiet", "--epochs", "2",  \
        __VA_ARGS__, NULL)

/* The tensor NAME of the weights PATH, at most 64 numbers. */
static void read_tensor(const char *path, const char *name, float *numbers)
{
    struct lathe_tensors file;
    struct lathe_error error;
    ck_assert_msg(lathe_tensors_open(&file, path, &error), "%s", error.message);
    const struct lathe_stored *tensor = lathe_tensors_find(&file, name);
    ck_assert_msg(tensor && tensor->elements <= 64, "%s", name);
    ck_assert(lathe_tensors_read(&file, tensor, numbers, &error));
    lathe_tensors_close(&file);
}

/* A search's tables come in by --weights, are not trained, decayed or clipped, and count. */
START_TEST(training_leaves_tables_alone)
{
    const char *const nodes[] = {"dynamic1", "residual1.dynamic1", "dynamic2"};
    struct curve one = tangent(fitted, 0.05, 0), two = minimax(dynamic(20, 3, 1, 2), 0.05, 0);
    const struct table *tables[] = {one.table, two.table, one.table};
    float expected[48], found[48];
    trained_model = train_model(CURVES_TABLES);
    curve_weights_write_tables(arena, in_root("tables"), nodes, tables, 3, 16);
    struct outcome own = TRAIN("--save", in_root("own"));
    struct outcome o = TRAIN("--weights", in_root("tables"), "--save", in_root("w"), "--threads",
                             "1", "--checkpoint", in_root("c"));
    ck_assert_msg(o.status == 0, "%s", o.err);
    ck_assert_msg(strstr(o.err, "tables: has no conv1.weight and "), "%s", o.err);
    curve_pack_table(two.table, 16, expected);
    read_tensor(in_root("w"), "residual1.dynamic1.table", found);
    ck_assert_mem_eq(found, expected, sizeof found);
    struct outcome threads =
        TRAIN("--weights", in_root("tables"), "--save", in_root("3"), "--threads", "3");
    assert_same_file(in_root("w"), in_root("3"));
    float weight[54], other[54];
    read_tensor(in_root("w"), "conv1.weight", weight);
    read_tensor(in_root("own"), "conv1.weight", other);
    ck_assert(memcmp(weight, other, sizeof weight) != 0);
    struct outcome narrow = TRAIN("--weights", in_root("own"));
    ck_assert_msg(narrow.status == 0, "%s", narrow.err);
    curve_weights_write_tables(arena, in_root("wide"), nodes, tables, 3, 20);
    struct outcome wide = TRAIN("--weights", in_root("wide"));
    ck_assert_msg(wide.status == LATHE_USER &&
                      strstr(wide.err, "wide: dynamic1.table: expected 3x16, given 3x20"),
                  "%s", wide.err);
    outcome_free(&own);
    outcome_free(&o);
    outcome_free(&threads);
    outcome_free(&narrow);
    outcome_free(&wide);
}
END_TEST

/* Tied curves stay one curve, with decay and by a rate of their own, whose steps are larger. */
START_TEST(tied_curves_stay_tied)
{
    static const char *const recipes[] = {"curve_lr=0", "curve_lr=10"};
    double moved[2];
    trained_model = train_model(CURVES_TIED);
    for (int r = 0; r < 2; r++) {
        struct outcome o = TRAIN("--save", in_root("w"), "--recipe", recipes[r]);
        ck_assert_msg(o.status == 0, "%s", o.err);
        static const double begin[] = {55.9344, 12, 0.02924};
        for (int i = 0; i < 3; i++) {
            float first = 0, other = 0;
            read_tensor(in_root("w"), arena_printf(arena, "dynamic1.%c", "LQI"[i]), &first);
            read_tensor(in_root("w"), arena_printf(arena, "residual1.dynamic1.%c", "LQI"[i]),
                        &other);
            ck_assert_float_eq(first, other);
            read_tensor(in_root("w"), arena_printf(arena, "dynamic2.%c", "LQI"[i]), &other);
            ck_assert_float_eq(first, other);
            ck_assert(isfinite(first) && first != (float)begin[i]);
            if (i == 0)
                moved[r] = fabs((double)first - begin[0]);
        }
        outcome_free(&o);
    }
    ck_assert_msg(moved[1] > 5 * moved[0], "L moved by %g, and by %g", moved[0], moved[1]);
}
END_TEST

/* ---- the suite ---- */

static void make_both(void)
{
    make_arena();
    make_root();
}

static void drop_both(void)
{
    remove_root();
    drop_arena();
}

int main(void)
{
    Suite *suite = suite_create("loosen");
    TCase *tests = tcase_create("loosen");
    int count = (int)(sizeof programs / sizeof *programs);
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, make_both, drop_both);
    tcase_add_loop_test(tests, new_parameters_stand_last, CURVES_TABLES, CURVES_TIED + 1);
    tcase_add_test(tests, tables_begin_as_the_specs);
    tcase_add_test(tests, tied_curves_begin_alike);
    tcase_add_test(tests, what_cannot_be_loosened_is_said);
    tcase_add_test(tests, tables_fit_their_room);
    tcase_add_loop_test(tests, tables_have_the_bits_of_their_pieces, 0, 3);
    tcase_add_test(tests, ties_sum_gradients);
    tcase_add_test(tests, curves_step_on_their_scale);
    tcase_add_test(tests, files_hold_curves);
    tcase_add_test(tests, files_of_other_curves_are_refused);
    tcase_add_loop_test(tests, generated_is_interpreted, 0, count);
    tcase_add_loop_test(tests, tables_are_as_if_compiled_in, 0, 2);
    tcase_add_test(tests, training_leaves_tables_alone);
    tcase_add_test(tests, tied_curves_stay_tied);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
