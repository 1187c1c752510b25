/*
 * fit_judge: the runs of the final comparison (fit_judge.c) and what they say (fit_verdict.c).
 * Inside room `fit`.
 */
#ifndef LATHE_FIT_JUDGE_H
#define LATHE_FIT_JUDGE_H

#include "fit_parts.h"
#include "jobs.h"

enum judged_network { JUDGED_RELU, JUDGED_EXACT, JUDGED_TABLE, JUDGED_NETWORKS };
extern const char *const judged_names[JUDGED_NETWORKS];

struct judged_run {
    enum judged_network network;
    int seed;
    const char *id;
    bool over;
    double accuracy, loss; /* of the test set; a run that diverged: 0, NaN */
    double seconds, images_per_s;
};

/* The comparison on its way. */
struct judging {
    struct fit_search *search;
    int epochs;
    struct judged_run *runs; /* all networks of the first seed, of the second ... */
    int count, record;
    const char *record_path;
    struct jobs jobs; /* their work: a judged_run each */
};

/* What it came to. */
struct judged {
    int seeds, epochs;
    bool classes; /* by test accuracy; else by minus the test loss */
    double mean[JUDGED_NETWORKS], deviation[JUDGED_NETWORKS];
    struct paired_test test[JUDGED_NETWORKS]; /* against ReLU, above 0: better */
};

struct judged *fit_compare(const struct judging *judging);
void fit_print_judgement(const struct fit_search *search);

/* "the curve helps", "the curve hurts", "no difference that 5 seeds can show": at 5 %. */
const char *fit_verdict(struct arena *arena, const struct paired_test *test);

#endif
