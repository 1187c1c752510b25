/*
 * sweep: train a spec with all combinations of some of its settings, and show what each came to.
 *
 *     combinations --evaluated--> builds (one for all that differ in the recipe alone) --> runs
 *         --> DIR/sweep.jsonl --> table, DIR/sweep.svg
 *
 *     DIR/sweep.json     what the sweep is: another one is not mixed into it
 *     DIR/sweep.jsonl    one line a run that is over
 *     DIR/builds/SHA     programs
 *     DIR/runs/ID        a run's log and output; its checkpoint while it is under way
 *     DIR/sweep.gp, .dat, .svg    the picture
 *
 * Floor 4 of the generator.
 */
#ifndef LATHE_SWEEP_H
#define LATHE_SWEEP_H

#include "build.h"
#include "spec.h"

struct sweep_options {
    const char *spec;
    const struct spec_setting *settings; /* for all combinations */
    int setting_count;
    struct build_options build;
    const char *folder;      /* NULL: out/NAME-sweep */
    const char *const *over; /* "KEY=a,b,c" */
    int over_count;
    int64_t seeds;                           /* 1 .. seeds */
    int64_t epochs, limit_train, limit_test; /* 0: not given */
    int64_t threads, jobs;                   /* of a run; runs at a time */
    const char *data;                        /* NULL: the data need no folder */
    const char *const *command;              /* the words that go on with it, NULL-terminated */
};

/* Sweep: builds, trains what DIR does not have yet, prints the table, draws the picture. SIGINT and
 * SIGTERM stop it where it can go on. Fails (STATUS_USER, STATUS_USAGE) before anything is written
 * where a key, a value or a combination is wrong, or DIR holds another sweep. */
void sweep(struct arena *arena, const struct sweep_options *options);

#endif
