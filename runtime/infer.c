/*
 * infer: the program DIR/infer.
 *
 *     weights -> arena -> test set | images | raw floats | pictures | timing
 */
#define _GNU_SOURCE
#include <errno.h>
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "args.h"
#include "data.h"
#include "evaluate.h"
#include "file.h"
#include "finite.h"
#include "lathe.h"
#include "profile.h"
#include "progress.h"
#include "random.h"
#include "show.h"
#include "thread.h"
#include "watch.h"
#include "weights.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "--raw is little-endian");

/* Where a program has its weights inside: the bytes of a safetensors file. */
extern const unsigned char lathe_embedded_weights[] __attribute__((weak));
extern const uint64_t lathe_embedded_weights_size __attribute__((weak));

struct options {
    struct lathe_texts weights;
    const char *data, *split, *output, *on_bad_file;
    int64_t topk, threads, bench, limit, show;
    bool raw, json, confusion, profile;
    char **images;
    int image_count;
};

/* ---- options ---- */

/* One thing to do at a time, with what it needs. */
static void check_options(const struct lathe_model *model, const struct options *o)
{
    bool data = o->data || o->show;
    int things = (o->image_count > 0) + o->raw + (o->bench > 0) + data;
    if (things > 1)
        lathe_die(LATHE_USAGE, "one at a time: a data set, images, --raw or --bench");
    if ((!things || data) && lathe_needs_folder(&model->data) && !o->data)
        lathe_die(LATHE_USAGE, "--data DIR, images, --raw or --bench N is needed");
    if (o->split && strcmp(o->split, "train") != 0 && strcmp(o->split, "test") != 0)
        lathe_die(LATHE_USAGE, "--split: expected train or test, given '%s'", o->split);
    if ((o->output || o->confusion) && (things > data || o->show))
        lathe_die(LATHE_USAGE, "--%s is for a run over a data set",
                  o->output ? "output" : "confusion");
    if (o->confusion && !model->data.classes)
        lathe_die(LATHE_USAGE, "--confusion: the network's data have no classes");
    lathe_skips_bad_files(o->on_bad_file);
    if (!o->weights.count && !o->bench && !lathe_embedded_weights)
        lathe_die(LATHE_USAGE, "--weights FILE is needed: what train --save wrote");
}

/* Read argv into O. Returns false when --help was all. */
static bool parse_options(const struct lathe_model *model, int argc, char **argv, struct options *o)
{
    *o = (struct options){.topk = model->outputs < 5 ? model->outputs : 5};
    struct lathe_option table[] = {
        {"weights", "FILE", "what train --save wrote; several files: the mean of their answers",
         LATHE_OPTION_TEXTS, &o->weights, 0, 0, 0},
        {"data", "DIR", "accuracy on the test set in that folder", LATHE_OPTION_TEXT, &o->data, 0,
         0, 0},
        {"split", "train|test", "which part of the data [test]", LATHE_OPTION_TEXT, &o->split, 0, 0,
         0},
        {"confusion", NULL, "print which class was taken for which", LATHE_OPTION_FLAG,
         &o->confusion, 0, 0, 0},
        {"output", "FILE.npy", "write all outputs, a row a sample", LATHE_OPTION_TEXT, &o->output,
         0, 0, 0},
        LATHE_BAD_FILE_OPTION(&o->on_bad_file),
        {"limit", "N", "use the first N test samples", LATHE_OPTION_WHOLE, &o->limit, 1, INT32_MAX,
         0},
        {"show", "N", "draw the first N test samples and what is said of them", LATHE_OPTION_WHOLE,
         &o->show, 1, INT32_MAX, 0},
        {"raw", NULL, "float32 samples from stdin, float32 outputs to stdout", LATHE_OPTION_FLAG,
         &o->raw, 0, 0, 0},
        {"topk", "K", "classes to name for an image", LATHE_OPTION_WHOLE, &o->topk, 1,
         model->outputs, 0},
        {"json", NULL, "print JSON", LATHE_OPTION_FLAG, &o->json, 0, 0, 0},
        {"threads", "N", "threads; else OMP_NUM_THREADS, else all cores", LATHE_OPTION_WHOLE,
         &o->threads, 1, 1024, 0},
        {"bench", "N", "time N calls of a full batch", LATHE_OPTION_WHOLE, &o->bench, 1, 1e6, 0},
        {"profile", NULL, "print the time of each group and its share of the machine's limit",
         LATHE_OPTION_FLAG, &o->profile, 0, 0, 0},
    };
    const struct lathe_command command = {
        .about = "Run the trained network: on its test set, on images, on raw numbers.",
        .arguments = lathe_needs_folder(&model->data)
                         ? "--weights FILE (--data DIR | IMAGE... | --raw | --bench N) [options]"
                         : "--weights FILE [IMAGE... | --raw | --bench N] [options]",
        .examples = lathe_needs_folder(&model->data)
                        ? "--weights weights.safetensors --data data\n"
                          "--weights weights.safetensors --data data --show 10\n"
                          "--weights weights.safetensors --topk 3 cat.png\n"
                          "--weights weights.safetensors --raw <in >out\n"
                          "--bench 20\n"
                        : "--weights weights.safetensors\n"
                          "--weights weights.safetensors --show 10\n"
                          "--bench 20\n",
        .options = table,
        .option_count = (int)(sizeof table / sizeof *table),
    };
    if (!lathe_parse_arguments(&command, argc, argv, &o->image_count))
        return false;
    o->images = argv + 1;
    check_options(model, o);
    return true;
}

/* ---- weights ---- */

/* Fresh ones, for timing: what the numbers are does not matter there. */
static float **draw_weights(const struct lathe_model *model)
{
    float **logical = lathe_logical_arrays(model);
    for (int i = 0; i < model->parameter_count; i++)
        lathe_initialise(&model->parameters[i], i, 1, logical[i]);
    return logical;
}

static void load_weights(const struct options *o, struct lathe_evaluator *evaluator)
{
    const struct lathe_model *model = evaluator->model;
    for (int i = 0; i < evaluator->member_count; i++) {
        float **logical;
        if (o->weights.count)
            logical = lathe_read_weights(model, o->weights.items[i]);
        else if (lathe_embedded_weights)
            logical = lathe_read_embedded_weights(model, lathe_embedded_weights,
                                                  (size_t)lathe_embedded_weights_size);
        else
            logical = draw_weights(model);
        lathe_evaluator_load(evaluator, i, (const float *const *)logical);
        free(logical);
    }
}

/* ---- the test set ---- */

/* What is kept of each batch. */
struct keeping {
    struct lathe_confusion confusion; /* counts NULL: not asked for */
    struct lathe_output file;
    bool writes;
};

static void keep(void *context, const struct lathe_evaluator *evaluator, int first)
{
    struct keeping *keeping = context;
    (void)first;
    if (keeping->confusion.counts)
        lathe_confusion_add(&keeping->confusion, evaluator);
    if (keeping->writes)
        lathe_npy_add(&keeping->file, evaluator);
}

static void print_metrics(const struct lathe_metrics *m)
{
    printf("result:");
    if (!isnan(m->accuracy))
        printf(" accuracy=%.4f top5=%.4f", m->accuracy, m->top5);
    else if (!isnan(m->loss))
        printf(" loss=%.4f", m->loss);
    printf(" images_per_s=%.0f\n", m->images_per_s);
}

static void print_metrics_json(const struct lathe_metrics *m,
                               const struct lathe_confusion *confusion)
{
    putchar('{');
    if (!isnan(m->accuracy))
        printf("\"accuracy\": %.9g, \"top5\": %.9g, ", m->accuracy, m->top5);
    if (!isnan(m->loss))
        printf("\"loss\": %.9g, ", m->loss);
    printf("\"images\": %d, \"images_per_s\": %.9g", m->count, m->images_per_s);
    if (confusion->counts) {
        fputs(", \"confusion\": ", stdout);
        lathe_confusion_print_json(confusion);
    }
    puts("}");
}

static void evaluate(const struct options *o, struct lathe_evaluator *evaluator,
                     struct lathe_dataset *dataset)
{
    const struct lathe_model *model = evaluator->model;
    struct keeping keeping = {.writes = o->output != NULL};
    struct lathe_error error;
    if (o->confusion)
        keeping.confusion = lathe_confusion_new(model->outputs);
    if (o->output)
        lathe_npy_begin(&keeping.file, o->output, dataset->count, model->outputs);
    evaluator->observe = keep;
    evaluator->observer = &keeping;
    struct lathe_metrics metrics = lathe_evaluate(evaluator, dataset);
    bool finite = model->data.target == LATHE_TARGET_NONE || lathe_is_finite(metrics.loss);
    if (!finite && keeping.writes)
        lathe_output_discard(&keeping.file);
    if (!finite)
        lathe_die(LATHE_NUMBERS, "the network's outputs are not finite");
    if (keeping.writes && !lathe_output_commit(&keeping.file, &error))
        lathe_die(error.status, "%s", error.message);
    if (o->confusion && !o->json)
        lathe_confusion_print(&keeping.confusion, model, dataset);
    if (o->json)
        print_metrics_json(&metrics, &keeping.confusion);
    else
        print_metrics(&metrics);
    lathe_confusion_free(&keeping.confusion);
}

static void run_data_set(const struct options *o, struct lathe_evaluator *evaluator)
{
    struct lathe_opening opening = {.folder = o->data, .limit = (int)o->limit};
    if (o->show && (!o->limit || o->show < o->limit))
        opening.limit = (int)o->show;
    opening.train = o->split && !strcmp(o->split, "train");
    opening.skip_bad = lathe_skips_bad_files(o->on_bad_file);
    struct lathe_dataset *dataset = lathe_open_part(&evaluator->model->data, &opening);
    if (o->show)
        lathe_show(evaluator, dataset);
    else
        evaluate(o, evaluator, dataset);
    lathe_close_dataset(dataset);
}

/* ---- images ---- */

/* Indices of the COUNT largest of PROBABILITY, largest first; equal ones in their order. */
static void largest(const double *probability, int outputs, int count, int *best)
{
    for (int i = 0; i < outputs; i++) {
        int place = i < count ? i : count;
        for (; place > 0 && probability[i] > probability[best[place - 1]]; place--)
            if (place < count)
                best[place] = best[place - 1];
        if (place < count)
            best[place] = i;
    }
}

static void print_json_string(const char *text)
{
    putchar('"');
    for (; *text; text++) {
        if ((unsigned char)*text < 0x20)
            printf("\\u%04x", (unsigned)*text);
        else
            printf(*text == '"' || *text == '\\' ? "\\%c" : "%c", *text);
    }
    putchar('"');
}

/* The TOPK classes of one image. */
static void print_classes(const struct lathe_evaluator *evaluator, const struct options *o,
                          const char *path, const float *output)
{
    const struct lathe_model *model = evaluator->model;
    int count = (int)o->topk;
    double *probability = lathe_alloc((size_t)model->outputs, sizeof *probability);
    int *best = lathe_alloc((size_t)count, sizeof *best);
    lathe_probabilities(evaluator, output, probability);
    largest(probability, model->outputs, count, best);
    if (o->json) {
        fputs("{\"image\": ", stdout);
        print_json_string(path);
        fputs(", \"top\": [", stdout);
    } else {
        printf("%s:", path);
    }
    for (int i = 0; i < count; i++) {
        char text[16];
        const char *name = lathe_class_text(model, NULL, best[i], text);
        if (o->json)
            printf("%s{\"class\": %d, \"name\": \"%s\", \"probability\": %.9g}", i ? ", " : "",
                   best[i], name, probability[best[i]]);
        else
            printf("%s %s %.4f", i ? "," : "", name, probability[best[i]]);
    }
    puts(o->json ? "]}" : "");
    free(best);
    free(probability);
}

/* The outputs of one image, where there are no classes. */
static void print_outputs(const struct lathe_model *model, const struct options *o,
                          const char *path, const float *output)
{
    if (o->json) {
        fputs("{\"image\": ", stdout);
        print_json_string(path);
        fputs(", \"outputs\": [", stdout);
    } else {
        printf("%s: ", path);
    }
    for (int i = 0; i < model->outputs; i++)
        printf("%s%.9g", i ? ", " : "", (double)output[i]);
    puts(o->json ? "]}" : "");
}

static void run_images(const struct options *o, struct lathe_evaluator *evaluator)
{
    const struct lathe_model *model = evaluator->model;
    for (int i = 0; i < o->image_count; i++) {
        lathe_evaluator_image(evaluator, o->images[i]);
        if (model->data.classes)
            print_classes(evaluator, o, o->images[i], evaluator->output);
        else
            print_outputs(model, o, o->images[i], evaluator->output);
    }
}

/* ---- raw numbers ---- */

/* Read until LENGTH bytes are there or the input ends; returns how many there are. */
static size_t read_fully(int descriptor, void *bytes, size_t length)
{
    size_t have = 0;
    while (have < length) {
        ssize_t got = read(descriptor, (char *)bytes + have, length - have);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            lathe_die(LATHE_RESOURCE, "standard input: cannot read: %s", strerror(errno));
        if (got == 0)
            break;
        have += (size_t)got;
    }
    return have;
}

/* Always in batches of infer_batch but the last, so that how the input arrives changes nothing. */
static void run_raw(struct lathe_evaluator *evaluator)
{
    const struct lathe_model *model = evaluator->model;
    size_t sample = lathe_sample_floats(model) * sizeof(float), have;
    size_t full = (size_t)model->infer_batch * sample;
    do {
        have = read_fully(STDIN_FILENO, evaluator->batch.input, full);
        size_t count = have / sample;
        if (count) {
            lathe_evaluator_infer(evaluator, (int)count);
            if (!lathe_write_all(STDOUT_FILENO, evaluator->output,
                                 count * (size_t)model->outputs * sizeof(float)))
                lathe_die(LATHE_RESOURCE, "standard output: cannot write: %s", strerror(errno));
        }
        if (have % sample)
            lathe_die(LATHE_USER, "standard input: expected samples of %zu bytes, the last has %zu",
                      sample, have % sample);
    } while (have == full);
}

/* ---- timing ---- */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void run_bench(const struct options *o, struct lathe_evaluator *evaluator)
{
    const struct lathe_model *model = evaluator->model;
    size_t calls = (size_t)o->bench;
    size_t floats = (size_t)model->infer_batch * lathe_sample_floats(model);
    for (size_t i = 0; i < floats; i++) {
        struct lathe_random4 words =
            lathe_random(1, LATHE_STREAM_TEST, (uint32_t)(i / 4), (uint32_t)(i / 4 >> 32), 0);
        evaluator->batch.input[i] = 2.0f * lathe_uniform(words.v[i % 4]) - 1.0f;
    }
    double *seconds = lathe_alloc(calls + 1, sizeof *seconds);
    for (size_t i = 0; i <= calls; i++) { /* the first only warms up: its time goes last, unused */
        double began = lathe_seconds();
        lathe_evaluator_infer(evaluator, model->infer_batch);
        seconds[i ? i - 1 : calls] = lathe_seconds() - began;
    }
    qsort(seconds, calls, sizeof *seconds, by_value);
    double median = (seconds[(calls - 1) / 2] + seconds[calls / 2]) / 2;
    double images_per_s = model->infer_batch / median;
    if (o->json)
        printf("{\"batch\": %d, \"calls\": %zu, \"median_ms\": %.9g, \"min_ms\": %.9g, "
               "\"images_per_s\": %.9g}\n",
               model->infer_batch, calls, median * 1e3, seconds[0] * 1e3, images_per_s);
    else
        printf("result: batch=%d calls=%zu median_ms=%.4f min_ms=%.4f images_per_s=%.0f\n",
               model->infer_batch, calls, median * 1e3, seconds[0] * 1e3, images_per_s);
    free(seconds);
}

int lathe_infer_main(const struct lathe_model *model, int argc, char **argv)
{
    struct options options;
    lathe_hold_standard_streams();
    lathe_check_model(model);
    if (!parse_options(model, argc, argv, &options))
        return LATHE_DONE;
    if (options.threads)
        omp_set_num_threads((int)options.threads);
    lathe_flush_denormals();
    struct lathe_limits limits = {0};
    if (options.profile)
        limits = lathe_begin_profile();
    int members = options.weights.count > 0 ? options.weights.count : 1;
    struct lathe_evaluator *evaluator = lathe_evaluator_new(model, members);
    load_weights(&options, evaluator);
    if (options.image_count)
        run_images(&options, evaluator);
    else if (options.raw)
        run_raw(evaluator);
    else if (options.bench)
        run_bench(&options, evaluator);
    else
        run_data_set(&options, evaluator);
    if (options.profile)
        lathe_print_profile("inference", model->infer_profile, &limits);
    lathe_evaluator_free(evaluator);
    if (!lathe_output_arrived())
        lathe_die(LATHE_RESOURCE, "standard output: cannot write");
    return LATHE_DONE;
}
