/* jobs: programs side by side. See jobs.h. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "jobs.h"
#include "cc.h"
#include "../runtime/progress.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int core_count(void)
{
#if defined(__linux__)
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) == 0)
        return CPU_COUNT(&allowed);
#endif
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count > 0 ? (int)count : 1;
}

void start_job(struct jobs *jobs, struct job *job, void *work, const char *const *words,
               const char *output)
{
    job->child = start_program(words, output);
    job->work = work;
    jobs->at_work++;
}

void end_job(const struct job *job)
{
    kill(job->child, SIGKILL);
}

bool is_at_work(const struct jobs *jobs, const void *work)
{
    for (int i = 0; i < jobs->places; i++)
        if (jobs->list[i].work == work)
            return true;
    return false;
}

/* ---- the terminal's line ---- */

void clear_job_line(struct jobs *jobs)
{
    if (jobs->visible)
        fputs("\r\033[K", stdout);
    jobs->visible = false;
}

static void show_line(struct jobs *jobs)
{
    struct text line = {0};
    if (!jobs->terminal || !jobs->at_work)
        return;
    jobs->describe(jobs->context, &line);
    printf("\r%.*s\033[K", lathe_terminal_columns() - 1, line.data);
    fflush(stdout);
    jobs->visible = true;
    text_free(&line);
}

/* ---- the loop ---- */

static void signal_all(const struct jobs *jobs, int signal)
{
    for (int i = 0; i < jobs->places; i++)
        if (jobs->list[i].work)
            kill(jobs->list[i].child, signal);
}

/* The runner and the signals that end or wake its loop. */
struct turn {
    struct jobs *jobs;
    sigset_t signals;
};

/* A signal that another thread took, such as one that a library of algebra started when it was
 * loaded: it has them unblocked, and would drop them or end the process. */
static volatile sig_atomic_t caught;

static void catch_signal(int signal)
{
    caught = signal;
}

/* The signal that came, SIGCHLD too; 0: none within the interval. */
static int next_signal(const struct turn *turn)
{
    const struct timespec interval = {.tv_nsec = 250000000};
    int signal = sigtimedwait(&turn->signals, NULL, &interval);
    if (caught) {
        signal = caught;
        caught = 0;
    }
    return signal > 0 ? signal : 0;
}

static void take_ended(struct jobs *jobs)
{
    for (int i = 0; i < jobs->places; i++) {
        struct job *job = &jobs->list[i];
        int status;
        if (!job->work || !program_ended(job->child, &status))
            continue;
        void *work = job->work;
        job->work = NULL;
        jobs->at_work--;
        jobs->end(jobs->context, work, status, jobs->stopping);
    }
}

static void loop(void *context)
{
    struct turn *turn = context;
    struct jobs *jobs = turn->jobs;
    for (;;) {
        for (int i = 0; i < jobs->places && !jobs->stopping; i++)
            if (!jobs->list[i].work && !jobs->start(jobs->context, &jobs->list[i]))
                break;
        if (!jobs->at_work)
            return;
        int signal = next_signal(turn);
        if (signal && signal != SIGCHLD) {
            signal_all(jobs, jobs->stopping ? SIGKILL : SIGTERM);
            jobs->stopping = true;
        }
        take_ended(jobs);
        if (jobs->watch)
            jobs->watch(jobs->context);
        show_line(jobs);
    }
}

/* Stop what is at work, whose owner hears no more of it. */
static void stop_all(struct jobs *jobs)
{
    signal_all(jobs, SIGTERM);
    for (int i = 0; i < jobs->places; i++)
        for (int status; jobs->list[i].work && !program_ended(jobs->list[i].child, &status);)
            nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
}

enum { SIGNALS = 3 };
static const int ending[SIGNALS] = {SIGINT, SIGTERM, SIGHUP};

/* Block the signals and catch them, a hangup only where it is not ignored (nohup). What they did
 * before is in BEFORE. */
static void take_signals(sigset_t *signals, struct sigaction before[SIGNALS])
{
    struct sigaction action = {.sa_handler = catch_signal};
    sigemptyset(signals);
    sigaddset(signals, SIGCHLD);
    for (int i = 0; i < SIGNALS; i++) {
        sigaction(ending[i], NULL, &before[i]);
        if (ending[i] == SIGHUP && before[i].sa_handler == SIG_IGN)
            continue;
        sigaddset(signals, ending[i]);
        sigaction(ending[i], &action, NULL);
    }
}

bool run_jobs(struct arena *arena, struct jobs *jobs)
{
    const char *kind = getenv("TERM");
    struct turn turn = {.jobs = jobs};
    struct failure failure;
    sigset_t mask;
    struct sigaction actions[SIGNALS];
    jobs->terminal = isatty(STDOUT_FILENO) && kind && strcmp(kind, "dumb") != 0;
    jobs->list = arena_array(arena, (size_t)jobs->places, struct job);
    jobs->at_work = 0;
    take_signals(&turn.signals, actions);
    sigprocmask(SIG_BLOCK, &turn.signals, &mask);
    enum status status = protected_call(loop, &turn, &failure);
    clear_job_line(jobs);
    if (status != STATUS_DONE)
        stop_all(jobs);
    for (int i = 0; i < SIGNALS; i++)
        sigaction(ending[i], &actions[i], NULL);
    sigprocmask(SIG_SETMASK, &mask, NULL);
    if (status != STATUS_DONE)
        fail(status, "%s", failure.message);
    return !jobs->stopping;
}
