/*
 * winograd: fast correlation of short sequences. F(m, r) makes m outputs of r taps,
 *
 *   y[i] = sum over k < r of g[k] * d[i + k],   i < m,
 *
 * with n = m + r - 1 products instead of m * r:
 *
 *   y = A ((G g) . (B d))      G: filter, n x r;   B: input, n x n;   A: output, m x n
 *
 * In two dimensions each matrix is applied to columns, then to rows. (Winograd: "Arithmetic
 * complexity of computations", 1980; Lavin, Gray: "Fast algorithms for convolutional neural
 * networks", 2016, section 4.) Floor 0 of the generator: numbers and text, no graphs.
 */
#ifndef LATHE_WINOGRAD_H
#define LATHE_WINOGRAD_H

#include "base.h"

enum { WINOGRAD_MOST = 9 };

/* ROWS x COLUMNS of them are in use. */
struct winograd_matrix {
    int rows, columns;
    double at[WINOGRAD_MOST][WINOGRAD_MOST];
};

/* Every STRIDE-th place has an output: y[i] = sum of g[k] * d[STRIDE * i + k]. */
struct winograd {
    int m, r, n, stride;
    struct winograd_matrix filter, input, output;
};

/* F(M, R) for M + R - 1 of 2 to WINOGRAD_MOST, by the method of Toom and Cook: points 0, pairs of
 * +-p, and infinity. All F(m, r) of one n have the same input matrix. */
struct winograd winograd_make(int m, int r);

/* F(M, R) of STRIDE 1 or 2, for STRIDE * (M - 1) + R of 2 to WINOGRAD_MOST. Of stride 2 even taps
 * meet even inputs alone and odd ones odd: two correlations of stride 1 whose outputs are summed,
 * 2 M + 1 products for 3 M of three taps. (Huang et al.: "DWM: a decomposable Winograd method for
 * convolution acceleration", 2020, section 3.) */
struct winograd winograd_make_strided(int m, int r, int stride);

/* Statements of C, in order, and how many additions and multiply-adds they are made of. */
struct winograd_code {
    VECTOR(const char *) lines;
    int operations;
};

/* OUT[i] = sum over j of MATRIX[i][j] * IN[j], OUT and IN being what arrays of vf are called; with
 * temporaries "sum", "difference", "even", "odd" and a number. What two rows, or two columns, have
 * in common but for signs is computed once. */
struct winograd_code winograd_print(struct arena *arena, const struct winograd_matrix *matrix,
                                    const char *in, const char *out);

#endif
