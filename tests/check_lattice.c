/*
 * check_lattice: tables as maxima and minima of lines are the tables, NaN stays NaN, and curves
 * that are said never to fall do not.
 *
 * Random tests print their seed; CHECK_SEED=n repeats one.
 */
#ifndef _XOPEN_SOURCE
#define _XOPEN_SOURCE 700
#endif

#include "curves.h"

Suite *lattice_suite(void);

/* ---- the lattice as kernels compute it ---- */

/* The larger or smaller number as lathe_max and lathe_min have it: B where one is NaN. */
static double step_value(const struct lattice_step *step, double a, double b)
{
    if (step->maximum)
        return a > b ? a : b;
    return a < b ? a : b;
}

static double lattice_value(const struct table *table, const struct lattice_step *steps, double x)
{
    double y[64];
    ck_assert_int_le(2 * table->count, 64);
    for (int i = 0; i < table->count; i++) {
        const struct piece *piece = &table->pieces[i];
        y[i] = piece->slope == 0 ? piece->intercept : piece->slope * x + piece->intercept;
    }
    for (int i = 0; i < table->count - 1; i++)
        y[table->count + i] = step_value(&steps[i], y[steps[i].a], y[steps[i].b]);
    return y[2 * table->count - 2];
}

/* At X the lattice is the table; where pieces meet only to a float's rounding, so is this. */
static void assert_same(const struct curve *curve, const struct lattice_step *steps, double x)
{
    double size = fabs(x);
    for (int i = 0; i < curve->table->count; i++)
        size = fmax(size, fabs(curve->table->pieces[i].intercept));
    assert_near(lattice_value(curve->table, steps, x), curve_applied_value(curve, x), 3e-7 * size);
}

/* CURVE's lattice is its table on the whole line; false where it has none. */
static bool compare(const struct curve *curve)
{
    const struct table *table = curve->table;
    struct lattice_step *steps;
    int count = table_lattice(arena, table, &steps);
    if (count < 0)
        return false;
    ck_assert_int_eq(count, table->count - 1);
    for (int i = 0; i < table->count - 1; i++) {
        double at = table->pieces[i].to, from = i ? table->pieces[i].from : at - 1;
        for (int j = 0; j < 20; j++)
            assert_same(curve, steps, from + (at - from) * random_between(0, 1));
        assert_same(curve, steps, at);
        assert_same(curve, steps, nextafter(at, INFINITY));
    }
    for (double x = 1e-3; x < 1e30; x *= 7) {
        assert_same(curve, steps, x);
        assert_same(curve, steps, -x);
    }
    ck_assert(isnan(lattice_value(table, steps, NAN)));
    return true;
}

START_TEST(tables_have_their_lattice)
{
    int found = 0, searched = 0;
    start_random("tables_have_their_lattice");
    for (int n = 0; n < 200; n++) {
        struct curve curve = random_dynamic();
        double k = random_scale(0.01, 0.5);
        curve = n % 2 ? tangent(curve, k, 0) : minimax(curve, k, 0);
        if (curve.table->count > 32)
            continue;
        searched++;
        found += compare(&curve);
    }
    printf("%d of %d tables have a lattice\n", found, searched);
    ck_assert_int_gt(searched, 100);
    ck_assert_int_ge(10 * found, 9 * searched);
}
END_TEST

START_TEST(the_sources_curves_have_theirs)
{
    start_random("the_sources_curves_have_theirs");
    for (double k = 0.5; k > 0.005; k /= 2) {
        struct curve table = tangent(fitted, k, 0);
        ck_assert(compare(&table));
        for (int i = 0; i < 7; i++) {
            table = tangent(dynamic(layers[i][0], layers[i][1], layers[i][2], 2), k, 0);
            ck_assert_msg(table.table->count > 32 || compare(&table), "layer %d, k = %g", i + 1, k);
        }
    }
}
END_TEST

/* Any continuous chain of lines: slopes rise and fall. */
START_TEST(any_chain_of_lines_is_itself)
{
    int found = 0;
    start_random("any_chain_of_lines_is_itself");
    for (int n = 0; n < 500; n++) {
        struct curve_point points[9];
        int count = 3 + (int)random_between(0, 6);
        for (int i = 0; i < count; i++) {
            points[i].x = i ? points[i - 1].x + random_between(0.1, 1) : -2;
            points[i].y = i ? points[i - 1].y + random_between(-1, 1) : 0;
        }
        struct curve curve = {.kind = CURVE_PIECEWISE, .points = points, .point_count = count};
        curve_tabulate(arena, &curve);
        found += compare(&curve);
    }
    printf("%d of 500 chains have a lattice\n", found);
    ck_assert_int_gt(found, 100);
}
END_TEST

START_TEST(plain_ones_are_what_one_writes)
{
    struct lattice_step *steps;
    struct curve relu = {.kind = CURVE_RELU};
    curve_tabulate(arena, &relu);
    ck_assert_int_eq(table_lattice(arena, relu.table, &steps), 1);
    ck_assert(steps[0].maximum && steps[0].a == 0 && steps[0].b == 1);
    struct curve_point points[] = {{-2, -1}, {-1, -1}, {1, 1}, {2, 1}};
    struct curve hard_tanh = {.kind = CURVE_PIECEWISE, .points = points, .point_count = 4};
    curve_tabulate(arena, &hard_tanh);
    ck_assert_int_eq(table_lattice(arena, hard_tanh.table, &steps), 2);
    ck_assert(steps[0].maximum != steps[1].maximum);
}
END_TEST

/* ---- curves that never fall ---- */

/* The least slope of what is applied, on a grid. */
static double least_slope(const struct curve *curve)
{
    double least = INFINITY;
    for (double x = 1e-4; x < 1e4; x *= 1.005)
        least = fmin(least, fmin(curve_applied_slope(curve, x), curve_applied_slope(curve, -x)));
    return least;
}

START_TEST(what_never_falls_rises)
{
    int rising = 0;
    start_random("what_never_falls_rises");
    for (int n = 0; n < 300; n++) {
        struct curve curve = random_dynamic();
        if (n % 3 == 1)
            curve = tangent(curve, 0.1, 0);
        double least = least_slope(&curve);
        bool never_falls = curve_never_falls(&curve);
        ck_assert_msg(!never_falls || least >= 0, "%s falls", curve_describe(arena, &curve));
        if (curve.table)
            ck_assert_msg(never_falls || least < 0, "%s", curve_describe(arena, &curve));
        rising += never_falls;
    }
    printf("%d of 300 curves never fall\n", rising);
    ck_assert_int_gt(rising, 50);
}
END_TEST

START_TEST(what_is_known_of_each_kind)
{
    struct curve falling[] = {{.kind = CURVE_SILU},
                              {.kind = CURVE_GELU},
                              {.kind = CURVE_HARDSWISH},
                              dynamic(300, 1, 1, 2)};
    struct curve rising[] = {{.kind = CURVE_SIGMOID},
                             {.kind = CURVE_TANH},
                             {.kind = CURVE_SOFTPLUS},
                             {.kind = CURVE_RELU},
                             {.kind = CURVE_LEAKY_RELU, .parameter = {0.1}},
                             dynamic(0, 0, 0, 2),
                             fitted};
    struct curve leaning = {.kind = CURVE_LEAKY_RELU, .parameter = {-0.1}};
    for (int i = 0; i < 4; i++)
        ck_assert_msg(!curve_never_falls(&falling[i]), "%d", i);
    for (int i = 0; i < 7; i++) {
        curve_tabulate(arena, &rising[i]);
        ck_assert_msg(curve_never_falls(&rising[i]), "%d", i);
    }
    curve_tabulate(arena, &leaning);
    ck_assert(!curve_never_falls(&leaning));
}
END_TEST

Suite *lattice_suite(void)
{
    Suite *suite = suite_create("lattice");
    TCase *tests = tcase_create("lattice");
    tcase_add_checked_fixture(tests, make_arena, drop_arena);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, tables_have_their_lattice);
    tcase_add_test(tests, the_sources_curves_have_theirs);
    tcase_add_test(tests, any_chain_of_lines_is_itself);
    tcase_add_test(tests, plain_ones_are_what_one_writes);
    tcase_add_test(tests, what_never_falls_rises);
    tcase_add_test(tests, what_is_known_of_each_kind);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(lattice_suite());
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
