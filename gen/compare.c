/*
 * compare: what specialisation is worth.
 */
#include "compare.h"

#include "interp.h"
#include "../runtime/data.h"
#include "../runtime/optimizer.h"
#include "../runtime/random.h"
#include "../runtime/schedule.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { RUNS = 7, MOST_RUNS = 200 };

/* One of the two programs, ready to run. */
struct runner {
    const struct lathe_model *model;
    void *arena;
    float *output;                 /* inference: count x outputs */
    float *moments[LATHE_MOMENTS]; /* training: the optimizer's */
    uint64_t step;
    double milliseconds[MOST_RUNS];
};

/* What both run on. */
struct bench {
    struct arena *memory;
    const struct compare_options *options;
    const struct lathe_model *reference; /* the interpreter: its order of weights */
    float **weights;                     /* logical */
    struct lathe_batch batch;
    size_t in, out; /* floats of a sample */
};

static void fill_random(float *numbers, size_t count, uint64_t seed, uint32_t stream)
{
    for (size_t i = 0; i < count; i++) {
        struct lathe_random4 words =
            lathe_random(seed, LATHE_STREAM_TEST, stream, (uint32_t)(i >> 34), (uint32_t)(i / 4));
        numbers[i] = 4 * lathe_uniform(words.v[i % 4]) - 2;
    }
}

/* The first images of the test set instead of random numbers. */
static void read_images(struct bench *bench)
{
    const struct lathe_data *data = &bench->reference->data;
    struct lathe_batch *batch = &bench->batch;
    struct lathe_dataset *set = lathe_open_dataset(data, bench->options->data, false, batch->count);
    if (set->count < batch->count)
        fail(STATUS_USER, "%s: %s has %d test images, a batch takes %d", bench->options->data,
             set->name, set->count, batch->count);
    lathe_fill_batch(data, set, NULL, 0, batch->count, false, bench->options->seed, 0, batch);
    lathe_close_dataset(set);
}

static void draw_bench(struct bench *bench, int count)
{
    const struct lathe_model *model = bench->reference;
    uint64_t seed = bench->options->seed;
    bench->weights = arena_array(bench->memory, (size_t)model->parameter_count, float *);
    for (int i = 0; i < model->parameter_count; i++) {
        const struct lathe_parameter *parameter = &model->parameters[i];
        bench->weights[i] = arena_array(bench->memory, lathe_parameter_elements(parameter), float);
        lathe_initialise(parameter, i, seed, bench->weights[i]);
    }
    struct lathe_batch *batch = &bench->batch;
    batch->count = count;
    size_t in = checked_multiply((size_t)count, bench->in);
    size_t out = checked_multiply((size_t)count, bench->out);
    batch->input = arena_array(bench->memory, in, float);
    batch->targets = arena_array(bench->memory, out, float);
    batch->labels = arena_array(bench->memory, (size_t)count, int32_t);
    fill_random(batch->input, in, seed, 0);
    fill_random(batch->targets, out, seed, 1);
    for (int n = 0; n < count; n++)
        batch->labels[n] = (int32_t)((uint64_t)n * 7919 % bench->out);
    if (bench->options->data)
        read_images(bench);
}

static const float *find_weights(const struct bench *bench, const char *name)
{
    for (int i = 0; i < bench->reference->parameter_count; i++)
        if (!strcmp(bench->reference->parameters[i].name, name))
            return bench->weights[i];
    fail(STATUS_USER, "compare: the generated program has a parameter %s, the network has none",
         name);
}

/* RUNNER with its arena, weights in place. */
static void prepare(struct runner *runner, const struct bench *bench,
                    const struct lathe_model *model)
{
    runner->model = model;
    const float **weights =
        arena_array(bench->memory, (size_t)model->parameter_count, const float *);
    for (int i = 0; i < model->parameter_count; i++)
        weights[i] = find_weights(bench, model->parameters[i].name);
    if (!bench->options->train) {
        runner->arena = lathe_alloc(model->infer_arena_bytes, 1);
        runner->output = arena_array(bench->memory, (size_t)bench->batch.count * bench->out, float);
        model->load(model, weights, runner->arena);
        return;
    }
    runner->arena = lathe_alloc(model->train_arena_bytes, 1);
    float *state = (float *)((char *)runner->arena + model->state_offset);
    for (int i = 0; i < model->parameter_count; i++)
        lathe_pack(&model->parameters[i], weights[i], state + model->parameters[i].offset);
    for (int i = 0; i < LATHE_MOMENTS; i++)
        if (lathe_optimizer_keeps(&model->training, i)) {
            runner->moments[i] = arena_array(bench->memory, model->trainable_floats, float);
            lathe_optimizer_begin(&model->training.optimizer, runner->moments[i],
                                  model->trainable_floats);
        }
}

static void infer(struct runner *runner, const struct bench *bench)
{
    const struct lathe_model *model = runner->model;
    for (int n = 0; n < bench->batch.count; n += model->infer_batch)
        model->infer(model, bench->batch.input + (size_t)n * bench->in,
                     runner->output + (size_t)n * bench->out,
                     min_int(model->infer_batch, bench->batch.count - n), runner->arena);
}

static void train(struct runner *runner, const struct bench *bench)
{
    const struct lathe_model *model = runner->model;
    struct lathe_step_result result;
    model->step(model, &bench->batch, bench->options->seed, runner->step, &result, runner->arena);
    const struct lathe_optimizer *optimizer = &model->training.optimizer;
    struct lathe_optimizer_step step = {.t = ++runner->step,
                                        .momentum = lathe_optimizer_momentum(optimizer)};
    step.lr = lathe_schedule_lr(&model->training.schedule, 0, 1000, 1000, &step.momentum);
    char *arena = runner->arena;
    lathe_optimizer_step(optimizer, &step, (float *)(arena + model->state_offset),
                         (const float *)(arena + model->gradient_offset), runner->moments,
                         model->trainable_floats);
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* One run; returns milliseconds. */
static double run_once(struct runner *runner, const struct bench *bench)
{
    double start = now();
    (bench->options->train ? train : infer)(runner, bench);
    return 1e3 * (now() - start);
}

/* Runs in turns, so that a machine that slows down slows both. Returns how many each had. */
static int run_in_turns(struct runner runners[2], const struct bench *bench)
{
    double budget = bench->options->seconds > 0 ? bench->options->seconds : 30;
    double start = now();
    int runs = 0;
    while (runs < MOST_RUNS) {
        for (int i = 0; i < 2; i++)
            runners[i].milliseconds[runs] = run_once(&runners[i], bench);
        runs++;
        double spent = now() - start;
        if (spent > budget || (runs >= RUNS && spent > budget / 10))
            break;
    }
    return runs;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *numbers, int count)
{
    qsort(numbers, (size_t)count, sizeof *numbers, by_value);
    return (numbers[(count - 1) / 2] + numbers[count / 2]) / 2;
}

/* ---- differences ---- */

/* Largest |a - b|, or NaN where some number is none. */
static double largest_difference(const float *a, const float *b, size_t count)
{
    double largest = 0;
    for (size_t i = 0; i < count; i++) {
        double difference = fabs((double)a[i] - (double)b[i]);
        if (isnan(difference))
            return NAN;
        largest = fmax(largest, difference);
    }
    return largest;
}

/* The gradient of the model's INDEX-th parameter, logical. */
static float *read_gradient(const struct runner *runner, const struct bench *bench, int index)
{
    const struct lathe_parameter *parameter = &runner->model->parameters[index];
    float *logical = arena_array(bench->memory, lathe_parameter_elements(parameter), float);
    const char *block = (const char *)runner->arena + runner->model->gradient_offset;
    lathe_unpack(parameter, (const float *)block + parameter->offset, logical);
    return logical;
}

static int find_parameter(const struct lathe_model *model, const char *name)
{
    for (int i = 0; i < model->parameter_count; i++)
        if (!strcmp(model->parameters[i].name, name))
            return i;
    fail(STATUS_USER, "compare: the generated program has no parameter %s", name);
}

/* Largest difference of gradients over the largest gradient. */
static double gradient_difference(const struct runner runners[2], const struct bench *bench)
{
    const struct lathe_model *model = runners[0].model;
    double difference = 0, largest = 0;
    for (int i = 0; i < model->parameter_count; i++) {
        const struct lathe_parameter *parameter = &model->parameters[i];
        if (!parameter->trainable)
            continue;
        size_t count = lathe_parameter_elements(parameter);
        const float *reference = read_gradient(&runners[0], bench, i);
        const float *measured =
            read_gradient(&runners[1], bench, find_parameter(runners[1].model, parameter->name));
        double here = largest_difference(reference, measured, count);
        if (isnan(here))
            return NAN;
        difference = fmax(difference, here);
        for (size_t k = 0; k < count; k++)
            largest = fmax(largest, fabs((double)reference[k]));
    }
    return difference == 0 ? 0 : difference / largest;
}

/* The first run of both, which also warms caches: their largest difference. */
static double compare_results(struct runner runners[2], const struct bench *bench)
{
    for (int i = 0; i < 2; i++)
        run_once(&runners[i], bench);
    if (bench->options->train)
        return gradient_difference(runners, bench);
    return largest_difference(runners[0].output, runners[1].output,
                              (size_t)bench->batch.count * bench->out);
}

static void print_result(const struct network *network, const struct bench *bench, double ms[2],
                         int runs, double difference, struct text *out)
{
    double ratio = ms[0] / ms[1];
    int count = bench->batch.count;
    if (bench->options->json) {
        text_printf(out, "{\"interpreted_ms\": %.6g, \"generated_ms\": %.6g, \"ratio\": %.6g, ",
                    ms[0], ms[1], ratio);
        text_printf(out,
                    isfinite(difference) ? "\"max_difference\": %.6g}\n"
                                         : "\"max_difference\": null}\n",
                    difference);
        return;
    }
    text_printf(out, "%s: %s of %d images, %d threads, median of %d runs\n", network->name,
                bench->options->train ? "training step" : "inference", count, omp_get_max_threads(),
                runs);
    text_printf(out, "  %-12s %12s %14s\n", "", "ms", "images/s");
    text_printf(out, "  %-12s %12.3f %14.1f\n", "interpreted", ms[0], 1e3 * count / ms[0]);
    text_printf(out, "  %-12s %12.3f %14.1f\n", "generated", ms[1], 1e3 * count / ms[1]);
    text_printf(out, "  ratio %.2f, largest difference of %s %.3g\n", ratio,
                bench->options->train ? "gradients, as a share of the largest," : "outputs",
                difference);
}

bool compare_run(const struct network *network, const struct lathe_model *generated,
                 const struct compare_options *options, struct text *out)
{
    if (options->train && !(network->has_training && network->graph->training))
        fail(STATUS_USER, "compare: %s: nothing to train: the spec has no train",
             network->spec_path);
    if (options->train && !generated->train_arena_bytes)
        fail(STATUS_USER, "compare: the generated program was built for inference alone");
    int most = options->train ? generated->training.batch : generated->infer_batch;
    int count = options->batch > 0 ? options->batch : most;
    if (options->train && count > most)
        fail(STATUS_USER, "compare: a step takes at most %d images, given %d", most, count);

    struct bench bench = {.memory = arena_new(),
                          .options = options,
                          .in = tensor_elements(network->graph->input),
                          .out = tensor_elements(network->graph->output)};
    bench.reference = interp_model(bench.memory, network, count, options->train ? count : 0);
    draw_bench(&bench, count);
    struct runner *runners = arena_array(bench.memory, 2, struct runner);
    prepare(&runners[0], &bench, bench.reference);
    prepare(&runners[1], &bench, generated);
    double difference = compare_results(runners, &bench);
    int runs = run_in_turns(runners, &bench);
    double ms[2] = {median(runners[0].milliseconds, runs), median(runners[1].milliseconds, runs)};
    print_result(network, &bench, ms, runs, difference, out);
    free(runners[0].arena);
    free(runners[1].arena);
    arena_free(bench.memory);
    return difference < 1e-2;
}
