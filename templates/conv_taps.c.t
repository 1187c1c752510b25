$ -- A row of conv_dense.c.t for one block of output channels: a pixel meets all taps that want it,
$ -- for a tap alone would fetch a pixel with each multiply-add.
$ if fetches_ahead then -- the next tile's pixels
const float *next = in_row + (ow0 + COLUMNS < OUT_W ? (ow0 + COLUMNS) * IN_STEP_W + FIRST_W
                              : IN_STEP_H * IN_W + FIRST_W) * IN_BLOCK;
$ end
for (int c = 0; c < channels; c++) {
$ if fetches_ahead then
    for (int p = c; p < COLUMNS * IN_STEP_W; p += IN_BLOCK)
        __builtin_prefetch(next + p * IN_BLOCK);
$ end
    vf tap[TAPS_W];
    LATHE_UNROLL(${TAPS_W})
    for (int t = 0; t < TAPS_W; t++)
        tap[t] = lathe_load(weight_row + t * TAP_COLUMN * TAP_FLOATS + c * V);
    LATHE_UNROLL(${images})
    for (int image = 0; image < PIXELS / COLUMNS; image++)
        LATHE_UNROLL(${reach})
        for (int q = 0; q < ${reach}; q++) {
            const int column = ow0 * IN_STEP_W + FIRST_W + q;
            if (edge && (column < 0 || column >= IN_W))
                continue;
            const vf pixel =
                lathe_splat(in_row[(size_t)image * IN_IMAGE + column * IN_BLOCK + c]);
            LATHE_UNROLL(${TAPS_W})
            for (int t = 0; t < TAPS_W; t++) {
                const int w = q - t * STEP_W;
                if (w >= 0 && w % IN_STEP_W == 0 && w < COLUMNS * IN_STEP_W)
                    sum[image * COLUMNS + w / IN_STEP_W][0] += pixel * tap[t];
            }
        }
}
