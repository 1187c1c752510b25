/*
 * bench: how fast generated programs are, beside what the machine can do, in one run.
 *
 *   bench peak             FMA peak and memory bandwidth
 *   bench layers SPEC ...  each convolution of a training step: GFLOP/s and share of the peak; taps
 *                          that fall on padding are neither computed nor counted
 *   bench steps A B ...    training steps of specs (SPEC:key=value,...) in turn: medians and ratios
 *
 * Peaks are measured between the runs they are compared with: a machine's speed drifts.
 */
#include "../../gen/build.h"
#include "../../gen/spec.h"
#include "../../runtime/profile.h"

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RUNS = 9, MOST = 16 };

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, int count)
{
    qsort(values, (size_t)count, sizeof *values, compare_doubles);
    return values[count / 2];
}

/* ---- the machine ---- */

#if defined(__AVX512F__)
enum { LANES = 16 };
#elif defined(__AVX__)
enum { LANES = 8 };
#else
enum { LANES = 4 };
#endif
typedef float vector __attribute__((vector_size(LANES * 4)));
enum { CHAINS = 12 };

/* 12 chains of multiply-adds, enough to hide their latency; the sum keeps them alive. */
static float fma_chains(long rounds)
{
    vector a[CHAINS], factor = (vector){0} + 0.999f, term = (vector){0} + 0.1f;
#pragma GCC unroll 12
    for (int i = 0; i < CHAINS; i++)
        a[i] = (vector){0} + (float)i;
    for (long r = 0; r < rounds; r++) {
#pragma GCC unroll 12
        for (int i = 0; i < CHAINS; i++)
            a[i] = a[i] * factor + term;
    }
    float sum = 0;
#pragma GCC unroll 12
    for (int i = 0; i < CHAINS; i++)
        sum += a[i][0];
    return sum;
}

/* GFLOP/s of all threads together. */
static double measure_peak(void)
{
    const long rounds = 4000000;
    static volatile float sink;
    (void)sink;
    double start = omp_get_wtime();
#pragma omp parallel
    {
        float sum = fma_chains(rounds);
#pragma omp critical
        sink = sum;
    }
    double seconds = omp_get_wtime() - start;
    return 2.0 * CHAINS * LANES * (double)rounds * omp_get_max_threads() / seconds * 1e-9;
}

/* GB/s of a sum over 256 MB. */
static double measure_bandwidth(void)
{
    const size_t floats = 64 << 20;
    static float *array;
    static volatile float sink;
    (void)sink;
    if (!array) {
        array = lathe_alloc(floats, sizeof *array);
#pragma omp parallel for
        for (size_t i = 0; i < floats; i++)
            array[i] = 1;
    }
    double start = omp_get_wtime();
    float sum = 0;
#pragma omp parallel for simd reduction(+ : sum)
    for (size_t i = 0; i < floats; i++)
        sum += array[i];
    sink = sum;
    return (double)floats * sizeof *array / (omp_get_wtime() - start) * 1e-9;
}

/* ---- programs under test ---- */

struct subject {
    const char *name;
    const struct lathe_model *model;
    void *arena;
    struct lathe_batch batch;
};

static void fill(float *values, size_t count, uint32_t state)
{
    for (size_t i = 0; i < count; i++) {
        state = state * 1664525u + 1013904223u;
        values[i] = (float)(state >> 8) * 0x1p-23f - 1;
    }
}

/* "specs/resnet9.lua:act=table,k=0.1": the spec with these settings, built to profile. */
static struct subject build_subject(struct arena *arena, const char *text, int place)
{
    struct spec_setting settings[MOST];
    int count = 0;
    char *path = arena_copy(arena, text), *options = strchr(path, ':'), *state = NULL;
    if (options)
        *options++ = '\0';
    for (char *item = options ? strtok_r(options, ",", &state) : NULL; item && count < MOST;
         item = strtok_r(NULL, ",", &state)) {
        char *equals = strchr(item, '=');
        if (!equals)
            fail(STATUS_USAGE, "bench: settings are key=value, given '%s'", item);
        *equals = '\0';
        settings[count++] = (struct spec_setting){item, equals + 1};
    }
    struct network *network = spec_read(arena, path, settings, count);
    struct build_options build = {
        .isa = isa_find("native"), .infer_batch = 1, .cc = "cc", .profile = true};
    struct subject s = {.name = text};
    s.model =
        build_and_load(arena, network, &build, arena_printf(arena, "out/.build/bench/%d", place));
    s.arena = lathe_alloc(s.model->train_arena_bytes, 1);
    lathe_initialise_all(s.model, 1, (float *)((char *)s.arena + s.model->state_offset));
    int batch = s.model->training.batch;
    size_t pixels = (size_t)s.model->channels * s.model->height * s.model->width;
    s.batch.count = batch;
    s.batch.input = lathe_alloc((size_t)batch * pixels, sizeof(float));
    s.batch.labels = lathe_alloc((size_t)batch, sizeof(int32_t));
    s.batch.targets = lathe_alloc((size_t)batch * s.model->outputs, sizeof(float));
    fill(s.batch.input, (size_t)batch * pixels, 1);
    for (int i = 0; i < batch; i++)
        s.batch.labels[i] = i % s.model->outputs;
    return s;
}

static double run_step(struct subject *s)
{
    struct lathe_step_result result;
    double start = omp_get_wtime();
    s->model->step(s->model, &s->batch, 1, 0, &result, s->arena);
    return omp_get_wtime() - start;
}

/* ---- layers ---- */

struct layer_times {
    double seconds[RUNS];
};

static bool is_convolution(const struct lathe_cost *cost)
{
    return cost->flops >= 2e6 &&
           (strcmp(cost->label, "forward") == 0 || strncmp(cost->label, "backward", 8) == 0);
}

static void bench_layers(struct arena *arena, const char *spec, int place)
{
    struct subject s = build_subject(arena, spec, place);
    struct layer_times *times = arena_array(arena, (size_t)s.model->cost_count, struct layer_times);
    double peaks[RUNS], steps[RUNS], total = 0;
    run_step(&s);
    for (int run = 0; run < RUNS; run++) {
        memset(lathe_profile_seconds, 0, sizeof lathe_profile_seconds);
        peaks[run] = measure_peak();
        steps[run] = run_step(&s);
        for (int i = 0; i < s.model->cost_count; i++)
            times[i].seconds[run] = lathe_profile_seconds[i];
    }
    double peak = median(peaks, RUNS), step = median(steps, RUNS);
    printf("%s, batch %d, %d threads: FMA peak %.1f GFLOP/s\n", spec, s.batch.count,
           omp_get_max_threads(), peak);
    printf("  %-20s %-18s %9s %9s %8s\n", "group", "kernel", "ms", "GFLOP/s", "of peak");
    for (int i = 0; i < s.model->cost_count; i++) {
        const struct lathe_cost *cost = &s.model->costs[i];
        double seconds = median(times[i].seconds, RUNS);
        total += seconds;
        if (!is_convolution(cost))
            continue;
        double rate = cost->flops * s.batch.count / seconds * 1e-9;
        printf("  %-20s %-18s %9.2f %9.1f %7.0f%%\n", cost->group, cost->label, seconds * 1e3, rate,
               100 * rate / peak);
    }
    printf("  step %.1f ms, %.1f images/s; calls add up to %.1f ms\n", step * 1e3,
           s.batch.count / step, total * 1e3);
}

/* ---- steps ---- */

static void bench_steps(struct arena *arena, char **specs, int count)
{
    struct subject subjects[MOST];
    double seconds[MOST][RUNS], ratios[MOST][RUNS];
    for (int i = 0; i < count; i++) {
        subjects[i] = build_subject(arena, specs[i], i);
        run_step(&subjects[i]);
    }
    for (int run = 0; run < RUNS; run++)
        for (int i = 0; i < count; i++) {
            seconds[i][run] = run_step(&subjects[i]);
            ratios[i][run] = seconds[i][run] / seconds[0][run];
        }
    printf("%-48s %9s %10s %8s\n", "training step", "ms", "images/s", "ratio");
    for (int i = 0; i < count; i++) {
        double ratio = median(ratios[i], RUNS), step = median(seconds[i], RUNS);
        printf("%-48s %9.2f %10.1f %8.3f\n", specs[i], step * 1e3, subjects[i].batch.count / step,
               ratio);
    }
}

/* ---- the command line ---- */

struct request {
    int argc;
    char **argv;
};

static void run(void *context)
{
    const struct request *r = context;
    const char *what = r->argc > 1 ? r->argv[1] : "";
    struct arena *arena = arena_new();
    if (strcmp(what, "peak") == 0) {
        measure_bandwidth();
        printf("%d threads: FMA peak %.1f GFLOP/s, memory %.1f GB/s\n", omp_get_max_threads(),
               measure_peak(), measure_bandwidth());
    } else if (strcmp(what, "layers") == 0 && r->argc > 2) {
        for (int i = 2; i < r->argc; i++)
            bench_layers(arena, r->argv[i], i);
    } else if (strcmp(what, "steps") == 0 && r->argc > 2 && r->argc - 2 <= MOST) {
        bench_steps(arena, r->argv + 2, r->argc - 2);
    } else
        fail(STATUS_USAGE, "bench peak | layers SPEC... | steps SPEC[:key=value,...]...");
    arena_free(arena);
}

int main(int argc, char **argv)
{
    struct failure failure;
    struct request request = {argc, argv};
    enum status status = protected_call(run, &request, &failure);
    if (status != STATUS_DONE)
        fprintf(stderr, "%s\n", failure.message);
    return (int)status;
}
