$ -- Narrow groups: a pixel's block is permuted so that each lane holds the i-th channel of its own
$ -- group, and then meets all taps of a row that want it. Few operations a byte: what the output's
$ -- row after the next reads first is asked for, up to the second-level cache, which waits for more
$ -- lines at once than the first one does.
$ if TAPS_W > 0 then
$ if not depthwise then
const vi lanes = lathe_group_lanes(${aligned and "0" or "kb * V"}, GROUP_IN, GROUP_OUT);
$ end
for (int cb = cb0; cb < cb1 && in_block0 + cb < IMAGE_BLOCKS; cb++)
    for (int r = 0; r < TAPS_H; r++) {
        const int ih = oh * IN_STEP_H + FIRST_H + r * STEP_H;
        if (ih < 0 || ih >= IN_H)
            continue;
        const float *in_row =
            in + (size_t)n0 * IN_IMAGE + ((in_block0 + cb) * IN_H + ih) * (IN_W * V);
        const float *weight_row =
            weight + ((size_t)(kb * IN_BLOCKS + cb) * TAPS + TAP_FIRST + r * TAP_ROW) * TAP_FLOATS;
        for (int i = 0; i < GROUP_IN; i++) {
            vf tap[TAPS_W];
            LATHE_UNROLL(${TAPS_W})
            for (int t = 0; t < TAPS_W; t++)
                tap[t] = lathe_load(weight_row + t * TAP_COLUMN * TAP_FLOATS + i * V);
            LATHE_UNROLL(${images})
            for (int image = 0; image < PIXELS / COLUMNS; image++)
                LATHE_UNROLL(${reach})
                for (int q = 0; q < ${reach}; q++) {
                    const int column = ow0 * IN_STEP_W + FIRST_W + q;
                    if (edge && (column < 0 || column >= IN_W))
                        continue;
                    const float *at = in_row + (size_t)image * IN_IMAGE + column * V;
                    vf pixel = lathe_load(at);
                    if (i == 0 && r >= TAPS_H - IN_STEP_H)
                        __builtin_prefetch(at + 2 * IN_STEP_H * IN_W * V, 0, 2);
$ if not depthwise then
                    pixel = lathe_permute(pixel, lanes + i);
$ end
                    LATHE_UNROLL(${TAPS_W})
                    for (int t = 0; t < TAPS_W; t++) {
                        const int w = q - t * STEP_W;
                        if (w >= 0 && w % IN_STEP_W == 0 && w < COLUMNS * IN_STEP_W)
                            sum[image * COLUMNS + w / IN_STEP_W][0] += pixel * tap[t];
                    }
                }
        }
    }
$ else
(void)in, (void)weight, (void)oh, (void)in_block0, (void)cb1, (void)edge;
$ end
