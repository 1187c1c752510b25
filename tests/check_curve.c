/*
 * check_curve: closed forms against other ways to compute them, tables against the curve on dense
 * grids, the source's worked check, problems and printed forms.
 *
 * Random tests print their seed; CHECK_SEED=n repeats one.
 */
#ifndef _XOPEN_SOURCE
#define _XOPEN_SOURCE 700
#endif

#include "curves.h"

Suite *curve_suite(void);

/* ---- closed forms ---- */

/* Dynamic by its two fractions, with the digits of a long double. */
static double two_fractions(const struct curve *curve, double x)
{
    const double *parameter = curve->parameter;
    long double l = parameter[DYNAMIC_L], q = parameter[DYNAMIC_Q], i = parameter[DYNAMIC_I];
    long double p = parameter[DYNAMIC_P], z = parameter[DYNAMIC_Z];
    if (x < 0)
        return 0;
    return (double)(x + l / (q * powl(x + i, p) + z) - l / (q * powl(x - i, p) + z));
}

START_TEST(dynamic_is_the_two_fractions)
{
    start_random("dynamic_is_the_two_fractions");
    for (int n = 0; n < 2000; n++) {
        struct curve curve = random_dynamic();
        double x = random_between(0, 1) < 0.1 ? -1 : random_scale(1e-3, 1e3);
        double expected = two_fractions(&curve, x);
        assert_near(curve_value(&curve, x), expected, 1e-13 * (1 + fabs(x) + fabs(expected)));
        ck_assert(curve_value(&curve, 0) == 0);
    }
    struct curve layer8 = dynamic(0, 0, 0, 2), odd = dynamic(5, 0, 3, 3);
    for (double x = -3; x < 3; x += 0.25) {
        ck_assert(curve_value(&layer8, x) == fmax(x, 0));
        ck_assert(curve_value(&odd, x) == fmax(x, 0));
    }
}
END_TEST

START_TEST(dynamic_does_not_cancel)
{
    struct curve curve = dynamic(1, 1, 1e-9, 2); /* the gap is -4LQIx/(AB), AB = 121 at x = 1 */
    assert_near((curve_value(&curve, 1) - 1) / (-4e-9 / 121), 1, 1e-5);
    ck_assert(curve_value(&fitted, 1e200) == 1e200);
    ck_assert(curve_value(&fitted, INFINITY) == INFINITY);
    ck_assert(curve_slope(&fitted, 1e200) == 1);
}
END_TEST

/* Slope at X against a central difference of the values. */
static void assert_slope(const struct curve *curve, double x)
{
    double h = 1e-6 * fmax(1, fabs(x));
    double difference = (curve_value(curve, x + h) - curve_value(curve, x - h)) / (2 * h);
    double slope = curve_slope(curve, x);
    assert_near(slope, difference, 1e-6 * (1 + fabs(slope)));
}

START_TEST(slopes_are_those_of_the_values)
{
    static const struct curve_point points[] = {{-1, 2}, {0, 0}, {2, 1}};
    struct curve others[] = {{.kind = CURVE_RELU},
                             {.kind = CURVE_LEAKY_RELU, .parameter = {0.01}},
                             {.kind = CURVE_SIGMOID},
                             {.kind = CURVE_TANH},
                             {.kind = CURVE_PIECEWISE, .points = points, .point_count = 3},
                             {.kind = CURVE_RELU_AT, .parameter = {-1}},
                             {.kind = CURVE_ELU, .parameter = {1.25}},
                             {.kind = CURVE_SOFTPLUS},
                             {.kind = CURVE_SILU},
                             {.kind = CURVE_GELU},
                             {.kind = CURVE_HARDSWISH}};
    start_random("slopes_are_those_of_the_values");
    for (int n = 0; n < 2000; n++) {
        struct curve curve = dynamic(random_scale(0.1, 60), random_scale(0.01, 12),
                                     random_between(-3, 10), random_between(0, 1) < 0.5 ? 2 : 4);
        assert_slope(&curve, random_between(0.01, 20));
        double x = random_between(-8, 8);
        if (fabs(x) > 1e-4 && fabs(x + 1) > 1e-4 && fabs(x - 2) > 1e-4 && fabs(fabs(x) - 3) > 1e-4)
            assert_slope(&others[n % 11], x);
    }
    assert_slope(&fitted, 0.3);
    assert_slope(&fitted, -0.3);
}
END_TEST

/* The parameter slopes of CURVE at X against central differences by each parameter. */
static void assert_parameter_slopes(struct curve curve, double x)
{
    double slopes[CURVE_PARAMETERS];
    const char *letters = curve_kind_parameters(curve.kind);
    curve_parameter_slopes(&curve, x, slopes);
    for (int i = 0; i < CURVE_PARAMETERS; i++) {
        if (i >= (int)strlen(letters) || letters[i] == 'P') {
            ck_assert(slopes[i] == 0);
            continue;
        }
        double given = curve.parameter[i], value[2];
        volatile float step[2]; /* parameter a is rounded to a float */
        for (int j = 0; j < 2; j++) {
            step[j] = (float)(given + (j ? 1 : -1) * 1e-4 * fmax(1, fabs(given)));
            curve.parameter[i] = step[j];
            value[j] = curve_value(&curve, x);
        }
        curve.parameter[i] = given;
        double difference = (value[1] - value[0]) / ((double)step[1] - (double)step[0]);
        assert_near(slopes[i], difference, 1e-4 * (1e-3 + fabs(difference)));
    }
}

START_TEST(parameter_slopes_are_those_of_the_values)
{
    start_random("parameter_slopes_are_those_of_the_values");
    for (int n = 0; n < 2000; n++) {
        double x = random_between(-5, 20);
        assert_parameter_slopes(dynamic(random_scale(0.1, 60), random_scale(0.1, 12),
                                        random_scale(0.05, 8) * (n % 3 ? 1 : -1), n % 2 ? 2 : 4),
                                x);
        struct curve plain = {.kind = n % 2 ? CURVE_ELU : CURVE_LEAKY_RELU,
                              .parameter = {random_between(-1, 2)}};
        assert_parameter_slopes(plain, x);
    }
    double slopes[CURVE_PARAMETERS];
    struct curve relu = dynamic(0, 12, 2, 2); /* L still has a slope where the curve is ReLU */
    curve_parameter_slopes(&relu, 1.5, slopes);
    assert_near(slopes[DYNAMIC_L], 1 / (12 * 3.5 * 3.5 + 10) - 1 / (12 * 0.5 * 0.5 + 10), 1e-15);
    ck_assert(slopes[DYNAMIC_Q] == 0 && slopes[DYNAMIC_I] == 0);
    curve_parameter_slopes(&fitted, 1e300, slopes);
    curve_parameter_slopes(&fitted, INFINITY, slopes);
    for (int i = 0; i < CURVE_PARAMETERS; i++)
        ck_assert(slopes[i] == 0);
}
END_TEST

START_TEST(kinks_have_the_slope_on_their_left)
{
    struct curve relu = {.kind = CURVE_RELU},
                 leaky = {.kind = CURVE_LEAKY_RELU, .parameter = {0.5}};
    ck_assert(curve_slope(&relu, 0) == 0);
    ck_assert(curve_slope(&leaky, 0) == 0.5);
    ck_assert(curve_slope(&fitted, 0) == 0);
    struct curve relu_at = {.kind = CURVE_RELU_AT, .parameter = {1.5}};
    ck_assert(curve_slope(&relu_at, 1.5) == 0 && curve_value(&relu_at, 1.5) == 1.5);
    struct curve elu = {.kind = CURVE_ELU, .parameter = {0.5}};
    ck_assert(curve_slope(&elu, 0) == 0.5);
    struct curve table = tangent(fitted, 0.1, 3);
    ck_assert(curve_applied_slope(&table, 0) == 0);
    ck_assert(curve_applied_value(&table, 0) == 0);
    for (int i = 0; i + 1 < table.table->count; i++)
        ck_assert(curve_applied_slope(&table, table.table->pieces[i].to) ==
                  table.table->pieces[i].slope);
    ck_assert(curve_applied_value(&table, INFINITY) == INFINITY);
    ck_assert(curve_applied_value(&table, -INFINITY) == 0);
    ck_assert(isnan(curve_applied_value(&table, NAN)));
    ck_assert(isnan(curve_value(&relu, NAN)));
    struct curve sigmoid = tangent((struct curve){.kind = CURVE_SIGMOID}, 0.1, 0);
    ck_assert(isnan(curve_applied_value(&sigmoid, NAN)));
    ck_assert(curve_applied_value(&sigmoid, INFINITY) == 1);
}
END_TEST

/* ---- tables ---- */

START_TEST(the_sources_check)
{
    struct curve curve = tangent(fitted, 0.1, 3);
    const struct table *table = curve.table;
    const double x[] = {0, 0.4123, 0.8276, 2.1848, 3}, y[] = {0, 0.1893, 0.6319, 2.1469, 3};
    ck_assert_int_eq(table->count, 6);
    for (int i = 0; i < 5; i++) {
        double at = table->pieces[i].to;
        assert_near(at, x[i], 1e-4);
        assert_near(curve_applied_value(&curve, at), y[i], 1e-4);
    }
    ck_assert(table->pieces[0].slope == 0 && table->pieces[0].intercept == 0);
    ck_assert(table->pieces[1].intercept == 0);
    ck_assert(table->pieces[5].slope == 1 && table->pieces[5].intercept == 0);
    assert_near(table->value_error, 0.035, 5e-4);
    assert_bounds(&curve, 5000);
    printf("the source's check: value within %.9g, slope within %.9g\n", table->value_error,
           table->slope_error);
}
END_TEST

/* Steps 1 to 7 of the source in the plainest way: small steps to the right, then bisection. */
static int plain_corridor(const struct curve *curve, double k, double max, double *breaks, int most)
{
    const double step = 5e-4;
    int count = 1;
    double x0 = breaks[0] = 0;
    while (count < most) {
        double h = 1e-9, y0 = curve_value(curve, x0), x = x0;
        double m = x0 > 0 ? curve_slope(curve, x0) : curve_slope(curve, h);
        while (x < max && fabs(curve_value(curve, x) - y0 - m * (x - x0)) < k)
            x += step;
        double low = x - step, high = x;
        for (int i = 0; i < 60; i++) {
            double middle = (low + high) / 2;
            bool inside = fabs(curve_value(curve, middle) - y0 - m * (middle - x0)) < k;
            *(inside ? &low : &high) = middle;
        }
        if (high >= max)
            break;
        breaks[count++] = x0 = to_float(high);
    }
    return count;
}

START_TEST(the_corridor_is_the_sources)
{
    const double k = 0.05, max = 30;
    for (int i = 0; i < 7; i++) {
        double breaks[100];
        struct curve curve = tangent(dynamic(layers[i][0], layers[i][1], layers[i][2], 2), k, max);
        int count = plain_corridor(&curve, k, max, breaks, 100);
        ck_assert_int_eq(curve.table->count, count + 2);
        for (int j = 0; j < count; j++)
            assert_near(curve.table->pieces[j].to, breaks[j], 1e-4 * (1 + breaks[j]));
        ck_assert(curve.table->pieces[count].to == max);
        assert_bounds(&curve, 400);
    }
}
END_TEST

START_TEST(the_tail_is_mended)
{
    const double q[] = {0.1, 1}, k[] = {0.1, 0.01};
    for (int i = 0; i < 4; i++) {
        struct curve given = tangent(dynamic(30, q[i / 2], 3, 2), k[i % 2], 3);
        struct curve chosen = tangent(dynamic(30, q[i / 2], 3, 2), k[i % 2], 0);
        const struct table *table = given.table;
        double end = table->pieces[table->count - 1].from;
        ck_assert(end > 3);
        ck_assert(end == chosen.table->pieces[chosen.table->count - 1].from);
        ck_assert(table->value_error <= 3 * k[i % 2]);
        for (double x = end; x < 1e6; x *= 1.01)
            ck_assert(fabs(curve_value(&given, x) - x) <= k[i % 2]);
        assert_bounds(&given, 1000);
    }
    struct curve good = tangent(dynamic(30, 1, 3, 2), 0.1, 40); /* a max that needs no mending */
    ck_assert(good.table->pieces[good.table->count - 1].from == 40);
    struct curve fine = tangent(fitted, 0.1, 2.1); /* max is rounded to a float */
    ck_assert(fine.table->pieces[fine.table->count - 1].from == (double)2.1f);
}
END_TEST

/* With max = 0 and one piece, the end is the least: closer in the curve is farther than k. */
START_TEST(the_end_chosen_is_near_the_least)
{
    for (int i = 0; i < 7; i++) {
        struct curve curve = tangent(dynamic(layers[i][0], layers[i][1], layers[i][2], 2), 0.02, 0);
        const struct table *table = curve.table;
        const struct piece *before = &table->pieces[table->count - 2];
        double end = before->to, start = before->from;
        bool least = fabs(curve_value(&curve, end * (1 - 1e-5)) - end * (1 - 1e-5)) > 0.02;
        bool as_long = fabs((end - start) - (start - before[-1].from)) <= 1e-5 * end;
        ck_assert_msg(least || as_long, "layer %d ends at %g", i + 1, end);
    }
}
END_TEST

START_TEST(bounds_hold_for_random_curves)
{
    start_random("bounds_hold_for_random_curves");
    for (int n = 0; n < 60; n++) {
        double k = random_scale(0.003, 0.5);
        struct curve curve = random_dynamic();
        if (random_between(0, 1) < 0.2)
            curve.parameter[DYNAMIC_L] *= -1;
        if (random_between(0, 1) < 0.1) { /* both signs turned: the same denominators */
            curve.parameter[DYNAMIC_Q] *= -1;
            curve.parameter[DYNAMIC_Z] *= -1;
        }
        struct curve table = tangent(curve, k, random_between(0, 1) < 0.5 ? 3 : 0);
        ck_assert_msg(table.table->value_error <= 3 * k * 1.002, "%s",
                      curve_describe(arena, &table));
        assert_bounds(&table, table.table->count > 200 ? 60 : 300);
    }
}
END_TEST

START_TEST(narrow_bumps_are_seen)
{
    const double q[] = {1e2, 1e4, 1e6, 1e8}, i[] = {3, 30, 300, 1234.5};
    for (int n = 0; n < 16; n++) {
        struct curve curve = dynamic(30, q[n / 4], i[n % 4], 2);
        double width = sqrt(10 / q[n / 4]);
        if (width < 1e-4 * i[n % 4] / 3)
            continue; /* beyond what floats resolve */
        struct curve table = tangent(curve, 0.1, 3);
        ck_assert_int_gt(table.table->count, 8);
        assert_bounds(&table, 300);
    }
}
END_TEST

START_TEST(bounded_curves_are_symmetric)
{
    const double k[] = {0.0005, 0.02, 0.1, 0.7, 100};
    for (int i = 0; i < 10; i++) {
        struct curve curve = {.kind = i % 2 ? CURVE_TANH : CURVE_SIGMOID};
        double low = i % 2 ? -1 : 0, sum = i % 2 ? 0 : 1;
        curve = tangent(curve, k[i / 2], i / 2 == 1 ? 6 : 0);
        const struct table *table = curve.table;
        struct piece first = table->pieces[0], last = table->pieces[table->count - 1];
        ck_assert(first.slope == 0 && first.intercept == low);
        ck_assert(last.slope == 0 && last.intercept == 1);
        if (i / 2 == 1)
            ck_assert(last.from == 6);
        ck_assert(table->count % 2 == 1);
        for (int j = 0; j < table->count; j++) {
            struct piece a = table->pieces[j], b = table->pieces[table->count - 1 - j];
            ck_assert(a.from == -b.to && a.slope == b.slope);
            assert_near(a.intercept, sum - b.intercept, 1e-7);
        }
        ck_assert(curve_keeps_zero(&curve) == (i % 2 == 1));
        assert_bounds(&curve, 500);
    }
}
END_TEST

START_TEST(both_sides_end_on_their_asymptotes)
{
    const double k[] = {0.0003, 0.02, 0.1, 0.7, 100};
    struct curve given = lopsided_curve(_i);
    for (int i = 0; i < 5; i++) {
        struct curve curve = tangent(given, k[i], i == 1 ? 6 : 0);
        const struct table *table = curve.table;
        struct piece first = table->pieces[0], last = table->pieces[table->count - 1];
        ck_assert(last.slope == 1 && last.intercept == 0);
        ck_assert(first.slope == 0);
        ck_assert(first.intercept == to_float(-given.parameter[0]));
        ck_assert(table->value_error <= 3 * k[i]);
        assert_bounds(&curve, 500);
    }
}
END_TEST

START_TEST(k_goes_from_the_curve_to_relu)
{
    double before = INFINITY;
    for (double k = 0.1; k > 1e-4; k /= 4) {
        struct curve curve = tangent(fitted, k, 0);
        ck_assert(curve.table->value_error < before);
        ck_assert(curve.table->value_error <= 3 * k);
        before = curve.table->value_error;
    }
    const double coarse[] = {1, 100, 1e6, 100, 1e6}, max[] = {0, 0, 0, 3, 3};
    for (int i = 0; i < 5; i++) {
        struct curve curve = tangent(fitted, coarse[i], max[i]);
        ck_assert_int_eq(curve.table->count, 2);
        ck_assert(curve.table->pieces[0].slope == 0 && curve.table->pieces[0].to == 0);
        ck_assert(curve.table->pieces[1].slope == 1 && curve.table->pieces[1].intercept == 0);
        assert_bounds(&curve, 20000);
    }
    struct curve layer8 = tangent(dynamic(0, 0, 0, 2), 0.1, 0);
    ck_assert_int_eq(layer8.table->count, 2);
    ck_assert(layer8.table->value_error < 2e-9 && layer8.table->slope_error < 2e-9);
}
END_TEST

START_TEST(tables_by_nature_have_no_error)
{
    static const struct curve_point points[] = {{-1.1, 2.3}, {0.1, 0.7}, {2.3, 0.7}, {1e3, 5}};
    struct curve curves[] = {{.kind = CURVE_RELU},
                             {.kind = CURVE_LEAKY_RELU, .parameter = {0.01}},
                             {.kind = CURVE_PIECEWISE, .points = points, .point_count = 4}};
    const int counts[] = {2, 2, 3};
    for (int i = 0; i < 3; i++) {
        ck_assert_ptr_null(curve_problem(arena, &curves[i]));
        curve_tabulate(arena, &curves[i]);
        ck_assert_int_eq(curves[i].table->count, counts[i]);
        ck_assert(curves[i].table->value_error == 0 && curves[i].table->slope_error == 0);
        assert_well_formed(&curves[i]);
        for (double x = -5; x < 2000; x += x < 5 ? 0.01 : 10) {
            ck_assert(curve_applied_value(&curves[i], x) == curve_value(&curves[i], x));
            ck_assert(curve_applied_slope(&curves[i], x) == curve_slope(&curves[i], x));
        }
    }
    for (int j = 0; j < 4; j++)
        assert_near(curve_value(&curves[2], points[j].x), points[j].y, 1e-6);
    struct curve exact = {.kind = CURVE_SIGMOID};
    curve_tabulate(arena, &exact);
    ck_assert_ptr_null(exact.table);
    ck_assert(curve_applied_value(&exact, 1) == curve_value(&exact, 1));
}
END_TEST

/* ---- problems ---- */

static void assert_problem(struct curve curve, const char *expected)
{
    ck_assert_pstr_eq(curve_problem(arena, &curve), expected);
}

START_TEST(dynamic_problems_name_the_parameter)
{
    struct curve curve = fitted;
    assert_problem(curve, NULL);
    curve.parameter[DYNAMIC_L] = NAN;
    assert_problem(curve, "dynamic: L must be a finite float, given nan");
    curve.parameter[DYNAMIC_L] = 1e39;
    assert_problem(curve, "dynamic: L must be a finite float, given 1e+39");
    assert_problem(dynamic(1, 1, 1, 2.5),
                   "dynamic: P must be a whole number from 1 to 16, given 2.5");
    assert_problem(dynamic(1, 1, 1, 0), "dynamic: P must be a whole number from 1 to 16, given 0");
    assert_problem(dynamic(1, 1, 2e6, 2), "dynamic: I must be within 1e+06 of 0, given 2e+06");
    assert_problem(dynamic(1, 0.001, 1, 3),
                   "dynamic: P = 3 is odd, so the curve jumps at x = 0 (to -2e-05)");
    assert_problem(dynamic(0, 0.001, 1, 3), NULL);
    assert_problem(dynamic(1, 0.001, 0, 3), NULL);
    assert_problem(dynamic(1, -10, 0.5, 2),
                   "dynamic: Q(x+I)^P + Z is 0 at x = 0.5 (Q = -10, Z = 10)");
    assert_problem(dynamic(1, -10, -0.5, 4),
                   "dynamic: Q(x-I)^P + Z is 0 at x = 0.5 (Q = -10, Z = 10)");
    assert_problem(dynamic(1, -10, 3, 2), "dynamic: Q(x-I)^P + Z is 0 at x = 2 (Q = -10, Z = 10)");
    assert_problem(dynamic(1, 10, 3, 1), "dynamic: Q(x-I)^P + Z is 0 at x = 2 (Q = 10, Z = 10)");
    assert_problem(dynamic(1, 10, -3, 3), "dynamic: Q(x+I)^P + Z is 0 at x = 2 (Q = 10, Z = 10)");
    curve = dynamic(1, 1, 1.2, 2);
    curve.parameter[DYNAMIC_Z] = 0;
    assert_problem(curve, "dynamic: Q(x-I)^P + Z is 0 at x = 1.2 (Z = 0)");
    curve.parameter[DYNAMIC_I] = -1.2;
    assert_problem(curve, "dynamic: Q(x+I)^P + Z is 0 at x = 1.2 (Z = 0)");
    curve.parameter[DYNAMIC_Q] = 0;
    assert_problem(curve, "dynamic: Q(x+I)^P + Z is 0 at x = 0 (Q = 0, Z = 0)");
    curve.parameter[DYNAMIC_Q] = curve.parameter[DYNAMIC_Z] = -3; /* the same sign: sound */
    assert_problem(curve, NULL);
    curve.parameter[DYNAMIC_Z] = -1e-35;
    assert_problem(curve, "dynamic: Q / Z must be 0 or from 1e-30 to 1e30, given -3 / -1e-35");
}
END_TEST

START_TEST(the_same_points_are_the_same_curve)
{
    const struct curve_point points[] = {{-1, 2}, {0, 0}, {2, 1}},
                             again[] = {{-1, 2}, {0, 0}, {2, 1}},
                             other_x[] = {{-1, 2}, {1, 0}, {2, 1}},
                             other_y[] = {{-1, 2}, {0, 0}, {2, 3}};
    struct curve a = {.kind = CURVE_PIECEWISE, .points = points, .point_count = 3}, b = a;
    b.points = again;
    ck_assert(curve_same(&a, &b));
    b.points = other_x;
    ck_assert(!curve_same(&a, &b));
    b.points = other_y;
    ck_assert(!curve_same(&a, &b));
    b = a;
    b.point_count = 2;
    ck_assert(!curve_same(&a, &b));
}
END_TEST

START_TEST(other_problems_are_told)
{
    struct curve_point points[] = {{0, 0}, {1, 1}, {1, 2}};
    struct curve lines = {.kind = CURVE_PIECEWISE, .points = points, .point_count = 1};
    assert_problem(lines, "piecewise: at least two points are needed, given 1");
    lines.point_count = 3;
    assert_problem(lines, "piecewise: x must increase, but point 3 has x = 1 after 1");
    points[2] = (struct curve_point){2, INFINITY};
    assert_problem(lines, "piecewise: point 3 must be finite floats, given (2, inf)");
    points[2] = (struct curve_point){1 + 1e-6, 3e38};
    assert_problem(lines, "piecewise: the line to point 3 is too steep: slope 3.14573e+44");
    struct curve leaky = {.kind = CURVE_LEAKY_RELU, .parameter = {INFINITY}};
    assert_problem(leaky, "leaky_relu: a must be a finite float, given inf");
    struct curve curve = fitted;
    curve.method = TABLE_TANGENT;
    curve.k = -1;
    assert_problem(curve, "tangent: k must be above 0, given -1");
    curve.k = NAN;
    assert_problem(curve, "tangent: k must be above 0, given nan");
    curve.k = 0.1;
    curve.max = -3;
    assert_problem(curve, "tangent: max must be from 0 (lathe chooses) to 1e+06, given -3");
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
        double k;
        const char *message;
    } cases[] = {
        {fitted, 1e-8, "tangent: k = 1e-08 needs more than 4096 pieces; choose a larger k"},
        {fitted, 1e-300,
         "tangent: k = 1e-300 is too small: at x = 1e+06 dynamic is still farther from y = x"},
        {{.kind = CURVE_TANH},
         1e-9,
         "tangent: k = 1e-09 needs more than 4096 pieces; choose a "
         "larger k"},
        {dynamic(1e3, 1e22, 3, 2), 1e-3,
         "tangent: k = 0.001 needs break points closer than floats, at x = "},
    };
    for (int i = 0; i < 4; i++) {
        struct failure failure;
        cases[i].curve.method = TABLE_TANGENT;
        cases[i].curve.k = cases[i].k;
        ck_assert_ptr_null(curve_problem(arena, &cases[i].curve));
        ck_assert_int_eq(protected_call(tabulate, &cases[i].curve, &failure), STATUS_USER);
        ck_assert_msg(strncmp(failure.message, cases[i].message, strlen(cases[i].message)) == 0,
                      "%s", failure.message);
    }
}
END_TEST

/* ---- printed forms ---- */

/* The place after one JSON value, or NULL: strings without escapes, which is what lathe writes. */
static const char *skip_json(const char *text);

static const char *skip_blanks(const char *text)
{
    while (text && isspace((unsigned char)*text))
        text++;
    return text;
}

/* The members of an object (CLOSE is '}') or the entries of an array. */
static const char *skip_members(const char *text, char close)
{
    text = skip_blanks(text);
    if (*text == close)
        return text + 1;
    for (;;) {
        text = skip_blanks(skip_json(text));
        if (text && close == '}')
            text = *text == ':' ? skip_blanks(skip_json(text + 1)) : NULL;
        if (!text || (*text != ',' && *text != close))
            return NULL;
        if (*text++ == close)
            return text;
    }
}

static const char *skip_json(const char *text)
{
    text = skip_blanks(text);
    if (*text == '{')
        return skip_members(text + 1, '}');
    if (*text == '[')
        return skip_members(text + 1, ']');
    if (*text == '"')
        return strchr(text + 1, '"') ? strchr(text + 1, '"') + 1 : NULL;
    if (strncmp(text, "null", 4) == 0)
        return text + 4;
    char *end;
    if (!isdigit((unsigned char)*text) && *text != '-')
        return NULL; /* strtod would take inf and nan */
    strtod(text, &end);
    return end > text ? end : NULL;
}

/* The number after the N-th "NAME": in TEXT. */
static double member(const char *text, const char *name, int n)
{
    char key[32];
    snprintf(key, sizeof key, "\"%s\": ", name);
    for (text = strstr(text, key); n > 0; n--)
        text = strstr(text + 1, key);
    ck_assert_ptr_nonnull(text);
    return strtod(text + strlen(key), NULL);
}

START_TEST(json_gives_the_table_back)
{
    struct curve curves[] = {tangent(fitted, 0.1, 3),
                             tangent((struct curve){.kind = CURVE_SIGMOID}, 0.01, 0),
                             tangent(dynamic(30, 1, -3, 4), 0.1, 0)};
    for (int i = 0; i < 3; i++) {
        struct text text = {0};
        curve_print_json(&text, &curves[i]);
        const char *end = skip_json(text.data);
        ck_assert(end && strcmp(end, "\n") == 0);
        const struct table *table = curves[i].table;
        for (int j = 0; j < table->count; j++) {
            ck_assert(member(text.data, "slope", j) == table->pieces[j].slope ||
                      (float)member(text.data, "slope", j) == (float)table->pieces[j].slope);
            ck_assert((float)member(text.data, "intercept", j) ==
                      (float)table->pieces[j].intercept);
            if (j > 0)
                ck_assert((float)member(text.data, "from", j) == (float)table->pieces[j].from);
        }
        ck_assert(member(text.data, "value_error", 0) == table->value_error);
        ck_assert(member(text.data, "slope_error", 0) == table->slope_error);
        ck_assert_ptr_nonnull(strstr(text.data, "{\"pieces\": [\n  {\"from\": null, \"to\": "));
        ck_assert_ptr_nonnull(strstr(text.data, "\"to\": null, "));
        text_free(&text);
    }
    struct text text = {0};
    curve_print_json(&text, &fitted);
    ck_assert_str_eq(text.data, "{\"pieces\": [], \"value_error\": null, \"slope_error\": null}\n");
    text_free(&text);
}
END_TEST

START_TEST(text_is_readable)
{
    struct curve curve = tangent(fitted, 0.1, 3);
    struct text text = {0};
    curve_print_text(&text, &curve);
    ck_assert_str_eq(
        text.data,
        "dynamic L=55.9344 Q=12 I=0.0292402 P=2 Z=10, tangent k=0.1 max=3: 6 pieces, value within "
        "0.03502\n"
        "                x <= 0              y = 0\n"
        "            0 < x <= 0.412337       y = 0.459072 x\n"
        "     0.412337 < x <= 0.82759        y = 1.06581 x - 0.250182\n"
        "      0.82759 < x <= 2.18479        y = 1.11628 x - 0.291948\n"
        "      2.18479 < x <= 3              y = 1.04649 x - 0.139472\n"
        "            3 < x                   y = x\n"
        "value within 0.03502, slope within 0.366 of the curve, for every x\n");
    text_free(&text);
}
END_TEST

START_TEST(descriptions_name_the_curve)
{
    struct curve relu = {.kind = CURVE_RELU}, sigmoid = {.kind = CURVE_SIGMOID};
    struct curve leaky = {.kind = CURVE_LEAKY_RELU, .parameter = {0.01}};
    ck_assert_str_eq(curve_describe(arena, &relu), "relu");
    curve_tabulate(arena, &relu);
    ck_assert_str_eq(curve_describe(arena, &relu), "relu: 2 pieces");
    ck_assert_str_eq(curve_describe(arena, &leaky), "leaky_relu 0.01");
    ck_assert_str_eq(curve_describe(arena, &sigmoid), "sigmoid, exact");
    sigmoid = tangent(sigmoid, 0.02, 0);
    ck_assert_str_eq(curve_describe(arena, &sigmoid),
                     "sigmoid, tangent k=0.02: 11 pieces, value within 0.01653");
}
END_TEST

/* Every tag that opens closes, in order; no number went wrong. */
static void assert_svg(const char *svg)
{
    const char *open[32];
    int depth = 0;
    for (const char *tag = strchr(svg, '<'); tag; tag = strchr(tag + 1, '<')) {
        const char *end = strchr(tag, '>');
        ck_assert_ptr_nonnull(end);
        if (tag[1] == '/') {
            ck_assert_int_gt(depth, 0);
            depth--;
            ck_assert_int_eq(strncmp(open[depth] + 1, tag + 2, (size_t)(end - tag - 2)), 0);
        } else if (end[-1] != '/') {
            ck_assert_int_lt(depth, 32);
            open[depth++] = tag;
        }
    }
    ck_assert_int_eq(depth, 0);
    ck_assert_int_eq(strncmp(svg, "<svg ", 5), 0);
    ck_assert_ptr_null(strstr(svg, "nan"));
    ck_assert_ptr_null(strstr(svg, "inf"));
    ck_assert_ptr_null(strstr(svg, "<script"));
}

START_TEST(pictures_are_well_formed_and_the_same_twice)
{
    static const struct curve_point points[] = {{-1, 2}, {0, 0}, {2, 1}};
    struct curve curves[] = {tangent(fitted, 0.1, 3),
                             tangent(fitted, 1000, 0),
                             tangent((struct curve){.kind = CURVE_TANH}, 0.001, 0),
                             {.kind = CURVE_SIGMOID},
                             fitted,
                             {.kind = CURVE_RELU},
                             {.kind = CURVE_PIECEWISE, .points = points, .point_count = 3}};
    for (int i = 0; i < 7; i++) {
        struct text text = {0}, again = {0};
        if (i > 4)
            curve_tabulate(arena, &curves[i]);
        curve_print_svg(&text, &curves[i]);
        assert_svg(text.data);
        curve_print_svg(&again, &curves[i]);
        ck_assert_str_eq(text.data, again.data);
        text_free(&text);
        text_free(&again);
    }
}
END_TEST

/* ---- the suite ---- */

static TCase *add_case(Suite *suite, const char *name)
{
    TCase *tests = tcase_create(name);
    tcase_add_checked_fixture(tests, make_arena, drop_arena);
    tcase_set_timeout(tests, 120);
    suite_add_tcase(suite, tests);
    return tests;
}

Suite *curve_suite(void)
{
    Suite *suite = suite_create("curve");
    TCase *forms = add_case(suite, "closed forms");
    tcase_add_test(forms, dynamic_is_the_two_fractions);
    tcase_add_test(forms, dynamic_does_not_cancel);
    tcase_add_test(forms, slopes_are_those_of_the_values);
    tcase_add_test(forms, parameter_slopes_are_those_of_the_values);
    tcase_add_test(forms, kinks_have_the_slope_on_their_left);
    TCase *tables = add_case(suite, "tables");
    tcase_add_test(tables, the_sources_check);
    tcase_add_test(tables, the_corridor_is_the_sources);
    tcase_add_test(tables, the_tail_is_mended);
    tcase_add_test(tables, the_end_chosen_is_near_the_least);
    tcase_add_test(tables, bounds_hold_for_random_curves);
    tcase_add_test(tables, narrow_bumps_are_seen);
    tcase_add_test(tables, bounded_curves_are_symmetric);
    tcase_add_loop_test(tables, both_sides_end_on_their_asymptotes, 0, 7);
    tcase_add_test(tables, k_goes_from_the_curve_to_relu);
    tcase_add_test(tables, tables_by_nature_have_no_error);
    TCase *problems = add_case(suite, "problems");
    tcase_add_test(problems, dynamic_problems_name_the_parameter);
    tcase_add_test(problems, the_same_points_are_the_same_curve);
    tcase_add_test(problems, other_problems_are_told);
    tcase_add_test(problems, absurd_tables_fail_with_a_message);
    TCase *printing = add_case(suite, "printing");
    tcase_add_test(printing, json_gives_the_table_back);
    tcase_add_test(printing, text_is_readable);
    tcase_add_test(printing, descriptions_name_the_curve);
    tcase_add_test(printing, pictures_are_well_formed_and_the_same_twice);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(curve_suite());
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
