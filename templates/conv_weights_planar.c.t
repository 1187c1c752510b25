$ -- Gradient of the weights of few input channels, a plane each: see gen/lower_planar.c.
$ local sizes = "conv_weights_planar_sizes.c.t"
/* Add what ROWS rows of a block's gradient make with C_TILE channels' pixels around them. */
LATHE_INLINE void ${name}_rows(const float *restrict padded, const float *restrict dy, int rows,
                               float *restrict weights)
{
$ include(sizes, _ENV, 4)
    vf sum[C_TILE][TAPS_H][TAPS_W];
    LATHE_UNROLL(${C_TILE})
    for (int c = 0; c < C_TILE; c++)
        LATHE_UNROLL(${TAPS_H})
        for (int r = 0; r < TAPS_H; r++)
            LATHE_UNROLL(${TAPS_W})
            for (int t = 0; t < TAPS_W; t++)
                sum[c][r][t] = (vf){0};
    for (int row = 0; row < rows; row++)
        for (int w = 0; w < OUT_W; w++) {
            const float *x = padded + row * PADDED_W + w;
            const vf g = lathe_load(dy + (row * OUT_W + w) * V);
            __builtin_prefetch(dy + (row * OUT_W + w + AHEAD) * V);
            LATHE_UNROLL(${C_TILE})
            for (int c = 0; c < C_TILE; c++)
                LATHE_UNROLL(${TAPS_H})
                for (int r = 0; r < TAPS_H; r++)
                    LATHE_UNROLL(${TAPS_W})
                    for (int t = 0; t < TAPS_W; t++)
                        sum[c][r][t] +=
                            lathe_splat(x[c * PADDED + r * STEP_H * PADDED_W + t * STEP_W]) * g;
            LATHE_FENCE();
        }
    LATHE_UNROLL(${C_TILE})
    for (int c = 0; c < C_TILE; c++)
        LATHE_UNROLL(${TAPS_H})
        for (int r = 0; r < TAPS_H; r++)
            LATHE_UNROLL(${TAPS_W})
            for (int t = 0; t < TAPS_W; t++) {
                float *tap = weights + ((c * TAPS_H + r) * TAPS_W + t) * V;
                lathe_store(tap, lathe_load(tap) + sum[c][r][t]);
            }
}

static void ${name}(${parameters})
{
$ include(sizes, _ENV, 4)
#pragma omp for nowait schedule(dynamic)
    for (int split = 0; split < SPLITS; split++) {
        const int end = (split + 1) * SPLIT_IMAGES < count ? (split + 1) * SPLIT_IMAGES : count;
        float *weights = gradient + (size_t)split * FLOATS;
        memset(weights, 0, FLOATS * sizeof *weights);
        for (int n0 = split * SPLIT_IMAGES; n0 < end; n0++)
            for (int oh0 = 0; oh0 < OUT_H; oh0 += CHUNK_ROWS) {
                const int rows = oh0 + CHUNK_ROWS < OUT_H ? CHUNK_ROWS : OUT_H - oh0;
                float padded[IN_C * PADDED] __attribute__((aligned(64)));
$ include("padded.c.t", _ENV, 16)
$ if C_TILE < IN_C then
                for (int kb = 0; kb < OUT_BLOCKS; kb++)
                    for (int r = 0; r < rows; r += TILE_ROWS)
                        for (int c = 0; c < IN_C; c += C_TILE)
                            ${name}_rows(padded + c * PADDED + r * PADDED_W,
                                out_gradient + (size_t)n0 * ${out_gradient_image} +
                                    ((size_t)kb * OUT_H + oh0 + r) * (OUT_W * V),
                                rows - r < TILE_ROWS ? rows - r : TILE_ROWS,
                                weights + (size_t)(kb * IN_C + c) * (TAPS_H * TAPS_W * V));
$ else
                for (int kb = 0; kb < OUT_BLOCKS; kb++)
                    ${name}_rows(padded, out_gradient + (size_t)n0 * ${out_gradient_image} +
                        ((size_t)kb * OUT_H + oh0) * (OUT_W * V), rows,
                        weights + (size_t)kb * (IN_C * TAPS_H * TAPS_W * V));
$ end
            }
    }
}

