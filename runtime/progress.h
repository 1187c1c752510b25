/*
 * What a training run shows: on a terminal a line that moves, elsewhere one plain line an epoch.
 */
#ifndef LATHE_PROGRESS_H
#define LATHE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "log.h"

/* Seconds on a clock that only goes forward. */
double lathe_seconds(void);

struct lathe_progress {
    bool quiet, terminal;
    int epochs;
    const char *judged; /* what epochs are judged by: "test" (as begins), "validation" */
    uint64_t steps_per_epoch;
    double drawn;   /* when the line was last drawn */
    double started; /* when the first step of this process began; with DONE, for the time left */
    uint64_t done;  /* steps of this process */
    bool visible;   /* a line that moves stands on the terminal */
};

/* The state of the epoch that runs; NaN for an accuracy that is not there. */
struct lathe_running {
    int epoch;     /* from 1 */
    uint64_t step; /* steps of this epoch that are done */
    double loss, accuracy, images_per_s;
};

void lathe_progress_start(struct lathe_progress *progress, bool quiet, int epochs,
                          uint64_t steps_per_epoch);
/* After every step; draws at most ten times a second. */
void lathe_progress_step(struct lathe_progress *progress, const struct lathe_running *running);
/* After every epoch: its line. */
void lathe_progress_epoch(struct lathe_progress *progress, const struct lathe_epoch *epoch);
/* Take the moving line away, before something else is printed. */
void lathe_progress_clear(struct lathe_progress *progress);

/* "12s", "3:07", "1:02:09" in TEXT, which is returned. */
const char *lathe_duration(char text[32], double seconds);

/* Columns of the terminal on stdout, 80 where unknown. */
int lathe_terminal_columns(void);

#endif
