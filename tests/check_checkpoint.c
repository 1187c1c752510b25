/*
 * check_checkpoint: what is kept of a run and what becomes of it: damaged files, two runs at once,
 * --every, signals at awkward moments, the log of a run that was killed.
 */
#define _GNU_SOURCE
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "softmax.h"

#include "../runtime/checkpoint.h"
#include "../runtime/log.h"
#include "../runtime/safetensors.h"

#define COUNT_OF(array) ((int)(sizeof(array) / sizeof *(array)))

static int train(int argc, char **argv)
{
    struct lathe_model model = softmax_model();
    return lathe_train_main(&model, argc, argv);
}

/* The last tenth of the training set judges. */
static int train_validated(int argc, char **argv)
{
    struct lathe_model model = softmax_model();
    model.data.validation = 0.1;
    return lathe_train_main(&model, argc, argv);
}

/* ---- a small checkpoint ---- */

static const struct lathe_parameter two_parameters[] = {
    {.name = "a.weight",
     .rank = 2,
     .dims = {2, 3},
     .trainable = true,
     .out = 2,
     .in = 3,
     .kh = 1,
     .kw = 1,
     .groups = 1,
     .spans = 1,
     .block_out = 4,
     .block_in = 1},
    {.name = "a.running_mean",
     .rank = 1,
     .dims = {2},
     .offset = 16,
     .out = 2,
     .in = 1,
     .kh = 1,
     .kw = 1,
     .groups = 1,
     .spans = 1,
     .block_out = 4,
     .block_in = 1},
};

enum { TWO_FLOATS = 32 };
static const struct lathe_model two = {.name = "two",
                                       .provenance = "a \"test\"",
                                       .parameters = two_parameters,
                                       .parameter_count = 2,
                                       .trainable_floats = 16,
                                       .state_floats = TWO_FLOATS};

static struct lathe_moving moving_new(void)
{
    return (struct lathe_moving){.state = lathe_alloc(TWO_FLOATS, 4),
                                 .moments = {lathe_alloc(TWO_FLOATS, 4)},
                                 .best = lathe_alloc(TWO_FLOATS, 4)};
}

static void moving_free(struct lathe_moving *moving)
{
    free(moving->state);
    free(moving->moments[0]);
    free(moving->best);
}

/* The run at STEP, whose numbers are all different. */
static void write_two(const char *folder, uint64_t step)
{
    struct lathe_moving moving = moving_new();
    struct lathe_run run = {.seed = 7, .step = step, .lr = 0.1, .recipe = "optimizer=sgd,lr=0.1"};
    for (int i = 0; i < 2; i++)
        for (int k = 0; k < 2; k++)
            for (int c = 0; c < (i ? 1 : 3); c++) {
                size_t at = two_parameters[i].offset + (size_t)(c * 4 + k);
                float value = (float)(step + at) + 0.25f;
                moving.state[at] = moving.best[at] = value;
                if (!i)
                    moving.moments[0][at] = -value;
            }
    lathe_checkpoint_write(&two, folder, &run, &moving);
    moving_free(&moving);
}

/* Read the newest good checkpoint of FOLDER: the step it is of, 0 for none. */
static uint64_t read_two(const char *folder, float *first)
{
    struct lathe_moving moving = moving_new();
    struct lathe_run run = {.recipe = "optimizer=sgd,lr=0.1"};
    bool found = lathe_checkpoint_read(&two, folder, &run, &moving);
    *first = moving.state[0];
    moving_free(&moving);
    return found ? run.step : 0;
}

/* What stderr got, which begins anew; freed by free(). */
static char *said(void)
{
    size_t size;
    fflush(stderr);
    char *text = read_bytes(in_root("said"), &size);
    ck_assert_int_eq(ftruncate(STDERR_FILENO, 0), 0);
    ck_assert_int_eq(lseek(STDERR_FILENO, 0, SEEK_SET), 0);
    return text;
}

/* NEWEST of the folder "c" holds BYTES that are not what was written: it is named, and the
 * checkpoint of step 10 taken. */
static void assert_passed_over(const char *newest, const char *bytes, size_t size, size_t at)
{
    float first;
    write_bytes(newest, bytes, size);
    uint64_t step = read_two(in_root("c"), &first);
    char *text = said();
    ck_assert_msg(step == 10, "byte %zu: the checkpoint of step %d was taken", at, (int)step);
    ck_assert_float_eq(first, 10.25f);
    ck_assert_msg(strstr(text, "passed over: ") && strstr(text, "checkpoint-0000000020"),
                  "byte %zu: %s", at, text);
    free(text);
}

/* Two bits of each byte of the file, metadata and names included (one is what makes capitals
 * small), and many lengths. */
START_TEST(every_bit_is_guarded)
{
    static const char newest[] = "c/checkpoint-0000000020.safetensors";
    float first;
    size_t size;
    ck_assert_int_eq(lathe_checkpoint_prepare(in_root("c")), 0);
    write_two(in_root("c"), 10);
    write_two(in_root("c"), 20);
    ck_assert_uint_eq(read_two(in_root("c"), &first), 20);
    char *path = strdup(in_root(newest)), *bytes = read_bytes(path, &size);
    ck_assert_ptr_nonnull(freopen(in_root("said"), "wb", stderr));
    for (size_t i = 0; i < 2 * size; i++) {
        char bit = (char)(i % 2 ? 0x20 : 1 << i / 2 % 8);
        bytes[i / 2] ^= bit;
        assert_passed_over(path, bytes, size, i / 2);
        bytes[i / 2] ^= bit;
    }
    for (size_t length = 0; length < size; length += 1 + length % 17)
        assert_passed_over(path, bytes, length, length);
    write_bytes(path, bytes, size);
    ck_assert_uint_eq(read_two(in_root("c"), &first), 20);
    ck_assert_float_eq(first, 20.25f);
    free(path);
    free(bytes);
}
END_TEST

/* PATH's checkpoint with KEY's number TEXT, sealed as whoever writes such files can. */
static void rewrite_number(const char *path, const char *key, const char *text)
{
    enum { MOST = 64 };
    struct lathe_tensors file;
    struct lathe_error error;
    struct lathe_stored tensors[MOST];
    struct lathe_metadata metadata[MOST];
    ck_assert_msg(lathe_tensors_open(&file, path, &error), "%s", error.message);
    ck_assert_int_le(file.count, MOST);
    ck_assert_int_le(file.metadata_count, MOST);
    for (int i = 0; i < file.count; i++) {
        tensors[i] = file.tensors[i];
        float *data = lathe_alloc(tensors[i].elements, sizeof *data);
        ck_assert(lathe_tensors_read(&file, &tensors[i], data, &error));
        tensors[i].data = data;
    }
    for (int i = 0; i < file.metadata_count; i++) {
        metadata[i] = file.metadata[i];
        if (strcmp(metadata[i].key, LATHE_SEAL) == 0)
            metadata[i].value = LATHE_UNSEALED;
        if (strcmp(metadata[i].key, key) == 0)
            metadata[i].value = text;
    }
    ck_assert(
        lathe_tensors_write(path, tensors, file.count, metadata, file.metadata_count, &error));
    for (int i = 0; i < file.count; i++)
        free((float *)tensors[i].data);
    lathe_tensors_close(&file);
}

START_TEST(numbers_are_digits_alone)
{
    static const char newest[] = "c/checkpoint-0000000020.safetensors";
    static const char *const wrong[] = {"-1",   "+20", " 20", "20.0",
                                        "0x14", "",    "20 ", "99999999999999999999"};
    float first;
    size_t size;
    ck_assert_int_eq(lathe_checkpoint_prepare(in_root("c")), 0);
    write_two(in_root("c"), 10);
    write_two(in_root("c"), 20);
    char *path = strdup(in_root(newest));
    ck_assert_ptr_nonnull(freopen(in_root("said"), "wb", stderr));
    for (int i = 0; i < COUNT_OF(wrong); i++) {
        rewrite_number(path, "step", wrong[i]);
        char *bytes = read_bytes(path, &size);
        assert_passed_over(path, bytes, size, 0);
        free(bytes);
    }
    rewrite_number(path, "step", "20");
    ck_assert_uint_eq(read_two(in_root("c"), &first), 20);
    char *text = said();
    ck_assert_str_eq(text, "");
    free(text);
    free(path);
}
END_TEST

static int read_in_child(int argc, char **argv)
{
    float first;
    read_two(argv[1], &first);
    return argc - 2;
}

START_TEST(broken_ones_alone_are_no_beginning)
{
    size_t size;
    ck_assert_int_eq(lathe_checkpoint_prepare(in_root("c")), 0);
    write_two(in_root("c"), 10);
    char *path = strdup(in_root("c/checkpoint-0000000010.safetensors"));
    char *bytes = read_bytes(path, &size);
    bytes[size - 1] ^= 64;
    write_bytes(path, bytes, size);
    char *argv[] = {"program", strdup(in_root("c")), NULL};
    struct outcome o = in_child(read_in_child, 2, argv, NULL);
    ck_assert_int_eq(o.status, LATHE_USER);
    ck_assert_msg(strstr(o.err, "damaged: its checksum is ") &&
                      strstr(o.err, "c: its only checkpoint is broken\n"),
                  "%s", o.err);
    outcome_free(&o);
    free(argv[1]);
    free(path);
    free(bytes);
}
END_TEST

/* ---- --every ---- */

/* The checkpoints of "c" are those of the steps NEWEST and OLDER (0: no other). */
static void assert_kept(int newest, int older)
{
    char name[64];
    ck_assert_int_eq(matches("c/checkpoint-*"), older ? 2 : 1);
    snprintf(name, sizeof name, "c/checkpoint-%010d.safetensors", newest);
    ck_assert_msg(matches(name) == 1, "no %s", name);
    snprintf(name, sizeof name, "c/checkpoint-%010d.safetensors", older);
    ck_assert_msg(!older || matches(name) == 1, "no %s", name);
    ck_assert_int_eq(matches("c/.checkpoint*"), 0);
}

START_TEST(checkpoints_come_every_so_many_steps)
{
    static const struct {
        char *every;
        int newest, older;
    } cases[] = {{"4", 30, 28},  {"7steps", 30, 28},  {"1step", 30, 29},
                 {"10", 30, 20}, {"1000000s", 30, 0}, {"31", 30, 0}};
    struct outcome o =
        run(train, NULL, SMALL, "--checkpoint", in_root("c"), "--every", cases[_i].every, NULL);
    ck_assert_msg(o.status == 0, "%s", o.err);
    outcome_free(&o);
    assert_kept(cases[_i].newest, cases[_i].older);
}
END_TEST

/* 30 steps of 0.06 s: one checkpoint after the first second, and the last. */
START_TEST(checkpoints_come_every_so_many_seconds)
{
    mischief.nap = 60000;
    struct outcome o = run(train, NULL, SMALL, "--checkpoint", in_root("c"), "--every", "1s", NULL);
    ck_assert_msg(o.status == 0, "%s", o.err);
    outcome_free(&o);
    ck_assert_int_eq(matches("c/checkpoint-*"), 2);
    ck_assert_int_eq(matches("c/checkpoint-0000000030*"), 1);
}
END_TEST

START_TEST(every_has_a_syntax)
{
    static char *const wrong[] = {
        "0",     "-4",  "x",  "4 steps", "4.5s",          "s",
        "steps", "5ss", "5S", " 5",      "1000000000001", "99999999999999999999s"};
    char message[128];
    for (int i = 0; i < COUNT_OF(wrong); i++) {
        snprintf(message, sizeof message,
                 "--every: expected N or Nsteps, or Ns for seconds, N "
                 "from 1 to 1000000000000, given '%s'",
                 wrong[i]);
        assert_dies(train, LATHE_USAGE, message, "--checkpoint", in_root("c"), "--every", wrong[i],
                    NULL);
    }
    assert_dies(train, LATHE_USAGE, "--every needs --checkpoint DIR", "--every", "4", NULL);
    assert_dies(train, LATHE_USAGE, "--save and --log are the same file: same", "--save", "same",
                "--log", "same", NULL);
}
END_TEST

/* ---- stopped and resumed ---- */

START_TEST(runs_resume_within_epochs)
{
    static const struct {
        program *train;
        char *every;
        int signal;
        uint64_t step;
    } cases[] = {{train, "4", SIGKILL, 17},          {train, "10", SIGKILL, 10},
                 {train, "1", SIGKILL, 29},          {train_validated, "4", SIGKILL, 13},
                 {train_validated, "6", SIGTERM, 9}, {train_validated, "100000s", SIGINT, 20}};
    mischief.every = cases[_i].every;
    stop_and_resume(cases[_i].train, cases[_i].signal, cases[_i].step);
}
END_TEST

/* A signal in the first batch of an epoch's evaluation (of 7 with the test set's 100 samples, of 2
 * with the 30 that are held out), and in the test of the whole run. */
START_TEST(evaluations_stop_between_batches)
{
    static const struct {
        program *train;
        int batch;
        const char *stopped;
    } cases[] = {{train, 1, "stopped after step 10 of 30;"},
                 {train, 15, "stopped after step 30 of 30;"},
                 {train_validated, 3, "stopped after step 18 of 27;"},
                 {train_validated, 7, "stopped after step 27 of 27;"}};
    program *function = cases[_i].train;
    struct outcome whole = run(function, NULL, SMALL, "--save", in_root("whole"), "--log",
                               in_root("whole.jsonl"), NULL);
    mischief.signal = SIGTERM;
    mischief.signal_batch = cases[_i].batch;
    struct outcome part = run(function, NULL, SMALL, "--save", in_root("part"), "--log",
                              in_root("part.jsonl"), "--checkpoint", in_root("c"), NULL);
    mischief.signal_batch = mischief.signal = 0;
    ck_assert_msg(part.status == 0 && strstr(last_line(part.out), cases[_i].stopped), "%d %s%s",
                  part.status, part.out, part.err);
    struct outcome rest =
        run(function, NULL, SMALL, "--save", in_root("part"), "--log", in_root("part.jsonl"),
            "--checkpoint", in_root("c"), "--resume", NULL);
    ck_assert_msg(rest.status == 0, "%s", rest.err);
    ck_assert_mem_eq(last_line(rest.out), last_line(whole.out),
                     strlen("result: test_accuracy=0.1234"));
    assert_same_file(in_root("whole"), in_root("part"));
    char *a = timeless(in_root("whole.jsonl")), *b = timeless(in_root("part.jsonl"));
    ck_assert_str_eq(a, b);
    free(a);
    free(b);
    outcome_free(&whole);
    outcome_free(&part);
    outcome_free(&rest);
}
END_TEST

static int delay; /* microseconds until SIGTERM comes */

static int train_terminated(int argc, char **argv)
{
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGTERM};
    struct itimerspec when = {.it_value = {.tv_nsec = delay * 1000L}};
    signal(SIGTERM, SIG_DFL); /* Check's ends the test */
    if (timer_create(CLOCK_MONOTONIC, &event, &timer) || timer_settime(timer, 0, &when, NULL))
        return 99;
    return train(argc, argv);
}

/* The signal comes later and later: at first it kills (nothing has begun), then the data are being
 * drawn, in the end there are steps. */
START_TEST(nothing_waits_for_data)
{
    int before = 0;
    char *folder = strdup(in_root("c"));
    mischief.nap = 100000;
    for (delay = 250; delay < 900000 && before < 2; delay += delay / 2) {
        struct outcome o =
            run(train_terminated, NULL, "--checkpoint", folder, "--quiet", "--epochs", "9", NULL);
        if (strstr(o.out, "stopped before the first step; to go on: program --checkpoint ")) {
            ck_assert_int_eq(o.status, 0);
            ck_assert_msg(strstr(last_line(o.out), " --quiet --epochs 9 --resume\n"), "%s", o.out);
            ck_assert_int_eq(matches("c/checkpoint-*"), 0);
            before++;
        } else {
            ck_assert_msg(o.status == 128 + SIGTERM, "status %d: %s%s", o.status, o.out, o.err);
        }
        outcome_free(&o);
    }
    ck_assert_int_eq(before, 2);
    free(folder);
}
END_TEST

/* ---- two runs ---- */

/* A run that stands still in its sixth step, in a child. */
static pid_t begin_run(char *folder, char *log)
{
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (!child) {
        alarm(60);
        char *argv[] = {"program", SMALL, "--quiet", "--checkpoint", folder, "--every", "2",
                        "--log",   log,   NULL};
        mischief.signal = SIGSTOP;
        mischief.signal_step = 5;
        exit(train(COUNT_OF(argv) - 1, argv));
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, WUNTRACED), child);
    ck_assert(WIFSTOPPED(status));
    return child;
}

START_TEST(two_runs_do_not_share)
{
    int status;
    char *folder = strdup(in_root("c")), *other = strdup(in_root("other"));
    char *log = strdup(in_root("log"));
    pid_t first = begin_run(folder, log);
    assert_dies(train, LATHE_USER, "c: another run that is under way keeps its checkpoints here",
                SMALL, "--checkpoint", folder, "--resume", NULL);
    assert_dies(train, LATHE_USER, "log: another run that is under way writes this log", SMALL,
                "--checkpoint", other, "--log", log, NULL);
    ck_assert_int_eq(kill(first, SIGKILL), 0);
    ck_assert_int_eq(waitpid(first, &status, 0), first);
    struct outcome o =
        run(train, NULL, SMALL, "--checkpoint", folder, "--resume", "--log", log, NULL);
    ck_assert_msg(o.status == 0 && !strstr(o.err, "no checkpoint"), "%s", o.err);
    outcome_free(&o);
    free(folder);
    free(other);
    free(log);
}
END_TEST

/* Temporary files that others left, by whatever name, are in nobody's way. */
START_TEST(names_that_are_taken_stay)
{
    char name[64];
    struct lathe_output output;
    struct lathe_error error;
    snprintf(name, sizeof name, ".w.%ld.tmp", (long)getpid());
    write_bytes(in_root(name), "another's", 9);
    ck_assert(lathe_output_open(&output, in_root("w"), &error));
    ck_assert(lathe_output_write(&output, "ours", 4, &error));
    ck_assert(lathe_output_commit(&output, &error));
    size_t size;
    char *bytes = read_bytes(in_root("w"), &size), *others = read_bytes(in_root(name), &size);
    ck_assert_str_eq(bytes, "ours");
    ck_assert_str_eq(others, "another's");
    free(bytes);
    free(others);
}
END_TEST

/* ---- runs that go on ---- */

/* The newest is damaged, and the run that goes on from before it is killed again: what is left are
 * the two that it wrote. */
START_TEST(later_ones_are_not_kept)
{
    char *folder = strdup(in_root("c"));
    struct outcome o =
        run(train, NULL, SMALL, "--checkpoint", folder, "--save", in_root("whole"), NULL);
    outcome_free(&o);
    write_bytes(in_root("c/checkpoint-0000000030.safetensors"), "nothing", 7);
    mischief.signal = SIGKILL;
    mischief.signal_step = 25;
    o = run(train, NULL, SMALL, "--checkpoint", folder, "--resume", "--every", "2", NULL);
    mischief.signal = 0;
    ck_assert_int_eq(o.status, 128 + SIGKILL);
    outcome_free(&o);
    assert_kept(24, 22);
    o = run(train, NULL, SMALL, "--checkpoint", folder, "--resume", "--save", in_root("again"),
            NULL);
    ck_assert_msg(o.status == 0 && !*o.err, "%s", o.err);
    outcome_free(&o);
    assert_same_file(in_root("whole"), in_root("again"));
    free(folder);
}
END_TEST

static int train_in_other_batches(int argc, char **argv)
{
    struct lathe_model model = softmax_model();
    model.training.batch = 30;
    return lathe_train_main(&model, argc, argv);
}

static int train_another_build(int argc, char **argv)
{
    struct lathe_model model = softmax_model();
    model.provenance = "another lathe";
    return lathe_train_main(&model, argc, argv);
}

START_TEST(another_build_is_told)
{
    char *folder = strdup(in_root("c"));
    struct outcome o = run(train, NULL, SMALL, "--checkpoint", folder, NULL);
    outcome_free(&o);
    assert_dies(train_in_other_batches, LATHE_USER, "c: of a run in batches of 32, given 30", SMALL,
                "--checkpoint", folder, "--resume", NULL);
    o = run(train_another_build, NULL, SMALL, "--checkpoint", folder, "--resume", NULL);
    ck_assert_msg(o.status == 0 && strstr(o.err, ": of another build (lathe test): the run ends in "
                                                 "other bits\n"),
                  "%s", o.err);
    outcome_free(&o);
    free(folder);
}
END_TEST

/* ---- logs ---- */

/* FROM's lines but the last, of which PART bytes; freed by free(). */
static char *cut_last_line(const char *from, size_t part)
{
    size_t size;
    char *text = read_bytes(from, &size);
    size_t start = (size_t)(last_line(text) - text);
    text[start + part] = '\0';
    return text;
}

/* Killed between a log's line and the checkpoint, or within the line: the epoch comes again. */
START_TEST(an_epoch_is_logged_once)
{
    static const size_t parts[] = {0, 1, 40, 9999};
    char *folder = strdup(in_root("c")), *log = strdup(in_root("log"));
    write_bytes(log, "{\"of\": \"somebody else\"}\n", 24);
    struct outcome o = run(train, NULL, SMALL, "--checkpoint", folder, "--log", log, NULL);
    ck_assert_msg(o.status == 0, "%s", o.err);
    outcome_free(&o);
    size_t size;
    char *whole = read_bytes(log, &size);
    write_bytes(in_root("whole"), whole + 24, size - 24);
    if (parts[_i] < 9999) {
        char *part = cut_last_line(log, parts[_i]);
        write_bytes(log, part, strlen(part));
        free(part);
    }
    ck_assert_int_eq(unlink(in_root("c/checkpoint-0000000030.safetensors")), 0);
    o = run(train, NULL, SMALL, "--checkpoint", folder, "--log", log, "--resume", NULL);
    ck_assert_msg(o.status == 0, "%s", o.err);
    outcome_free(&o);
    char *again = read_bytes(log, &size);
    ck_assert_mem_eq(again, whole, 24);
    write_bytes(in_root("again"), again + 24, size - 24);
    char *a = timeless(in_root("whole")), *b = timeless(in_root("again"));
    ck_assert_str_eq(a, b);
    free(a);
    free(b);
    free(whole);
    free(again);
    free(folder);
    free(log);
}
END_TEST

/* Twice the same run is twice the same lines, and another run's log keeps what it has. */
START_TEST(other_lines_are_left_alone)
{
    char *folder = strdup(in_root("c")), *log = strdup(in_root("log"));
    struct outcome o = run(train, NULL, SMALL, "--log", log, NULL);
    outcome_free(&o);
    char *once = timeless(log);
    mischief.signal = SIGKILL;
    mischief.signal_step = 15;
    o = run(train, NULL, SMALL, "--checkpoint", folder, "--log", log, NULL);
    mischief.signal = 0;
    outcome_free(&o);
    o = run(train, NULL, SMALL, "--checkpoint", folder, "--log", log, "--resume", NULL);
    ck_assert_msg(o.status == 0, "%s", o.err);
    outcome_free(&o);
    char *twice = timeless(log);
    ck_assert_uint_eq(strlen(twice), 2 * strlen(once));
    ck_assert_mem_eq(twice, once, strlen(once));
    ck_assert_str_eq(twice + strlen(once), once);
    free(once);
    free(twice);
    write_bytes(log, "no newline", 10);
    struct lathe_log opened = lathe_log_open(log);
    lathe_log_close(&opened);
    size_t size;
    char *text = read_bytes(log, &size);
    ck_assert_str_eq(text, "no newline\n");
    free(text);
    free(folder);
    free(log);
}
END_TEST

static rlim_t file_limit;

static int train_limited(int argc, char **argv)
{
    const struct rlimit limit = {file_limit, file_limit};
    setrlimit(RLIMIT_FSIZE, &limit);
    return train(argc, argv);
}

START_TEST(a_line_that_does_not_fit_is_taken_back)
{
    char *log = strdup(in_root("log"));
    file_limit = 350; /* a line and a half */
    assert_dies(train_limited, LATHE_RESOURCE, "log: cannot write: File too large", SMALL,
                "--quiet", "--log", log, NULL);
    size_t size;
    char *text = read_bytes(log, &size);
    ck_assert(size > 100 && size < 350 && text[size - 1] == '\n');
    ck_assert_ptr_eq(last_line(text), text);
    free(text);
    free(log);
}
END_TEST

/* ---- the suite ---- */

int main(void)
{
    Suite *suite = suite_create("checkpoint");
    TCase *tests = tcase_create("checkpoint");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, make_root, remove_root);
    tcase_add_test(tests, every_bit_is_guarded);
    tcase_add_test(tests, numbers_are_digits_alone);
    tcase_add_test(tests, broken_ones_alone_are_no_beginning);
    tcase_add_loop_test(tests, checkpoints_come_every_so_many_steps, 0, 6);
    tcase_add_test(tests, checkpoints_come_every_so_many_seconds);
    tcase_add_test(tests, every_has_a_syntax);
    tcase_add_loop_test(tests, runs_resume_within_epochs, 0, 6);
    tcase_add_loop_test(tests, evaluations_stop_between_batches, 0, 4);
    tcase_add_test(tests, nothing_waits_for_data);
    tcase_add_test(tests, two_runs_do_not_share);
    tcase_add_test(tests, names_that_are_taken_stay);
    tcase_add_test(tests, later_ones_are_not_kept);
    tcase_add_test(tests, another_build_is_told);
    tcase_add_loop_test(tests, an_epoch_is_logged_once, 0, 4);
    tcase_add_test(tests, other_lines_are_left_alone);
    tcase_add_test(tests, a_line_that_does_not_fit_is_taken_back);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
