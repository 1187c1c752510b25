/*
 * layers: the convolutions of a training step, a pass at a time.
 */
#ifndef BENCH_LAYERS_H
#define BENCH_LAYERS_H

#include "subject.h"

enum { PASSES = 3, MOST_LAYERS = 64 };
extern const char *const pass_name[PASSES]; /* "forward", "backward data", "backward weights" */

struct layers {
    const struct node *node[MOST_LAYERS]; /* convolutions, in the graph's order */
    int count;
};

/* The convolutions of NETWORK. The first has no backward data, which nobody needs: 0 seconds. */
struct layers list_layers(const struct network *network);

/* "128,64,32,32,128,32,32,3,3,1,1,1,1,1,1,1": batch, input's C, H, W, output's C, H, W, kernel,
 * stride, padding (top, left, bottom, right), groups; what tests/bench/onednn.c reads. */
char *layer_text(struct arena *arena, const struct node *conv, int batch);

/* After a step of S, which profiles: seconds of each layer and pass, PASSES a layer; the time of
 * whatever is fused into a convolution is the convolution's. */
void layer_seconds(const struct subject *s, const struct layers *layers, double *seconds);

/* What a pass computes, taps on the padding included: multiply-adds times 2 a sample. */
double layer_flops(const struct node *conv);

#endif
