/*
 * check_weighted: tables weighed by a histogram. Their root-mean-square distance is at most eps,
 * their bounds hold on dense grids, and brute force finds no shorter ones.
 *
 * Random tests print their seed; CHECK_SEED=n repeats one.
 */
#ifndef _XOPEN_SOURCE
#define _XOPEN_SOURCE 700
#endif

#include "curves.h"

enum { GIVEN_CURVES = 13, MOST_BINS = 64 };

static struct curve given_curve(int i)
{
    if (i < 7)
        return lopsided_curve(i);
    if (i == 7 || i == 8)
        return (struct curve){.kind = i == 7 ? CURVE_SIGMOID : CURVE_TANH};
    return i == 9 ? fitted : dynamic(30, i == 12 ? 0.1 : 1, i == 10 ? 3 : -3, 2);
}

/* ---- histograms ---- */

/* A histogram with its counts, in the arena: a bell around MIDDLE, of WIDTH. */
static struct histogram *bell(double from, double to, double middle, double width)
{
    struct histogram *histogram = arena_new_of(arena, struct histogram);
    double *counts = arena_array(arena, MOST_BINS, double);
    for (int i = 0; i < MOST_BINS; i++) {
        double z = (from + (to - from) * (i + 0.5) / MOST_BINS - middle) / width;
        counts[i] = floor(1e6 * exp(-z * z / 2));
    }
    *histogram = (struct histogram){from, to, counts, MOST_BINS};
    return histogram;
}

static struct histogram *listed(double from, double to, int bins, const double *given)
{
    struct histogram *histogram = arena_new_of(arena, struct histogram);
    double *counts = arena_array(arena, (size_t)bins, double);
    memcpy(counts, given, (size_t)bins * sizeof *counts);
    *histogram = (struct histogram){from, to, counts, bins};
    return histogram;
}

static struct histogram *random_histogram(void)
{
    double counts[MOST_BINS];
    int bins = 1 + (int)random_between(0, MOST_BINS);
    double from = random_between(-8, 4), gaps = random_between(0, 1);
    for (int i = 0; i < bins; i++)
        counts[i] = random_between(0, 1) < gaps ? 0 : floor(random_scale(1, 1e6));
    counts[(int)random_between(0, bins)] += 1;
    return listed(from, from + random_scale(0.01, 12), bins, counts);
}

static struct curve weighted(struct curve curve, double eps, const struct histogram *histogram)
{
    curve.histogram = histogram;
    return tabulated(curve, TABLE_WEIGHTED, eps, 0);
}

/* The mean square distance of CURVE's table under its histogram, by fine steps, finer near 0. */
static double mean_square(const struct curve *curve)
{
    enum { STEPS = 400 };
    const struct histogram *histogram = curve->histogram;
    double total = 0, sum = 0, width = (histogram->to - histogram->from) / histogram->bins;
    for (int i = 0; i < histogram->bins; i++) {
        double from = asinh(50 * (histogram->from + i * width)), squares = 0;
        double step = (asinh(50 * (histogram->from + (i + 1) * width)) - from) / STEPS;
        for (int k = 0; k < STEPS && histogram->counts[i] > 0; k++) {
            double x = sinh(from + (k + 0.5) * step) / 50;
            double share = (sinh(from + (k + 1) * step) - sinh(from + k * step)) / 50 / width;
            double e = curve_applied_value(curve, x) - curve_value(curve, x);
            squares += e * e * share;
        }
        total += histogram->counts[i];
        sum += histogram->counts[i] * squares;
    }
    return sum / total;
}

/* All that a weighted table promises, with bounds that are near what is seen where that is TIGHT.
 */
static void assert_weighted(const struct curve *curve, int grid, bool tight)
{
    double seen = sqrt(mean_square(curve)), eps = curve->k;
    ck_assert_msg(seen <= eps * 1.001, "%s: %g seen", curve_describe(arena, curve), seen);
    ck_assert(curve->table->mean_error <= eps);
    assert_near(curve->table->mean_error, seen, 0.01 * eps + 1e-9);
    ck_assert(curve_value(curve, 0) != 0 || curve_keeps_zero(curve));
    if (tight)
        assert_bounds(curve, grid);
    assert_well_formed(curve);
    look_everywhere(curve, grid);
}

START_TEST(bounds_hold)
{
    const double eps[] = {0.001, 0.01, 0.05, 0.3, 2};
    const struct histogram *histograms[] = {bell(-5, 5, 0, 1), bell(-1, 7, 3, 0.5),
                                            bell(-9, -1, -4, 2)};
    for (int h = 0; h < 3; h++) {
        int before = 1 << 20;
        for (int i = 0; i < 5; i++) {
            struct curve curve = weighted(given_curve(_i), eps[i], histograms[h]);
            ck_assert_int_le(curve.table->count, before);
            before = curve.table->count;
            assert_weighted(&curve, 1000, true);
        }
    }
}
END_TEST

START_TEST(bounds_hold_for_random_ones)
{
    start_random("bounds_hold_for_random_ones");
    for (int n = 0; n < 40; n++) {
        struct curve curve = weighted(dynamic(random_scale(0.1, 60), random_scale(0.01, 12),
                                              random_between(-3, 10), n % 2 ? 2 : 4),
                                      random_scale(0.003, 0.5), random_histogram());
        assert_weighted(&curve, 300, true);
    }
}
END_TEST

/* What is within eps everywhere is so in the mean: one piece more for the break point at 0, which
 * minimax tables do not have. */
START_TEST(minimax_is_not_shorter)
{
    int saved = 0;
    for (double eps = 0.3; eps > 0.001; eps /= 2) {
        struct curve everywhere = minimax(given_curve(_i), eps * 0.98, 0);
        struct curve curve = weighted(given_curve(_i), eps, bell(-6, 6, 0, 1));
        ck_assert_msg(curve.table->count <= everywhere.table->count + 1, "%s against %s",
                      curve_describe(arena, &curve), curve_describe(arena, &everywhere));
        saved += everywhere.table->count - curve.table->count;
    }
    printf("%s: %d pieces saved\n", curve_kind_name(given_curve(_i).kind), saved);
    ck_assert_int_gt(saved, 0);
}
END_TEST

START_TEST(degenerate_histograms)
{
    const double one[] = {7}, middle[] = {0, 0, 5, 0, 0}, ends[] = {1, 0, 0, 0, 1e12};
    const struct histogram *histograms[] = {
        listed(-1e-3, 1e-3, 1, one),  listed(0.4, 0.4001, 1, one), listed(-3, 2, 5, middle),
        listed(-9, -8, 1, one),       listed(-3, 8, 5, ends),      listed(500, 600, 1, one),
        listed(-1e6, 1e6, 5, middle),
    };
    for (int h = 0; h < 7; h++) {
        struct curve curve = weighted(given_curve(_i), 0.01, histograms[h]);
        assert_weighted(&curve, 100, false);
    }
    struct curve below = weighted(fitted, 0.01, histograms[3]);
    ck_assert_int_le(below.table->count, 3); /* the unseen is held ten times as loosely */
}
END_TEST

/* Pieces are where the numbers are. */
START_TEST(pieces_follow_the_histogram)
{
    struct curve left =
        weighted((struct curve){.kind = CURVE_SIGMOID}, 0.0005, bell(-6, 6, -3, 0.5));
    struct curve right =
        weighted((struct curve){.kind = CURVE_SIGMOID}, 0.0005, bell(-6, 6, 3, 0.5));
    int lefts = 0, rights = 0;
    for (int i = 0; i + 1 < left.table->count; i++)
        lefts += left.table->pieces[i].to < 0;
    for (int i = 0; i + 1 < right.table->count; i++)
        rights += right.table->pieces[i].to > 0;
    ck_assert_int_eq(left.table->count, right.table->count);
    ck_assert_int_ge(lefts, (left.table->count - 1) * 3 / 4);
    ck_assert_int_ge(rights, (right.table->count - 1) * 3 / 4);
}
END_TEST

/* A table found once: the candidates, and so the pieces, follow the histogram's density. */
START_TEST(pieces_stay_where_they_are)
{
    static const double ends[] = {-3.320261, -1.141341, 0.6786229, 1.179611,
                                  1.698117,  2.376363,  4.002448};
    enum { ENDS = sizeof ends / sizeof *ends };
    struct curve curve =
        weighted((struct curve){.kind = CURVE_SIGMOID}, 0.002, bell(-6, 6, 1, 0.7));
    ck_assert_int_eq(curve.table->count, ENDS + 1);
    for (int i = 0; i < ENDS; i++)
        ck_assert_double_eq_tol(curve.table->pieces[i].to, ends[i], 1e-5);
}
END_TEST

START_TEST(same_bytes_twice)
{
    struct text texts[2] = {{0}, {0}};
    for (int i = 0; i < 2; i++) {
        struct curve curve = weighted(given_curve(_i), 0.004, bell(-5, 5, 0.5, 1));
        curve_print_json(&texts[i], &curve);
        curve_print_text(&texts[i], &curve);
    }
    ck_assert_str_eq(texts[0].data, texts[1].data);
    ck_assert_ptr_nonnull(strstr(texts[0].data, "\"mean_error\": "));
    ck_assert_ptr_nonnull(strstr(texts[0].data, "root-mean-square distance"));
    text_free(&texts[0]);
    text_free(&texts[1]);
}
END_TEST

START_TEST(problems_are_told)
{
    struct curve curve = {.kind = CURVE_TANH, .method = TABLE_WEIGHTED, .k = 0.01};
    const double counts[] = {1, -1}, nothing[] = {0, 0};
    ck_assert_ptr_nonnull(
        strstr(curve_problem(arena, &curve), "weighted: needs the histogram of what the curve"));
    curve.histogram = listed(1, -1, 1, counts);
    ck_assert_str_eq(
        curve_problem(arena, &curve),
        "weighted: histogram: from must be below to, both within 1e+06, given 1 and -1");
    curve.histogram = listed(-1, 1, 2, counts);
    ck_assert_str_eq(curve_problem(arena, &curve),
                     "weighted: histogram: counts must be from 0 up, the one at place 2 is -1");
    curve.histogram = listed(-1, 1, 2, nothing);
    ck_assert_str_eq(curve_problem(arena, &curve), "weighted: histogram: all counts are 0");
    curve.histogram = listed(-1, 1, 0, counts);
    ck_assert_str_eq(curve_problem(arena, &curve),
                     "weighted: histogram: needs 1 to 4096 counts, given 0");
    struct curve other = curve;
    other.histogram = listed(-1, 1, 1, counts);
    ck_assert(curve_same(&curve, &curve) && !curve_same(&curve, &other));
    curve.k = 0;
    ck_assert_str_eq(curve_problem(arena, &curve), "weighted: eps must be above 0, given 0");
}
END_TEST

static void tabulate(void *curve)
{
    curve_tabulate(arena, curve);
}

START_TEST(absurd_tables_fail_with_a_message)
{
    struct failure failure;
    struct curve curve = {
        .kind = CURVE_GELU, .method = TABLE_WEIGHTED, .k = 1e-9, .histogram = bell(-4, 4, 0, 1)};
    ck_assert_int_eq(protected_call(tabulate, &curve, &failure), STATUS_USER);
    ck_assert_str_eq(failure.message, "weighted: eps = 1e-09 needs more pieces than its 512 "
                                      "candidates give; choose a larger eps");
}
END_TEST

/* ---- against brute force ---- */

/* A coarse grid of its own: COLUMNS places, LEVELS heights around the curve at each. */
enum { COLUMNS = 25, LEVELS = 33, FINE = 24, NODES = COLUMNS * LEVELS, MOST = 8 };

struct grid {
    const struct curve *curve;
    double x[COLUMNS], step, spacing;
    double weight[COLUMNS][FINE], f[COLUMNS][FINE]; /* of the stretch after a column */
};

/* The weight of x .. x + width: 99 parts of the histogram, one spread over the grid. */
static double weight_of(const struct grid *grid, double x, double width)
{
    const struct histogram *h = grid->curve->histogram;
    double total = 0, bin = (h->to - h->from) / h->bins;
    for (int i = 0; i < h->bins; i++)
        total += h->counts[i];
    int place = (int)floor((x + width / 2 - h->from) / bin);
    double inside = place >= 0 && place < h->bins ? h->counts[place] / total * width / bin : 0;
    return 0.99 * inside + 0.01 * width / (grid->x[COLUMNS - 1] - grid->x[0]);
}

static struct grid new_grid(const struct curve *curve, double low, double high, double spacing)
{
    struct grid grid = {.curve = curve, .step = (high - low) / (COLUMNS - 1), .spacing = spacing};
    for (int i = 0; i < COLUMNS; i++)
        grid.x[i] = low + i * grid.step;
    for (int i = 0; i + 1 < COLUMNS; i++)
        for (int k = 0; k < FINE; k++) {
            double x = grid.x[i] + grid.step * k / FINE;
            grid.weight[i][k] = weight_of(&grid, x, grid.step / FINE);
            grid.f[i][k] = curve_value(curve, x + grid.step / FINE / 2);
        }
    return grid;
}

static double height(const struct grid *grid, int column, int level)
{
    double above = grid->spacing * (level - LEVELS / 2);
    return curve_value(grid->curve, grid->x[column]) + above;
}

/* What the straight line from (column I, Y) to (column J, Z) costs. */
static double line_cost(const struct grid *grid, int i, double y, int j, double z)
{
    double slope = (z - y) / (grid->x[j] - grid->x[i]), sum = 0;
    for (int column = i; column < j; column++)
        for (int k = 0; k < FINE; k++) {
            double x = grid->x[column] + grid->step * (k + 0.5) / FINE;
            double e = y + slope * (x - grid->x[i]) - grid->f[column][k];
            sum += grid->weight[column][k] * e * e;
        }
    return sum;
}

/* The fewest pieces of all tables on GRID that cost at most BUDGET, begin as y = 0, end as y = x
 * and are 0 at ZERO (a column; -1: anything); MOST + 1: more than MOST. */
static int fewest_pieces(const struct grid *grid, double budget, int zero)
{
    static double cost[MOST + 1][COLUMNS][LEVELS + 2];
    for (int p = 0; p <= MOST; p++)
        for (int i = 0; i < COLUMNS; i++)
            for (int l = 0; l < LEVELS + 2; l++)
                cost[p][i][l] = INFINITY;
    /* level LEVELS is the height 0 of the left tail, LEVELS + 1 that of the right tail, x */
    for (int i = 0; i < COLUMNS; i++)
        cost[1][i][LEVELS] = i ? line_cost(grid, 0, 0, i, 0) : 0;
    for (int p = 1; p <= MOST; p++)
        for (int i = 0; i < COLUMNS; i++)
            for (int l = 0; l < LEVELS + 2; l++) {
                double y = l < LEVELS ? height(grid, i, l) : l == LEVELS ? 0 : grid->x[i];
                double so_far = cost[p][i][l];
                if (so_far > budget || (i == zero && y != 0))
                    continue;
                double last = i + 1 < COLUMNS ? line_cost(grid, i, grid->x[i], COLUMNS - 1,
                                                          grid->x[COLUMNS - 1])
                                              : 0;
                bool on_right = y == grid->x[i];
                if (on_right && so_far + last <= budget)
                    return p + 1;
                for (int j = i + 1; j < COLUMNS && p < MOST && !(i < zero && j > zero); j++)
                    for (int m = 0; m < LEVELS + 2; m++) {
                        double z = m < LEVELS ? height(grid, j, m) : m == LEVELS ? 0 : grid->x[j];
                        double all = so_far + line_cost(grid, i, y, j, z);
                        if (all < cost[p + 1][j][m])
                            cost[p + 1][j][m] = all;
                    }
            }
    return MOST + 1;
}

START_TEST(brute_force_finds_no_shorter_table)
{
    int equal = 0, all = 12;
    start_random("brute_force_finds_no_shorter_table");
    for (int n = 0; n < all; n++) {
        double middle = random_between(-1, 3), eps = random_scale(0.01, 0.08);
        struct curve curve = n % 3 == 0   ? (struct curve){.kind = CURVE_SOFTPLUS}
                             : n % 3 == 1 ? dynamic(random_scale(5, 60), random_scale(1, 12),
                                                    random_between(0.02, 1), 2)
                                          : (struct curve){.kind = CURVE_SILU};
        struct curve found = weighted(curve, eps, bell(-4, 6, middle, random_between(0.5, 2)));
        int zero = n % 3 == 0 ? -1 : (COLUMNS - 1) / 2;
        struct grid grid = new_grid(&found, -6, 6, eps / 3);
        ck_assert(zero < 0 || grid.x[zero] == 0);
        int fewest = fewest_pieces(&grid, 0.99 * eps * eps * 0.96, zero);
        ck_assert_msg(found.table->count <= fewest, "%s: brute force has %d",
                      curve_describe(arena, &found), fewest);
        equal += found.table->count == fewest;
    }
    printf("brute force found as short a table for %d of %d\n", equal, all);
    ck_assert_int_ge(equal, all / 2); /* the grid is fine enough to tell */
}
END_TEST

/* ---- any function ---- */

static double bent(void *context, double x)
{
    (void)context;
    return fmax(0, x) - 0.7 * fmax(0, 0.3337 - fabs(x - 1.7)) + sqrt(fabs(x)) / (1 + x * x) / 9;
}

START_TEST(functions_have_weighted_tables)
{
    struct curve curve = {.kind = CURVE_FUNCTION,
                          .method = TABLE_WEIGHTED,
                          .k = 0.01,
                          .histogram = bell(-3, 4, 0, 1)};
    ck_assert_ptr_null(curve_problem(arena, &curve));
    const char *problem = curve_sample(arena, &curve, bent, NULL);
    ck_assert_msg(!problem, "%s", problem);
    curve_tabulate(arena, &curve);
    ck_assert(sqrt(mean_square(&curve)) <= 0.0101 && curve.table->mean_error <= 0.01);
    ck_assert(curve_keeps_zero(&curve));
    for (int i = -3000; i <= 3000; i++) {
        double x = i / 500.0, error = fabs(curve_applied_value(&curve, x) - bent(NULL, x));
        if (error > curve.table->value_error + 1e-6)
            ck_abort_msg("x = %g: off by %g", x, error);
    }
    const double one[] = {1};
    struct curve line = {.kind = CURVE_FUNCTION,
                         .method = TABLE_WEIGHTED,
                         .k = 0.01,
                         .points = (const struct curve_point[]){{-1, -2}, {1, 2}},
                         .point_count = 2,
                         .tails = {{2, 0}, {2, 0}},
                         .histogram = listed(-1, 1, 1, one)};
    curve_tabulate(arena, &line);
    ck_assert_int_eq(line.table->count, 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("weighted");
    TCase *tests = tcase_create("weighted");
    tcase_add_checked_fixture(tests, make_arena, drop_arena);
    tcase_set_timeout(tests, 240);
    tcase_add_loop_test(tests, bounds_hold, 0, GIVEN_CURVES);
    tcase_add_test(tests, bounds_hold_for_random_ones);
    tcase_add_loop_test(tests, minimax_is_not_shorter, 0, GIVEN_CURVES);
    tcase_add_loop_test(tests, degenerate_histograms, 0, GIVEN_CURVES);
    tcase_add_test(tests, pieces_follow_the_histogram);
    tcase_add_test(tests, pieces_stay_where_they_are);
    tcase_add_loop_test(tests, same_bytes_twice, 0, GIVEN_CURVES);
    tcase_add_test(tests, problems_are_told);
    tcase_add_test(tests, absurd_tables_fail_with_a_message);
    tcase_add_test(tests, brute_force_finds_no_shorter_table);
    tcase_add_test(tests, functions_have_weighted_tables);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
