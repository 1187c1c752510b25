/*
 * fit: search the L, Q and I of a spec's Dynamic curves, and say whether what was found helps.
 *
 *     spec --one program whose curves are numbers of its state--> WORK/builds
 *     method --candidates--> trials, each a training from scratch --> WORK/trials.jsonl
 *         --> the best curve --> FILE, a fit that specs read
 *     ReLU, the curve closed and as a table, each a program --> WORK/judge.jsonl --> FILE, verdict
 *
 *     WORK/fit.json       what the search is: another one is not mixed into it
 *     WORK/trials.jsonl   a line a trial that is over
 *     WORK/judge.jsonl    a line a run of the final comparison
 *     WORK/builds/NAME    programs
 *     WORK/runs/ID        a trial's table, log and output
 *
 * Floor 4 of the generator.
 */
#ifndef LATHE_FIT_H
#define LATHE_FIT_H

#include "build.h"
#include "spec.h"

struct fit_options {
    const char *spec;
    const struct spec_setting *settings;
    int setting_count;
    struct build_options build;
    const char *data;      /* NULL: the data need no folder */
    const char *method;    /* "grid", "halving", "gradient" */
    const char *output;    /* the fit file */
    const char *work;      /* NULL: out/fit-NAME, of the file's name */
    const char *grid;      /* a preset of ranges: "global", "layers"; NULL: by per_layer */
    const char *ranges[3]; /* of L, Q, I: "FROM:TO:COUNT,..."; NULL: the preset's */
    bool per_layer;
    int64_t subset, validation; /* samples to train on, and held out; 0: as the spec has it */
    int64_t epochs;             /* of a trial; 0: the spec's */
    int64_t seeds;              /* a candidate is trained with 1 .. seeds */
    int64_t candidates;         /* halving: how many; 0: by budget, or a sane number */
    int64_t threads;            /* of a trial; 0: by jobs */
    const char *jobs;           /* trials at a time; "auto": what is faster */
    double budget;              /* minutes for the search; 0: as long as it takes */
    int64_t judge_seeds, judge_epochs, judge_subset; /* seeds 0: no comparison; others 0: spec's */
    const char *const *command; /* the words that go on with it, NULL-terminated */
};

/* Search, write the fit file, judge. SIGINT and SIGTERM stop it where the same command goes on.
 * Fails (STATUS_USER, STATUS_USAGE) before anything is written where an option, a range or the spec
 * is wrong, or WORK holds another search. */
void fit(struct arena *arena, const struct fit_options *options);

#endif
