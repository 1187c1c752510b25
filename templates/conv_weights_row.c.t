$ -- All taps of a row at once: a pixel is fetched once for all of them.
/* The input's pixel that column ow of the gradient meets by the first tap, and columns before it by
 * the others; at an edge some of these are not there. */
LATHE_INLINE void ${name}_column(const float *x, const float *dy, const int ow, const bool edge,
                                 vf sum[${TAP_TILE}][${C_TILE}][${K_TILE}])
{
    enum { V = ${V}, OUT_H = ${OUT_H}, OUT_W = ${OUT_W}, STEP_W = ${STEP_W},
           C_TILE = ${C_TILE}, K_TILE = ${K_TILE}, TAP_TILE = ${TAP_TILE} };
    vf g[TAP_TILE][K_TILE];
    LATHE_UNROLL(${TAP_TILE})
    for (int t = 0; t < TAP_TILE; t++)
        LATHE_UNROLL(${K_TILE})
        for (int j = 0; j < K_TILE; j++)
            if (!edge || (ow >= t * STEP_W && ow - t * STEP_W < OUT_W))
                g[t][j] = lathe_load(dy + (j * OUT_H * OUT_W + ow - t * STEP_W) * V);
    LATHE_UNROLL(${C_TILE})
    for (int c = 0; c < C_TILE; c++) {
        const vf pixel = lathe_splat(x[ow * ${IN_BLOCK} + c]);
        LATHE_UNROLL(${TAP_TILE})
        for (int t = 0; t < TAP_TILE; t++)
            LATHE_UNROLL(${K_TILE})
            for (int j = 0; j < K_TILE; j++)
                if (!edge || (ow >= t * STEP_W && ow - t * STEP_W < OUT_W))
                    sum[t][c][j] += pixel * g[t][j];
    }
}

