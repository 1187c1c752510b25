/*
 * check_training: optimizers and schedules against PyTorch's numbers, and the table of their names.
 *
 * Check forks a process a test, and OpenMP's team does not survive a fork: nothing here runs in the
 * parent.
 */
#include <check.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "../runtime/optimizer.h"
#include "../runtime/schedule.h"
#include "../runtime/training.h"

#include "num/optimizer_reference.inc"

#define COUNT_OF(array) ((int)(sizeof(array) / sizeof *(array)))

/* ---- optimizers ---- */

static struct lathe_schedule schedule_of(double lr, bool onecycle)
{
    return (struct lathe_schedule){.kind = onecycle ? LATHE_ONECYCLE : LATHE_FIXED,
                                   .lr = lr,
                                   .pct_start = 0.3,
                                   .div_factor = 25,
                                   .final_div_factor = 1e4,
                                   .cycle_momentum = true,
                                   .base_momentum = 0.85,
                                   .max_momentum = 0.95};
}

/* COUNT parameters, of which the first eight are those of the reference: so are all others where
 * REPEATED, else they and their gradients are 0. */
static void optimise(const struct optimizer_case *c, float *w, size_t count, bool repeated)
{
    struct lathe_training training = {.optimizer = c->optimizer,
                                      .schedule = schedule_of(c->lr, c->onecycle)};
    float *g = lathe_alloc(count, sizeof *g), *moments[LATHE_MOMENTS] = {NULL};
    for (int i = 0; i < LATHE_MOMENTS; i++)
        if (lathe_optimizer_keeps(&training, i)) {
            moments[i] = lathe_alloc(count, sizeof(float));
            lathe_optimizer_begin(&c->optimizer, moments[i], count);
        }
    for (size_t i = 0; i < count; i++)
        w[i] = i % 8 == 7 || (i >= 8 && !repeated) ? 0 : (float)cos((double)(i % 8));
    for (uint64_t t = 1; t <= 20; t++) {
        struct lathe_optimizer_step step = {.t = t};
        step.momentum = lathe_optimizer_momentum(&c->optimizer);
        step.lr = lathe_schedule_lr(&training.schedule, t - 1, 1, 21, &step.momentum);
        for (size_t i = 0; i < count; i++)
            g[i] = w[i] == 0 ? 0 : (float)(0.5 * sin(1.7 * (double)(i % 8) + 0.9 * (double)t));
        lathe_optimizer_step(&c->optimizer, &step, w, g, moments, count);
    }
    free(g);
    for (int i = 0; i < LATHE_MOMENTS; i++)
        free(moments[i]);
}

/* Zeros behind the parameters change no norm, so the numbers are those of eight parameters. */
START_TEST(optimizers_are_pytorchs)
{
    enum { COUNT = 20003 };
    const struct optimizer_case *c = &optimizer_cases[_i];
    float *w = lathe_alloc(COUNT, sizeof *w);
    bool repeated = c->optimizer.clip_norm == 0;
    optimise(c, w, COUNT, repeated);
    for (size_t i = 0; i < COUNT; i++) {
        float expected = i < 8 || repeated ? c->expected[i % 8] : 0;
        ck_assert_msg(fabsf(w[i] - expected) <= 1e-6f, "%s: %zu: %.9g, expected %.9g", c->name, i,
                      (double)w[i], (double)expected);
    }
    ck_assert_float_eq(w[7], 0);
    free(w);
}
END_TEST

START_TEST(optimizers_give_the_same_bits_for_any_number_of_threads)
{
    enum { COUNT = 70001 };
    const struct optimizer_case *c = &optimizer_cases[_i];
    float *w = lathe_alloc(COUNT, sizeof *w), *again = lathe_alloc(COUNT, sizeof *again);
    omp_set_num_threads(1);
    optimise(c, w, COUNT, true);
    for (int threads = 2; threads <= 4; threads++) {
        omp_set_num_threads(threads);
        optimise(c, again, COUNT, true);
        ck_assert_mem_eq(w, again, COUNT * sizeof *w);
    }
    free(w);
    free(again);
}
END_TEST

START_TEST(a_norm_is_of_all_gradients)
{
    enum { COUNT = 100001 };
    struct lathe_optimizer sgd = {.kind = LATHE_SGD, .clip_norm = 2};
    struct lathe_optimizer_step step = {.t = 1, .lr = 1};
    float *w = lathe_alloc(COUNT, sizeof *w), *g = lathe_alloc(COUNT, sizeof *g);
    for (size_t i = 0; i < COUNT; i++)
        g[i] = 0.01f * (float)(i % 7) - 0.03f;
    lathe_optimizer_step(&sgd, &step, w, g, (float *const[LATHE_MOMENTS]){NULL}, COUNT);
    double squares = 0;
    for (size_t i = 0; i < COUNT; i++)
        squares += (double)w[i] * (double)w[i];
    ck_assert_double_eq_tol(sqrt(squares), 2, 1e-5);
    free(w);
    free(g);
}
END_TEST

START_TEST(a_gradient_that_is_no_number_stays_one)
{
    struct lathe_optimizer sgd = {.kind = LATHE_SGD, .clip_value = 0.1};
    struct lathe_optimizer_step step = {.t = 1, .lr = 1};
    float *const none[LATHE_MOMENTS] = {NULL};
    float *w = lathe_alloc(3, sizeof *w), *g = lathe_alloc(3, sizeof *g);
    g[0] = NAN;
    g[1] = INFINITY;
    g[2] = -5;
    lathe_optimizer_step(&sgd, &step, w, g, none, 3);
    ck_assert(isnan(w[0]) && w[1] == -0.1f && w[2] == 0.1f);
    sgd.clip_norm = 1;
    lathe_optimizer_step(&sgd, &step, w, g, none, 3);
    ck_assert(isnan(w[0]) && isnan(w[1]) && isnan(w[2]));
    free(w);
    free(g);
}
END_TEST

/* Gradients that stay what they are have no variance, and rounding may make it less than none. */
START_TEST(a_variance_is_not_negative)
{
    enum { COUNT = 1000 };
    const struct lathe_optimizer rmsprop = {
        .kind = LATHE_RMSPROP, .alpha = 0.9, .eps = 1e-8, .centered = true};
    const struct lathe_training training = {.optimizer = rmsprop};
    float *w = lathe_alloc(COUNT, sizeof *w), *g = lathe_alloc(COUNT, sizeof *g);
    float *moments[LATHE_MOMENTS] = {NULL};
    for (int i = 0; i < LATHE_MOMENTS; i++)
        if (lathe_optimizer_keeps(&training, i))
            moments[i] = lathe_alloc(COUNT, sizeof(float));
    for (uint64_t t = 1; t <= 300; t++) {
        const struct lathe_optimizer_step step = {.t = t, .lr = 1e-9};
        for (int i = 0; i < COUNT; i++)
            g[i] = 0.1f + 0.01f * (float)i;
        lathe_optimizer_step(&rmsprop, &step, w, g, moments, COUNT);
    }
    for (int i = 0; i < COUNT; i++)
        ck_assert_msg(isfinite(w[i]), "%d: %g", i, (double)w[i]);
    for (int i = 0; i < LATHE_MOMENTS; i++)
        free(moments[i]);
    free(g);
    free(w);
}
END_TEST

/* ---- schedules ---- */

START_TEST(schedules_are_pytorchs)
{
    struct lathe_schedule schedule = schedule_of(0.1, true);
    for (int i = 0; i < COUNT_OF(onecycle_cases); i++) {
        double momentum = -1;
        double lr = lathe_schedule_lr(&schedule, onecycle_cases[i].step, 1, onecycle_cases[i].total,
                                      &momentum);
        ck_assert_double_eq_tol(lr, onecycle_cases[i].lr, 1e-15);
        ck_assert_double_eq_tol(momentum, onecycle_cases[i].momentum, 1e-15);
    }
    double momentum = 0.5;
    schedule.cycle_momentum = false;
    lathe_schedule_lr(&schedule, 3, 1, 10, &momentum);
    ck_assert_double_eq(momentum, 0.5);
    schedule.pct_start = 0.1; /* a rise of no length: PyTorch divides by zero here */
    ck_assert_double_eq(lathe_schedule_lr(&schedule, 0, 1, 10, &momentum), 0.1);
    ck_assert_double_eq(momentum, 0.5);
}
END_TEST

/* The rate of STEP in a run of 100 steps, 7 an epoch. */
static double rate_of(const struct lathe_schedule *schedule, uint64_t step)
{
    double momentum = 0.5, lr = lathe_schedule_lr(schedule, step, 7, 100, &momentum);
    ck_assert_double_eq(momentum, 0.5);
    return lr;
}

START_TEST(rates_decay)
{
    struct lathe_schedule steps = {.kind = LATHE_STEPS, .lr = 0.8, .every = 5, .gamma = 0.5};
    ck_assert_double_eq(rate_of(&steps, 34), 0.8);
    ck_assert_double_eq(rate_of(&steps, 35), 0.4);
    ck_assert_double_eq(rate_of(&steps, 70), 0.2);
    struct lathe_schedule inverse = {.kind = LATHE_INVERSE, .lr = 0.8, .k = 0.5};
    ck_assert_double_eq(rate_of(&inverse, 6), 0.8);
    ck_assert_double_eq(rate_of(&inverse, 7), 0.8 / 1.5);
    ck_assert_double_eq(rate_of(&inverse, 27), 0.8 / 2.5);
    struct lathe_schedule exponential = {.kind = LATHE_EXPONENTIAL, .lr = 0.4, .k = 0.3};
    for (int i = 0; i < 7 * COUNT_OF(exponential_rates); i++)
        ck_assert_double_eq_tol(rate_of(&exponential, (uint64_t)i), exponential_rates[i / 7],
                                1e-15);
    struct lathe_schedule cosine = {.kind = LATHE_COSINE, .lr = 0.4, .min = 0.05};
    double momentum = 0;
    for (int i = 0; i < COUNT_OF(cosine_rates); i++)
        ck_assert_double_eq_tol(lathe_schedule_lr(&cosine, (uint64_t)i, 3, 9, &momentum),
                                cosine_rates[i], 1e-15);
}
END_TEST

START_TEST(rates_warm_up)
{
    struct lathe_schedule fixed = {.kind = LATHE_FIXED, .lr = 0.8, .warmup = 2};
    for (uint64_t i = 0; i < 20; i++)
        ck_assert_double_eq_tol(rate_of(&fixed, i), i < 14 ? 0.8 * (double)(i + 1) / 14 : 0.8,
                                1e-15);
    fixed.warmup = 0.5; /* 3.5 steps: four */
    ck_assert_double_eq(rate_of(&fixed, 0), 0.2);
    ck_assert_double_eq_tol(rate_of(&fixed, 2), 0.6, 1e-15);
    ck_assert_double_eq(rate_of(&fixed, 3), 0.8);
    /* then the schedule, from its first step to its last */
    struct lathe_schedule cosine = {.kind = LATHE_COSINE, .lr = 0.4, .min = 0.05, .warmup = 4};
    double momentum = 0;
    for (uint64_t i = 0; i < 12; i++) {
        double expected = i < 3 ? 0.1 * (double)(i + 1) : cosine_rates[i - 3];
        ck_assert_double_eq_tol(lathe_schedule_lr(&cosine, i, 1, 12, &momentum), expected, 1e-15);
    }
    struct lathe_schedule cycle = schedule_of(0.1, true);
    cycle.warmup = 3;
    momentum = 0;
    ck_assert_double_eq_tol(lathe_schedule_lr(&cycle, 0, 1, 12, &momentum), 0.004 / 3, 1e-15);
    ck_assert_double_eq(momentum, 0.95);
    ck_assert_double_eq_tol(lathe_schedule_lr(&cycle, 4, 1, 12, &momentum), 0.1, 1e-15);
    /* a run that ends before its warm-up does */
    cosine.warmup = 40;
    ck_assert_double_eq(lathe_schedule_lr(&cosine, 9, 1, 10, &momentum), 0.1);
    ck_assert(lathe_schedule_has_end(&cosine) && lathe_schedule_has_end(&cycle));
    ck_assert(!lathe_schedule_has_end(&fixed));
}
END_TEST

START_TEST(plateaus_are_pytorchs)
{
    const struct lathe_schedule *schedule = &plateau_cases[_i].schedule;
    struct lathe_plateau plateau = lathe_plateau_new(schedule);
    ck_assert_double_eq(plateau.lr, 0.4);
    for (int i = 0; i < LOSSES; i++) {
        lathe_plateau_step(schedule, &plateau, plateau_losses[i]);
        ck_assert_double_eq_tol(plateau.lr, plateau_cases[_i].expected[i], 1e-15);
    }
}
END_TEST

/* ---- names ---- */

START_TEST(fields_have_names_of_their_own)
{
    struct lathe_training training = {0};
    for (int i = 0; i < lathe_training_field_count; i++)
        lathe_field_set(&training, &lathe_training_fields[i], i + 1);
    for (int i = 0; i < lathe_training_field_count; i++) {
        const struct lathe_field *field = &lathe_training_fields[i];
        double expected = field->type == LATHE_FIELD_FLAG ? 1 : i + 1;
        ck_assert_msg(lathe_field_get(&training, field) == expected, "%s", field->name);
        for (int k = 0; k < i; k++)
            ck_assert_str_ne(field->name, lathe_training_fields[k].name);
    }
    ck_assert_int_eq(training.early_stopping, 1);
    ck_assert(training.schedule.cycle_momentum && training.batch == 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("training");
    TCase *optimizers = tcase_create("optimizers"), *schedules = tcase_create("schedules");
    int cases = COUNT_OF(optimizer_cases);
    tcase_set_timeout(optimizers, 60);
    tcase_add_loop_test(optimizers, optimizers_are_pytorchs, 0, cases);
    tcase_add_loop_test(optimizers, optimizers_give_the_same_bits_for_any_number_of_threads, 0,
                        cases);
    tcase_add_test(optimizers, a_norm_is_of_all_gradients);
    tcase_add_test(optimizers, a_gradient_that_is_no_number_stays_one);
    tcase_add_test(optimizers, a_variance_is_not_negative);
    tcase_add_test(schedules, schedules_are_pytorchs);
    tcase_add_test(schedules, rates_decay);
    tcase_add_test(schedules, rates_warm_up);
    tcase_add_loop_test(schedules, plateaus_are_pytorchs, 0, COUNT_OF(plateau_cases));
    tcase_add_test(schedules, fields_have_names_of_their_own);
    suite_add_tcase(suite, optimizers);
    suite_add_tcase(suite, schedules);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
