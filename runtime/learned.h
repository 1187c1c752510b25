/*
 * Activations whose parameters are trained, or given when the program runs, as vectors: value,
 * slope, and SUMS += g times the derivative by each trained parameter. See gen/op/learned.c for the
 * formulas.
 */
#ifndef LATHE_LEARNED_H
#define LATHE_LEARNED_H

#include "vector.h"

#include <float.h>

/* ---- prelu: x > 0 ? x : a x ---- */

LATHE_INLINE vf lathe_prelu(vf x, vf a)
{
    return lathe_select(x > 0, x, x * a);
}
LATHE_INLINE vf lathe_prelu_slope(vf x, vf a)
{
    return lathe_select(x > 0, lathe_splat(1.0f), a);
}
LATHE_INLINE void lathe_prelu_sums(vf x, vf g, vf *sums, vf a)
{
    (void)a;
    sums[0] += lathe_select(x > 0, (vf){0}, x * g);
}

/* ---- elu: x > 0 ? x : a (e^x - 1) ---- */

LATHE_INLINE vf lathe_elu_learned(vf x, vf a)
{
    return lathe_select(x > 0, x, a * lathe_expm1(x));
}
LATHE_INLINE vf lathe_elu_learned_slope(vf x, vf a)
{
    return lathe_select(x > 0, lathe_splat(1.0f), a * lathe_exp(x));
}
LATHE_INLINE void lathe_elu_learned_sums(vf x, vf g, vf *sums, vf a)
{
    (void)a;
    sums[0] += lathe_select(x > 0, (vf){0}, lathe_expm1(x) * g);
}

/* ---- dynamic: L, Q, I trained, the even P and Z constants ---- */

struct lathe_dynamic {
    vf q, d, by_q;  /* |Q|; D; D (1 - Z/A - Z/B) */
    vf right, left; /* u^(P-1)/A^2, w^(P-1)/B^2 */
};

LATHE_INLINE vf lathe_between(vf x, float most)
{
    x = lathe_select(x > most, lathe_splat(most), x);
    return lathe_select(x < -most, lathe_splat(-most), x);
}

/* MOST: 2^(100 / P), beyond which both fractions are 0 to any float. */
LATHE_INLINE struct lathe_dynamic lathe_dynamic_at(vf x, vf q, vf i, const int p, float z,
                                                   float most)
{
    const vf u = lathe_between(x + i, most), w = lathe_between(x - i, most);
    vf before_u = u, before_w = w, terms = lathe_splat(1.0f), last = terms;
    for (int k = 1; k < p / 2; k++) {
        last *= u * u;
        terms = terms * (w * w) + last;
        before_u *= u * u;
        before_w *= w * w;
    }
    q = (vf)((vi)q & ~(vi)lathe_splat(-0.0f));
    const vf right = 1.0f / (q * before_u * u + z), left = 1.0f / (q * before_w * w + z);
    const vf d = 4.0f * lathe_between(x, most) * i * terms * right * left;
    return (struct lathe_dynamic){q, d, d * (1.0f - z * right - z * left), before_u * right * right,
                                  before_w * left * left};
}

LATHE_INLINE vf lathe_dynamic(vf x, vf l, vf q, vf i, const int p, float z, float most)
{
    const struct lathe_dynamic at = lathe_dynamic_at(x, q, i, p, z, most);
    return lathe_select(x <= 0, (vf){0}, x - l * at.q * at.d);
}
LATHE_INLINE vf lathe_dynamic_slope(vf x, vf l, vf q, vf i, const int p, float z, float most)
{
    const struct lathe_dynamic at = lathe_dynamic_at(x, q, i, p, z, most);
    return lathe_select(x > 0, 1.0f - l * at.q * (float)p * (at.right - at.left), (vf){0});
}
LATHE_INLINE void lathe_dynamic_sums(vf x, vf g, vf *sums, vf l, vf q, vf i, const int p, float z,
                                     float most)
{
    const struct lathe_dynamic at = lathe_dynamic_at(x, q, i, p, z, most);
    const vf right = lathe_select(x > 0, g, (vf){0});
    sums[0] -= right * at.q * at.d;
    sums[1] += right * l * lathe_select(q < 0, -at.by_q, at.by_q);
    sums[2] -= right * l * at.q * (float)p * (at.right + at.left);
}

/* ---- table: rows of PIECES numbers: from, slope, intercept; x is in the last piece whose from is
 * below it; unused pieces are from FLT_MAX ---- */

/* Whether a binary search finds a piece: comparisons one after another do everywhere. */
#define LATHE_SEARCHES(pieces)                                                                     \
    ((pieces) <= LATHE_LOOKUP && ((pieces) == LATHE_LANES || (pieces) == 2 * LATHE_LANES))

/* The piece that each x is in. */
LATHE_INLINE vi lathe_table_piece(vf x, const float *table, const int pieces)
{
    vi piece = (x > table[pieces / 2]) & (pieces / 2);
    for (int step = pieces / 4; step > 0; step /= 2)
        piece = lathe_add_above(piece, step, x, lathe_lookup(table, pieces, piece + step));
    return piece;
}

LATHE_INLINE vf lathe_table(vf x, const float *table, const int pieces)
{
    if (LATHE_SEARCHES(pieces)) {
        const vi piece = lathe_table_piece(x, table, pieces);
        return lathe_lookup(table + pieces, pieces, piece) * x +
               lathe_lookup(table + 2 * pieces, pieces, piece);
    }
    vf slope = lathe_splat(table[pieces]), intercept = lathe_splat(table[2 * pieces]);
    for (int i = 1; i < pieces && table[i] < FLT_MAX; i++) {
        const vf from = lathe_splat(table[i]);
        slope = lathe_select_above(x, from, lathe_splat(table[pieces + i]), slope);
        intercept = lathe_select_above(x, from, lathe_splat(table[2 * pieces + i]), intercept);
    }
    return slope * x + intercept;
}
LATHE_INLINE vf lathe_table_slope(vf x, const float *table, const int pieces)
{
    if (LATHE_SEARCHES(pieces))
        return lathe_lookup(table + pieces, pieces, lathe_table_piece(x, table, pieces));
    vf slope = lathe_splat(table[pieces]);
    for (int i = 1; i < pieces && table[i] < FLT_MAX; i++)
        slope = lathe_select_above(x, lathe_splat(table[i]), lathe_splat(table[pieces + i]), slope);
    return slope;
}

#endif
