/*
 * Philox 4x32-10: random numbers that are a function of (key, counter), so that they do not depend
 * on the order or the thread that draws them. Salmon, Moraes, Dror, Shaw: "Parallel random numbers:
 * as easy as 1, 2, 3" (SC 2011).
 */
#ifndef LATHE_RANDOM_H
#define LATHE_RANDOM_H

#include <stdint.h>

/* What a stream of numbers is for; part of the counter, so that streams never meet. */
enum lathe_stream {
    LATHE_STREAM_INIT = 1, /* a = parameter, b = 0 */
    LATHE_STREAM_SHUFFLE,  /* a = epoch */
    LATHE_STREAM_AUGMENT,  /* a = place of the sample in the data set, b = epoch */
    LATHE_STREAM_DROPOUT,  /* a = sample of the batch, b = step; layer in the stream's high bits */
    LATHE_STREAM_DIGITS,   /* a = image */
    LATHE_STREAM_TEST,
    LATHE_STREAM_POINTS, /* a = sample, b = 0; or a = row of W, b = 1 */
    LATHE_STREAM_DEPTH   /* a = gate, b = step */
};

struct lathe_random4 {
    uint32_t v[4];
};

static inline struct lathe_random4 lathe_philox(uint64_t key, const uint32_t counter[4])
{
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)p1;
        c3 = (uint32_t)p0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    return (struct lathe_random4){{c0, c1, c2, c3}};
}

/* The four numbers of block INDEX of stream (STREAM, A, B) under SEED. */
static inline struct lathe_random4 lathe_random(uint64_t seed, uint32_t stream, uint32_t a,
                                                uint32_t b, uint32_t index)
{
    const uint32_t counter[4] = {index, a, b, stream};
    return lathe_philox(seed, counter);
}

/* Uniform in [0, 1) with 24 bits. */
static inline float lathe_uniform(uint32_t bits)
{
    return (float)(bits >> 8) * 0x1p-24f;
}

/* Four normal numbers of deviation 1 from four uniform words: Box and Muller, "A note on the
 * generation of random normal deviates" (1958). */
void lathe_normals(struct lathe_random4 words, double out[4]);

/* p * 2^32, rounded: 32 random bits are below it with probability p. */
static inline uint32_t lathe_threshold(double p)
{
    const double threshold = p * 0x1p32 + 0.5;
    return threshold >= 0x1p32 ? UINT32_MAX : (uint32_t)threshold;
}

/* Stochastic depth's decision in this step for the body GATE: kept? The threshold as for dropout.
 */
static inline int lathe_kept(uint64_t seed, uint64_t step, uint32_t gate, uint32_t threshold)
{
    return lathe_random(seed, LATHE_STREAM_DEPTH, gate, (uint32_t)step, 0).v[0] >= threshold;
}

/* Dropout's decision for ELEMENT (logical index c, h, w) of sample SAMPLE in LAYER: kept? The
 * threshold is p * 2^32, rounded. The same in generated code and interpreter. */
static inline uint32_t lathe_dropout_bits(uint64_t seed, uint64_t step, uint32_t layer,
                                          uint32_t sample, uint32_t element)
{
    return lathe_random(seed, LATHE_STREAM_DROPOUT | layer << 8, sample, (uint32_t)step,
                        element / 4)
        .v[element % 4];
}

#endif
