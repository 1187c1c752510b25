/*
 * check_minimax: tables of the fewest pieces. They are within eps, as proven and on dense grids,
 * and no table has fewer pieces.
 *
 * Random tests print their seed; CHECK_SEED=n repeats one.
 */
#ifndef _XOPEN_SOURCE
#define _XOPEN_SOURCE 700
#endif

#include "curves.h"

/* Every kind of curve that minimax is for, some twice. */
enum { GIVEN_CURVES = 12 };

static struct curve given_curve(int i)
{
    if (i < 7)
        return lopsided_curve(i);
    if (i == 7 || i == 8)
        return (struct curve){.kind = i == 7 ? CURVE_SIGMOID : CURVE_TANH};
    return i == 9 ? fitted : dynamic(30, 1, i == 10 ? 3 : -3, 2);
}

START_TEST(tables_stay_within_eps)
{
    const double eps[] = {3e-5, 0.001, 0.01, 0.05, 0.3, 2};
    int before = 1 << 20;
    for (int i = 0; i < 6; i++) {
        struct curve curve = minimax(given_curve(_i), eps[i], 0);
        ck_assert(curve.table->value_error <= eps[i]);
        ck_assert_int_le(curve.table->count, before);
        before = curve.table->count;
        assert_bounds(&curve, i == 0 ? 100 : 1000);
    }
}
END_TEST

START_TEST(random_dynamics_stay_within_eps)
{
    start_random("random_dynamics_stay_within_eps");
    for (int n = 0; n < 40; n++) {
        double eps = random_scale(0.001, 0.5);
        struct curve curve = minimax(random_dynamic(), eps, random_between(0, 1) < 0.3 ? 20 : 0);
        ck_assert(curve.table->value_error <= eps);
        assert_bounds(&curve, curve.table->count > 200 ? 60 : 300);
    }
}
END_TEST

/* The corridor's table is one of those within its own error, so it cannot be shorter. */
START_TEST(tangent_is_never_shorter)
{
    int saved = 0, pieces = 0;
    for (double k = 0.5; k > 5e-4; k /= 1.7) {
        struct curve corridor = tangent(given_curve(_i), k, 0);
        double error = corridor.table->value_error;
        if (error == 0 || corridor.table->count < 3)
            continue;
        struct curve curve = minimax(given_curve(_i), error * (1 + 1e-4), 0);
        ck_assert_msg(curve.table->count <= corridor.table->count, "%s against %s",
                      curve_describe(arena, &curve), curve_describe(arena, &corridor));
        saved += corridor.table->count - curve.table->count;
        pieces += corridor.table->count;
    }
    printf("%s: %d of the corridor's %d pieces saved\n", curve_kind_name(given_curve(_i).kind),
           saved, pieces);
    ck_assert_int_gt(saved, 0);
}
END_TEST

START_TEST(max_holds_the_break_points)
{
    for (double max = 4; max <= 64; max *= 2) {
        struct curve curve = minimax((struct curve){.kind = CURVE_GELU}, 0.1, max);
        const struct table *table = curve.table;
        ck_assert(table->pieces[0].to >= -max && table->pieces[table->count - 1].from <= max);
    }
    struct curve near = minimax((struct curve){.kind = CURVE_SIGMOID}, 0.01, 1); /* moved out */
    ck_assert(near.table->pieces[0].to < -4);
}
END_TEST

START_TEST(one_line_is_enough_for_a_line)
{
    struct curve elu = {.kind = CURVE_ELU, .parameter = {0}}; /* ReLU */
    ck_assert_int_eq(minimax(elu, 1e-3, 0).table->count, 2);
    ck_assert_int_eq(minimax(dynamic(0, 0, 0, 2), 0.01, 0).table->count, 2);
    ck_assert_int_eq(minimax(fitted, 100, 0).table->count, 2);
    ck_assert_int_eq(minimax((struct curve){.kind = CURVE_SIGMOID}, 100, 0).table->count, 3);
}
END_TEST

static void tabulate(void *curve)
{
    curve_tabulate(arena, curve);
}

START_TEST(absurd_tables_fail_with_a_message)
{
    struct {
        struct curve curve;
        double eps;
        const char *message;
    } cases[] = {
        {{.kind = CURVE_TANH},
         1e-12,
         "minimax: eps = 1e-12 needs more than 4096 pieces; choose a "
         "larger eps"},
        {fitted, 1e-300,
         "minimax: eps = 1e-300 is too small: at x = 1e+06 dynamic is still "
         "farther from y = x"},
        {dynamic(1e3, 1e22, 3, 2), 1e-3, "minimax: eps = 0.001 "},
    };
    for (int i = 0; i < 3; i++) {
        struct failure failure;
        cases[i].curve.method = TABLE_MINIMAX;
        cases[i].curve.k = cases[i].eps;
        ck_assert_ptr_null(curve_problem(arena, &cases[i].curve));
        ck_assert_int_eq(protected_call(tabulate, &cases[i].curve, &failure), STATUS_USER);
        ck_assert_msg(strncmp(failure.message, cases[i].message, strlen(cases[i].message)) == 0,
                      "%s", failure.message);
    }
    struct curve curve = {.kind = CURVE_TANH, .method = TABLE_MINIMAX, .k = -1};
    ck_assert_str_eq(curve_problem(arena, &curve), "minimax: eps must be above 0, given -1");
    struct curve tanh = minimax((struct curve){.kind = CURVE_TANH}, 0.01, 0);
    ck_assert_str_eq(curve_describe(arena, &tanh),
                     "tanh, minimax eps=0.01: 9 pieces, value within 0.009808");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("minimax");
    TCase *tests = tcase_create("minimax");
    tcase_add_checked_fixture(tests, make_arena, drop_arena);
    tcase_set_timeout(tests, 240);
    tcase_add_loop_test(tests, tables_stay_within_eps, 0, GIVEN_CURVES);
    tcase_add_test(tests, random_dynamics_stay_within_eps);
    tcase_add_loop_test(tests, tangent_is_never_shorter, 0, GIVEN_CURVES);
    tcase_add_test(tests, max_holds_the_break_points);
    tcase_add_test(tests, one_line_is_enough_for_a_line);
    tcase_add_test(tests, absurd_tables_fail_with_a_message);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
