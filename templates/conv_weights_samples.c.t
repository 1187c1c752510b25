$ -- Gradient of the weights with samples in the lanes: see lower_samples.c. The lanes of a sum are
$ -- summed in the end.
/* The products of column w of a row of pixels and of the gradient's rows. */
LATHE_INLINE void ${name}_column(const float *restrict row, const float *restrict dy, const int w,
                                 const bool edge, vf sum[${TAPS_W}][${K_TILE}])
{
$ include("conv_weights_samples_sizes.c.t", _ENV, 4)
    vf g[K_TILE];
    LATHE_UNROLL(${K_TILE})
    for (int j = 0; j < K_TILE; j++)
        g[j] = lathe_load(dy + (j * (OUT_H * OUT_W) + w) * V);
    LATHE_UNROLL(${TAPS_W})
    for (int t = 0; t < TAPS_W; t++) {
        const int column = w * IN_STEP_W + FIRST_W + t * STEP_W;
        if (edge && (column < 0 || column >= IN_W))
            continue;
        const vf pixel = lathe_load(row + column * V);
        LATHE_UNROLL(${K_TILE})
        for (int j = 0; j < K_TILE; j++)
            sum[t][j] += pixel * g[j];
    }
}

/* Row r of the taps, CHUNK_ROWS rows of the output from oh0 on. */
LATHE_INLINE void ${name}_row(const float *restrict plane, const float *restrict dy, int oh0, int r,
                              float *restrict totals)
{
$ include("conv_weights_samples_sizes.c.t", _ENV, 4)
    vf sum[TAPS_W][K_TILE];
    LATHE_UNROLL(${TAPS_W})
    for (int t = 0; t < TAPS_W; t++)
        LATHE_UNROLL(${K_TILE})
        for (int j = 0; j < K_TILE; j++)
            sum[t][j] = (vf){0};
    for (int oh = oh0; oh < oh0 + CHUNK_ROWS && oh < OUT_H; oh++) {
        const int ih = oh * IN_STEP_H + FIRST_H + r * STEP_H;
        if (ih < 0 || ih >= IN_H)
            continue;
        const float *row = plane + ih * (IN_W * V), *dy_row = dy + oh * (OUT_W * V);
$ for _, s in ipairs(segments) do
$   if s.stop - s.first == 1 then
        ${name}_column(row, dy_row, ${s.first}, ${tostring(s.edge)}, sum);
$   else
        for (int w = ${s.first}; w < ${s.stop}; w++)
            ${name}_column(row, dy_row, w, false, sum);
$   end
$ end
    }
    LATHE_UNROLL(${TAPS_W})
    for (int t = 0; t < TAPS_W; t++)
        LATHE_UNROLL(${K_TILE})
        for (int j = 0; j < K_TILE; j++) {
            float *total = totals + ((r * TAPS_W + t) * K_TILE + j) * V;
            lathe_store(total, lathe_load(total) + sum[t][j]);
        }
}

static void ${name}(${parameters})
{
$ include("conv_weights_samples_sizes.c.t", _ENV, 4)
#pragma omp for nowait
    for (int split = 0; split < SPLITS; split++) /* between the channels, too */
        memset(gradient + (size_t)split * FLOATS, 0, FLOATS * sizeof *gradient);
    lathe_meet();
    const int items = SPLITS * (OUT_C / K_TILE) * IN_C;
#pragma omp for nowait schedule(dynamic, lathe_turn(items))
    for (int item = 0; item < items; item++) {
        const int c = item % IN_C, k0 = item / IN_C % (OUT_C / K_TILE) * K_TILE;
        const int split = item / (IN_C * (OUT_C / K_TILE));
        const int end = (split + 1) * SPLIT_IMAGES < count ? (split + 1) * SPLIT_IMAGES : count;
        float totals[TAPS * K_TILE * V] __attribute__((aligned(64)));
        memset(totals, 0, sizeof totals);
        for (int n = split * SPLIT_IMAGES; n < end; n++)
            for (int oh0 = 0; oh0 < OUT_H; oh0 += CHUNK_ROWS)
                for (int r = 0; r < TAPS_H; r++)
                    ${name}_row(in + (size_t)n * ${in_image} + (size_t)c * (IN_H * IN_W * V),
                        out_gradient + (size_t)n * ${out_gradient_image} +
                            (size_t)k0 * (OUT_H * OUT_W * V), oh0, r, totals);
        float *weights = gradient + (size_t)split * FLOATS +
            (size_t)(k0 / V * PACKED_BLOCKS + c / WEIGHT_ROWS) * (TAPS * WEIGHT_ROWS * V) +
            c % WEIGHT_ROWS * V + k0 % V;
        for (int tap = 0; tap < TAPS; tap++)
            for (int j = 0; j < K_TILE; j++)
                weights[tap * (WEIGHT_ROWS * V) + j] =
                    lathe_sum_lanes(lathe_load(totals + (tap * K_TILE + j) * V));
    }
}

