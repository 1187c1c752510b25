/*
 * check_validation: samples held out of training, and what follows from their loss: the best
 * weights, early stopping, plateaus; also that every optimizer resumes with the same bits.
 */
#define _GNU_SOURCE
#include <check.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "softmax.h"

#include "../runtime/schedule.h"
#include "../runtime/evaluate.h"
#include "../runtime/split.h"

#include "num/loss_reference.inc"

#define COUNT_OF(array) ((int)(sizeof(array) / sizeof *(array)))

/* ---- splits ---- */

START_TEST(splits_are_even)
{
    static const struct {
        int count;
        double share;
        int held;
    } cases[] = {{300, 0.1, 30}, {10, 0.3, 3}, {7, 0.5, 3}, {60000, 1.0 / 6, 10000}, {3, 0.34, 1}};
    for (int i = 0; i < COUNT_OF(cases); i++) {
        int count = cases[i].count;
        struct lathe_split split = lathe_split_new("set", count, cases[i].share);
        ck_assert_int_eq(split.held_count, cases[i].held);
        ck_assert_int_eq(split.kept_count, count - cases[i].held);
        int *seen = calloc((size_t)count, sizeof *seen);
        for (int k = 0; k < split.kept_count; k++) {
            seen[split.kept[k]]++;
            ck_assert(!k || split.kept[k] > split.kept[k - 1]);
        }
        for (int k = 0; k < split.held_count; k++) {
            seen[split.held[k]]++;
            /* sample k of the held is where the k-th share ends */
            ck_assert_double_eq_tol(split.held[k], (k + 1) / cases[i].share - 0.5, 0.51);
        }
        for (int k = 0; k < count; k++)
            ck_assert_int_eq(seen[k], 1);
        free(seen);
        lathe_split_free(&split);
    }
    struct lathe_split whole = lathe_split_new("set", 5, 0);
    ck_assert(!whole.kept && !whole.held && whole.kept_count == 5 && whole.held_count == 0);
}
END_TEST

static int split_too_little(int argc, char **argv)
{
    lathe_split_new("set", atoi(argv[1]), atof(argv[2]));
    return argc;
}

START_TEST(splits_leave_something)
{
    assert_dies(split_too_little, LATHE_USER,
                "set: validation: 0.01 of 50 training samples leaves 0, and 50 to train", "50",
                "0.01", NULL);
    assert_dies(split_too_little, LATHE_USER, "set: validation: 0.5 of 1 training samples", "1",
                "0.5", NULL);
}
END_TEST

/* ---- training ---- */

/* What train_as trains the network with: set before a child runs it. */
static struct lathe_training training;
static double validation;

static const struct lathe_optimizer adamw = {
    .kind = LATHE_ADAMW, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8, .weight_decay = 0.01};

static int train_as(int argc, char **argv)
{
    struct lathe_model model = softmax_model();
    model.training = training;
    model.training.batch = BATCH;
    model.data.validation = validation;
    return lathe_train_main(&model, argc, argv);
}

static int infer_softmax(int argc, char **argv)
{
    struct lathe_model model = softmax_model();
    return lathe_infer_main(&model, argc, argv);
}

/* So large a rate that the validation loss goes up and down. */
static void choose(int epochs, int early_stopping)
{
    validation = 0.1;
    training = (struct lathe_training){.epochs = epochs, .early_stopping = early_stopping};
    training.optimizer = adamw;
    training.schedule = (struct lathe_schedule){.kind = LATHE_FIXED, .lr = 0.1};
}

enum { MOST = 40 };

/* The log's validation losses and rates, by epoch from 1; returns how many there are. */
static int read_log(const char *path, double loss[MOST + 1], double lr[MOST + 1])
{
    size_t size;
    char *log = read_bytes(path, &size);
    int count = 0;
    for (char *line = log; *line; line = strchr(line, '\n') + 1) {
        int epoch;
        ck_assert_int_eq(sscanf(line, "{\"epoch\": %d", &epoch), 1);
        ck_assert_int_eq(epoch, ++count);
        ck_assert_int_le(count, MOST);
        ck_assert_int_eq(sscanf(strstr(line, "\"lr\": "), "\"lr\": %lf", &lr[count]), 1);
        ck_assert_int_eq(
            sscanf(strstr(line, "\"validation_loss\": "), "\"validation_loss\": %lf", &loss[count]),
            1);
    }
    free(log);
    return count;
}

static struct outcome train_well(program *function, const char *save, const char *log,
                                 const char *epochs)
{
    struct outcome o = run(function, NULL, SMALL, "--save", in_root(save), "--log", in_root(log),
                           "--epochs", epochs, NULL);
    ck_assert_msg(o.status == 0, "%s", o.err);
    return o;
}

/* Of the log: the epoch of the lowest loss, the first of equals. */
static int lowest(const double *loss, int count)
{
    int best = 1;
    for (int i = 2; i <= count; i++)
        best = loss[i] < loss[best] ? i : best;
    return best;
}

/* The saved weights are those that a run of so many epochs ends with, and the result is theirs. */
START_TEST(the_best_epochs_weights_are_kept)
{
    double loss[MOST + 1], lr[MOST + 1], accuracy, again, value;
    choose(12, 0);
    struct outcome o = train_well(train_as, "best", "log", "12");
    ck_assert_int_eq(read_log(in_root("log"), loss, lr), 12);
    int best = lowest(loss, 12), epoch;
    ck_assert_msg(best > 1 && best < 12, "best is %d: the test proves nothing", best);
    const char *line = strstr(o.out, "best: epoch ");
    ck_assert_msg(line && sscanf(line, "best: epoch %d, validation_loss=%lf", &epoch, &value) == 2,
                  "%s", o.out);
    ck_assert_int_eq(epoch, best);
    ck_assert_double_eq_tol(value, loss[best], 1e-4);
    ck_assert(strstr(o.out, "  validation_loss ") && !strstr(o.out, "  test_loss "));
    ck_assert(!strstr(o.out, "stopped early"));
    ck_assert_int_eq(sscanf(last_line(o.out), "result: test_accuracy=%lf", &accuracy), 1);
    char epochs[16];
    snprintf(epochs, sizeof epochs, "%d", best);
    struct outcome shorter = train_well(train_as, "short", "short.log", epochs);
    assert_same_file(in_root("best"), in_root("short"));
    struct outcome inferred =
        run(infer_softmax, NULL, "--weights", in_root("best"), "--limit", "100", NULL);
    ck_assert_int_eq(sscanf(inferred.out, "result: accuracy=%lf", &again), 1);
    ck_assert_double_eq(again, accuracy);
    struct outcome quiet = run(train_as, NULL, SMALL, "--quiet", "--epochs", "2", NULL);
    ck_assert_ptr_eq(last_line(quiet.out), quiet.out);
    outcome_free(&o);
    outcome_free(&shorter);
    outcome_free(&inferred);
    outcome_free(&quiet);
}
END_TEST

/* How many samples the steps of a run met. */
static int samples_met;

static void watchful_step(const struct lathe_model *model, const struct lathe_batch *batch,
                          uint64_t seed, uint64_t step, struct lathe_step_result *result,
                          void *arena)
{
    samples_met += batch->count;
    softmax_model().step(model, batch, seed, step, result, arena);
}

static int train_and_count(int argc, char **argv)
{
    struct lathe_model model = softmax_model();
    model.training.epochs = 1;
    model.data.validation = 0.1;
    model.step = watchful_step;
    int status = lathe_train_main(&model, argc, argv);
    fprintf(stderr, "%d samples\n", samples_met);
    return status;
}

START_TEST(an_epoch_has_the_samples_that_are_left)
{
    struct outcome o = run(train_and_count, NULL, SMALL, NULL);
    ck_assert_msg(o.status == 0, "%s", o.err);
    ck_assert_str_eq(o.err, "270 samples\n");
    outcome_free(&o);
}
END_TEST

START_TEST(training_stops_early)
{
    double loss[MOST + 1], lr[MOST + 1], all_loss[MOST + 1];
    choose(30, 0);
    struct outcome whole = train_well(train_as, "whole", "whole.log", "30");
    int all = read_log(in_root("whole.log"), all_loss, lr);
    choose(30, 3);
    struct outcome o = train_well(train_as, "early", "early.log", "30");
    int count = read_log(in_root("early.log"), loss, lr), best = lowest(loss, count);
    ck_assert_int_lt(count, all);
    ck_assert_int_eq(count, best + 3);
    for (int i = 1; i <= count; i++) {
        ck_assert_double_eq(loss[i], all_loss[i]);
        ck_assert_int_le(i - lowest(loss, i), 3);
    }
    char line[128];
    snprintf(line, sizeof line,
             "\nstopped early after epoch %d: no lower validation loss in 3 epochs\n"
             "best: epoch %d, ",
             count, best);
    ck_assert_msg(strstr(o.out, line), "%s", o.out);
    outcome_free(&whole);
    outcome_free(&o);
}
END_TEST

/* A run that stopped early stays so: with --resume it says its result again. */
START_TEST(an_early_end_is_an_end)
{
    choose(30, 2);
    struct outcome o =
        run(train_as, NULL, SMALL, "--save", in_root("a"), "--checkpoint", in_root("c"), NULL);
    ck_assert_msg(o.status == 0 && strstr(o.out, "stopped early"), "%s%s", o.out, o.err);
    struct outcome again = run(train_as, NULL, SMALL, "--save", in_root("b"), "--checkpoint",
                               in_root("c"), "--resume", NULL);
    ck_assert_msg(again.status == 0, "%s", again.err);
    assert_same_file(in_root("a"), in_root("b"));
    ck_assert_ptr_null(strstr(again.out, "train_loss"));
    const char *end = strstr(o.out, "stopped early"), *images = strstr(end, " images_per_s");
    ck_assert_mem_eq(end, again.out, (size_t)(images - end));
    outcome_free(&o);
    outcome_free(&again);
}
END_TEST

START_TEST(plateaus_lower_the_rate)
{
    double loss[MOST + 1], lr[MOST + 1];
    choose(16, 0);
    training.schedule.kind = LATHE_PLATEAU;
    training.schedule.factor = 0.5;
    training.schedule.patience = 1;
    training.schedule.threshold = 1e-3;
    training.schedule.warmup = _i == 0 ? 0 : 3;
    struct outcome o = train_well(train_as, "w", "log", "16");
    int count = read_log(in_root("log"), loss, lr), cuts = 0;
    ck_assert_int_eq(count, 16);
    struct lathe_plateau plateau = lathe_plateau_new(&training.schedule);
    for (int i = 1; i <= count; i++) {
        if (i >= training.schedule.warmup)
            ck_assert_double_eq_tol(lr[i], plateau.lr, 1e-9);
        double before = plateau.lr;
        if (i > training.schedule.warmup)
            lathe_plateau_step(&training.schedule, &plateau, loss[i]);
        cuts += plateau.lr < before;
    }
    ck_assert_int_ge(cuts, 2);
    outcome_free(&o);
}
END_TEST

START_TEST(there_is_nothing_to_judge_by)
{
    choose(3, 0);
    validation = 0;
    assert_dies(train_as, LATHE_USER, "softmax: early_stopping needs validation samples", SMALL,
                "--recipe", "early_stopping=2", NULL);
    assert_dies(train_as, LATHE_USER, "softmax: schedule=plateau needs validation samples", SMALL,
                "--recipe", "schedule=plateau,lr=0.1", NULL);
    validation = 0.001;
    assert_dies(train_as, LATHE_USER, "digits: validation: 0.001 of 300 training samples", SMALL,
                NULL);
}
END_TEST

/* ---- losses of an evaluation ---- */

/* The outputs are PyTorch's inputs as they are, or their probabilities. */
static void fixed_infer(const struct lathe_model *model, const float *input, float *output,
                        int count, void *arena)
{
    (void)arena;
    for (int i = 0; i < count; i++, input += 2, output += 2) {
        const double *x = &loss_inputs[2 * (2 * (int)input[0] + (int)input[1])];
        double sum = exp(x[0]) + exp(x[1]);
        for (int c = 0; c < 2; c++)
            output[c] = (float)(!model->probabilities      ? x[c]
                                : model->loss == LATHE_BCE ? 1 / (1 + exp(-x[c]))
                                                           : exp(x[c]) / sum);
    }
}

static void fixed_load(const struct lathe_model *model, const float *const *logical, void *arena)
{
    (void)model, (void)logical, (void)arena;
}

START_TEST(evaluations_are_pytorchs)
{
    static const struct {
        enum lathe_loss loss;
        double smoothing;
    } cases[] = {
        {LATHE_CROSS_ENTROPY, 0}, {LATHE_CROSS_ENTROPY, 0.1}, {LATHE_MSE, 0}, {LATHE_BCE, 0}};
    struct lathe_model model = {.abi = LATHE_ABI,
                                .name = "fixed",
                                .channels = 2,
                                .height = 1,
                                .width = 1,
                                .outputs = 2,
                                .loss = cases[_i / 2].loss,
                                .smoothing = cases[_i / 2].smoothing,
                                .probabilities = _i % 2 && cases[_i / 2].loss != LATHE_MSE,
                                .infer_batch = 3,
                                .infer_arena_bytes = 64,
                                .load = fixed_load,
                                .infer = fixed_infer,
                                .data = {.source = LATHE_XOR,
                                         .channels = 2,
                                         .height = 1,
                                         .width = 1,
                                         .classes = 2,
                                         .deviation = {1, 1},
                                         .subset = 1}};
    struct lathe_dataset *set = lathe_open_dataset(&model.data, NULL, true, 0);
    struct lathe_evaluator *evaluator = lathe_evaluator_new(&model, 1);
    struct lathe_metrics metrics = lathe_evaluate(evaluator, set);
    ck_assert_double_eq_tol(metrics.loss, loss_cases[_i / 2].loss, 1e-6);
    static const uint32_t some[] = {3, 1};
    double part = lathe_evaluate_part(evaluator, set, some, 2).loss;
    static const uint32_t others[] = {0, 2};
    part += lathe_evaluate_part(evaluator, set, others, 2).loss;
    ck_assert_double_eq_tol(part / 2, metrics.loss, 1e-12);
    double probability[2];
    lathe_probabilities(evaluator, (const float[]){0.25f, 0.75f}, probability);
    double expected = model.probabilities       ? 0.75
                      : model.loss == LATHE_BCE ? 1 / (1 + exp(-0.75))
                                                : 1 / (1 + exp(-0.5));
    ck_assert_double_eq_tol(probability[1], expected, 1e-12);
    lathe_evaluator_free(evaluator);
    lathe_close_dataset(set);
}
END_TEST

/* ---- the same bits after a stop ---- */

static const struct lathe_optimizer resumed[] = {
    {.kind = LATHE_SGD, .momentum = 0.9, .nesterov = true, .l1 = 1e-4, .clip_norm = 0.5},
    {.kind = LATHE_ADAGRAD, .eps = 1e-10, .initial_accumulator = 0.1, .lr_decay = 0.01},
    {.kind = LATHE_RMSPROP, .alpha = 0.9, .eps = 1e-8, .momentum = 0.5, .centered = true},
    {.kind = LATHE_ADADELTA, .rho = 0.9, .eps = 1e-6},
    {.kind = LATHE_ADAM, .beta1 = 0.9, .beta2 = 0.9, .eps = 1e-8, .amsgrad = true, .l1 = 1e-3},
    {.kind = LATHE_ADAMW, .beta1 = 0.9, .beta2 = 0.99, .eps = 1e-8, .weight_decay = 0.1},
};

START_TEST(every_optimizer_resumes)
{
    choose(3, 0);
    validation = _i % 2 ? 0.1 : 0;
    training.optimizer = resumed[_i];
    stop_and_resume(train_as, _i % 2 ? SIGTERM : SIGKILL, 13);
}
END_TEST

/* Killed within and at the ends of epochs: plateau, early stopping and the best weights go on. */
START_TEST(judging_resumes)
{
    static const struct {
        int signal;
        uint64_t step;
    } cases[] = {{SIGKILL, 12}, {SIGKILL, 35}, {SIGTERM, 8}, {SIGTERM, 26}, {SIGINT, 53}};
    choose(30, 4);
    training.schedule = (struct lathe_schedule){.kind = LATHE_PLATEAU,
                                                .lr = 0.03,
                                                .factor = 0.5,
                                                .patience = 0,
                                                .threshold = 1e-3,
                                                .cooldown = 1,
                                                .warmup = 1.5};
    stop_and_resume(train_as, cases[_i].signal, cases[_i].step);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("validation");
    TCase *tests = tcase_create("validation");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, make_root, remove_root);
    tcase_add_test(tests, splits_are_even);
    tcase_add_test(tests, splits_leave_something);
    tcase_add_test(tests, the_best_epochs_weights_are_kept);
    tcase_add_test(tests, an_epoch_has_the_samples_that_are_left);
    tcase_add_test(tests, training_stops_early);
    tcase_add_test(tests, an_early_end_is_an_end);
    tcase_add_loop_test(tests, plateaus_lower_the_rate, 0, 2);
    tcase_add_test(tests, there_is_nothing_to_judge_by);
    tcase_add_loop_test(tests, evaluations_are_pytorchs, 0, 8);
    tcase_add_loop_test(tests, every_optimizer_resumes, 0, COUNT_OF(resumed));
    tcase_add_loop_test(tests, judging_resumes, 0, 5);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
