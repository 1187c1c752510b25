/*
 * The tables that curves become, as tests/golden/tables.txt has them: what other tests hold within
 * bounds, and so may change, does not change unseen. LATHE_BLESS=1 takes what is made now.
 */
#include "../gen/sha256.h"
#include "curves.h"

enum { BINS = 40, RANDOM_CURVES = 40 };

/* X to six digits; what rounding leaves of 0 is 0. */
static void print_number(struct text *out, double x)
{
    text_printf(out, " %.6g", fabs(x) < 1e-9 ? 0 : x);
}

static void print_table(struct text *out, const struct curve *curve)
{
    const struct table *table = curve->table;
    struct lattice_step *steps;
    int count = table_lattice(arena, table, &steps);
    for (int i = 0; i < table->count; i++) {
        print_number(out, table->pieces[i].to);
        print_number(out, table->pieces[i].slope);
        print_number(out, table->pieces[i].intercept);
    }
    print_number(out, table->value_error);
    print_number(out, table->slope_error);
    print_number(out, table->mean_error);
    text_printf(out, " %d%d", curve_never_falls(curve), curve_keeps_zero(curve));
    for (int i = 0; i < count; i++)
        text_printf(out, " %d,%d,%d", steps[i].maximum, steps[i].a, steps[i].b);
    text_printf(out, "\n");
}

/* Numbers that heap up at one place, are even, or stand at both ends. */
static const struct histogram *histogram_of(int n)
{
    struct histogram *histogram = arena_new_of(arena, struct histogram);
    double *counts = arena_array(arena, BINS, double), from = n == 2 ? -1 : -4;
    for (int i = 0; i < BINS; i++)
        counts[i] = n == 0   ? floor(1e4 / (1 + (i - 25) * (i - 25)))
                    : n == 1 ? 3
                             : (i - 20) * (i - 20);
    *histogram = (struct histogram){from, 6, counts, BINS};
    return histogram;
}

/* The line of CURVE by METHOD, its half-widths from 0.3 to FINEST: how many pieces, and a digest.
 */
static void add_line(struct text *out, const char *name, struct curve curve,
                     enum table_method method, double finest)
{
    struct text tables = {0};
    struct sha256 hash;
    char digest[65];
    int pieces = 0, variant = 0;
    for (double k = 0.3; k >= finest; k /= 2.5) {
        struct curve made = curve;
        if (method == TABLE_WEIGHTED)
            made.histogram = histogram_of(variant % 3);
        made = tabulated(made, method, k, variant % 4 == 3 ? 6 : 0);
        print_table(&tables, &made);
        pieces += made.table->count;
        variant++;
    }
    sha256_begin(&hash);
    sha256_add(&hash, tables.data, tables.length);
    sha256_end(&hash, digest);
    text_printf(out, "%s %s: %d tables, %d pieces %.12s\n", name, curve_method_name(method),
                variant, pieces, digest);
    text_free(&tables);
}

static void add_curve(struct text *out, const char *name, struct curve curve)
{
    add_line(out, name, curve, TABLE_TANGENT, 0.003);
    add_line(out, name, curve, TABLE_MINIMAX, 0.003);
    add_line(out, name, curve, TABLE_WEIGHTED, 0.02);
}

/* ---- functions ---- */

static double kinks(void *context, double x)
{
    (void)context;
    return fmax(0, x) - 0.7 * fmax(0, 0.3337 - fabs(x - 1.7)) + 0.1 * fabs(x) / (1 + x * x);
}

/* Its tails are one line. */
static double hump(void *context, double x)
{
    (void)context;
    return x + 0.2 / (1 + x * x * x * x);
}

/* Exact in binary: walls and lines meet in points. */
static double steps(void *context, double x)
{
    (void)context;
    return fmax(0, fmin(x, 1)) - fmax(0, fmin(x - 2, 1)) + fmax(0, fmin(x - 4, 2)) / 2;
}

static void add_function(struct text *out, const char *name, double (*f)(void *, double))
{
    static const enum table_method methods[] = {TABLE_TANGENT, TABLE_MINIMAX, TABLE_WEIGHTED};
    for (int m = 0; m < 3; m++) {
        struct curve curve = {.kind = CURVE_FUNCTION, .method = methods[m], .k = 0.003};
        curve.histogram = histogram_of(0);
        const char *problem = curve_sample(arena, &curve, f, NULL);
        ck_assert_msg(!problem, "%s: %s", name, problem);
        add_line(out, name, curve, methods[m], methods[m] == TABLE_WEIGHTED ? 0.02 : 0.003);
    }
}

/* ---- the test ---- */

static void add_everything(struct text *out)
{
    static const struct curve kinds[] = {
        {.kind = CURVE_SIGMOID}, {.kind = CURVE_TANH}, {.kind = CURVE_SOFTPLUS},
        {.kind = CURVE_SILU},    {.kind = CURVE_GELU}, {.kind = CURVE_HARDSWISH},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        add_curve(out, curve_kind_name(kinds[i].kind), kinds[i]);
    add_curve(out, "elu", (struct curve){.kind = CURVE_ELU, .parameter = {-0.3}});
    add_curve(out, "fitted", fitted);
    for (int i = 0; i < 7; i++)
        add_curve(out, arena_printf(arena, "layer%d", i + 1),
                  dynamic(layers[i][0], layers[i][1], layers[i][2], 2));
    random_state = 1;
    for (int i = 0; i < RANDOM_CURVES; i++) {
        struct curve curve = random_dynamic();
        add_line(out, arena_printf(arena, "random%d", i + 1), curve,
                 (enum table_method)(TABLE_TANGENT + i % 2), 0.02);
    }
    add_function(out, "kinks", kinks);
    add_function(out, "hump", hump);
    add_function(out, "steps", steps);
}

START_TEST(tables_are_as_before)
{
    static const char path[] = "tests/golden/tables.txt";
    struct text made = {0};
    size_t length;
    add_everything(&made);
    if (getenv("LATHE_BLESS")) {
        if (write_file(path, made.data, made.length))
            printf("blessed %s\n", path);
    } else {
        const char *before = read_file(arena, path, &length);
        for (const char *line = made.data; *line; line += strcspn(line, "\n") + 1) {
            const char *text = arena_printf(arena, "%.*s", (int)strcspn(line, "\n"), line);
            ck_assert_msg(strstr(before, text) != NULL,
                          "%s has another line for: %s; make bless, if that is meant", path, text);
        }
        ck_assert_uint_eq(length, made.length);
    }
    text_free(&made);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("golden tables");
    TCase *tests = tcase_create("tables");
    tcase_add_checked_fixture(tests, make_arena, drop_arena);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, tables_are_as_before);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
