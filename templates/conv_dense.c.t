$ -- All of a block's input channels, one after the other, for all lanes alike.
for (int cb = cb0; cb < cb1; cb++) {
    const int channels = cb < IN_BLOCKS - 1 ? IN_BLOCK : LAST_BLOCK;
    for (int r = 0; r < TAPS_H; r++) {
        const int ih = oh * IN_STEP_H + FIRST_H + r * STEP_H;
        if (ih < 0 || ih >= IN_H)
            continue;
        const float *in_row =
            in + (size_t)n0 * IN_IMAGE + ((in_block0 + cb) * IN_H + ih) * (IN_W * IN_BLOCK);
        const float *weight_row =
            weight + ((size_t)(kb * IN_BLOCKS + cb) * TAPS + TAP_FIRST + r * TAP_ROW) * TAP_FLOATS;
$ if by_row and TAPS_W > 1 then
$   include("conv_taps.c.t", {TAPS_W = TAPS_W, fetches_ahead = fetches_ahead, images = images,
$     reach = reach}, 8)
$ else
$   if TAPS_W > 0 then
        LATHE_UNROLL(${tap_unroll})
$   end
        for (int t = 0; t < TAPS_W; t++) {
            const int iw = ow0 * IN_STEP_W + FIRST_W + t * STEP_W;
            const float *weight_tap = weight_row + t * TAP_COLUMN * TAP_FLOATS;
$   if fetches_lines then
$     include("conv_lines.c.t", {pointwise = pointwise, images = images, columns = columns}, 12)
$   elseif fetches_ahead then -- the next tile's pixels; taps beyond a stride have been there
            const float *next = in_row + (ow0 + COLUMNS < OUT_W ? iw + COLUMNS * IN_STEP_W
                                          : IN_STEP_H * IN_W + FIRST_W + t * STEP_W) * IN_BLOCK;
$   end
$   if channel_unroll > 1 then
            LATHE_UNROLL(${channel_unroll})
$   end
            for (int c = 0; c < channels; c++) {
$   if fetches_ahead and not fetches_lines then
                if (t < IN_STEP_W)
                    for (int p = c; p < PIXELS; p += IN_BLOCK)
                        __builtin_prefetch(next + (size_t)(p / COLUMNS) * IN_IMAGE +
                                           p % COLUMNS * (IN_STEP_W * IN_BLOCK));
$   end
                vf tap[K_TILE];
                LATHE_UNROLL(${K_TILE})
                for (int j = 0; j < K_TILE; j++)
                    tap[j] = lathe_load(weight_tap + j * WEIGHT_BLOCK + c * V);
                LATHE_UNROLL(${pixels})
                for (int p = 0; p < PIXELS; p++) {
                    const int column = iw + p % COLUMNS * IN_STEP_W;
                    if (edge && (column < 0 || column >= IN_W))
                        continue;
                    const float *image = in_row + (size_t)(p / COLUMNS) * IN_IMAGE;
                    const vf pixel = lathe_splat(image[column * IN_BLOCK + c]);
                    LATHE_UNROLL(${K_TILE})
                    for (int j = 0; j < K_TILE; j++)
                        sum[p][j] += pixel * tap[j];
                }
            }
            LATHE_FENCE();
        }
$ end
    }
}
