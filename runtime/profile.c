/*
 * profile: time a call, and the table in the end. See profile.h.
 */
#include "profile.h"

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "finite.h"
#include "lathe.h"

bool lathe_profiling;

void lathe_begin_watching(struct lathe_profile *profile, const float *arena)
{
    profile->watched = arena;
    profile->bad_call = -1;
    lathe_profiling = true;
}

/* What CALL wrote, if all was well before. */
static void look_at(struct lathe_profile *profile, int call, int samples)
{
    for (int i = 0; profile->bad_call < 0 && i < profile->write_count; i++) {
        const struct lathe_write *write = &profile->writes[i];
        size_t images = (size_t)((samples + write->samples - 1) / write->samples);
        size_t floats = write->floats + images * write->image;
        if (write->call == call && !lathe_are_finite(profile->watched + write->at, floats))
            profile->bad_call = call;
    }
}

void lathe_take_mark(struct lathe_profile *profile, int call, int samples)
{
    if (profile->watched) {
        look_at(profile, call, samples);
        return;
    }
    if (omp_get_thread_num() != 0)
        return;
    double now = omp_get_wtime();
    if (call >= 0) {
        struct lathe_spent *spent = &profile->spent[call];
        spent->seconds += now - profile->last;
        spent->calls++;
        spent->samples += (uint64_t)samples;
    }
    profile->last = now;
}

struct lathe_limits lathe_begin_profile(void)
{
    struct lathe_limits limits = lathe_measure_limits();
    lathe_profiling = true;
    return limits;
}

/* ---- the table ---- */

/* Calls of one group and label over the whole run, and the time they would take at the limits. */
struct row {
    const char *group, *label;
    double seconds, flops, bytes, least;
    uint64_t calls;
    const char *bound; /* which limit that is */
};

struct table {
    struct row *rows, total;
    int count, group_width, label_width;
};

static struct row *find_row(struct table *table, const struct lathe_cost *cost)
{
    for (int i = 0; i < table->count; i++)
        if (strcmp(table->rows[i].group, cost->group) == 0 &&
            strcmp(table->rows[i].label, cost->label) == 0)
            return &table->rows[i];
    table->rows[table->count] = (struct row){.group = cost->group, .label = cost->label};
    return &table->rows[table->count++];
}

static int wider(int width, const char *text)
{
    return (int)strlen(text) > width ? (int)strlen(text) : width;
}

static void add_call(struct table *table, const struct lathe_cost *cost,
                     const struct lathe_spent *spent)
{
    struct row *row = find_row(table, cost);
    row->seconds += spent->seconds;
    row->flops += cost->flops * (double)spent->samples;
    row->bytes += cost->bytes * (double)spent->samples + cost->fixed_bytes * (double)spent->calls;
    row->calls += spent->calls;
    table->group_width = wider(table->group_width, cost->group);
    table->label_width = wider(table->label_width, cost->label);
}

static void sum_up(struct table *table, const struct lathe_limits *limits)
{
    struct row *total = &table->total;
    for (int i = 0; i < table->count; i++) {
        struct row *row = &table->rows[i];
        double compute = row->flops * 1e-9 / limits->gflops;
        double memory = row->bytes * 1e-9 / limits->gigabytes;
        row->least = compute > memory ? compute : memory;
        row->bound = compute > memory ? "compute" : "memory";
        total->seconds += row->seconds;
        total->flops += row->flops;
        total->bytes += row->bytes;
        total->least += row->least;
        total->calls += row->calls;
    }
}

static void print_row(const struct table *table, const struct row *row)
{
    double seconds = row->seconds > 0 ? row->seconds : 1e-9;
    double share = table->total.seconds > 0 ? row->seconds / table->total.seconds : 0;
    fprintf(stderr, "%-*s %-*s %8llu %10.2f %5.1f%% %8.1f %7.1f %5.0f%% %s\n", table->group_width,
            row->group, table->label_width, row->label, (unsigned long long)row->calls,
            row->seconds * 1e3, 100 * share, row->flops * 1e-9 / seconds,
            row->bytes * 1e-9 / seconds, 100 * row->least / seconds, row->bound);
}

void lathe_print_profile(const char *title, const struct lathe_profile *profile,
                         const struct lathe_limits *limits)
{
    if (!profile)
        return;
    struct table table = {.total = {.group = "total", .label = "", .bound = ""},
                          .rows = lathe_alloc((size_t)profile->count + 1, sizeof *table.rows),
                          .group_width = 5,
                          .label_width = 6};
    for (int i = 0; i < profile->count; i++)
        if (profile->spent[i].calls > 0)
            add_call(&table, &profile->costs[i], &profile->spent[i]);
    sum_up(&table, limits);
    if (table.count) {
        fprintf(stderr, "\n%s, %d threads: the limits are %.1f GFLOP/s and, to memory, %.1f GB/s\n",
                title, limits->threads, limits->gflops, limits->gigabytes);
        fprintf(stderr, "%-*s %-*s %8s %10s %6s %8s %7s %6s\n", table.group_width, "group",
                table.label_width, "kernel", "calls", "ms", "share", "GFLOP/s", "GB/s", "limit");
        for (int i = 0; i < table.count; i++)
            print_row(&table, &table.rows[i]);
        print_row(&table, &table.total);
    }
    free(table.rows);
}
