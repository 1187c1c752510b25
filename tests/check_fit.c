/*
 * check_fit: the ranges of a search, the rungs of halving, Student's test, the file that specs
 * read, lines that a folder remembers. Whole searches are in test_fit.sh.
 */
#define _GNU_SOURCE
#include "../gen/base.h"
#include "../gen/fit_judge.h"
#include "../gen/fit_parts.h"
#include "../gen/json.h"
#include "../gen/record.h"

#include <check.h>
#undef fail

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct arena *arena;
static struct failure failure;
static char folder[] = "/tmp/check_fit_XXXXXX";

static void set_up(void)
{
    arena = arena_new();
    strcpy(folder + sizeof folder - 7, "XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chdir(folder), 0);
}

static void tear_down(void)
{
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    ck_assert_int_eq(chdir("/"), 0);
    ck_assert_int_eq(system(command), 0);
    arena_free(arena);
}

/* ---- ranges ---- */

static bool near(double a, double b)
{
    return fabs(a - b) <= 1e-12 * fabs(b);
}

START_TEST(the_sources_grid_is_a_preset)
{
    struct fit_options options = {.method = "grid"};
    struct fit_space space = fit_space_of(arena, &options);
    fit_points points = fit_space_grid(arena, &space);
    ck_assert_int_eq(points.count, 4 * 6 * 7);
    ck_assert(points.items[0].l == 1 && points.items[0].q == 0.01 && points.items[0].i == 1);
    /* step j of n of a range [a, b] is a (b / a)^(j / n) */
    struct fit_point last = points.items[points.count - 1];
    ck_assert(near(last.l, pow(50, 5 / 6.0)));
    ck_assert(near(last.q, 0.01 * pow(1000, 6 / 7.0)));
    ck_assert(near(last.i, pow(10, 3 / 4.0)));
    ck_assert_str_eq(fit_space_text(arena, &space), "L=1:50:6 Q=0.01:10:7 I=1:10:4");
}
END_TEST

START_TEST(the_sources_grid_of_layers_is_the_other)
{
    struct fit_options options = {.method = "grid", .per_layer = true};
    struct fit_space space = fit_space_of(arena, &options);
    fit_points points = fit_space_grid(arena, &space);
    ck_assert_int_eq(points.count, 3 * 4 * 4);
    /* numbers that the source found with it */
    double l = 0, q = 0, i = 0;
    for (int p = 0; p < points.count; p++) {
        l = near(points.items[p].l, 18.803015465431965) ? 1 : l;
        q = near(points.items[p].q, 1.7782794100389232) ? 1 : q;
        i = near(points.items[p].i, -1.4422495703074083) ? 1 : i;
    }
    ck_assert(l == 1 && q == 1 && i == 1);
}
END_TEST

START_TEST(flags_replace_ranges)
{
    struct fit_options options = {.method = "grid", .ranges = {"3:3:1", NULL, "1:10:2,-1:-10:2"}};
    struct fit_space space = fit_space_of(arena, &options);
    fit_points points = fit_space_grid(arena, &space);
    ck_assert_int_eq(points.count, 1 * 7 * 4);
    ck_assert(points.items[0].l == 3);
    ck_assert(near(points.items[27].i, -sqrt(10)));
    ck_assert_str_eq(fit_space_text(arena, &space), "L=3:3:1 Q=0.01:10:7 I=1:10:2,-1:-10:2");
}
END_TEST

static void read_space(void *context)
{
    fit_space_of(arena, context);
}

static void refused(const char *l, const char *message)
{
    struct fit_options options = {.method = "grid", .ranges = {l}};
    ck_assert_int_ne(protected_call(read_space, &options, &failure), STATUS_DONE);
    ck_assert_str_eq(failure.message, message);
}

START_TEST(ranges_that_are_none)
{
    static const char empty[] = "--L %s: the grid is empty, or too large: COUNT is from 1 to 1000";
    static const char zero[] =
        "--L %s: FROM and TO must be both above 0 or both below: steps are factors";
    static const char form[] = "--L needs FROM:TO:COUNT, or several with commas, given '%s'";
    const struct {
        const char *text, *message;
    } cases[] = {{"1:50:0", empty},
                 {"1:50:-3", empty},
                 {"1:50:1e9", empty},
                 {"0:50:3", zero},
                 {"-1:50:3", zero},
                 {"1:inf:3", zero},
                 {"50:1:6", "--L %s: it runs backwards: FROM must be nearer to 0 than TO"},
                 {"-3:-1:6", "--L %s: it runs backwards: FROM must be nearer to 0 than TO"},
                 {"2:2:3", "--L %s: FROM and TO are the same: COUNT must be 1"},
                 {"1:50", form},
                 {"", form},
                 {"1:50:6,", form},
                 {"1:50:2.5", form},
                 {"a:b:c", form}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *message;
        ck_assert_int_gt(asprintf(&message, cases[i].message, cases[i].text), 0);
        refused(cases[i].text, message);
        free(message);
    }
    refused("1:50:1000,1:60:1000,1:70:1000,1:80:1000",
            "the grid has 112000 points, at most 100000");
}
END_TEST

/* Any stretch of the sequence has about as many points in each eighth of the space. */
START_TEST(the_sequence_fills_the_space)
{
    struct fit_options options = {.method = "grid", .ranges = {NULL, NULL, "1:10:1,-1:-10:1"}};
    struct fit_space space = fit_space_of(arena, &options);
    for (int first = 0; first < 400; first += 100) {
        int counts[8] = {0};
        for (int i = first; i < first + 64; i++) {
            struct fit_point p = fit_space_spread(&space, i);
            ck_assert(p.l >= 1 && p.l <= 50 && p.q >= 0.01 && p.q <= 10);
            ck_assert(fabs(p.i) >= 1 && fabs(p.i) <= 10);
            counts[(p.l > sqrt(50)) + 2 * (p.q > sqrt(0.1)) + 4 * (p.i < 0)]++;
        }
        for (int i = 0; i < 8; i++)
            ck_assert_int_ge(counts[i], 4); /* 8 where it were even */
    }
    struct fit_point a = fit_space_spread(&space, 7), b = fit_space_spread(&space, 7);
    ck_assert(memcmp(&a, &b, sizeof a) == 0);
}
END_TEST

/* ---- halving ---- */

START_TEST(rungs_end_with_the_whole_training)
{
    for (int candidates = 1; candidates <= 300; candidates += 13)
        for (int epochs = 1; epochs <= 40; epochs += 3)
            for (int seeds = 1; seeds <= 5; seeds++) {
                struct fit_rung rungs[FIT_RUNGS];
                int count = fit_halving_plan(candidates, epochs, seeds, rungs);
                ck_assert_int_eq(rungs[0].candidates, candidates);
                ck_assert_int_eq(rungs[count - 1].epochs, epochs);
                ck_assert_int_eq(rungs[count - 1].seeds, seeds);
                for (int k = 0; k < count; k++)
                    ck_assert_int_ge(rungs[k].candidates, 1);
                for (int k = 1; k < count; k++) {
                    ck_assert_int_eq(rungs[k].candidates, (int)(candidates / pow(3, k)));
                    ck_assert_int_ge(rungs[k].epochs, rungs[k - 1].epochs);
                    ck_assert_int_ge(rungs[k].seeds, rungs[k - 1].seeds);
                    ck_assert_int_gt(rungs[k].epochs * rungs[k].seeds,
                                     rungs[k - 1].epochs * rungs[k - 1].seeds);
                }
            }
}
END_TEST

START_TEST(rungs_by_hand)
{
    struct fit_rung rungs[FIT_RUNGS];
    ck_assert_int_eq(fit_halving_plan(27, 18, 3, rungs), 4);
    const struct fit_rung expected[] = {{27, 2, 1}, {9, 6, 1}, {3, 18, 1}, {1, 18, 3}};
    for (int k = 0; k < 4; k++)
        ck_assert(memcmp(&rungs[k], &expected[k], sizeof expected[k]) == 0);
    /* the last rung has its first seed from the one below */
    ck_assert_int_eq(fit_halving_epochs(rungs, 4), 27 * 2 + 9 * 6 + 3 * 18 + 2 * 18);
}
END_TEST

/* ---- Student's test ---- */

START_TEST(tails_have_closed_forms)
{
    for (double t = 0; t < 50; t = t * 1.7 + 0.1) {
        ck_assert_double_eq_tol(student_tail(t, 1), 1 - 2 / M_PI * atan(t), 1e-13);
        ck_assert_double_eq_tol(student_tail(-t, 2), 1 - t / sqrt(t * t + 2), 1e-13);
        ck_assert_double_eq_tol(student_tail(t, 4), /* DLMF 8.17's finite sum */
                                1 - t / sqrt(t * t + 4) * (1 + 2 / (t * t + 4)), 1e-13);
        ck_assert_double_eq_tol(student_tail(t, 1e7), erfc(t / sqrt(2)), 1e-6);
    }
}
END_TEST

START_TEST(quantiles_are_those_of_printed_tables)
{
    const struct {
        double degrees, t;
    } rows[] = {{1, 12.706}, {2, 4.303}, {4, 2.776}, {9, 2.262}, {30, 2.042}, {120, 1.980}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        ck_assert_double_eq_tol(student_quantile(0.05, rows[i].degrees), rows[i].t, 5e-4);
}
END_TEST

/* Student's own data, hours of sleep won by two drugs (Biometrika 1908), as R's t.test prints it.
 */
START_TEST(the_test_of_1908)
{
    const double differences[] = {1.2, 2.4, 1.3, 1.3, 0, 1, 1.8, 0.8, 4.6, 1.4};
    struct paired_test test = paired_test(differences, 10);
    ck_assert_double_eq_tol(test.mean, 1.58, 1e-12);
    ck_assert_double_eq_tol(test.low, 0.7001142, 5e-8);
    ck_assert_double_eq_tol(test.high, 2.4598858, 5e-8);
    ck_assert_double_eq_tol(test.p, 0.002833, 5e-7);
    ck_assert_str_eq(fit_verdict(arena, &test), "the curve helps");
}
END_TEST

START_TEST(verdicts_in_words)
{
    struct paired_test test = paired_test((const double[]){-0.02, -0.021, -0.019, -0.02}, 4);
    ck_assert_str_eq(fit_verdict(arena, &test), "the curve hurts");
    test = paired_test((const double[]){0.01, -0.02, 0.015, 0.003, -0.01}, 5);
    ck_assert_str_eq(fit_verdict(arena, &test), "no difference that 5 seeds can show");
    test = paired_test((const double[]){0, 0, 0}, 3);
    ck_assert(test.p == 1 && test.low == 0 && test.high == 0);
    ck_assert_str_eq(fit_verdict(arena, &test), "no difference that 3 seeds can show");
    test = paired_test((const double[]){0.5}, 1);
    ck_assert(isnan(test.p) && test.mean == 0.5);
    ck_assert_str_eq(fit_verdict(arena, &test), "one seed shows nothing");
}
END_TEST

/* ---- the fit file ---- */

static void write_text(const char *path, const char *text)
{
    write_file(path, text, strlen(text));
}

static struct network *network_of(const char *parameters)
{
    write_text("net.lua",
               arena_printf(arena,
                            "local act = dynamic(%s, { table = tangent(0.1) })\n"
                            "return network { linear(8), act, linear(4), act, linear(10),"
                            "  input = vector(3) }",
                            parameters));
    return spec_read(arena, "net.lua", NULL, 0);
}

/* A search that found CURVES, COUNT of them, with one trial of that score. */
static struct fit_search *search_with(struct fit_options *options, const struct fit_point *curves,
                                      int count)
{
    struct fit_search *search = arena_new_of(arena, struct fit_search);
    struct trial *trial = arena_new_of(arena, struct trial);
    struct candidate *best = arena_new_of(arena, struct candidate);
    *options =
        (struct fit_options){.spec = "net.lua", .method = "grid", .output = "fits/found.lua"};
    *search = (struct fit_search){.arena = arena,
                                  .options = options,
                                  .network = network_of("{ L = 1, Q = 2, I = 3, P = 4, Z = 5 }"),
                                  .curves = count,
                                  .best = best,
                                  .learned_score = NAN,
                                  .tuned_score = NAN};
    for (int i = 0; i < search->network->graph->nodes.count; i++) {
        const struct node *node = search->network->graph->nodes.items[i];
        if (node->op == OP_curve)
            vector_push(arena, &search->nodes, node);
    }
    *trial = (struct trial){.phase = "grid", .epochs = 3, .status = TRIAL_DONE, .score = 0.75};
    best->curves = curves;
    vector_push(arena, &best->trials, trial);
    search->space = fit_space_of(arena, options);
    make_folder("fits");
    return search;
}

static void check_node(const struct network *network, int place, struct fit_point point)
{
    const struct graph *graph = network->graph;
    for (int i = 0, seen = 0; i < graph->nodes.count; i++) {
        const struct node *node = graph->nodes.items[i];
        if (node->op != OP_curve || seen++ != place)
            continue;
        struct fit_point own = fit_own_point(node);
        ck_assert(memcmp(&own, &point, sizeof own) == 0);
        ck_assert(node->curve->parameter[DYNAMIC_P] == 4);
        ck_assert(node->curve->parameter[DYNAMIC_Z] == 5);
    }
}

START_TEST(a_curve_for_all_reads_back_to_the_same_bits)
{
    struct fit_options options;
    const struct fit_point found = {pow(50, 1 / 3.0), 0.01 * pow(1000, 5 / 7.0), -pow(3, 1 / 3.0)};
    fit_write(search_with(&options, &found, 1));
    struct network *network = network_of("fit 'found'");
    check_node(network, 0, found);
    check_node(network, 1, found);
}
END_TEST

START_TEST(a_curve_a_layer_reads_back_to_the_same_bits)
{
    struct fit_options options;
    const struct fit_point found[] = {{M_PI, 1e-9 / 3, -1e5 / 7}, {0, 0, 0}};
    fit_write(search_with(&options, found, 2));
    struct network *network = network_of("fit 'found'");
    check_node(network, 0, found[0]);
    check_node(network, 1, found[1]);
}
END_TEST

START_TEST(the_file_says_how_far_the_search_came)
{
    struct fit_options options;
    const struct fit_point found = {1, 2, 3};
    size_t length;
    struct fit_search *search = search_with(&options, &found, 1);
    fit_write(search);
    ck_assert_ptr_nonnull(strstr(read_file(arena, options.output, &length), "complete = false"));
    search->complete = true;
    fit_write(search);
    const char *text = read_file(arena, options.output, &length);
    ck_assert_ptr_nonnull(strstr(text, "complete = true"));
    ck_assert_ptr_nonnull(strstr(text, "score = 0.75"));
    ck_assert_ptr_nonnull(strstr(text, "lathe = \"" LATHE_VERSION "\""));
    ck_assert_ptr_null(strstr(text, " \n"));
}
END_TEST

/* ---- tables of candidates ---- */

static void make_curve(void *context)
{
    fit_curve(arena, network_of("{ L = 1, Q = 2, I = 3 }")->graph->nodes.items[1],
              *(const struct fit_point *)context);
}

START_TEST(a_denominator_that_vanishes_is_named)
{
    struct fit_point point = {1, -2, 3};
    ck_assert_int_eq(protected_call(make_curve, &point, &failure), STATUS_USER);
    ck_assert_ptr_nonnull(strstr(failure.message, "L=1 Q=-2 I=3: dynamic: "));
}
END_TEST

START_TEST(l_of_0_is_relu)
{
    const struct node *node = network_of("{ L = 9, Q = 2, I = 1 }")->graph->nodes.items[1];
    struct curve *curve = fit_curve(arena, node, fit_relu);
    ck_assert_int_eq(curve->table->count, 2);
    for (double x = -3; x < 3; x += 0.25)
        ck_assert(curve_applied_value(curve, x) == fmax(0, x));
    ck_assert_int_gt(fit_curve(arena, node, fit_own_point(node))->table->count, 2);
}
END_TEST

/* ---- records ---- */

static int lines_taken;

static void take(void *context, const char *line)
{
    ck_assert_str_eq(line, ((const char **)context)[lines_taken++]);
}

START_TEST(half_a_line_is_cut_off)
{
    const char *expected[] = {"one", "two", "three"};
    struct text line = {0};
    write_text("lines", "one\ntwo\nthr");
    int record = record_open(arena, "lines", take, expected);
    ck_assert_int_eq(lines_taken, 2);
    text_printf(&line, "three\n");
    record_append(record, "lines", &line);
    text_free(&line);
    close(record);
    lines_taken = 0;
    close(record_open(arena, "lines", take, expected));
    ck_assert_int_eq(lines_taken, 3);
}
END_TEST

static void claim_other(void *context)
{
    const struct trait *trait = context;
    record_is_ours(arena, ".", "what.json", trait, 1);
}

START_TEST(a_folder_of_something_else_is_refused)
{
    struct trait trait = {"epochs", "a search with --epochs", trait_number(arena, 3)};
    ck_assert(!record_is_ours(arena, ".", "what.json", &trait, 1));
    record_claim(arena, ".", "what.json", &trait, 1);
    ck_assert(record_is_ours(arena, ".", "what.json", &trait, 1));
    trait.value = trait_number(arena, 4);
    ck_assert_int_eq(protected_call(claim_other, &trait, &failure), STATUS_USER);
    ck_assert_str_eq(failure.message, ".: holds a search with --epochs 3, given 4");
}
END_TEST

START_TEST(exact_numbers_read_back)
{
    const double numbers[] = {0.1, 1.0 / 3, 1e-300, 55.9344471040698, 12, -M_PI, 5e-324};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        struct text line = {0};
        text_printf(&line, "{\"a\": null, \"x\": ");
        json_put_exact(&line, numbers[i]);
        text_printf(&line, "}");
        ck_assert(json_number(arena, line.data, "x") == numbers[i]);
        ck_assert(isnan(json_number(arena, line.data, "a")));
        text_free(&line);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fit");
    TCase *tests = tcase_create("fit");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, the_sources_grid_is_a_preset);
    tcase_add_test(tests, the_sources_grid_of_layers_is_the_other);
    tcase_add_test(tests, flags_replace_ranges);
    tcase_add_test(tests, ranges_that_are_none);
    tcase_add_test(tests, the_sequence_fills_the_space);
    tcase_add_test(tests, rungs_end_with_the_whole_training);
    tcase_add_test(tests, rungs_by_hand);
    tcase_add_test(tests, tails_have_closed_forms);
    tcase_add_test(tests, quantiles_are_those_of_printed_tables);
    tcase_add_test(tests, the_test_of_1908);
    tcase_add_test(tests, verdicts_in_words);
    tcase_add_test(tests, a_curve_for_all_reads_back_to_the_same_bits);
    tcase_add_test(tests, a_curve_a_layer_reads_back_to_the_same_bits);
    tcase_add_test(tests, the_file_says_how_far_the_search_came);
    tcase_add_test(tests, a_denominator_that_vanishes_is_named);
    tcase_add_test(tests, l_of_0_is_relu);
    tcase_add_test(tests, half_a_line_is_cut_off);
    tcase_add_test(tests, a_folder_of_something_else_is_refused);
    tcase_add_test(tests, exact_numbers_read_back);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
