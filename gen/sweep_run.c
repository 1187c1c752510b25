/*
 * sweep_run: the runs of a sweep as jobs; what they came to; progress.
 *
 * A run keeps a checkpoint while it is under way, so that it goes on where it was stopped. Its
 * output is a file: a run whose sweep was killed ends all the same.
 */
#include "sweep_parts.h"
#include "jobs.h"
#include "outcome.h"
#include "../runtime/progress.h"

#include <stdio.h>
#include <string.h>

struct runner {
    struct sweep *sweep;
    struct jobs jobs; /* their work: a sweep_run each */
    int over;         /* runs, those of earlier calls too */
};

/* ---- starting ---- */

/* Add "--NAME" and NUMBER, where there is one, to WORDS from *COUNT on. */
static void add_number(struct arena *arena, const char **words, int *count, const char *name,
                       int64_t number)
{
    if (!number)
        return;
    words[(*count)++] = name;
    words[(*count)++] = arena_printf(arena, "%lld", (long long)number);
}

/* Threads of a run: what was asked for, or this machine's shared out. */
static int64_t threads_of(const struct sweep_options *options)
{
    int64_t cores = core_count();
    if (options->threads || options->jobs <= 1)
        return options->threads;
    return cores > options->jobs ? cores / options->jobs : 1;
}

static void start_run(struct runner *r, struct job *job, struct sweep_run *run)
{
    const struct sweep *sweep = r->sweep;
    const struct sweep_options *o = sweep->options;
    struct arena *arena = sweep->arena;
    const struct combination *c = run->combination;
    make_folder(run_file(sweep, arena, run, ""));
    const char *program =
        arena_printf(arena, "%s%s/builds/%s/train", strchr(sweep->folder, '/') ? "" : "./",
                     sweep->folder, c->build);
    const char *words[32] = {program,
                             "--recipe",
                             c->recipe,
                             "--log",
                             run_file(sweep, arena, run, "log.jsonl"),
                             "--checkpoint",
                             run_file(sweep, arena, run, "checkpoint"),
                             "--resume"};
    int count = 8;
    add_number(arena, words, &count, "--epochs", c->epochs);
    words[count++] = "--seed";
    words[count++] = arena_printf(arena, "%lld", (long long)run->seed);
    add_number(arena, words, &count, "--threads", threads_of(o));
    add_number(arena, words, &count, "--limit-train", o->limit_train);
    add_number(arena, words, &count, "--limit-test", o->limit_test);
    if (o->data) {
        words[count++] = "--data";
        words[count++] = o->data;
    }
    check_bug(count < 32);
    start_job(&r->jobs, job, run, words, run_file(sweep, arena, run, "output"));
}

/* jobs.start: the next run that waits and that no job has. */
static bool start_next(void *context, struct job *job)
{
    struct runner *r = context;
    for (int i = 0; i < r->sweep->runs.count; i++) {
        struct sweep_run *run = &r->sweep->runs.items[i];
        if (run->status != RUN_WAITING || is_at_work(&r->jobs, run))
            continue;
        start_run(r, job, run);
        return true;
    }
    return false;
}

/* ---- what a run came to ---- */

static void take_result(struct arena *arena, struct sweep_run *run, const char *result)
{
    int last = run->epochs - 1;
    run->status = RUN_DONE;
    run->accuracy = result_figure(arena, result, "test_accuracy",
                                  last < 0 ? (double)NAN : run->accuracies[last]);
    run->loss =
        result_figure(arena, result, "test_loss", last < 0 ? (double)NAN : run->losses[last]);
}

/* Seconds an epoch of BUILD (NULL: of any) takes, by the runs that are over or under way; NaN where
 * nothing is known. */
static double epoch_seconds(const struct sweep *sweep, const char *build)
{
    double seconds = 0;
    int epochs = 0;
    for (int i = 0; i < sweep->runs.count; i++) {
        const struct sweep_run *run = &sweep->runs.items[i];
        if (build && strcmp(run->combination->build, build) != 0)
            continue;
        seconds += run->seconds;
        epochs += run->epochs;
    }
    return epochs ? seconds / epochs : (double)NAN;
}

/* "1:20 left" in TEXT, or nothing where that is not known. */
static const char *time_left(const struct runner *r, char text[48])
{
    double seconds = 0, any = epoch_seconds(r->sweep, NULL);
    char time[32];
    text[0] = '\0';
    for (int i = 0; i < r->sweep->runs.count; i++) {
        const struct sweep_run *run = &r->sweep->runs.items[i];
        if (run->status != RUN_WAITING)
            continue;
        double of_build = epoch_seconds(r->sweep, run->combination->build);
        seconds += (run->combination->epochs - run->epochs) * (isnan(of_build) ? any : of_build);
    }
    if (seconds >= 0)
        snprintf(text, 48, "%s left", lathe_duration(time, seconds / r->jobs.places));
    return text;
}

/* The line of a run that is over. */
static void print_run(struct runner *r, const struct sweep_run *run)
{
    char time[32], left[48];
    clear_job_line(&r->jobs);
    printf("run %d/%d  %s%sseed=%lld", r->over, r->sweep->runs.count, run->combination->label,
           *run->combination->label ? " " : "", (long long)run->seed);
    if (run->status != RUN_DONE)
        printf("  %s", run->message);
    if (run->status == RUN_DONE && r->sweep->classes)
        printf("  test_accuracy %.4f", run->accuracy);
    if (run->status == RUN_DONE)
        printf("  test_loss %.4g", run->loss);
    printf("  %s", lathe_duration(time, run->seconds));
    if (r->over < r->sweep->runs.count)
        printf("  %s", time_left(r, left));
    putchar('\n');
    fflush(stdout);
}

/* jobs.end: record the run WORK, unless it was stopped to go on later. */
static void end_run(void *context, void *work, int status, bool stopping)
{
    struct runner *r = context;
    struct sweep *sweep = r->sweep;
    struct sweep_run *run = work;
    struct arena *arena = sweep->arena;
    size_t length;
    const char *output = read_file(arena, run_file(sweep, arena, run, "output"), &length);
    const char *result = last_line_said(arena, output, "result:"),
               *said = last_line_said(arena, output, "");
    read_log(sweep, arena, run);
    if (status == STATUS_DONE && result) {
        take_result(arena, run, result);
    } else if (stopping) {
        return;
    } else if (status == STATUS_USER || status == STATUS_USAGE) {
        fail((enum status)status, "%s (run %s)", said ? said : "train failed", run->id);
    } else {
        run->status = status == STATUS_NUMBERS ? RUN_DIVERGED : RUN_FAILED;
        run->message =
            said && status < 128 ? said : arena_printf(arena, "ended by signal %d", status - 128);
        run->accuracy = run->epochs ? run->accuracies[run->epochs - 1] : (double)NAN;
        run->loss = NAN;
    }
    record_run(sweep, run);
    if (run->status != RUN_FAILED)
        remove_checkpoint(arena, run_file(sweep, arena, run, "checkpoint"));
    r->over++;
    print_run(r, run);
}

/* jobs.describe: on a terminal, what is under way. */
static void describe_runs(void *context, struct text *line)
{
    struct runner *r = context;
    struct arena *arena = arena_new();
    char left[48];
    text_printf(line, "%d/%d over%s%s", r->over, r->sweep->runs.count,
                *time_left(r, left) ? ", " : "", left);
    for (int i = 0; i < r->jobs.places; i++) {
        struct sweep_run *run = r->jobs.list[i].work;
        if (!run)
            continue;
        read_log(r->sweep, arena, run);
        text_printf(line, "; %s%sseed=%lld: epoch %d/%d", run->combination->label,
                    *run->combination->label ? " " : "", (long long)run->seed, run->epochs,
                    run->combination->epochs);
        if (run->epochs && r->sweep->classes)
            text_printf(line, ", accuracy %.4f", run->accuracies[run->epochs - 1]);
        else if (run->epochs)
            text_printf(line, ", loss %.4g", run->losses[run->epochs - 1]);
        run->accuracies = run->losses = NULL; /* of this arena */
    }
    arena_free(arena);
}

bool run_all(struct sweep *sweep)
{
    struct runner r = {.sweep = sweep,
                       .jobs = {.places = (int)sweep->options->jobs,
                                .start = start_next,
                                .end = end_run,
                                .describe = describe_runs}};
    r.jobs.context = &r;
    for (int i = 0; i < sweep->runs.count; i++)
        r.over += sweep->runs.items[i].status != RUN_WAITING;
    return run_jobs(sweep->arena, &r.jobs) || r.over == sweep->runs.count;
}
