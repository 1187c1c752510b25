/*
 * sweep_run: the runs of a sweep as processes, so many at a time; what they came to; progress.
 *
 * A run keeps a checkpoint while it is under way, so that it goes on where it was stopped. Its
 * output is a file: a run whose sweep was killed ends all the same.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "sweep_parts.h"
#include "cc.h"
#include "../runtime/progress.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* A run that is under way. */
struct job {
    struct sweep_run *run; /* NULL: the place is free */
    pid_t child;
};

struct runner {
    struct sweep *sweep;
    struct job *jobs;
    int places, at_work;
    int over; /* runs, those of earlier calls too */
    bool stopping, terminal, visible;
    sigset_t signals; /* that end or wake the loop */
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
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
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
    job->child = start_program(words, run_file(sweep, arena, run, "output"));
    job->run = run;
    r->at_work++;
}

/* The next run that waits and that no job has, or NULL. */
static struct sweep_run *next_run(const struct runner *r)
{
    for (int i = 0; i < r->sweep->runs.count; i++) {
        struct sweep_run *run = &r->sweep->runs.items[i];
        bool taken = run->status != RUN_WAITING;
        for (int j = 0; j < r->places && !taken; j++)
            taken = r->jobs[j].run == run;
        if (!taken)
            return run;
    }
    return NULL;
}

/* ---- what a run came to ---- */

/* The last line of TEXT that begins with HEAD, as a copy without its newline; or NULL. */
static const char *last_line(struct arena *arena, const char *text, const char *head)
{
    const char *found = NULL;
    for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n')
        if (*line != '\n' && strncmp(line, head, strlen(head)) == 0)
            found = line;
    return found ? arena_printf(arena, "%.*s", (int)strcspn(found, "\n"), found) : NULL;
}

/* NAME=NUMBER in the line RESULT; NaN where it is not there. */
static double figure(struct arena *arena, const char *result, const char *name)
{
    const char *pattern = arena_printf(arena, " %s=", name), *at = strstr(result, pattern);
    return at ? strtod(at + strlen(pattern), NULL) : (double)NAN;
}

/* ROUGH has four decimals. FINE instead, where it is the same number. */
static double refine(double rough, double fine)
{
    return fabs(rough - fine) <= 0.5001e-4 ? fine : rough;
}

static void take_result(struct arena *arena, struct sweep_run *run, const char *result)
{
    int last = run->epochs - 1;
    run->status = RUN_DONE;
    run->accuracy = figure(arena, result, "test_accuracy");
    run->loss = figure(arena, result, "test_loss");
    if (last < 0)
        return;
    run->accuracy = refine(run->accuracy, run->accuracies[last]);
    run->loss = refine(run->loss, run->losses[last]);
}

static void remove_checkpoint(const struct sweep *sweep, const struct sweep_run *run)
{
    const char *folder = run_file(sweep, sweep->arena, run, "checkpoint");
    DIR *entries = opendir(folder);
    for (struct dirent *entry; entries && (entry = readdir(entries));)
        if (strncmp(entry->d_name, "checkpoint-", 11) == 0)
            unlink(arena_printf(sweep->arena, "%s/%s", folder, entry->d_name));
    if (entries)
        closedir(entries);
    rmdir(folder);
}

static void clear_line(struct runner *r)
{
    if (r->visible)
        fputs("\r\033[K", stdout);
    r->visible = false;
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
        snprintf(text, 48, "%s left", lathe_duration(time, seconds / r->places));
    return text;
}

/* The line of a run that is over. */
static void print_run(struct runner *r, const struct sweep_run *run)
{
    char time[32], left[48];
    clear_line(r);
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

/* JOB's process ended with STATUS: record its run, unless it was stopped to go on later. */
static void end_run(struct runner *r, struct job *job, int status)
{
    struct sweep *sweep = r->sweep;
    struct sweep_run *run = job->run;
    struct arena *arena = sweep->arena;
    size_t length;
    const char *output = read_file(arena, run_file(sweep, arena, run, "output"), &length);
    const char *result = last_line(arena, output, "result:"), *said = last_line(arena, output, "");
    job->run = NULL;
    r->at_work--;
    read_log(sweep, arena, run);
    if (status == STATUS_DONE && result) {
        take_result(arena, run, result);
    } else if (r->stopping) {
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
        remove_checkpoint(sweep, run);
    r->over++;
    print_run(r, run);
}

/* ---- the loop ---- */

/* On a terminal: what is under way. */
static void show_status(struct runner *r)
{
    struct text line = {0};
    struct arena *arena = arena_new();
    char left[48];
    if (!r->terminal || !r->at_work)
        return;
    text_printf(&line, "%d/%d over%s%s", r->over, r->sweep->runs.count,
                *time_left(r, left) ? ", " : "", left);
    for (int i = 0; i < r->places; i++) {
        struct sweep_run *run = r->jobs[i].run;
        if (!run)
            continue;
        read_log(r->sweep, arena, run);
        text_printf(&line, "; %s%sseed=%lld: epoch %d/%d", run->combination->label,
                    *run->combination->label ? " " : "", (long long)run->seed, run->epochs,
                    run->combination->epochs);
        if (run->epochs && r->sweep->classes)
            text_printf(&line, ", accuracy %.4f", run->accuracies[run->epochs - 1]);
        else if (run->epochs)
            text_printf(&line, ", loss %.4g", run->losses[run->epochs - 1]);
        run->accuracies = run->losses = NULL; /* of this arena */
    }
    printf("\r%.*s\033[K", lathe_terminal_columns() - 1, line.data);
    fflush(stdout);
    r->visible = true;
    text_free(&line);
    arena_free(arena);
}

static void signal_jobs(const struct runner *r, int signal)
{
    for (int i = 0; i < r->places; i++)
        if (r->jobs[i].run)
            kill(r->jobs[i].child, signal);
}

/* Start, wait, take in, until all is over or a signal stops it. */
static void loop(void *context)
{
    struct runner *r = context;
    const struct timespec interval = {.tv_nsec = 250000000};
    for (;;) {
        struct sweep_run *run;
        for (int i = 0; i < r->places && !r->stopping; i++)
            if (!r->jobs[i].run && (run = next_run(r)))
                start_run(r, &r->jobs[i], run);
        if (!r->at_work)
            return;
        int signal = sigtimedwait(&r->signals, NULL, &interval);
        if (signal > 0 && signal != SIGCHLD) {
            signal_jobs(r, r->stopping ? SIGKILL : SIGTERM);
            r->stopping = true;
        }
        for (int i = 0; i < r->places; i++) {
            int status;
            if (r->jobs[i].run && program_ended(r->jobs[i].child, &status))
                end_run(r, &r->jobs[i], status);
        }
        show_status(r);
    }
}

/* Stop what is at work; its checkpoints stay. */
static void end_jobs(struct runner *r)
{
    signal_jobs(r, SIGTERM);
    for (int i = 0; i < r->places; i++)
        for (int status; r->jobs[i].run && !program_ended(r->jobs[i].child, &status);)
            nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
}

/* The signals to wait for; a hangup only where it is not ignored (nohup). */
static void choose_signals(sigset_t *signals)
{
    struct sigaction hangup;
    sigemptyset(signals);
    sigaddset(signals, SIGCHLD);
    sigaddset(signals, SIGINT);
    sigaddset(signals, SIGTERM);
    if (sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler != SIG_IGN)
        sigaddset(signals, SIGHUP);
}

bool run_all(struct sweep *sweep)
{
    const char *kind = getenv("TERM");
    struct runner r = {.sweep = sweep, .places = (int)sweep->options->jobs};
    struct failure failure;
    sigset_t before;
    r.terminal = isatty(STDOUT_FILENO) && kind && strcmp(kind, "dumb") != 0;
    r.jobs = arena_array(sweep->arena, (size_t)r.places, struct job);
    for (int i = 0; i < sweep->runs.count; i++)
        r.over += sweep->runs.items[i].status != RUN_WAITING;
    choose_signals(&r.signals);
    sigprocmask(SIG_BLOCK, &r.signals, &before);
    enum status status = protected_call(loop, &r, &failure);
    clear_line(&r);
    if (status != STATUS_DONE)
        end_jobs(&r);
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (status != STATUS_DONE)
        fail(status, "%s", failure.message);
    return !r.stopping || r.over == sweep->runs.count;
}
