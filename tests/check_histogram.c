/*
 * check_histogram: what curves see is counted whole, the same for any number of threads, and
 * survives files and being joined.
 */
#include "../gen/histogram.h"
#include "../gen/spec.h"
#include "../runtime/safetensors.h"

#include <check.h>
#undef fail /* check's old name for ck_abort_msg */
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct arena *arena;
static char folder[64];

static void begin(void)
{
    arena = arena_new();
    strcpy(folder, "/tmp/check_histogram.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void end(void)
{
    unlink(arena_printf(arena, "%s/net.lua", folder));
    unlink(arena_printf(arena, "%s/w.safetensors", folder));
    unlink(arena_printf(arena, "%s/h.json", folder));
    rmdir(folder);
    arena_free(arena);
}

static struct network *read_network(const char *layers)
{
    const char *path = arena_printf(arena, "%s/net.lua", folder);
    const char *text = arena_printf(
        arena, "return network { %s, loss = cross_entropy(), data = digits() }", layers);
    write_file(path, text, strlen(text));
    return spec_read(arena, path, NULL, 0);
}

/* A file of the weights of linear1, 784 to 10, whose unit i is (W i) times a pixel plus B + i; and
 * of a PRELU. */
static const char *write_weights(float w, float b, bool prelu)
{
    static float weight[10 * 784], bias[10], slope = 0.25f;
    struct lathe_error error;
    const char *path = arena_printf(arena, "%s/w.safetensors", folder);
    const struct lathe_stored tensors[] = {
        {.name = "linear1.weight", .rank = 2, .dims = {10, 784}, .data = weight, .elements = 7840},
        {.name = "linear1.bias", .rank = 1, .dims = {10}, .data = bias, .elements = 10},
        {.name = "prelu1.weight", .rank = 1, .dims = {1}, .data = &slope, .elements = 1},
    };
    for (int i = 0; i < 10; i++) {
        bias[i] = b + (float)i;
        weight[i * 784 + 392] = w * (float)i;
    }
    ck_assert(lathe_tensors_write(path, tensors, prelu ? 3 : 2, NULL, 0, &error));
    return path;
}

static double sum_of(const struct node_histogram *node)
{
    double sum = node->below + node->above;
    for (int i = 0; i < node->values.bins; i++)
        sum += node->values.counts[i];
    return sum;
}

static struct histograms count(struct network *network, const char *weights, int limit)
{
    struct histogram_options options = {.weights = weights, .limit = limit};
    return count_histograms(arena, network, &options);
}

START_TEST(every_number_is_counted)
{
    struct network *network =
        read_network("flatten(), tanh(), linear(10), prelu { shared = true }, silu { table = "
                     "minimax(0.1) }, chain { relu(), name = 'last' }");
    struct text texts[2] = {{0}, {0}};
    for (int i = 0; i < 2; i++) {
        omp_set_num_threads(1 + 2 * i);
        struct histograms all = count(network, write_weights(0.5f, -3, true), 50);
        ck_assert_int_eq(all.nodes.count, 4);
        ck_assert_str_eq(all.nodes.items[0].name, "tanh1");
        ck_assert(sum_of(&all.nodes.items[0]) == 50 * 784);
        for (int n = 1; n < 4; n++)
            ck_assert(sum_of(&all.nodes.items[n]) == 50 * 10);
        ck_assert_ptr_eq(find_histogram(&all, "last.relu1"), &all.nodes.items[3]);
        ck_assert_ptr_null(find_histogram(&all, "relu1"));
        print_histograms_json(&texts[i], &all);
    }
    ck_assert_str_eq(texts[0].data, texts[1].data);
    text_free(&texts[0]);
    text_free(&texts[1]);
}
END_TEST

/* A network whose units are constants: each number is in the bin that it belongs to. */
START_TEST(numbers_are_in_their_bins)
{
    struct network *network = read_network("flatten(), linear(10), tanh()");
    struct histograms all = count(network, write_weights(0, -3, false), 20);
    const struct node_histogram *node = &all.nodes.items[0];
    const struct histogram *h = &node->values;
    ck_assert(h->from <= -3 && h->to > 6 && node->below == 0 && node->above == 0);
    for (int i = 0; i < 10; i++) {
        int bin = (int)((i - 3 - h->from) / (h->to - h->from) * h->bins);
        ck_assert(h->counts[bin] == 20);
    }
    /* all the same number: there is a range all the same */
    network = read_network("flatten(), linear(10, { init = zeros() }), tanh(), softmax()");
    for (int i = 0; i < 2; i++) {
        all = count(network, write_weights(0, i ? -3 : 0, false), 20);
        ck_assert(all.nodes.items[0].values.from < all.nodes.items[0].values.to);
        ck_assert(sum_of(&all.nodes.items[0]) == 200);
    }
}
END_TEST

START_TEST(files_hold_them)
{
    struct network *network = read_network("flatten(), linear(10), tanh(), relu()");
    struct histograms all = count(network, write_weights(1, -3, false), 30), back;
    struct text text = {0};
    const char *path = arena_printf(arena, "%s/h.json", folder);
    print_histograms_json(&text, &all);
    write_file(path, text.data, text.length);
    back = read_histograms(arena, path);
    struct text again = {0};
    print_histograms_json(&again, &back);
    ck_assert_str_eq(text.data, again.data);
    text.length = 0;
    print_histogram_lua(&text, &(struct histogram){-0.5, 1, (const double[]){1, 2e15, 0}, 3});
    ck_assert_str_eq(text.data, "{ from = -0.5, to = 1, counts = { 1, 2000000000000000, 0 } }");
    text_free(&text);
    text_free(&again);
}
END_TEST

START_TEST(joined_they_keep_their_numbers)
{
    const double a[] = {3, 0, 5}, b[] = {7};
    struct node_histogram nodes[] = {{"a", {-1, 2, a, 3}, 1, 2, 10}, {"b", {0, 8, b, 1}, 0, 3, 10}};
    struct histograms all = {{nodes, 2, 2}};
    struct node_histogram joined = join_histograms(arena, &all);
    ck_assert(joined.values.from == -1 && joined.values.to == 8);
    ck_assert(joined.below == 1 && joined.above == 5 && sum_of(&joined) == 21);
    double before_0 = 0, before_1 = 0;
    for (int i = 0; i < joined.values.bins; i++) {
        double to = -1 + 9.0 * (i + 1) / joined.values.bins;
        ck_assert(joined.values.counts[i] >= 0 &&
                  joined.values.counts[i] == floor(joined.values.counts[i]));
        before_0 += to <= 0 ? joined.values.counts[i] : 0;
        before_1 += to <= 1 ? joined.values.counts[i] : 0;
    }
    ck_assert(before_0 == 3 && before_1 == 4); /* an eighth of b's seven is there */
}
END_TEST

static void count_it(void *network)
{
    count(network, write_weights(INFINITY, 0, false), 50);
}

static void read_it(void *text)
{
    const char *path = arena_printf(arena, "%s/h.json", folder);
    write_file(path, text, strlen(text));
    read_histograms(arena, path);
}

START_TEST(what_cannot_be_is_told)
{
    struct failure failure;
    struct network *network = read_network("flatten(), linear(10), tanh()");
    ck_assert_int_eq(protected_call(count_it, network, &failure), STATUS_NUMBERS);
    ck_assert_ptr_nonnull(strstr(failure.message, "net.lua:1: tanh1: what it sees is not finite"));
    network = read_network("flatten(), linear(10)");
    ck_assert_int_eq(protected_call(count_it, network, &failure), STATUS_USER);
    ck_assert_ptr_nonnull(strstr(failure.message, "net.lua: has no activation curve"));
    static const char *const cases[][2] = {
        {"{}", "h.json: is no histogram, which `lathe interpret --histogram` writes"},
        {"{\"nodes\": [{\"name\": \"a\"}]}", "h.json: histogram of a: from must be below to"},
        {"{\"nodes\": [{\"name\": \"a\", \"from\": 0, \"to\": 1, \"counts\": [\"x\"]}]}",
         "h.json: histogram of a: counts must be from 0 up, the one at place 1 is nan"},
    };
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(protected_call(read_it, (void *)cases[i][0], &failure), STATUS_USER);
        ck_assert_msg(strstr(failure.message, cases[i][1]) != NULL, "%s", failure.message);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("histogram");
    TCase *tests = tcase_create("histogram");
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, every_number_is_counted);
    tcase_add_test(tests, numbers_are_in_their_bins);
    tcase_add_test(tests, files_hold_them);
    tcase_add_test(tests, joined_they_keep_their_numbers);
    tcase_add_test(tests, what_cannot_be_is_told);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
