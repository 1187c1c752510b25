/*
 * check_nan: a number that is not one stays one: what pools and curves make of it in generated
 * kernels is what they make of it in the interpreter, and of a window or a pixel with a NaN that is
 * a NaN (torch's max_pool2d has it so, too).
 */
#include "../gen/build.h"
#include "../gen/cc.h"
#include "../gen/interp.h"
#include "../gen/spec.h"
#include "kernels.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* All branches are 3x3 in the end. Those of WINDOWS take the input's channels apart, so that a NaN
 * must show where the pixel's windows are. */
static const char spec[] =
    "local fitted = { L = 55.9344, Q = 12, I = 0.02924 }\n"
    "local function like(more) for k, v in pairs(fitted) do more[k] = v end return more end\n"
    "return network {\n"
    "  input = image(3, 6, 6),\n"
    "  concat {\n"
    "    chain { maxpool(2) }, chain { maxpool(3, { stride = 2, pad = 1 }) },\n"
    "    chain { dynamic(like {}), maxpool(2) }, chain { dynamic(like { P = 4 }), maxpool(2) },\n"
    "    chain { dynamic(like { table = tangent(0.1) }), maxpool(2) },\n"
    "    chain { relu(), maxpool(2) }, chain { leaky_relu(0.1), avgpool(2) },\n"
    "    chain { dynamic(like { learn = true }), maxpool(2) }, chain { prelu(), maxpool(2) },\n"
    "    chain { conv(4, 3), relu(), maxpool(2) }, chain { conv(20, 1), maxpool(2) },\n"
    "    chain { conv(4, 3), dynamic(like { table = minimax(0.01) }), maxpool(2) },\n"
    "    chain { dynamic_relu(), maxpool(2) },\n"
    "  },\n"
    "  flatten(), loss = mse(),\n"
    "}\n";
enum { CHANNELS = 3, SIDE = 6, PIXELS = CHANNELS * SIDE * SIDE, WINDOWS = 9 * CHANNELS, APART = 9 };

static const char *const isas[] = {"avx512", "avx2", "portable"};

/* The weights of MODEL in an arena of its own, and the outputs of INPUT. */
static void infer(const struct lathe_model *model, float *const *weights, const float *input,
                  float *output)
{
    void *memory = lathe_alloc(model->infer_arena_bytes, 1);
    model->load(model, (const float *const *)weights, memory);
    model->infer(model, input, output, 1, memory);
    free(memory);
}

static float **draw_weights(struct arena *arena, const struct lathe_model *model)
{
    float **weights = arena_array(arena, (size_t)model->parameter_count, float *);
    for (int i = 0; i < model->parameter_count; i++) {
        weights[i] = arena_array(arena, lathe_parameter_elements(&model->parameters[i]), float);
        lathe_initialise(&model->parameters[i], i, 1, weights[i]);
    }
    return weights;
}

/* The windows of 2x2, by their place among 3x3, that hold the NaN at (Y, X) of CHANNEL, in the
 * OUTPUT of a branch that takes channels apart. */
static void check_window(const float *output, int branch, int channel, int y, int x)
{
    const float *here = output + branch * WINDOWS + channel * 9;
    ck_assert_msg(isnan(here[y / 2 * 3 + x / 2]), "branch %d: channel %d, pixel (%d, %d) vanished",
                  branch, channel, y, x);
}

static void check_pixels(struct arena *arena, const struct lathe_model *const models[2],
                         const char *isa)
{
    float **weights = draw_weights(arena, models[0]), input[PIXELS];
    size_t outputs = (size_t)models[0]->outputs;
    float *output[2] = {arena_array(arena, outputs, float), arena_array(arena, outputs, float)};
    for (int pixel = 0; pixel < PIXELS; pixel++) {
        for (int i = 0; i < PIXELS; i++)
            input[i] = i == pixel ? NAN : (float)(i * 37 % 101) * 0.02f - 1;
        for (int m = 0; m < 2; m++)
            infer(models[m], weights, input, output[m]);
        for (size_t i = 0; i < outputs; i++)
            ck_assert_msg(!isnan(output[0][i]) == !isnan(output[1][i]),
                          "%s, pixel %d: output %zu is %g, the interpreter's %g", isa, pixel, i,
                          (double)output[0][i], (double)output[1][i]);
        for (int branch = 0; branch < APART; branch++)
            check_window(output[0], branch, pixel / (SIDE * SIDE), pixel / SIDE % SIDE,
                         pixel % SIDE);
    }
}

START_TEST(nans_go_through)
{
    if (!runs_here(isas[_i]))
        return;
    char folder[] = "/tmp/lathe-nan-XXXXXX";
    struct arena *arena = arena_new();
    struct build_options options = {
        .isa = isa_find(isas[_i]), .batch = 1, .infer_batch = 1, .cc = "cc"};
    ck_assert_ptr_nonnull(mkdtemp(folder));
    setenv("CFLAGS", "-O1", 1); /* much to compile, little to compute */
    const char *path = arena_printf(arena, "%s/nan.lua", folder);
    FILE *file = fopen(path, "w");
    ck_assert(file && fputs(spec, file) >= 0 && fclose(file) == 0);
    struct network *network = spec_read(arena, path, NULL, 0);
    const struct lathe_model *generated = build_and_load(arena, network, &options, folder);
    const struct lathe_model *interpreted = interp_model(arena, network, 1, 1);
    check_pixels(arena, (const struct lathe_model *const[2]){generated, interpreted}, isas[_i]);
    struct text out = {0};
    const char *const removal[] = {"rm", "-rf", folder, NULL};
    run_program(removal, "/", &out);
    text_free(&out);
    arena_free(arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("nan");
    TCase *tests = tcase_create("nan");
    tcase_add_loop_test(tests, nans_go_through, 0, sizeof isas / sizeof *isas);
    tcase_set_timeout(tests, 300);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
