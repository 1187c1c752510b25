/*
 * The parts of a search: the numbers that it goes through (fit_space.c), one training
 * (fit_trial.c), its folder (fit_record.c), the methods (fit_grid.c, fit_halving.c,
 * fit_gradient.c), the file that specs read (fit_file.c) and the comparison in the end
 * (fit_judge.c); fit.c is the whole in its order.
 */
#ifndef LATHE_FIT_PARTS_H
#define LATHE_FIT_PARTS_H

#include "fit.h"
#include "histogram.h"
#include "outcome.h"
#include "statistics.h"

#include <math.h>

/* ---- fit_space.c ---- */

/* L, Q and I of one curve; L = 0 is ReLU. */
struct fit_point {
    double l, q, i;
};
static const struct fit_point fit_relu = {0, 0, 0};

/* COUNT values in geometric progression from FROM on, TO left out: FROM (TO / FROM)^(j / COUNT). */
struct fit_range {
    double from, to;
    int count;
};
struct fit_axis {
    VECTOR(struct fit_range) ranges;
};
struct fit_space {
    struct fit_axis axes[3]; /* L, Q, I */
};
typedef VECTOR(struct fit_point) fit_points;

/* The space that OPTIONS ask for: a preset (the source's two grids), then ranges in its place. */
struct fit_space fit_space_of(struct arena *arena, const struct fit_options *options);
/* All combinations; I changes slowest, then L, as in the source's loops. */
fit_points fit_space_grid(struct arena *arena, const struct fit_space *space);
/* The parameters of NODE's curve as the spec has it. */
struct fit_point fit_own_point(const struct node *node);
/* Point INDEX of a sequence that fills the space evenly, logarithmically, however far one goes. */
struct fit_point fit_space_spread(const struct fit_space *space, int index);
/* "L=1:50:6 Q=0.01:10:7 I=1:10:4". */
const char *fit_space_text(struct arena *arena, const struct fit_space *space);

/* ---- the search ---- */

enum { FIT_PIECES_STEP = 4 }; /* tables have room for a multiple of so many pieces */

enum fit_program {
    FIT_TABLES,  /* curves are tables that the weights' file brings */
    FIT_TIED,    /* L, Q and I are trained, one curve for all nodes */
    FIT_LEARNED, /* the same, a curve a node */
    FIT_PROGRAMS
};

enum trial_status { TRIAL_WAITING, TRIAL_DONE, TRIAL_DIVERGED, TRIAL_HOPELESS };

/* One training from scratch. */
struct trial {
    const char *id; /* a digest of what makes its result: names its folder and its line */
    int number;     /* in the order of the plan */
    const char *phase, *layer; /* layer: whose curve is sought; NULL: of all */
    enum fit_program program;
    const struct fit_point
        *curves; /* search.curves of them; what it begins with where they learn */
    int64_t seed;
    int epochs;
    const char *start; /* fine-tuning: the id of the trial whose weights it begins with; or NULL */
    double lr;         /* another learning rate than the spec's; 0: none */
    enum trial_status status;
    double score; /* validation accuracy after the last epoch, or minus the loss; -INFINITY: bad */
    struct run_log log;
    struct fit_point *found; /* where they learn: the curves in the end; else NULL */
    int jobs, threads;       /* at a time, and of it, when it ran */
    double elapsed, took;    /* seconds: of the search when it ended; of it, data and all */
};
typedef VECTOR(struct trial *) trial_list;

/* Some curves and what their trials, a seed each, came to. */
struct candidate {
    const struct fit_point *curves;
    trial_list trials;
};
typedef VECTOR(struct candidate) candidate_list;

/* Mean score and deviation over the seeds. */
struct fit_score {
    double mean, deviation;
};

struct judged; /* fit_judge.c */

struct fit_search {
    struct arena *arena;
    const struct fit_options *options;
    struct network *network;
    const char *name;                  /* of the fit */
    VECTOR(const struct node *) nodes; /* whose curves are fitted, in the graph's order */
    int curves;                        /* that a candidate has: 1, or one a node */
    struct fit_space space;
    int epochs, pieces; /* of a trial; that a table has room for */
    int64_t validation; /* --validation; 0: the spec's share */
    const char *folder;
    int record;
    const char *record_path;
    VECTOR(struct trial *) recorded; /* of earlier calls: id and results */
    trial_list trials;               /* all that were planned */
    candidate_list baseline;         /* ReLU, for each number of epochs */
    int later_epochs;                /* that the method will ask for beyond what is planned */
    int cores, jobs;                 /* jobs 0: not decided yet */
    double began, before;            /* clock; seconds of earlier calls */
    bool stopped, out_of_time;
    const struct candidate *best;      /* so far; NULL: none */
    int best_rank;                     /* candidates of a higher rank were tried harder */
    double learned_score, tuned_score; /* gradient: of the best's weights as they were learned, and
                                        * with a table, fine-tuned; NaN: none */
    bool complete;                     /* the search is over */
    struct judged *judged;             /* NULL: not yet */
    const struct histograms *seen; /* by each of nodes, in the judged network; NULL: not counted */
};

/* Seconds of the search, those of earlier calls too. */
double fit_elapsed(const struct fit_search *search);
/* The same when the last of its trials ended. */
double fit_time(const struct fit_search *search);
/* "L=7.07 Q=0.1 I=1" of each of COUNT curves. */
const char *fit_curves_text(struct arena *arena, const struct fit_point *curves, int count);

/* ---- fit_trial.c ---- */

/* The curve of NODE with POINT's parameters, tabulated by the node's own method; closed ones by
 * minimax, with 16 pieces. Fails (STATUS_USER) where the denominator vanishes, or no table can be
 * made. */
struct curve *fit_curve(struct arena *arena, const struct node *node, struct fit_point point);
/* The pieces that the tables of CURVES need at most; more than PIECES_MOST: a program has no room
 * for them. Fails where the denominator vanishes. */
int fit_pieces(const struct fit_search *search, const struct fit_point *curves);
/* Which tables CURVES make, as a digest: curves that are near ReLU, or near each other, make the
 * same. */
const char *fit_tables_digest(const struct fit_search *search, const struct fit_point *curves);
/* How PROGRAM's file of weights calls it: "tables". */
extern const char *const fit_program_names[FIT_PROGRAMS];
/* Have PROGRAM built; tables with room for search.pieces. */
void fit_build(struct fit_search *search, enum fit_program program);
/* A trial as its plan says; its results, where it was over before. */
struct trial *fit_plan(struct fit_search *search, const struct trial *plan);
/* Run those of TRIALS that wait, side by side. RANK, CANDIDATES: whose they are, for the best so
 * far. False where a signal or the end of the budget left some. */
bool fit_run(struct fit_search *search, trial_list *trials, const candidate_list *candidates,
             int rank);
/* The path of FILE of the trial ID. */
const char *fit_run_file(const struct fit_search *search, struct arena *arena, const char *id,
                         const char *file);

/* ---- fit_candidate.c ---- */

/* CURVES with seeds 1 .. SEEDS, planned as a PHASE of trials of EPOCHS. */
struct candidate fit_candidate(struct fit_search *search, const char *phase, const char *layer,
                               const struct fit_point *curves, int epochs, int seeds);
/* Have ReLU trained with EPOCHS and seeds 1 .. SEEDS. */
bool fit_run_baseline(struct fit_search *search, int epochs, int seeds);
/* How many epochs there is time for in SHARE of the budget that ReLU's trials, which are over,
 * left: by the clock then, as it was recorded, so that it is the same when the search goes on. */
double fit_epochs_left(const struct fit_search *search, double share);
/* CURVES with POINT in the place of curve INDEX; NULL where their tables have too many pieces. */
const struct fit_point *fit_with(struct fit_search *search, const struct fit_point *curves,
                                 int index, struct fit_point point);
/* Run all seeds of CANDIDATES, and of ReLU before with the same epochs. */
bool fit_run_candidates(struct fit_search *search, candidate_list *candidates, int rank);
/* The score of a candidate; mean NaN where a trial waits yet. */
struct fit_score fit_score_of(const struct candidate *candidate);
/* ReLU with so many epochs. */
const struct candidate *fit_baseline(const struct fit_search *search, int epochs);
/* The first of the highest score, NULL where none is over. */
const struct candidate *fit_best_of(const candidate_list *candidates);
/* The best so far becomes the best of CANDIDATES where that is better, and is written. */
void fit_take_best(struct fit_search *search, const candidate_list *candidates, int rank);

/* ---- fit_record.c ---- */

/* WORK is this search's, or becomes it; fails (STATUS_USER) where it is another's, or one is under
 * way there. Reads the trials that are over. */
void fit_open_folder(struct fit_search *search);
void fit_record_trial(struct fit_search *search, const struct trial *trial);
/* The name of a status: "done". */
extern const char *const trial_status_names[];

/* ---- methods: search.best is what they find; false where they were stopped ---- */

bool fit_grid(struct fit_search *search);
bool fit_halving(struct fit_search *search);
bool fit_gradient(struct fit_search *search);

/* ---- fit_halving.c ---- */

enum { FIT_RUNGS = 8, FIT_CANDIDATES_MAX = 512 };
#define FIT_ETA                                                                                    \
    3.0 /* a rung has this part of the candidates of the one below, trained so much more */

struct fit_rung {
    int candidates, epochs, seeds;
};
/* The rungs for so many CANDIDATES, the last with EPOCHS and SEEDS; each has at least two epochs of
 * training a candidate. Returns how many. */
int fit_halving_plan(int candidates, int epochs, int seeds, struct fit_rung rungs[FIT_RUNGS]);
/* Epochs of all trials of the rungs; those that one shares with the next are counted once. */
int fit_halving_epochs(const struct fit_rung *rungs, int count);

/* ---- fit_file.c ---- */

/* Write the best so far, with all that is known of it, to the fit file. */
void fit_write(const struct fit_search *search);

/* ---- fit_judge.c ---- */

/* Train ReLU and the best curve, closed and as a table, on the whole recipe, and print what that
 * says. False where a signal stopped it. */
bool fit_judge(struct fit_search *search);
/* The fit file's lines about it; nothing where it was not done. */
void fit_put_judgement(const struct fit_search *search, struct text *out);

#endif
