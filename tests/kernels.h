/*
 * kernels: what tests of generated kernels share.
 */
#ifndef TEST_KERNELS_H
#define TEST_KERNELS_H

#include "../gen/base.h"
#include "../runtime/lathe.h"

/* Whether the machine runs ISA: avx512's, avx2's and the portable one's code is what there is to
 * try. */
bool runs_here(const char *isa);

/* A step of MODEL with COUNT samples leaves the same gradients on each of so many THREADS. */
void check_threads(struct arena *arena, const struct lathe_model *model, int count,
                   const int *threads, int thread_counts);

#endif
