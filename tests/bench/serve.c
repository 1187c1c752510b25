/*
 * serve: one subject in a process of its own.
 */
#include "serve.h"

#include "layers.h"
#include "../../runtime/profile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Not getrusage's figure: that one remembers what the parent had when it forked. */
double peak_memory(void)
{
    char line[256];
    double kilobytes = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status))
        if (sscanf(line, "VmHWM: %lf kB", &kilobytes) == 1)
            break;
    if (status)
        fclose(status);
    return 1024 * kilobytes;
}

static void time_layers(struct subject *s, const struct layers *layers, int runs)
{
    double seconds[MOST_LAYERS * PASSES];
    const struct lathe_profile *profile = s->model->train_profile;
    memset(profile->spent, 0, (size_t)profile->count * sizeof *profile->spent);
    for (int i = 0; i < runs; i++)
        subject_run(s);
    layer_seconds(s, layers, seconds);
    for (int i = 0; i < layers->count * PASSES; i++)
        printf("%.9g%c", seconds[i], i + 1 < layers->count * PASSES ? ' ' : '\n');
}

static void time_runs(struct subject *s, int runs)
{
    double seconds = 0;
    for (int i = 0; i < runs; i++)
        seconds += subject_run(s);
    printf("%.9g\n", seconds);
}

static void write_output(struct subject *s, const char *path)
{
    subject_run(s);
    write_file(path, s->output,
               (size_t)s->batch.count * (size_t)s->model->outputs * sizeof *s->output);
    printf("ok\n");
}

void serve(struct arena *arena, char **words, int count)
{
    if (count != 5)
        fail(STATUS_USAGE, "bench serve train|infer|layers generated|interpreted SPEC BATCH DIR");
    bool of_layers = strcmp(words[0], "layers") == 0;
    struct subject_options options = {.train = of_layers || strcmp(words[0], "train") == 0,
                                      .interpreted = strcmp(words[1], "interpreted") == 0,
                                      .profile = of_layers,
                                      .batch = atoi(words[3])};
    struct subject s = subject_build(arena, words[2], &options, words[4]);
    struct layers layers = list_layers(s.network);
    char line[4096], path[4096];
    int variant, runs;
    printf("ready %s\n", words[1]);
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        if (sscanf(line, "time %d %d", &variant, &runs) == 2 && of_layers)
            time_layers(&s, &layers, runs);
        else if (sscanf(line, "time %d %d", &variant, &runs) == 2)
            time_runs(&s, runs);
        else if (sscanf(line, "output %4095[^\n]", path) == 1)
            write_output(&s, path);
        else if (strcmp(line, "memory\n") == 0)
            printf("%.0f\n", peak_memory());
        else
            fail(STATUS_USAGE, "bench serve: what is %s", line);
        fflush(stdout);
    }
}
