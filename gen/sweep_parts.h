/*
 * The parts of a sweep: its plan (sweep.c), records of runs (sweep_record.c), running them
 * (sweep_run.c), the table and the picture (sweep_report.c).
 */
#ifndef LATHE_SWEEP_PARTS_H
#define LATHE_SWEEP_PARTS_H

#include "sweep.h"

#include <math.h>

/* What a key changes. */
enum key_kind {
    KEY_OPTION, /* of the spec: rebuilds where that changes the C */
    KEY_BATCH,  /* rebuilds */
    KEY_RECIPE, /* a field of the recipe of training */
    KEY_EPOCHS
};

struct sweep_key {
    const char *name;
    enum key_kind kind;
    VECTOR(const char *) values;
};

struct combination {
    const char **values; /* one a key */
    const char *label;   /* "lr=0.1 act=relu" */
    const char *recipe;
    int epochs;
    char build[17]; /* the first digits of build_digest: the folder below builds/ */
    bool first;     /* of its build */
};

enum run_status { RUN_WAITING, RUN_DONE, RUN_DIVERGED, RUN_FAILED };

struct sweep_run {
    const struct combination *combination;
    int64_t seed;
    const char *id; /* names its folder and its line */
    enum run_status status;
    const char *message;         /* its last line, where it failed */
    double accuracy, loss;       /* on the test set in the end; NaN: none */
    double seconds;              /* of all epochs */
    int epochs;                  /* that ended */
    double *accuracies, *losses; /* after each, on what is held out, or the test set */
};

struct sweep {
    struct arena *arena;
    const struct sweep_options *options;
    const char *name;   /* of the network */
    const char *digest; /* of the spec and the settings for all */
    bool classes;       /* there is an accuracy */
    bool held;          /* samples are held out of training: they judge, not the test set */
    const char *folder;
    VECTOR(struct sweep_key) keys;
    VECTOR(int64_t) seeds;
    VECTOR(struct combination) combinations; /* the first key changes slowest */
    VECTOR(struct sweep_run) runs;           /* of the first seed, of the second, ... */
    int record;                              /* descriptor of sweep.jsonl */
    const char *record_path;
};

/* The run of COMBINATION with the SEED-th seed. */
static inline struct sweep_run *run_of(const struct sweep *sweep, int combination, int seed)
{
    return &sweep->runs.items[seed * sweep->combinations.count + combination];
}

/* ---- sweep_record.c ---- */

/* DIR is a sweep of this kind, or becomes one; fails (STATUS_USER) where it is another's. */
void check_folder(struct sweep *sweep);
/* Read sweep.jsonl into the runs, cut off a line that was not written whole, and open it to append
 * to. Failed runs wait again. */
void open_record(struct sweep *sweep);
/* Append RUN to sweep.jsonl and have it on the disk. */
void record_run(struct sweep *sweep, const struct sweep_run *run);
/* What the log of RUN, under way or over, says: epochs, seconds, curves, in ARENA. */
void read_log(const struct sweep *sweep, struct arena *arena, struct sweep_run *run);
/* The path of FILE of RUN. */
const char *run_file(const struct sweep *sweep, struct arena *arena, const struct sweep_run *run,
                     const char *file);

/* ---- sweep_run.c ---- */

/* Train all that waits. Returns false where a signal stopped it. */
bool run_all(struct sweep *sweep);

/* ---- sweep_report.c ---- */

/* Over the seeds of a combination whose runs ended. */
struct summary {
    int done, diverged, failed;
    double accuracy, accuracy_deviation, loss, loss_deviation; /* of the test set; NaN: none */
    double judged, judged_deviation; /* accuracy, or loss without classes, that chooses the best */
    double seconds;                  /* mean */
};
struct summary summarise(const struct sweep *sweep, int combination);

void print_table(const struct sweep *sweep);
/* Write sweep.dat and sweep.gp and have gnuplot draw sweep.svg. */
void draw_picture(const struct sweep *sweep);

#endif
