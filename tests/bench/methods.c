/*
 * methods: does the model of cost choose well?
 */
#include "methods.h"

#include "layers.h"
#include "machine.h"
#include "../../runtime/profile.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <string.h>

enum { METHODS = 3, RUNS = 15, MOST_TIMES = MOST_LAYERS * PASSES };
enum { DIRECT, WINOGRAD, CHOSEN };
static const enum conv_method method[METHODS] = {CONV_DIRECT, CONV_WINOGRAD, CONV_BY_COST};

struct times {
    double run[METHODS][MOST_TIMES][RUNS];
    double median[METHODS][MOST_TIMES];
};

static void run_all(struct subject *subjects, const struct layers *layers, struct times *times)
{
    double seconds[MOST_TIMES];
    for (int run = 0; run < RUNS; run++)
        for (int m = 0; m < METHODS; m++) {
            const struct lathe_profile *profile = subjects[m].model->train_profile;
            memset(profile->spent, 0, (size_t)profile->count * sizeof *profile->spent);
            subject_run(&subjects[m]);
            layer_seconds(&subjects[m], layers, seconds);
            for (int i = 0; i < layers->count * PASSES; i++)
                times->run[m][i][run] = seconds[i];
        }
    for (int m = 0; m < METHODS; m++)
        for (int i = 0; i < layers->count * PASSES; i++)
            times->median[m][i] = median(times->run[m][i], RUNS);
}

static void print_line(const char *name, const char *pass, const double *seconds, double best)
{
    printf("  %-24s %-18s %9.3f %9.3f %9.3f %9.2f\n", name, pass, seconds[DIRECT] * 1e3,
           seconds[WINOGRAD] * 1e3, seconds[CHOSEN] * 1e3, seconds[CHOSEN] / best);
}

void bench_methods(struct arena *arena, const char *spec)
{
    struct subject subjects[METHODS];
    for (int m = 0; m < METHODS; m++) {
        const struct subject_options options = {
            .train = true, .profile = true, .method = method[m]};
        subjects[m] = subject_build(arena, spec, &options,
                                    arena_printf(arena, "out/.build/bench/method%d", m));
        subject_run(&subjects[m]);
    }
    struct layers layers = list_layers(subjects[CHOSEN].network);
    struct times *times = arena_array(arena, 1, struct times);
    run_all(subjects, &layers, times);
    printf("%s, batch %d, %d threads, ms\n  %-24s %-18s %9s %9s %9s %9s\n", spec,
           subjects[CHOSEN].batch.count, omp_get_max_threads(), "layer", "pass", "direct",
           "Winograd", "chosen", "of best");
    double sum[METHODS] = {0}, best_sum = 0;
    for (int i = 0; i < layers.count * PASSES; i++) {
        double seconds[METHODS], best;
        for (int m = 0; m < METHODS; m++)
            sum[m] += seconds[m] = times->median[m][i];
        best_sum += best = fmin(seconds[DIRECT], seconds[WINOGRAD]);
        if (best > 0)
            print_line(layers.node[i / PASSES]->name, pass_name[i % PASSES], seconds, best);
    }
    print_line("sum", "", sum, best_sum);
}
