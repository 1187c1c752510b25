/*
 * check_winograd: Winograd's matrices correlate, in two dimensions, with and without a stride, the
 * statements printed for a matrix multiply by it, and generated kernels compute what the
 * interpreter does.
 *
 * Random tests print their seed; CHECK_SEED=n repeats one.
 */
#include "../gen/build.h"
#include "../gen/passes.h"
#include "../gen/cc.h"
#include "../gen/spec.h"
#include "../gen/verify.h"
#include "../gen/winograd.h"
#include "kernels.h"
#include "../runtime/weights.h"

#include <check.h>
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* F(m, r) and strides that are tried: those of kernels first. */
static const struct {
    int m, r, stride;
} sizes[] = {{4, 3, 1}, {3, 4, 1}, {2, 3, 1}, {4, 3, 2}, {3, 3, 2}, {2, 3, 2},
             {3, 2, 1}, {1, 2, 1}, {2, 1, 1}, {6, 3, 1}, {3, 6, 1}, {4, 5, 1},
             {5, 2, 1}, {1, 3, 2}, {4, 2, 2}, {3, 4, 2}, {2, 7, 2}};
enum { SIZES = sizeof sizes / sizeof *sizes };

static void start_random(const char *name)
{
    const char *given = getenv("CHECK_SEED");
    long seed = given ? strtol(given, NULL, 10) : (long)time(NULL);
    printf("%s: CHECK_SEED=%ld\n", name, seed);
    srand48(seed);
}

static double small_integer(void)
{
    return (double)(lrand48() % 19 - 9);
}

/* to = matrix * from * its transpose. */
static void apply(const struct winograd_matrix *m, double from[][WINOGRAD_MOST],
                  double to[][WINOGRAD_MOST])
{
    double half[WINOGRAD_MOST][WINOGRAD_MOST] = {{0}};
    for (int i = 0; i < m->rows; i++)
        for (int j = 0; j < m->columns; j++)
            for (int k = 0; k < m->columns; k++)
                half[i][j] += m->at[i][k] * from[k][j];
    for (int i = 0; i < m->rows; i++)
        for (int j = 0; j < m->rows; j++) {
            to[i][j] = 0;
            for (int k = 0; k < m->columns; k++)
                to[i][j] += half[i][k] * m->at[j][k];
        }
}

/* Sums of products of integers are integers: what Winograd makes of them is off by roundings of
 * 1e-16 alone, and rounds to the same. */
START_TEST(correlates)
{
    struct winograd w = winograd_make_strided(sizes[_i].m, sizes[_i].r, sizes[_i].stride);
    start_random("correlates");
    for (int trial = 0; trial < 100; trial++) {
        double d[WINOGRAD_MOST][WINOGRAD_MOST], g[WINOGRAD_MOST][WINOGRAD_MOST];
        double input[WINOGRAD_MOST][WINOGRAD_MOST], filter[WINOGRAD_MOST][WINOGRAD_MOST];
        double y[WINOGRAD_MOST][WINOGRAD_MOST];
        for (int i = 0; i < w.n * w.n; i++)
            d[i / w.n][i % w.n] = small_integer();
        for (int i = 0; i < w.r * w.r; i++)
            g[i / w.r][i % w.r] = small_integer();
        apply(&w.input, d, input);
        apply(&w.filter, g, filter);
        for (int i = 0; i < w.n * w.n; i++)
            input[i / w.n][i % w.n] *= filter[i / w.n][i % w.n];
        apply(&w.output, input, y);
        for (int i = 0; i < w.m; i++)
            for (int j = 0; j < w.m; j++) {
                double direct = 0;
                for (int k = 0; k < w.r * w.r; k++)
                    direct +=
                        d[w.stride * i + k / w.r][w.stride * j + k % w.r] * g[k / w.r][k % w.r];
                ck_assert_msg(fabs(y[i][j] - direct) < 1e-8,
                              "F(%d, %d) of stride %d: %.17g, not %g", w.m, w.r, w.stride, y[i][j],
                              direct);
            }
    }
}
END_TEST

/* ---- statements ---- */

/* A name and its value: "x[3]", "even0". */
struct variable {
    char name[32];
    double value;
};
struct variables {
    struct variable list[64];
    int count;
};

static double *find(struct variables *v, const char *name)
{
    for (int i = 0; i < v->count; i++)
        if (strcmp(v->list[i].name, name) == 0)
            return &v->list[i].value;
    struct variable *fresh = &v->list[v->count++];
    snprintf(fresh->name, sizeof fresh->name, "%.31s", name);
    fresh->value = NAN; /* used before it is set */
    return &fresh->value;
}

/* "-x[4] + 0.5f * even0 - ...": numbers end in f, names begin with a letter. */
static double evaluate(struct variables *v, char *text)
{
    double sum = 0, factor = 1, sign = 1;
    for (char *word = strtok(text, " "); word; word = strtok(NULL, " ")) {
        if (*word == '-') {
            sign = -1;
            word++;
        } else if (*word == '+')
            sign = 1;
        if (*word == '(') /* (vf){0} */
            return 0;
        char *end;
        double number = strtod(word, &end);
        if (end != word && *end == 'f')
            factor = number;
        else if (*word >= 'a' && *word <= 'z') {
            sum += sign * factor * *find(v, word);
            factor = sign = 1;
        }
    }
    return sum;
}

static void run(struct variables *v, const struct winograd_code *code)
{
    for (int i = 0; i < code->lines.count; i++) {
        char line[512], *equals, *name = line;
        snprintf(line, sizeof line, "%s", code->lines.items[i]);
        ck_assert_ptr_nonnull(equals = strstr(line, " = "));
        ck_assert_int_eq(line[strlen(line) - 1], ';');
        line[strlen(line) - 1] = '\0';
        *equals = '\0';
        if (strncmp(name, "const vf ", 9) == 0)
            name += 9;
        double value = evaluate(v, equals + 3);
        *find(v, name) = value;
    }
}

static void check_code(struct arena *arena, const struct winograd_matrix *m)
{
    struct winograd_code code = winograd_print(arena, m, "x", "y");
    struct variables v = {.count = 0};
    double x[WINOGRAD_MOST];
    char name[32];
    for (int j = 0; j < m->columns; j++) {
        snprintf(name, sizeof name, "x[%d]", j);
        *find(&v, name) = x[j] = small_integer();
    }
    run(&v, &code);
    int written = 0;
    for (int i = 0; i < code.lines.count; i++)
        written += strncmp(code.lines.items[i], "y[", 2) == 0;
    ck_assert_int_eq(written, m->rows);
    for (int i = 0; i < m->rows; i++) {
        double row = 0;
        for (int j = 0; j < m->columns; j++)
            row += m->at[i][j] * x[j];
        snprintf(name, sizeof name, "y[%d]", i);
        ck_assert_msg(fabs(*find(&v, name) - row) <= 1e-6 * (1 + fabs(row)), "%s is %g, not %g",
                      name, *find(&v, name), row);
    }
}

START_TEST(statements_multiply)
{
    struct arena *arena = arena_new();
    struct winograd w = winograd_make_strided(sizes[_i].m, sizes[_i].r, sizes[_i].stride);
    start_random("statements_multiply");
    for (int trial = 0; trial < 20; trial++) {
        check_code(arena, &w.filter);
        check_code(arena, &w.input);
        check_code(arena, &w.output);
    }
    arena_free(arena);
}
END_TEST

/* F(4, 3)'s statements share even and odd parts: without, 36 multiplications and more. */
START_TEST(statements_are_few)
{
    struct arena *arena = arena_new();
    struct winograd w = winograd_make(4, 3);
    ck_assert_int_le(winograd_print(arena, &w.input, "x", "y").operations, 12);
    ck_assert_int_le(winograd_print(arena, &w.output, "x", "y").operations, 12);
    arena_free(arena);
}
END_TEST

/* ---- kernels ---- */

static long long field(const struct value *of, const char *name)
{
    for (int i = 0; i < of->fields.count; i++)
        if (of->fields.items[i].name && strcmp(of->fields.items[i].name, name) == 0)
            return of->fields.items[i].integer;
    ck_abort_msg("there is no %s", name);
}

static long long argument(const struct call *call, const char *name)
{
    return field(call->arguments, name);
}

/* Every convolution but the 1 x 2 one, forward and backward, is Winograd's: 18 calls, those with
 * 640 channels in phases, and of few samples all whose weights no cache keeps. Of two groups it is
 * the gradient of the weights alone; some batches are split for it. */
static void count_calls(struct arena *arena, struct network *network,
                        const struct build_options *options)
{
    const struct program *program = build_program(arena, network, options, true);
    int calls = 0, phases = 0, gradients = 0, sums = 0;
    for (int i = 0; i < program->calls.count; i++) {
        const char *template = program->calls.items[i]->template_name;
        phases += strcmp(template, "winograd_phases.c.t") == 0;
        gradients += strcmp(template, "winograd_gradient.c.t") == 0;
        sums += gradients && strcmp(template, "sum_splits.c.t") == 0;
        calls +=
            strcmp(template, "winograd.c.t") == 0 || strcmp(template, "winograd_phases.c.t") == 0;
    }
    ck_assert_int_eq(calls, 2 * 9);
    ck_assert_int_eq(phases, options->batch < 16 ? 4 : 2);
    ck_assert_int_eq(gradients, 10);
    ck_assert_int_gt(sums, 1);
}

/* Call's shapes: positions that have some of the tiles alone; *narrow: whether groups differ. */
static int shapes(const struct call *call, bool *narrow)
{
    const struct value *a = call->arguments;
    for (int i = 0; i < a->fields.count; i++) {
        if (!a->fields.items[i].name || strcmp(a->fields.items[i].name, "shapes") != 0)
            continue;
        const struct value *list = a->fields.items[i].table;
        for (int k = 0; k < list->fields.count; k++)
            *narrow |= field(list->fields.items[k].table, "narrow") > 0;
        return list->fields.count;
    }
    ck_abort_msg("%s has no shapes", call->template_name);
}

/* Every convolution of stride 2 is Winograd's forward, backward data none; of stride 1 both; the
 * one of 640 channels is in phases; some reach beyond the image, where not all positions count;
 * there are tiles that no groups of one size hold. */
static void count_strided(struct arena *arena, struct network *network,
                          const struct build_options *options)
{
    const struct program *program = build_program(arena, network, options, true);
    int strided = 0, others = 0, phases = 0, shaped = 0, narrow = 0;
    for (int i = 0; i < program->calls.count; i++) {
        const struct call *call = program->calls.items[i];
        bool phased = strcmp(call->template_name, "winograd_phases.c.t") == 0;
        if (!phased && strcmp(call->template_name, "winograd.c.t") != 0)
            continue;
        bool steps = argument(call, "STEP") == 2 * argument(call, "M");
        strided += steps;
        phases += steps && phased;
        bool differ = false;
        shaped += shapes(call, &differ) > 1;
        narrow += differ;
        others += !steps;
    }
    ck_assert_int_eq(strided, 5);
    ck_assert_int_eq(others, 2);
    ck_assert_int_gt(phases, 0);
    ck_assert_int_gt(narrow, 0);
    ck_assert_int_gt(shaped, 0);
}

/* Training of SPEC, as many samples as there is room for and fewer. */
static void check_kernels(const char *spec, const char *isa, int batch,
                          void (*count)(struct arena *, struct network *,
                                        const struct build_options *))
{
    char folder[] = "/tmp/lathe-winograd-XXXXXX";
    struct arena *arena = arena_new();
    struct build_options options = {.isa = isa_find(isa),
                                    .batch = batch,
                                    .infer_batch = batch,
                                    .method = CONV_WINOGRAD,
                                    .cc = "cc",
                                    .verify = true};
    ck_assert_ptr_nonnull(mkdtemp(folder));
    struct network *network = spec_read(arena, spec, NULL, 0);
    const struct lathe_model *generated = build_and_load(arena, network, &options, folder);
    count(arena, network, &options);
    struct text out = {0};
    for (int samples = batch; samples >= batch - 2; samples -= 2) {
        struct verify_options verify = {.seed = 1, .batch = samples, .entries = 8};
        bool right = verify_generated(network->graph, generated, &verify, &out);
        ck_assert_msg(right, "%s, %d samples:\n%s", isa, samples, out.data);
    }
    /* 17: more than there are slots of scratch memory */
    check_threads(arena, generated, batch, (int[]){1, 3, 17}, 3);
    const char *const removal[] = {"rm", "-rf", folder, NULL};
    run_program(removal, "/", &out);
    text_free(&out);
    arena_free(arena);
}

/* ---- inference of few samples ---- */

/* Every 3 x 3 convolution is of METHOD: Winograd's in shares of the output channels, tiles of 2 x
 * 2, 3 x 3 and 4 x 4; direct, where registers hold an image, as a whole. */
static void count_small_calls(struct arena *arena, struct network *network,
                              const struct build_options *options)
{
    const struct program *program = build_program(arena, network, options, false);
    int shares = 0, wholes = 0, tiles[5] = {0};
    for (int i = 0; i < program->calls.count; i++) {
        const struct call *call = program->calls.items[i];
        ck_assert_str_ne(call->template_name, "winograd_phases.c.t");
        wholes += strcmp(call->template_name, "conv_whole.c.t") == 0;
        if (strcmp(call->template_name, "winograd.c.t") != 0)
            continue;
        shares += argument(call, "OUT_BLOCKS") == 1 ||
                  argument(call, "OUT_BLOCKS") > argument(call, "ITEM_BLOCKS");
        tiles[argument(call, "M")]++;
    }
    bool direct = options->method == CONV_DIRECT;
    ck_assert_int_eq(tiles[2] + tiles[3] + tiles[4], direct ? 0 : 9);
    ck_assert_int_eq(shares > 0, !direct);
    if (options->isa->registers == 32) {
        ck_assert_int_eq(tiles[2] > 0, !direct);
        ck_assert_int_eq(wholes > 2, direct);
    } else
        ck_assert_int_eq(tiles[3] > 0, !direct);
}

/* The same bits on one thread, on three, and on more than there are slots of scratch memory. */
static void check_small_threads(struct arena *arena, const struct lathe_model *model, int count)
{
    static const int threads[] = {1, 3, 17};
    size_t numbers = (size_t)model->channels * model->height * model->width * count;
    size_t bytes = (size_t)model->outputs * count * sizeof(float);
    float *input = arena_array(arena, numbers, float);
    char *first = arena_array(arena, bytes, char), *output = arena_array(arena, bytes, char);
    void *memory = lathe_alloc(model->infer_arena_bytes, 1);
    float **logical = lathe_logical_arrays(model);
    for (int i = 0; i < model->parameter_count; i++)
        lathe_initialise(&model->parameters[i], i, 1, logical[i]);
    for (size_t i = 0; i < numbers; i++)
        input[i] = (float)(i * 37 % 101) * 0.02f - 1;
    for (int i = 0; i < 3; i++) {
        omp_set_num_threads(threads[i]);
        model->load(model, (const float *const *)logical, memory);
        model->infer(model, input, (float *)(i ? output : first), count, memory);
        ck_assert(i == 0 || memcmp(output, first, bytes) == 0);
    }
    omp_set_num_threads(omp_get_num_procs());
    free(logical);
    free(memory);
}

/* Inference of SPEC, as many samples as there is room for and fewer. */
static void check_inference(const char *spec, const struct spec_setting *settings,
                            int setting_count, const char *isa, enum conv_method method,
                            void (*count)(struct arena *, struct network *,
                                          const struct build_options *))
{
    enum { BATCH = 2 };
    char folder[] = "/tmp/lathe-winograd-XXXXXX";
    struct arena *arena = arena_new();
    struct build_options options = {.isa = isa_find(isa),
                                    .batch = BATCH,
                                    .infer_batch = BATCH,
                                    .method = method,
                                    .cc = "cc",
                                    .verify = true};
    ck_assert_ptr_nonnull(mkdtemp(folder));
    struct network *network = spec_read(arena, spec, settings, setting_count);
    const struct lathe_model *generated = build_and_load(arena, network, &options, folder);
    struct text out = {0};
    count(arena, network, &options);
    for (int samples = BATCH; samples > 0; samples--) {
        struct verify_options verify = {.seed = 1, .batch = samples, .entries = 4};
        bool right = verify_generated(network->graph, generated, &verify, &out);
        ck_assert_msg(right, "%s, %d samples:\n%s", isa, samples, out.data);
    }
    check_small_threads(arena, generated, BATCH);
    const char *const removal[] = {"rm", "-rf", folder, NULL};
    run_program(removal, "/", &out);
    text_free(&out);
    arena_free(arena);
}

/* All vectors have room for four times three channels: in one block or in several. */
static void count_folded(struct arena *arena, struct network *network,
                         const struct build_options *options)
{
    const struct program *program = build_program(arena, network, options, false);
    int folded = 0;
    for (int i = 0; i < program->calls.count; i++) {
        const struct call *call = program->calls.items[i];
        folded += strcmp(call->template_name, "winograd.c.t") == 0 && argument(call, "FOLDED") > 0;
    }
    ck_assert_int_eq(folded, 2);
}

/* ---- which method ---- */

/* 'W' where the pass LABEL of LAYER is Winograd's in PROGRAM, 'd' where it is direct. */
static char method_of(const struct program *program, const char *layer, const char *label)
{
    char method = '-';
    for (int i = 0; i < program->calls.count; i++) {
        const struct call *call = program->calls.items[i];
        if (call->group && call->group->head && strcmp(call->group->head->name, layer) == 0 &&
            strcmp(call->label, label) == 0)
            method = strncmp(call->template_name, "winograd", 8) == 0 ? 'W' : 'd';
    }
    return method;
}

/* Training, 16 samples: forward, backward data, backward weights. The faster one, as measured on
 * two cores with AVX-512 (`bench methods`), but direct where 16 channels are summed: there
 * Winograd's rounding is too near the bound. Inference of 1 and of 8: what is chosen, so that a
 * change shows. */
static const struct {
    const char *layer, *training, *inference;
} choices[] = {
    {"c16_64_at_56", "dWW", "dd"},   {"c64_16_at_56", "WdW", "WW"},
    {"c128_32_at_56", "WWW", "WW"},  {"c32_128_at_28", "WWW", "WW"},
    {"c128_128_at_28", "WWW", "WW"}, {"c128_32_at_28", "WWW", "WW"},
    {"c256_256_at_14", "WWW", "WW"}, {"c256_512_at_7", "WWW", "dW"},
    {"c512_512_at_7", "WWW", "dW"},  {"c512_512_at_3", "ddd", "dd"},
    {"c512_64_at_3", "ddd", "dd"},   {"c64_64_at_2", "ddd", "dd"},
};
enum { CHOICES = sizeof choices / sizeof *choices };

START_TEST(the_faster_method_is_chosen)
{
    static const char *const passes[] = {"forward", "backward data", "backward weights"};
    static const int batches_of[] = {1, 8};
    struct arena *arena = arena_new();
    struct network *network = spec_read(arena, "tests/num/choices.lua", NULL, 0);
    add_gradients(network->graph);
    struct build_options options = {.isa = isa_find("avx512"), .batch = 16};
    for (int training = 1; training >= 0; training--)
        for (int k = 0; k < (training ? 3 : 2); k++) {
            options.infer_batch = training ? 16 : batches_of[k];
            const struct program *program = build_program(arena, network, &options, training);
            for (int i = 0; i < CHOICES; i++) {
                char expected = training ? choices[i].training[k] : choices[i].inference[k];
                char chosen =
                    method_of(program, choices[i].layer, training ? passes[k] : "forward");
                ck_assert_msg(chosen == expected, "%s, %s: %c, expected %c", choices[i].layer,
                              training ? passes[k]
                              : k      ? "8 samples"
                                       : "1 sample",
                              chosen, expected);
            }
        }
    arena_free(arena);
}
END_TEST

/* Few samples are not enough items for all threads: then there are more phases. */
static const int batches[] = {17, 7, 16};
static const char *const isas[] = {"avx512", "avx2", "portable"};

START_TEST(kernels_are_right)
{
    if (runs_here(isas[_i]))
        check_kernels("tests/num/winograd.lua", isas[_i], batches[_i], count_calls);
}
END_TEST

START_TEST(strided_kernels_are_right)
{
    if (runs_here(isas[_i]))
        check_kernels("tests/num/strided.lua", isas[_i], batches[_i], count_strided);
}
END_TEST

START_TEST(small_batches_are_right)
{
    if (runs_here(isas[_i / 2]))
        check_inference("tests/num/winograd.lua", (struct spec_setting[]){{"loss", "false"}}, 1,
                        isas[_i / 2], _i % 2 ? CONV_DIRECT : CONV_WINOGRAD, count_small_calls);
}
END_TEST

/* Some of the five in shares of the output channels. */
static void count_strided_shares(struct arena *arena, struct network *network,
                                 const struct build_options *options)
{
    const struct program *program = build_program(arena, network, options, false);
    int shares = 0, strided = 0;
    for (int i = 0; i < program->calls.count; i++) {
        const struct call *call = program->calls.items[i];
        if (strcmp(call->template_name, "winograd.c.t") != 0 ||
            argument(call, "STEP") != 2 * argument(call, "M"))
            continue;
        strided++;
        shares += argument(call, "OUT_BLOCKS") > argument(call, "ITEM_BLOCKS");
    }
    ck_assert_int_eq(strided, 5);
    ck_assert_int_gt(shares, 0);
}

START_TEST(strided_small_batches_are_right)
{
    if (runs_here(isas[_i]))
        check_inference("tests/num/strided.lua", (struct spec_setting[]){{"loss", "false"}}, 1,
                        isas[_i], CONV_WINOGRAD, count_strided_shares);
}
END_TEST

START_TEST(strides_are_folded)
{
    if (runs_here(isas[_i]))
        check_inference("tests/num/folded.lua", NULL, 0, isas[_i], CONV_WINOGRAD, count_folded);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("winograd");
    TCase *tests = tcase_create("winograd");
    tcase_add_loop_test(tests, correlates, 0, SIZES);
    tcase_add_loop_test(tests, statements_multiply, 0, SIZES);
    tcase_add_test(tests, statements_are_few);
    tcase_add_loop_test(tests, kernels_are_right, 0, 3);
    tcase_add_loop_test(tests, small_batches_are_right, 0, 6);
    tcase_add_loop_test(tests, strided_kernels_are_right, 0, 3);
    tcase_add_loop_test(tests, strided_small_batches_are_right, 0, 3);
    tcase_add_loop_test(tests, strides_are_folded, 0, 3);
    tcase_add_test(tests, the_faster_method_is_chosen);
    tcase_set_timeout(tests, 600);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
