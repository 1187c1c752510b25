/*
 * check_candidates: what a search asks of DIR/train: some of the samples, others held out to judge,
 * weights to begin with, no test set.
 */
#define _GNU_SOURCE
#include <check.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "softmax.h"

#include "../runtime/safetensors.h"
#include "../runtime/split.h"

#define COUNT_OF(array) ((int)(sizeof(array) / sizeof *(array)))

/* ---- splits ---- */

/* Of COUNT places each is kept, held or neither; both lists rise. */
static void check_lists(const struct lathe_split *split, int count)
{
    int *seen = calloc((size_t)count, sizeof *seen);
    for (int k = 0; k < split->kept_count; k++) {
        seen[split->kept[k]]++;
        ck_assert(!k || split->kept[k] > split->kept[k - 1]);
    }
    for (int k = 0; k < split->held_count; k++) {
        seen[split->held[k]]++;
        ck_assert(!k || split->held[k] > split->held[k - 1]);
    }
    for (int k = 0; k < count; k++)
        ck_assert_int_le(seen[k], 1);
    free(seen);
}

START_TEST(splits_by_count_are_even)
{
    static const struct {
        int count, subset, held;
    } cases[] = {{50000, 500, 1000}, {50000, 5000, 5000}, {300, 200, 100},
                 {300, 7, 1},        {300, 1, 299},       {300, 0, 30},
                 {300, 300, 0},      {10, 3, 0},          {60000, 59999, 1}};
    for (int i = 0; i < COUNT_OF(cases); i++) {
        int count = cases[i].count, subset = cases[i].subset, held = cases[i].held;
        struct lathe_split split = lathe_split_counts("set", count, subset, held);
        ck_assert_int_eq(split.held_count, held);
        ck_assert_int_eq(split.kept_count, subset ? subset : count - held);
        check_lists(&split, count);
        for (int k = 0; k < subset; k++)
            ck_assert_int_eq(split.kept[k], (int)((int64_t)k * count / subset));
        /* held ones are as far from each other, but for the kept ones between them */
        double step = held ? (double)count / held : 0, most = 2 + (double)(subset + count) / count;
        for (int k = 0; k < held; k++)
            ck_assert_double_eq_tol(split.held[k], k * step, most + step);
        lathe_split_free(&split);
    }
}
END_TEST

static int split_too_many(int argc, char **argv)
{
    lathe_split_counts("set", atoi(argv[1]), atoi(argv[2]), atoi(argv[3]));
    return argc;
}

START_TEST(splits_have_enough)
{
    assert_dies(split_too_many, LATHE_USER,
                "set: 40 samples to train on and 11 for validation, but there are 50", "50", "40",
                "11", NULL);
    assert_dies(split_too_many, LATHE_USER, "set: 51 samples to train on and 0 for validation",
                "50", "51", "0", NULL);
    assert_dies(split_too_many, LATHE_USER,
                "set: 50 samples for validation of 50 leave none to train on", "50", "0", "50",
                NULL);
}
END_TEST

START_TEST(fingerprints_tell_splits_apart)
{
    static const int cases[][3] = {{50, 0, 0},  {49, 0, 0},  {50, 10, 0}, {50, 10, 5},
                                   {50, 10, 4}, {40, 10, 5}, {50, 0, 10}, {100, 10, 5}};
    uint64_t found[COUNT_OF(cases)];
    for (int i = 0; i < COUNT_OF(cases); i++) {
        const int *c = cases[i];
        struct lathe_split split = c[1] || c[2] ? lathe_split_counts("set", c[0], c[1], c[2])
                                                : lathe_split_new("set", c[0], 0);
        found[i] = lathe_split_fingerprint(&split, c[0]);
        for (int k = 0; k < i; k++)
            ck_assert(found[i] != found[k]);
        lathe_split_free(&split);
    }
}
END_TEST

/* ---- training on some samples ---- */

/* What train has beside softmax_model: set before a child runs it. */
static double validation;
static enum lathe_source source = LATHE_DIGITS;
static int samples_met;

static void watchful_step(const struct lathe_model *model, const struct lathe_batch *batch,
                          uint64_t seed, uint64_t step, struct lathe_step_result *result,
                          void *arena)
{
    samples_met += batch->count;
    softmax_model().step(model, batch, seed, step, result, arena);
}

static int train(int argc, char **argv)
{
    struct lathe_model model = softmax_model();
    model.data.validation = validation;
    model.data.source = source;
    model.step = watchful_step;
    int status = lathe_train_main(&model, argc, argv);
    printf("%d samples\n", samples_met);
    return status;
}

static struct outcome well(struct outcome o)
{
    ck_assert_msg(o.status == 0, "%s", o.err);
    return o;
}
#define TRAIN(...) well(run(train, NULL, "--limit-train", "300", __VA_ARGS__, NULL))

/* The rest of the line of TEXT that begins with START. */
static const char *after(const char *text, const char *start)
{
    const char *at = strstr(text, start);
    ck_assert_msg(at && (at == text || at[-1] == '\n'), "no '%s' in:\n%s", start, text);
    return at + strlen(start);
}

START_TEST(options_replace_the_specs_shares)
{
    static const struct {
        double share;
        const char *options[4];
        int met, held;
    } cases[] = {
        {0, {"--subset", "120", "--validation", "60"}, 120, 60},
        {0, {"--validation", "60"}, 240, 60},
        {0, {"--subset", "120"}, 120, 0},
        {0.1, {"--subset", "120", "--validation", "60"}, 120, 60},
        {0.1, {"--subset", "120"}, 120, 12},
        {0.1, {"--validation", "0"}, 300, 0},
        {0.1, {"--validation", "90"}, 210, 90},
    };
    validation = cases[_i].share;
    const char *const *more = cases[_i].options;
    struct outcome o =
        more[2] ? TRAIN("--limit-test", "100", "--epochs", "1", more[0], more[1], more[2], more[3])
                : TRAIN("--limit-test", "100", "--epochs", "1", more[0], more[1]);
    int met = 0;
    ck_assert_int_eq(sscanf(last_line(o.out), "%d samples", &met), 1);
    ck_assert_int_eq(met, cases[_i].met);
    ck_assert_int_eq(strstr(o.out, "  validation_loss ") != NULL, cases[_i].held > 0);
    after(o.out, "result: test_accuracy=");
    outcome_free(&o);
}
END_TEST

/* An accuracy is a whole number of samples held. */
START_TEST(the_held_samples_judge)
{
    double accuracy, loss, best_loss, best_accuracy;
    struct outcome o = TRAIN("--subset", "200", "--validation", "40", "--limit-test", "0");
    ck_assert_int_eq(sscanf(after(o.out, "result: validation_accuracy="), "%lf validation_loss=%lf",
                            &accuracy, &loss),
                     2);
    ck_assert_double_eq_tol(accuracy * 40, round(accuracy * 40), 0.003);
    ck_assert_int_eq(sscanf(after(o.out, "best: epoch "),
                            "%*d, validation_loss=%lf validation_accuracy=%lf", &best_loss,
                            &best_accuracy),
                     2);
    ck_assert_double_eq(loss, best_loss);
    ck_assert_double_eq(accuracy, best_accuracy);
    struct outcome none =
        TRAIN("--epochs", "0", "--subset", "200", "--validation", "40", "--limit-test", "0");
    after(none.out, "result: validation_accuracy=");
    assert_dies(train, LATHE_USAGE, "--limit-test 0 leaves nothing to judge by: --validation N",
                "--limit-test", "0", NULL);
    validation = 0.1;
    assert_dies(train, LATHE_USAGE, "--limit-test 0 leaves nothing", "--limit-test", "0",
                "--validation", "0", NULL);
    struct outcome share = TRAIN("--limit-test", "0");
    after(share.out, "result: validation_accuracy=");
    assert_dies(train, LATHE_USER, "digits: 250 samples to train on and 60 for validation, but",
                "--limit-train", "300", "--subset", "250", "--validation", "60", NULL);
    assert_dies(train, LATHE_USER, "digits: validation: 0.1 of 5 samples leaves none", "--subset",
                "5", NULL);
    outcome_free(&o);
    outcome_free(&none);
    outcome_free(&share);
}
END_TEST

/* COUNT images of noise and their labels in IDX files of a training set. */
static void write_training_set(int count)
{
    size_t bytes = (size_t)count * PIXELS;
    unsigned char *images = calloc(16 + bytes, 1), *labels = calloc(8 + (size_t)count, 1);
    const unsigned char high = (unsigned char)(count >> 8), low = (unsigned char)count;
    memcpy(images, (const unsigned char[]){0, 0, 8, 3, 0, 0, high, low, 0, 0, 0, 28, 0, 0, 0, 28},
           16);
    memcpy(labels, (const unsigned char[]){0, 0, 8, 1, 0, 0, high, low}, 8);
    for (size_t i = 0; i < bytes; i++)
        images[16 + i] = (unsigned char)(i * i % 251);
    for (int i = 0; i < count; i++)
        labels[8 + i] = (unsigned char)(i % CLASSES);
    write_bytes(in_root("train-images-idx3-ubyte"), images, 16 + bytes);
    write_bytes(in_root("train-labels-idx1-ubyte"), labels, 8 + (size_t)count);
    free(images);
    free(labels);
}

START_TEST(no_test_file_is_opened)
{
    source = LATHE_MNIST;
    write_training_set(300);
    struct outcome o = TRAIN("--data", root, "--subset", "100", "--validation", "50",
                             "--limit-test", "0", "--save", in_root("w"));
    after(o.out, "result: validation_accuracy=");
    assert_dies(train, LATHE_USER, "mnist: no file t10k-images-idx3-ubyte in", "--data", root,
                "--validation", "50", NULL);
    outcome_free(&o);
}
END_TEST

/* ---- the same bits ---- */

static int train_some(int argc, char **argv)
{
    static char *const more[] = {"--subset", "290", "--validation", "10"};
    char *words[32];
    memcpy(words, argv, (size_t)argc * sizeof *words);
    memcpy(words + argc, more, sizeof more);
    words[argc + COUNT_OF(more)] = NULL;
    struct lathe_model model = softmax_model();
    return lathe_train_main(&model, argc + COUNT_OF(more), words);
}

START_TEST(some_samples_resume)
{
    stop_and_resume(train_some, _i ? SIGTERM : SIGKILL, 13);
}
END_TEST

START_TEST(threads_give_the_same_bits)
{
    struct outcome one = TRAIN("--subset", "99", "--validation", "33", "--limit-test", "0",
                               "--threads", "1", "--save", in_root("one"));
    struct outcome four = TRAIN("--subset", "99", "--validation", "33", "--limit-test", "0",
                                "--threads", "4", "--save", in_root("four"));
    assert_same_file(in_root("one"), in_root("four"));
    outcome_free(&one);
    outcome_free(&four);
}
END_TEST

/* The same sample counts are not the same samples. */
START_TEST(other_samples_are_refused)
{
    struct outcome o = TRAIN("--subset", "100", "--validation", "50", "--limit-test", "50",
                             "--checkpoint", in_root("c"), "--epochs", "1");
#define REFUSED(message, ...)                                                                      \
    assert_dies(train, LATHE_USER, message, "--limit-test", "50", "--checkpoint", in_root("c"),    \
                "--resume", __VA_ARGS__, NULL)
    REFUSED("c: of a run with 100 training samples, given 99", "--limit-train", "300", "--subset",
            "99", "--validation", "50");
    REFUSED("c: of a run with 50 validation samples, given 51", "--limit-train", "300", "--subset",
            "100", "--validation", "51");
    REFUSED("c: of a run with as many, but other training samples: --subset, --validation or",
            "--limit-train", "299", "--subset", "100", "--validation", "50");
    REFUSED("c: of a run with as many, but other training samples", "--limit-train", "150",
            "--validation", "50");
    struct outcome same = TRAIN("--subset", "100", "--validation", "50", "--limit-test", "50",
                                "--checkpoint", in_root("c"), "--epochs", "1", "--resume");
    outcome_free(&o);
    outcome_free(&same);
}
END_TEST

/* ---- weights to begin with ---- */

/* A file of TENSORS, a number each that all elements have. */
static void write_tensors(const char *name, const struct lathe_stored *tensors, int count,
                          float value)
{
    struct lathe_error error;
    struct lathe_stored copies[4];
    float *data = calloc((size_t)CLASSES * PIXELS, sizeof *data);
    for (int i = 0; i < CLASSES * PIXELS; i++)
        data[i] = value;
    for (int i = 0; i < count; i++) {
        copies[i] = tensors[i];
        copies[i].data = data;
    }
    ck_assert(lathe_tensors_write(in_root(name), copies, count, NULL, 0, &error));
    free(data);
}

/* The elements of NAME in the file PATH. */
static void read_tensor(const char *path, const char *name, float *elements)
{
    struct lathe_tensors file;
    struct lathe_error error;
    ck_assert(lathe_tensors_open(&file, path, &error));
    const struct lathe_stored *tensor = lathe_tensors_find(&file, name);
    ck_assert(tensor && lathe_tensors_read(&file, tensor, elements, &error));
    lathe_tensors_close(&file);
}

#define BIAS                                                                                       \
    {                                                                                              \
        .name = "linear1.bias", .rank = 1, .dims = {CLASSES}, .elements = CLASSES                  \
    }
#define WEIGHT                                                                                     \
    {                                                                                              \
        .name = "linear1.weight", .rank = 2, .dims = {CLASSES, PIXELS},                            \
        .elements = CLASSES * PIXELS                                                               \
    }
#define BEGIN(file, save)                                                                          \
    "--epochs", "0", "--limit-test", "10", "--weights", in_root(file), "--save", in_root(save)

START_TEST(training_begins_with_what_a_file_has)
{
    static const struct lathe_stored some[] = {BIAS, {.name = "other.table", .elements = 1}};
    float fresh[CLASSES * PIXELS], found[CLASSES * PIXELS];
    write_tensors("some", some, 2, 0.25f);
    struct outcome plain = TRAIN("--epochs", "0", "--limit-test", "10", "--save", in_root("fresh"));
    struct outcome o = TRAIN(BEGIN("some", "saved"));
    char expected[256];
    snprintf(expected, sizeof expected,
             "%s: has no linear1.weight and 1 more: drawn afresh\n"
             "%s: 1 tensor is not of this network (softmax): left out\n",
             in_root("some"), in_root("some"));
    ck_assert_str_eq(o.err, expected);
    read_tensor(in_root("fresh"), "linear1.weight", fresh);
    read_tensor(in_root("saved"), "linear1.weight", found);
    ck_assert_mem_eq(fresh, found, sizeof fresh);
    read_tensor(in_root("saved"), "linear1.bias", found);
    for (int i = 0; i < CLASSES; i++)
        ck_assert_float_eq(found[i], 0.25f);
    struct outcome all = TRAIN(BEGIN("saved", "again"));
    ck_assert_str_eq(all.err, "");
    assert_same_file(in_root("saved"), in_root("again"));
    outcome_free(&plain);
    outcome_free(&o);
    outcome_free(&all);
}
END_TEST

START_TEST(wrong_weights_are_refused)
{
    static const struct lathe_stored other[] = {{.name = "other.table", .elements = 1}};
    static const struct lathe_stored narrow[] = {
        {.name = "linear1.weight", .rank = 2, .dims = {CLASSES, 9}, .elements = CLASSES * 9}};
    write_tensors("other", other, 1, 0);
    write_tensors("narrow", narrow, 1, 0);
    assert_dies(train, LATHE_USER, "other: has no tensor of this network (softmax)",
                BEGIN("other", "w"), NULL);
    assert_dies(train, LATHE_USER, "narrow: linear1.weight: expected 10x784, given 10x9",
                BEGIN("narrow", "w"), NULL);
    assert_dies(train, LATHE_USER, "nosuch: cannot read: No such file or directory",
                BEGIN("nosuch", "w"), NULL);
    ck_assert_int_eq(matches("w"), 0);
}
END_TEST

/* A run that goes on has the checkpoint's weights, even where the file is gone. */
START_TEST(weights_are_for_the_beginning)
{
    static const struct lathe_stored all[] = {BIAS, WEIGHT};
    write_tensors("all", all, 2, 0.01f);
    struct outcome whole = TRAIN("--limit-test", "10", "--weights", in_root("all"), "--save",
                                 in_root("whole"), "--recipe", "schedule=fixed,lr=0.01");
    struct outcome first =
        TRAIN("--limit-test", "10", "--weights", in_root("all"), "--epochs", "1", "--checkpoint",
              in_root("c"), "--recipe", "schedule=fixed,lr=0.01");
    remove(in_root("all"));
    struct outcome rest = TRAIN("--limit-test", "10", "--weights", in_root("all"), "--epochs", "3",
                                "--checkpoint", in_root("c"), "--resume", "--save", in_root("rest"),
                                "--recipe", "schedule=fixed,lr=0.01");
    assert_same_file(in_root("whole"), in_root("rest"));
    outcome_free(&whole);
    outcome_free(&first);
    outcome_free(&rest);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("candidates");
    TCase *tests = tcase_create("candidates");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, make_root, remove_root);
    tcase_add_test(tests, splits_by_count_are_even);
    tcase_add_test(tests, splits_have_enough);
    tcase_add_test(tests, fingerprints_tell_splits_apart);
    tcase_add_loop_test(tests, options_replace_the_specs_shares, 0, 7);
    tcase_add_test(tests, the_held_samples_judge);
    tcase_add_test(tests, no_test_file_is_opened);
    tcase_add_loop_test(tests, some_samples_resume, 0, 2);
    tcase_add_test(tests, threads_give_the_same_bits);
    tcase_add_test(tests, other_samples_are_refused);
    tcase_add_test(tests, training_begins_with_what_a_file_has);
    tcase_add_test(tests, wrong_weights_are_refused);
    tcase_add_test(tests, weights_are_for_the_beginning);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
