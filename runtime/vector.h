/*
 * Vectors of LATHE_LANES floats for generated kernels, by the vector extensions of GCC and Clang.
 * Intrinsics stand here and nowhere else, and only where the extensions have no word (maximum).
 * A generated file defines LATHE_LANES before it includes this.
 */
#ifndef LATHE_VECTOR_H
#define LATHE_VECTOR_H

#include <math.h>
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
/* A loop whose sums need all registers: inlined, it would share them with what surrounds it. */
#define LATHE_ALONE static __attribute__((noinline))

/* Unroll the next loop N times (it has N iterations, or a multiple of N). */
#define LATHE_PRAGMA(text) _Pragma(#text)
#if defined(__clang__)
#define LATHE_UNROLL(n) LATHE_PRAGMA(unroll n)
#else
#define LATHE_UNROLL(n) LATHE_PRAGMA(GCC unroll n)
#endif

/* The compiler moves no load or store over this. */
#define LATHE_FENCE() __asm__ volatile("" ::: "memory")

LATHE_INLINE vf lathe_load(const float *p)
{
    return *(const vf *)p;
}
LATHE_INLINE void lathe_store(float *p, vf v)
{
    *(vf *)p = v;
}
/* The same past the caches, for what is not read again soon; lathe_streamed() before another thread
 * may read it. */
LATHE_INLINE void lathe_stream(float *p, vf v)
{
#if defined(__AVX512F__) && LATHE_LANES == 16
    _mm512_stream_ps(p, (__m512)v);
#elif defined(__AVX2__) && LATHE_LANES == 8
    _mm256_stream_ps(p, (__m256)v);
#else
    lathe_store(p, v);
#endif
}
LATHE_INLINE void lathe_streamed(void)
{
#if defined(__AVX2__)
    _mm_sfence();
#endif
}
/* The same where P is not aligned. */
LATHE_INLINE vf lathe_load_any(const float *p)
{
    vf v;
    memcpy(&v, p, sizeof v);
    return v;
}
LATHE_INLINE void lathe_store_any(float *p, vf v)
{
    memcpy(p, &v, sizeof v);
}
/* x - 0 is x for every x, so that this is a broadcast and nothing else (x + 0 is not: -0). */
LATHE_INLINE vf lathe_splat(float x)
{
    return x - (vf){0};
}

/* X is added to SUM, and what that rounds off to LOST (two-sum: Knuth, TAOCP 2, 4.2.2). */
LATHE_INLINE void lathe_add_exactly(vf *sum, vf *lost, vf x)
{
    const vf all = *sum + x, part = all - *sum;
    *lost += (*sum - (all - part)) + (x - part);
    *sum = all;
}

/* Lanes of A where the mask is set, of B elsewhere. */
LATHE_INLINE vf lathe_select(vi mask, vf a, vf b)
{
    return (vf)((mask & (vi)a) | (~mask & (vi)b));
}

/* Lanes of A where X is above Y, of B elsewhere. */
LATHE_INLINE vf lathe_select_above(vf x, vf y, vf a, vf b)
{
#if defined(__AVX512F__) && LATHE_LANES == 16
    const __mmask16 above = _mm512_cmp_ps_mask((__m512)x, (__m512)y, _CMP_GT_OQ);
    return (vf)_mm512_mask_mov_ps((__m512)b, above, (__m512)a);
#else
    return lathe_select(x > y, a, b);
#endif
}

/* A, and STEP more where X is above Y. */
LATHE_INLINE vi lathe_add_above(vi a, int step, vf x, vf y)
{
#if defined(__AVX512F__) && LATHE_LANES == 16
    const __mmask16 above = _mm512_cmp_ps_mask((__m512)x, (__m512)y, _CMP_GT_OQ);
    return (vi)_mm512_mask_add_epi32((__m512i)a, above, (__m512i)a, _mm512_set1_epi32(step));
#else
    return a + ((x > y) & step);
#endif
}

/* The larger and the smaller of two numbers; B where one is NaN. */
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

/* The larger of two numbers; NaN where one of them is: what lathe_max gives away is what it has
 * with its operands turned round, and the bits of a NaN and those of another number make a NaN. */
LATHE_INLINE vf lathe_max_or_nan(vf a, vf b)
{
    return (vf)((vi)lathe_max(a, b) | (vi)lathe_max(b, a));
}

LATHE_INLINE vf lathe_min(vf a, vf b)
{
#if defined(__AVX512F__) && LATHE_LANES == 16
    return (vf)_mm512_min_ps((__m512)a, (__m512)b);
#elif defined(__AVX2__) && LATHE_LANES == 8
    return (vf)_mm256_min_ps((__m256)a, (__m256)b);
#else
    return lathe_select(a < b, a, b);
#endif
}

LATHE_INLINE vf lathe_sqrt(vf x)
{
#if defined(__AVX512F__) && LATHE_LANES == 16
    return (vf)_mm512_sqrt_ps((__m512)x);
#elif defined(__AVX2__) && LATHE_LANES == 8
    return (vf)_mm256_sqrt_ps((__m256)x);
#else
    for (int i = 0; i < LATHE_LANES; i++)
        x[i] = sqrtf(x[i]);
    return x;
#endif
}

/* x^exponent, lane by lane. */
LATHE_INLINE vf lathe_power(vf x, float exponent)
{
    for (int i = 0; i < LATHE_LANES; i++)
        x[i] = powf(x[i], exponent);
    return x;
}

/* Lane j of the result is lane INDEX[j], modulo the lanes, of V. */
LATHE_INLINE vf lathe_permute(vf v, vi index)
{
#if defined(__AVX512F__) && LATHE_LANES == 16
    return (vf)_mm512_permutexvar_ps((__m512i)index, (__m512)v);
#elif defined(__AVX2__) && LATHE_LANES == 8
    return (vf)_mm256_permutevar8x32_ps((__m256)v, (__m256i)index);
#elif defined(__GNUC__) && !defined(__clang__)
    return __builtin_shuffle(v, index);
#else
    vf result;
    for (int i = 0; i < LATHE_LANES; i++)
        result[i] = v[index[i] & (LATHE_LANES - 1)];
    return result;
#endif
}

/* Lane j of the result is number INDEX[j] of ROW, which has as many numbers as there are lanes, or
 * twice as many; LATHE_LOOKUP: so many at most where that is fast, else 0. */
#if defined(__AVX2__) && LATHE_LANES >= 8
#define LATHE_LOOKUP (2 * LATHE_LANES)
#else
#define LATHE_LOOKUP 0
#endif
LATHE_INLINE vf lathe_lookup(const float *row, const int numbers, vi index)
{
    if (numbers == LATHE_LANES)
        return lathe_permute(lathe_load(row), index);
    const vf low = lathe_load(row), high = lathe_load(row + LATHE_LANES);
#if defined(__AVX512F__) && LATHE_LANES == 16
    return (vf)_mm512_permutex2var_ps((__m512)low, (__m512i)index, (__m512)high);
#elif defined(__AVX2__) && LATHE_LANES == 8
    return (vf)_mm256_blendv_ps((__m256)lathe_permute(low, index),
                                (__m256)lathe_permute(high, index), (__m256)(index << 28));
#else
    return lathe_select((index & LATHE_LANES) != 0, lathe_permute(high, index),
                        lathe_permute(low, index));
#endif
}

/* For lathe_permute: lane j is output channel FIRST + j of a grouped convolution, and its index
 * where the first of the GROUP_IN channels of its group stands. */
LATHE_INLINE vi lathe_group_lanes(int first, int group_in, int group_out)
{
    vi lane;
    for (int i = 0; i < LATHE_LANES; i++)
        lane[i] = (first + i) / group_out * group_in % LATHE_LANES;
    return lane;
}

/* The number of each lane, as a constant that compilers compute with. */
LATHE_INLINE vi lathe_lanes(void)
{
#if LATHE_LANES == 16
    return (vi){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
#elif LATHE_LANES == 8
    return (vi){0, 1, 2, 3, 4, 5, 6, 7};
#elif LATHE_LANES == 4
    return (vi){0, 1, 2, 3};
#else
    vi lane;
    for (int i = 0; i < LATHE_LANES; i++)
        lane[i] = i;
    return lane;
#endif
}

/* Lane j of the result is lane INDEX[j] of A and B, one behind the other; INDEX is a constant. */
LATHE_INLINE vf lathe_permute2(vf a, vf b, vi index)
{
#if defined(__GNUC__) && !defined(__clang__)
    return __builtin_shuffle(a, b, index);
#else
    vf result;
    for (int i = 0; i < LATHE_LANES; i++)
        result[i] = index[i] < LATHE_LANES ? a[index[i]] : b[index[i] - LATHE_LANES];
    return result;
#endif
}

/* Transpose the matrix whose rows are V, in place: for each bit of a row's number the squares off
 * the diagonal change places (Eklundh 1972). */
LATHE_INLINE void lathe_transpose(vf v[LATHE_LANES])
{
    LATHE_UNROLL(4)
    for (int bit = 1; bit < LATHE_LANES; bit *= 2) {
        const vi lane = lathe_lanes(), odd = (lane & bit) != 0;
        LATHE_UNROLL(16)
        for (int i = 0; i < LATHE_LANES; i++)
            if (!(i & bit)) {
                const vf a = v[i], b = v[i | bit];
                v[i] = lathe_permute2(a, b, lane + (odd & (LATHE_LANES - bit)));
                v[i | bit] = lathe_permute2(a, b, lane + bit + (odd & (LATHE_LANES - bit)));
            }
    }
}

/* The first N lanes of V, the others 0. */
LATHE_INLINE vf lathe_first_lanes(vf v, int n)
{
    return (vf)((vi)v & (lathe_lanes() < n));
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
 * e^x = 2^n (1 + q) for -87.3 <= x <= 88.3, clamped outside: q = e^r - 1 with |r| <= ln 2 / 2, and
 * 2^n. Range reduction by ln 2 in two parts and the polynomial of degree 6 of Cephes' expf (S. L.
 * Moshier, 1987).
 */
LATHE_INLINE vf lathe_exp_parts(vf x, vi *exponent)
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
    *exponent = (vi)shifted << 23;
    return p * (r * r) + r;
}

/* e^x within 2 units in the last place. */
LATHE_INLINE vf lathe_exp(vf x)
{
    vi exponent;
    vf q = lathe_exp_parts(x, &exponent);
    return (vf)((vi)(q + 1.0f) + exponent);
}

/* e^x - 1 for x <= 0, without the cancellation near 0: 2^n q + (2^n - 1). */
LATHE_INLINE vf lathe_expm1(vf x)
{
    vi exponent;
    vf q = lathe_exp_parts(x, &exponent);
    vf power = (vf)((vi)lathe_splat(1.0f) + exponent);
    return power * q + (power - 1.0f);
}

/* log(1 + e) for 0 <= e <= 1: 2 atanh(z) with z = e / (2 + e) <= 1/3, its series to z^13. */
LATHE_INLINE vf lathe_log1p(vf e)
{
    vf z = e / (e + 2.0f);
    vf s = z * z;
    vf p = lathe_splat(2.0f / 13);
    p = p * s + 2.0f / 11;
    p = p * s + 2.0f / 9;
    p = p * s + 2.0f / 7;
    p = p * s + 2.0f / 5;
    p = p * s + 2.0f / 3;
    p = p * s + 2.0f;
    return p * z;
}

/* ---- activation curves and their slopes; not-a-number stays what it is ---- */

/* |x|, but at most MOST. */
LATHE_INLINE vf lathe_magnitude(vf x, float most)
{
    vf a = (vf)((vi)x & ~(vi)lathe_splat(-0.0f));
    return lathe_select(a < most, a, lathe_splat(most));
}

/* max(0, x) that keeps not-a-number. */
LATHE_INLINE vf lathe_ramp(vf x)
{
    return lathe_select(x < 0, (vf){0}, x);
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

LATHE_INLINE vf lathe_sigmoid_slope(vf x)
{
    vf y = lathe_sigmoid(x);
    return y * (1.0f - y);
}

LATHE_INLINE vf lathe_tanh_slope(vf x)
{
    vf y = lathe_tanh(x);
    return 1.0f - y * y;
}

LATHE_INLINE vf lathe_softplus(vf x)
{
    return lathe_ramp(x) + lathe_log1p(lathe_exp(-lathe_magnitude(x, 87.3f)));
}

LATHE_INLINE vf lathe_softplus_slope(vf x)
{
    return lathe_sigmoid(x);
}

LATHE_INLINE vf lathe_elu(vf x, float a)
{
    return lathe_select(x < 0, lathe_expm1(x) * a, x);
}

LATHE_INLINE vf lathe_elu_slope(vf x, float a)
{
    return lathe_select(x > 0, lathe_splat(1.0f), lathe_exp(x) * a);
}

/*
 * silu, gelu: x times a step from 0 to 1. With the step's tail u(t) = step(-t), the value is
 * max(0, x) - t u(t) for t = |x|, so that nothing cancels or overflows, and the slope is d for
 * x < 0, 1 - d for x > 0, with d = u(t) + t u'(t).
 */
LATHE_INLINE vf lathe_step_slope(vf x, vf d)
{
    return lathe_select(x > 0, 1.0f - d, d);
}

LATHE_INLINE vf lathe_silu(vf x)
{
    vf t = lathe_magnitude(x, 87.3f), e = lathe_exp(-t);
    return lathe_ramp(x) - t * (e / (1.0f + e));
}

LATHE_INLINE vf lathe_silu_slope(vf x)
{
    vf t = lathe_magnitude(x, 87.3f), e = lathe_exp(-t);
    vf u = e / (1.0f + e);
    return lathe_step_slope(x, u - t * u * (1.0f - u));
}

/*
 * Of the normal distribution the density times sqrt(2 pi), e = exp(-t^2 / 2), and P(X > t), for
 * 0 <= t <= 13.2. P / e is t' times a polynomial of t' = 1 / (1 + 0.3 t), fitted to erfc for the
 * least relative error (Lawson's weights, 1.5e-7).
 */
LATHE_INLINE vf lathe_normal_tail(vf t, vf *e)
{
    vf s = 1.0f / (t * 0.3f + 1.0f);
    vf p = lathe_splat(0.0356747786f);
    p = p * s + -0.157203101f;
    p = p * s + 0.206353537f;
    p = p * s + -0.0536836714f;
    p = p * s + 0.12856164f;
    p = p * s + 0.0999134882f;
    p = p * s + 0.120753957f;
    p = p * s + 0.119629299f;
    *e = lathe_exp(t * t * -0.5f);
    return *e * (p * s);
}

LATHE_INLINE vf lathe_gelu(vf x)
{
    vf t = lathe_magnitude(x, 13.2f), e;
    return lathe_ramp(x) - t * lathe_normal_tail(t, &e);
}

LATHE_INLINE vf lathe_gelu_slope(vf x)
{
    vf t = lathe_magnitude(x, 13.2f), e;
    vf tail = lathe_normal_tail(t, &e);
    return lathe_step_slope(x, tail - t * e * 0.3989422804f);
}

LATHE_INLINE vf lathe_hardswish(vf x)
{
    vf y = lathe_select(x < 3, x * (x + 3.0f) * (1.0f / 6), x);
    return lathe_select(x < -3, (vf){0}, y);
}

LATHE_INLINE vf lathe_hardswish_slope(vf x)
{
    vf slope = lathe_select(x >= 3, lathe_splat(1.0f), x * (1.0f / 3) + 0.5f);
    return lathe_select(x < -3, (vf){0}, slope);
}

#endif
