/*
 * check_numbers: numbers that stop being finite: they are seen before they do harm, the run ends
 * with the place where they began, or steps are left out and all the rest is as exact as ever.
 */
#define _GNU_SOURCE
#include <check.h>
#include <float.h>
#include <math.h>
#include <omp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "softmax.h"

#include "../runtime/finite.h"
#include "../runtime/profile.h"
#include "../runtime/safetensors.h"

#define COUNT_OF(array) ((int)(sizeof(array) / sizeof *(array)))

/* ---- bits ---- */

START_TEST(single_numbers_are_told_apart)
{
    static const double finite[] = {0, -0.0, 1, -1e300, DBL_MAX, -DBL_MAX, DBL_MIN, 0x1p-1074};
    for (int i = 0; i < COUNT_OF(finite); i++)
        ck_assert(lathe_is_finite(finite[i]));
    ck_assert(!lathe_is_finite((double)NAN) && !lathe_is_finite(-(double)NAN));
    ck_assert(!lathe_is_finite((double)INFINITY) && !lathe_is_finite(-(double)INFINITY));
    ck_assert_str_eq(lathe_not_finite_text((double)NAN), "nan");
    ck_assert_str_eq(lathe_not_finite_text(-(double)NAN), "nan");
    ck_assert_str_eq(lathe_not_finite_text((double)INFINITY), "inf");
    ck_assert_str_eq(lathe_not_finite_text(-(double)INFINITY), "-inf");
}
END_TEST

/* One bad number, anywhere among short and long arrays, for any number of threads. */
START_TEST(one_among_many_is_seen)
{
    static const size_t counts[] = {1, 7, 64, 16384, 16385, 32769, 100003};
    static const float bad[] = {NAN, -NAN, INFINITY, -INFINITY};
    float *x = lathe_alloc(100003, sizeof *x);
    for (size_t i = 0; i < 100003; i++)
        x[i] = i % 3 == 0 ? FLT_MAX : i % 3 == 1 ? -0x1p-149f : (float)i;
    for (int threads = 1; threads <= 4; threads++) {
        omp_set_num_threads(threads);
        ck_assert(lathe_are_finite(x, 0));
        for (int k = 0; k < COUNT_OF(counts); k++)
            for (size_t n = counts[k], i = 0; i < n; i += 1 + i / 3) {
                size_t at = i % 2 ? i : n - 1 - i;
                float kept = x[at];
                ck_assert(lathe_are_finite(x, n));
                x[at] = bad[i % 4];
                ck_assert_msg(!lathe_are_finite(x, n), "%zu of %zu", at, n);
                x[at] = kept;
            }
    }
    free(x);
}
END_TEST

/* ---- the end of a run ---- */

static int train(int argc, char **argv)
{
    struct lathe_model model = softmax_model();
    return lathe_train_main(&model, argc, argv);
}

static int train_validated(int argc, char **argv)
{
    struct lathe_model model = softmax_model();
    model.data.validation = 0.1;
    return lathe_train_main(&model, argc, argv);
}

static void be_bad(uint64_t from, uint64_t to)
{
    mischief.bad_from = from;
    mischief.bad_to = to;
    mischief.bad = to % 2 ? INFINITY : NAN;
}

START_TEST(bad_gradients_end_the_run)
{
    char *folder = strdup(in_root("c"));
    be_bad(17, 18);
    assert_dies(train, LATHE_NUMBERS,
                "a gradient is not finite at step 18 (epoch 2), first in the gradient of "
                "linear1.bias: a smaller --lr may help\n",
                SMALL, "--quiet", NULL);
    assert_dies(train, LATHE_NUMBERS, "there is no checkpoint yet; a smaller --lr may help\n",
                SMALL, "--quiet", "--checkpoint", folder, "--every", "100", NULL);
    assert_dies(train, LATHE_NUMBERS,
                "c/checkpoint-0000000015.safetensors is the last good checkpoint: --resume "
                "--skip-bad-steps N goes on",
                SMALL, "--quiet", "--checkpoint", folder, "--every", "5", NULL);
    ck_assert_int_eq(matches("c/checkpoint-*"), 2);
    ck_assert_int_eq(matches("c/checkpoint-0000000015*"), 1);
    /* as it says */
    struct outcome o =
        run(train, NULL, SMALL, "--checkpoint", folder, "--resume", "--skip-bad-steps", "1", NULL);
    ck_assert_msg(o.status == 0 && strstr(last_line(o.out), " skipped_steps=1\n"), "%s%s", o.out,
                  o.err);
    outcome_free(&o);
    mischief.bad_to = 0;
    o = run(train, NULL, SMALL, "--weights", in_root("c/checkpoint-0000000030.safetensors"), NULL);
    ck_assert_msg(o.status == 0 && !*o.err, "%s", o.err);
    outcome_free(&o);
    free(folder);
}
END_TEST

static void bad_statistics(const struct lathe_model *model, const struct lathe_batch *batch,
                           uint64_t seed, uint64_t step, struct lathe_step_result *result,
                           void *arena)
{
    softmax_model().step(model, batch, seed, step, result, arena);
    ((float *)arena)[W_FLOATS + 16] = step == 3 ? INFINITY : 1;
}

static int train_with_bad_statistics(int argc, char **argv)
{
    struct lathe_model model = softmax_model();
    model.step = bad_statistics;
    return lathe_train_main(&model, argc, argv);
}

START_TEST(bad_statistics_end_the_run)
{
    assert_dies(train_with_bad_statistics, LATHE_NUMBERS,
                "a running statistic is not finite at step 4 (epoch 1): ", SMALL, "--quiet", NULL);
}
END_TEST

/* The update itself makes weights infinite: the next step says so, and no checkpoint has them. */
START_TEST(bad_weights_are_not_kept)
{
    char *folder = strdup(in_root("c"));
    const char *recipe = "optimizer=sgd,momentum=0,clip_value=0,weight_decay=0,schedule=fixed,"
                         "warmup=0,lr=1000000";
    mischief.alone = true; /* each step multiplies the weights by a million */
    assert_dies(train, LATHE_NUMBERS,
                "loss is nan at step 8 (epoch 1), because linear1.weight was not finite before "
                "it: a smaller --lr may help\n",
                SMALL, "--quiet", "--recipe", recipe, NULL);
    assert_dies(train, LATHE_NUMBERS, "linear1.weight is not finite after step 7: ", SMALL,
                "--quiet", "--recipe", recipe, "--checkpoint", folder, "--every", "1", NULL);
    ck_assert_int_eq(matches("c/checkpoint-0000000006*"), 1);
    ck_assert_int_eq(matches("c/checkpoint-*"), 2);
    /* an epoch that ends with such weights: they, not the test set's loss, are what is told */
    assert_dies(train, LATHE_NUMBERS,
                "linear1.weight is not finite after step 7: ", "--limit-train", "224", "--quiet",
                "--recipe", recipe, NULL);
    free(folder);
}
END_TEST

/* ---- the first kernel ---- */

enum { AT_INPUT = 64, AT_SUM = 128, FLOATS = 192 };

static const struct lathe_cost costs[] = {{"conv1", "forward", 0, 0, 0, false},
                                          {"conv2", "forward", 0, 0, 0, false},
                                          {"conv2", "backward weights", 0, 0, 0, false}};
static const struct lathe_write writes[] = {
    {0, AT_INPUT, 0, 3, 1}, {1, AT_SUM, 4, 0, 1}, {1, AT_INPUT, 0, 3, 1}, {2, 0, 16, 0, 1}};

START_TEST(the_first_kernel_is_found)
{
    static const struct {
        size_t at;
        int call;
    } cases[] = {{AT_INPUT + 5, 0}, {AT_SUM + 3, 1}, {15, 2}, {AT_INPUT + 6, -1}, {16, -1}};
    struct lathe_spent spent[3];
    struct lathe_profile profile = {
        .costs = costs, .count = 3, .spent = spent, .writes = writes, .write_count = 4};
    float *arena = lathe_alloc(FLOATS, sizeof *arena);
    lathe_begin_watching(&profile, arena);
    lathe_mark(&profile, -1, 2);
    for (int call = 0; call < 3; call++) {
        if (cases[_i].call <= call)
            arena[cases[_i].at] = NAN;
        lathe_mark(&profile, call, 2);
    }
    ck_assert_int_eq(profile.bad_call, cases[_i].call);
    free(arena);
}
END_TEST

/* ---- steps that are left out ---- */

START_TEST(so_many_in_a_row)
{
    be_bad(12, 15);
    struct outcome o = run(train, NULL, SMALL, "--log", in_root("log"), "--skip-bad-steps", "3",
                           "--save", in_root("w"), NULL);
    ck_assert_msg(o.status == 0 && strstr(last_line(o.out), " skipped_steps=3\n"), "%s%s", o.out,
                  o.err);
    ck_assert_str_eq(o.err, "step 13 (epoch 2) is left out: a gradient is not finite\n"
                            "step 14 (epoch 2) is left out: a gradient is not finite\n"
                            "step 15 (epoch 2) is left out: a gradient is not finite\n");
    outcome_free(&o);
    size_t size;
    char *log = read_bytes(in_root("log"), &size);
    char *second = strchr(log, '\n') + 1, *third = strchr(second, '\n') + 1;
    second[-1] = third[-1] = '\0';
    ck_assert_ptr_nonnull(strstr(log, ", \"skipped_steps\": 0, \"images_per_s\""));
    ck_assert_ptr_nonnull(strstr(second, ", \"skipped_steps\": 3, \"images_per_s\""));
    ck_assert_ptr_nonnull(strstr(third, ", \"skipped_steps\": 0, \"images_per_s\""));
    free(log);
    assert_dies(train, LATHE_NUMBERS,
                "a gradient is not finite at step 15 (epoch 2) after 2 left out in a row, first in",
                SMALL, "--quiet", "--skip-bad-steps", "2", NULL);
    /* an epoch of nothing else: it has no loss of its own */
    be_bad(10, 20);
    o = run(train, NULL, SMALL, "--log", in_root("gap"), "--skip-bad-steps", "10", NULL);
    ck_assert_msg(o.status == 0 && strstr(last_line(o.out), " skipped_steps=10\n"), "%s", o.err);
    outcome_free(&o);
    log = read_bytes(in_root("gap"), &size);
    ck_assert_ptr_nonnull(strstr(log, "\"train_loss\": null, \"train_accuracy\": null, \"valid"));
    free(log);
}
END_TEST

/* As with PyTorch's GradScaler the optimizer knows nothing of a step that is left out: with
 * gradients of the weights alone, a run with one more step ends in the same weights. */
START_TEST(left_out_steps_do_not_count)
{
    static const char *const recipes[] = {
        "optimizer=sgd,momentum=0.9,dampening=0.5,schedule=fixed,warmup=0,lr=0.1",
        "optimizer=adagrad,lr_decay=0.1,schedule=fixed,warmup=0,lr=0.1",
        "optimizer=rmsprop,momentum=0.9,centered=true,schedule=fixed,warmup=0,lr=0.01",
        "optimizer=adadelta,schedule=fixed,warmup=0,lr=1",
        "optimizer=adam,amsgrad=true,schedule=fixed,warmup=0,lr=0.01",
        "optimizer=adamw,weight_decay=0.1,schedule=fixed,warmup=0,lr=0.01"};
    mischief.alone = true;
    struct outcome o = run(train, NULL, "--limit-test", "10", "--epochs", "1", "--recipe",
                           recipes[_i], "--limit-train", "256", "--save", in_root("few"), NULL);
    ck_assert_msg(o.status == 0, "%s", o.err);
    outcome_free(&o);
    be_bad(_i % 3 * 4, _i % 3 * 4 + 1);
    o = run(train, NULL, "--limit-test", "10", "--epochs", "1", "--recipe", recipes[_i],
            "--limit-train", "288", "--skip-bad-steps", "1", "--save", in_root("more"), NULL);
    ck_assert_msg(o.status == 0 && strstr(o.out, "skipped_steps=1"), "%s", o.err);
    outcome_free(&o);
    size_t a, b;
    char *few = read_bytes(in_root("few"), &a), *more = read_bytes(in_root("more"), &b);
    ck_assert_uint_eq(a, b);
    /* the running mean, the last tensor, has seen other batches */
    ck_assert_mem_eq(few, more, a - CLASSES * sizeof(float));
    free(few);
    free(more);
}
END_TEST

static int train_skipping(int argc, char **argv)
{
    char *words[64];
    memcpy(words, argv, (size_t)argc * sizeof *argv);
    words[argc] = "--skip-bad-steps";
    words[argc + 1] = "4";
    words[argc + 2] = NULL;
    return train_validated(argc + 2, words);
}

/* Stopped before, among and after them. */
START_TEST(left_out_steps_resume)
{
    static const struct {
        int signal;
        uint64_t step;
    } cases[] = {{SIGTERM, 8}, {SIGKILL, 13}, {SIGKILL, 15}, {SIGTERM, 20}};
    be_bad(11, 15);
    mischief.every = "2";
    stop_and_resume(train_skipping, cases[_i].signal, cases[_i].step);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("numbers");
    TCase *tests = tcase_create("numbers");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, make_root, remove_root);
    tcase_add_test(tests, single_numbers_are_told_apart);
    tcase_add_test(tests, one_among_many_is_seen);
    tcase_add_test(tests, bad_gradients_end_the_run);
    tcase_add_test(tests, bad_statistics_end_the_run);
    tcase_add_test(tests, bad_weights_are_not_kept);
    tcase_add_loop_test(tests, the_first_kernel_is_found, 0, 5);
    tcase_add_test(tests, so_many_in_a_row);
    tcase_add_loop_test(tests, left_out_steps_do_not_count, 0, 6);
    tcase_add_loop_test(tests, left_out_steps_resume, 0, 4);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
