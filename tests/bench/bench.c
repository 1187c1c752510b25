/*
 * bench: how fast generated programs are, beside what the machine can do and what else there is, in
 * one run.
 *
 *   bench table [PATTERN]  ours beside each peer that is found (table.h)
 *   bench peak             FMA peak and memory bandwidth
 *   bench layers SPEC ...  each convolution of a training step: GFLOP/s and share of the peak; taps
 *                          that fall on padding are neither computed nor counted
 *   bench methods SPEC ... the same by both methods of convolution and as chosen (methods.h)
 *   bench curves           each way to find a table's value and slope (curves.h)
 *   bench steps A B ...    training steps of specs (SPEC:key=value,...) in turn: medians and ratios
 *   bench serve ...        one subject that runs when it is asked (serve.h)
 *
 * Peaks are measured between the runs they are compared with: a machine's speed drifts.
 */
#include "curves.h"
#include "machine.h"
#include "methods.h"
#include "serve.h"
#include "../../runtime/thread.h"
#include "subject.h"
#include "table.h"
#include "../../runtime/profile.h"

#include <omp.h>
#include <stdio.h>
#include <string.h>

enum { RUNS = 9, MOST = 16 };

/* TEXT, ready to profile its training step. */
static struct subject build_step(struct arena *arena, const char *text, int place)
{
    const struct subject_options options = {.train = true, .profile = true};
    return subject_build(arena, text, &options, arena_printf(arena, "out/.build/bench/%d", place));
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
    struct subject s = build_step(arena, spec, place);
    const struct lathe_profile *profile = s.model->train_profile;
    struct layer_times *times = arena_array(arena, (size_t)profile->count, struct layer_times);
    double peaks[RUNS], steps[RUNS], total = 0;
    subject_run(&s);
    for (int run = 0; run < RUNS; run++) {
        memset(profile->spent, 0, (size_t)profile->count * sizeof *profile->spent);
        peaks[run] = measure_peak();
        steps[run] = subject_run(&s);
        for (int i = 0; i < profile->count; i++)
            times[i].seconds[run] = profile->spent[i].seconds;
    }
    double peak = median(peaks, RUNS), step = median(steps, RUNS);
    printf("%s, batch %d, %d threads: FMA peak %.1f GFLOP/s\n", spec, s.batch.count,
           omp_get_max_threads(), peak);
    printf("  %-20s %-18s %9s %9s %8s\n", "group", "kernel", "ms", "GFLOP/s", "of peak");
    for (int i = 0; i < profile->count; i++) {
        const struct lathe_cost *cost = &profile->costs[i];
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
        subjects[i] = build_step(arena, specs[i], i);
        subject_run(&subjects[i]);
    }
    for (int run = 0; run < RUNS; run++)
        for (int i = 0; i < count; i++) {
            seconds[i][run] = subject_run(&subjects[i]);
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
    if (strcmp(what, "table") == 0) {
        table(arena, r->argv[0], r->argv + 2, r->argc - 2);
    } else if (strcmp(what, "serve") == 0) {
        lathe_wait_briefly(r->argv); /* as the generated programs do */
        serve(arena, r->argv + 2, r->argc - 2);
    } else if (strcmp(what, "peak") == 0) {
        printf("%d threads: FMA peak %.1f GFLOP/s, triad %.1f GB/s\n", omp_get_max_threads(),
               measure_peak(), measure_bandwidth());
    } else if (strcmp(what, "layers") == 0 && r->argc > 2) {
        for (int i = 2; i < r->argc; i++)
            bench_layers(arena, r->argv[i], i);
    } else if (strcmp(what, "methods") == 0 && r->argc > 2) {
        for (int i = 2; i < r->argc; i++)
            bench_methods(arena, r->argv[i]);
    } else if (strcmp(what, "curves") == 0) {
        bench_curves();
    } else if (strcmp(what, "steps") == 0 && r->argc > 2 && r->argc - 2 <= MOST) {
        bench_steps(arena, r->argv + 2, r->argc - 2);
    } else
        fail(STATUS_USAGE, "bench table [PATTERN] | peak | curves | layers SPEC... | "
                           "methods SPEC... | steps SPEC[:key=value,...]...");
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
