/*
 * report: what runs, sweeps and searches came to, as one HTML file that needs nothing else.
 *
 *     folders --report_read.c--> groups of runs, searches, histograms, speeds
 *         --report_plot.c, gnuplot--> pictures --report_page.c--> FILE.html
 *
 * A folder may hold:
 *
 *     log.jsonl                a run, what train --log wrote; folders NAME-seed1, NAME-seed2 ...
 * are the seeds of one network sweep.jsonl              a sweep fit.json, trials.jsonl,
 * judge.jsonl, histogram.json    a search (fit.h) histogram.json alone     what `lathe interpret
 * --histogram` wrote compare.json             what `lathe compare --json` printed
 *
 * Floor 4 of the generator.
 */
#ifndef LATHE_REPORT_H
#define LATHE_REPORT_H

#include "base.h"

/* Write the report of FOLDERS to OUTPUT; the same bytes for the same files. Without gnuplot it has
 * no pictures and says so; *pictures: how many there are, *lack: why there are none, or NULL. Fails
 * (STATUS_USER) before anything is written where a folder is not there, holds nothing of the above,
 * or a file of it cannot be read. */
void report(struct arena *arena, const char *const *folders, int count, const char *output,
            int *pictures, const char **lack);

#endif
