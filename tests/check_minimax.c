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

/* ---- against brute force ---- */

/* A chain of straight lines with its tails: COLUMNS samples, a step apart. */
enum { COLUMNS = 64, LEVELS = 44, NODES = LEVELS + 2 };

struct chain {
    struct curve_point points[COLUMNS];
    struct line tails[2];
};

static struct curve curve_of_chain(const struct chain *chain)
{
    return (struct curve){.kind = CURVE_FUNCTION,
                          .points = chain->points,
                          .point_count = COLUMNS,
                          .tails = {chain->tails[0], chain->tails[1]}};
}

static double on(struct line line, double x)
{
    return line.slope * x + line.intercept;
}

/* A node of the brute force is a point of the tube on a column: levels from wall to wall, and where
 * the tails are. */
static double node_y(const struct chain *chain, double eps, int column, int node)
{
    struct curve_point p = chain->points[column];
    if (node >= LEVELS)
        return on(chain->tails[node - LEVELS], p.x);
    return p.y + eps * (2.0 * node / (LEVELS - 1) - 1);
}

/* Is tail SIDE within the tube from COLUMN outwards? */
static bool tail_holds(const struct chain *chain, double eps, int column, int side)
{
    for (int i = column; i >= 0 && i < COLUMNS; i += side ? 1 : -1)
        if (fabs(on(chain->tails[side], chain->points[i].x) - chain->points[i].y) > eps)
            return false;
    return true;
}

/* Lower the pieces needed to reach the nodes right of (COLUMN, Y), which PIECES reach: straight
 * lines within the tube, by the slopes that columns between let through. */
static void spread(const struct chain *chain, double eps, int column, double y, int pieces,
                   int (*least)[NODES])
{
    double x = chain->points[column].x, low = -INFINITY, high = INFINITY;
    for (int i = column + 1; i < COLUMNS && low <= high; i++) {
        double step = chain->points[i].x - x, center = chain->points[i].y;
        for (int node = 0; node < NODES; node++) {
            double goal = node_y(chain, eps, i, node), slope = (goal - y) / step;
            if (fabs(goal - center) <= eps * (1 + 1e-12) && slope >= low && slope <= high &&
                pieces + 1 < least[i][node])
                least[i][node] = pieces + 1;
        }
        low = fmax(low, (center - eps - y) / step);
        high = fmin(high, (center + eps - y) / step);
    }
}

/* The fewest pieces of all tables within EPS whose break points are nodes. */
static int fewest_pieces(const struct chain *chain, double eps)
{
    static int least[COLUMNS][NODES];
    int best = COLUMNS * 2;
    struct line left = chain->tails[0], right = chain->tails[1];
    bool same = left.slope == right.slope && left.intercept == right.intercept;
    if (same && tail_holds(chain, eps, COLUMNS - 1, 0))
        return 1;
    for (int i = 0; i < COLUMNS; i++)
        for (int node = 0; node < NODES; node++)
            least[i][node] = 2 * COLUMNS;
    for (int i = 0; i < COLUMNS; i++) {
        double x = chain->points[i].x;
        if (tail_holds(chain, eps, i, 0))
            least[i][LEVELS] = 1;
        if (tail_holds(chain, eps, i, 1)) {
            if (least[i][LEVELS] == 1 && on(left, x) == on(right, x))
                best = 2;
            if (least[i][LEVELS + 1] + 1 < best)
                best = least[i][LEVELS + 1] + 1;
        }
        for (int node = 0; node < NODES; node++)
            if (least[i][node] < best)
                spread(chain, eps, i, node_y(chain, eps, i, node), least[i][node], least);
    }
    return best;
}

/* Random slopes, smooth or ragged, in numbers that floats hold; tails go on from the ends. */
static struct chain random_chain(void)
{
    struct chain chain;
    double slope = 0, y = 0, step = 0.125, jitter = random_scale(0.05, 2);
    for (int i = 0; i < COLUMNS; i++) {
        chain.points[i] = (struct curve_point){(i - COLUMNS / 2) * step, y};
        slope = fmin(fmax(slope + jitter * random_between(-1, 1), -2), 2);
        y += floor(slope * step * 4096) / 4096;
    }
    for (int side = 0; side < 2; side++) {
        struct curve_point end = chain.points[side ? COLUMNS - 1 : 0];
        double tail = floor(random_between(-2, 3)) / 2;
        chain.tails[side] = (struct line){tail, end.y - tail * end.x};
    }
    return chain;
}

/* What is found is a table within eps; if no break points on a fine grid make a shorter one, it is
 * the shortest. */
static bool assert_shortest(const struct chain *chain, double eps)
{
    struct curve curve = minimax(curve_of_chain(chain), eps, 0);
    ck_assert(curve.table->value_error <= eps);
    assert_well_formed(&curve);
    int fewest = fewest_pieces(chain, eps * (1 - 1e-4));
    ck_assert_msg(curve.table->count <= fewest, "eps = %g: %d pieces, brute force has %d", eps,
                  curve.table->count, fewest);
    return curve.table->count == fewest;
}

START_TEST(no_random_chain_has_a_shorter_table)
{
    int equal = 0, all = 150;
    start_random("no_random_chain_has_a_shorter_table");
    for (int n = 0; n < all; n++) {
        struct chain chain = random_chain();
        equal += assert_shortest(&chain, random_scale(0.02, 1));
    }
    printf("brute force found as short a table for %d of %d chains\n", equal, all);
    ck_assert_int_ge(equal, all * 6 / 10); /* the grid is fine enough to tell */
}
END_TEST

START_TEST(no_known_curve_has_a_shorter_table)
{
    struct curve given = given_curve(_i);
    for (double eps = 0.02; eps < 0.5; eps *= 1.5) {
        struct chain chain;
        for (int i = 0; i < COLUMNS; i++) {
            double x = (i - COLUMNS / 2) * 0.25;
            chain.points[i] = (struct curve_point){x, curve_value(&given, x)};
        }
        for (int side = 0; side < 2; side++) { /* the asymptotes */
            double far = side ? 1e6 : -1e6, slope = round(curve_slope(&given, far));
            double y = curve_value(&given, far) - slope * far;
            chain.tails[side] = (struct line){slope, to_float(round(y * 1e3) / 1e3)};
        }
        if (tail_holds(&chain, eps, 0, 0) && tail_holds(&chain, eps, COLUMNS - 1, 1))
            assert_shortest(&chain, eps);
    }
}
END_TEST

/* ---- any function ---- */

static double call_curve(void *curve, double x)
{
    return curve_value(curve, x);
}

static struct curve sampled(double (*f)(void *, double), void *context, enum table_method method,
                            double k, double max)
{
    struct curve curve = {.kind = CURVE_FUNCTION, .method = method, .k = k, .max = max};
    const char *problem = curve_sample(arena, &curve, f, context);
    ck_assert_msg(!problem, "%s", problem);
    curve_tabulate(arena, &curve);
    return curve;
}

/* The table of CURVE against F itself, within RANGE. */
static void assert_near_function(const struct curve *curve, double (*f)(void *, double),
                                 void *context, double range)
{
    for (int i = -20000; i <= 20000; i++) {
        double x = i / 20000.0 * range, error = fabs(curve_applied_value(curve, x) - f(context, x));
        if (error > curve->table->value_error + 2 * FLT_EPSILON * fabs(x))
            ck_abort_msg("%s: x = %.17g: off by %.9g", curve_describe(arena, curve), x, error);
    }
}

/* A curve that is sampled gets the table that its closed form gets, or nearly so. */
START_TEST(samples_are_as_good_as_a_formula)
{
    struct curve given = given_curve(_i);
    for (double k = 0.003; k < 0.2; k *= 4) {
        struct curve exact = minimax(given, k, 0);
        struct curve curve = sampled(call_curve, &given, TABLE_MINIMAX, k, 0);
        ck_assert_int_le(abs(curve.table->count - exact.table->count), 1);
        ck_assert(curve.table->value_error <= k);
        assert_near_function(&curve, call_curve, &given, 100);
        exact = tangent(given, k, 0);
        curve = sampled(call_curve, &given, TABLE_TANGENT, k, 0);
        ck_assert(curve.table->value_error <= 3.01 * k);
        ck_assert_int_le(abs(curve.table->count - exact.table->count), 2 + exact.table->count / 8);
        assert_near_function(&curve, call_curve, &given, 100);
    }
}
END_TEST

static double with_kinks(void *context, double x)
{
    (void)context;
    return fmax(0, x) - 0.7 * fmax(0, 0.3337 - fabs(x - 1.7)) + sqrt(fabs(x)) / (1 + x * x);
}

static double wave(void *context, double x)
{
    (void)context;
    return sin(3 * x) + 0.01 * x * x * x;
}

static double step(void *context, double x)
{
    (void)context;
    return x < 0.3 ? 0 : x;
}

static double hole(void *context, double x)
{
    (void)context;
    return x == -2.5 ? (double)NAN : x;
}

static double hump(void *context, double x)
{
    (void)context;
    return x + 0.1 * exp(-x * x);
}

/* A function that ends as it begins, and is never further than eps from that line. */
START_TEST(one_line_is_enough_for_a_hump)
{
    struct curve curve = sampled(hump, NULL, TABLE_MINIMAX, 0.2, 0);
    ck_assert_int_eq(curve.table->count, 1);
    ck_assert_int_gt(sampled(hump, NULL, TABLE_MINIMAX, 0.01, 0).table->count, 2);
}
END_TEST

START_TEST(kinks_are_found)
{
    struct curve curve = sampled(with_kinks, NULL, TABLE_MINIMAX, 0.001, 0);
    assert_near_function(&curve, with_kinks, NULL, 3);
    assert_near_function(&curve, with_kinks, NULL, 3000);
    curve = sampled(with_kinks, NULL, TABLE_TANGENT, 0.01, 0);
    assert_near_function(&curve, with_kinks, NULL, 10);
    curve = sampled(wave, NULL, TABLE_MINIMAX, 0.01, 8);
    ck_assert(curve.table->value_error <= 0.01);
    assert_near_function(&curve, wave, NULL, 8);
    ck_assert(curve_is_measured(&curve));
    ck_assert_ptr_nonnull(strstr(curve_describe(arena, &curve), "(measured)"));
    struct text text = {0};
    curve_print_json(&text, &curve);
    ck_assert_ptr_nonnull(strstr(text.data, "\"measured\": true}"));
    text_free(&text);
    curve_print_text(&text, &curve);
    ck_assert_ptr_nonnull(strstr(text.data, "on samples up to max: measured, not proven\n"));
    text_free(&text);
    curve_print_svg(&text, &curve);
    ck_assert_ptr_nonnull(strstr(text.data, "the bound that samples show"));
    text_free(&text);
}
END_TEST

START_TEST(what_cannot_be_sampled_is_told)
{
    struct curve curve = {.kind = CURVE_FUNCTION, .method = TABLE_MINIMAX, .k = 0.01};
    ck_assert_str_eq(curve_sample(arena, &curve, step, NULL),
                     "f jumps, or is too steep, at x = 0.3 (from 0 to 0.3)");
    ck_assert_str_eq(curve_sample(arena, &curve, hole, NULL), "f(-2.5) is nan");
    ck_assert_ptr_nonnull(strstr(curve_sample(arena, &curve, wave, NULL), "straight towards x = "));
    curve.max = 0.25;
    ck_assert_ptr_null(curve_sample(arena, &curve, step, NULL)); /* the jump is farther out */
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
    tcase_add_test(tests, no_random_chain_has_a_shorter_table);
    tcase_add_loop_test(tests, no_known_curve_has_a_shorter_table, 0, GIVEN_CURVES);
    tcase_add_loop_test(tests, samples_are_as_good_as_a_formula, 0, GIVEN_CURVES);
    tcase_add_test(tests, one_line_is_enough_for_a_hump);
    tcase_add_test(tests, kinks_are_found);
    tcase_add_test(tests, what_cannot_be_sampled_is_told);
    tcase_add_test(tests, absurd_tables_fail_with_a_message);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
