/*
 * subject: a spec, ready to run: generated, or the interpreter.
 */
#ifndef BENCH_SUBJECT_H
#define BENCH_SUBJECT_H

#include "../../gen/build.h"
#include "../../runtime/optimizer.h"

enum { MOST_SETTINGS = 16, SEED = 1 };

struct subject_options {
    bool train;       /* forward, loss, backward and the optimizer; else inference */
    bool interpreted; /* by lathe's interpreter (node by node, im2col and OpenBLAS) */
    bool profile;     /* mark the time of each call of the training step */
    int batch;        /* 0: the spec's for training, 1 for inference */
    enum conv_method method;
};

struct subject {
    const char *name;
    const struct network *network;
    struct subject_options options;
    const struct lathe_model *model;
    struct lathe_batch batch; /* random numbers, the same for the same shape */
    void *arena;
    float *output; /* inference: batch x outputs */
    float *moments[LATHE_MOMENTS];
    uint64_t steps;
};

/* The network of TEXT, "specs/resnet9.lua:act=table,k=0.1": a spec and its settings. */
struct network *subject_network(struct arena *arena, const char *text);

/* COUNT numbers from -1 to 1 by a linear congruence that starts with STATE. */
void fill(float *values, size_t count, uint32_t state);

/* Weights of NETWORK as the seed SEED draws them, logical, in ARENA; names, shapes and count are
 * *REFERENCE's, the interpreter's model. */
float **draw_weights(struct arena *arena, const struct network *network,
                     const struct lathe_model **reference);

/* Build TEXT in FOLDER and load it. What FOLDER holds already is not compiled again. */
struct subject subject_build(struct arena *arena, const char *text,
                             const struct subject_options *options, const char *folder);

/* One step or inference; returns seconds. */
double subject_run(struct subject *subject);

#endif
