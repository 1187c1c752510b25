$ -- Pixels that share a line of the caches are asked for at once, before the channels' loop: where
$ -- there is one tap, those of the next block of channels (a block's lines may meet in few of a
$ -- cache's sets, so that a whole tile's would push each other out), else the next tile's, but for
$ -- taps beyond a stride, which have been there.
$ if pointwise then
{
    enum { PLANE = IN_H * IN_W * IN_BLOCK, TILE = COLUMNS * IN_STEP_W * IN_BLOCK };
    const float *next =
        in_row + iw * IN_BLOCK + (cb + 1 < cb1 ? PLANE : TILE - (cb1 - 1 - cb0) * PLANE);
$ else
if (t < IN_STEP_W) {
    const float *next = in_row + (ow0 + COLUMNS < OUT_W ? iw + COLUMNS * IN_STEP_W
                                  : IN_STEP_H * IN_W + FIRST_W + t * STEP_W) * IN_BLOCK;
$ end
    LATHE_UNROLL(${images})
    for (int i = 0; i < PIXELS / COLUMNS; i++)
        LATHE_UNROLL(${columns})
        for (int w = 0; w < COLUMNS; w += LINE_PIXELS)
            __builtin_prefetch(next + (size_t)i * IN_IMAGE + w * (IN_STEP_W * IN_BLOCK));
}
