$ -- Gradient of the weights of narrow groups: sum over samples and pixels of in * out_gradient, the
$ -- pixel's lanes permuted as in conv_narrow.c.t. A row of the input meets all rows of the gradient
$ -- that want it while its permuted pixels are in registers; ROW_CHUNK rows of the input are passed
$ -- over in the first-level cache, the next ones asked for meanwhile, up to the second-level one.
$ local lanes_type, lanes = depthwise and "" or "vi lanes, ", depthwise and "" or "lanes, "
$ for _, t in ipairs(tiles) do
/* ${t.columns} columns from ow0 of the rows of the gradient, dy[r] the one that tap row r wants;
 * row: of the input. */
LATHE_INLINE void ${name}_${t.columns}(const float *row, const float *const dy[${R_TILE}],
                                       ${lanes_type}const int ow0, const bool edge,
                                       vf sum[${R_TILE}][${TAPS_W}][${I_TILE}])
{
$   include("conv_weights_sizes.c.t", _ENV, 4)
    vf pixel[${t.reach}][I_TILE];
    int reached = 0;
    LATHE_UNROLL(${t.columns})
    for (int w = 0; w < ${t.columns}; w++) {
        LATHE_FENCE(); /* else the loads of a whole row are moved up, more than registers hold */
        __builtin_prefetch(dy[0] + (ow0 + w + ROW_CHUNK / IN_STEP_H * OUT_W) * V, 0, 2);
        LATHE_UNROLL(${t.reach})
        for (int q = 0; q < ${t.reach}; q++) {
            const int column = ow0 * IN_STEP_W + FIRST_W + q;
            if (q < reached || q > w * IN_STEP_W + (TAPS_W - 1) * STEP_W ||
                (edge && (column < 0 || column >= IN_W)))
                continue;
            const vf block = lathe_load(row + column * V);
            __builtin_prefetch(row + (ROW_CHUNK * IN_W + column) * V, 0, 2);
            LATHE_UNROLL(${I_TILE})
            for (int i = 0; i < I_TILE; i++)
                pixel[q][i] = ${depthwise and "block" or "lathe_permute(block, lanes + i)"};
        }
        reached = w * IN_STEP_W + (TAPS_W - 1) * STEP_W + 1;
        LATHE_UNROLL(${R_TILE})
        for (int r = 0; r < R_TILE; r++) {
            const vf g = lathe_load(dy[r] + (ow0 + w) * V);
            LATHE_UNROLL(${TAPS_W})
            for (int t = 0; t < TAPS_W; t++) {
                const int q = w * IN_STEP_W + t * STEP_W, column = ow0 * IN_STEP_W + FIRST_W + q;
                if (edge && (column < 0 || column >= IN_W))
                    continue;
                LATHE_UNROLL(${I_TILE})
                for (int i = 0; i < I_TILE; i++)
                    sum[r][t][i] += pixel[q][i] * g;
            }
        }
    }
}

$ end
static void ${name}(${parameters})
{
$ include("conv_weights_sizes.c.t", _ENV, 4)
    static const float nothing[OUT_W * V] __attribute__((aligned(64))); /* a row of zeros */
    const int items = SPLITS * OUT_BLOCKS * IN_BLOCKS;
#pragma omp for nowait schedule(dynamic, lathe_turn(items))
    for (int item = 0; item < items; item++) {
        const int block = item % IN_BLOCKS, kb = item / IN_BLOCKS % OUT_BLOCKS;
        const int split = item / (IN_BLOCKS * OUT_BLOCKS);
        const int end = (split + 1) * SPLIT_IMAGES < count ? (split + 1) * SPLIT_IMAGES : count;
        const int cb = kb * V / GROUP_OUT * GROUP_IN / V + block;
        float *weights = gradient + (size_t)split * FLOATS + (size_t)kb * WEIGHT_BLOCK +
                         block * TAPS * TAP_FLOATS;
        memset(weights, 0, TAPS * TAP_FLOATS * sizeof(float));
        for (int n0 = split * SPLIT_IMAGES; n0 < end && cb < IMAGE_BLOCKS; n0 += IMAGE_CHUNK)
        for (int ih0 = 0; ih0 < IN_H; ih0 += ROW_CHUNK)
        for (int r0 = 0; r0 < TAPS_H; r0 += R_TILE)
        for (int i0 = 0; i0 < GROUP_IN; i0 += I_TILE) {
            const int n1 = n0 + IMAGE_CHUNK < end ? n0 + IMAGE_CHUNK : end;
            const int ih1 = ih0 + ROW_CHUNK < IN_H ? ih0 + ROW_CHUNK : IN_H;
$ if not depthwise then
            const int first = ${aligned and "0" or "kb * V"};
            const vi lanes = lathe_group_lanes(first, GROUP_IN, GROUP_OUT) + i0;
$ end
            float *tap = weights + r0 * TAPS_W * TAP_FLOATS + i0 * V;
            vf sum[R_TILE][TAPS_W][I_TILE];
            LATHE_UNROLL(${R_TILE})
            for (int r = 0; r < R_TILE; r++)
                LATHE_UNROLL(${TAPS_W})
                for (int t = 0; t < TAPS_W; t++)
                    LATHE_UNROLL(${I_TILE})
                    for (int i = 0; i < I_TILE; i++)
                        sum[r][t][i] = (vf){0};
            for (int n = n0; n < n1; n++)
                for (int ih = ih0; ih < ih1; ih++) {
                    const float *const row =
                        in + (size_t)n * ${in_image} + ((size_t)cb * IN_H + ih) * (IN_W * V);
                    const float *const gradients = out_gradient +
                        (size_t)n * ${out_gradient_image} + (size_t)kb * (OUT_H * OUT_W * V);
                    const float *dy[R_TILE];
                    bool wanted = false;
                    LATHE_UNROLL(${R_TILE})
                    for (int r = 0; r < R_TILE; r++) {
                        const int place = ih - FIRST_H - (r0 + r) * STEP_H;
                        const bool there = r0 + r < TAPS_H && place >= 0 &&
                                           place < OUT_H * IN_STEP_H && place % IN_STEP_H == 0;
                        dy[r] = there ? gradients + place / IN_STEP_H * (OUT_W * V) : nothing;
                        wanted |= there;
                    }
                    if (!wanted)
                        continue;
$ for _, s in ipairs(segments) do
$   if s.stop - s.first == s.columns then
                    ${name}_${s.columns}(row, dy, ${lanes}${s.first}, ${tostring(s.edge)}, sum);
$   else
                    for (int ow = ${s.first}; ow < ${s.stop}; ow += ${s.columns})
                        ${name}_${s.columns}(row, dy, ${lanes}ow, false, sum);
$   end
$ end
                }
            LATHE_UNROLL(${R_TILE})
            for (int r = 0; r < R_TILE; r++)
                LATHE_UNROLL(${TAPS_W})
                for (int t = 0; t < TAPS_W; t++)
                    LATHE_UNROLL(${I_TILE})
                    for (int i = 0; i < I_TILE; i++) {
                        float *weight = tap + (r * TAPS_W + t) * TAP_FLOATS + i * V;
                        if (r0 + r < TAPS_H)
                            lathe_store(weight, lathe_load(weight) + sum[r][t][i]);
                    }
        }
    }
}

