$ -- A tile of the weights' gradient: K blocks of output channels, from kb on.
float *tap = weights + (size_t)kb * WEIGHT_BLOCK + ((size_t)cb * TAPS +
        r * TAPS_W + t) * TAP_FLOATS +
             (size_t)c0 * C_STRIDE_WEIGHT;
vf sum[SUMS][C_TILE][${K}];
LATHE_UNROLL(${TAP_TILE * PIXEL_TILE})
for (int q = 0; q < SUMS; q++)
    LATHE_UNROLL(${C_TILE})
    for (int c = 0; c < C_TILE; c++)
        LATHE_UNROLL(${K})
        for (int j = 0; j < ${K}; j++)
            sum[q][c][j] = (vf){0};
for (int n = n0; n < n1; n++)
    for (int oh = oh0; oh < oh1; oh++) {
        const int ih = oh * IN_STEP_H + FIRST_H + r * STEP_H;
        if (ih < 0 || ih >= IN_H)
            continue;
        const float *x = in + (size_t)n * IN_IMAGE + (size_t)c0 * C_STRIDE_IN +
                         (((size_t)span * IN_BLOCKS + cb) * IN_H + ih) *
                         (IN_W * IN_BLOCK) + shift * IN_BLOCK;
        const float *dy = out_gradient +
            (size_t)n * ${out_gradient_image} +
            ((size_t)kb * OUT_H + oh) * (OUT_W * V);
$ if by_row then
$   local reach = (TAPS_W - 1) * STEP_W
$   local first, stop = math.max(0, -FIRST_W), math.min(IN_W - FIRST_W, OUT_W + reach)
$   local whole, partial = math.max(first, reach), math.min(stop, OUT_W)
$   for ow = first, math.min(reach, stop) - 1 do
        ${name}_column(x, dy, ${ow}, true, sum);
$   end
        for (int ow = ${whole}; ow < ${partial}; ow++)
            ${name}_column(x, dy, ow, false, sum);
$   for ow = math.max(first, OUT_W), stop - 1 do
        ${name}_column(x, dy, ${ow}, true, sum);
$   end
$ else
        int ow = ow0;
$   if PIXEL_TILE > 1 then
        for (; ow + PIXEL_TILE <= ow1; ow += PIXEL_TILE)
            LATHE_UNROLL(${PIXEL_TILE})
            for (int q = 0; q < PIXEL_TILE; q++)
                LATHE_UNROLL(${C_TILE})
                for (int c = 0; c < C_TILE; c++)
                    LATHE_UNROLL(${K})
                    for (int j = 0; j < ${K}; j++)
                        sum[q][c][j] +=
                            lathe_splat(x[(ow + q) * (IN_STEP_W * IN_BLOCK) +
                                          c * C_STRIDE_IN]) *
                            lathe_load(dy + (j * OUT_H * OUT_W + ow + q) * V);
$   end
        for (; ow < ow1; ow++) {
$   if pointwise then -- the next block's pixel
            __builtin_prefetch(
                x + ((size_t)ow * IN_STEP_W + IN_H * IN_W) * IN_BLOCK);
$   end
            vf g[${K}];
            LATHE_UNROLL(${K})
            for (int j = 0; j < ${K}; j++)
                g[j] = lathe_load(dy + j * (OUT_H * OUT_W * V) +
                                  (size_t)ow * V);
            LATHE_UNROLL(${C_TILE})
            for (int c = 0; c < C_TILE; c++) {
                const float *at = x + (size_t)ow * (IN_STEP_W * IN_BLOCK);
                const vf pixel = lathe_splat(at[c * C_STRIDE_IN]);
                LATHE_UNROLL(${K})
                for (int j = 0; j < ${K}; j++)
                    sum[0][c][j] += pixel * g[j];
            }
        }
$ end
    }
LATHE_UNROLL(${TAP_TILE})
for (int s = 0; s < TAP_TILE; s++)
    LATHE_UNROLL(${C_TILE})
    for (int c = 0; c < C_TILE; c++)
        LATHE_UNROLL(${K})
        for (int j = 0; j < ${K}; j++) {
            vf total = sum[s][c][j];
$ if PIXEL_TILE > 1 then
            LATHE_UNROLL(${PIXEL_TILE})
            for (int q = 1; q < PIXEL_TILE; q++)
                total += sum[q][c][j];
$ end
            float *weight = tap + s * TAP_FLOATS + c * C_STRIDE_WEIGHT +
                            j * WEIGHT_BLOCK;
            lathe_store(weight, lathe_load(weight) + total);
        }
