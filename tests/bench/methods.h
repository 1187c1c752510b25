/*
 * methods: does the model of cost choose well?
 */
#ifndef BENCH_METHODS_H
#define BENCH_METHODS_H

#include "../../gen/base.h"

/* The convolutions of a training step of SPEC (SPEC:key=value,...), a pass at a time: all direct,
 * by Winograd's method wherever it can be, and as the model of cost chooses, by turns; medians in
 * ms, and what the choice takes over the better of the two. */
void bench_methods(struct arena *arena, const char *spec);

#endif
