$ -- Gradient of the weights of narrow groups: sum over samples and pixels of in * out_gradient, the
$ -- pixel's lanes permuted as in conv_narrow.c.t.
$ for _, t in ipairs(tiles) do
/* ${t.columns} columns from ow0 of a row: the pixels that its taps reach, each for all taps. */
LATHE_INLINE void ${name}_${t.columns}(const float *row, const float *dy, vi lanes, const int ow0,
                                       const bool edge, vf sum[][${I_TILE}])
{
$   include("conv_weights_sizes.c.t", _ENV, 4)
    LATHE_UNROLL(${t.reach})
    for (int q = 0; q < ${t.reach}; q++) {
        const int column = ow0 * IN_STEP_W + FIRST_W + q;
        if (edge && (column < 0 || column >= IN_W))
            continue;
        const vf block = lathe_load(row + column * V);
        vf pixel[I_TILE];
        LATHE_UNROLL(${I_TILE})
        for (int i = 0; i < I_TILE; i++)
            pixel[i] = ${depthwise and "block" or "lathe_permute(block, lanes + i)"};
        LATHE_UNROLL(${TAPS_W})
        for (int t = 0; t < TAPS_W; t++) {
            const int w = q - t * STEP_W;
            if (w < 0 || w % IN_STEP_W != 0 || w >= ${t.columns} * IN_STEP_W)
                continue;
            const vf g = lathe_load(dy + (ow0 + w / IN_STEP_W) * V);
            LATHE_UNROLL(${I_TILE})
            for (int i = 0; i < I_TILE; i++)
                sum[t][i] += pixel[i] * g;
        }
    }
}

$ end
static void ${name}(${parameters})
{
$ include("conv_weights_sizes.c.t", _ENV, 4)
#pragma omp for schedule(dynamic)
    for (int item = 0; item < SPLITS * OUT_BLOCKS * IN_BLOCKS; item++) {
        const int block = item % IN_BLOCKS, kb = item / IN_BLOCKS % OUT_BLOCKS;
        const int split = item / (IN_BLOCKS * OUT_BLOCKS);
        const int end = (split + 1) * SPLIT_IMAGES < count ? (split + 1) * SPLIT_IMAGES : count;
        const int cb = kb * V / GROUP_OUT * GROUP_IN / V + block;
        float *weights = gradient + (size_t)split * FLOATS + (size_t)kb * WEIGHT_BLOCK +
                         block * TAPS * TAP_FLOATS;
        memset(weights, 0, TAPS * TAP_FLOATS * sizeof(float));
        for (int n0 = split * SPLIT_IMAGES; n0 < end && cb < IMAGE_BLOCKS; n0 += IMAGE_CHUNK)
        for (int oh0 = 0; oh0 < OUT_H; oh0 += ROW_CHUNK)
        for (int r0 = 0; r0 < TAPS_H; r0 += R_TILE)
        for (int i0 = 0; i0 < GROUP_IN; i0 += I_TILE) {
            const int n1 = n0 + IMAGE_CHUNK < end ? n0 + IMAGE_CHUNK : end;
            const int oh1 = oh0 + ROW_CHUNK < OUT_H ? oh0 + ROW_CHUNK : OUT_H;
            const int first = ${aligned and "0" or "kb * V"};
            const vi lanes = lathe_group_lanes(first, GROUP_IN, GROUP_OUT) + i0;
            float *tap = weights + r0 * TAPS_W * TAP_FLOATS + i0 * V;
            vf sum[R_TILE][TAPS_W][I_TILE];
            LATHE_UNROLL(${R_TILE})
            for (int r = 0; r < R_TILE; r++)
                LATHE_UNROLL(${TAPS_W})
                for (int t = 0; t < TAPS_W; t++)
                    LATHE_UNROLL(${I_TILE})
                    for (int i = 0; i < I_TILE; i++)
                        sum[r][t][i] = r0 + r < TAPS_H
                            ? lathe_load(tap + (r * TAPS_W + t) * TAP_FLOATS + i * V) : (vf){0};
            for (int n = n0; n < n1; n++)
                for (int oh = oh0; oh < oh1; oh++) {
                    const float *dy = out_gradient + (size_t)n * ${out_gradient_image} +
                                      ((size_t)kb * OUT_H + oh) * (OUT_W * V);
                    LATHE_UNROLL(${R_TILE})
                    for (int r = 0; r < R_TILE; r++) {
                        const int ih = oh * IN_STEP_H + FIRST_H + (r0 + r) * STEP_H;
                        if (r0 + r >= TAPS_H || ih < 0 || ih >= IN_H)
                            continue;
                        const float *row =
                            in + (size_t)n * ${in_image} + ((size_t)cb * IN_H + ih) * (IN_W * V);
$ for _, s in ipairs(segments) do
$   if s.stop - s.first == s.columns then
                        ${name}_${s.columns}(row, dy, lanes, ${s.first}, ${tostring(s.edge)},
                            sum[r]);
$   else
                        for (int ow = ${s.first}; ow < ${s.stop}; ow += ${s.columns})
                            ${name}_${s.columns}(row, dy, lanes, ow, false, sum[r]);
$   end
$ end
                    }
                }
            LATHE_UNROLL(${R_TILE})
            for (int r = 0; r < R_TILE; r++)
                LATHE_UNROLL(${TAPS_W})
                for (int t = 0; t < TAPS_W; t++)
                    LATHE_UNROLL(${I_TILE})
                    for (int i = 0; i < I_TILE; i++)
                        if (r0 + r < TAPS_H)
                            lathe_store(tap + (r * TAPS_W + t) * TAP_FLOATS + i * V,
                                        sum[r][t][i]);
        }
    }
}

