/*
 * histogram: how the numbers are spread that each curve of a network sees, counted in the float
 * interpreter. For weighted tables (curve.h) and reports. Floor 3 of the generator.
 */
#ifndef LATHE_HISTOGRAM_H
#define LATHE_HISTOGRAM_H

#include "curve.h"
#include "ir.h"

struct node_histogram {
    const char *name;        /* of the node, a curve or a learned activation */
    struct histogram values; /* whole numbers of its inputs */
    double below, above;     /* how many are outside of the bins */
    double samples;          /* the node's numbers are these times the numbers of a sample */
};

struct histograms {
    VECTOR(struct node_histogram) nodes; /* in the graph's order */
};

struct histogram_options {
    const char *weights; /* safetensors file */
    const char *data;    /* folder of the data set; NULL: it needs none */
    bool test;           /* of the test set; else of the training set, as infer would read it */
    bool skip_bad;       /* images that cannot be read are left out, else an error */
    int limit;           /* at most so many samples; 0: all */
};

/* Count what every curve of NETWORK, whose graph is as it infers, sees: with running statistics,
 * without augmentation. The data are gone through twice: first for the range, which leaves out at
 * most 1 of 100,000 numbers at each end, then for the counts. The same for any number of threads.
 * Makes the curves' tables where they have none. Fails where weights or data cannot be read
 * (STATUS_USER), or numbers are not finite (STATUS_NUMBERS). */
struct histograms count_histograms(struct arena *arena, struct network *network,
                                   const struct histogram_options *options);

/* The histogram of the node NAME; NULL where there is none. */
const struct node_histogram *find_histogram(const struct histograms *histograms, const char *name);

/* All nodes together, in ARENA: bins of the whole range, a node's bin spread evenly over those that
 * it covers, rounded so that nothing is lost. The name is "all". At least one node is needed. */
struct node_histogram join_histograms(struct arena *arena, const struct histograms *histograms);

/* {"nodes": [{"name", "from", "to", "counts": [...], "below", "above", "samples"}]}; and back:
 * fails (STATUS_USER) where PATH holds something else. */
void print_histograms_json(struct text *out, const struct histograms *histograms);
struct histograms read_histograms(struct arena *arena, const char *path);

/* { from = .., to = .., counts = { .. } }, what a fit file's `histogram` is. */
void print_histogram_lua(struct text *out, const struct histogram *histogram);

#endif
