/*
 * Vectors of LATHE_LANES floats for generated kernels, by the vector extensions of GCC and Clang.
 * Intrinsics stand here and nowhere else, and only where the extensions have no word (maximum).
 * A generated file defines LATHE_LANES before it includes this.
 */
#ifndef LATHE_VECTOR_H
#define LATHE_VECTOR_H

#include <stdint.h>
#include <string.h>
#if defined(__AVX2__)
#include <immintrin.h>
#endif

#ifndef LATHE_LANES
#error "define LATHE_LANES before including vector.h"
#endif

typedef float vf __attribute__((vector_size(LATHE_LANES * 4), may_alias));
typedef int32_t vi __attribute__((vector_size(LATHE_LANES * 4), may_alias));

#define LATHE_INLINE static inline __attribute__((always_inline))

/* Unroll the next loop N times (it has N iterations, or a multiple of N). */
#define LATHE_PRAGMA(text) _Pragma(#text)
#if defined(__clang__)
#define LATHE_UNROLL(n) LATHE_PRAGMA(unroll n)
#else
#define LATHE_UNROLL(n) LATHE_PRAGMA(GCC unroll n)
#endif

LATHE_INLINE vf lathe_load(const float *p)
{
    return *(const vf *)p;
}
LATHE_INLINE void lathe_store(float *p, vf v)
{
    *(vf *)p = v;
}
/* x - 0 is x for every x, so that this is a broadcast and nothing else (x + 0 is not: -0). */
LATHE_INLINE vf lathe_splat(float x)
{
    return x - (vf){0};
}

/* Lanes of A where the mask is set, of B elsewhere. */
LATHE_INLINE vf lathe_select(vi mask, vf a, vf b)
{
    return (vf)((mask & (vi)a) | (~mask & (vi)b));
}

LATHE_INLINE vf lathe_max(vf a, vf b)
{
#if defined(__AVX512F__) && LATHE_LANES == 16
    return (vf)_mm512_max_ps((__m512)a, (__m512)b);
#elif defined(__AVX2__) && LATHE_LANES == 8
    return (vf)_mm256_max_ps((__m256)a, (__m256)b);
#else
    return lathe_select(a > b, a, b);
#endif
}

/* The first N lanes of V, the others 0. */
LATHE_INLINE vf lathe_first_lanes(vf v, int n)
{
    vi lane;
    for (int i = 0; i < LATHE_LANES; i++)
        lane[i] = i;
    return (vf)((vi)v & (lane < n));
}

/* Sum of the lanes, as a balanced tree: the same bits for every compiler. */
LATHE_INLINE float lathe_sum_lanes(vf v)
{
    float lane[LATHE_LANES];
    memcpy(lane, &v, sizeof lane);
    for (int width = LATHE_LANES / 2; width > 0; width /= 2)
        for (int i = 0; i < width; i++)
            lane[i] += lane[i + width];
    return lane[0];
}

/*
 * e^x within 2 units in the last place for -87.3 <= x <= 88.7, clamped outside. Range reduction by
 * ln 2 in two parts and the polynomial of degree 6 of Cephes' expf (S. L. Moshier, 1987).
 */
LATHE_INLINE vf lathe_exp(vf x)
{
    const float magic = 0x1.8p23f; /* adding it rounds to a whole number */
    x = lathe_select(x > 88.3f, lathe_splat(88.3f), x);
    x = lathe_select(x < -87.3f, lathe_splat(-87.3f), x);
    vf shifted = x * 1.44269504088896341f + magic;
    vf n = shifted - magic;
    vf r = x - n * 0.693359375f;
    r = r - n * -2.12194440e-4f;
    vf p = lathe_splat(1.9875691500e-4f);
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * (r * r) + r + 1.0f;
    vi exponent = (vi)shifted << 23;
    return (vf)((vi)p + exponent);
}

LATHE_INLINE vf lathe_sigmoid(vf x)
{
    return 1.0f / (1.0f + lathe_exp(-x));
}

/* tanh: odd polynomial of Cephes' tanhf below 0.625, 1 - 2 / (e^2x + 1) above. */
LATHE_INLINE vf lathe_tanh(vf x)
{
    vi sign = (vi)x & (vi)lathe_splat(-0.0f);
    vf a = (vf)((vi)x ^ sign);
    vf s = x * x;
    vf p = lathe_splat(-5.70498872745e-3f);
    p = p * s + 2.06390887954e-2f;
    p = p * s + -5.37397155531e-2f;
    p = p * s + 1.33314422036e-1f;
    p = p * s + -3.33332819422e-1f;
    vf small = p * s * x + x;
    vf large = 1.0f - 2.0f / (lathe_exp(a + a) + 1.0f);
    large = (vf)((vi)large | sign);
    return lathe_select(a < 0.625f, small, large);
}

#endif
