/*
 * What generated kernels include: vectors, random numbers, threads, and the few functions that
 * stand between kernels and the runtime (fold.h).
 */
#ifndef LATHE_KERNEL_H
#define LATHE_KERNEL_H

#include "fold.h"
#include "lathe.h"
#include "learned.h"
#include "profile.h"
#include "random.h"
#include "thread.h"
#include "vector.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Dropout's factors for the V channels from CHANNEL at pixel (h, w) of sample N: keep_scale or 0.
 */
LATHE_INLINE vf lathe_dropout(uint64_t seed, uint64_t step, uint32_t layer, uint32_t threshold,
                              float keep_scale, uint32_t n, uint32_t channel, uint32_t height,
                              uint32_t width, int h, int w)
{
    vf factor = {0};
    for (uint32_t lane = 0; lane < LATHE_LANES; lane++) {
        const uint32_t element = ((channel + lane) * height + (uint32_t)h) * width + (uint32_t)w;
        const uint32_t bits = lathe_dropout_bits(seed, step, layer, n, element);
        factor[lane] = bits >= threshold ? keep_scale : 0;
    }
    return factor;
}

#endif
