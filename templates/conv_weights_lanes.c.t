$ -- Gradient of the weights of few output channels, with pixels of a row in the lanes of a sum: see
$ -- lower_lanes.c.
/* The taps of row r of kernels c -> k0 ... k0 + K_TILE - 1, all of this chunk's pixels. */
LATHE_INLINE void ${name}_row(const float *restrict padded, const float *restrict turned_dy,
                              int oh0, int c, int r, int k0, float *restrict totals)
{
$ include("conv_weights_lanes_sizes.c.t", _ENV, 4)
    vf sum[TAPS_W][K_TILE];
    LATHE_UNROLL(${TAPS_W})
    for (int t = 0; t < TAPS_W; t++)
        LATHE_UNROLL(${K_TILE})
        for (int j = 0; j < K_TILE; j++)
            sum[t][j] = (vf){0};
    for (int row = 0; row < CHUNK_ROWS && oh0 + row < OUT_H; row++) {
        const int ih = oh0 + row + FIRST_H + r * STEP_H;
        if (ih < 0 || ih >= IN_H)
            continue;
        for (int w = 0; w < OUT_W; w += V) {
            const float *x = padded + c * PADDED + (row + r * STEP_H) * PADDED_W + w;
            vf g[K_TILE];
            LATHE_UNROLL(${K_TILE})
            for (int j = 0; j < K_TILE; j++)
                g[j] = lathe_load(turned_dy + ((k0 + j) * CHUNK_ROWS + row) * TURNED_W + w);
            LATHE_UNROLL(${TAPS_W})
            for (int t = 0; t < TAPS_W; t++) {
                const vf pixels = lathe_load_any(x + t * STEP_W);
                LATHE_UNROLL(${K_TILE})
                for (int j = 0; j < K_TILE; j++)
                    sum[t][j] += pixels * g[j];
            }
        }
    }
    LATHE_UNROLL(${TAPS_W})
    for (int t = 0; t < TAPS_W; t++)
        LATHE_UNROLL(${K_TILE})
        for (int j = 0; j < K_TILE; j++) {
            float *total = totals + (((k0 + j) * IN_C + c) * TAPS + r * TAPS_W + t) * V;
            lathe_store(total, lathe_load(total) + sum[t][j]);
        }
}

/* The rows from oh0 on of a sample's out_gradient, a plane a channel; their ends are zeros. */
LATHE_INLINE void ${name}_turn(const float *restrict dy, int oh0, float *restrict turned_dy)
{
$ include("conv_weights_lanes_sizes.c.t", _ENV, 4)
    for (int row = 0; row < CHUNK_ROWS && oh0 + row < OUT_H; row++)
        for (int w = 0; w < OUT_W; w += V) {
            vf turned[V];
            LATHE_UNROLL(${V})
            for (int i = 0; i < V; i++) {
                turned[i] = (vf){0};
                if (w + i < OUT_W)
                    turned[i] = lathe_load(dy + ((oh0 + row) * OUT_W + w + i) * V);
            }
            lathe_transpose(turned);
            LATHE_UNROLL(${OUT_C})
            for (int k = 0; k < OUT_C; k++)
                lathe_store(turned_dy + (k * CHUNK_ROWS + row) * TURNED_W + w, turned[k]);
        }
}

static void ${name}(${parameters})
{
$ include("conv_weights_lanes_sizes.c.t", _ENV, 4)
#pragma omp for nowait schedule(dynamic)
    for (int split = 0; split < SPLITS; split++) {
        const int end = (split + 1) * SPLIT_IMAGES < count ? (split + 1) * SPLIT_IMAGES : count;
        float padded[IN_C * PADDED] __attribute__((aligned(64)));
        float turned_dy[OUT_C * CHUNK_ROWS * TURNED_W] __attribute__((aligned(64)));
        float totals[OUT_C * IN_C * TAPS * V] __attribute__((aligned(64)));
        memset(totals, 0, sizeof totals);
        for (int n0 = split * SPLIT_IMAGES; n0 < end; n0++)
            for (int oh0 = 0; oh0 < OUT_H; oh0 += CHUNK_ROWS) {
$ include("padded.c.t", _ENV, 16)
                ${name}_turn(out_gradient + (size_t)n0 * ${out_gradient_image}, oh0, turned_dy);
                for (int k0 = 0; k0 < OUT_C; k0 += K_TILE)
                    for (int c = 0; c < IN_C; c++)
                        for (int r = 0; r < TAPS_H; r++)
                            ${name}_row(padded, turned_dy, oh0, c, r, k0, totals);
            }
        float *weights = gradient + (size_t)split * FLOATS;
        memset(weights, 0, FLOATS * sizeof *weights);
        for (int c = 0; c < IN_C; c++)
            for (int tap = 0; tap < TAPS; tap++)
                for (int k = 0; k < OUT_C; k++)
                    weights[((c / IN_BLOCK * TAPS + tap) * IN_BLOCK + c % IN_BLOCK) * V + k] =
                        lathe_sum_lanes(lathe_load(totals + ((k * IN_C + c) * TAPS + tap) * V));
    }
}

