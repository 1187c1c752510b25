/*
 * The parts of a report: what files say (report_read.c), pictures (report_plot.c, report_svg.c),
 * the page (report_page.c, report_words.c).
 */
#ifndef LATHE_REPORT_PARTS_H
#define LATHE_REPORT_PARTS_H

#include "report.h"

#include "histogram.h"

#include <math.h>

/* A run; numbers that are not there are NaN. */
struct report_run {
    int line; /* of the group: which of its networks, or settings */
    double seed;
    const char *status; /* "done" ... */
    int epochs;
    double *losses, *accuracies;             /* after each: of samples held out, or the test set */
    double *train_losses, *train_accuracies; /* NULL: not recorded */
    double accuracy, loss;                   /* in the end */
    double seconds, images_per_s;
};

/* Runs that are shown beside each other: those of the same line differ in their seed. */
struct report_group {
    VECTOR(const char *) lines; /* "relu", "act=relu lr=0.1" */
    VECTOR(struct report_run) runs;
};

struct report_trial {
    const char *phase, *layer, *status; /* layer NULL: all */
    const struct tree *curves;          /* [{"L", "Q", "I"}, ...] */
    double score, seconds;
    int epochs;
    bool baseline; /* ReLU */
    bool learning; /* the curve, too */
};

struct report_fit {
    const struct tree *about; /* fit.json */
    VECTOR(struct report_trial) trials;
    int best;                /* trial; -1: none is done */
    double best_score, relu; /* means over the seeds of as many epochs; NaN: none */
    struct report_group judged;
};

/* What a folder holds, or, of single runs, several folders. */
struct report_part {
    const char *title, *id;       /* id: of its section */
    const char *kind;             /* "runs", "sweep", "fit", "histogram", "speed" */
    struct report_group group;    /* of runs and sweeps; no lines: none */
    const struct report_fit *fit; /* NULL: none */
    struct histograms histograms;
    const struct tree *speed; /* compare.json; NULL: none */
};

struct report_book {
    struct arena *arena;
    VECTOR(struct report_part) parts;
};

/* ---- report_read.c ---- */

/* All that FOLDERS hold. */
struct report_book *read_book(struct arena *arena, const char *const *folders, int count);

/* Mean and deviation over the runs of LINE that are done of their accuracy (their loss where there
 * is none) at the end; *count: how many they are. */
double line_mean(const struct report_group *group, int line, double *deviation, int *count);
/* Does any run have accuracies? */
bool group_has_classes(const struct report_group *group);
/* The line with the best mean; -1: none. */
int best_line(const struct report_group *group);
/* The line called NAME; -1: none. */
int find_line(const struct report_group *group, const char *name);

/* Is TRIAL the best, or one of its other seeds? */
bool is_best(const struct report_fit *fit, int trial);
/* The curve of the best trial for node INDEX, as a table; NULL where there is none, or no table of
 * it can be made. */
const struct curve *best_curve(struct arena *arena, const struct report_fit *fit, int index);
/* How many curves the best trial has, and the name of node INDEX ("all layers" where one is for
 * all). */
int best_curve_count(const struct report_fit *fit);
const char *curve_owner(const struct report_fit *fit, int index);

/* ---- report_plot.c: scripts ---- */

/* A picture: what gnuplot is told, and what it draws. */
struct picture {
    const char *title;  /* above it */
    const char *script; /* without terminal and output */
    const char *svg;    /* NULL: not drawn */
};

/* The pictures of what a part holds, in ARENA. */
struct pictures {
    VECTOR(struct picture) items;
};
struct part_pictures {
    struct pictures runs, trials, curves, seen;
};
void plot_group(struct arena *arena, const struct report_group *group, struct pictures *pictures);
void plot_trials(struct arena *arena, const struct report_fit *fit, struct pictures *pictures);
void plot_curve(struct arena *arena, const struct curve *curve, const char *name,
                struct pictures *pictures);
/* With the break points of CURVE, which may be NULL. */
void plot_histogram(struct arena *arena, const struct node_histogram *node,
                    const struct curve *curve, struct pictures *pictures);

/* ---- report_svg.c ---- */

/* Have gnuplot draw all COUNT pictures; returns NULL, or why there is none. */
const char *draw_pictures(struct arena *arena, struct picture *const *pictures, int count);

/* Colours of lines: --c0 .. of the page's style, COLOURS of them. */
enum { REPORT_COLOURS = 7 };

/* ---- report_words.c ---- */

/* TEXT for HTML: escaped; bytes that are no UTF-8, or control characters, become "?" or blanks. */
void put_escaped(struct text *out, const char *text);
/* List items that say what PART came to. */
void put_summary(struct text *out, const struct report_part *part);
/* Tables: of a group's lines, of a search's best trials, of a curve's pieces, of speeds. */
void put_lines_table(struct text *out, const struct report_group *group);
void put_trials_table(struct text *out, struct arena *arena, const struct report_fit *fit);
void put_pieces_table(struct text *out, const struct curve *curve);
void put_speed_table(struct text *out, const struct report_part *part);

/* ---- report_page.c ---- */

/* The page of BOOK with the PICTURES of each part; LACK: why there are none, or NULL. */
void put_page(struct text *out, const struct report_book *book,
              const struct part_pictures *pictures, const char *lack);

#endif
