/*
 * check_activations: the closed forms of curves against PyTorch's numbers (num/activations.h), and
 * the vectorised ones of runtime/vector.h, built for each instruction set that runs here, against
 * the closed forms in double, for floats of every size.
 */
#include "../gen/curve.h"
#include "../gen/isa.h"
#include "num/activations.h"

#include <check.h>
#undef fail
#include <dlfcn.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct arena *arena;

static void set_up(void)
{
    arena = arena_new();
}

static void tear_down(void)
{
    arena_free(arena);
}

static struct curve curve_of(const char *word, double parameter)
{
    struct curve curve = {.parameter = {parameter}};
    ck_assert_msg(curve_kind_find(word, &curve.kind), "%s", word);
    ck_assert_ptr_null(curve_problem(arena, &curve));
    return curve;
}

/* ---- against PyTorch ---- */

START_TEST(closed_forms_are_pytorchs)
{
    for (size_t i = 0; i < sizeof references / sizeof *references; i++) {
        const struct reference *reference = &references[i];
        struct curve curve = curve_of(reference->word, reference->parameter);
        for (int j = 0; j < REFERENCE_POINTS; j++) {
            double x = reference_x[j], value = curve_value(&curve, x);
            double slope = curve_slope(&curve, x);
            ck_assert_msg(
                fabs(value - reference->value[j]) <= 1e-13 * fabs(reference->value[j]) + 1e-15,
                "%s(%g) is %.17g, PyTorch's %.17g", reference->word, x, value, reference->value[j]);
            ck_assert_msg(fabs(slope - reference->slope[j]) <=
                              1e-13 * fabs(reference->slope[j]) + 1e-15,
                          "%s'(%g) is %.17g, PyTorch's %.17g", reference->word, x, slope,
                          reference->slope[j]);
        }
    }
}
END_TEST

/* ---- the vectorised forms ---- */

/* f and f' of N numbers, a multiple of 16. */
typedef void (*vector_form)(float a, const float *x, float *value, float *slope, int n);

static const struct form_case {
    const char *word;
    float parameter;
    /* Bounds on errors: relative to the result (value, slope), and absolute (slope: what is made
     * as 1 - y, or as a difference of terms that cancel, is as fine as these). */
    double value, slope, slope_absolute;
} cases[] = {
    {"sigmoid", 0, 1e-6, 1e-6, 2e-7}, {"tanh", 0, 1e-6, 1e-6, 3e-7},
    {"softplus", 0, 1e-6, 1e-6, 0},   {"elu", 1, 1e-6, 1e-6, 0},
    {"elu", -0.75f, 1e-6, 1e-6, 0},   {"silu", 0, 1e-6, 1e-6, 2e-7},
    {"gelu", 0, 1.2e-5, 1e-6, 4e-7},  {"hardswish", 0, 1e-6, 1e-6, 3e-7},
};

static const char harness[] =
    "#include \"vector.h\"\n"
    "#define ADD(word, ...) \\\n"
    "    void word##_form(float a, const float *x, float *value, float *slope, int n) \\\n"
    "    { \\\n"
    "        (void)a; \\\n"
    "        for (int i = 0; i < n; i += LATHE_LANES) { \\\n"
    "            lathe_store(value + i, lathe_##word(lathe_load(x + i) __VA_ARGS__)); \\\n"
    "            lathe_store(slope + i, lathe_##word##_slope(lathe_load(x + i) __VA_ARGS__)); \\\n"
    "        } \\\n"
    "    }\n"
    "ADD(sigmoid) ADD(tanh) ADD(softplus) ADD(silu) ADD(gelu) ADD(hardswish)\n"
    "#define COMMA_A , a\n"
    "ADD(elu, COMMA_A)\n";

/* The harness as a library for ISA; NULL where this machine has not got it. */
static void *load_forms(const struct isa *isa, const char *folder)
{
    char *source = arena_printf(arena, "%s/forms.c", folder);
    char *library = arena_printf(arena, "%s/forms_%s.so", folder, isa->name);
    write_file(source, harness, strlen(harness));
    const char *command = arena_printf(
        arena,
        "cc -O3 -std=gnu11 -Wno-psabi -ffp-contract=fast -shared -fPIC %s -DLATHE_LANES=%d "
        "-Iruntime %s -o %s",
        isa->flags, isa->lanes, source, library);
    ck_assert_int_eq(system(command), 0);
    void *handle = dlopen(library, RTLD_NOW);
    ck_assert_msg(handle != NULL, "%s", dlerror());
    unlink(source);
    unlink(library);
    return handle;
}

enum { NUMBERS = 1 << 16 };

/* Floats of every size from 1e-30 to 3e38 and both signs, half of them within 20 of 0, and the
 * special ones. */
static void fill_numbers(float *x)
{
    static const float special[] = {0,       -0.0f,  INFINITY, -INFINITY, FLT_MAX, -FLT_MAX,
                                    FLT_MIN, 3,      -3,       88.3f,     -88.3f,  -87.33f,
                                    0.625f,  -1e-7f, 13.2f,    -13.2f};
    for (int i = 0; i < NUMBERS; i++) {
        double part = (double)(i / 4) / (NUMBERS / 4.0);
        double size = i & 2 ? 20 * part : exp(log(1e-30) + part * log(3e38 / 1e-30));
        x[i] = (float)(i & 1 ? -size : size);
    }
    memcpy(x, special, sizeof special);
}

static void check_numbers(const struct form_case *given, const char *isa, const float *x,
                          const float *value, const float *slope)
{
    struct curve curve = curve_of(given->word, (double)given->parameter);
    for (int i = 0; i < NUMBERS; i++) {
        double y = curve_value(&curve, (double)x[i]), m = curve_slope(&curve, (double)x[i]);
        double value_bound = given->value * fabs(y) + 2 * (double)FLT_MIN * 88;
        double slope_bound =
            given->slope * fabs(m) + given->slope_absolute + 2 * (double)FLT_MIN * 88;
        bool right = (double)value[i] == y || fabs((double)value[i] - y) <= value_bound;
        ck_assert_msg(right, "%s, %s(%.9g) = %.9g, not %.9g", isa, given->word, (double)x[i],
                      (double)value[i], y);
        ck_assert_msg(fabs((double)slope[i] - m) <= slope_bound, "%s, %s'(%.9g) = %.9g, not %.9g",
                      isa, given->word, (double)x[i], (double)slope[i], m);
    }
}

static void check_forms(const struct isa *isa, void *forms)
{
    float *x = aligned_alloc(64, NUMBERS * sizeof *x), *value = aligned_alloc(64, NUMBERS * 4);
    float *slope = aligned_alloc(64, NUMBERS * sizeof *slope);
    fill_numbers(x);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        vector_form form;
        void *found = dlsym(forms, arena_printf(arena, "%s_form", cases[i].word));
        ck_assert_ptr_nonnull(found);
        memcpy(&form, &found, sizeof form);
        form(cases[i].parameter, x, value, slope, NUMBERS);
        check_numbers(&cases[i], isa->name, x, value, slope);
        for (int j = 0; j < 16; j++)
            x[j] = NAN;
        form(cases[i].parameter, x, value, slope, 16);
        for (int j = 0; j < 16; j++)
            ck_assert_msg(isnan(value[j]), "%s(nan) = %g", cases[i].word, (double)value[j]);
        fill_numbers(x);
    }
    free(x);
    free(value);
    free(slope);
}

START_TEST(vector_forms_are_the_closed_forms)
{
    static const char *const names[] = {"portable", "avx2", "avx512"};
    char folder[] = "/tmp/lathe-forms-XXXXXX";
    int native = isa_find("native")->lanes;
    ck_assert_ptr_nonnull(mkdtemp(folder));
    const struct isa *isa = isa_find(names[_i]);
    if (isa->lanes > native)
        printf("skipped: this machine has no %s\n", isa->name);
    else
        check_forms(isa, load_forms(isa, folder));
    rmdir(folder);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("activations");
    TCase *tests = tcase_create("activations");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, closed_forms_are_pytorchs);
    tcase_add_loop_test(tests, vector_forms_are_the_closed_forms, 0, 3);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
