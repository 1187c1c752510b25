/*
 * jobs: programs as processes, so many at a time: started one after the other, waited for, stopped
 * by a signal, with a line on the terminal about what is under way. What they do is their owner's.
 * Floor 3 of the generator.
 */
#ifndef LATHE_JOBS_H
#define LATHE_JOBS_H

#include "base.h"

#include <sys/types.h>

/* How many cores this process may run on. */
int core_count(void);

/* A place where a program may be under way. */
struct job {
    void *work; /* the owner's; NULL: the place is free */
    pid_t child;
};

struct jobs {
    int places;
    /* Start the next work that waits in JOB, by start_job. Returns false where nothing waits. */
    bool (*start)(void *context, struct job *job);
    /* The program of JOB's work ended with STATUS, as run_program's. STOPPING: it was told to, and
     * what it did may go on another time. */
    void (*end)(void *context, void *work, int status, bool stopping);
    /* What is under way, for the terminal's line. */
    void (*describe)(void *context, struct text *line);
    /* Four times a second, where not NULL: may end_job, or stop all. */
    void (*watch)(void *context);
    void *context;
    /* the runner's own */
    struct job *list;
    int at_work;
    bool stopping, terminal, visible;
};

/* Start, wait and take in until nothing is left. SIGINT, SIGTERM and, where it is not ignored,
 * SIGHUP tell all programs to stop (a second time: kills them). Returns false where a signal ended
 * it. A failure of the owner stops the programs first. */
bool run_jobs(struct arena *arena, struct jobs *jobs);

/* From `start`: WORDS (as start_program's) are JOB's program, which does WORK. */
void start_job(struct jobs *jobs, struct job *job, void *work, const char *const *words,
               const char *output);
/* From `watch`: end JOB's program now; `end` will hear of it. */
void end_job(const struct job *job);
/* Does a job do WORK? */
bool is_at_work(const struct jobs *jobs, const void *work);
/* Take the moving line away, before something else is printed. */
void clear_job_line(struct jobs *jobs);

#endif
